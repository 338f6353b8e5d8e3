#include "bridge/frigate_event.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/json_reader.h"
#include "text/utf8.h"

#include <stdio.h>
#include <string.h>

static bool is_id(const char *text) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", others[] = ".-_";
    size_t n = text ? strlen(text) : 0;
    if (n == 0 || n >= BRG_ID || !strpbrk(text, letters)) return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr(letters, text[i]) && !strchr(others, text[i])) return false;
    return text[0] != '.';
}

/* Copies a text for people to read; longer ones are cut, control characters become '?'. */
static void copy_shown(const char *text, char *out, size_t size) {
    size_t n = 0;
    for (const char *p = text, *end = p + strlen(p); p < end;) {
        char utf8[4];
        int32_t c = fct_utf8_next(&p, end);
        int length = fct_utf8_put(fct_utf8_is_control((uint32_t)c) ? '?' : (uint32_t)c, utf8);
        if (n + (size_t)length >= size) break;
        memcpy(out + n, utf8, (size_t)length);
        n += (size_t)length;
    }
    out[n] = 0;
}

static bool is_true(const fct_json *v) {
    bool b = false;
    return fct_json_get_bool(v, &b) && b;
}

static fct_status take(const fct_json *root, brg_event *out, fct_error *err) {
    static const char *const types[] = {"new", "update", "end"};
    const char *type = fct_json_get_text(fct_json_member(root, "type"));
    const fct_json *after = fct_json_member(root, "after");
    const char *id = fct_json_get_text(fct_json_member(after, "id"));
    const char *camera = fct_json_get_text(fct_json_member(after, "camera"));
    const char *label = fct_json_get_text(fct_json_member(after, "label"));
    const fct_json *sub = fct_json_member(after, "sub_label");
    int which = 0;
    while (type && which < 3 && strcmp(type, types[which]) != 0) which++;
    if (!type || which == 3) return fct_fail(err, FCT_ERR_FORMAT, "event: \"type\" is none of new, update, end");
    if (!is_id(id)) return fct_fail(err, FCT_ERR_FORMAT, "event: \"after\" has no proper \"id\"");
    if (!label) return fct_fail(err, FCT_ERR_FORMAT, "event %s: \"after\" has no \"label\"", id);
    out->type = (brg_event_type)which;
    snprintf(out->id, sizeof out->id, "%s", id);
    copy_shown(camera ? camera : "", out->camera, sizeof out->camera);
    out->is_person = strcmp(label, "person") == 0 && !is_true(fct_json_member(after, "false_positive"));
    out->has_snapshot = is_true(fct_json_member(after, "has_snapshot"));
    out->has_sub_label = sub && !fct_json_is(sub, FCT_JSON_NULL);
    return FCT_OK;
}

fct_status brg_event_read(const void *data, size_t size, brg_event *out, fct_error *err) {
    fct_json_doc doc = {0};
    memset(out, 0, sizeof *out);
    if (size > BRG_PAYLOAD_MOST) return fct_fail(err, FCT_ERR_LIMIT, "event: more than %d bytes", BRG_PAYLOAD_MOST);
    char *text = fct_alloc(size + 1); /* reading changes it */
    if (!text) return fct_fail_nomem(err, "event", size);
    if (size) memcpy(text, data, size);
    fct_status s = fct_json_parse(&doc, text, size, "event", err);
    if (!s) s = take(doc.values, out, err);
    if (s) memset(out, 0, sizeof *out);
    fct_json_free(&doc);
    fct_free(text);
    return s;
}

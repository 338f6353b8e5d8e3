#include "server/monitor_file.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/image.h"
#include "facet/privacy.h"

#include <stdio.h>
#include <string.h>

enum { FILE_VERSION = 1, FILE_BYTES = 4 << 20 };

fct_status srv_monitor_list_add(srv_monitor_list *l, const srv_monitor_config *c, fct_error *err) {
    srv_monitor_config *p = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "monitors", 0);
    l->at = p;
    l->at[l->n++] = *c;
    return FCT_OK;
}

void srv_monitor_list_free(srv_monitor_list *l) {
    for (size_t i = 0; i < l->n; i++) srv_monitor_config_free(&l->at[i]);
    fct_free(l->at);
    *l = (srv_monitor_list){0};
}

/* What a sealed address is bound to, so that it opens for this monitor alone. */
static void purpose_of(const srv_monitor_config *c, char out[SRV_MONITOR_ID + 16]) {
    snprintf(out, SRV_MONITOR_ID + 16, "monitor %s", c->id);
}

/* ---- Reading -------------------------------------------------------------------------------------- */

/* Opens a sealed address; where that is not possible now, keeps it as it is. */
static fct_status open_sealed(srv_monitor_config *c, const char *sealed, char **url, fct_error *err) {
    char purpose[SRV_MONITOR_ID + 16];
    purpose_of(c, purpose);
    fct_status s = fct_secret_open(NULL, purpose, sealed, url, err);
    if (s != FCT_ERR_NOT_FOUND && s != FCT_ERR_MISMATCH && s != FCT_ERR_UNSUPPORTED) return s;
    c->sealed = fct_strdup(sealed);
    return c->sealed ? FCT_OK : fct_fail_nomem(err, "monitors", 0);
}

fct_status srv_monitor_sealed_reason(const srv_monitor_config *c, fct_error *err) {
    char purpose[SRV_MONITOR_ID + 16], *url = NULL;
    purpose_of(c, purpose);
    fct_status s = fct_secret_open(NULL, purpose, c->sealed, &url, err);
    fct_buffer_free(url);
    if (s == FCT_ERR_NOT_FOUND)
        return fct_fail(err, FCT_ERR_MISMATCH, "the address is stored encrypted, and FCT_GALLERY_KEY is not set");
    return s ? s : fct_fail(err, FCT_ERR_MISMATCH, "the address is stored encrypted; start the server again");
}

static fct_status read_address(srv_monitor_config *c, const fct_json *v, srv_monitor_list *l, fct_error *err) {
    const char *type = fct_json_get_text(fct_json_member(v, "type"));
    const char *url = fct_json_get_text(fct_json_member(v, "url"));
    const char *sealed = fct_json_get_text(fct_json_member(v, "sealed"));
    srv_source_kind kind;
    char *opened = NULL;
    fct_error why;
    fct_status s = FCT_OK;
    if (!type || !srv_source_kind_find(type, &kind) || !fct_json_get_bool(fct_json_member(v, "loop"), &c->loop) ||
        !url == !sealed)
        return fct_fail(err, FCT_ERR_FORMAT, "\"address\"");
    c->kind = kind;
    if (sealed) s = open_sealed(c, sealed, &opened, err);
    else l->plain = true;
    if (s || c->sealed) return s;
    s = srv_address_check(url ? url : opened, &c->kind, &why);
    if (s || c->kind != kind) s = fct_fail(err, FCT_ERR_FORMAT, "\"address\"");
    else strcpy(c->address, url ? url : opened);
    fct_buffer_free(opened);
    return s;
}

/* Reads one monitor; a fault's text is the member that is wrong. */
static fct_status read_monitor(srv_monitor_config *c, const fct_json *v, srv_monitor_list *l, fct_error *err) {
    const char *id = fct_json_get_text(fct_json_member(v, "id"));
    srv_monitor_config_init(c);
    const char *bad = !id || !srv_monitor_id_is_good(id)                                                ? "\"id\""
                      : !fct_json_get_int(fct_json_member(v, "number"), &c->number) || c->number < 1    ? "\"number\""
                      : !fct_json_get_int(fct_json_member(v, "created"), &c->created) || c->created < 0 ? "\"created\""
                      : !fct_json_get_int(fct_json_member(v, "updated"), &c->updated) || c->updated < 0 ? "\"updated\""
                                                                                                        : NULL;
    if (!bad && l->n && c->number <= l->at[l->n - 1].number) bad = "\"number\"";
    for (size_t i = 0; i < l->n && !bad; i++)
        if (strcmp(l->at[i].id, id) == 0) bad = "\"id\"";
    if (bad) return fct_fail(err, FCT_ERR_FORMAT, "%s", bad);
    strcpy(c->id, id);
    fct_status s = read_address(c, fct_json_member(v, "address"), l, err);
    if (s) return s;
    return srv_monitor_config_read(c, fct_json_member(v, "settings"), false, err);
}

static fct_status read_list(const char *path, const fct_json *root, srv_monitor_list *out, fct_error *err) {
    int64_t version;
    const fct_json *list = fct_json_member(root, "monitors");
    if (!fct_json_get_int(fct_json_member(root, "version"), &version) || !fct_json_is(list, FCT_JSON_ARRAY) ||
        !fct_json_get_int(fct_json_member(root, "last_number"), &out->last_number))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: no file of monitors: \"version\", \"last_number\" or \"monitors\"",
                        path);
    if (version != FILE_VERSION)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: version %lld; this facet reads %d", path, (long long)version,
                        FILE_VERSION);
    for (const fct_json *v = fct_json_first(list); v; v = fct_json_next(list, v)) {
        srv_monitor_config c;
        fct_error why;
        fct_status s = read_monitor(&c, v, out, &why);
        if (!s) s = srv_monitor_list_add(out, &c, &why);
        if (s) srv_monitor_config_free(&c);
        if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, "monitors", 0);
        if (s) return fct_fail(err, FCT_ERR_FORMAT, "%s: monitor %zu has no proper %s", path, out->n + 1, why.text);
        if (out->n > SRV_MONITORS_MOST)
            return fct_fail(err, FCT_ERR_LIMIT, "%s: more than %d monitors", path, SRV_MONITORS_MOST);
    }
    if (out->n && out->last_number < out->at[out->n - 1].number) out->last_number = out->at[out->n - 1].number;
    return FCT_OK;
}

fct_status srv_monitor_file_parse(char *text, size_t size, const char *name, srv_monitor_list *out, fct_error *err) {
    fct_json_doc doc = {0};
    *out = (srv_monitor_list){0};
    fct_status s = fct_json_parse(&doc, text, size, name, err);
    if (!s) s = read_list(name, doc.values, out, err);
    if (s) srv_monitor_list_free(out);
    fct_json_free(&doc);
    return s;
}

fct_status srv_monitor_file_read(const char *path, srv_monitor_list *out, fct_error *err) {
    uint8_t *text;
    size_t size;
    fct_file_stat fs;
    *out = (srv_monitor_list){0};
    fct_file_get_stat(path, &fs);
    if (!fs.exists) return FCT_OK;
    fct_status s = fct_file_read(path, FILE_BYTES, &text, &size, err);
    if (s) return s;
    s = srv_monitor_file_parse((char *)text, size, path, out, err);
    fct_free(text);
    return s;
}

/* ---- Writing ---------------------------------------------------------------------------------------- */

/* "url" in the clear, or "sealed" where there is a key. */
static fct_status write_address(const srv_monitor_config *c, fct_json_writer *j, fct_error *err) {
    char purpose[SRV_MONITOR_ID + 16], *sealed = NULL;
    fct_status s = FCT_OK;
    fct_json_object(j, "address");
    fct_json_text(j, "type", srv_source_kind_name(c->kind));
    fct_json_bool(j, "loop", c->loop);
    purpose_of(c, purpose);
    if (c->sealed) fct_json_text(j, "sealed", c->sealed);
    else if (!(s = fct_secret_seal(NULL, purpose, c->address, &sealed, err))) fct_json_text(j, "sealed", sealed);
    else if (s == FCT_ERR_NOT_FOUND) fct_json_text(j, "url", c->address);
    fct_buffer_free(sealed);
    fct_json_close_object(j);
    return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
}

static fct_status write_monitor(const srv_monitor_config *c, fct_json_writer *j, fct_error *err) {
    fct_json_object(j, NULL);
    fct_json_text(j, "id", c->id);
    fct_json_int(j, "number", c->number);
    fct_json_int(j, "created", c->created);
    fct_json_int(j, "updated", c->updated);
    fct_status s = write_address(c, j, err);
    fct_json_object(j, "settings");
    srv_monitor_config_write(c, j);
    fct_json_close_object(j);
    fct_json_close_object(j);
    return s;
}

fct_status srv_monitor_file_write(const char *path, const srv_monitor_list *l, fct_error *err) {
    fct_buf text = {0};
    fct_json_writer j;
    fct_status s = FCT_OK;
    fct_json_to_buf(&j, &text);
    fct_json_object(&j, NULL);
    fct_json_int(&j, "version", FILE_VERSION);
    fct_json_int(&j, "last_number", l->last_number);
    fct_json_array(&j, "monitors");
    for (size_t i = 0; i < l->n && !s; i++) s = write_monitor(&l->at[i], &j, err);
    fct_json_close_array(&j);
    fct_json_close_object(&j);
    fct_json_end(&j);
    if (!s && text.failed) s = fct_fail_nomem(err, path, 0);
    if (!s) s = fct_file_write_private(path, text.data, text.size, err);
    fct_buf_free(&text);
    return s;
}

#include "server/monitor_config.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void srv_monitor_config_init(srv_monitor_config *c) {
    *c = (srv_monitor_config){.enabled = true,
                              .collection = "_default",
                              .fps = 2,
                              .threshold = NAN,
                              .buffer = 1000,
                              .days = 30,
                              .policy = {.confirm = 3, .absence = 3, .cooldown = 10, .unknown = true},
                              .preview = true};
}

void srv_monitor_config_free(srv_monitor_config *c) {
    fct_free(c->sealed);
    c->sealed = NULL;
}

/* Ids are names of files as well: nothing in them may mean something to a file system. */
static bool is_id(const char *id, bool underscore) {
    size_t n = strlen(id);
    if (n < 1 || n >= SRV_MONITOR_ID) return false;
    for (size_t i = 0; i < n; i++) {
        char c = id[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !(i ? strchr("._-", c) != NULL : underscore && c == '_')) return false;
    }
    return true;
}

bool srv_monitor_id_is_good(const char *id) { return is_id(id, false) && strcmp(id, "events") != 0; }

/* ---- Reading --------------------------------------------------------------------------------------- */

/* Where a setting is stored, and within which limits. */
typedef enum config_kind { CONFIG_TEXT, CONFIG_BOOL, CONFIG_INT, CONFIG_NUMBER } config_kind;
typedef struct config_member {
    const char *name;
    config_kind kind;
    size_t at; /* in srv_monitor_config */
    double low, high;
} config_member;

#define AT(field) offsetof(srv_monitor_config, field)
static const config_member settings[] = {
    {"name", CONFIG_TEXT, AT(name), 1, SRV_MONITOR_NAME - 1},
    {"description", CONFIG_TEXT, AT(description), 0, SRV_MONITOR_TEXT - 1},
    {"enabled", CONFIG_BOOL, AT(enabled), 0, 1},
    {"inference_fps", CONFIG_NUMBER, AT(fps), 0.1, 30},
    {"event_buffer_size", CONFIG_INT, AT(buffer), 10, 10000},
    {"event_retention_days", CONFIG_INT, AT(days), 0, 3650},
    {"preview_enabled", CONFIG_BOOL, AT(preview), 0, 1},
    {0},
};
static const config_member policy_settings[] = {
    {"confirm_frames", CONFIG_INT, AT(policy.confirm), 1, 30},
    {"absence_timeout_seconds", CONFIG_NUMBER, AT(policy.absence), 0.5, 3600},
    {"cooldown_seconds", CONFIG_NUMBER, AT(policy.cooldown), 0, 86400},
    {"emit_unknown", CONFIG_BOOL, AT(policy.unknown), 0, 1},
    {0},
};

static bool is_clean(const char *text) {
    for (const char *p = text, *end = p + strlen(p); p < end;)
        if (fct_utf8_is_control((uint32_t)fct_utf8_next(&p, end))) return false;
    return true;
}

static fct_status read_text(const fct_json *v, const config_member *s, char *out, fct_error *err) {
    const char *text = fct_json_get_text(v);
    size_t n = text ? strlen(text) : 0;
    if (!text || n < (size_t)s->low || n > (size_t)s->high || !is_clean(text))
        return fct_fail(err, FCT_ERR_ARG, "%s: must be a text of %g to %g bytes without control characters", s->name,
                        s->low, s->high);
    memcpy(out, text, n + 1);
    return FCT_OK;
}

static fct_status read_number(const fct_json *v, const config_member *s, void *out, fct_error *err) {
    double x;
    int64_t whole = 0;
    bool fine = fct_json_get_number(v, &x) && x >= s->low && x <= s->high;
    if (fine && s->kind == CONFIG_INT) fine = fct_json_get_int(v, &whole);
    if (!fine)
        return fct_fail(err, FCT_ERR_ARG, "%s: must be a %snumber from %g to %g", s->name,
                        s->kind == CONFIG_INT ? "whole " : "", s->low, s->high);
    if (s->kind == CONFIG_INT) *(int *)out = (int)whole;
    else *(double *)out = x;
    return FCT_OK;
}

static fct_status read_setting(srv_monitor_config *c, const fct_json *v, const config_member *s, fct_error *err) {
    void *at = (char *)c + s->at;
    if (s->kind == CONFIG_TEXT) return read_text(v, s, at, err);
    if (s->kind != CONFIG_BOOL) return read_number(v, s, at, err);
    return fct_json_get_bool(v, at) ? FCT_OK : fct_fail(err, FCT_ERR_ARG, "%s: must be true or false", s->name);
}

static const config_member *find_setting(const config_member *list, const char *name) {
    for (; list->name; list++)
        if (strcmp(list->name, name) == 0) return list;
    return NULL;
}

static fct_status read_policy(srv_monitor_config *c, const fct_json *v, fct_error *err) {
    if (!fct_json_is(v, FCT_JSON_OBJECT)) return fct_fail(err, FCT_ERR_ARG, "event_policy: must be an object");
    fct_status st = FCT_OK;
    for (const fct_json *m = fct_json_first(v); m && !st; m = fct_json_next(v, m)) {
        const config_member *s = find_setting(policy_settings, m->key);
        st =
            s ? read_setting(c, m, s, err) : fct_fail(err, FCT_ERR_ARG, "event_policy: there is no such setting in it");
    }
    return st;
}

static fct_status read_threshold(srv_monitor_config *c, const fct_json *v, fct_error *err) {
    double x = NAN;
    if (!fct_json_is(v, FCT_JSON_NULL) && !(fct_json_get_number(v, &x) && x >= -1 && x <= 1))
        return fct_fail(err, FCT_ERR_ARG, "match_threshold: must be a number from -1 to 1, or null");
    c->threshold = (float)x;
    return FCT_OK;
}

static fct_status read_collection(srv_monitor_config *c, const fct_json *v, fct_error *err) {
    const char *text = fct_json_get_text(v);
    if (!text || !is_id(text, true)) return fct_fail(err, FCT_ERR_ARG, "collection_id: is no id of a collection");
    strcpy(c->collection, text);
    return FCT_OK;
}

/* Reads {"type":..,"url":..,"loop":..}. A type may be left out, since the address tells it. */
static fct_status read_source(srv_monitor_config *c, const fct_json *v, fct_error *err) {
    const char *type = fct_json_get_text(fct_json_member(v, "type"));
    const char *url = fct_json_get_text(fct_json_member(v, "url"));
    srv_source_kind wanted;
    if (!fct_json_is(v, FCT_JSON_OBJECT)) return fct_fail(err, FCT_ERR_ARG, "source: must be an object");
    for (const fct_json *m = fct_json_first(v); m; m = fct_json_next(v, m)) {
        bool is_loop = strcmp(m->key, "loop") == 0;
        if (is_loop && !fct_json_get_bool(m, &c->loop))
            return fct_fail(err, FCT_ERR_ARG, "source: loop must be true or false");
        if (!is_loop && strcmp(m->key, "type") && strcmp(m->key, "url"))
            return fct_fail(err, FCT_ERR_ARG, "source: has type, url and loop, and nothing else");
    }
    if (fct_json_member(v, "url")) {
        if (!url) return fct_fail(err, FCT_ERR_ARG, "source: url must be a text");
        fct_status s = srv_address_check(url, &c->kind, err);
        if (s) return s;
        strcpy(c->address, url);
        srv_monitor_config_free(c);
    }
    if (!fct_json_member(v, "type")) return FCT_OK;
    if (!type || !srv_source_kind_find(type, &wanted))
        return fct_fail(err, FCT_ERR_ARG, "source: type is none of camera, file, http, https, rtsp");
    return wanted == c->kind ? FCT_OK : fct_fail(err, FCT_ERR_ARG, "source: the url is not of type %s", type);
}

static fct_status read_id(srv_monitor_config *c, const fct_json *v, fct_error *err) {
    const char *text = fct_json_get_text(v);
    if (!text || !srv_monitor_id_is_good(text))
        return fct_fail(err, FCT_ERR_ARG, "id: must be a letter or digit, then up to 63 of these, '.', '_' and '-'");
    strcpy(c->id, text);
    return FCT_OK;
}

static fct_status read_member(srv_monitor_config *c, const fct_json *m, bool is_new, fct_error *err) {
    const config_member *s = find_setting(settings, m->key);
    if (s) return read_setting(c, m, s, err);
    if (strcmp(m->key, "source") == 0) return read_source(c, m, err);
    if (strcmp(m->key, "event_policy") == 0) return read_policy(c, m, err);
    if (strcmp(m->key, "match_threshold") == 0) return read_threshold(c, m, err);
    if (strcmp(m->key, "collection_id") == 0) return read_collection(c, m, err);
    if (is_new && strcmp(m->key, "id") == 0) return read_id(c, m, err);
    return fct_fail(err, FCT_ERR_ARG, "%s: there is no such setting", m->key);
}

fct_status srv_monitor_config_read(srv_monitor_config *c, const fct_json *v, bool is_new, fct_error *err) {
    fct_status s = FCT_OK;
    if (!fct_json_is(v, FCT_JSON_OBJECT)) return fct_fail(err, FCT_ERR_ARG, "settings: must be a JSON object");
    for (const fct_json *m = fct_json_first(v); m && !s; m = fct_json_next(v, m)) s = read_member(c, m, is_new, err);
    if (!s && !*c->name) s = fct_fail(err, FCT_ERR_ARG, "name: is missing");
    if (!s && !*c->address && !c->sealed) s = fct_fail(err, FCT_ERR_ARG, "source: url is missing");
    return s;
}

/* ---- Writing ----------------------------------------------------------------------------------------- */

static void write_settings(const srv_monitor_config *c, const config_member *s, fct_json_writer *j) {
    for (; s->name; s++) {
        const void *at = (const char *)c + s->at;
        if (s->kind == CONFIG_TEXT) fct_json_text(j, s->name, at);
        else if (s->kind == CONFIG_BOOL) fct_json_bool(j, s->name, *(const bool *)at);
        else if (s->kind == CONFIG_INT) fct_json_int(j, s->name, *(const int *)at);
        else fct_json_number(j, s->name, *(const double *)at, 3);
    }
}

void srv_monitor_config_write(const srv_monitor_config *c, fct_json_writer *j) {
    write_settings(c, settings, j);
    fct_json_text(j, "collection_id", c->collection);
    if (isnan(c->threshold)) fct_json_null(j, "match_threshold");
    else fct_json_number(j, "match_threshold", c->threshold, 6);
    fct_json_object(j, "event_policy");
    write_settings(c, policy_settings, j);
    fct_json_close_object(j);
}

#include "server/collections.h"

#include "base/alloc.h"
#include "base/error.h"
#include "text/decimal.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_DAYS = 30 };

fct_status srv_collection_find(srv_core *c, const char *text, int64_t *id, fct_error *err) {
    *id = SRV_COLLECTION_DEFAULT;
    if (strcmp(text, SRV_DEFAULT_NAME) == 0) return FCT_OK;
    if (*text != '.') return fct_gallery_find_collection(c->gallery, text, id, err);
    *id = 0;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "there is no such collection");
}

void srv_work_in(int64_t id) { fct_gallery_work_in(id); }

int64_t srv_place(void) { return fct_gallery_works_in(); }

/* ---- Settings ---------------------------------------------------------------------------------- */

/* *out is owned (fct_buffer_free); NULL = not set. */
static fct_status read_setting(srv_core *c, int64_t id, const char *key, char **out, fct_error *err) {
    fct_status s = fct_gallery_get_setting(c->gallery, id, key, out, err);
    return s == FCT_ERR_NOT_FOUND ? FCT_OK : s;
}

fct_status srv_setting_bool(srv_core *c, int64_t id, const char *key, bool fallback, bool *out, fct_error *err) {
    char *text;
    *out = fallback;
    fct_status s = read_setting(c, id, key, &text, err);
    if (!s && text) *out = strcmp(text, "0") != 0;
    fct_buffer_free(text);
    return s;
}

fct_status srv_setting_int(srv_core *c, int64_t id, const char *key, int fallback, int *out, fct_error *err) {
    char *text;
    *out = fallback;
    fct_status s = read_setting(c, id, key, &text, err);
    size_t n = text ? strlen(text) : 0;
    if (!s && n && n < 11 && strspn(text, "0123456789") == n) {
        long long v = strtoll(text, NULL, 10);
        *out = v < INT_MAX ? (int)v : INT_MAX;
    }
    fct_buffer_free(text);
    return s;
}

void srv_decimal(double v, char *out) {
    int millionths = (int)(fmin(fabs(v), 1) * 1e6 + 0.5);
    snprintf(out, 32, "%s%d.%06d", v < 0 ? "-" : "", millionths / 1000000, millionths % 1000000);
}

fct_status srv_setting_set_int(srv_core *c, int64_t id, const char *key, int value, fct_error *err) {
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    return fct_gallery_set_setting(c->gallery, id, key, text, err);
}

fct_status srv_collection_read(srv_core *c, int64_t id, srv_collection *out, fct_error *err) {
    char *own = NULL;
    *out = (srv_collection){.id = id, .own = NAN};
    fct_status s = read_setting(c, id, "title", &out->title, err);
    if (!s) s = read_setting(c, id, "description", &out->description, err);
    if (!s) s = read_setting(c, id, "metadata", &out->metadata, err);
    if (!s) s = srv_setting_bool(c, id, "crops", true, &out->save_crops, err);
    if (!s) s = srv_setting_bool(c, id, "unknown", false, &out->keep_unknown, err);
    if (!s) s = srv_setting_int(c, id, "unknown.days", UNKNOWN_DAYS, &out->unknown_days, err);
    if (!s) s = read_setting(c, id, "threshold", &own, err);
    double number;
    if (!s && own && fct_decimal(own, strlen(own), &number)) out->own = (float)number;
    fct_buffer_free(own);
    if (s) srv_collection_clear(out);
    return s;
}

void srv_collection_clear(srv_collection *x) {
    fct_buffer_free(x->title);
    fct_buffer_free(x->description);
    fct_buffer_free(x->metadata);
    *x = (srv_collection){.own = NAN};
}

fct_status srv_unknown_place(srv_core *c, int64_t id, bool make, int64_t *out, fct_error *err) {
    char name[40];
    snprintf(name, sizeof name, ".unknown %lld", (long long)id);
    *out = 0;
    fct_status s = fct_gallery_find_collection(c->gallery, name, out, err);
    if (s == FCT_ERR_NOT_FOUND) s = make ? fct_gallery_add_collection(c->gallery, name, out, err) : FCT_OK;
    return s;
}

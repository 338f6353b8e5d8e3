/* What a value that was read is asked for. */
#include "text/json_reader.h"

#include <math.h>
#include <string.h>

bool fct_json_is(const fct_json *v, fct_json_kind kind) { return v && v->kind == kind; }

static bool has_children(const fct_json *v) { return v && v->kind >= FCT_JSON_ARRAY && v->length; }

const fct_json *fct_json_first(const fct_json *v) { return has_children(v) ? v + 1 : NULL; }

const fct_json *fct_json_next(const fct_json *parent, const fct_json *child) {
    const fct_json *next = child + child->span;
    return next < parent + parent->span ? next : NULL;
}

const fct_json *fct_json_member(const fct_json *v, const char *key) {
    if (!fct_json_is(v, FCT_JSON_OBJECT)) return NULL;
    for (const fct_json *c = fct_json_first(v); c; c = fct_json_next(v, c))
        if (strcmp(c->key, key) == 0) return c;
    return NULL;
}

const char *fct_json_get_text(const fct_json *v) { return fct_json_is(v, FCT_JSON_TEXT) ? v->text : NULL; }

bool fct_json_get_number(const fct_json *v, double *out) {
    if (!fct_json_is(v, FCT_JSON_NUMBER)) return false;
    *out = v->number;
    return true;
}

bool fct_json_get_int(const fct_json *v, int64_t *out) {
    const double most = 9007199254740992.0; /* 2^53 */
    if (!fct_json_is(v, FCT_JSON_NUMBER) || fabs(v->number) > most || v->number != floor(v->number)) return false;
    *out = (int64_t)v->number;
    return true;
}

bool fct_json_get_bool(const fct_json *v, bool *out) {
    if (!fct_json_is(v, FCT_JSON_TRUE) && !fct_json_is(v, FCT_JSON_FALSE)) return false;
    *out = v->kind == FCT_JSON_TRUE;
    return true;
}

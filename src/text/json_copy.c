#include "text/json_copy.h"

static bool copy_children(fct_json_writer *w, const fct_json *v, int left) {
    bool good = left > 0;
    for (const fct_json *c = fct_json_first(v); c && good; c = fct_json_next(v, c))
        good = fct_json_copy(w, c->key, c, left - 1);
    return good;
}

bool fct_json_copy(fct_json_writer *w, const char *key, const fct_json *v, int deepest) {
    bool good = true;
    int64_t whole;
    switch ((fct_json_kind)v->kind) {
    case FCT_JSON_NULL:
        return fct_json_null(w, key), true;
    case FCT_JSON_FALSE:
    case FCT_JSON_TRUE:
        return fct_json_bool(w, key, v->kind == FCT_JSON_TRUE), true;
    case FCT_JSON_NUMBER:
        if (fct_json_get_int(v, &whole)) fct_json_int(w, key, whole);
        else fct_json_double(w, key, v->number);
        return true;
    case FCT_JSON_TEXT:
        return fct_json_text(w, key, v->text), true;
    case FCT_JSON_ARRAY:
        fct_json_array(w, key);
        good = copy_children(w, v, deepest);
        fct_json_close_array(w);
        return good;
    default:
        fct_json_object(w, key);
        good = copy_children(w, v, deepest);
        fct_json_close_object(w);
        return good;
    }
}

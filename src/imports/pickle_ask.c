/* Taking texts and vectors out of a pickle's values. */
#include "imports/pickle.h"
#include "text/utf8.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_kind(const fct_pickle_value *v, fct_pickle_kind kind) { return v && v->kind == kind; }

const fct_pickle_value *fct_pickle_member(const fct_pickle_value *v, const char *key) {
    size_t length = strlen(key);
    if (!is_kind(v, FCT_PICKLE_DICT)) return NULL;
    for (size_t i = 0; i + 1 < v->items.n; i += 2) {
        const fct_pickle_value *k = v->items.at[i];
        if ((k->kind == FCT_PICKLE_TEXT || k->kind == FCT_PICKLE_BYTES) && k->bytes.size == length &&
            memcmp(k->bytes.at, key, length) == 0)
            return v->items.at[i + 1];
    }
    return NULL;
}

size_t fct_pickle_count(const fct_pickle_value *v) {
    if (is_kind(v, FCT_PICKLE_LIST)) return v->items.n;
    return is_kind(v, FCT_PICKLE_ARRAY) && v->array->rank ? v->array->shape[0] : 0;
}

/* ---- Texts ------------------------------------------------------------------------------ */

static bool copy_text(const uint8_t *p, size_t n, char *out, size_t cap) {
    if (n >= cap || !fct_utf8_valid((const char *)p, n) || memchr(p, 0, n)) return false;
    memcpy(out, p, n);
    out[n] = 0;
    return true;
}

/* A text of UTF-32 (U) or bytes (S), up to its first NUL. */
static bool array_text(const fct_pickle_array *a, size_t i, char *out, size_t cap) {
    const uint8_t *p = a->data + i * a->type.size;
    size_t n = 0;
    if (a->type.kind == 'S') {
        while (n < a->type.size && p[n]) n++;
        return copy_text(p, n, out, cap);
    }
    for (size_t k = 0; k + 4 <= a->type.size; k += 4) {
        uint32_t code = a->type.big_endian
                            ? (uint32_t)p[k] << 24 | (uint32_t)p[k + 1] << 16 | (uint32_t)p[k + 2] << 8 | p[k + 3]
                            : (uint32_t)p[k + 3] << 24 | (uint32_t)p[k + 2] << 16 | (uint32_t)p[k + 1] << 8 | p[k];
        if (!code) break;
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || n + 5 > cap) return false;
        n += (size_t)fct_utf8_put(code, out + n);
    }
    if (n >= cap) return false;
    out[n] = 0;
    return true;
}

static bool is_text_array(const fct_pickle_value *v) {
    return is_kind(v, FCT_PICKLE_ARRAY) && v->array->data && (v->array->type.kind == 'U' || v->array->type.kind == 'S');
}

bool fct_pickle_text(const fct_pickle_value *v, char *out, size_t cap) {
    if (is_text_array(v) && v->array->rank == 0) return array_text(v->array, 0, out, cap);
    if (!is_kind(v, FCT_PICKLE_TEXT) && !is_kind(v, FCT_PICKLE_BYTES)) return false;
    return copy_text(v->bytes.at, v->bytes.size, out, cap);
}

bool fct_pickle_text_at(const fct_pickle_value *v, size_t i, char *out, size_t cap) {
    if (i >= fct_pickle_count(v)) return false;
    if (v->kind == FCT_PICKLE_LIST) return fct_pickle_text(v->items.at[i], out, cap);
    if (v->array->objects) return v->array->rank == 1 && fct_pickle_text(v->array->objects->items.at[i], out, cap);
    return is_text_array(v) && v->array->rank == 1 && array_text(v->array, i, out, cap);
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* IEEE 754 half precision. */
static double half(uint16_t h) {
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h & 0x8000 ? -v : v;
}

static bool is_numeric(const fct_pickle_array *a) {
    uint32_t n = a->type.size;
    if (!a->data) return false;
    if (a->type.kind == 'f') return n == 2 || n == 4 || n == 8;
    return strchr("iub", a->type.kind) && (n == 1 || n == 2 || n == 4 || n == 8);
}

/* The i-th number of a numeric array, in the order of its bytes. */
static double array_number(const fct_pickle_array *a, size_t i) {
    uint32_t n = a->type.size;
    const uint8_t *p = a->data + i * n;
    uint64_t bits = 0;
    for (uint32_t k = 0; k < n; k++) bits = bits << 8 | p[a->type.big_endian ? k : n - 1 - k];
    if (a->type.kind == 'f' && n == 2) return half((uint16_t)bits);
    if (a->type.kind == 'f' && n == 4) {
        float f;
        uint32_t word = (uint32_t)bits;
        memcpy(&f, &word, sizeof f);
        return f;
    }
    if (a->type.kind == 'f') {
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
    }
    if (a->type.kind != 'i' || n == 8) return a->type.kind == 'i' ? (double)(int64_t)bits : (double)bits;
    return (double)(int64_t)(bits << (64 - 8 * n)) / ldexp(1, 64 - 8 * (int)n);
}

static bool single_number(const fct_pickle_value *v, double *out) {
    if (is_kind(v, FCT_PICKLE_INT) || is_kind(v, FCT_PICKLE_BOOL)) return *out = (double)v->integer, true;
    if (is_kind(v, FCT_PICKLE_FLOAT)) return *out = v->number, true;
    if (!is_kind(v, FCT_PICKLE_ARRAY) || v->array->rank || !is_numeric(v->array)) return false;
    return *out = array_number(v->array, 0), true;
}

static size_t list_size(const fct_pickle_value *v) {
    double x;
    for (size_t i = 0; i < v->items.n; i++)
        if (!single_number(v->items.at[i], &x)) return 0;
    return v->items.n;
}

static void read_list(const fct_pickle_value *v, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double x = 0;
        single_number(v->items.at[i], &x);
        out[i] = (float)x;
    }
}

/* Columns of an array seen as rows: of shape (n, d) or (n, 1, d). 0 = it is none. */
static size_t columns_of(const fct_pickle_array *a) {
    if (!is_numeric(a)) return 0;
    if (a->rank == 2) return a->shape[1];
    return a->rank == 3 && a->shape[1] == 1 && !a->fortran ? a->shape[2] : 0;
}

static void read_row(const fct_pickle_array *a, size_t row, float *out, size_t n) {
    for (size_t k = 0; k < n; k++) out[k] = (float)array_number(a, a->fortran ? k * a->shape[0] + row : row * n + k);
}

size_t fct_pickle_vector_size(const fct_pickle_value *v) {
    if (is_kind(v, FCT_PICKLE_LIST)) return list_size(v);
    if (!is_kind(v, FCT_PICKLE_ARRAY)) return 0;
    if (v->array->objects) return v->array->rank == 1 ? list_size(v->array->objects) : 0;
    if (v->array->rank == 1) return is_numeric(v->array) ? v->array->shape[0] : 0;
    return v->array->rank == 2 && v->array->shape[0] == 1 ? columns_of(v->array) : 0;
}

bool fct_pickle_vector(const fct_pickle_value *v, float *out, size_t n) {
    if (!n || fct_pickle_vector_size(v) != n) return false;
    if (v->kind == FCT_PICKLE_LIST) read_list(v, out, n);
    else if (v->array->objects) read_list(v->array->objects, out, n);
    else
        for (size_t k = 0; k < n; k++) out[k] = (float)array_number(v->array, k);
    return true;
}

/* The i-th item where it is a value of its own; NULL in an array of numbers. */
static const fct_pickle_value *item_at(const fct_pickle_value *v, size_t i) {
    if (v->kind == FCT_PICKLE_LIST) return v->items.at[i];
    return v->array->objects && v->array->rank == 1 ? v->array->objects->items.at[i] : NULL;
}

size_t fct_pickle_vector_size_at(const fct_pickle_value *v, size_t i) {
    if (i >= fct_pickle_count(v)) return 0;
    const fct_pickle_value *item = item_at(v, i);
    return item ? fct_pickle_vector_size(item) : columns_of(v->array);
}

bool fct_pickle_vector_at(const fct_pickle_value *v, size_t i, float *out, size_t n) {
    if (!n || fct_pickle_vector_size_at(v, i) != n) return false;
    const fct_pickle_value *item = item_at(v, i);
    if (item) return fct_pickle_vector(item, out, n);
    read_row(v->array, i, out, n);
    return true;
}

const char *fct_pickle_describe(const fct_pickle_value *v, char *out, size_t cap) {
    static const char *const kinds[] = {"None",   "a truth value", "a number", "a number", "bytes",      "a text",
                                        "a list", "a dictionary",  "an array", "a type",   "a function", "a mark"};
    size_t n = 0;
    if (!is_kind(v, FCT_PICKLE_ARRAY)) {
        snprintf(out, cap, "%s", v ? kinds[v->kind] : "nothing");
        return out;
    }
    n = (size_t)snprintf(out, cap, "an array of shape (");
    for (int i = 0; i < v->array->rank && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%zu", i ? ", " : "", v->array->shape[i]);
    if (n < cap) snprintf(out + n, cap - n, ")");
    return out;
}

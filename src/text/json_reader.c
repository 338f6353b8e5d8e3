/* A descent without recursion: the values that are open are a stack of indices,
 * so that depth costs 4 bytes of it and no machine stack. Texts are decoded where
 * they stand, because an escape is never shorter than what it means. */
#include "text/decimal.h"
#include "text/json_reader.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct json_reader {
    fct_json_doc *doc;
    char *p, *end;
    char *line_begin;
    int line;
    const char *why; /* what is wrong, once something is */
    fct_status status;
    uint32_t open[FCT_JSON_DEEPEST]; /* arrays and objects that are not closed yet, by index */
    int depth;
} json_reader;

static bool fail(json_reader *r, fct_status s, const char *why) {
    r->status = s;
    r->why = why;
    return false;
}

static bool wrong(json_reader *r, const char *why) { return fail(r, FCT_ERR_FORMAT, why); }

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Line breaks stand here alone: inside a string they would be control characters. */
static void skip_blanks(json_reader *r) {
    for (; r->p < r->end && is_blank(*r->p); r->p++)
        if (*r->p == '\n') r->line++, r->line_begin = r->p + 1;
}

/* Skips blanks and one given character, where it is there. */
static bool accept(json_reader *r, char wanted) {
    skip_blanks(r);
    if (r->p == r->end || *r->p != wanted) return false;
    r->p++;
    return true;
}

/* ---- Texts ----------------------------------------------------------------------- */

static bool hex4(json_reader *r, uint32_t *out) {
    if (r->end - r->p < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char h = *r->p++;
        int d = h >= '0' && h <= '9' ? h - '0' : (h | 32) >= 'a' && (h | 32) <= 'f' ? (h | 32) - 'a' + 10 : -1;
        if (d < 0) return false;
        *out = *out << 4 | (uint32_t)d;
    }
    return true;
}

/* What stands behind "\u": one code unit of UTF-16, or a pair of them. */
static bool read_unicode(json_reader *r, char **to) {
    uint32_t code, low;
    if (!hex4(r, &code) || code == 0) return wrong(r, "has a bad escape in a string");
    if (code >= 0xD800 && code < 0xDC00) {
        if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u') return wrong(r, "has half a surrogate pair");
        r->p += 2;
        if (!hex4(r, &low) || low < 0xDC00 || low > 0xDFFF) return wrong(r, "has half a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) return wrong(r, "has half a surrogate pair");
    *to += fct_utf8_put(code, *to);
    return true;
}

/* What stands behind a backslash. */
static bool read_escape(json_reader *r, char **to) {
    static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (r->p == r->end) return wrong(r, "ends inside a string");
    char letter = *r->p++;
    if (letter == 'u') return read_unicode(r, to);
    const char *at = letter ? strchr(letters, letter) : NULL;
    if (!at) return wrong(r, "has a bad escape in a string");
    *(*to)++ = meaning[at - letters];
    return true;
}

/* A string from its first quotation mark on; *out is terminated with a NUL. */
static bool read_text(json_reader *r, char **out, size_t *length) {
    if (!accept(r, '"')) return wrong(r, "has no string where one belongs");
    char *to = *out = r->p;
    while (r->p < r->end && *r->p != '"') {
        unsigned char c = (unsigned char)*r->p;
        if (c == '\\') {
            r->p++;
            if (!read_escape(r, &to)) return false;
            continue;
        }
        if (c < 0x20) return wrong(r, "has a control character in a string");
        int n = fct_utf8_length(r->p, (size_t)(r->end - r->p));
        if (!n) return wrong(r, "has a string that is not UTF-8");
        memmove(to, r->p, (size_t)n);
        to += n;
        r->p += n;
    }
    if (r->p == r->end) return wrong(r, "ends inside a string");
    r->p++;
    *to = 0;
    *length = (size_t)(to - *out);
    return true;
}

/* ---- Numbers --------------------------------------------------------------------- */

static bool skip_digits(json_reader *r) {
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9') r->p++;
    return r->p > from;
}

/* Checks the number against JSON's grammar, which is narrower than strtod()'s, then converts it. */
static bool read_number(json_reader *r, double *out) {
    const char *from = r->p;
    if (r->p < r->end && *r->p == '-') r->p++;
    bool zero = r->p < r->end && *r->p == '0';
    const char *digits = r->p;
    if (!skip_digits(r)) return wrong(r, "has no value where one belongs");
    if (zero && r->p > digits + 1) return wrong(r, "has a number with a leading zero");
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!skip_digits(r)) return wrong(r, "has a bad number");
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '-' || *r->p == '+')) r->p++;
        if (!skip_digits(r)) return wrong(r, "has a bad number");
    }
    size_t n = (size_t)(r->p - from);
    if (!fct_decimal(from, n, out)) return fail(r, FCT_ERR_NOMEM, NULL);
    return isfinite(*out) || wrong(r, "has a number that is too large");
}

/* ---- Values ---------------------------------------------------------------------- */

static fct_json *add_value(json_reader *r, const char *key, fct_json_kind kind) {
    fct_json_doc *d = r->doc;
    if (d->n >= FCT_JSON_MOST_VALUES) return fail(r, FCT_ERR_LIMIT, "has too many values"), NULL;
    fct_json *v = fct_grow(d->values, &d->capacity, d->n + 1, sizeof *v);
    if (!v) return fail(r, FCT_ERR_NOMEM, NULL), NULL;
    d->values = v;
    v += d->n++;
    *v = (fct_json){.key = key, .kind = (uint8_t)kind, .span = 1};
    return v;
}

static int by_key(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Whether no two members of an object have the same name. */
static bool check_names(json_reader *r, const fct_json *object) {
    const char *few[16], **names = few;
    if (object->length > 16) names = fct_calloc(object->length, sizeof *names);
    if (!names) return fail(r, FCT_ERR_NOMEM, NULL);
    size_t n = 0;
    for (const fct_json *c = fct_json_first(object); c; c = fct_json_next(object, c)) names[n++] = c->key;
    qsort(names, n, sizeof *names, by_key);
    bool twice = false;
    for (size_t i = 1; i < n && !twice; i++) twice = strcmp(names[i - 1], names[i]) == 0;
    if (names != few) fct_free(names);
    return twice ? wrong(r, "has a member twice") : true;
}

static bool close_value(json_reader *r) {
    fct_json *v = &r->doc->values[r->open[--r->depth]];
    v->span = (uint32_t)(r->doc->n - r->open[r->depth]);
    return v->kind != FCT_JSON_OBJECT || check_names(r, v);
}

static bool open_value(json_reader *r, const char *key, fct_json_kind kind) {
    if (r->depth == FCT_JSON_DEEPEST) return fail(r, FCT_ERR_LIMIT, "is nested too deep");
    if (!add_value(r, key, kind)) return false;
    r->open[r->depth++] = (uint32_t)(r->doc->n - 1);
    r->p++;
    return accept(r, kind == FCT_JSON_ARRAY ? ']' : '}') ? close_value(r) : true;
}

static bool accept_word(json_reader *r, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

static bool read_scalar(json_reader *r, const char *key) {
    fct_json v = {.kind = FCT_JSON_NULL};
    if (*r->p == '"') {
        char *text;
        size_t length;
        if (!read_text(r, &text, &length)) return false;
        if (length > UINT32_MAX) return fail(r, FCT_ERR_LIMIT, "has a string that is too long");
        v = (fct_json){.kind = FCT_JSON_TEXT, .text = text, .length = (uint32_t)length};
    } else if (accept_word(r, "true")) v.kind = FCT_JSON_TRUE;
    else if (accept_word(r, "false")) v.kind = FCT_JSON_FALSE;
    else if (!accept_word(r, "null")) {
        v.kind = FCT_JSON_NUMBER;
        if (!read_number(r, &v.number)) return false;
    }
    fct_json *to = add_value(r, key, (fct_json_kind)v.kind);
    if (!to) return false;
    v.key = key;
    v.span = 1;
    *to = v;
    return true;
}

/* The name before a member's value. */
static bool read_key(json_reader *r, char **key) {
    size_t length;
    if (!read_text(r, key, &length)) return false;
    return accept(r, ':') || wrong(r, "has a member without a value");
}

/* One value with what leads to it; an array or object is only opened. */
static bool read_value(json_reader *r) {
    char *key = NULL;
    if (r->depth) {
        fct_json *parent = &r->doc->values[r->open[r->depth - 1]];
        parent->length++;
        if (parent->kind == FCT_JSON_OBJECT && !read_key(r, &key)) return false;
    }
    skip_blanks(r);
    if (r->p == r->end) return wrong(r, "ends where a value belongs");
    if (*r->p == '{') return open_value(r, key, FCT_JSON_OBJECT);
    if (*r->p == '[') return open_value(r, key, FCT_JSON_ARRAY);
    return read_scalar(r, key);
}

/* What may stand behind a value: a comma, or the ends of all that it ends. */
static bool read_ends(json_reader *r) {
    while (r->depth && !accept(r, ',')) {
        bool array = r->doc->values[r->open[r->depth - 1]].kind == FCT_JSON_ARRAY;
        if (!accept(r, array ? ']' : '}')) return wrong(r, array ? "has an array that is not closed" : "is not closed");
        if (!close_value(r)) return false;
    }
    return true;
}

static bool read_all(json_reader *r) {
    if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0) r->p += 3;
    do {
        int before = r->depth;
        if (!read_value(r)) return false;
        /* An array or object that was just opened begins with a value, not with a comma. */
        if (r->depth <= before && !read_ends(r)) return false;
    } while (r->depth);
    skip_blanks(r);
    return r->p == r->end || wrong(r, "goes on behind its value");
}

fct_status fct_json_read(fct_json_doc *doc, char *text, size_t len, fct_json_fault *fault) {
    json_reader r = {.doc = doc, .p = text, .end = text + len, .line_begin = text, .line = 1};
    doc->n = 0;
    *fault = (fct_json_fault){0};
    text[len] = 0;
    if (read_all(&r)) return FCT_OK;
    doc->n = 0;
    if (r.why) *fault = (fct_json_fault){r.why, (size_t)(r.p - text), r.line, (int)(r.p - r.line_begin) + 1};
    return r.status;
}

fct_status fct_json_parse(fct_json_doc *doc, char *text, size_t len, const char *name, fct_error *err) {
    fct_json_fault fault;
    fct_status s = fct_json_read(doc, text, len, &fault);
    if (!s) return FCT_OK;
    if (!fault.why) return fct_fail_nomem(err, name, len);
    return fct_fail(err, s, "%s: line %d, column %d: %s", name, fault.line, fault.column, fault.why);
}

void fct_json_free(fct_json_doc *doc) {
    fct_free(doc->values);
    *doc = (fct_json_doc){0};
}

#include "gallery/jsonl.h"
#include <math.h>
#include <string.h>

/* Strings are decoded where they stand: an escape is never shorter than what it
 * means. */
typedef struct cursor {
    char *p, *end;
    const char *why;
} cursor;

static bool fail(cursor *c, const char *why) {
    c->why = why;
    return false;
}

static void skip_blanks(cursor *c) {
    while (c->p < c->end && strchr(" \t\r\n", *c->p) && *c->p) c->p++;
}

/* Skips blanks and one given character. */
static bool accept(cursor *c, char wanted) {
    skip_blanks(c);
    if (c->p == c->end || *c->p != wanted) return false;
    c->p++;
    return true;
}

static bool hex4(cursor *c, uint32_t *out) {
    if (c->end - c->p < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char h = *c->p++;
        int d = h >= '0' && h <= '9' ? h - '0' : (h | 32) >= 'a' && (h | 32) <= 'f' ? (h | 32) - 'a' + 10 : -1;
        if (d < 0) return false;
        *out = *out << 4 | (uint32_t)d;
    }
    return true;
}

static char *put_utf8(char *w, uint32_t cp) {
    int more = cp < 0x80 ? 0 : cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    *w++ = (char)(heads[more] | cp >> 6 * more);
    while (more--) *w++ = (char)(0x80 | (cp >> 6 * more & 0x3f));
    return w;
}

/* After a backslash. */
static bool escape(cursor *c, char **w) {
    static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (c->p == c->end || !*c->p) return fail(c, "ends inside a string");
    char letter = *c->p++;
    const char *at = strchr(letters, letter);
    if (at) {
        *(*w)++ = meaning[at - letters];
        return true;
    }
    uint32_t cp, low;
    if (letter != 'u' || !hex4(c, &cp)) return fail(c, "has a bad escape in a string");
    if (cp >= 0xd800 && cp < 0xdc00) { /* the first half of a pair */
        if (c->end - c->p < 6 || *c->p++ != '\\' || *c->p++ != 'u' || !hex4(c, &low) || low < 0xdc00 || low > 0xdfff)
            return fail(c, "has half a surrogate pair");
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
    } else if (cp == 0 || (cp >= 0xdc00 && cp < 0xe000)) return fail(c, "has a bad escape in a string");
    *w = put_utf8(*w, cp);
    return true;
}

static bool string(cursor *c, char **out) {
    if (!accept(c, '"')) return fail(c, "has no string where one belongs");
    char *w = *out = c->p;
    while (c->p < c->end && *c->p != '"') {
        if ((unsigned char)*c->p < 0x20) return fail(c, "has a control character in a string");
        if (*c->p != '\\') *w++ = *c->p++;
        else if (c->p++, !escape(c, &w)) return false;
    }
    if (c->p == c->end) return fail(c, "ends inside a string");
    c->p++;
    *w = 0;
    return true;
}

static bool is_digit(const cursor *c) { return c->p < c->end && *c->p >= '0' && *c->p <= '9'; }

/* Without strtod(), whose decimal point depends on the locale. Exact enough for
 * floats: the last digit of a double may differ. */
static bool number(cursor *c, double *out) {
    double v = 0;
    long scale = 0, power = 0;
    bool minus = accept(c, '-'), small = false; /* accept() skips blanks */
    if (!is_digit(c)) return fail(c, "has no number where one belongs");
    for (; is_digit(c); c->p++) v = v * 10 + (*c->p - '0');
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!is_digit(c)) return fail(c, "has a bad number");
        for (; is_digit(c); c->p++)
            if (scale < 30) v = v * 10 + (*c->p - '0'), scale++; /* more digits do not matter */
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '-' || *c->p == '+')) small = *c->p++ == '-';
        if (!is_digit(c)) return fail(c, "has a bad number");
        for (; is_digit(c); c->p++)
            if (power < 10000) power = power * 10 + (*c->p - '0');
    }
    v *= pow(10, (double)((small ? -power : power) - scale));
    if (!isfinite(v)) return fail(c, "has a number that is too large");
    *out = minus ? -v : v;
    return true;
}

/* ---- Members ----------------------------------------------------------------------- */

enum { INTEGER, REAL, TEXT, BOX, UNKNOWN };
static const struct {
    const char *name;
    int kind;
    size_t offset;
} members[] = {
    {"facet_gallery", INTEGER, offsetof(fct_json_line, facet_gallery)},
    {"dim", INTEGER, offsetof(fct_json_line, dim)},
    {"created", INTEGER, offsetof(fct_json_line, created)},
    {"crop_cut", INTEGER, offsetof(fct_json_line, crop_cut)},
    {"model", TEXT, offsetof(fct_json_line, model)},
    {"name", TEXT, offsetof(fct_json_line, name)},
    {"source", TEXT, offsetof(fct_json_line, source)},
    {"embedding", TEXT, offsetof(fct_json_line, embedding)},
    {"crop", TEXT, offsetof(fct_json_line, crop)},
    {"box", BOX, offsetof(fct_json_line, box)},
    {"score", REAL, offsetof(fct_json_line, score)},
    {"quality", REAL, offsetof(fct_json_line, quality)},
};
#define N_MEMBERS (int)(sizeof members / sizeof *members)

static bool real(cursor *c, float *out) {
    double v;
    if (!number(c, &v)) return false;
    *out = (float)v;
    return isfinite(*out) || fail(c, "has a number that is too large");
}

static bool integer(cursor *c, int64_t *out) {
    double v;
    if (!number(c, &v)) return false;
    if (fabs(v) > 9e15 || v != floor(v)) return fail(c, "has a bad integer");
    *out = (int64_t)v;
    return true;
}

static bool box(cursor *c, float out[4]) {
    if (!accept(c, '[')) return fail(c, "has a box that is no array");
    for (int i = 0; i < 4; i++) {
        if (i && !accept(c, ',')) return fail(c, "has a box that is not of four numbers");
        if (!real(c, &out[i])) return false;
    }
    return accept(c, ']') || fail(c, "has a box that is not of four numbers");
}

static bool word(cursor *c, const char *w) {
    size_t n = strlen(w);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0) return false;
    c->p += n;
    return true;
}

/* A member that this version does not know: a scalar of any kind. */
static bool skip_value(cursor *c) {
    char *s;
    double d;
    skip_blanks(c);
    if (c->p < c->end && *c->p == '"') return string(c, &s);
    if (word(c, "true") || word(c, "false") || word(c, "null")) return true;
    return number(c, &d) || fail(c, "has an unknown member that is no scalar");
}

static bool member(cursor *c, fct_json_line *out, unsigned *seen) {
    char *name;
    int i = 0;
    if (!string(c, &name)) return false;
    if (!accept(c, ':')) return fail(c, "has a member without a value");
    while (i < N_MEMBERS && strcmp(members[i].name, name) != 0) i++;
    if (i == N_MEMBERS) return skip_value(c);
    if (*seen & 1u << i) return fail(c, "has a member twice");
    *seen |= 1u << i;
    void *to = (char *)out + members[i].offset;
    switch (members[i].kind) {
    case INTEGER:
        return integer(c, to);
    case REAL:
        return real(c, to);
    case BOX:
        return box(c, to);
    default:
        return string(c, to);
    }
}

static bool object(cursor *c, fct_json_line *out) {
    unsigned seen = 0;
    if (!accept(c, '{')) return fail(c, "is no JSON object");
    if (accept(c, '}')) return true;
    do {
        if (!member(c, out, &seen)) return false;
    } while (accept(c, ','));
    return accept(c, '}') || fail(c, "is not closed");
}

bool fct_json_line_parse(char *line, size_t len, fct_json_line *out, const char **why) {
    cursor c = {line, line + len, NULL};
    memset(out, 0, sizeof *out);
    bool ok = object(&c, out);
    skip_blanks(&c);
    if (ok && c.p != c.end) ok = fail(&c, "goes on behind its object");
    *why = c.why;
    return ok;
}

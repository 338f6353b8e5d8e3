/* Instructions that make a plain value, and those of stack and memo. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "imports/pickle_machine.h"
#include "text/decimal.h"
#include "text/utf8.h"
#include <math.h>
#include <string.h>

static fct_status push_kind(fct_pickle_machine *m, fct_pickle_kind kind) {
    return fct_pickle_push(m, fct_pickle_new(m, kind));
}

static fct_status push_int(fct_pickle_machine *m, fct_pickle_kind kind, int64_t value) {
    fct_pickle_value *v = fct_pickle_new(m, kind);
    if (v) v->integer = value;
    return fct_pickle_push(m, v);
}

static fct_status push_float(fct_pickle_machine *m, double value) {
    fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_FLOAT);
    if (v) v->number = value;
    return fct_pickle_push(m, v);
}

static fct_status op_none(fct_pickle_machine *m) { return push_kind(m, FCT_PICKLE_NONE); }
static fct_status op_true(fct_pickle_machine *m) { return push_int(m, FCT_PICKLE_BOOL, 1); }
static fct_status op_false(fct_pickle_machine *m) { return push_int(m, FCT_PICKLE_BOOL, 0); }

/* ---- Numbers ---------------------------------------------------------------------------- */

static fct_status op_int4(fct_pickle_machine *m) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, 4, &n);
    return s ? s : push_int(m, FCT_PICKLE_INT, (int32_t)(uint32_t)n);
}

static fct_status push_unsigned(fct_pickle_machine *m, int bytes) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, bytes, &n);
    return s ? s : push_int(m, FCT_PICKLE_INT, (int64_t)n);
}

static fct_status op_int1(fct_pickle_machine *m) { return push_unsigned(m, 1); }
static fct_status op_int2(fct_pickle_machine *m) { return push_unsigned(m, 2); }

/* A number of any length in two's complement, little-endian. */
static fct_status push_long(fct_pickle_machine *m, uint64_t n) {
    const uint8_t *p;
    fct_status s = fct_pickle_take(m, n, &p);
    if (s) return s;
    bool negative = n && p[n - 1] & 0x80;
    if (n <= 8) {
        uint64_t v = negative ? UINT64_MAX : 0;
        for (size_t i = 0; i < n; i++) v = (v & ~(UINT64_C(0xff) << 8 * i)) | (uint64_t)p[i] << 8 * i;
        return push_int(m, FCT_PICKLE_INT, (int64_t)v);
    }
    double v = 0;
    for (size_t i = (size_t)n; i-- > 0;) v = v * 256 + (negative ? 255 - p[i] : p[i]);
    return push_float(m, negative ? -v - 1 : v);
}

static fct_status op_long1(fct_pickle_machine *m) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, 1, &n);
    return s ? s : push_long(m, n);
}

static fct_status op_long4(fct_pickle_machine *m) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, 4, &n);
    return s ? s : push_long(m, n);
}

/* A line of digits of protocol 0; *l is put behind a long number. */
static fct_status take_digits(fct_pickle_machine *m, char out[64]) {
    const uint8_t *p;
    size_t n;
    fct_status s = fct_pickle_take_line(m, &p, &n);
    if (s) return s;
    if (n && p[n - 1] == 'L') n--;
    if (!n || n > 60) return fct_pickle_bad(m, "has a bad number");
    memcpy(out, p, n);
    out[n] = 0;
    return FCT_OK;
}

/* Whole numbers are read digit by digit: strtoll() would take blanks too. */
static bool parse_whole(const char *text, int64_t *out) {
    bool negative = *text == '-';
    uint64_t v = 0;
    text += negative;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || v > (UINT64_C(1) << 63) / 10) return false;
        v = v * 10 + (uint64_t)(*text - '0');
    }
    if (v > (uint64_t)INT64_MAX) return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

static fct_status op_int_line(fct_pickle_machine *m) {
    char text[64];
    int64_t v;
    fct_status s = take_digits(m, text);
    if (s) return s;
    if (strcmp(text, "01") == 0 || strcmp(text, "00") == 0) return push_int(m, FCT_PICKLE_BOOL, text[1] == '1');
    return parse_whole(text, &v) ? push_int(m, FCT_PICKLE_INT, v) : fct_pickle_bad(m, "has a bad number");
}

/* The text of repr(): a decimal number, or nan, inf and -inf. */
static fct_status op_float_line(fct_pickle_machine *m) {
    char text[64];
    double v = 0;
    fct_status s = take_digits(m, text);
    if (s) return s;
    size_t n = strlen(text);
    if (strcmp(text, "nan") == 0) return push_float(m, NAN);
    if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0)
        return push_float(m, *text == '-' ? -INFINITY : INFINITY);
    if (fct_decimal_length(text, n) != n) return fct_pickle_bad(m, "has a bad number");
    return fct_decimal(text, n, &v) ? push_float(m, v) : fct_fail_nomem(m->err, m->name, 0);
}

static fct_status op_float8(fct_pickle_machine *m) {
    const uint8_t *p;
    double v;
    uint64_t bits = 0;
    fct_status s = fct_pickle_take(m, 8, &p);
    for (int i = 0; i < 8 && !s; i++) bits = bits << 8 | p[i];
    memcpy(&v, &bits, sizeof v);
    return s ? s : push_float(m, v);
}

/* ---- Texts and bytes ----------------------------------------------------------------------- */

static fct_status push_bytes(fct_pickle_machine *m, fct_pickle_kind kind, const uint8_t *p, size_t n, bool owned) {
    fct_pickle_value *v = fct_pickle_new(m, kind);
    if (v) {
        v->bytes.at = p;
        v->bytes.size = n;
        v->owned = owned;
    } else if (owned) fct_free((void *)(uintptr_t)p);
    return fct_pickle_push(m, v);
}

/* Bytes behind their length of so many bytes. */
static fct_status take_sized(fct_pickle_machine *m, fct_pickle_kind kind, int length) {
    uint64_t n;
    const uint8_t *p;
    fct_status s = fct_pickle_take_number(m, length, &n);
    if (!s) s = fct_pickle_take(m, n, &p);
    if (s) return s;
    if (kind == FCT_PICKLE_TEXT && !fct_utf8_valid((const char *)p, (size_t)n))
        return fct_pickle_bad(m, "has a text that is not UTF-8");
    return push_bytes(m, kind, p, (size_t)n, false);
}

static fct_status op_text1(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_TEXT, 1); }
static fct_status op_text4(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_TEXT, 4); }
static fct_status op_text8(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_TEXT, 8); }
static fct_status op_bytes1(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_BYTES, 1); }
static fct_status op_bytes4(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_BYTES, 4); }
static fct_status op_bytes8(fct_pickle_machine *m) { return take_sized(m, FCT_PICKLE_BYTES, 8); }

/* A line that has to be decoded, into at most twice its length. */
static fct_status push_decoded(fct_pickle_machine *m, fct_pickle_kind kind,
                               size_t (*decode)(const uint8_t *, size_t, uint8_t *)) {
    const uint8_t *p;
    size_t n;
    fct_status s = fct_pickle_take_line(m, &p, &n);
    if (s) return s;
    uint8_t *out = fct_alloc(2 * n + 1);
    if (!out) return fct_fail_nomem(m->err, m->name, n);
    size_t length = decode(p, n, out);
    if (length != SIZE_MAX) return push_bytes(m, kind, out, length, true);
    fct_free(out);
    return fct_pickle_bad(m, "has a bad text");
}

static fct_status op_string_line(fct_pickle_machine *m) {
    return push_decoded(m, FCT_PICKLE_BYTES, fct_pickle_unquote);
}

static fct_status op_unicode_line(fct_pickle_machine *m) {
    return push_decoded(m, FCT_PICKLE_TEXT, fct_pickle_unescape);
}

/* ---- Stack and memo --------------------------------------------------------------------------- */

static fct_status op_mark(fct_pickle_machine *m) { return push_kind(m, FCT_PICKLE_MARK); }

static fct_status op_pop(fct_pickle_machine *m) {
    if (!m->n_stack) return fct_pickle_bad(m, "finds nothing on the stack");
    m->n_stack--;
    return FCT_OK;
}

static fct_status op_pop_mark(fct_pickle_machine *m) { return fct_pickle_find_mark(m, &m->n_stack); }

static fct_status op_dup(fct_pickle_machine *m) {
    fct_pickle_value *v;
    fct_status s = fct_pickle_top(m, &v);
    return s ? s : fct_pickle_push(m, v);
}

/* Places of the memo are given out in order, with a gap here and there where a pickle was optimized: one far beyond
 * the bytes read so far is no pickle's. */
static fct_status put_memo(fct_pickle_machine *m, uint64_t at) {
    fct_pickle_value *v;
    fct_status s = fct_pickle_top(m, &v);
    if (s) return s;
    if (at > m->at) return fct_pickle_bad(m, "has a bad number of the memo");
    fct_pickle_value **p = fct_grow(m->memo, &m->cap_memo, (size_t)at + 1, sizeof *p);
    if (!p) return fct_fail_nomem(m->err, m->name, 0);
    m->memo = p;
    for (; m->n_memo <= at; m->n_memo++) m->memo[m->n_memo] = NULL;
    m->memo[at] = v;
    return FCT_OK;
}

static fct_status get_memo(fct_pickle_machine *m, uint64_t at) {
    if (at >= m->n_memo || !m->memo[at]) return fct_pickle_bad(m, "asks for a value that is not there");
    return fct_pickle_push(m, m->memo[at]);
}

static fct_status memo_line(fct_pickle_machine *m, fct_status (*use)(fct_pickle_machine *, uint64_t)) {
    char text[64];
    int64_t at;
    fct_status s = take_digits(m, text);
    if (s) return s;
    return parse_whole(text, &at) && at >= 0 ? use(m, (uint64_t)at) : fct_pickle_bad(m, "has a bad number");
}

static fct_status memo_number(fct_pickle_machine *m, int bytes, fct_status (*use)(fct_pickle_machine *, uint64_t)) {
    uint64_t at;
    fct_status s = fct_pickle_take_number(m, bytes, &at);
    return s ? s : use(m, at);
}

static fct_status op_put_line(fct_pickle_machine *m) { return memo_line(m, put_memo); }
static fct_status op_put1(fct_pickle_machine *m) { return memo_number(m, 1, put_memo); }
static fct_status op_put4(fct_pickle_machine *m) { return memo_number(m, 4, put_memo); }
static fct_status op_memoize(fct_pickle_machine *m) { return put_memo(m, m->n_memo); }
static fct_status op_get_line(fct_pickle_machine *m) { return memo_line(m, get_memo); }
static fct_status op_get1(fct_pickle_machine *m) { return memo_number(m, 1, get_memo); }
static fct_status op_get4(fct_pickle_machine *m) { return memo_number(m, 4, get_memo); }

static fct_status op_protocol(fct_pickle_machine *m) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, 1, &n);
    if (s || n <= 5) return s;
    return fct_fail(m->err, FCT_ERR_UNSUPPORTED, "%s: pickle protocol %d, at most 5 is known", m->name, (int)n);
}

/* A frame's length helps those who read from a stream. */
static fct_status op_frame(fct_pickle_machine *m) {
    uint64_t n;
    fct_status s = fct_pickle_take_number(m, 8, &n);
    return s || n <= m->size - m->at ? s : fct_pickle_bad(m, "is cut off");
}

fct_pickle_op *fct_pickle_value_op(uint8_t code) {
    static fct_pickle_op *const ops[256] = {
        ['N'] = op_none,     [0x88] = op_true,       [0x89] = op_false,       ['J'] = op_int4,
        ['K'] = op_int1,     ['M'] = op_int2,        [0x8a] = op_long1,       [0x8b] = op_long4,
        ['I'] = op_int_line, ['L'] = op_int_line,    ['F'] = op_float_line,   ['G'] = op_float8,
        [0x8c] = op_text1,   ['X'] = op_text4,       [0x8d] = op_text8,       ['C'] = op_bytes1,
        ['B'] = op_bytes4,   [0x8e] = op_bytes8,     [0x96] = op_bytes8,      ['U'] = op_bytes1,
        ['T'] = op_bytes4,   ['S'] = op_string_line, ['V'] = op_unicode_line, ['('] = op_mark,
        ['0'] = op_pop,      ['1'] = op_pop_mark,    ['2'] = op_dup,          ['p'] = op_put_line,
        ['q'] = op_put1,     ['r'] = op_put4,        [0x94] = op_memoize,     ['g'] = op_get_line,
        ['h'] = op_get1,     ['j'] = op_get4,        [0x80] = op_protocol,    [0x95] = op_frame,
    };
    return ops[code];
}

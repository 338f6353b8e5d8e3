#include "text/json_writer.h"

#include "text/base64.h"
#include "text/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void fct_json_to_file(fct_json_writer *w, FILE *file) { *w = (fct_json_writer){.file = file}; }
void fct_json_to_buf(fct_json_writer *w, fct_buf *buf) { *w = (fct_json_writer){.buf = buf}; }

static void put(fct_json_writer *w, const char *data, size_t n) {
    if (w->file) fwrite(data, 1, n, w->file);
    else fct_buf_add(w->buf, data, n);
}

static void put_word(fct_json_writer *w, const char *word) { put(w, word, strlen(word)); }

/* A character that cannot stand in a string as it is. */
static void put_escape(fct_json_writer *w, unsigned char c) {
    char text[8];
    if (c == '"' || c == '\\') snprintf(text, sizeof text, "\\%c", c);
    else if (c == '\n') snprintf(text, sizeof text, "\\n");
    else if (c == '\t') snprintf(text, sizeof text, "\\t");
    else snprintf(text, sizeof text, "\\u%04x", c);
    put_word(w, text);
}

static bool is_plain(unsigned char c) { return c >= 32 && c < 127 && c != '"' && c != '\\'; }

/* Writes runs of plain characters at once. Bytes that are not UTF-8 become U+FFFD, so that the output is always
 * valid. */
static void put_text(fct_json_writer *w, const char *text) {
    const char *end = text + strlen(text);
    put(w, "\"", 1);
    while (text < end) {
        size_t run = 0;
        while (text + run < end && is_plain((unsigned char)text[run])) run++;
        put(w, text, run);
        text += run;
        if (text == end) break;
        int length = fct_utf8_length(text, (size_t)(end - text));
        if (length > 1) put(w, text, (size_t)length);
        else if (length == 1) put_escape(w, (unsigned char)*text);
        else put_word(w, "\\ufffd");
        text += length ? length : 1;
    }
    put(w, "\"", 1);
}

/* What stands before a value: a comma after its elder sibling, and its name. */
static void lead(fct_json_writer *w, const char *key) {
    if (w->filled[w->depth]) put(w, ", ", 2);
    w->filled[w->depth] = true;
    if (!key) return;
    put_text(w, key);
    put(w, ": ", 2);
}

static void open_level(fct_json_writer *w, const char *key, char bracket) {
    assert(w->depth < FCT_JSON_LEVELS);
    lead(w, key);
    put(w, &bracket, 1);
    w->filled[++w->depth] = false;
}

static void close_level(fct_json_writer *w, char bracket) {
    assert(w->depth > 0);
    w->depth--;
    put(w, &bracket, 1);
}

void fct_json_object(fct_json_writer *w, const char *key) { open_level(w, key, '{'); }
void fct_json_array(fct_json_writer *w, const char *key) { open_level(w, key, '['); }
void fct_json_close_object(fct_json_writer *w) { close_level(w, '}'); }
void fct_json_close_array(fct_json_writer *w) { close_level(w, ']'); }

static void put_value(fct_json_writer *w, const char *key, const char *word) {
    lead(w, key);
    put_word(w, word);
}

void fct_json_raw(fct_json_writer *w, const char *key, const char *json) { put_value(w, key, json); }
void fct_json_null(fct_json_writer *w, const char *key) { put_value(w, key, "null"); }
void fct_json_bool(fct_json_writer *w, const char *key, bool value) { put_value(w, key, value ? "true" : "false"); }

void fct_json_text(fct_json_writer *w, const char *key, const char *value) {
    if (!value) {
        fct_json_null(w, key);
        return;
    }
    lead(w, key);
    put_text(w, value);
}

void fct_json_bytes(fct_json_writer *w, const char *key, const void *data, size_t n) {
    enum { piece = 3 * 256 };
    const uint8_t *bytes = data;
    char digits[piece / 3 * 4];
    lead(w, key);
    put(w, "\"", 1);
    for (size_t i = 0; i < n; i += piece) {
        size_t now = n - i < piece ? n - i : piece;
        fct_base64_encode(bytes + i, now, digits);
        put(w, digits, fct_base64_size(now));
    }
    put(w, "\"", 1);
}

void fct_json_int(fct_json_writer *w, const char *key, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_value(w, key, text);
}

void fct_json_date(fct_json_writer *w, const char *key, int64_t seconds) {
    char text[40];
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) days--, rest += 86400;
    /* The proleptic Gregorian calendar in years that begin in March, so that the
     * leap day is the last of its year; an era is its 400 years. */
    int64_t day = days + 719468, era = (day >= 0 ? day : day - 146096) / 146097;
    int64_t of_era = day - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * of_year + 2) / 153, of_month = of_year - (153 * month + 2) / 5 + 1;
    int64_t year = year_of_era + era * 400 + (month >= 10);
    snprintf(text, sizeof text, "\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", (int)year,
             (int)(month < 10 ? month + 3 : month - 9), (int)of_month, (int)(rest / 3600), (int)(rest / 60 % 60),
             (int)(rest % 60));
    if (year < 0 || year > 9999) fct_json_null(w, key);
    else put_value(w, key, text);
}

/* A number as printf() wrote it, with what the locale takes for its decimal
 * point (one or more bytes) made a point again. */
static void put_number(fct_json_writer *w, const char *key, const char *text) {
    size_t before = strspn(text, "-0123456789");
    lead(w, key);
    put(w, text, before);
    text += before;
    size_t point = strcspn(text, "0123456789e");
    if (point) put(w, ".", 1);
    put_word(w, text + point);
}

static void put_printed(fct_json_writer *w, const char *key, const char *format, int digits, double value) {
    char text[400]; /* the largest double has 309 digits before the point */
    if (!isfinite(value)) {
        fct_json_null(w, key);
        return;
    }
    snprintf(text, sizeof text, format, digits, value);
    put_number(w, key, text);
}

void fct_json_number(fct_json_writer *w, const char *key, double value, int decimals) {
    put_printed(w, key, "%.*f", decimals > 17 ? 17 : decimals, value);
}

void fct_json_float(fct_json_writer *w, const char *key, float value) { put_printed(w, key, "%.*g", 9, value); }
void fct_json_double(fct_json_writer *w, const char *key, double value) { put_printed(w, key, "%.*g", 17, value); }

void fct_json_numbers(fct_json_writer *w, const char *key, const float *v, int n, int decimals) {
    fct_json_array(w, key);
    for (int i = 0; i < n; i++) fct_json_number(w, NULL, v[i], decimals);
    fct_json_close_array(w);
}

void fct_json_end(fct_json_writer *w) {
    put(w, "\n", 1);
    if (w->file) fflush(w->file);
    w->filled[0] = false;
}

#include "shell/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

void cli_json_begin(cli_json *j, FILE *file) {
    memset(j, 0, sizeof *j);
    j->file = file;
}

/* Length of the valid UTF-8 sequence at s (RFC 3629, table 3-7 of Unicode), 0 if there is none. */
static int utf8_length(const unsigned char *s) {
    unsigned char c = s[0];
    if (c < 0x80) return 1;
    unsigned char low = 0x80, high = 0xBF;
    int n = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if (c == 0xE0) low = 0xA0;
    if (c == 0xED) high = 0x9F;
    if (c == 0xF0) low = 0x90;
    if (c == 0xF4) high = 0x8F;
    for (int i = 1; i < n; i++) {
        if (s[i] < low || s[i] > high) return 0;
        low = 0x80, high = 0xBF;
    }
    return n;
}

static void put_text(cli_json *j, const char *text) {
    fputc('"', j->file);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int n = utf8_length(s);
        if (n == 0) {
            fputs("\\ufffd", j->file);
            n = 1;
        } else if (*s == '"' || *s == '\\') fprintf(j->file, "\\%c", *s);
        else if (*s == '\n') fputs("\\n", j->file);
        else if (*s == '\t') fputs("\\t", j->file);
        else if (*s < 32 || *s == 127) fprintf(j->file, "\\u%04x", *s);
        else fwrite(s, 1, (size_t)n, j->file);
        s += n;
    }
    fputc('"', j->file);
}

/* What stands before a value: a comma after its elder sibling, its name. */
static void lead(cli_json *j, const char *key) {
    if (j->filled[j->depth]) fputs(", ", j->file);
    j->filled[j->depth] = true;
    if (!key) return;
    put_text(j, key);
    fputs(": ", j->file);
}

static void open_level(cli_json *j, const char *key, char bracket) {
    lead(j, key);
    fputc(bracket, j->file);
    j->filled[++j->depth] = false;
}

static void close_level(cli_json *j, char bracket) {
    j->depth--;
    fputc(bracket, j->file);
}

void cli_json_object(cli_json *j, const char *key) { open_level(j, key, '{'); }
void cli_json_array(cli_json *j, const char *key) { open_level(j, key, '['); }

void cli_json_line(cli_json *j, FILE *file) {
    cli_json_begin(j, file);
    cli_json_object(j, NULL);
    cli_json_int(j, "schema", CLI_JSON_SCHEMA);
}

void cli_json_close_object(cli_json *j) { close_level(j, '}'); }
void cli_json_close_array(cli_json *j) { close_level(j, ']'); }

void cli_json_null(cli_json *j, const char *key) {
    lead(j, key);
    fputs("null", j->file);
}

void cli_json_text(cli_json *j, const char *key, const char *value) {
    if (!value) {
        cli_json_null(j, key);
        return;
    }
    lead(j, key);
    put_text(j, value);
}

void cli_json_int(cli_json *j, const char *key, int64_t value) {
    lead(j, key);
    fprintf(j->file, "%" PRId64, value);
}

void cli_json_bool(cli_json *j, const char *key, bool value) {
    lead(j, key);
    fputs(value ? "true" : "false", j->file);
}

void cli_json_date(cli_json *j, const char *key, int64_t seconds) {
    char text[32];
    time_t t = (time_t)seconds;
    const struct tm *tm = gmtime(&t);
    bool good = tm && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", tm);
    cli_json_text(j, key, good ? text : NULL);
}

void cli_json_number(cli_json *j, const char *key, double value, int decimals) {
    if (!isfinite(value)) {
        cli_json_null(j, key);
        return;
    }
    lead(j, key);
    fprintf(j->file, "%.*f", decimals, value);
}

void cli_json_float(cli_json *j, const char *key, float value) {
    if (!isfinite(value)) {
        cli_json_null(j, key);
        return;
    }
    lead(j, key);
    fprintf(j->file, "%.9g", value);
}

void cli_json_numbers(cli_json *j, const char *key, const float *v, int n, int decimals) {
    cli_json_array(j, key);
    for (int i = 0; i < n; i++) cli_json_number(j, NULL, v[i], decimals);
    cli_json_close_array(j);
}

void cli_json_end(cli_json *j) {
    fputc('\n', j->file);
    fflush(j->file);
    j->filled[0] = false;
}

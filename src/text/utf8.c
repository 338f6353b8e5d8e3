#include "text/utf8.h"

#include <string.h>

int fct_utf8_length(const char *text, size_t n) {
    if (!n) return 0;
    /* Table 3-7 of the Unicode standard: only the second byte's range depends on the first. */
    const unsigned char *s = (const unsigned char *)text;
    unsigned char c = s[0], low = 0x80, high = 0xBF;
    if (c < 0x80) return 1;
    int length = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
    if ((size_t)length > n) return 0;
    if (c == 0xE0) low = 0xA0;
    if (c == 0xED) high = 0x9F;
    if (c == 0xF0) low = 0x90;
    if (c == 0xF4) high = 0x8F;
    for (int i = 1; i < length; i++) {
        if (s[i] < low || s[i] > high) return 0;
        low = 0x80, high = 0xBF;
    }
    return length;
}

int32_t fct_utf8_next(const char **text, const char *end) {
    static const unsigned char bits_of_head[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const unsigned char *s = (const unsigned char *)*text;
    if (*text >= end) return -1;
    int length = fct_utf8_length(*text, (size_t)(end - *text));
    if (!length) {
        ++*text;
        return 0xFFFD;
    }
    int32_t code = s[0] & bits_of_head[length];
    for (int i = 1; i < length; i++) code = code << 6 | (s[i] & 0x3F);
    *text += length;
    return code;
}

int fct_utf8_put(uint32_t code, char out[4]) {
    static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(heads[length] | code);
    return length;
}

bool fct_utf8_valid(const char *s, size_t n) {
    for (size_t i = 0; i < n;) {
        int length = fct_utf8_length(s + i, n - i);
        if (!length) return false;
        i += (size_t)length;
    }
    return true;
}

bool fct_utf8_is_control(uint32_t c) {
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return true;
    if (c == 0x61C || c == 0x200E || c == 0x200F) return true;           /* marks of direction */
    return (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069); /* lines; embeddings, isolates */
}

bool fct_utf8_is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* One character of text that ends at end, as it may be shown; returns its length. */
static size_t next_safe(const char **text, const char *end, char out[4]) {
    int32_t code = fct_utf8_next(text, end);
    return (size_t)fct_utf8_put(fct_utf8_is_control((uint32_t)code) ? '?' : (uint32_t)code, out);
}

void fct_utf8_add_safe(fct_buf *b, const char *text, size_t n) {
    char out[4];
    for (const char *end = text + n; text < end;) {
        size_t length = next_safe(&text, end, out);
        fct_buf_add(b, out, length);
    }
}

char *fct_utf8_safe(const char *text) {
    fct_buf b = {0};
    fct_utf8_add_safe(&b, text, strlen(text));
    return fct_buf_take(&b, NULL);
}

void fct_utf8_print_safe(FILE *f, const char *text) {
    char out[4];
    for (const char *end = text + strlen(text); text < end;) {
        size_t length = next_safe(&text, end, out);
        fwrite(out, 1, length, f);
    }
}

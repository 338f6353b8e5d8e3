/* Texts of protocol 0, and bytes that protocols 0 to 2 write as texts. */
#include "imports/pickle_machine.h"
#include "text/utf8.h"

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number in n hexadecimal digits; false where one is none or the text ends. */
static bool read_hex(const uint8_t *text, const uint8_t *end, int n, uint32_t *out) {
    *out = 0;
    if (end - text < n) return false;
    for (int i = 0; i < n; i++) {
        int d = hex_digit(text[i]);
        if (d < 0) return false;
        *out = *out << 4 | (uint32_t)d;
    }
    return true;
}

size_t fct_pickle_unquote(const uint8_t *text, size_t n, uint8_t *out) {
    static const char letters[] = "abfnrtv\\'\"", meant[] = "\a\b\f\n\r\t\v\\'\"";
    if (n < 2 || (text[0] != '\'' && text[0] != '"') || text[n - 1] != text[0]) return SIZE_MAX;
    const uint8_t *p = text + 1, *end = text + n - 1;
    uint8_t *to = out;
    while (p < end) {
        uint32_t code;
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        if (++p == end) return SIZE_MAX;
        if (*p == 'x') {
            if (!read_hex(p + 1, end, 2, &code)) return SIZE_MAX;
            *to++ = (uint8_t)code;
            p += 3;
            continue;
        }
        int i = 0;
        while (letters[i] && letters[i] != (char)*p) i++;
        if (!letters[i]) return SIZE_MAX;
        *to++ = (uint8_t)meant[i];
        p++;
    }
    return (size_t)(to - out);
}

size_t fct_pickle_unescape(const uint8_t *text, size_t n, uint8_t *out) {
    const uint8_t *p = text, *end = text + n;
    uint8_t *to = out;
    while (p < end) {
        uint32_t code = *p++;
        int digits = code != '\\' || p == end ? 0 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
        if (digits) {
            if (!read_hex(p + 1, end, digits, &code)) return SIZE_MAX;
            p += digits + 1;
            if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return SIZE_MAX;
        }
        to += fct_utf8_put(code, (char *)to);
    }
    return (size_t)(to - out);
}

size_t fct_pickle_latin1(const uint8_t *text, size_t n, uint8_t *out) {
    const char *p = (const char *)text, *end = p + n;
    uint8_t *to = out;
    while (p < end) {
        int32_t code = fct_utf8_next(&p, end);
        if (code > 255) return SIZE_MAX;
        *to++ = (uint8_t)code;
    }
    return (size_t)(to - out);
}

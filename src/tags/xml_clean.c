#include "tags/xml_scan.h"
#include "text/utf8.h"

#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Appends a character that XML allows, or a space. */
static void add_code(fct_buf *out, uint32_t c) {
    char utf8[4];
    bool allowed = (c >= 32 || c == '\t' || c == '\n' || c == '\r') && (c & 0xFFFE) != 0xFFFE;
    fct_buf_add(out, utf8, (size_t)fct_utf8_put(allowed ? c : ' ', utf8));
}

/* UTF-16 behind its byte order mark; half a pair of surrogates becomes a space. */
static void add_utf16(const uint8_t *p, size_t n, bool big, fct_buf *out) {
    for (size_t i = 0; i + 1 < n && !out->failed; i += 2) {
        uint32_t c = (uint32_t)(p[i + big] | p[i + !big] << 8);
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < n) {
            uint32_t d = (uint32_t)(p[i + 2 + big] | p[i + 2 + !big] << 8);
            if (d >= 0xDC00 && d < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (d - 0xDC00);
                i += 2;
            }
        }
        add_code(out, c >= 0xD800 && c < 0xE000 ? ' ' : c);
    }
}

static void add_utf8(const char *p, size_t n, fct_buf *out) {
    const char *end = p + n;
    while (p < end && !out->failed) {
        const char *q = p;
        int length = fct_utf8_length(p, (size_t)(end - p));
        if (length == 1 && (uint8_t)*p >= 32) {
            while (q < end && (uint8_t)*q >= 32 && (uint8_t)*q < 128) q++;
            fct_buf_add(out, p, (size_t)(q - p));
            p = q;
        } else if (length) add_code(out, (uint32_t)fct_utf8_next(&p, end));
        else add_code(out, (uint8_t)*p++); /* as a program writes that knows only Latin-1 */
    }
}

void fct_xml_clean(const uint8_t *data, size_t n, fct_buf *out) {
    bool big = n >= 2 && data[0] == 0xFE && data[1] == 0xFF, little = n >= 2 && data[0] == 0xFF && data[1] == 0xFE;
    size_t start = out->size;
    if (big || little) add_utf16(data + 2, n - 2, big, out);
    else {
        bool mark = n >= 3 && !memcmp(data, "\xEF\xBB\xBF", 3);
        add_utf8((const char *)data + (mark ? 3 : 0), n - (mark ? 3 : 0), out);
    }
    while (!out->failed && out->size > start && is_blank(out->data[out->size - 1])) out->data[--out->size] = 0;
}

#include "text/base64.h"

void fct_base64_encode(const uint8_t *data, size_t n, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3, out += 4) {
        uint32_t v = (uint32_t)data[i] << 16;
        if (i + 1 < n) v |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < n) v |= data[i + 2];
        out[0] = digits[v >> 18];
        out[1] = digits[v >> 12 & 63];
        out[2] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        out[3] = i + 2 < n ? digits[v & 63] : '=';
    }
}

static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool fct_base64_decode(const char *text, size_t len, uint8_t *out, size_t *n) {
    *n = 0;
    if (len % 4) return false;
    for (size_t i = 0; i < len; i += 4) {
        /* Padding stands at the very end only. */
        int bytes = i + 4 < len || text[i + 3] != '=' ? 3 : text[i + 2] != '=' ? 2 : 1;
        uint32_t v = 0;
        for (int j = 0; j < 4; j++) {
            int d = j <= bytes ? digit(text[i + j]) : 0;
            if (d < 0) return false;
            v = v << 6 | (uint32_t)d;
        }
        if (v & ((1u << 8 * (3 - bytes)) - 1)) return false;
        for (int j = 0; j < bytes; j++) out[(*n)++] = (uint8_t)(v >> (16 - 8 * j));
    }
    return true;
}

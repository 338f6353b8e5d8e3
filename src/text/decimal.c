#include "text/decimal.h"
#include "base/buffer.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* strtod() with a point as the decimal point, whatever the locale says. */
static bool to_double(const char *text, size_t n, double *out) {
    char small[64];
    fct_buf large = {0};
    const char *point = memchr(text, '.', n), *local = localeconv()->decimal_point;
    if (point) {
        fct_buf_add(&large, text, (size_t)(point - text));
        fct_buf_text(&large, local);
        fct_buf_add(&large, point + 1, n - (size_t)(point - text) - 1);
    } else if (n < sizeof small) {
        memcpy(small, text, n);
        small[n] = 0;
        *out = strtod(small, NULL);
        return true;
    } else fct_buf_add(&large, text, n);
    bool ok = !large.failed;
    if (ok) *out = strtod(large.data, NULL);
    fct_buf_free(&large);
    return ok;
}

/* Most numbers exactly and without strtod(): up to 15 digits and a power of ten
 * that a double holds, so that one rounding is all. False for others. */
static bool to_double_fast(const char *text, size_t n, double *out) {
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    double v = 0;
    int digits = 0, decimals = 0;
    bool minus = *text == '-', point = false;
    for (size_t i = minus; i < n; i++) {
        if (text[i] == '.') point = true;
        else if (text[i] < '0' || text[i] > '9' || ++digits > 15) return false;
        else v = v * 10 + (text[i] - '0'), decimals += point;
    }
    v /= powers[decimals];
    *out = minus ? -v : v;
    return true;
}

bool fct_decimal(const char *text, size_t n, double *out) {
    return to_double_fast(text, n, out) || to_double(text, n, out);
}

static size_t skip_digits(const char *text, size_t n, size_t at) {
    while (at < n && text[at] >= '0' && text[at] <= '9') at++;
    return at;
}

size_t fct_decimal_length(const char *text, size_t n) {
    size_t at = n && text[0] == '-', digits = at;
    at = skip_digits(text, n, at);
    if (at == digits) return 0;
    if (at < n && text[at] == '.') at = skip_digits(text, n, at + 1);
    if (at >= n || (text[at] != 'e' && text[at] != 'E')) return at;
    size_t sign = at + 1 + (at + 1 < n && (text[at + 1] == '-' || text[at + 1] == '+')),
           end = skip_digits(text, n, sign);
    return end > sign ? end : at;
}

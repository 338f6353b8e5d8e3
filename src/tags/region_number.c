#include "tags/region_number.h"

#include <math.h>
#include <stdio.h>

static bool digit(const char *p, const char *end) { return p < end && *p >= '0' && *p <= '9'; }

/* The digits at *s as a number; *n is how many there were. */
static double digits(const char **s, const char *end, int *n) {
    double v = 0;
    for (*n = 0; digit(*s, end); ++*s, ++*n) v = v * 10 + (**s - '0');
    return v;
}

bool fct_region_number(const char **s, const char *end, double *out) {
    const char *p = *s;
    int whole, part = 0, n, sign = 1;
    *out = 0;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    if (p < end && (*p == '-' || *p == '+')) sign = *p++ == '-' ? -1 : 1;
    double v = digits(&p, end, &whole);
    if (p < end && *p == '.') {
        p++;
        double after = digits(&p, end, &part);
        v += after / pow(10, part);
    }
    if (!whole && !part) return false;
    if (p + 1 < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        int down = *q == '-' ? -1 : 1;
        if (*q == '-' || *q == '+') q++;
        double exponent = digits(&q, end, &n);
        if (n) {
            v *= pow(10, down * fmin(exponent, 400));
            p = q;
        }
    }
    if (!isfinite(v)) return false;
    *out = sign * v;
    *s = p;
    return true;
}

void fct_region_number_text(double v, char out[32]) {
    int millionths = (int)lround(fmin(fmax(v, -9), 9) * 1e6);
    int size = millionths < 0 ? -millionths : millionths;
    snprintf(out, 32, "%s%d.%06d", millionths < 0 ? "-" : "", size / 1000000, size % 1000000);
}

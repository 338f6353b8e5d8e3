#include "text/dates.h"

/* Reads exactly n digits; false where there are others. */
static bool digits(const char **p, int n, int *out) {
    *out = 0;
    for (; n > 0; n--, ++*p) {
        if (**p < '0' || **p > '9') return false;
        *out = *out * 10 + (**p - '0');
    }
    return true;
}

static bool skip(const char **p, char c) {
    if (**p != c) return false;
    ++*p;
    return true;
}

static bool is_leap(int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

static bool read_day(const char **p, int64_t *days) {
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int y, m, d;
    if (!digits(p, 4, &y) || !skip(p, '-') || !digits(p, 2, &m) || !skip(p, '-') || !digits(p, 2, &d)) return false;
    if (y < 1970 || m < 1 || m > 12 || d < 1) return false;
    if (d > before[m] - before[m - 1] + (m == 2 && is_leap(y))) return false;
    int64_t last = y - 1; /* leap days of whole years: up to the last one, without those before 1970 */
    *days = (int64_t)(y - 1970) * 365 + last / 4 - last / 100 + last / 400 - 477;
    *days += before[m - 1] + d - 1 + (m > 2 && is_leap(y));
    return true;
}

/* Reads what follows the time of day: how far it is ahead of UTC. */
static bool read_zone(const char **p, int *ahead) {
    int sign = **p == '-' ? -1 : 1, h, m;
    *ahead = 0;
    if (skip(p, 'Z') || skip(p, 'z')) return true;
    if (!skip(p, '+') && !skip(p, '-')) return false;
    if (!digits(p, 2, &h) || !skip(p, ':') || !digits(p, 2, &m) || h > 23 || m > 59) return false;
    *ahead = sign * (h * 3600 + m * 60);
    return true;
}

bool fct_date_read(const char *text, int64_t *seconds) {
    int64_t days;
    int h, m, s, ahead;
    const char *p = text;
    if (!read_day(&p, &days)) return false;
    *seconds = days * 86400;
    if (!*p) return true;
    if (!skip(&p, 'T') && !skip(&p, 't') && !skip(&p, ' ')) return false;
    if (!digits(&p, 2, &h) || !skip(&p, ':') || !digits(&p, 2, &m) || !skip(&p, ':') || !digits(&p, 2, &s))
        return false;
    if (h > 23 || m > 59 || s > 60) return false;
    if (skip(&p, '.')) {
        if (*p < '0' || *p > '9') return false;
        while (*p >= '0' && *p <= '9') p++;
    }
    if (!read_zone(&p, &ahead) || *p) return false;
    *seconds += h * 3600 + m * 60 + s - ahead;
    return *seconds >= 0;
}

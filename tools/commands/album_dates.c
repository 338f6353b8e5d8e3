#include "commands/album_dates.h"

/* Days from 1970-01-01 to the first of a month, which may be 13. Years begin in March here, so that the leap day is
 * the last of its year. */
static int64_t days_to(int64_t year, int month) {
    if (month > 12) year++, month -= 12;
    int64_t y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

static bool digits(const char **s, int n, int *out) {
    *out = 0;
    for (int i = 0; i < n; i++, ++*s) {
        if (**s < '0' || **s > '9') return false;
        *out = *out * 10 + (**s - '0');
    }
    return true;
}

int cli_album_date(const char *option, const char *text, bool after, int64_t *out) {
    const char *s = text;
    int year, month = 0, day = 0;
    bool good = digits(&s, 4, &year);
    if (good && *s == '-') good = (s++, digits(&s, 2, &month)) && month >= 1 && month <= 12;
    if (good && month && *s == '-')
        good = (s++, digits(&s, 2, &day)) && day >= 1 && day <= days_to(year, month + 1) - days_to(year, month);
    if (!good || *s) {
        cli_error("--%s %s: a date is 2024, 2024-05 or 2024-05-17", option, text);
        return CLI_USE;
    }
    int64_t days = day     ? days_to(year, month) + day - 1 + after
                   : month ? days_to(year, month + after)
                           : days_to(year + after, 1);
    *out = days * 86400;
    return CLI_DONE;
}

void cli_album_date_text(int64_t time, char out[16]) {
    int64_t day = time / 86400 - (time % 86400 < 0), year = 1970 + day / 366, month = 1;
    while (year > 1 && days_to(year, 1) > day) year--;
    while (days_to(year + 1, 1) <= day) year++;
    while (days_to(year, (int)month + 1) <= day) month++;
    int of_month = (int)(day - days_to(year, (int)month)) + 1;
    if (year < 0 || year > 9999) snprintf(out, 16, "?");
    else snprintf(out, 16, "%04d-%02d-%02d", (int)(year % 10000), (int)(month % 100), of_month % 100);
}

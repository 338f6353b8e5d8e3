#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends the text before a UTF-8 sequence that was cut at its end, and replaces
 * control characters, which may come from file names or damaged files. */
static void make_clean(char *text) {
    size_t n = strlen(text), lead = n;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 32 || text[i] == 127) text[i] = '?';
    while (lead > 0 && n - lead < 4 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80) lead--;
    if (lead == 0) return;
    unsigned char c = (unsigned char)text[lead - 1];
    size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (n - (lead - 1) < want) text[lead - 1] = 0;
}

fct_status fct_fail(fct_error *err, fct_status code, const char *format, ...) {
    if (!err) return code;
    va_list ap;
    va_start(ap, format);
    if (vsnprintf(err->text, sizeof err->text, format, ap) < 0) err->text[0] = 0;
    va_end(ap);
    err->code = code;
    make_clean(err->text);
    return code;
}

fct_status fct_fail_nomem(fct_error *err, const char *what, size_t size) {
    if (size) return fct_fail(err, FCT_ERR_NOMEM, "out of memory: %zu bytes for %s", size, what);
    return fct_fail(err, FCT_ERR_NOMEM, "out of memory: %s", what);
}

void fct_error_clear(fct_error *err) {
    if (!err) return;
    err->code = FCT_OK;
    err->text[0] = 0;
}

const char *fct_status_name(fct_status s) {
    switch (s) {
    case FCT_OK:
        return "no error";
    case FCT_ERR_NOMEM:
        return "out of memory";
    case FCT_ERR_ARG:
        return "invalid argument";
    case FCT_ERR_IO:
        return "input or output failed";
    case FCT_ERR_FORMAT:
        return "damaged or wrong format";
    case FCT_ERR_UNSUPPORTED:
        return "not supported";
    case FCT_ERR_LIMIT:
        return "over a limit";
    case FCT_ERR_NOT_FOUND:
        return "not found";
    case FCT_ERR_EXISTS:
        return "exists already";
    case FCT_ERR_MISMATCH:
        return "does not match";
    case FCT_ERR_BUSY:
        return "busy";
    case FCT_ERR_CANCELLED:
        return "cancelled";
    case FCT_ERR_NETWORK:
        return "network failure";
    case FCT_ERR_INTERNAL:
        return "internal error";
    }
    return "unknown status";
}

const char *fct_version(void) { return FCT_VERSION; }

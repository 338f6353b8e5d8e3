#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

/* Written before other threads use the library (see fct_set_log), so plain. */
static fct_log_fn *log_fn;
static void *log_user;
static fct_log_level log_max;

void fct_set_log(fct_log_fn *fn, void *user, fct_log_level max_level) {
    log_fn = fn;
    log_user = user;
    log_max = max_level;
}

void fct_log(fct_log_level level, const char *format, ...) {
    if (!log_fn || level > log_max) return;
    char text[1024];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    for (char *c = text; n >= 0 && *c; c++) /* no name of a file commands the terminal */
        if ((unsigned char)*c < 32 || *c == 127) *c = '?';
    if (n >= 0) log_fn(level, text, log_user);
}

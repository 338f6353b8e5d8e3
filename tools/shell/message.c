/* What the command says on stderr, and memory that cannot fail. */
#include "shell/cli.h"
#include "shell/progress.h"

#include "base/file.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool message_quiet;

static void message_print(const char *prefix, const char *format, va_list ap) {
    char text[1400];
    vsnprintf(text, sizeof text, format, ap);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) *p = '?';
    cli_progress_hide();
    fflush(stdout); /* keeps the order where both go to one terminal or file */
    fprintf(stderr, "%s%s\n", prefix, text);
}

void cli_error(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    message_print("facet: ", format, ap);
    va_end(ap);
}

void cli_warn(const char *format, ...) {
    if (message_quiet) return;
    va_list ap;
    va_start(ap, format);
    message_print("facet: warning: ", format, ap);
    va_end(ap);
}

void cli_note(const char *format, ...) {
    if (message_quiet) return;
    va_list ap;
    va_start(ap, format);
    message_print("", format, ap);
    va_end(ap);
}

int cli_fail(const fct_error *e) {
    cli_error("%s", e->text);
    if (e->code == FCT_ERR_CANCELLED) return CLI_STOPPED;
    return e->code == FCT_ERR_ARG ? CLI_USE : CLI_INPUT;
}

int cli_confirm(const cli_settings *s, const char *question) {
    if (s->yes) return CLI_DONE;
    if (!fct_term_is_tty(stdin) || !fct_term_is_tty(stderr)) {
        cli_error("%s There is no terminal to ask on: add --yes", question);
        return CLI_USE;
    }
    char answer[16];
    fprintf(stderr, "%s [y/N] ", question);
    bool yes = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return yes ? CLI_DONE : CLI_NONE;
}

static void log_line(fct_log_level level, const char *text, void *user) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    cli_progress_hide();
    fprintf(stderr, "facet: %s: %s\n", names[level], text);
}

void cli_message_setup(const cli_settings *s) {
    message_quiet = s->quiet;
    if (s->verbose) fct_set_log(log_line, NULL, FCT_LOG_DEBUG);
    else if (!s->quiet) fct_set_log(log_line, NULL, FCT_LOG_WARN);
}

static void out_of_memory(void) {
    cli_error("out of memory");
    exit(CLI_INPUT);
}

void *cli_alloc(size_t count, size_t size) {
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

void *cli_grow(void *p, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity) return p;
    size_t n = *capacity < 16 ? 16 : *capacity;
    while (n < needed) {
        if (n > SIZE_MAX / 2 / size) out_of_memory();
        n *= 2;
    }
    void *q = realloc(p, n * size);
    if (!q) out_of_memory();
    *capacity = n;
    return q;
}

char *cli_format(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0) out_of_memory();
    char *s = cli_alloc((size_t)n + 1, 1);
    va_start(ap, format);
    vsnprintf(s, (size_t)n + 1, format, ap);
    va_end(ap);
    return s;
}

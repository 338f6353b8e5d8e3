/* What the command says on stderr, and memory that cannot fail. */
#include "shell/cli.h"
#include "shell/progress.h"

#include "base/file.h"
#include "text/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool message_quiet;

static void message_print(cli_style_id style, const char *prefix, const char *format, va_list ap) {
    char text[1400];
    vsnprintf(text, sizeof text, format, ap);
    cli_progress_hide();
    fflush(stdout); /* keeps both streams in order where they go to one terminal or file */
    if (*prefix) fprintf(stderr, "%s%s%s", cli_style(stderr, style), prefix, cli_style(stderr, STYLE_PLAIN));
    fct_utf8_print_safe(stderr, text);
    fputc('\n', stderr);
    fflush(stderr); /* which has a buffer on consoles of Windows */
}

/* The terminal understands colors and nobody has asked for none (https://no-color.org). */
static bool wants_color(FILE *f) {
    const char *no = fct_env("NO_COLOR");
    return !(no && *no) && fct_term_has_colors(f);
}

const char *cli_style(FILE *f, cli_style_id id) {
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[1;31m"};
    return wants_color(f) ? codes[id] : "";
}

/* Formats the whole text first, so that names in it can be made safe for a terminal before anything is printed. */
void cli_print(const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    char *text = cli_alloc((size_t)(n > 0 ? n : 0) + 1, 1);
    vsnprintf(text, (size_t)(n > 0 ? n : 0) + 1, format, again);
    va_end(again);
    va_end(ap);
    bool ends_line = n > 0 && text[n - 1] == '\n';
    if (ends_line) text[n - 1] = 0;
    fct_utf8_print_safe(stdout, text);
    if (ends_line) putchar('\n');
    free(text);
}

void cli_print_styled(cli_style_id style, const char *text) {
    fputs(cli_style(stdout, style), stdout);
    fct_utf8_print_safe(stdout, text);
    fputs(cli_style(stdout, STYLE_PLAIN), stdout);
}

static bool is_in(const int32_t (*ranges)[2], size_t n, int32_t c) {
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

int cli_text_columns(const char *text) {
    static const int32_t marks[][2] = {{0x300, 0x36F},   {0x591, 0x5BD},   {0x64B, 0x65F},   {0xE34, 0xE3A},
                                       {0x1AB0, 0x1AFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
    static const int32_t wide[][2] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},  {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    const char *end = text + strlen(text);
    int n = 0;
    for (int32_t c; (c = fct_utf8_next(&text, end)) >= 0;)
        n += is_in(marks, sizeof marks / sizeof *marks, c) ? 0 : is_in(wide, sizeof wide / sizeof *wide, c) ? 2 : 1;
    return n;
}

void cli_error(const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    message_print(STYLE_BAD, "facet: ", format, ap);
    va_end(ap);
}

void cli_warn(const char *format, ...) {
    if (message_quiet) return;
    va_list ap;
    va_start(ap, format);
    message_print(STYLE_WARNING, "facet: warning: ", format, ap);
    va_end(ap);
}

void cli_note(const char *format, ...) {
    if (message_quiet) return;
    va_list ap;
    va_start(ap, format);
    message_print(STYLE_PLAIN, "", format, ap);
    va_end(ap);
}

/* Prints the error and turns its kind into the exit code. */
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
    fct_utf8_print_safe(stderr, question);
    fputs(" [y/N] ", stderr);
    fflush(stderr);
    bool yes = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return yes ? CLI_DONE : CLI_NONE;
}

/* Receives the library's log. The progress line is wiped first, so that the two do not share a line. */
static void log_line(fct_log_level level, const char *text, void *user) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    cli_progress_hide();
    fprintf(stderr, "facet: %s: ", names[level]);
    fct_utf8_print_safe(stderr, text);
    fputc('\n', stderr);
    fflush(stderr);
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

/* Doubles the capacity, so that appending one by one takes linear time. */
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

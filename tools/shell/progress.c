#include "shell/progress.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { PROGRESS_LEAST = 6 }; /* fewer steps end before anybody could read the line */

static struct {
    bool on, shown;
    int total, done;
    const char *unit;
    uint64_t start, drawn;
} bar;

void cli_progress_start(int total, const char *unit, bool quiet) {
    memset(&bar, 0, sizeof bar);
    bar.on = !quiet && (total == 0 || total >= PROGRESS_LEAST) && fct_term_is_tty(stderr);
    bar.total = total;
    bar.unit = unit;
    bar.start = bar.drawn = fct_time_ns(); /* a rate means something after a moment only */
}

void cli_format_left(char *out, size_t cap, double seconds) {
    if (seconds < 90) snprintf(out, cap, "%.0f s left", seconds);
    else if (seconds < 5400) snprintf(out, cap, "%.0f min left", seconds / 60);
    else snprintf(out, cap, "%.1f h left", seconds / 3600);
}

/* Cuts the line to the terminal's width, since a wrapped line could not be drawn over. */
static void draw(uint64_t now) {
    double seconds = (double)(now - bar.start) / 1e9, rate = seconds > 0 ? bar.done / seconds : 0;
    char left[32] = "", line[160];
    if (rate > 0 && bar.total) cli_format_left(left, sizeof left, (bar.total - bar.done) / rate);
    if (!bar.total) snprintf(line, sizeof line, "%d %s", bar.done, bar.unit);
    else
        snprintf(line, sizeof line, "%d of %d %s, %d %%, %.1f %s/s, %s", bar.done, bar.total, bar.unit,
                 (int)(100.0 * bar.done / bar.total), rate, bar.unit, left);
    int width = fct_term_width(stderr) - 1;
    if (width < 1) width = 1;
    fprintf(stderr, "\r%.*s\033[K", width, line);
    fflush(stderr);
    bar.shown = true;
    bar.drawn = now;
}

void cli_progress_step(int done) {
    if (!bar.on) return;
    bar.done = done;
    uint64_t now = fct_time_ns();
    if (!bar.total && now - bar.start < 1000000000u) return;
    if ((!bar.total || done < bar.total) && now - bar.drawn < 100000000u) return;
    draw(now);
}

void cli_progress_hide(void) {
    if (!bar.shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    bar.shown = false;
    bar.drawn = 0;
}

void cli_progress_end(void) {
    cli_progress_hide();
    bar.on = false;
}

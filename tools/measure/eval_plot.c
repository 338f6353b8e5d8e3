#include "measure/eval_plot.h"

#include "photos/html_report.h"

#include <math.h>

enum { WIDTH = 640, HEIGHT = 420, LEFT = 64, RIGHT = 16, TOP = 14, BOTTOM = 52 };

static const char *const dashes[] = {"", "7 4", "2 4", "9 4 2 4", "14 5", "1 3"};
enum { SERIES = 6 };

/* Where a value lies on an axis, 0 to 1. */
static double part(const eval_axis *a, double v) {
    if (a->log) return (log10(fmax(v, 1e-30)) - log10(a->low)) / (log10(a->high) - log10(a->low));
    return (v - a->low) / (a->high - a->low);
}

static double across(const eval_plot *p, double x) { return LEFT + part(&p->x, x) * (WIDTH - LEFT - RIGHT); }
static double down(const eval_plot *p, double y) { return HEIGHT - BOTTOM - part(&p->y, y) * (HEIGHT - TOP - BOTTOM); }

static double clip(const eval_axis *a, double v) { return fmin(fmax(v, a->low), a->high); }

/* ---- Axes --------------------------------------------------------------------------- */

/* What stands at a tick. */
static void put_tick(FILE *f, const eval_axis *a, double v) {
    if (a->percent) fprintf(f, "%.4g %%", 100 * v);
    else if (a->log && v < 0.1) fprintf(f, "1e%.0f", round(log10(v)));
    else fprintf(f, "%.4g", v);
}

/* Powers of ten, and 2 and 5 times them where there are few. */
static int find_decades(const eval_axis *a, double *out, int cap) {
    static const double steps[] = {1, 2, 5};
    int n = 0, most = log10(a->high / a->low) < 2 ? 3 : 1;
    for (double e = floor(log10(a->low) + 1e-9); e <= log10(a->high) + 1e-9; e++)
        for (int k = 0; k < most && n < cap; k++) {
            double v = steps[k] * pow(10, e);
            if (v >= a->low * (1 - 1e-9) && v <= a->high * (1 + 1e-9)) out[n++] = v;
        }
    return n;
}

/* The ticks of an axis, at most cap; returns how many. */
static int find_ticks(const eval_axis *a, double *out, int cap) {
    int n = 0;
    if (a->log) return find_decades(a, out, cap);
    double raw = (a->high - a->low) / 6, power = pow(10, floor(log10(raw))), step = power;
    if (raw / power > 5) step = 10 * power;
    else if (raw / power > 2) step = 5 * power;
    else if (raw / power > 1) step = 2 * power;
    for (double v = ceil(a->low / step - 1e-9) * step; v <= a->high + 1e-9 * step && n < cap; v += step)
        out[n++] = fabs(v) < 1e-9 * step ? 0 : v;
    return n;
}

static void put_x_axis(const eval_plot *p) {
    double ticks[16];
    int n = find_ticks(&p->x, ticks, 16);
    for (int i = 0; i < n; i++) {
        double x = across(p, ticks[i]);
        fprintf(p->file, "<path class=grid d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=middle>", x, TOP,
                HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18);
        put_tick(p->file, &p->x, ticks[i]);
        fputs("</text>\n", p->file);
    }
    fprintf(p->file, "<text class=label x=\"%d\" y=\"%d\" text-anchor=middle>%s</text>\n", (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10, p->x.label);
}

static void put_y_axis(const eval_plot *p) {
    double ticks[16];
    int n = find_ticks(&p->y, ticks, 16), middle = (TOP + HEIGHT - BOTTOM) / 2;
    for (int i = 0; i < n; i++) {
        double y = down(p, ticks[i]);
        fprintf(p->file, "<path class=grid d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=end>", LEFT, y,
                WIDTH - RIGHT, LEFT - 8, y + 4);
        put_tick(p->file, &p->y, ticks[i]);
        fputs("</text>\n", p->file);
    }
    fprintf(p->file, "<text class=label transform=\"translate(14 %d) rotate(-90)\" text-anchor=middle>%s</text>\n",
            middle, p->y.label);
}

void eval_plot_begin(const eval_plot *p, const char *title, const char *description) {
    fprintf(p->file,
            "<svg class=plot viewBox=\"0 0 %d %d\" role=img aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">%s"
            "</title><desc id=\"%s-d\">",
            WIDTH, HEIGHT, p->id, p->id, p->id, title, p->id);
    cli_html_text(p->file, description);
    fprintf(p->file, "</desc>\n<clipPath id=\"%s-c\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
            p->id, LEFT, TOP - 4, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM + 8);
    put_x_axis(p);
    put_y_axis(p);
    fprintf(p->file, "<path class=frame d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
}

void eval_plot_end(const eval_plot *p) { fputs("</svg>\n", p->file); }

/* ---- What is drawn ------------------------------------------------------------------------ */

/* The points of a path, in steps (across first) or straight. Returns whether there were any. */
static bool put_points(const eval_plot *p, bool steps, eval_plot_fn *at, const void *data, size_t n) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        double x, y;
        at(data, i, &x, &y);
        if (!isfinite(x) || !isfinite(y)) continue;
        double px = across(p, clip(&p->x, x)), py = down(p, clip(&p->y, y));
        if (!any) fprintf(p->file, "M%.1f %.1f", px, py);
        else if (steps) fprintf(p->file, "H%.1fV%.1f", px, py);
        else fprintf(p->file, "L%.1f %.1f", px, py);
        any = true;
    }
    return any;
}

void eval_plot_line(const eval_plot *p, int series, bool steps, eval_plot_fn *at, const void *data, size_t n) {
    fprintf(p->file, "<path class=\"line s%d\" stroke-dasharray=\"%s\" clip-path=\"url(#%s-c)\" d=\"", series % SERIES,
            dashes[series % SERIES], p->id);
    if (!put_points(p, steps, at, data, n)) fputs("M0 0", p->file);
    fputs("\"/>\n", p->file);
}

void eval_plot_area(const eval_plot *p, int series, eval_plot_fn *at, const void *data, size_t n) {
    double first, last, y;
    if (!n) return;
    at(data, 0, &first, &y);
    at(data, n - 1, &last, &y);
    fprintf(p->file, "<path class=\"area s%d\" d=\"", series % SERIES);
    put_points(p, false, at, data, n);
    fprintf(p->file, "L%.1f %dL%.1f %dZ\"/>\n", across(p, last), HEIGHT - BOTTOM, across(p, first), HEIGHT - BOTTOM);
}

/* Dots of several series at one x stand side by side. */
void eval_plot_dot(const eval_plot *p, int series, double x, double y, double low, double high, const char *text) {
    if (!isfinite(x) || !isfinite(y)) return;
    double px = across(p, clip(&p->x, x)) + 5 * series, py = down(p, clip(&p->y, y));
    fprintf(p->file, "<g class=\"dot s%d\"><title>", series % SERIES);
    cli_html_text(p->file, text);
    fputs("</title>", p->file);
    if (isfinite(low) && isfinite(high)) {
        double from = down(p, clip(&p->y, low)), to = down(p, clip(&p->y, high));
        fprintf(p->file, "<path d=\"M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8\"/>", px, from, to, px - 4, from, px - 4,
                to);
    }
    fprintf(p->file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/></g>\n", px, py);
}

void eval_plot_mark(const eval_plot *p, double x, const char *text) {
    if (!isfinite(x) || part(&p->x, x) < 0 || part(&p->x, x) > 1) return;
    double px = across(p, x);
    bool left = px > WIDTH * 0.7;
    fprintf(p->file, "<path class=mark d=\"M%.1f %dV%d\"/><text class=label x=\"%.1f\" y=\"%d\" text-anchor=%s>", px,
            TOP, HEIGHT - BOTTOM, px + (left ? -6 : 6), TOP + 12, left ? "end" : "start");
    cli_html_text(p->file, text);
    fputs("</text>\n", p->file);
}

void eval_plot_sample(FILE *f, int series) {
    fprintf(f,
            "<svg class=sample viewBox=\"0 0 34 10\" aria-hidden=true><path class=\"line s%d\" stroke-dasharray=\"%s\" "
            "d=\"M1 5H33\"/></svg>",
            series % SERIES, dashes[series % SERIES]);
}

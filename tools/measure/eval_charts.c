#include "measure/eval_page.h"
#include "measure/eval_plot.h"
#include "photos/html_report.h"

#include <math.h>

/* Where a curve of rates is drawn: a plot in decades has no 0, and at 1 nothing is left to tell. */
static double rate_of(const fct_curve_point *p) { return p->accepts > 0 && p->accepts < 1 ? p->accepts : NAN; }

static void roc_point(const void *data, size_t i, double *x, double *y) {
    const fct_curve_point *p = data;
    *x = rate_of(&p[i]);
    *y = 1 - p[i].rejects;
}

static void det_point(const void *data, size_t i, double *x, double *y) {
    const fct_curve_point *p = data;
    *x = rate_of(&p[i]);
    *y = p[i].rejects;
}

static void rank_point(const void *data, size_t i, double *x, double *y) {
    *x = (double)i + 1;
    *y = ((const double *)data)[i];
}

void eval_page_legend(const eval_page *p) {
    if (p->n < 2) return;
    fputs("<p class=legend>", p->file);
    for (int i = 0; i < p->n; i++) {
        fputs("<span>", p->file);
        eval_plot_sample(p->file, i);
        cli_html_text(p->file, eval_name(&p->r[i]));
        fputs("</span>\n", p->file);
    }
    fputs("</p>\n", p->file);
}

/* The lowest power of ten that an axis of rates begins with, for n attempts. */
static double lowest(uint64_t n) { return pow(10, -fmax(1, ceil(log10(fmax((double)n, 10)) - 1e-9))); }

/* An interval's dot, with its figures for whoever points at it. */
static void put_dot(const eval_plot *plot, const eval_result *r, int series, const fct_operating_point *p,
                    const char *names[2], bool rejects) {
    char text[240];
    snprintf(text, sizeof text, "%s: %s %s, threshold %s, %s %s", eval_name(r), names[0], eval_rate_name(p->wanted),
             eval_threshold(r, p->threshold), names[1], eval_interval(&p->tar));
    const fct_rate *t = &p->tar;
    if (rejects) eval_plot_dot(plot, series, p->wanted, 1 - t->value, 1 - t->high, 1 - t->low, text);
    else eval_plot_dot(plot, series, p->wanted, t->value, t->low, t->high, text);
}

/* What a chart of pairs or of searches draws for a pack. */
typedef struct chart_data {
    const fct_curve_point *curve;
    size_t n_curve;
    const fct_operating_point *points;
    int n_points;
} chart_data;

static chart_data data_of(const eval_result *r, bool searches) {
    if (searches) return (chart_data){r->search_curve, r->n_search_curve, r->fpirs, r->n_fpirs};
    return (chart_data){r->curve, r->n_curve, r->points, r->n_points};
}

static void put_chart(const eval_page *p, const eval_plot *plot, const char *title, const char *what, bool searches,
                      bool rejects) {
    static const char *names[2][2] = {{"FAR", "TAR"}, {"FPIR", "DIR"}};
    fprintf(p->file, "<figure><figcaption>%s</figcaption>\n", title);
    eval_plot_begin(plot, title, what);
    for (int i = 0; i < p->n; i++) {
        chart_data d = data_of(&p->r[i], searches);
        eval_plot_line(plot, i, true, rejects ? det_point : roc_point, d.curve, d.n_curve);
        for (int k = 0; k < d.n_points; k++) put_dot(plot, &p->r[i], i, &d.points[k], names[searches], rejects);
    }
    eval_plot_end(plot);
    fputs("</figure>\n", p->file);
}

/* Where the axis of the true accept rate begins: below all that is seen. */
static double floor_of(const eval_page *p) {
    double least = 1;
    for (int i = 0; i < p->n; i++)
        if (p->r[i].n_points) {
            const fct_rate *t = &p->r[i].points[p->r[i].n_points - 1].tar;
            least = fmin(least, isnan(t->low) ? t->value : t->low);
        }
    return fmax(0, fmin(0.9, floor(least * 10 - 1e-9) / 10));
}

void eval_page_pair_charts(const eval_page *p) {
    eval_axis false_accept = {"false accept rate (FAR)", lowest(p->r->info.impostor), 1, true, false};
    eval_plot roc = {p->file, "roc", false_accept, {"true accept rate (TAR)", floor_of(p), 1, false, true}};
    eval_plot det = {
        p->file, "det", false_accept, {"false reject rate (FRR)", lowest(p->r->info.genuine), 1, true, false}};
    eval_page_legend(p);
    fputs("<div class=charts>\n", p->file);
    put_chart(p, &roc, "ROC: accepted pairs of one person", "The table below has the same figures.", false, false);
    put_chart(p, &det, "DET: both kinds of mistakes", "The table below has the same figures.", false, true);
    fputs("</div>\n", p->file);
}

/* ---- Distribution of scores ---------------------------------------------------------------- */

static void genuine_point(const void *data, size_t i, double *x, double *y) {
    const eval_result *r = data;
    *x = r->low + (r->high - r->low) * ((double)i + 0.5) / EVAL_BINS;
    *y = r->genuine[i];
}

static void impostor_point(const void *data, size_t i, double *x, double *y) {
    genuine_point(data, i, x, y);
    *y = ((const eval_result *)data)->impostor[i];
}

void eval_page_score_charts(const eval_page *p) {
    fputs("<p class=legend><span><i class=\"swatch s1\"></i>pairs of two people</span>"
          "<span><i class=\"swatch s0\"></i>pairs of one person</span></p>\n<div class=charts>\n",
          p->file);
    for (int i = 0; i < p->n; i++) {
        const eval_result *r = &p->r[i];
        double most = 0;
        char id[24], what[160];
        for (int k = 0; k < EVAL_BINS; k++) most = fmax(most, fmax(r->genuine[k], r->impostor[k]));
        if (!r->n_curve || r->high <= r->low) continue;
        snprintf(id, sizeof id, "scores%d", i);
        snprintf(what, sizeof what, "Scores of pairs of one person and of two people, as shares of each kind.");
        eval_plot plot = {p->file,
                          id,
                          {r->set->kind == EVAL_SCORES ? "score" : "cosine", r->low, r->high, false, false},
                          {"share of the pairs", 0, most * 1.05, false, true}};
        fputs("<figure><figcaption>", p->file);
        cli_html_text(p->file, eval_name(r));
        fputs("</figcaption>\n", p->file);
        eval_plot_begin(&plot, "Scores", what);
        eval_plot_area(&plot, 1, impostor_point, r, EVAL_BINS);
        eval_plot_area(&plot, 0, genuine_point, r, EVAL_BINS);
        if (!isnan(r->false_accept)) eval_plot_mark(&plot, (double)r->use.threshold, "threshold");
        eval_plot_end(&plot);
        fputs("</figure>\n", p->file);
    }
    fputs("</div>\n", p->file);
}

/* ---- Searches ----------------------------------------------------------------------------------- */

static void put_ranks(const eval_page *p) {
    double least = 1;
    for (int i = 0; i < p->n; i++)
        if (p->r[i].searches) least = fmin(least, p->r[i].cmc[0]);
    least = fmax(0, fmin(0.95, floor(least * 20 - 1e-9) / 20));
    eval_plot plot = {p->file, "cmc", {"rank", 1, EVAL_RANKS, true, false}, {"found", least, 1, false, true}};
    fputs("<figure><figcaption>CMC: the right person is among the first</figcaption>\n", p->file);
    eval_plot_begin(&plot, "Cumulative match characteristic", "Share of the probes found, by rank.");
    for (int i = 0; i < p->n; i++)
        if (p->r[i].searches) eval_plot_line(&plot, i, true, rank_point, p->r[i].cmc, EVAL_RANKS);
    eval_plot_end(&plot);
    fputs("</figure>\n", p->file);
}

void eval_page_search_charts(const eval_page *p) {
    const fct_identification_info *s = &p->r->searched;
    eval_plot det = {p->file,
                     "search",
                     {"strangers named (FPIR)", lowest(s->others), 1, true, false},
                     {"known people missed (FNIR)", lowest(s->probes), 1, true, false}};
    eval_page_legend(p);
    fputs("<div class=charts>\n", p->file);
    put_ranks(p);
    if (p->r->n_search_curve)
        put_chart(p, &det, "DET of searches: strangers named, known people missed", "The table has the same figures.",
                  true, true);
    fputs("</div>\n", p->file);
}

#include "train/curves.h"
#include "train/csv.h"
#include "train/eval.h"
#include "base/alloc.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 60, TOP = 30, POINTS = 600 };

typedef struct plot {
    double x[POINTS], y[POINTS];
    int n;
    double x0, x1, y0, y1;
} plot;

static double across(const plot *p, double x) { return LEFT + (x - p->x0) / (p->x1 - p->x0) * (WIDTH - LEFT - 20); }
static double down(const plot *p, double y) { return TOP + (p->y1 - y) / (p->y1 - p->y0) * (HEIGHT - TOP - 50); }

static void write_svg(const char *folder, const char *name, const plot *p, const char *title, const char *below,
                      bool powers) {
    char *path = fct_path_join(folder, name);
    FILE *f = path ? fct_fopen(path, "w") : NULL;
    fct_free(path);
    if (!f) return;
    fprintf(
        f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><text x=\"%d\" y=\"18\">%s</text>"
        "<text x=\"%d\" y=\"%d\">%s</text>\n",
        WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT, title, WIDTH / 2, HEIGHT - 8, below);
    for (int i = 0; i <= 5; i++) {
        double x = p->x0 + (p->x1 - p->x0) * i / 5, y = p->y0 + (p->y1 - p->y0) * i / 5;
        fprintf(f, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"4\" y=\"%.1f\">%.3g</text>", LEFT, down(p, y),
                WIDTH - 20, down(p, y) + 4, y);
        fprintf(f, powers ? "<text x=\"%.1f\" y=\"%d\">1e%.0f</text>\n" : "<text x=\"%.1f\" y=\"%d\">%.6g</text>\n",
                across(p, x) - 10, HEIGHT - 28, x);
    }
    fprintf(f, "<path fill=\"none\" stroke=\"#0a62c4\" stroke-width=\"1.5\" d=\"");
    for (int i = 0; i < p->n; i++) fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', across(p, p->x[i]), down(p, p->y[i]));
    fprintf(f, "\"/>\n</svg>\n");
    fclose(f);
}

/* Adds a point; once full, every second one is dropped. */
static void add(plot *p, double x, double y, int *every, int *count) {
    if ((*count)++ % *every) return;
    if (p->n == POINTS) {
        for (int i = 0; i < POINTS / 2; i++) p->x[i] = p->x[2 * i], p->y[i] = p->y[2 * i];
        p->n = POINTS / 2;
        *every *= 2;
    }
    p->x[p->n] = x;
    p->y[p->n++] = y;
}

/* Reads the log again each time, so that a run that went on from a checkpoint shows its whole curve. */
void fct_curves_write_loss(const char *folder) {
    plot p = {.x1 = 1, .y1 = 1e-9};
    int every = 1, count = 0;
    char *field[16], *path = fct_path_join(folder, "log.csv");
    uint8_t *data = NULL;
    size_t size;
    if (path && !fct_file_read(path, 1 << 28, &data, &size, NULL)) {
        char *text = (char *)data;
        fct_csv_record(&text, field, 16);
        while (fct_csv_record(&text, field, 16) >= 4) add(&p, atof(field[0]), atof(field[3]), &every, &count);
        for (int i = 0; i < p.n; i++) p.x1 = fmax(p.x1, p.x[i]), p.y1 = fmax(p.y1, p.y[i]);
        write_svg(folder, "loss.svg", &p, "Training loss", "step", false);
    }
    fct_free(data);
    fct_free(path);
}

/* The curve of all pairs from a false accept rate of 1e-5 on. */
void fct_curves_write_roc(const char *folder, const fct_dataset *d, const float *rows, int dim) {
    plot p = {.x0 = -5, .x1 = 0, .y1 = 1};
    fct_scores *all;
    fct_curve_point *points = NULL;
    size_t n = 0;
    if (fct_eval_all_pairs(d, rows, dim, &all, NULL)) return;
    if (!fct_scores_curve(all, POINTS, &points, &n, NULL)) {
        for (size_t i = 0; i < n; i++) {
            if (points[i].accepts < 1e-5) continue;
            p.x[p.n] = log10(points[i].accepts);
            p.y[p.n++] = 1 - points[i].rejects;
        }
        write_svg(folder, "roc.svg", &p, "True accept rate over false accept rate, all pairs", "FAR", true);
    }
    fct_curve_free(points);
    fct_scores_free(all);
}

/* Plots as SVG inside a page. Colors are the page's (CSS variables --c0, --c1, ...), so
 * that they fit light and dark; every series also has a dash pattern of its own. */
#ifndef FACET_CLI_EVAL_PLOT_H
#define FACET_CLI_EVAL_PLOT_H

#include <stdbool.h>
#include <stdio.h>

typedef struct eval_axis {
    const char *label;
    double low, high; /* ends; of a logarithmic axis both above 0 */
    bool log;
    bool percent; /* what the ticks say */
} eval_axis;

typedef struct eval_plot {
    FILE *file;
    const char *id; /* unique in the page */
    eval_axis x, y;
} eval_plot;

/* Begins the SVG with grid, ticks and labels. description is for those who do not see it. */
void eval_plot_begin(const eval_plot *p, const char *title, const char *description);
/* A line of n points, left out where x or y is not on the axes; series chooses color and dash pattern. */
typedef void eval_plot_fn(const void *data, size_t i, double *x, double *y);
void eval_plot_line(const eval_plot *p, int series, bool steps, eval_plot_fn *at, const void *data, size_t n);
/* A filled line, down to the axis. */
void eval_plot_area(const eval_plot *p, int series, eval_plot_fn *at, const void *data, size_t n);
/* A dot with an interval in y and a text that shows when it is pointed at. */
void eval_plot_dot(const eval_plot *p, int series, double x, double y, double low, double high, const char *text);
/* An upright line through the whole plot, with a word beside it. */
void eval_plot_mark(const eval_plot *p, double x, const char *text);
void eval_plot_end(const eval_plot *p);

/* A sample of a series' line, for legends. */
void eval_plot_sample(FILE *f, int series);

#endif

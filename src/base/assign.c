#include "base/assign.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* State of the method. Columns beyond cols are one "single" each for a row.
 * Index 0 of rows and columns is a sentinel. */
typedef struct hungarian {
    const float *cost;
    int rows, cols, all;   /* all = cols + rows */
    double *u, *v, *least; /* potentials of rows and columns; slack of columns */
    int *owner, *way;      /* row of each column; the column before on the path */
    bool *used;
} hungarian;

static double cost_at(const hungarian *h, int row, int col) {
    if (col > h->cols) return (double)FCT_ASSIGN_NEVER;
    double c = (double)h->cost[(size_t)(row - 1) * (size_t)h->cols + (size_t)(col - 1)];
    return c < (double)FCT_ASSIGN_NEVER ? c : 1e6;
}

/* Extends the path from column j: returns the column with the least slack. */
static int step(hungarian *h, int j) {
    int row = h->owner[j], next = 0;
    double delta = INFINITY;
    h->used[j] = true;
    for (int c = 1; c <= h->all; c++) {
        if (h->used[c]) continue;
        double slack = cost_at(h, row, c) - h->u[row] - h->v[c];
        if (slack < h->least[c]) h->least[c] = slack, h->way[c] = j;
        if (h->least[c] < delta) delta = h->least[c], next = c;
    }
    for (int c = 0; c <= h->all; c++) {
        if (h->used[c]) h->u[h->owner[c]] += delta, h->v[c] -= delta;
        else h->least[c] -= delta;
    }
    return next;
}

static void add_row(hungarian *h, int row) {
    int j = 0;
    h->owner[0] = row;
    for (int c = 0; c <= h->all; c++) h->least[c] = INFINITY, h->used[c] = false;
    do j = step(h, j);
    while (h->owner[j]);
    while (j) {
        int before = h->way[j];
        h->owner[j] = h->owner[before];
        j = before;
    }
}

/* The Hungarian algorithm adds one row at a time. Extra columns let a row stay single instead of taking a pair that
 * is not allowed. */
fct_status fct_assign(const float *cost, int rows, int cols, int *match, fct_error *err) {
    for (int i = 0; i < rows; i++) match[i] = -1;
    if (rows < 1 || cols < 1) return FCT_OK;
    size_t n = (size_t)rows + (size_t)cols + 1;
    double *d = fct_calloc(3 * n, sizeof *d);
    int *k = fct_calloc(2 * n, sizeof *k);
    bool *used = fct_calloc(n, sizeof *used);
    if (d && k && used) {
        hungarian h = {cost, rows, cols, rows + cols, d, d + n, d + 2 * n, k, k + n, used};
        for (int r = 1; r <= rows; r++) add_row(&h, r);
        for (int c = 1; c <= cols; c++)
            if (h.owner[c] && cost_at(&h, h.owner[c], c) < (double)FCT_ASSIGN_NEVER) match[h.owner[c] - 1] = c - 1;
    }
    bool ok = d && k && used;
    fct_free(d);
    fct_free(k);
    fct_free(used);
    return ok ? FCT_OK : fct_fail_nomem(err, "assignment", n * sizeof *d);
}

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "evaluate/evaluate_impl.h"
#include "kernels/kernels.h"
#include <string.h>

enum { WIDTH = 16, TASK = 32 }; /* rows of a panel, as the kernel has them; panels of a task */

static double length_of(const float *row, int dim) {
    double sum = 0;
    for (int k = 0; k < dim; k++) sum += (double)row[k] * row[k];
    return sqrt(sum);
}

bool fct_panels_row_good(const float *row, int dim) {
    double length = length_of(row, dim);
    return isfinite(length) && length > 0;
}

void fct_panels_unit(const float *row, int dim, float *out) {
    double length = length_of(row, dim);
    bool good = isfinite(length) && length > 0;
    for (int k = 0; k < dim; k++) out[k] = good ? (float)(row[k] / length) : 0;
}

fct_status fct_panels_make(const float *rows, const size_t *pick, size_t n, int dim, fct_panels *out, fct_error *err) {
    size_t bytes, panels = (n + WIDTH - 1) / WIDTH;
    *out = (fct_panels){.n = n, .panels = panels, .dim = dim};
    if (!fct_mul_size(panels * WIDTH, (size_t)dim * sizeof(float), &bytes))
        return fct_fail(err, FCT_ERR_LIMIT, "%zu embeddings of %d values", n, dim);
    out->data = fct_aligned_alloc(bytes ? bytes : 1);
    float *unit = fct_alloc((size_t)dim * sizeof *unit + 1);
    if (out->data && unit) {
        memset(out->data, 0, bytes);
        for (size_t i = 0; i < n; i++) {
            fct_panels_unit(rows + (pick ? pick[i] : i) * (size_t)dim, dim, unit);
            float *to = out->data + i / WIDTH * WIDTH * (size_t)dim + i % WIDTH;
            for (int k = 0; k < dim; k++) to[(size_t)k * WIDTH] = unit[k];
        }
    }
    bool ok = out->data && unit;
    fct_free(unit);
    if (ok) return FCT_OK;
    fct_panels_clear(out);
    return fct_fail_nomem(err, "embeddings", bytes);
}

void fct_panels_clear(fct_panels *p) {
    fct_aligned_free(p->data);
    *p = (fct_panels){0};
}

typedef struct panel_job {
    const fct_panels *panels;
    size_t first, count;
    const float *probes;
    int m;
    float *out;
} panel_job;

static void score_task(void *ctx, int index, int worker) {
    const panel_job *j = ctx;
    size_t at = (size_t)index * TASK, n = j->count - at < TASK ? j->count - at : TASK;
    const float *rows = j->panels->data + (j->first + at) * WIDTH * (size_t)j->panels->dim;
    fct_kernels()->score_f32(j->out + at * WIDTH, (ptrdiff_t)(j->count * WIDTH), rows, (int)n, j->probes, j->m,
                             j->panels->dim);
}

void fct_panels_score(const fct_panels *p, size_t first, size_t count, const float *probes, int m, float *out) {
    panel_job j = {p, first, count, probes, m, out};
    fct_parallel((int)((count + TASK - 1) / TASK), score_task, &j);
}

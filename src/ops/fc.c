#include "ops/fc.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "kernels/kernels.h"
#include <string.h>

#define ROUND 16 /* row length of packed weights is a multiple of this, as the kernel wants */
#define CHUNK 12 /* outputs per task: four of the kernel's tiles */

struct fct_fc {
    const fct_kernel_table *k;
    int n, inputs; /* outputs; true inputs */
    size_t row;    /* padded row length */
    bool copy;     /* input rows must be padded first */
    bool half;     /* which of w, wh it has */
    bool lent;     /* w or wh is somebody else's memory */
    bool has_bias;
    float *w;
    uint16_t *wh;
    float *bias; /* [n] */
};

typedef struct pack_job {
    fct_fc *f;
    const fct_fc_spec *s;
    float *rows;
} pack_job;

/* Puts one output's weights, times scale, in their places in a packed row. Returns what the input's shift adds to
 * the bias. */
static double place_row(const fct_fc *f, const fct_fc_spec *s, int o, float scale, float *row) {
    const int cb = f->k->cb, area = s->blocked ? s->k / s->blocked : s->k, per = s->k / s->channels;
    const size_t step = s->weight_kn ? (size_t)s->n : 1;
    const float *w = s->weight_kn ? s->weight + o : s->weight + (size_t)o * s->k;
    double shift = 0;
    for (int from = 0, to; from < s->k; from = to) { /* of one channel, and with one scale */
        const int c = from / area, channel = from / per;
        float *dst = s->blocked ? row + (size_t)(c / cb) * area * cb + c % cb : row;
        const size_t dst_step = s->blocked ? (size_t)cb : 1;
        const float k = s->in_scale ? scale * s->in_scale[channel] : scale;
        double sum = 0;
        to = (c + 1) * area < (channel + 1) * per ? (c + 1) * area : (channel + 1) * per;
        for (int i = from; i < to; i++) dst[(size_t)(i - c * area) * dst_step] = w[i * step] * k;
        if (!s->in_scale) continue;
        for (int i = from; i < to; i++) sum += w[i * step];
        shift += sum * scale * s->in_shift[channel];
    }
    return shift;
}

/* Puts one output's weights in place, as fp16 where asked, and adds what the input's shift contributes to the bias. */
static void pack_row(void *ctx, int o, int worker) {
    const pack_job *j = ctx;
    const fct_fc_spec *s = j->s;
    fct_fc *f = j->f;
    float *row = f->wh ? j->rows + (size_t)worker * f->row : f->w + (size_t)o * f->row;
    memset(row, 0, f->row * sizeof *row);
    const double shift = place_row(f, s, o, s->row_scale ? s->row_scale[o] : 1, row);
    f->bias[o] = (float)((s->bias ? s->bias[o] : 0) + shift);
    if (f->wh) f->k->float_to_half(f->wh + (size_t)o * f->row, row, f->row);
}

static fct_status pack(fct_fc *f, const fct_fc_spec *s, fct_error *err) {
    pack_job j = {.f = f, .s = s};
    if (f->wh && !(j.rows = fct_alloc((size_t)fct_parallel_width() * f->row * sizeof *j.rows)))
        return fct_fail_nomem(err, s->name, f->row * sizeof *j.rows);
    fct_parallel(s->n, pack_row, &j);
    fct_free(j.rows);
    return FCT_OK;
}

static size_t weight_bytes(const fct_fc *f) {
    return f->row * (size_t)f->n * (f->half ? sizeof(uint16_t) : sizeof(float));
}

/* Allocates the weights in the form that the layer keeps, then fills them on all threads. */
static fct_status create_packed(fct_fc *f, const fct_fc_spec *s, fct_error *err) {
    void *w = fct_weights_alloc(weight_bytes(f));
    if (!w) return fct_fail_nomem(err, s->name, weight_bytes(f));
    if (f->half) f->wh = w;
    else f->w = w;
    f->has_bias = true;
    return pack(f, s, err);
}

/* Weights that are not given yet are attached later, from the cache. */
fct_status fct_fc_create(const fct_fc_spec *s, fct_fc **out, fct_error *err) {
    *out = NULL;
    if (s->k < 1 || s->n < 1 || s->channels < 1 || s->k % s->channels || (s->blocked && s->k % s->blocked))
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: fully connected layer of %d inputs", s->name, s->k);
    fct_fc *f = fct_calloc(1, sizeof *f);
    if (!f) return fct_fail_nomem(err, s->name, sizeof *f);
    f->k = fct_kernels();
    f->n = s->n;
    f->inputs = s->k;
    size_t used = (size_t)s->k, count;
    if (s->blocked) used = (size_t)fct_blocks(s->blocked, f->k->cb) * f->k->cb * (size_t)(s->k / s->blocked);
    f->row = (used + ROUND - 1) / ROUND * ROUND;
    f->copy = f->row != used || (!s->blocked && used % ROUND);
    bool fits = f->row < INT32_MAX && fct_mul_size(f->row, (size_t)s->n, &count) && count < SIZE_MAX / 8;
    bool half = s->half && f->k->level >= FCT_CPU_AVX2;
    f->inputs = (int)used;
    f->half = half;
    f->bias = fits ? fct_calloc((size_t)s->n, sizeof *f->bias) : NULL;
    fct_status st = f->bias ? FCT_OK : fct_fail_nomem(err, s->name, 0);
    if (!st && s->weight) st = create_packed(f, s, err);
    if (st) fct_fc_free(f);
    else *out = f;
    return st;
}

void fct_fc_free(fct_fc *f) {
    if (!f) return;
    if (!f->lent) {
        fct_weights_free(f->w, weight_bytes(f));
        fct_weights_free(f->wh, weight_bytes(f));
    }
    fct_free(f->bias);
    fct_free(f);
}

static const char *const weight_names[] = {"fc", "fc-half"};
static const char bias_name[] = "fc-bias";

int fct_fc_parts(const fct_fc *f, fct_packed_part parts[FCT_PACKED_PARTS]) {
    parts[0] = (fct_packed_part){weight_names[f->half], f->half ? (const void *)f->wh : f->w, weight_bytes(f)};
    parts[1] = (fct_packed_part){bias_name, f->bias, (size_t)f->n * sizeof *f->bias};
    return 2;
}

bool fct_fc_attach(fct_fc *f, const char *name, const void *data, size_t bytes) {
    if (!strcmp(name, bias_name)) {
        if (f->has_bias || bytes != (size_t)f->n * sizeof *f->bias) return false;
        memcpy(f->bias, data, bytes);
        return f->has_bias = true;
    }
    if (strcmp(name, weight_names[f->half]) != 0 || f->w || f->wh || bytes != weight_bytes(f)) return false;
    /* read-only: packed weights are never written again */
    if (f->half) f->wh = (uint16_t *)(uintptr_t)data;
    else f->w = (float *)(uintptr_t)data;
    return f->lent = true;
}

bool fct_fc_complete(const fct_fc *f) { return f->has_bias && (f->w || f->wh); }

size_t fct_fc_memory(const fct_fc *f) { return weight_bytes(f) + (size_t)f->n * sizeof *f->bias; }
const char *fct_fc_algorithm(const fct_fc *f) { return weight_names[f->half]; }
size_t fct_fc_scratch(const fct_fc *f, int rows) { return f->copy ? f->row * (size_t)rows * sizeof(float) : 0; }

typedef struct run_job {
    const fct_fc *f;
    const float *x;
    int rows;
    float *y;
} run_job;

static void run_task(void *ctx, int index, int worker) {
    const run_job *j = ctx;
    const fct_fc *f = j->f;
    int o = index * CHUNK, outs = f->n - o < CHUNK ? f->n - o : CHUNK;
    fct_k_fc a = {
        .x = j->x, .ldx = f->row, .rows = j->rows, .outs = outs, .k = f->row, .y = j->y + o, .ldy = (size_t)f->n};
    if (f->wh) a.wh = f->wh + (size_t)o * f->row;
    else a.w = f->w + (size_t)o * f->row;
    f->k->fc(&a);
    for (int r = 0; r < j->rows; r++)
        for (int i = 0; i < outs; i++) j->y[(size_t)r * f->n + o + i] += f->bias[o + i];
}

/* Copies a plain input to rows padded with zeros first, so that the kernel needs no special case for the last
 * numbers of a row. */
void fct_fc_run(const fct_fc *f, const float *in, int rows, float *out, void *scratch) {
    run_job j = {f, in, rows, out};
    if (f->copy) {
        float *x = scratch;
        for (int r = 0; r < rows; r++) {
            memcpy(x + (size_t)r * f->row, in + (size_t)r * f->inputs, (size_t)f->inputs * sizeof *x);
            memset(x + (size_t)r * f->row + f->inputs, 0, (f->row - (size_t)f->inputs) * sizeof *x);
        }
        j.x = x;
    }
    fct_parallel((f->n + CHUNK - 1) / CHUNK, run_task, &j);
}

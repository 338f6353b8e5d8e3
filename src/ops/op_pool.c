/* MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool. */
#include "ops/op.h"
#include <math.h>
#include <string.h>

/* Refuses padding as large as the window, since a window might then see nothing but padding. */
static fct_status pool_window(const fct_op_call *c, fct_window *w) {
    fct_status s = fct_op_need_f32(c, 0, 4);
    if (s) return s;
    const int64_t *x = c->in[0]->dims;
    if ((s = fct_op_window(c, NULL, x[2], x[3], w))) return s;
    if (w->top >= w->kh * w->dh || w->left >= w->kw * w->dw || w->bottom >= w->kh * w->dh || w->right >= w->kw * w->dw)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "padding as large as the window");
    return FCT_OK;
}

static fct_status pool_shape(fct_op_call *c) {
    fct_window w;
    fct_status s = pool_window(c, &w);
    if (s) return s;
    return fct_op_out(c, FCT_F32, 4, (int64_t[]){c->in[0]->dims[0], c->in[0]->dims[1], w.oh, w.ow});
}

/* Range of taps [*a, *b) of a window starting at p that lie inside 0..n-1. */
static void taps_inside(int64_t p, int64_t k, int64_t d, int64_t n, int64_t *a, int64_t *b) {
    *a = p < 0 ? (-p + d - 1) / d : 0;
    *b = p >= n ? 0 : (n - p + d - 1) / d;
    if (*b > k) *b = k;
}

static float pool_max(const float *x, int64_t iw, const fct_window *w, int64_t y0, int64_t x0, const int64_t *t) {
    float best = -INFINITY;
    for (int64_t ky = t[0]; ky < t[1]; ky++)
        for (int64_t kx = t[2]; kx < t[3]; kx++) {
            float v = x[(y0 + ky * w->dh) * iw + x0 + kx * w->dw];
            if (v > best) best = v;
        }
    return best;
}

/* The divisor with count_include_pad counts taps inside the padded image; the
 * part of a last window beyond it (ceil_mode) never counts. */
static float pool_average(const float *x, int64_t ih, int64_t iw, const fct_window *w, int64_t y0, int64_t x0,
                          const int64_t *t, bool include_pad) {
    double sum = 0;
    int64_t count = (t[1] - t[0]) * (t[3] - t[2]), a, b, a2, b2;
    for (int64_t ky = t[0]; ky < t[1]; ky++)
        for (int64_t kx = t[2]; kx < t[3]; kx++) sum += x[(y0 + ky * w->dh) * iw + x0 + kx * w->dw];
    if (include_pad) {
        taps_inside(y0 + w->top, w->kh, w->dh, ih + w->top + w->bottom, &a, &b);
        taps_inside(x0 + w->left, w->kw, w->dw, iw + w->left + w->right, &a2, &b2);
        count = (b - a) * (b2 - a2);
    }
    return count > 0 ? (float)(sum / (double)count) : 0;
}

/* Computes each output from the taps that lie inside the image. */
static fct_status pool_run(fct_op_call *c) {
    fct_window w;
    fct_status s = pool_window(c, &w);
    if (s) return s;
    const int64_t *d = c->in[0]->dims;
    bool max = c->op->id == FCT_OP_MAX_POOL, include = fct_op_attr_int(c, "count_include_pad", 0) != 0;
    const float *x = fct_view_f32(c->in[0]);
    float *y = fct_view_f32(c->out);
    for (int64_t p = 0; p < d[0] * d[1]; p++, x += d[2] * d[3])
        for (int64_t oy = 0; oy < w.oh; oy++)
            for (int64_t ox = 0; ox < w.ow; ox++) {
                int64_t y0 = oy * w.sh - w.top, x0 = ox * w.sw - w.left, t[4];
                taps_inside(y0, w.kh, w.dh, d[2], &t[0], &t[1]);
                taps_inside(x0, w.kw, w.dw, d[3], &t[2], &t[3]);
                *y++ = max ? pool_max(x, d[3], &w, y0, x0, t) : pool_average(x, d[2], d[3], &w, y0, x0, t, include);
            }
    return FCT_OK;
}

static fct_status global_shape(fct_op_call *c) {
    fct_status s = fct_op_need_f32(c, 0, 4);
    if (s) return s;
    if (c->in[0]->dims[2] < 1 || c->in[0]->dims[3] < 1) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "empty image");
    return fct_op_out(c, FCT_F32, 4, (int64_t[]){c->in[0]->dims[0], c->in[0]->dims[1], 1, 1});
}

static fct_status global_run(fct_op_call *c) {
    const int64_t *d = c->in[0]->dims, n = d[2] * d[3];
    const float *x = fct_view_f32(c->in[0]);
    float *y = fct_view_f32(c->out);
    bool max = c->op->id == FCT_OP_GLOBAL_MAX_POOL;
    for (int64_t p = 0; p < d[0] * d[1]; p++, x += n) {
        double sum = 0;
        float best = -INFINITY;
        for (int64_t i = 0; i < n; i++) {
            sum += x[i];
            if (x[i] > best) best = x[i];
        }
        y[p] = max ? best : (float)(sum / (double)n);
    }
    return FCT_OK;
}

extern const fct_op fct_op_max_pool, fct_op_average_pool, fct_op_global_average_pool, fct_op_global_max_pool;
const fct_op fct_op_max_pool = {"MaxPool", FCT_OP_MAX_POOL, 1, 1, pool_shape, pool_run};
const fct_op fct_op_average_pool = {"AveragePool", FCT_OP_AVERAGE_POOL, 1, 1, pool_shape, pool_run};
const fct_op fct_op_global_average_pool = {"GlobalAveragePool", FCT_OP_GLOBAL_AVERAGE_POOL, 1, 1, global_shape,
                                           global_run};
const fct_op fct_op_global_max_pool = {"GlobalMaxPool", FCT_OP_GLOBAL_MAX_POOL, 1, 1, global_shape, global_run};

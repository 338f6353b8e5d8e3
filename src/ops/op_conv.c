/* Conv, plain: the definition itself, accumulated in double. */
#include "ops/op.h"

/* Checks that channels, groups, weights and bias fit together, and reads the window. */
static fct_status conv_window(const fct_op_call *c, fct_window *w, int64_t *groups) {
    fct_status s;
    if ((s = fct_op_need_f32(c, 0, 4)) || (s = fct_op_need_f32(c, 1, 4))) return s;
    const int64_t *x = c->in[0]->dims, *f = c->in[1]->dims;
    *groups = fct_op_attr_int(c, "group", 1);
    if (*groups < 1 || *groups > x[1] || x[1] % *groups || f[0] % *groups || f[1] != x[1] / *groups || f[0] < 1)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%lld channels, weights %lld x %lld, group %lld do not fit",
                           (long long)x[1], (long long)f[0], (long long)f[1], (long long)*groups);
    if (fct_op_in(c, 2)) {
        if ((s = fct_op_need_f32(c, 2, 1))) return s;
        if (c->in[2]->dims[0] != f[0]) return fct_op_fail(c, FCT_ERR_FORMAT, "bias and weights differ in length");
    }
    return fct_op_window(c, f + 2, x[2], x[3], w);
}

static fct_status conv_shape(fct_op_call *c) {
    fct_window w;
    int64_t g;
    fct_status s = conv_window(c, &w, &g);
    if (s) return s;
    return fct_op_out(c, FCT_F32, 4, (int64_t[]){c->in[0]->dims[0], c->in[1]->dims[0], w.oh, w.ow});
}

/* Computes one output plane row by row, so that the inner loop runs along the row. */
static void conv_plane(const float *x, const float *f, float *y, const fct_window *w, int64_t ic, int64_t ih,
                       int64_t iw, float bias) {
    for (int64_t oy = 0; oy < w->oh; oy++)
        for (int64_t ox = 0; ox < w->ow; ox++) {
            double sum = bias;
            for (int64_t c = 0; c < ic; c++)
                for (int64_t ky = 0; ky < w->kh; ky++) {
                    int64_t yy = oy * w->sh - w->top + ky * w->dh;
                    if (yy < 0 || yy >= ih) continue;
                    for (int64_t kx = 0; kx < w->kw; kx++) {
                        int64_t xx = ox * w->sw - w->left + kx * w->dw;
                        if (xx < 0 || xx >= iw) continue;
                        sum += (double)x[(c * ih + yy) * iw + xx] * f[(c * w->kh + ky) * w->kw + kx];
                    }
                }
            y[oy * w->ow + ox] = (float)sum;
        }
}

static fct_status conv_run(fct_op_call *c) {
    fct_window w;
    int64_t g;
    fct_status s = conv_window(c, &w, &g);
    if (s) return s;
    const int64_t *xd = c->in[0]->dims, *fd = c->in[1]->dims;
    const float *x = fct_view_f32(c->in[0]), *f = fct_view_f32(c->in[1]);
    const float *b = fct_op_in(c, 2) ? fct_view_f32(c->in[2]) : NULL;
    float *y = fct_view_f32(c->out);
    int64_t plane = xd[2] * xd[3], per = fd[0] / g, taps = fd[1] * w.kh * w.kw;
    for (int64_t n = 0; n < xd[0]; n++)
        for (int64_t o = 0; o < fd[0]; o++)
            conv_plane(x + (n * xd[1] + o / per * fd[1]) * plane, f + o * taps, y + (n * fd[0] + o) * w.oh * w.ow, &w,
                       fd[1], xd[2], xd[3], b ? b[o] : 0);
    return FCT_OK;
}

extern const fct_op fct_op_conv;
const fct_op fct_op_conv = {"Conv", FCT_OP_CONV, 2, 3, conv_shape, conv_run};

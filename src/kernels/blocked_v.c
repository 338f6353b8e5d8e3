/* Blocked element-wise work, pooling, fully connected layer. */
#include "kernels/vec.h"
#include <math.h>

/* The sigmoid calls expf() lane by lane, as the reference does. */
static void affine_sigmoid(const fct_k_affine *a, const float *x, float *y, int n) {
    for (int i = 0; i < n * CB; i++) {
        float v = a->scale ? x[i] * a->scale[i % CB] + a->shift[i % CB] : x[i];
        y[i] = 1 / (1 + expf(-v));
    }
}

void KFN(blk_affine)(const fct_k_affine *a, const float *x, float *y, int n) {
    if (a->act == FCT_K_ACT_SIGMOID) {
        affine_sigmoid(a, x, y, n);
        return;
    }
    const vf zero = V_ZERO();
    const bool bounded = a->act == FCT_K_ACT_CLAMP, sloped = a->act == FCT_K_ACT_SLOPE;
    const vf lo = V_SET1(bounded ? a->lo : -INFINITY), hi = V_SET1(bounded ? a->hi : INFINITY);
    for (int v = 0; v < VPB; v++) {
        const vf s = a->scale ? V_LOAD(a->scale + v * VL) : V_SET1(1), t = a->scale ? V_LOAD(a->shift + v * VL) : zero;
        const vf k = sloped ? V_LOAD(a->slope + v * VL) : V_SET1(1);
        const float *p = x + v * VL;
        float *q = y + v * VL;
        if (sloped)
            for (int i = 0; i < n; i++, p += CB, q += CB) {
                vf z = V_FMA(V_LOAD(p), s, t);
                V_STORE(q, V_FMA(V_MIN(z, zero), k, V_MAX(z, zero)));
            }
        else
            for (int i = 0; i < n; i++, p += CB, q += CB) V_STORE(q, V_MIN(V_MAX(V_FMA(V_LOAD(p), s, t), lo), hi));
    }
}

#define EACH(vector, scalar)                                                                                           \
    for (; i + VL <= n; i += VL) {                                                                                     \
        vf va = V_LOAD(a + i), vb = V_LOAD(b + i);                                                                     \
        V_STORE(y + i, vector);                                                                                        \
    }                                                                                                                  \
    for (; i < n; i++) y[i] = scalar;                                                                                  \
    break

void KFN(blk_binary)(fct_k_binary op, const float *a, const float *b, float *y, size_t n) {
    size_t i = 0;
    switch (op) {
    case FCT_K_ADD:
        EACH(va + vb, a[i] + b[i]);
    case FCT_K_SUB:
        EACH(va - vb, a[i] - b[i]);
    case FCT_K_MUL:
        EACH(va * vb, a[i] * b[i]);
    case FCT_K_MAX:
        EACH(V_MAX(va, vb), fmaxf(a[i], b[i]));
    case FCT_K_MIN:
        EACH(V_MIN(va, vb), fminf(a[i], b[i]));
    }
}

/* Computes one output pixel from the taps [a, b) by [c, d) of the window at (y0, x0). */
ALWAYS_INLINE void pool_pixel(const fct_k_geom *g, bool max, const float *in, float *dst, const int *t, int y0, int x0,
                              vf scale) {
    for (int v = 0; v < VPB; v++) {
        vf s = max ? V_SET1(-INFINITY) : V_ZERO();
        for (int ky = t[0]; ky < t[1]; ky++)
            for (int kx = t[2]; kx < t[3]; kx++) {
                vf z = V_LOAD(in + ((size_t)(y0 + ky * g->dh) * g->iw + x0 + kx * g->dw) * CB + v * VL);
                if (max) s = V_MAX(s, z);
                else s = s + z;
            }
        if (!max) s = s * scale;
        V_STORE(dst + v * VL, s);
    }
}

/* The greatest of K x K pixels, or their sum times scale, for n windows all of whose pixels are inside; windows are
 * `step` floats apart. */
ALWAYS_INLINE void windows(const int K, const bool MAX, const float *in, size_t row, size_t step, float *dst, int n,
                           vf scale) {
    for (int i = 0; i < n * VPB; i++) {
        const float *p = in + (size_t)(i / VPB) * step + i % VPB * VL;
        vf s = MAX ? V_LOAD(p) : V_ZERO();
        UNROLL for (int ky = 0; ky < K; ky++) UNROLL for (int kx = 0; kx < K; kx++) {
            const vf z = V_LOAD(p + ky * row + kx * CB);
            if (MAX) s = V_MAX(s, z);
            else s = s + z;
        }
        if (!MAX) s = s * scale;
        V_STORE(dst + i * VL, s);
    }
}

/* The common pools, 2 x 2 and 3 x 3, without the pixels at the edges: from *x on, which moves past them. */
static void pool_inner(const fct_k_pool *p, const float *in, float *dst, int y0, int *x) {
    const fct_k_geom *g = &p->g;
    const int first = *x * g->sw - g->pad_left, reach = g->iw - g->kw + g->pad_left;
    const int end = reach < 0 ? 0 : reach / g->sw + 1, n = (end < g->ow ? end : g->ow) - *x;
    const size_t row = (size_t)g->iw * CB, step = (size_t)g->sw * CB;
    if (g->kh != g->kw || g->dh != 1 || g->dw != 1 || y0 < 0 || y0 + g->kh > g->ih || first < 0 || n <= 0) return;
    const float *from = in + ((size_t)y0 * g->iw + first) * CB;
    dst += (size_t)*x * CB;
    const vf scale = V_SET1(1.0f / (float)(g->kh * g->kw)); /* of whole windows, wherever the padding counts */
    if (g->kh == 2 && p->max) windows(2, true, from, row, step, dst, n, scale);
    else if (g->kh == 2) windows(2, false, from, row, step, dst, n, scale);
    else if (g->kh == 3 && p->max) windows(3, true, from, row, step, dst, n, scale);
    else if (g->kh == 3) windows(3, false, from, row, step, dst, n, scale);
    else return;
    *x += n;
}

void KFN(blk_pool)(const fct_k_pool *p, const float *in, float *out, int row) {
    const fct_k_geom *g = &p->g;
    const int y0 = row * g->sh - g->pad_top;
    int t[4];
    fct_k_taps(y0, g->kh, g->dh, g->ih, &t[0], &t[1]);
    float *dst = out + (size_t)row * g->ow * CB;
    for (int x = 0; x < g->ow; x++) {
        pool_inner(p, in, dst, y0, &x);
        if (x >= g->ow) break;
        const int x0 = x * g->sw - g->pad_left;
        float *const at = dst + (size_t)x * CB;
        fct_k_taps(x0, g->kw, g->dw, g->iw, &t[2], &t[3]);
        if (p->max) pool_pixel(g, true, in, at, t, y0, x0, V_ZERO());
        else
            pool_pixel(g, false, in, at, t, y0, x0, V_SET1(fct_k_pool_scale(p, y0, x0, (t[1] - t[0]) * (t[3] - t[2]))));
    }
}

#ifdef V_HALF
#define FC_LOAD_HALF(p) V_HALF(p)
#else
/* On levels without an instruction for it, halves are converted one by one. */
ALWAYS_INLINE vf FC_LOAD_HALF(const uint16_t *p) {
    float f[VL];
    fct_k_half_to_float_c(f, p, VL);
    return V_LOAD(f);
}
#endif

/* Computes R rows by O outputs with R x O sums in registers; 3 x 4 of them hide the latency. */
ALWAYS_INLINE void fc_tile(const fct_k_fc *f, int r, int o, int R, int O, bool half) {
    vf s[4][3];
    UNROLL
    for (int i = 0; i < R; i++) UNROLL
    for (int j = 0; j < O; j++) s[i][j] = V_ZERO();
    const float *x = f->x + (size_t)r * f->ldx;
    for (size_t k = 0; k < f->k; k += VL) {
        vf w[3];
        UNROLL
        for (int j = 0; j < O; j++)
            w[j] = half ? FC_LOAD_HALF(f->wh + (size_t)(o + j) * f->k + k) : V_LOAD(f->w + (size_t)(o + j) * f->k + k);
        UNROLL
        for (int i = 0; i < R; i++) {
            const vf v = V_LOAD(x + (size_t)i * f->ldx + k);
            UNROLL
            for (int j = 0; j < O; j++) s[i][j] = V_FMA(v, w[j], s[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < R; i++) UNROLL
    for (int j = 0; j < O; j++) f->y[(size_t)(r + i) * f->ldy + o + j] = v_sum(s[i][j]);
}

/* O outputs for all rows: four rows at a time share each load of the weights, then two, then one. */
ALWAYS_INLINE void fc_outs(const fct_k_fc *f, int o, int O, bool half) {
    int r = 0;
    for (; r + 4 <= f->rows; r += 4) fc_tile(f, r, o, 4, O, half);
    for (; r + 2 <= f->rows; r += 2) fc_tile(f, r, o, 2, O, half);
    for (; r < f->rows; r++) fc_tile(f, r, o, 1, O, half);
}

/* Runs through the outputs three at a time, the rest one by one. */
void KFN(fc)(const fct_k_fc *f) {
    int o = 0;
    if (f->wh) {
        for (; o + 3 <= f->outs; o += 3) fc_outs(f, o, 3, true);
        for (; o < f->outs; o++) fc_outs(f, o, 1, true);
    } else {
        for (; o + 3 <= f->outs; o += 3) fc_outs(f, o, 3, false);
        for (; o < f->outs; o++) fc_outs(f, o, 1, false);
    }
}

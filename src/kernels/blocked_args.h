/* Arguments of the kernels on blocked tensors that are not convolutions, and of
 * the fully connected layer. */
#ifndef FCT_KERNELS_BLOCKED_ARGS_H
#define FCT_KERNELS_BLOCKED_ARGS_H

#include "kernels/conv_args.h"

/* act(x scale + shift) on the channels of one block. */
typedef struct fct_k_affine {
    int cb;
    const float *scale, *shift; /* at the block's first channel, or both NULL */
    fct_k_act act;
    float lo, hi;       /* FCT_K_ACT_CLAMP */
    const float *slope; /* FCT_K_ACT_SLOPE: at the block's first channel */
} fct_k_affine;

typedef enum fct_k_binary { FCT_K_ADD, FCT_K_SUB, FCT_K_MUL, FCT_K_MAX, FCT_K_MIN } fct_k_binary;

/* Windows over one block's plane, [ih][iw][cb] to [oh][ow][cb]. */
typedef struct fct_k_pool {
    fct_k_geom g;
    bool max;
    bool include_pad;          /* average: divide by the taps inside the padded image */
    int pad_bottom, pad_right; /* average with include_pad */
} fct_k_pool;

/* Taps [*a, *b) of a window starting at p that lie in 0..n-1; d: dilation. */
static inline void fct_k_taps(int p, int k, int d, int n, int *a, int *b) {
    *a = p < 0 ? (-p + d - 1) / d : 0;
    *b = p >= n ? 0 : (n - p + d - 1) / d;
    if (*b > k) *b = k;
}

/* Factor of an average over the window at (y0, x0) with that many taps in the image. */
static inline float fct_k_pool_scale(const fct_k_pool *p, int y0, int x0, int taps) {
    const fct_k_geom *g = &p->g;
    int a, b, c, d;
    if (!p->include_pad) return taps > 0 ? 1.0f / (float)taps : 0;
    fct_k_taps(y0 + g->pad_top, g->kh, g->dh, g->ih + g->pad_top + p->pad_bottom, &a, &b);
    fct_k_taps(x0 + g->pad_left, g->kw, g->dw, g->iw + g->pad_left + p->pad_right, &c, &d);
    return 1.0f / (float)((b - a) * (d - c));
}

/* y[r][o] = sum over k of x[r][k] w[o][k]. */
typedef struct fct_k_fc {
    const float *x;
    size_t ldx;
    int rows, outs;
    const float *w;     /* [outs][k], or NULL where wh is used */
    const uint16_t *wh; /* the same in IEEE binary16 */
    size_t k;           /* a multiple of 16 */
    float *y;
    size_t ldy;
} fct_k_fc;

#endif

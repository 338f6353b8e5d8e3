/* Winograd transforms of input and weights. */
#include "kernels/wino_v.h"
#include <string.h>

/* Copies columns x0 .. x1 - 1 of a row of WIDTH pixels, zeros for the others; `inside` says whether there is a row. */
ALWAYS_INLINE void gather_row(const int WIDTH, const fct_k_wino_in *t, const float *src, bool inside, int x0, int x1,
                              float *dst) {
    UNROLL for (int x = 0; x < WIDTH; x++) for (int v = 0; v < CB; v += VL) {
        vf d = V_ZERO();
        if (inside && x >= x0 && x < x1) {
            d = V_LOAD(src + x * CB + v);
            if (t->scale) d = V_FMA(d, V_LOAD(t->scale + v), V_LOAD(t->shift + v));
        }
        V_STORE(dst + x * CB + v, d);
    }
}

/* Copies a tile's input to [MY + 2][MX + 2][CB], with zeros outside the image and scale and shift applied inside. */
ALWAYS_INLINE void gather(const int MY, const int MX, const fct_k_wino_in *t, const float *image, int iy, int ix,
                          float *dst) {
    const fct_k_geom *g = &t->g;
    const int width = MX + 2, x0 = ix < 0 ? -ix : 0, x1 = ix + width > g->iw ? g->iw - ix : width;
    for (int y = iy; y < iy + MY + 2; y++, dst += width * CB)
        gather_row(MX + 2, t, image + ((ptrdiff_t)y * g->iw + ix) * CB, y >= 0 && y < g->ih, x0, x1, dst);
}

/* One tile, or half a block of each of two. */
typedef struct tile_input {
    const float *p[2];
    size_t row[2]; /* floats from one row to the next */
} tile_input;

ALWAYS_INLINE vf load(const bool H, const tile_input *in, int y, int x) {
#if HALVES
    if (H) return V_PAIR(in->p[0] + y * in->row[0] + x * CB, in->p[1] + y * in->row[1] + x * CB);
#endif
    return V_LOAD(in->p[0] + y * in->row[0] + x * CB);
}

ALWAYS_INLINE void transform(const int F, const int MY, const int MX, const bool H, const tile_input *in, float *v,
                             size_t stride) {
    vf half[FCT_WINO_ALPHA_MAX][FCT_WINO_ALPHA_MAX];
    UNROLL for (int y = 0; y < MY + 2; y++) {
        vf d[FCT_WINO_ALPHA_MAX];
        UNROLL for (int x = 0; x < MX + 2; x++) d[x] = load(H, in, y, x);
        w_in(F, MX, d, half[y]);
    }
    UNROLL for (int b = 0; b < MX + 2; b++) {
        vf d[FCT_WINO_ALPHA_MAX], r[FCT_WINO_ALPHA_MAX];
        UNROLL for (int y = 0; y < MY + 2; y++) d[y] = half[y][b];
        w_in(F, MY, d, r);
        UNROLL for (int a = 0; a < MY + 2; a++) V_STORE(v + (a * (F + 2) + b) * stride, r[a]);
    }
}

enum { PADDED = FCT_WINO_ALPHA_MAX * FCT_WINO_ALPHA_MAX * CB };

/* Where tile i is read. One that lies inside the image is read in place. One that reaches over its edge, or needs
 * scale and shift, is copied into a padded buffer first. */
ALWAYS_INLINE void find_input(const int MY, const int MX, const fct_k_wino_in *t, int i, float *padded, const float **p,
                              size_t *row) {
    const fct_k_geom *g = &t->g;
    const int iy = t->tiles[i].y - g->pad_top, ix = t->tiles[i].x - g->pad_left;
    const float *image = t->in + t->tiles[i].image * t->image_stride;
    *p = image + ((ptrdiff_t)iy * g->iw + ix) * CB;
    *row = (size_t)g->iw * CB;
    if (t->scale || iy < 0 || ix < 0 || iy + MY + 2 > g->ih || ix + MX + 2 > g->iw) {
        gather(MY, MX, t, image, iy, ix, padded);
        *p = padded;
        *row = (MX + 2) * CB;
    }
}

/* Asks for the input of a tile that comes soon, without the columns that the one before it has. */
ALWAYS_INLINE void fetch(const int MY, const int MX, const fct_k_wino_in *t, int i) {
    const fct_k_tile *tile = &t->tiles[i < t->n ? i : t->n - 1];
    const ptrdiff_t row = (ptrdiff_t)t->g.iw * CB;
    const float *p = t->in + tile->image * t->image_stride + (tile->y - t->g.pad_top) * row +
                     (ptrdiff_t)(tile->x - t->g.pad_left + 2) * CB;
    UNROLL for (int y = 0; y < MY + 2; y++) UNROLL for (int x = 0; x < MX * CB; x += 16)
        __builtin_prefetch(p + y * row + x, 0, 3);
}

ALWAYS_INLINE void transform_all(const int F, const int MY, const int MX, const fct_k_wino_in *t) {
    float padded[2][PADDED];
    tile_input in;
#if HALVES
    for (int i = 0; t->half && i < t->n; i += 2) {
        fetch(MY, MX, t, i + 2), fetch(MY, MX, t, i + 3);
        for (int k = 0; k < 2; k++) find_input(MY, MX, t, i + k, padded[k], &in.p[k], &in.row[k]);
        transform(F, MY, MX, true, &in, t->v + (size_t)i * (CB / 2), t->point_stride);
    }
    if (t->half) return;
#endif
    for (int i = 0; i < t->n; i++) {
        fetch(MY, MX, t, i + 2);
        find_input(MY, MX, t, i, padded[0], &in.p[0], &in.row[0]);
        for (int v = 0; v < VPB; v++, in.p[0] += VL)
            transform(F, MY, MX, false, &in, t->v + (size_t)i * CB + v * VL, t->point_stride);
    }
}

#define DEFINE(F, MY, MX)                                                                                              \
    static void in_##F##MY##MX(const fct_k_wino_in *t) { transform_all(F, MY, MX, t); }
W_PAIRS(DEFINE)

void KFN(wino_in)(const fct_k_wino_in *t) {
#define CASE(F, MY, MX)                                                                                                \
    case F * 100 + MY * 10 + MX:                                                                                       \
        in_##F##MY##MX(t);                                                                                             \
        break;
    switch (t->family * 100 + t->my * 10 + t->mx) { W_PAIRS(CASE) }
}

/* Multiplies three weights g with s (1, a, a^2) for all points but infinity, where the result is g[2]. */
ALWAYS_INLINE void weight_row(int family, const vf *g, vf *r) {
    r[0] = g[2];
    r[1] = g[0];
    if (family == 4) {
        w_pair(r + 2, w_fma(1.f / 3, g[2], w_mul(2.f / 3, g[0])), 2.f / 3 * W_P, g[1]);
        w_pair(r + 4, w_fma(1.f / 3, g[2], w_mul(1.f / 6, g[0])), 1.f / 6 * W_Q, g[1]);
    } else {
        w_pair(r + 2, w_mul(-2.f / 9, g[0] + g[2]), -2.f / 9, g[1]);
        w_pair(r + 4, w_fma(2.f / 45, g[2], w_mul(1.f / 90, g[0])), 1.f / 45, g[1]);
        w_pair(r + 6, w_fma(8.f / 45, g[2], w_mul(32.f / 45, g[0])), 16.f / 45, g[1]);
    }
}

/* Transforms the rows of the weights, then the columns of the result, for VL lanes at once. */
void KFN(wino_weights)(int family, const float *g, int lanes, float scale, float *u, size_t point_stride) {
    const int alpha = fct_wino_alpha(family);
    for (int l = 0; l < lanes; l += VL) {
        vf half[3][FCT_WINO_ALPHA_MAX];
        for (int y = 0; y < 3; y++) {
            vf d[3];
            for (int x = 0; x < 3; x++) d[x] = w_mul(scale, V_LOAD(g + (y * 3 + x) * lanes + l));
            weight_row(family, d, half[y]);
        }
        for (int b = 0; b < alpha; b++) {
            const vf d[3] = {half[0][b], half[1][b], half[2][b]};
            vf r[FCT_WINO_ALPHA_MAX];
            weight_row(family, d, r);
            for (int a = 0; a < alpha; a++) V_STORE(u + (a * alpha + b) * point_stride + l, r[a]);
        }
    }
}

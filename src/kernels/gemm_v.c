/* Matrix product and packing for convolutions.
 *
 * The sums of a register tile (tile.h) stay in registers over the whole of k;
 * each step loads the panel's weights and broadcasts one channel of each pixel
 * straight from the blocked layout. */
#include "kernels/tile.h"

/* Multiplies one channel: w points at its weights, b at it in pixel 0. */
ALWAYS_INLINE void step(const int MV, const int NR, sums acc, const float *w, const float *b) {
    if (MVV > NR) { /* fewer registers hold the pixels than the weights */
        vf x[NR_MAX];
        UNROLL for (int j = 0; j < NR; j++) x[j] = V_SET1(b[j * CB]);
        UNROLL for (int v = 0; v < MVV; v++) {
            const vf wv = V_LOAD(w + v * VL);
            UNROLL for (int j = 0; j < NR; j++) acc[v][j] = V_FMA(wv, x[j], acc[v][j]);
        }
        return;
    }
    vf wv[MV_MAX * VPB];
    UNROLL for (int v = 0; v < MVV; v++) wv[v] = V_LOAD(w + v * VL);
    UNROLL for (int j = 0; j < NR; j++) {
        const vf x = V_SET1(b[j * CB]);
        UNROLL for (int v = 0; v < MVV; v++) acc[v][j] = V_FMA(wv[v], x, acc[v][j]);
    }
}

ALWAYS_INLINE void multiply(const int MV, const int NR, sums acc, const fct_k_gemm *g, const float *b, ahead next) {
    const float *w = g->w;
    for (int i = g->full; i > 0; i--, b += g->b_stride) {
        UNROLL_K for (int k = 0; k < CB; k += 2) {
            __builtin_prefetch(next.p, 0, 2);
            next.p += next.step;
            step(MV, NR, acc, w, b + k);
            step(MV, NR, acc, w + MV * CB, b + k + 1);
            w += 2 * MV * CB;
        }
    }
    for (int i = g->tail_blocks; i > 0; i--, b += g->b_stride)
        for (int k = 0; k < g->tail; k++, w += MV * CB) step(MV, NR, acc, w, b + k);
}

/* One tile from its first product to the stored result: nothing in between leaves the registers. */
ALWAYS_INLINE void tile(const int MV, const int NR, const fct_k_gemm *g, int at, ahead next) {
    sums acc;
    const size_t first = (size_t)at * CB;
    float *c = g->c + first;
    clear(MV, NR, acc);
    multiply(MV, NR, acc, g, g->b + first, next);
    if (g->load) add_to(MV, NR, acc, c, g->c_stride);
    if (g->e) finish(MV, NR, acc, g->e, g->add ? g->add + first : NULL, g->add_stride);
    store(MV, NR, acc, c, g->c_stride);
}

#define DEFINE(MV, NR)                                                                                                 \
    static void tile_##MV##_##NR(const fct_k_gemm *g, int at, ahead next) { tile(MV, NR, g, at, next); }
TILE_SIZES(DEFINE)
#define ENTRY(MV, NR) [MV][NR] = tile_##MV##_##NR,
static tile_fn *const tiles[5][NR_MAX + 1] = {TILE_SIZES(ENTRY)};

void FCT_CAT(fct_kernels_gemm_shape, _, FCT_LEVEL)(fct_kernel_table *t) {
    t->gemm_mv = MV_MAX;
    t->wino_half = HALVES;
    for (int i = 1; i < 5; i++) t->gemm_nr[i] = tile_width[i];
}

void KFN(conv_gemm)(const fct_k_gemm *g) { tile_row(g, g->w, tiles); }

ALWAYS_INLINE float *put_zeros(float *dst, int n) {
    for (int i = 0; i < n * VPB; i++, dst += VL) V_STORE(dst, V_ZERO());
    return dst;
}

/* Copies n pixels that are step floats apart. */
ALWAYS_INLINE float *put_pixels(float *dst, const float *src, size_t step, int n, const float *scale,
                                const float *shift) {
    if (!scale) {
        for (int i = 0; i < n; i++, src += step)
            for (int v = 0; v < VPB; v++, dst += VL) V_STORE(dst, V_LOAD(src + v * VL));
        return dst;
    }
    for (int i = 0; i < n; i++, src += step)
        for (int v = 0; v < VPB; v++, dst += VL)
            V_STORE(dst, V_FMA(V_LOAD(src + v * VL), V_LOAD(scale + v * VL), V_LOAD(shift + v * VL)));
    return dst;
}

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

/* Copies a part of one output row under one tap: columns ox .. ox + n - 1. row is NULL outside the input; scale and
 * shift are those of the channel block. */
static float *pack_run(const fct_k_geom *g, const float *row, int kx, int ox, int n, const float *scale,
                       const float *shift, float *dst) {
    if (!row) return put_zeros(dst, n);
    const int offset = kx * g->dw - g->pad_left;
    /* first and last + 1 column whose x = column * sw + offset is inside */
    const int a = clamp(offset >= 0 ? 0 : (-offset + g->sw - 1) / g->sw, ox, ox + n);
    const int b = clamp(g->iw - 1 - offset < 0 ? 0 : (g->iw - 1 - offset) / g->sw + 1, a, ox + n);
    dst = put_zeros(dst, a - ox);
    if (b > a)
        dst = put_pixels(dst, row + ((ptrdiff_t)a * g->sw + offset) * CB, (size_t)g->sw * CB, b - a, scale, shift);
    return put_zeros(dst, ox + n - b);
}

/* Walks through the pixels row by row, so that each run of one row under one tap is copied at once. */
void KFN(conv_pack)(const fct_k_pack *p, int k0, int k1, int p0, int n, float *dst) {
    const fct_k_geom *g = &p->g;
    const int taps = g->kh * g->kw, area = g->oh * g->ow;
    const int image0 = p0 / area, oy0 = p0 % area / g->ow, ox0 = p0 % g->ow;
    for (int k = k0; k < k1; k++) {
        const int block = k / taps, ky = k % taps / g->kw, kx = k % g->kw;
        const float *scale = p->scale ? p->scale + block * CB : NULL, *shift = scale ? p->shift + block * CB : NULL;
        const float *plane = p->in + image0 * p->image_stride + block * p->plane;
        int oy = oy0, ox = ox0;
        for (int left = n; left > 0;) {
            const int run = g->ow - ox < left ? g->ow - ox : left, y = oy * g->sh + ky * g->dh - g->pad_top;
            const float *row = y >= 0 && y < g->ih ? plane + (size_t)y * g->iw * CB : NULL;
            dst = pack_run(g, row, kx, ox, run, scale, shift, dst);
            left -= run;
            ox = 0;
            if (++oy == g->oh) {
                oy = 0;
                plane += p->image_stride;
            }
        }
    }
}

void KFN(half_to_float)(float *dst, const uint16_t *src, size_t n) {
    size_t i = 0;
#ifdef V_HALF
    for (; i + VL <= n; i += VL) V_STORE(dst + i, V_HALF(src + i));
#endif
    if (i < n) fct_k_half_to_float_c(dst + i, src + i, n - i);
}

void KFN(float_to_half)(uint16_t *dst, const float *src, size_t n) {
    size_t i = 0;
#ifdef V_HALF
    for (; i + VL <= n; i += VL) V_TO_HALF(dst + i, V_LOAD(src + i));
#endif
    if (i < n) fct_k_float_to_half_c(dst + i, src + i, n - i);
}

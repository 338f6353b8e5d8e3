/* Matrix product and packing for convolutions.
 *
 * The sums of a register tile (tile.h) stay in registers over the whole of k;
 * each step loads the panel's weights and broadcasts one channel of each pixel
 * straight from the blocked layout. */
#include "kernels/tile.h"

#ifdef __clang__
#define UNROLL_K _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL_K _Pragma("GCC unroll 2")
#endif

/* One channel: w at its weights, b at it in pixel 0. */
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

/* What to prefetch while a tile is computed: one place every other channel. */
typedef struct ahead { const char *p; size_t step; } ahead;

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

ALWAYS_INLINE void tile(const int MV, const int NR, const fct_k_gemm *g, const float *b, float *c, const float *add,
                        ahead next) {
    sums acc;
    clear(MV, NR, acc);
    multiply(MV, NR, acc, g, b, next);
    if (g->load) add_to(MV, NR, acc, c, g->c_stride);
    if (g->e) finish(MV, NR, acc, g->e, add, g->add_stride);
    store(MV, NR, acc, c, g->c_stride);
}

typedef void tile_fn(const fct_k_gemm *g, const float *b, float *c, const float *add, ahead next);

#define TILE(MV, NR)                                                                                            \
    static void tile_##MV##_##NR(const fct_k_gemm *g, const float *b, float *c, const float *add, ahead next) { \
        tile(MV, NR, g, b, c, add, next);                                                                       \
    }
#define TILES_1_3(MV)  TILE(MV, 1) TILE(MV, 2) TILE(MV, 3)
#define TILES_4(MV)    TILE(MV, 4)
#define TILES_5_6(MV)  TILE(MV, 5) TILE(MV, 6)
#define TILES_7_8(MV)  TILE(MV, 7) TILE(MV, 8)
#define TILES_9_12(MV) TILE(MV, 9) TILE(MV, 10) TILE(MV, 11) TILE(MV, 12)
#define ROW_3(MV)      {NULL, tile_##MV##_1, tile_##MV##_2, tile_##MV##_3}
#define ROW_4(MV)      {NULL, tile_##MV##_1, tile_##MV##_2, tile_##MV##_3, tile_##MV##_4}
#define ROW_6(MV)                                                                                                      \
    {NULL, tile_##MV##_1, tile_##MV##_2, tile_##MV##_3, tile_##MV##_4, tile_##MV##_5, tile_##MV##_6}
#define ROW_8(MV)                                                                                                      \
    {NULL, tile_##MV##_1, tile_##MV##_2, tile_##MV##_3, tile_##MV##_4, tile_##MV##_5, tile_##MV##_6, tile_##MV##_7,    \
     tile_##MV##_8}
#define ROW_12(MV)                                                                                                     \
    {NULL, tile_##MV##_1, tile_##MV##_2, tile_##MV##_3, tile_##MV##_4, tile_##MV##_5, tile_##MV##_6, tile_##MV##_7,    \
     tile_##MV##_8, tile_##MV##_9, tile_##MV##_10, tile_##MV##_11, tile_##MV##_12}

#if defined(__AVX512F__)
TILES_1_3(1) TILES_4(1) TILES_5_6(1) TILES_7_8(1) TILES_9_12(1)
TILES_1_3(2) TILES_4(2) TILES_5_6(2) TILES_7_8(2) TILES_9_12(2)
TILES_1_3(3) TILES_4(3) TILES_5_6(3) TILES_7_8(3)
TILES_1_3(4) TILES_4(4) TILES_5_6(4)
static tile_fn *const tiles[5][NR_MAX + 1] = {{NULL}, ROW_12(1), ROW_12(2), ROW_8(3), ROW_6(4)};
#elif defined(__AVX2__)
TILES_1_3(1) TILES_4(1) TILES_5_6(1) TILES_7_8(1) TILES_9_12(1)
TILES_1_3(2) TILES_4(2) TILES_5_6(2)
TILES_1_3(3) TILES_4(3)
TILES_1_3(4)
static tile_fn *const tiles[5][NR_MAX + 1] = {{NULL}, ROW_12(1), ROW_6(2), ROW_4(3), ROW_3(4)};
#elif defined(__aarch64__)
TILES_1_3(1) TILES_4(1) TILES_5_6(1) TILES_7_8(1) TILES_9_12(1)
TILES_1_3(2) TILES_4(2) TILES_5_6(2)
TILES_1_3(3) TILES_4(3)
static tile_fn *const tiles[5][NR_MAX + 1] = {{NULL}, ROW_12(1), ROW_6(2), ROW_4(3)};
#else
TILES_1_3(1) TILES_4(1) TILES_5_6(1)
TILES_1_3(2)
static tile_fn *const tiles[5][NR_MAX + 1] = {{NULL}, ROW_6(1), ROW_3(2)};
#endif

static const int tile_width[5] = {1, NR1, NR2, NR3, NR4};

void FCT_CAT(fct_kernels_gemm_shape, _, FCT_LEVEL)(fct_kernel_table *t) {
    t->gemm_mv = MV_MAX;
    for (int i = 1; i < 5; i++) t->gemm_nr[i] = tile_width[i];
}

/* Tiles of nearly equal width: a narrow last one would wait for the FMA's latency. */
void KFN(conv_gemm)(const fct_k_gemm *g) {
    const int count = (g->n + tile_width[g->mv] - 1) / tile_width[g->mv];
    const int width = g->n / count, wider = g->n % count;
    const size_t slots = (size_t)g->full * (CB / 2);
    ahead next = {g->ahead ? g->ahead : (const void *)g->w, 0};
    if (g->ahead && slots) next.step = (g->ahead_bytes + slots * count - 1) / (slots * count);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const int w = width + (i < wider);
        tiles[g->mv][w](g, g->b + at, g->c + at, g->add ? g->add + at : NULL, next);
        at += (size_t)w * CB;
        next.p += slots * next.step;
    }
}

ALWAYS_INLINE float *put_zeros(float *dst, int n) {
    for (int i = 0; i < n * VPB; i++, dst += VL) V_STORE(dst, V_ZERO());
    return dst;
}

/* n pixels, step floats apart. */
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

/* Part of one output row under one tap: columns ox .. ox + n - 1. row is NULL
 * outside the input; scale and shift are those of the channel block. */
static float *pack_run(const fct_k_geom *g, const float *row, int kx, int ox, int n, const float *scale,
                       const float *shift, float *dst) {
    if (!row) return put_zeros(dst, n);
    const int offset = kx * g->dw - g->pad_left;
    /* first and last + 1 column whose x = column * sw + offset is inside */
    const int a = clamp(offset >= 0 ? 0 : (-offset + g->sw - 1) / g->sw, ox, ox + n);
    const int b = clamp(g->iw - 1 - offset < 0 ? 0 : (g->iw - 1 - offset) / g->sw + 1, a, ox + n);
    dst = put_zeros(dst, a - ox);
    if (b > a) dst = put_pixels(dst, row + ((ptrdiff_t)a * g->sw + offset) * CB, (size_t)g->sw * CB, b - a, scale, shift);
    return put_zeros(dst, ox + n - b);
}

void KFN(conv_pack)(const fct_k_pack *p, int k0, int k1, int p0, int n, float *dst) {
    const fct_k_geom *g = &p->g;
    const int taps = g->kh * g->kw, area = g->oh * g->ow;
    const int image0 = p0 / area, oy0 = p0 % area / g->ow, ox0 = p0 % g->ow;
    for (int k = k0; k < k1; k++) {
        const int block = k / taps, ky = k % taps / g->kw, kx = k % g->kw;
        const float *scale = p->scale ? p->scale + block * CB : NULL, *shift = scale ? p->shift + block * CB : NULL;
        const float *plane = p->in + image0 * p->image_stride + (size_t)block * g->ih * g->iw * CB;
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

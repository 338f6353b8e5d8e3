/* Register tiles: mv channel blocks by nr pixels, all sums in registers. Sizes
 * fill the register file: 12 sums of 16 registers (AVX2, SSE), 24 of 32
 * (AVX-512, NEON). Included by the <family>_v.c of convolution. */
#ifndef FCT_KERNELS_TILE_H
#define FCT_KERNELS_TILE_H

#include "kernels/vec.h"

/* All tile sizes of the level: X(blocks, pixels). */
#define TILES_3(X, MV)  X(MV, 1) X(MV, 2) X(MV, 3)
#define TILES_4(X, MV)  TILES_3(X, MV) X(MV, 4)
#define TILES_6(X, MV)  TILES_4(X, MV) X(MV, 5) X(MV, 6)
#define TILES_8(X, MV)  TILES_6(X, MV) X(MV, 7) X(MV, 8)
#define TILES_12(X, MV) TILES_8(X, MV) X(MV, 9) X(MV, 10) X(MV, 11) X(MV, 12)

#if defined(__AVX512F__)
#define TILE_SIZES(X) TILES_12(X, 1) TILES_12(X, 2) TILES_8(X, 3) TILES_6(X, 4)
#define MV_MOST       4
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 12, NR3 = 8, NR4 = 6 };
#elif defined(__AVX2__)
#define TILE_SIZES(X) TILES_12(X, 1) TILES_6(X, 2) TILES_4(X, 3) TILES_3(X, 4)
#define MV_MOST       4
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 6, NR3 = 4, NR4 = 3 };
#elif defined(__aarch64__)
#define TILE_SIZES(X) TILES_12(X, 1) TILES_6(X, 2) TILES_4(X, 3)
#define MV_MOST       3
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 6, NR3 = 4, NR4 = 0 };
#else
#define TILE_SIZES(X) TILES_6(X, 1) TILES_3(X, 2)
#define MV_MOST       2
enum { MV_MAX = MV_MOST, NR1 = 6, NR2 = 3, NR3 = 0, NR4 = 0 };
#endif

#define NR_MAX 12
#define MVV    (MV * VPB) /* vectors of a panel */
typedef vf sums[MV_MAX * VPB][NR_MAX];

ALWAYS_INLINE void add_to(const int MV, const int NR, sums acc, const float *p, size_t stride) {
    UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) acc[v][j] +=
        V_LOAD(p + v / VPB * stride + v % VPB * VL + j * CB);
}

ALWAYS_INLINE void finish(const int MV, const int NR, sums acc, const fct_k_epilogue *e, const float *add,
                          size_t add_stride) {
    UNROLL for (int v = 0; v < MVV; v++) {
        const vf bias = V_LOAD(e->bias + v * VL);
        UNROLL for (int j = 0; j < NR; j++) acc[v][j] += bias;
    }
    if (add && !e->add_after) add_to(MV, NR, acc, add, add_stride);
    if (e->act == FCT_K_ACT_CLAMP) {
        const vf lo = V_SET1(e->lo), hi = V_SET1(e->hi);
        UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) acc[v][j] =
            V_MIN(V_MAX(acc[v][j], lo), hi);
    } else if (e->act == FCT_K_ACT_SLOPE) {
        const vf zero = V_ZERO();
        UNROLL for (int v = 0; v < MVV; v++) {
            const vf slope = V_LOAD(e->slope + v * VL);
            UNROLL for (int j = 0; j < NR; j++) acc[v][j] =
                V_FMA(slope, V_MIN(acc[v][j], zero), V_MAX(acc[v][j], zero));
        }
    }
    if (add && e->add_after) add_to(MV, NR, acc, add, add_stride);
}

ALWAYS_INLINE void clear(const int MV, const int NR, sums acc) {
    UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) acc[v][j] = V_ZERO();
}

ALWAYS_INLINE void store(const int MV, const int NR, sums acc, float *c, size_t stride) {
    UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++)
        V_STORE(c + v / VPB * stride + v % VPB * VL + j * CB, acc[v][j]);
}

/* ---- Rows of tiles ---------------------------------------------------------- */

#ifdef __clang__
#define UNROLL_K _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL_K _Pragma("GCC unroll 2")
#endif

/* What to prefetch while a tile is computed: one place every other channel. */
typedef struct ahead {
    const char *p;
    size_t step;
} ahead;

/* Pixels at .. at + NR - 1 of a product. */
typedef void tile_fn(const fct_k_gemm *g, int at, ahead next);

static const int tile_width[5] = {1, NR1, NR2, NR3, NR4};

/* Cuts a row into tiles of nearly equal width, since a narrow last one would wait for the FMA's latency. */
ALWAYS_INLINE void tile_row(const fct_k_gemm *g, const void *weights, tile_fn *const tiles[5][NR_MAX + 1]) {
    const int count = (g->n + tile_width[g->mv] - 1) / tile_width[g->mv];
    const int width = g->n / count, wider = g->n % count;
    const size_t slots = (size_t)g->full * (CB / 2);
    ahead next = {g->ahead ? g->ahead : weights, 0};
    if (g->ahead && slots) next.step = (g->ahead_bytes + slots * count - 1) / (slots * count);
    int at = 0;
    for (int i = 0; i < count; i++) {
        const int w = width + (i < wider);
        tiles[g->mv][w](g, at, next);
        at += w;
        next.p += slots * next.step;
    }
}

#endif

/* Register tiles: mv channel blocks by nr pixels, all sums in registers. Sizes
 * fill the register file: 12 sums of 16 registers (AVX2, SSE), 24 of 32
 * (AVX-512, NEON). Included by the <family>_v.c of convolution. */
#ifndef FCT_KERNELS_TILE_H
#define FCT_KERNELS_TILE_H

#include "kernels/vec.h"

#if defined(__AVX512F__)
#define MV_MOST 4
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 12, NR3 = 8, NR4 = 6 };
#elif defined(__AVX2__)
#define MV_MOST 4
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 6, NR3 = 4, NR4 = 3 };
#elif defined(__aarch64__)
#define MV_MOST 3
enum { MV_MAX = MV_MOST, NR1 = 12, NR2 = 6, NR3 = 4, NR4 = 0 };
#else
#define MV_MOST 2
enum { MV_MAX = MV_MOST, NR1 = 6, NR2 = 3, NR3 = 0, NR4 = 0 };
#endif

#define NR_MAX 12
#define MVV    (MV * VPB) /* vectors of a panel */
typedef vf sums[MV_MAX * VPB][NR_MAX];

ALWAYS_INLINE void add_to(const int MV, const int NR, sums acc, const float *p, size_t stride) {
    UNROLL for (int v = 0; v < MVV; v++)
        UNROLL for (int j = 0; j < NR; j++)
            acc[v][j] += V_LOAD(p + v / VPB * stride + v % VPB * VL + j * CB);
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
        UNROLL for (int v = 0; v < MVV; v++)
            UNROLL for (int j = 0; j < NR; j++) acc[v][j] = V_MIN(V_MAX(acc[v][j], lo), hi);
    } else if (e->act == FCT_K_ACT_SLOPE) {
        const vf zero = V_ZERO();
        UNROLL for (int v = 0; v < MVV; v++) {
            const vf slope = V_LOAD(e->slope + v * VL);
            UNROLL for (int j = 0; j < NR; j++)
                acc[v][j] = V_FMA(slope, V_MIN(acc[v][j], zero), V_MAX(acc[v][j], zero));
        }
    }
    if (add && e->add_after) add_to(MV, NR, acc, add, add_stride);
}

ALWAYS_INLINE void clear(const int MV, const int NR, sums acc) {
    UNROLL for (int v = 0; v < MVV; v++)
        UNROLL for (int j = 0; j < NR; j++) acc[v][j] = V_ZERO();
}

ALWAYS_INLINE void store(const int MV, const int NR, sums acc, float *c, size_t stride) {
    UNROLL for (int v = 0; v < MVV; v++)
        UNROLL for (int j = 0; j < NR; j++) V_STORE(c + v / VPB * stride + v % VPB * VL + j * CB, acc[v][j]);
}

#endif

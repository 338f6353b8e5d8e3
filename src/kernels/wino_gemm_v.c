/* Products between Winograd's transforms, for layers whose weights stay in L2: all
 * points in one call, since a point of few channels is a few dozen multiply-adds.
 *
 * The sums of a register tile stay in registers over all k, as in gemm_v.c and in the
 * same order. Of half a block of output channels two pixels share a vector of sums:
 * 24 channels cost one and a half blocks, not two. */
#include "kernels/vec.h"

/* Register tiles: X(whole blocks, half a block besides, pixels). Sums fill the registers as in tile.h; a single
 * block has as many pixels as there are sums, so that little is lost between short sums. */
#define PIXELS_4(X, MV, H)  X(MV, H, 1) X(MV, H, 2) X(MV, H, 3) X(MV, H, 4)
#define PIXELS_6(X, MV, H)  PIXELS_4(X, MV, H) X(MV, H, 5) X(MV, H, 6)
#define PIXELS_8(X, MV, H)  PIXELS_6(X, MV, H) X(MV, H, 7) X(MV, H, 8)
#define PIXELS_12(X, MV, H) PIXELS_8(X, MV, H) X(MV, H, 9) X(MV, H, 10) X(MV, H, 11) X(MV, H, 12)
#define PIXELS_16(X, MV, H) PIXELS_12(X, MV, H) X(MV, H, 13) X(MV, H, 14) X(MV, H, 15) X(MV, H, 16)
#define PIXELS_20(X, MV, H) PIXELS_16(X, MV, H) X(MV, H, 17) X(MV, H, 18) X(MV, H, 19) X(MV, H, 20)
#define PIXELS_24(X, MV, H) PIXELS_20(X, MV, H) X(MV, H, 21) X(MV, H, 22) X(MV, H, 23) X(MV, H, 24)
#define EVEN_10(X, MV, H)   X(MV, H, 2) X(MV, H, 4) X(MV, H, 6) X(MV, H, 8) X(MV, H, 10)
#define EVEN_16(X, MV, H)   EVEN_10(X, MV, H) X(MV, H, 12) X(MV, H, 14) X(MV, H, 16)

enum { MV_MOST = 3, NR_MOST = 24 };
#if defined(__AVX512F__)
#define TILES(X) PIXELS_24(X, 1, 0) PIXELS_12(X, 2, 0) PIXELS_8(X, 3, 0) EVEN_16(X, 1, 1) EVEN_10(X, 2, 1)
static const int width_of[MV_MOST + 1][2] = {{0, 0}, {24, 16}, {12, 10}, {8, 0}};
#elif defined(__AVX2__)
#define TILES(X) PIXELS_12(X, 1, 0) PIXELS_6(X, 2, 0) PIXELS_4(X, 3, 0) EVEN_10(X, 1, 1) EVEN_10(X, 2, 1)
static const int width_of[MV_MOST + 1][2] = {{0, 0}, {12, 8}, {6, 4}, {4, 0}};
#elif defined(__aarch64__)
#define TILES(X) PIXELS_12(X, 1, 0) PIXELS_6(X, 2, 0) PIXELS_4(X, 3, 0)
static const int width_of[MV_MOST + 1][2] = {{0, 0}, {12, 0}, {6, 0}, {4, 0}};
#else
#define TILES(X) PIXELS_6(X, 1, 0) X(2, 0, 1) X(2, 0, 2) X(2, 0, 3)
static const int width_of[MV_MOST + 1][2] = {{0, 0}, {6, 0}, {3, 0}, {0, 0}};
#endif

typedef struct tile_sums {
    vf whole[MV_MOST * VPB][NR_MOST];
    vf pairs[NR_MOST / 2];
} tile_sums;

/* Multiplies one channel: u points at its weights, b at it in pixel 0; pixels are `apart` floats apart. */
ALWAYS_INLINE void step(const int MV, const bool H, const int NR, tile_sums *s, const float *u, const float *b,
                        const int apart) {
    vf w[MV_MOST * VPB];
    UNROLL for (int v = 0; v < MV * VPB; v++) w[v] = V_LOAD(u + v * VL);
#if HALVES
    const vf h = H ? V_TWICE(u + MV * CB) : V_ZERO();
    if (H) {
        UNROLL for (int j = 0; j < NR; j += 2) {
            const vf x = V_SET1(b[j * apart]), y = V_SET1(b[(j + 1) * apart]);
            UNROLL for (int v = 0; v < MV * VPB; v++) {
                s->whole[v][j] = V_FMA(w[v], x, s->whole[v][j]);
                s->whole[v][j + 1] = V_FMA(w[v], y, s->whole[v][j + 1]);
            }
            s->pairs[j / 2] = V_FMA(h, V_JOIN(x, y), s->pairs[j / 2]);
        }
        return;
    }
#endif
    UNROLL for (int j = 0; j < NR; j++) {
        const vf x = V_SET1(b[j * apart]);
        UNROLL for (int v = 0; v < MV * VPB; v++) s->whole[v][j] = V_FMA(w[v], x, s->whole[v][j]);
    }
}

/* Pixels of one point. tail: the first of them in the last k block. */
typedef void tile_fn(const fct_k_wino_gemm *g, const float *u, const float *v, const float *tail, float *m,
                     float *half);

ALWAYS_INLINE void tile(const int MV, const bool H, const int NR, const fct_k_wino_gemm *g, const float *u,
                        const float *v, const float *tail, float *m, float *half) {
    tile_sums s;
    const size_t size = (size_t)(MV + H) * CB;
    UNROLL for (int i = 0; i < MV * VPB; i++) UNROLL for (int j = 0; j < NR; j++) s.whole[i][j] = V_ZERO();
    UNROLL for (int j = 0; j < NR / 2; j++) s.pairs[j] = V_ZERO();
    for (int i = g->full; i > 0; i--, v += g->v_block)
        for (int k = 0; k < CB; k += 2, u += 2 * size) {
            step(MV, H, NR, &s, u, v + k, CB);
            step(MV, H, NR, &s, u + size, v + k + 1, CB);
        }
    if (HALVES && g->half_in)
        for (int k = 0; k < g->tail; k++, u += size) step(MV, H, NR, &s, u, tail + k, CB / 2);
    else
        for (int k = 0; k < g->tail; k++, u += size) step(MV, H, NR, &s, u, tail + k, CB);
    UNROLL for (int i = 0; i < MV * VPB; i++) UNROLL for (int j = 0; j < NR; j++)
        V_STORE(m + i / VPB * g->m_block + i % VPB * VL + j * CB, s.whole[i][j]);
    if (H) UNROLL for (int j = 0; j < NR / 2; j++) V_STORE(half + j * CB, s.pairs[j]);
}

#define DEFINE(MV, H, NR)                                                                                              \
    static void tile_##MV##_##H##_##NR(const fct_k_wino_gemm *g, const float *u, const float *v, const float *tail,    \
                                       float *m, float *half) {                                                        \
        tile(MV, H, NR, g, u, v, tail, m, half);                                                                       \
    }
TILES(DEFINE)
#define ENTRY(MV, H, NR) [MV][H][NR] = tile_##MV##_##H##_##NR,
static tile_fn *const tiles[MV_MOST + 1][2][NR_MOST + 1] = {TILES(ENTRY)};

void KFN(wino_gemm)(const fct_k_wino_gemm *g) {
    const int mv = g->mv - g->half_out, widest = width_of[mv][g->half_out], even = g->half_out ? 2 : 1;
    const int lanes_in = g->half_in ? CB / 2 : CB;
    const size_t u_point = (size_t)(g->full * CB + g->tail) * g->mv * CB;
    for (int p = 0; p < g->points; p++) {
        const float *const u = g->u + p * u_point, *const v = g->v + p * g->v_point;
        float *const m = g->m + p * g->m_point;
        const int n = g->part[p][1], count = (n + widest - 1) / widest;
        int at = g->part[p][0], left = n / even;
        for (int i = count; i > 0; i--) { /* of nearly equal width: a narrow one would wait for the FMA's latency */
            const int pairs = (left + i - 1) / i, w = pairs * even;
            tiles[mv][g->half_out][w](g, u, v + (size_t)at * CB, v + g->full * g->v_block + (size_t)at * lanes_in,
                                      m + (size_t)at * CB, m + mv * g->m_block + (size_t)at * (CB / 2));
            at += w;
            left -= pairs;
        }
    }
}

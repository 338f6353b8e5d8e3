/* score_f32 on vectors: register tiles of a few probes by a few panels. */
#include "kernels/vec.h"

#define PANEL 16
#define VPP   (PANEL / VL) /* vectors per panel */

/* Scores a tile of P probes by R panels. Both are constants once inlined, so that the sums stay in registers. */
ALWAYS_INLINE void tile(float *out, ptrdiff_t stride, const float *rows, const float *probes, int dim, const int P,
                        const int R) {
    vf sum[32], row[8];
    const ptrdiff_t panel = (ptrdiff_t)dim * PANEL;
    UNROLL for (int a = 0; a < P * R * VPP; a++) sum[a] = V_ZERO();
    for (ptrdiff_t i = 0; i < dim; i++) {
        UNROLL for (int v = 0; v < R * VPP; v++) row[v] = V_LOAD(rows + (v / VPP) * panel + i * PANEL + v % VPP * VL);
        UNROLL for (int p = 0; p < P; p++) {
            vf x = V_SET1(probes[p * (ptrdiff_t)dim + i]);
            UNROLL for (int v = 0; v < R * VPP; v++) sum[p * R * VPP + v] = V_FMA(x, row[v], sum[p * R * VPP + v]);
        }
    }
    UNROLL for (int p = 0; p < P; p++) UNROLL for (int v = 0; v < R * VPP; v++)
        V_STORE(out + p * stride + v * VL, sum[p * R * VPP + v]);
}

/* Shapes: sums, rows and one probe fit the registers (32 vectors with AVX-512
 * and NEON, 16 else), with at least 8 sums in flight to hide the latency of a
 * multiply-add. */
#if VL == 16
#define MANY   8 /* probes of a full tile */
#define MANY_R 2 /* its panels */
#define ONE_R  4 /* panels at once for a single probe */
#elif VL == 8
#define MANY   6
#define MANY_R 1
#define ONE_R  4
#elif defined(__aarch64__)
#define MANY   6
#define MANY_R 1
#define ONE_R  2
#else
#define MANY   2
#define MANY_R 1
#define ONE_R  2
#endif

/* Scores all probes against R panels. */
ALWAYS_INLINE void strip(float *out, ptrdiff_t stride, const float *rows, const float *probes, int n_probes, int dim,
                         const int R) {
    int p = 0;
    for (; p + MANY <= n_probes; p += MANY)
        tile(out + p * stride, stride, rows, probes + (ptrdiff_t)p * dim, dim, MANY, R);
#if MANY > 4
    for (; p + 3 <= n_probes; p += 3) tile(out + p * stride, stride, rows, probes + (ptrdiff_t)p * dim, dim, 3, R);
#endif
    for (; p < n_probes; p++) tile(out + p * stride, stride, rows, probes + (ptrdiff_t)p * dim, dim, 1, R);
}

void KFN(score_f32)(float *out, ptrdiff_t stride, const float *rows, int n_panels, const float *probes, int n_probes,
                    int dim) {
    const ptrdiff_t panel = (ptrdiff_t)dim * PANEL;
    int b = 0;
    if (n_probes == 1)
        for (; b + ONE_R <= n_panels; b += ONE_R)
            tile(out + b * PANEL, stride, rows + b * panel, probes, dim, 1, ONE_R);
    for (; b + MANY_R <= n_panels; b += MANY_R)
        strip(out + b * PANEL, stride, rows + b * panel, probes, n_probes, dim, MANY_R);
    for (; b < n_panels; b++) strip(out + b * PANEL, stride, rows + b * panel, probes, n_probes, dim, 1);
}

/* Products of 16-bit integers for convolutions: pixels scaled to integers, and
 * the register tiles of gemm_v.c with two channels a step. */
#include "kernels/tile.h"
#include <math.h>
#include <string.h>

#ifdef V_DOT

typedef vi sums16[MV_MAX * VPB][NR_MAX];

/* Loads the two neighboring channels of a pixel and repeats them in all lanes. */
ALWAYS_INLINE vi pair(const int16_t *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return VI_PAIR(v);
}

/* Multiplies two channels: w points at their weights, b at them in pixel 0. */
ALWAYS_INLINE void step(const int MV, const int NR, sums16 acc, const int16_t *w, const int16_t *b) {
    if (MVV > NR) { /* fewer registers hold the pixels than the weights */
        vi x[NR_MAX];
        UNROLL for (int j = 0; j < NR; j++) x[j] = pair(b + j * CB);
        UNROLL for (int v = 0; v < MVV; v++) {
            const vi wv = VI_LOAD(w + v * VL * 2);
            UNROLL for (int j = 0; j < NR; j++) acc[v][j] = V_DOT(acc[v][j], wv, x[j]);
        }
        return;
    }
    vi wv[MV_MAX * VPB];
    UNROLL for (int v = 0; v < MVV; v++) wv[v] = VI_LOAD(w + v * VL * 2);
    UNROLL for (int j = 0; j < NR; j++) {
        const vi x = pair(b + j * CB);
        UNROLL for (int v = 0; v < MVV; v++) acc[v][j] = V_DOT(acc[v][j], wv[v], x);
    }
}

static inline int lesser(int a, int b) { return a < b ? a : b; }

/* Where a tile stands in its sum over k. */
typedef struct panel_place {
    const int16_t *w, *b;
    int full, tail_blocks;
    ahead next;
} panel_place;

/* The next group. */
ALWAYS_INLINE void group(const int MV, const int NR, sums16 acc, const fct_k_gemm *g, panel_place *at) {
    const int full = lesser(g->group, at->full), tails = lesser(g->group - full, at->tail_blocks);
    const int16_t *w = at->w, *b = at->b;
    ahead next = at->next;
    UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) acc[v][j] = VI_ZERO();
    for (int i = full; i > 0; i--, b += g->b_stride) {
        UNROLL_K for (int k = 0; k < CB; k += 2) {
            __builtin_prefetch(next.p, 0, 2);
            next.p += next.step;
            step(MV, NR, acc, w, b + k);
            w += 2 * MV * CB;
        }
    }
    for (int i = tails; i > 0; i--, b += g->b_stride)
        for (int k = 0; k < g->tail; k += 2, w += 2 * MV * CB) step(MV, NR, acc, w, b + k);
    *at = (panel_place){w, b, at->full - full, at->tail_blocks - tails, next};
}

/* Sums all groups. The sum of the earlier ones waits in memory, so that the registers are free for the group at
 * hand. */
ALWAYS_INLINE void multiply(const int MV, const int NR, sums real, const fct_k_gemm *g, const int16_t *b, ahead next) {
    float kept[MV_MAX * NR_MAX * CB], *total = kept;
    __asm__("" : "+r"(total) : : "memory"); /* the compiler would keep it in registers */
    panel_place at = {g->w16, b, g->full, g->tail_blocks, next};
    for (bool first = true;; first = false) {
        sums16 acc;
        group(MV, NR, acc, g, &at);
        if (at.full + at.tail_blocks == 0) {
            UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) real[v][j] =
                VI_TO_FLOAT(acc[v][j]);
            if (!first)
                UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) real[v][j] +=
                    V_LOAD(total + (v * NR + j) * VL);
            return;
        }
        if (first)
            UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++)
                V_STORE(total + (v * NR + j) * VL, VI_TO_FLOAT(acc[v][j]));
        else UNROLL for (int v = 0; v < MVV; v++) UNROLL for (int j = 0; j < NR; j++) {
                float *const t = total + (v * NR + j) * VL;
                V_STORE(t, V_LOAD(t) + VI_TO_FLOAT(acc[v][j]));
            }
    }
}

ALWAYS_INLINE void tile(const int MV, const int NR, const fct_k_gemm *g, int at, ahead next) {
    sums real;
    const size_t first = (size_t)at * CB;
    multiply(MV, NR, real, g, g->b16 + first, next);
    UNROLL for (int v = 0; v < MVV; v++) {
        const vf scale = V_LOAD(g->w_scale + v * VL);
        UNROLL for (int j = 0; j < NR; j++) real[v][j] = real[v][j] * scale * V_SET1(g->b_scale[at + j]);
    }
    if (g->load) add_to(MV, NR, real, g->c + first, g->c_stride);
    if (g->e) finish(MV, NR, real, g->e, g->add ? g->add + first : NULL, g->add_stride);
    store(MV, NR, real, g->c + first, g->c_stride);
}

#define DEFINE(MV, NR)                                                                                                 \
    static void tile_##MV##_##NR(const fct_k_gemm *g, int at, ahead next) { tile(MV, NR, g, at, next); }
TILE_SIZES(DEFINE)
#define ENTRY(MV, NR) [MV][NR] = tile_##MV##_##NR,
static tile_fn *const tiles[5][NR_MAX + 1] = {TILE_SIZES(ENTRY)};

void KFN(conv_gemm_int16)(const fct_k_gemm *g) { tile_row(g, g->w16, tiles); }

/* ---- Pixels ------------------------------------------------------------------ */

enum { SIDE = 8 }; /* pixels that are read side by side */

/* The lanes of tail blocks past the tail count as 0: mask has 1 for the others. */
ALWAYS_INLINE vf value(const fct_k_quantize *q, const float *s, int k, const float *mask) {
    vf x = V_LOAD(s);
    if (k >= q->full) x = x * V_LOAD(mask);
    return x;
}

/* Computes the squares of the group with the most, the lanes l % 4 of N pixels taken together; returns the sum of
 * all squares. */
ALWAYS_INLINE float find_most(const int N, const fct_k_quantize *q, const float *src, const float *mask, __m128 *most) {
    const int blocks = q->full + q->tail_blocks;
    __m128 all = _mm_setzero_ps();
    UNROLL for (int j = 0; j < N; j++) most[j] = _mm_setzero_ps();
    for (int k0 = 0; k0 < blocks; k0 += q->group) {
        const int end = lesser(k0 + q->group, blocks);
        vf squares[SIDE];
        UNROLL for (int j = 0; j < N; j++) squares[j] = V_ZERO();
        for (int k = k0; k < end; k++) UNROLL for (int j = 0; j < N; j++) UNROLL for (int v = 0; v < VPB; v++) {
                const vf x = value(q, src + k * q->src_stride + j * CB + v * VL, k, mask + v * VL);
                squares[j] = V_FMA(x, x, squares[j]);
            }
        UNROLL for (int j = 0; j < N; j++) {
            const __m128 sum = v_fold(squares[j]);
            most[j] = _mm_max_ps(most[j], sum);
            all = _mm_add_ps(all, sum);
        }
    }
    all = _mm_add_ps(all, _mm_movehl_ps(all, all));
    return _mm_cvtss_f32(_mm_add_ss(all, _mm_shuffle_ps(all, all, 1)));
}

/* Computes four pixels' scales and their inverses. The sum of most bounds every group's norm, the greatest bounds
 * every value. */
ALWAYS_INLINE void four_scales(const __m128 *most, float *scale, float *factor) {
    __m128 m[4] = {most[0], most[1], most[2], most[3]};
    _MM_TRANSPOSE4_PS(m[0], m[1], m[2], m[3]);
    const __m128 sum = _mm_add_ps(_mm_add_ps(m[0], m[1]), _mm_add_ps(m[2], m[3]));
    const __m128 peak = _mm_max_ps(_mm_max_ps(m[0], m[1]), _mm_max_ps(m[2], m[3]));
    const __m128 by_norm = _mm_mul_ps(sum, _mm_set1_ps(1 / (FCT_INT16_NORM * FCT_INT16_NORM)));
    const __m128 by_value = _mm_mul_ps(peak, _mm_set1_ps(1.0f / ((float)FCT_INT16_MOST * FCT_INT16_MOST)));
    const __m128 r = _mm_sqrt_ps(_mm_max_ps(by_norm, by_value));
    _mm_storeu_ps(scale, r);
    _mm_storeu_ps(factor, _mm_and_ps(_mm_cmpgt_ps(r, _mm_set1_ps(1e-30f)), _mm_div_ps(_mm_set1_ps(1), r)));
}

/* Finds the scales of N pixels and their inverses; no maximum keeps a NaN. */
ALWAYS_INLINE void find_scales(const int N, const fct_k_quantize *q, int at, const float *mask, float *factor) {
    __m128 most[SIDE];
    const float sum = find_most(N, q, q->src + (size_t)at * CB, mask, most);
    float found[SIDE], all[SIDE], *const scale = q->scale + at;
    if (N < 4) UNROLL for (int j = N; j < 4; j++) most[j] = _mm_setzero_ps();
    UNROLL for (int j = 0; j < N; j += 4) four_scales(most + j, found + j, all + j);
    UNROLL for (int j = 0; j < N; j++) scale[j] = sum < INFINITY ? found[j] : NAN;
    UNROLL for (int j = 0; j < N; j++) factor[j] = all[j];
}

#if defined(__AVX512F__)
/* v_fold() of four vectors, one result after the other. */
ALWAYS_INLINE vf fold_four(const vf *x) {
    const vf ab = _mm512_shuffle_f32x4(x[0], x[1], 0x44) + _mm512_shuffle_f32x4(x[0], x[1], 0xEE);
    const vf cd = _mm512_shuffle_f32x4(x[2], x[3], 0x44) + _mm512_shuffle_f32x4(x[2], x[3], 0xEE);
    return _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xDD);
}

/* Of each four lanes the sum, added as four_scales() adds them, and the greatest. */
ALWAYS_INLINE vf sum_fours(vf x) {
    x = x + _mm512_permute_ps(x, 0xB1);
    return x + _mm512_permute_ps(x, 0x4E);
}
ALWAYS_INLINE vf most_of_fours(vf x) {
    x = V_MAX(x, _mm512_permute_ps(x, 0xB1));
    return V_MAX(x, _mm512_permute_ps(x, 0x4E));
}

/* One of each four lanes of two vectors. */
ALWAYS_INLINE __m256 gather_fours(vf a, vf b) {
    const __m512i at = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    return _mm512_castps512_ps256(_mm512_permutex2var_ps(a, at, b));
}

/* find_scales() of SIDE pixels, four of them in a vector. */
ALWAYS_INLINE void find_eight(const fct_k_quantize *q, int at, const float *mask, float *factor) {
    const float *const src = q->src + (size_t)at * CB;
    const int blocks = q->full + q->tail_blocks;
    vf most[2] = {V_ZERO(), V_ZERO()}, all = V_ZERO();
    for (int k0 = 0; k0 < blocks; k0 += q->group) {
        const int end = lesser(k0 + q->group, blocks);
        vf squares[SIDE];
        UNROLL for (int j = 0; j < SIDE; j++) squares[j] = V_ZERO();
        for (int k = k0; k < end; k++) UNROLL for (int j = 0; j < SIDE; j++) {
                const vf x = value(q, src + k * q->src_stride + j * CB, k, mask);
                squares[j] = V_FMA(x, x, squares[j]);
            }
        UNROLL for (int i = 0; i < 2; i++) {
            const vf folded = fold_four(squares + 4 * i);
            most[i] = V_MAX(most[i], folded);
            all = all + folded;
        }
    }
    const __m256 sum = gather_fours(sum_fours(most[0]), sum_fours(most[1]));
    const __m256 peak = gather_fours(most_of_fours(most[0]), most_of_fours(most[1]));
    const __m256 by_norm = _mm256_mul_ps(sum, _mm256_set1_ps(1 / (FCT_INT16_NORM * FCT_INT16_NORM)));
    const __m256 by_value = _mm256_mul_ps(peak, _mm256_set1_ps(1.0f / ((float)FCT_INT16_MOST * FCT_INT16_MOST)));
    const __m256 r = _mm256_sqrt_ps(_mm256_max_ps(by_norm, by_value));
    const __mmask8 some = _mm256_cmp_ps_mask(r, _mm256_set1_ps(1e-30f), _CMP_GT_OQ);
    _mm256_storeu_ps(factor, _mm256_maskz_div_ps(some, _mm256_set1_ps(1), r));
    _mm256_storeu_ps(q->scale + at, v_sum(all) < INFINITY ? r : _mm256_set1_ps(NAN));
}
#else
ALWAYS_INLINE void find_eight(const fct_k_quantize *q, int at, const float *mask, float *factor) {
    find_scales(SIDE, q, at, mask, factor);
}
#endif

/* Makes integers of pixels at .. at + N - 1. */
ALWAYS_INLINE void make_integers(const int N, const fct_k_quantize *q, int at, const float *mask, const float *factor) {
    for (int k = 0; k < q->full + q->tail_blocks; k++) {
        const float *s = q->src + k * q->src_stride + (size_t)at * CB;
        int16_t *d = q->dst + k * q->dst_stride + (size_t)at * CB;
        UNROLL for (int j = 0; j < N; j++) UNROLL for (int v = 0; v < VPB; v++)
            V_TO_INT16(d + j * CB + v * VL, value(q, s + j * CB + v * VL, k, mask + v * VL) * V_SET1(factor[j]));
    }
}

/* Takes some pixels through both steps: as many as stay in L1 and more than eight, since what follows a division would
 * wait for it. In each step pixels are read side by side while there are enough, then one by one. */
void KFN(conv_quantize)(const fct_k_quantize *q) {
    enum { MOST = 64, L1_BLOCKS = 256 };
    float mask[CB], factor[MOST];
    const int blocks = q->full + q->tail_blocks;
    const int fit = blocks * SIDE < L1_BLOCKS ? L1_BLOCKS / blocks / SIDE * SIDE : SIDE, step = lesser(fit, MOST);
    for (int l = 0; l < CB; l++) mask[l] = l < q->tail;
    for (int first = 0; first < q->n; first += step) {
        const int end = lesser(first + step, q->n), sides = first + (end - first) / SIDE * SIDE;
        int i = first;
        for (; i < sides; i += SIDE) find_eight(q, i, mask, factor + i - first);
        for (; i < end; i++) find_scales(1, q, i, mask, factor + i - first);
        for (i = first; i < sides; i += SIDE) make_integers(SIDE, q, i, mask, factor + i - first);
        for (; i < end; i++) make_integers(1, q, i, mask, factor + i - first);
    }
}

/* Finds VL lanes' integers per unit of weight: what bounds every group's norm and every value. */
ALWAYS_INLINE vf weight_factors(const fct_k_int16_weights *a, int lane) {
    const float *w = a->src + lane;
    vf most_sum = V_ZERO(), most = V_ZERO(), all = V_ZERO(), sum = V_ZERO();
    for (int b = 0; b < a->full + a->tail_blocks; b++) {
        if (b % a->group == 0) sum = V_ZERO();
        for (int i = 0; i < (b < a->full ? a->cb : a->tail); i++, w += a->src_stride) {
            const vf x = V_LOAD(w), square = x * x;
            sum = sum + square;
            all = all + square;
            most = V_MAX(most, square);
        }
        most_sum = V_MAX(most_sum, sum);
    }
    float n[VL], m[VL], s[VL], factor[VL];
    V_STORE(n, most_sum);
    V_STORE(m, most);
    V_STORE(s, all);
    for (int l = 0; l < VL; l++) factor[l] = fct_k_int16_factor(n[l], m[l], s[l]);
    for (int l = 0; l < VL; l++) a->scale[lane + l] = factor[l] == 0 ? 0 : 1 / factor[l];
    return V_LOAD(factor);
}

/* Takes VL lanes at a time, so that their weights are still in L1 when they are rounded. */
void KFN(conv_int16_weights)(const fct_k_int16_weights *a) {
    static const float nothing[VL];
    for (int l = 0; l < a->lanes; l += VL) {
        const vf factor = weight_factors(a, l);
        const float *w = a->src + l;
        int16_t *d = a->dst + (size_t)l * 2;
        for (int b = 0; b < a->full + a->tail_blocks; b++) {
            const int n = b < a->full ? a->cb : a->tail;
            for (int i = 0; i < n; i += 2, w += 2 * a->src_stride, d += a->dst_stride)
                V_TO_PAIRS(d, V_LOAD(w) * factor, V_LOAD(i + 1 < n ? w + a->src_stride : nothing) * factor);
            if (n % 2) w -= a->src_stride;
        }
    }
}

void FCT_CAT(fct_kernels_int16, _, FCT_LEVEL)(fct_kernel_table *t) {
#define K(name, type, params) t->name = KFN(name);
#include "kernels/int16.inc"
#undef K
}

#ifdef __AVX512VNNI__
void fct_kernels_fill_avx512vnni(fct_kernel_table *t) {
    fct_kernels_int16_avx512vnni(t);
    fct_kernels_sketch_avx512vnni(t);
}
#endif

#endif

/* Products of 8-bit integers on vectors: tiles of four rows by a few probes. Each
 * level says how many bytes a step takes (STEP), how a row (ROW) and a probe (PROBE)
 * are loaded, how their products are added to 32-bit sums (ADD), and how four
 * vectors of sums are summed across lanes (sum4). */
#include "kernels/vec.h"

#include <string.h>

#define ROWS 4

#if defined(__AVX512BW__)

typedef __m512i vsum;
#define ZERO()       _mm512_setzero_si512()
#define TILE         4 /* probes */
#define LOAD32(p)    _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(p)))
#define PAIR32(a, b) _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
#define PAIR64(a, b) _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b))
ALWAYS_INLINE __m128i sum4(const vsum *s) {
    const __m512i all = PAIR64(PAIR32(s[0], s[1]), PAIR32(s[2], s[3]));
    const __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}
#ifdef __AVX512VNNI__
/* The instruction multiplies bytes without a sign by bytes with one: rows are
 * raised by 128, which adds 128 times the sum of the probe to every sum. */
#define RAISED
#define STEP     64
#define ROW(p)   _mm512_xor_si512(_mm512_loadu_si512((const void *)(p)), _mm512_set1_epi8(-128))
#define PROBE(p) _mm512_loadu_si512((const void *)(p))
ALWAYS_INLINE vsum add_products(vsum s, __m512i row, __m512i probe) { /* gcc 12 keeps the intrinsic's sums in memory */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(row), "v"(probe));
    return s;
}
#define ADD(s, row, probe) add_products(s, row, probe)
#else
#define STEP               32
#define ROW(p)             LOAD32(p)
#define PROBE(p)           LOAD32(p)
#define ADD(s, row, probe) _mm512_add_epi32(s, _mm512_madd_epi16(row, probe))
#endif
#define STORE4(p, v) _mm_storeu_si128((__m128i *)(p), v)

#elif defined(__AVX2__)

/* Products of 127 fit, in pairs, 16 bits with a sign. */
typedef __m256i vsum;
#define TILE     2
#define STEP     32
#define ZERO()   _mm256_setzero_si256()
#define ROW(p)   _mm256_loadu_si256((const __m256i *)(p))
#define PROBE(p) _mm256_loadu_si256((const __m256i *)(p))
#define ADD(s, row, probe)                                                                                             \
    _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(row), _mm256_sign_epi8(probe, row)),    \
                                          _mm256_set1_epi16(1)))
ALWAYS_INLINE __m128i sum4(const vsum *s) {
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}
#define STORE4(p, v) _mm_storeu_si128((__m128i *)(p), v)

#elif defined(__aarch64__)

typedef int32x4_t vsum;
#define TILE               2
#define STEP               16
#define ZERO()             vdupq_n_s32(0)
#define ROW(p)             vld1q_s8(p)
#define PROBE(p)           vld1q_s8(p)
ALWAYS_INLINE vsum add_products(vsum s, int8x16_t row, int8x16_t probe) {
    const int16x8_t low = vmull_s8(vget_low_s8(row), vget_low_s8(probe));
    return vpadalq_s16(vpadalq_s16(s, low), vmull_s8(vget_high_s8(row), vget_high_s8(probe)));
}
#define ADD(s, row, probe) add_products(s, row, probe)
ALWAYS_INLINE int32x4_t sum4(const vsum *s) { return vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])); }
#define STORE4(p, v)       vst1q_s32(p, v)

#else /* SSE4.1 */

typedef __m128i vsum;
#define TILE     2
#define STEP     16
#define ZERO()   _mm_setzero_si128()
#define ROW(p)   _mm_loadu_si128((const __m128i *)(p))
#define PROBE(p) _mm_loadu_si128((const __m128i *)(p))
#define ADD(s, row, probe)                                                                                             \
    _mm_add_epi32(s, _mm_madd_epi16(_mm_maddubs_epi16(_mm_abs_epi8(row), _mm_sign_epi8(probe, row)), _mm_set1_epi16(1)))
ALWAYS_INLINE __m128i sum4(const vsum *s) {
    return _mm_hadd_epi32(_mm_hadd_epi32(s[0], s[1]), _mm_hadd_epi32(s[2], s[3]));
}
#define STORE4(p, v) _mm_storeu_si128((__m128i *)(p), v)

#endif

/* What the raised rows add to the sums of a probe: its products with 128. */
ALWAYS_INLINE int32_t excess(const int8_t *probe, int size) {
#ifdef RAISED
    vsum sum[ROWS] = {ZERO(), ZERO(), ZERO(), ZERO()};
    for (int i = 0; i < size; i += STEP) sum[0] = ADD(sum[0], _mm512_set1_epi8(-128), PROBE(probe + i));
    return _mm_cvtsi128_si32(sum4(sum));
#else
    (void)probe;
    (void)size;
    return 0;
#endif
}

/* Four rows by P probes; P is constant once inlined, so that the sums stay in registers. more: excess() of each probe.
 */
ALWAYS_INLINE void tile(int32_t *out, ptrdiff_t stride, const int8_t *const *rows, const int8_t *probes, int size,
                        const int32_t *more, const int P) {
    vsum sum[TILE][ROWS];
    UNROLL for (int i = 0; i < P * ROWS; i++) sum[i / ROWS][i % ROWS] = ZERO();
    for (int i = 0; i < size; i += STEP) {
        __typeof__(ROW(rows[0])) row[ROWS];
        UNROLL for (int r = 0; r < ROWS; r++) row[r] = ROW(rows[r] + i);
        UNROLL for (int p = 0; p < P; p++) {
            const __typeof__(row[0]) probe = PROBE(probes + (ptrdiff_t)p * size + i);
            UNROLL for (int r = 0; r < ROWS; r++) sum[p][r] = ADD(sum[p][r], row[r], probe);
        }
    }
    UNROLL for (int p = 0; p < P; p++) {
        int32_t *o = out + p * stride;
        STORE4(o, sum4(sum[p]));
#ifdef RAISED
        for (int r = 0; r < ROWS; r++) o[r] -= more[p];
#else
        (void)more;
#endif
    }
}

/* Tiles of at most four rows: the last row stands in for those that are not there. */
ALWAYS_INLINE void few_rows(int32_t *out, ptrdiff_t stride, const int8_t *const *rows, size_t n, const int8_t *probes,
                            int size, const int32_t *more, const int P) {
    const int8_t *four[ROWS];
    int32_t part[TILE * ROWS];
    for (size_t r = 0; r < ROWS; r++) four[r] = rows[r < n ? r : n - 1];
    tile(part, ROWS, four, probes, size, more, P);
    for (int p = 0; p < P; p++) memcpy(out + p * stride, part + p * ROWS, n * sizeof *out);
}

/* All rows by P probes. */
ALWAYS_INLINE void strip(int32_t *out, ptrdiff_t stride, const int8_t *rows, size_t n, const int8_t *probes, int size,
                         const int P) {
    int32_t more[TILE];
    for (int p = 0; p < P; p++) more[p] = excess(probes + (ptrdiff_t)p * size, size);
    for (size_t r = 0; r < n; r += ROWS) {
        const size_t left = n - r;
        const int8_t *at[ROWS];
        for (size_t i = 0; i < ROWS; i++) at[i] = rows + (r + (i < left ? i : left - 1)) * (size_t)size;
        if (left >= ROWS) tile(out + r, stride, at, probes, size, more, P);
        else few_rows(out + r, stride, at, left, probes, size, more, P);
    }
}

void KFN(score_int8)(int32_t *out, ptrdiff_t stride, const int8_t *rows, size_t n, const int8_t *probes, int n_probes,
                     int size) {
    int p = 0;
    for (; p + TILE <= n_probes; p += TILE)
        strip(out + p * stride, stride, rows, n, probes + (ptrdiff_t)p * size, size, TILE);
    for (; p < n_probes; p++) strip(out + p * stride, stride, rows, n, probes + (ptrdiff_t)p * size, size, 1);
}

#define AHEAD 12 /* rows that are on their way from memory */

void KFN(dot_int8)(int32_t *out, const int8_t *const *rows, size_t n, const int8_t *probe, int size) {
    const int32_t more = excess(probe, size);
    for (size_t r = 0; r < n; r += ROWS) {
        for (size_t i = r + AHEAD; i < r + AHEAD + ROWS && i < n; i++)
            for (int at = 0; at < size; at += 64) __builtin_prefetch(rows[i] + at);
        if (n - r >= ROWS) tile(out + r, ROWS, rows + r, probe, size, &more, 1);
        else few_rows(out + r, ROWS, rows + r, n - r, probe, size, &more, 1);
    }
}

void KFN(reach_int8)(uint64_t *mask, const int32_t *sums, const float *scale, const float *error, size_t n, float share,
                     float floor) {
    size_t r = 0;
    for (; r + 64 <= n; r += 64) {
        uint64_t bits = 0;
#if defined(__AVX512F__)
        UNROLL for (int i = 0; i < 64; i += 16) {
            const vf score =
                V_FMA(V_SET1(share), V_LOAD(error + r + i), VI_TO_FLOAT(VI_LOAD(sums + r + i)) * V_LOAD(scale + r + i));
            bits |= (uint64_t)_mm512_cmp_ps_mask(score, V_SET1(floor), _CMP_GE_OQ) << i;
        }
#else
        for (int i = 0; i < 64; i++)
            bits |= (uint64_t)((float)sums[r + i] * scale[r + i] + share * error[r + i] >= floor) << i;
#endif
        mask[r / 64] = bits;
    }
    if (r < n) mask[r / 64] = 0;
    for (; r < n; r++) {
        const float score = (float)sums[r] * scale[r] + share * error[r];
        if (score >= floor) mask[r / 64] |= UINT64_C(1) << r % 64;
    }
}

/* Resizing on vectors: where a row's pixels lie is looked up in registers, as long as
 * 32 results come from 64 pixels or fewer. */
#include "kernels/vec.h"

#if defined(__AVX512BW__)

/* 16 pixels of three bytes to three planes. */
ALWAYS_INLINE void part_three(const uint8_t *p, uint16_t *first, uint16_t *second, uint16_t *third) {
    const __m512i fours = _mm512_setr_epi32(0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12); /* four pixels a lane */
    const __m512i two = _mm512_broadcast_i32x4(_mm_setr_epi8(0, -1, 3, -1, 6, -1, 9, -1, 1, -1, 4, -1, 7, -1, 10, -1));
    const __m512i one =
        _mm512_broadcast_i32x4(_mm_setr_epi8(2, -1, 5, -1, 8, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    const __m512i lanes = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    const __m512i v = _mm512_permutexvar_epi32(fours, _mm512_loadu_si512((const void *)p));
    const __m512i ab = _mm512_permutexvar_epi64(lanes, _mm512_shuffle_epi8(v, two));
    const __m512i c = _mm512_permutexvar_epi64(lanes, _mm512_shuffle_epi8(v, one));
    _mm256_storeu_si256((__m256i *)(void *)first, _mm512_castsi512_si256(ab));
    _mm256_storeu_si256((__m256i *)(void *)second, _mm512_extracti64x4_epi64(ab, 1));
    _mm256_storeu_si256((__m256i *)(void *)third, _mm512_castsi512_si256(c));
}

/* The row as planes of 16-bit values, in the order of at. */
static void part(const fct_k_across *a, uint16_t *const plane[3]) {
    int x = 0;
    const int *at = a->at;
    if (a->bytes == 3 && at[1] == 1 && at[0] != at[2])
        for (; 3 * (x + 16) + 16 <= 3 * a->width; x += 16) /* 64 bytes are read */
            part_three(a->row + 3 * (size_t)x, plane[at[0]] + x, plane[1] + x, plane[at[2]] + x);
    for (; x < a->width; x++)
        for (int c = 0; c < 3; c++) plane[c][x] = a->row[(size_t)x * a->bytes + at[c]];
}

ALWAYS_INLINE __m512i narrow(const int32_t *p, int base) {
    const __m512i b = _mm512_set1_epi32(base);
    const __m256i lower = _mm512_cvtepi32_epi16(_mm512_sub_epi32(_mm512_loadu_si512((const void *)p), b));
    const __m256i upper = _mm512_cvtepi32_epi16(_mm512_sub_epi32(_mm512_loadu_si512((const void *)(p + 16)), b));
    return _mm512_inserti64x4(_mm512_castsi256_si512(lower), upper, 1);
}

/* Columns x .. x + 31, whose pixels are 64 or fewer from the first on. */
ALWAYS_INLINE void across_32(const fct_k_across *a, uint16_t *const plane[3], int x) {
    const int base = a->index[x];
    const __m512i i = narrow(a->index + x, base), k = _mm512_add_epi16(i, _mm512_set1_epi16((short)a->next));
    const __m512i wq = _mm512_loadu_si512((const void *)(a->weight + x));
    const __m512i wp = _mm512_sub_epi16(_mm512_set1_epi16(FCT_K_SAMPLE_ONE), wq);
    const __m512i lower = _mm512_unpacklo_epi16(wp, wq), upper = _mm512_unpackhi_epi16(wp, wq);
    UNROLL for (int c = 0; c < 3; c++) {
        const __m512i s = _mm512_loadu_si512((const void *)(plane[c] + base));
        const __m512i t = _mm512_loadu_si512((const void *)(plane[c] + base + 32));
        const __m512i p = _mm512_permutex2var_epi16(s, i, t), q = _mm512_permutex2var_epi16(s, k, t);
        const __m512i u = _mm512_srli_epi32(_mm512_madd_epi16(_mm512_unpacklo_epi16(p, q), lower), 4);
        const __m512i v = _mm512_srli_epi32(_mm512_madd_epi16(_mm512_unpackhi_epi16(p, q), upper), 4);
        _mm512_storeu_si512((void *)(a->out[c] + x), _mm512_packs_epi32(u, v));
    }
}

static bool is_near(const fct_k_across *a, int x) {
    return x + 32 <= a->n && a->index[x + 31] + a->next - a->index[x] < 64;
}

void KFN(sample_across)(const fct_k_across *a) {
    uint16_t *const plane[3] = {a->planes, a->planes + a->width + FCT_K_SAMPLE_PAD,
                                a->planes + 2 * (a->width + FCT_K_SAMPLE_PAD)};
    int x = 0;
    if (is_near(a, 0)) part(a, plane);
    for (; is_near(a, x); x += 32) across_32(a, plane, x);
    fct_k_across rest = *a;
    rest.index += x, rest.weight += x, rest.n -= x;
    for (int c = 0; c < 3; c++) rest.out[c] += x;
    fct_k_sample_across_c(&rest);
}

void KFN(sample_down)(const int16_t *upper, const int16_t *lower, int n, int weight, float factor, float shift,
                      float *dst) {
    const __m512i wb = _mm512_set1_epi16((short)weight), wa = _mm512_set1_epi16((short)(FCT_K_SAMPLE_ONE - weight));
    int x = 0;
    for (; x + 32 <= n; x += 32) {
        const __m512i u = _mm512_mulhi_epi16(_mm512_loadu_si512((const void *)(upper + x)), wa);
        const __m512i v = _mm512_mulhi_epi16(_mm512_loadu_si512((const void *)(lower + x)), wb);
        const __m512i r = _mm512_srai_epi16(_mm512_add_epi16(_mm512_add_epi16(u, v), _mm512_set1_epi16(2)), 2);
        const vf f[2] = {_mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_castsi512_si256(r))),
                         _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64(r, 1)))};
        for (int i = 0; i < 2; i++) /* with a rounding mode, since compilers would fuse a plain sum */
            V_STORE(dst + x + 16 * i, _mm512_add_round_ps(f[i] * V_SET1(factor), V_SET1(shift),
                                                          _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
    fct_k_sample_down_c(upper + x, lower + x, n - x, weight, factor, shift, dst + x);
}

#else

/* Gathering bytes from anywhere is no work for shorter vectors. */
void KFN(sample_across)(const fct_k_across *a) { fct_k_sample_across_c(a); }

void KFN(sample_down)(const int16_t *upper, const int16_t *lower, int n, int weight, float factor, float shift,
                      float *dst) {
    fct_k_sample_down_c(upper, lower, n, weight, factor, shift, dst);
}

#endif

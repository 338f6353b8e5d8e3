/* Bits that differ and products of bytes. Bits are counted four at a time by a
 * table of 16 that a shuffle looks up (W. Mula), on NEON by an instruction. AVX-512's
 * own counting instruction (VPOPCNTDQ) is not used, and was not measured. */
#include "kernels/vec.h"
#include <string.h>

#if defined(__AVX512BW__)

ALWAYS_INLINE __m512i counts(__m512i v) { /* in each group of 64 bits */
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low = _mm512_set1_epi8(15);
    __m512i bytes = _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(v, low)),
                                    _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), low)));
    return _mm512_sad_epu8(bytes, _mm512_setzero_si512());
}

/* Counts the bits in which each row differs from the probe, 128 bits at a time. */
void KFN(sketch_hamming)(uint16_t *out, const uint64_t *rows, size_t n, const uint64_t *probe, int words) {
    for (size_t r = 0; r < n; r++, rows += words) {
        __m512i sum = _mm512_setzero_si512();
        for (int i = 0; i < words; i += 8) {
            __mmask8 m = words - i < 8 ? (__mmask8)((1 << (words - i)) - 1) : 0xff;
            __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi64(m, rows + i), _mm512_maskz_loadu_epi64(m, probe + i));
            sum = _mm512_add_epi64(sum, counts(x));
        }
        out[r] = (uint16_t)_mm512_reduce_add_epi64(sum);
    }
}

int32_t KFN(dot_int8)(const int8_t *a, const int8_t *b, int n) {
    __m512i sum = _mm512_setzero_si512();
    for (int i = 0; i < n; i += 32) {
        __m512i x = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(a + i)));
        __m512i y = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(b + i)));
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(x, y));
    }
    return _mm512_reduce_add_epi32(sum);
}

#elif defined(__AVX2__)

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *rows, size_t n, const uint64_t *probe, int words) {
    const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t r = 0; r < n; r++, rows += words) {
        __m256i sum = _mm256_setzero_si256();
        int i = 0;
        for (; i + 4 <= words; i += 4) {
            __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(rows + i)),
                                         _mm256_loadu_si256((const __m256i *)(probe + i)));
            __m256i bytes = _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
                                            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
            sum = _mm256_add_epi64(sum, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
        }
        uint64_t part[4], rest = 0;
        _mm256_storeu_si256((__m256i *)part, sum);
        for (; i < words; i++) rest += (uint64_t)__builtin_popcountll(rows[i] ^ probe[i]);
        out[r] = (uint16_t)(part[0] + part[1] + part[2] + part[3] + rest);
    }
}

int32_t KFN(dot_int8)(const int8_t *a, const int8_t *b, int n) {
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < n; i += 16) {
        __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(a + i)));
        __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(b + i)));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
    }
    int32_t part[8], all = 0;
    _mm256_storeu_si256((__m256i *)part, sum);
    for (int i = 0; i < 8; i++) all += part[i];
    return all;
}

#elif defined(__aarch64__)

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *rows, size_t n, const uint64_t *probe, int words) {
    for (size_t r = 0; r < n; r++, rows += words) {
        uint64_t sum = 0;
        int i = 0;
        for (; i + 2 <= words; i += 2)
            sum += vaddlvq_u8(vcntq_u8(vreinterpretq_u8_u64(veorq_u64(vld1q_u64(rows + i), vld1q_u64(probe + i)))));
        for (; i < words; i++) sum += (uint64_t)__builtin_popcountll(rows[i] ^ probe[i]);
        out[r] = (uint16_t)sum;
    }
}

int32_t KFN(dot_int8)(const int8_t *a, const int8_t *b, int n) {
    int32x4_t sum = vdupq_n_s32(0);
    for (int i = 0; i < n; i += 16) {
        int8x16_t x = vld1q_s8(a + i), y = vld1q_s8(b + i);
        sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
        sum = vpadalq_s16(sum, vmull_s8(vget_high_s8(x), vget_high_s8(y)));
    }
    return vaddvq_s32(sum);
}

#else /* SSE4.1 */

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *rows, size_t n, const uint64_t *probe, int words) {
    const __m128i table = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4), low = _mm_set1_epi8(15);
    for (size_t r = 0; r < n; r++, rows += words) {
        __m128i sum = _mm_setzero_si128();
        for (int i = 0; i < words; i += 2) {
            bool both = i + 2 <= words;
            __m128i v = both ? _mm_xor_si128(_mm_loadu_si128((const __m128i *)(rows + i)),
                                             _mm_loadu_si128((const __m128i *)(probe + i)))
                             : _mm_xor_si128(_mm_loadl_epi64((const __m128i *)(rows + i)),
                                             _mm_loadl_epi64((const __m128i *)(probe + i)));
            __m128i bytes = _mm_add_epi8(_mm_shuffle_epi8(table, _mm_and_si128(v, low)),
                                         _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(v, 4), low)));
            sum = _mm_add_epi64(sum, _mm_sad_epu8(bytes, _mm_setzero_si128()));
        }
        out[r] = (uint16_t)(_mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2));
    }
}

int32_t KFN(dot_int8)(const int8_t *a, const int8_t *b, int n) {
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < n; i += 8) {
        __m128i x = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(a + i)));
        __m128i y = _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)(b + i)));
        sum = _mm_add_epi32(sum, _mm_madd_epi16(x, y));
    }
    return _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 1) + _mm_extract_epi32(sum, 2) + _mm_extract_epi32(sum, 3);
}

#endif

/* Sketches and the bits in which they differ. With AVX-512's VPOPCNTDQ and on NEON
 * bits are counted by an instruction, else four at a time by a table of 16 that a
 * shuffle looks up (W. Mula). Eight rows side by side need no sum across lanes. */
#include "kernels/vec.h"

#include <math.h>
#include <string.h>

#define PANEL 8
#define BLOCK 64 /* components at once in sketch_row */

/* The loops below are plain C: the compiler makes vectors of them, with the flags of each level. */

static float most_of(const float *v, int dim) {
    float part[16] = {0}, most = 0;
    int i = 0;
    for (; i + 16 <= dim; i += 16)
        for (int l = 0; l < 16; l++) part[l] = fabsf(v[i + l]) > part[l] ? fabsf(v[i + l]) : part[l];
    for (; i < dim; i++) part[0] = fabsf(v[i]) > part[0] ? fabsf(v[i]) : part[0];
    for (int l = 0; l < 16; l++) most = part[l] > most ? part[l] : most;
    return most;
}

/* One block; part [16] are sums of squares of what the integers leave over. */
static uint64_t take_block(int8_t *bytes, const float *v, float step, float inverse, float *part) {
    uint64_t signs = 0;
    for (int i = 0; i < BLOCK; i++) signs |= (uint64_t)(v[i] > 0) << i;
    for (int i = 0; i < BLOCK; i++) {
        float x = rintf(v[i] * inverse);
        x = x >= -127 ? x : -127; /* NaN too: of infinities, or where the inverse is infinite */
        bytes[i] = (int8_t)(int32_t)(x <= 127 ? x : 127);
    }
    for (int i = 0; i < BLOCK; i += 16)
        for (int l = 0; l < 16; l++) {
            const float rest = v[i + l] - step * (float)bytes[i + l];
            part[l] += rest * rest;
        }
    return signs;
}

void KFN(sketch_row)(float *scale, float *error, uint64_t *bits, int8_t *bytes, const float *v, int dim) {
    const float most = most_of(v, dim), step = most / 127, inverse = most > 0 ? 127 / most : 0;
    float part[16] = {0}, sum = 0;
    for (int i = 0; i < dim; i += BLOCK) {
        float last[BLOCK] = {0};
        const bool whole = dim - i >= BLOCK;
        if (!whole) memcpy(last, v + i, (size_t)(dim - i) * sizeof *v);
        bits[i / BLOCK] = take_block(bytes + i, whole ? v + i : last, step, inverse, part);
    }
    for (int l = 0; l < 16; l++) sum += part[l];
    *scale = step;
    *error = sqrtf(sum);
}

#if defined(__AVX512VPOPCNTDQ__)

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL) {
        __m512i sum = _mm512_setzero_si512();
        for (int i = 0; i < words; i++) {
            const __m512i x =
                _mm512_xor_si512(_mm512_loadu_si512(panels + i * PANEL), _mm512_set1_epi64((long long)probe[i]));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(x));
        }
        _mm_storeu_si128((__m128i *)(out + b * PANEL), _mm512_cvtepi64_epi16(sum));
    }
}

#elif defined(__AVX512BW__)

/* Bits of each byte. */
ALWAYS_INLINE __m512i counts(__m512i v) {
    const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i low = _mm512_set1_epi8(15);
    return _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(v, low)),
                           _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), low)));
}

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL) {
        __m512i sum = _mm512_setzero_si512();
        for (int i = 0; i < words;) {
            const int end = words - i < 31 ? words : i + 31; /* 31 times 8 bits fit a byte */
            __m512i bytes = _mm512_setzero_si512();
            for (; i < end; i++)
                bytes = _mm512_add_epi8(bytes, counts(_mm512_xor_si512(_mm512_loadu_si512(panels + i * PANEL),
                                                                       _mm512_set1_epi64((long long)probe[i]))));
            sum = _mm512_add_epi64(sum, _mm512_sad_epu8(bytes, _mm512_setzero_si512()));
        }
        _mm_storeu_si128((__m128i *)(out + b * PANEL), _mm512_cvtepi64_epi16(sum));
    }
}

#elif defined(__AVX2__)

/* Bits of each byte. */
ALWAYS_INLINE __m256i counts(__m256i v) {
    const __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i low = _mm256_set1_epi8(15);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(v, low)),
                           _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
}

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL) {
        __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (int i = 0; i < words;) {
            const int end = words - i < 31 ? words : i + 31; /* 31 times 8 bits fit a byte */
            __m256i bytes[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
            for (; i < end; i++) {
                const __m256i p = _mm256_set1_epi64x((long long)probe[i]);
                UNROLL for (int h = 0; h < 2; h++) {
                    const __m256i x = _mm256_loadu_si256((const __m256i *)(panels + i * PANEL + 4 * h));
                    bytes[h] = _mm256_add_epi8(bytes[h], counts(_mm256_xor_si256(x, p)));
                }
            }
            UNROLL for (int h = 0; h < 2; h++) sum[h] =
                _mm256_add_epi64(sum[h], _mm256_sad_epu8(bytes[h], _mm256_setzero_si256()));
        }
        uint64_t part[PANEL];
        _mm256_storeu_si256((__m256i *)part, sum[0]);
        _mm256_storeu_si256((__m256i *)(part + 4), sum[1]);
        for (int r = 0; r < PANEL; r++) out[b * PANEL + (size_t)r] = (uint16_t)part[r];
    }
}

#elif defined(__aarch64__)

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL) {
        uint64x2_t sum[4];
        UNROLL for (int h = 0; h < 4; h++) sum[h] = vdupq_n_u64(0);
        for (int i = 0; i < words;) {
            const int end = words - i < 31 ? words : i + 31; /* 31 times 8 bits fit a byte */
            uint8x16_t bytes[4];
            UNROLL for (int h = 0; h < 4; h++) bytes[h] = vdupq_n_u8(0);
            for (; i < end; i++) {
                const uint64x2_t p = vdupq_n_u64(probe[i]);
                UNROLL for (int h = 0; h < 4; h++) {
                    const uint64x2_t x = veorq_u64(vld1q_u64(panels + i * PANEL + 2 * h), p);
                    bytes[h] = vaddq_u8(bytes[h], vcntq_u8(vreinterpretq_u8_u64(x)));
                }
            }
            UNROLL for (int h = 0; h < 4; h++) sum[h] =
                vaddq_u64(sum[h], vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bytes[h]))));
        }
        UNROLL for (int h = 0; h < 4; h++) {
            out[b * PANEL + 2 * h] = (uint16_t)vgetq_lane_u64(sum[h], 0);
            out[b * PANEL + 2 * h + 1] = (uint16_t)vgetq_lane_u64(sum[h], 1);
        }
    }
}

#else /* SSE4.1 */

/* Bits of each byte. */
ALWAYS_INLINE __m128i counts(__m128i v) {
    const __m128i table = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4), low = _mm_set1_epi8(15);
    return _mm_add_epi8(_mm_shuffle_epi8(table, _mm_and_si128(v, low)),
                        _mm_shuffle_epi8(table, _mm_and_si128(_mm_srli_epi16(v, 4), low)));
}

void KFN(sketch_hamming)(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL) UNROLL for (int h = 0; h < 4; h++) {
            __m128i sum = _mm_setzero_si128();
            for (int i = 0; i < words;) {
                const int end = words - i < 31 ? words : i + 31; /* 31 times 8 bits fit a byte */
                __m128i bytes = _mm_setzero_si128();
                for (; i < end; i++) {
                    const __m128i x = _mm_loadu_si128((const __m128i *)(panels + i * PANEL + 2 * h));
                    bytes = _mm_add_epi8(bytes, counts(_mm_xor_si128(x, _mm_set1_epi64x((long long)probe[i]))));
                }
                sum = _mm_add_epi64(sum, _mm_sad_epu8(bytes, _mm_setzero_si128()));
            }
            out[b * PANEL + 2 * h] = (uint16_t)_mm_cvtsi128_si32(sum);
            out[b * PANEL + 2 * h + 1] = (uint16_t)_mm_extract_epi32(sum, 2);
        }
}

#endif

/* Levels that add this family and that of int8_v.c to those below. */
#ifdef __AVX512VNNI__
void FCT_CAT(fct_kernels_sketch, _, FCT_LEVEL)(fct_kernel_table *t) {
#define K(name, type, params) t->name = KFN(name);
#include "kernels/int8.inc"
#include "kernels/sketch.inc"
#undef K
}
#endif
#ifdef __AVX512VPOPCNTDQ__
void fct_kernels_fill_avx512popcnt(fct_kernel_table *t) { fct_kernels_sketch_avx512popcnt(t); }
#endif

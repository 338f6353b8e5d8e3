/* Vectors of the level that a file is compiled for: FCT_LEVEL is avx2, avx512,
 * avx512vnni, avx512popcnt, neon or sse41, set by the build together with the compiler's flags.
 *
 *   vf        VL floats; V_* below act on it, loads and stores need no alignment
 *   CB        channels per block, VPB = CB / VL vectors
 *   V_XORn    lane l of the result is lane l ^ n
 *   V_PAIR    the lower lanes of two places in memory, VL / 2 of each; V_TWICE: of one place, repeated;
 *             V_JOIN: the lower lanes of one vector and the upper ones of another; V_LOWER, V_UPPER: one half
 *             of the lanes in the lower ones, and zeros. With HALVES 1 alone
 *   vi        VL sums of 32 bits; V_DOT adds the products of two pairs of 16-bit integers to each lane,
 *             VI_PAIR repeats one pair, V_TO_PAIRS stores VL pairs of rounded floats. Absent where the level has no
 * such product KFN(name) the kernel's name at this level
 *
 * Included by <family>_v.c only, never by code compiled for the baseline. */
#ifndef FCT_KERNELS_VEC_H
#define FCT_KERNELS_VEC_H

#include "kernels/decl.h"

#define FCT_CAT2(a, b, c) a##b##c
#define FCT_CAT(a, b, c)  FCT_CAT2(a, b, c)
#define KFN(name)         FCT_CAT(fct_k_##name, _, FCT_LEVEL)
#define ALWAYS_INLINE     static inline __attribute__((always_inline))
#define FCT_PRAGMA(x)     _Pragma(#x)
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(__AVX512F__)
#include <immintrin.h>
#define VL 16
#define CB 16
typedef __m512 vf;
#define V_LOAD(p)       _mm512_loadu_ps(p)
#define V_STORE(p, v)   _mm512_storeu_ps(p, v)
#define V_SET1(x)       _mm512_set1_ps(x)
#define V_ZERO()        _mm512_setzero_ps()
#define V_FMA(a, b, c)  _mm512_fmadd_ps(a, b, c)
#define V_MAX(a, b)     _mm512_max_ps(a, b)
#define V_MIN(a, b)     _mm512_min_ps(a, b)
#define V_HALF(p)       _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define V_TO_HALF(p, v) _mm256_storeu_si256((__m256i *)(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#define V_XOR1(v)       _mm512_permute_ps(v, 0xB1)
#define V_XOR2(v)       _mm512_permute_ps(v, 0x4E)
#define V_XOR3(v)       _mm512_permute_ps(v, 0x1B)
#define HALVES          1
#define V_PAIR(p, q)    _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(q), 1)
#define V_TWICE(p)      _mm512_broadcast_f32x8(_mm256_loadu_ps(p))
#define V_JOIN(a, b)    _mm512_mask_blend_ps(0xFF00, a, b)
#define V_LOWER(v)      _mm512_zextps256_ps512(_mm512_castps512_ps256(v))
#define V_UPPER(v)      _mm512_zextps256_ps512(_mm512_extractf32x8_ps(v, 1))
/* The sum of all lanes. */
ALWAYS_INLINE float v_sum(vf v) { return _mm512_reduce_add_ps(v); }
/* Sums of the lanes l % 4. */
ALWAYS_INLINE __m128 v_fold(vf v) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}
typedef __m512i vi;
#define VI_ZERO()        _mm512_setzero_si512()
#define VI_LOAD(p)       _mm512_loadu_si512((const void *)(p))
#define VI_PAIR(x)       _mm512_set1_epi32(x)
#define VI_TO_FLOAT(v)   _mm512_cvtepi32_ps(v)
#define V_TO_INT16(p, v) _mm256_storeu_si256((__m256i *)(p), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v)))
ALWAYS_INLINE void V_TO_PAIRS(int16_t *p, vf a, vf b) {
    const vi high = _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16);
    _mm512_storeu_si512(p, _mm512_mask_blend_epi16(0xAAAAAAAA, _mm512_cvtps_epi32(a), high));
}
#ifdef __AVX512VNNI__
/* gcc 12 keeps the sums of its intrinsic in memory. */
#define V_DOT(s, a, b) v_dot(s, a, b)
ALWAYS_INLINE vi v_dot(vi s, vi a, vi b) {
    __asm__("vpdpwssd %2, %1, %0" : "+v"(s) : "v"(a), "v"(b));
    return s;
}
#else
#define V_DOT(s, a, b) _mm512_add_epi32(s, _mm512_madd_epi16(a, b))
#endif
#elif defined(__AVX2__)
#include <immintrin.h>
#define VL              8
#define CB              8
typedef __m256 vf;
#define V_LOAD(p)       _mm256_loadu_ps(p)
#define V_STORE(p, v)   _mm256_storeu_ps(p, v)
#define V_SET1(x)       _mm256_set1_ps(x)
#define V_ZERO()        _mm256_setzero_ps()
#define V_FMA(a, b, c)  _mm256_fmadd_ps(a, b, c)
#define V_MAX(a, b)     _mm256_max_ps(a, b)
#define V_MIN(a, b)     _mm256_min_ps(a, b)
#define V_HALF(p)       _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define V_TO_HALF(p, v) _mm_storeu_si128((__m128i *)(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
#define V_XOR1(v)       _mm256_permute_ps(v, 0xB1)
#define V_XOR2(v)       _mm256_permute_ps(v, 0x4E)
#define V_XOR3(v)       _mm256_permute_ps(v, 0x1B)
#define HALVES          1
#define V_PAIR(p, q)    _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(q), 1)
#define V_TWICE(p)      V_PAIR(p, p)
#define V_JOIN(a, b)    _mm256_blend_ps(a, b, 0xF0)
#define V_LOWER(v)      _mm256_zextps128_ps256(_mm256_castps256_ps128(v))
#define V_UPPER(v)      _mm256_zextps128_ps256(_mm256_extractf128_ps(v, 1))
ALWAYS_INLINE float v_sum(vf v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
ALWAYS_INLINE __m128 v_fold(vf v) { return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); }
typedef __m256i vi;
#define VI_ZERO()       _mm256_setzero_si256()
#define VI_LOAD(p)      _mm256_loadu_si256((const __m256i *)(p))
#define VI_PAIR(x)      _mm256_set1_epi32(x)
#define VI_TO_FLOAT(v)  _mm256_cvtepi32_ps(v)
#define V_DOT(s, a, b)  _mm256_add_epi32(s, _mm256_madd_epi16(a, b))
ALWAYS_INLINE void V_TO_INT16(int16_t *p, vf v) {
    const __m256i i = _mm256_cvtps_epi32(v);
    _mm_storeu_si128((__m128i *)p, _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1)));
}
ALWAYS_INLINE void V_TO_PAIRS(int16_t *p, vf a, vf b) {
    const vi high = _mm256_slli_epi32(_mm256_cvtps_epi32(b), 16);
    _mm256_storeu_si256((__m256i *)p, _mm256_blend_epi16(_mm256_cvtps_epi32(a), high, 0xAA));
}
#elif defined(__aarch64__)
#include <arm_neon.h>
#define VL              4
#define CB              8
typedef float32x4_t vf;
#define V_LOAD(p)       vld1q_f32(p)
#define V_STORE(p, v)   vst1q_f32(p, v)
#define V_SET1(x)       vdupq_n_f32(x)
#define V_ZERO()        vdupq_n_f32(0)
#define V_FMA(a, b, c)  vfmaq_f32(c, a, b)
#define V_MAX(a, b)     vmaxq_f32(a, b)
#define V_MIN(a, b)     vminq_f32(a, b)
#define V_HALF(p)       vcvt_f32_f16(vld1_f16((const float16_t *)(p)))
#define V_TO_HALF(p, v) vst1_f16((float16_t *)(p), vcvt_f16_f32(v))
#define V_XOR1(v)       vrev64q_f32(v)
#define V_XOR2(v)       vextq_f32(v, v, 2)
#define V_XOR3(v)       V_XOR1(V_XOR2(v))
ALWAYS_INLINE float v_sum(vf v) { return vaddvq_f32(v); }
#elif defined(__SSE4_1__)
#include <smmintrin.h>
#define VL             4
#define CB             8
typedef __m128 vf;
#define V_LOAD(p)      _mm_loadu_ps(p)
#define V_STORE(p, v)  _mm_storeu_ps(p, v)
#define V_SET1(x)      _mm_set1_ps(x)
#define V_ZERO()       _mm_setzero_ps()
#define V_FMA(a, b, c) _mm_add_ps(_mm_mul_ps(a, b), c)
#define V_MAX(a, b)    _mm_max_ps(a, b)
#define V_MIN(a, b)    _mm_min_ps(a, b)
#define V_XOR1(v)      _mm_shuffle_ps(v, v, 0xB1)
#define V_XOR2(v)      _mm_shuffle_ps(v, v, 0x4E)
#define V_XOR3(v)      _mm_shuffle_ps(v, v, 0x1B)
ALWAYS_INLINE float v_sum(vf v) {
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps(v, v, 1)));
}
ALWAYS_INLINE __m128 v_fold(vf v) { return v; }
typedef __m128i vi;
#define VI_ZERO()      _mm_setzero_si128()
#define VI_LOAD(p)     _mm_loadu_si128((const __m128i *)(p))
#define VI_PAIR(x)     _mm_set1_epi32(x)
#define VI_TO_FLOAT(v) _mm_cvtepi32_ps(v)
#define V_DOT(s, a, b) _mm_add_epi32(s, _mm_madd_epi16(a, b))
ALWAYS_INLINE void V_TO_INT16(int16_t *p, vf v) {
    const __m128i i = _mm_cvtps_epi32(v);
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi32(i, i));
}
ALWAYS_INLINE void V_TO_PAIRS(int16_t *p, vf a, vf b) {
    const vi high = _mm_slli_epi32(_mm_cvtps_epi32(b), 16);
    _mm_storeu_si128((__m128i *)p, _mm_blend_epi16(_mm_cvtps_epi32(a), high, 0xAA));
}
#else
#error "vec.h needs a vector level"
#endif

/* + and - and * of C act on vf in gcc and clang alike. */
#define VPB (CB / VL)
#ifndef HALVES
#define HALVES 0
#endif

#endif

/* SHA-256 by the CPU's own instructions: 5 to 7 times the portable code, so that
 * the identity of a 170 MB model costs less than reading it. */
#include "base/hash_blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

/* The state is held as the instructions want it: (a b e f) and (c d g h), highest
 * lane first. w[i] are four message words each, w[] rotates through the schedule
 * (Intel SDM, SHA256MSG1, SHA256MSG2, SHA256RNDS2). */
__attribute__((target("sha,sse4.1"))) static void blocks_sha_ni(uint32_t h[8], const uint8_t *data, size_t n) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i lo = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0xB1);       /* c d a b */
    __m128i hi = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(h + 4)), 0x1B); /* e f g h */
    __m128i abef = _mm_alignr_epi8(lo, hi, 8), cdgh = _mm_blend_epi16(hi, lo, 0xF0);
    for (; n; n--, data += 64) {
        __m128i w[4], abef0 = abef, cdgh0 = cdgh;
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i cur = w[i & 3];
            __m128i k = _mm_add_epi32(cur, _mm_loadu_si128((const __m128i *)(fct_sha256_k + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0E));
            /* Words 4(i + 4) .. of the schedule replace the four just used. */
            __m128i last = w[(i + 3) & 3], mid = _mm_alignr_epi8(last, w[(i + 2) & 3], 4);
            w[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(cur, w[(i + 1) & 3]), mid), last);
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    lo = _mm_shuffle_epi32(abef, 0x1B); /* f e b a, lowest lane last: a b e f */
    hi = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(lo, hi, 0xF0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(hi, lo, 8));
}

fct_sha256_blocks_fn *fct_sha256_blocks_native(void) {
    unsigned a, b, c, d, sse41, sha;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return NULL;
    sse41 = c >> 19 & 1;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return NULL;
    sha = b >> 29 & 1;
    return sse41 && sha ? blocks_sha_ni : NULL;
}

#else

fct_sha256_blocks_fn *fct_sha256_blocks_native(void) { return NULL; }

#endif

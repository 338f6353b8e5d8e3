#include "kernels/decl.h"

/* Counts the bits that are set by adding neighbors of 1, 2, 4 bits (Hacker's Delight, 5-1). */
static int count_bits(uint64_t v) {
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)(v * UINT64_C(0x0101010101010101) >> 56);
}

void fct_k_sketch_hamming_c(uint16_t *out, const uint64_t *rows, size_t n, const uint64_t *probe, int words) {
    for (size_t r = 0; r < n; r++) {
        int sum = 0;
        for (int i = 0; i < words; i++) sum += count_bits(rows[r * (size_t)words + i] ^ probe[i]);
        out[r] = (uint16_t)sum;
    }
}

int32_t fct_k_dot_int8_c(const int8_t *a, const int8_t *b, int n) {
    int32_t sum = 0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

#include "kernels/decl.h"

#include <math.h>
#include <string.h>

#define PANEL 8

void fct_k_sketch_row_c(float *scale, float *error, uint64_t *bits, int8_t *bytes, const float *v, int dim) {
    float most = 0, sum = 0;
    memset(bits, 0, (size_t)(dim + 63) / 64 * sizeof *bits);
    memset(bytes, 0, (size_t)(dim + 63) / 64 * 64);
    for (int i = 0; i < dim; i++) {
        if (v[i] > 0) bits[i / 64] |= UINT64_C(1) << i % 64;
        if (fabsf(v[i]) > most) most = fabsf(v[i]);
    }
    const float step = most / 127, inverse = most > 0 ? 127 / most : 0;
    for (int i = 0; i < dim; i++) {
        float x = rintf(v[i] * inverse);
        x = x >= -127 ? x : -127; /* NaN too: of infinities, or where the inverse is infinite */
        bytes[i] = (int8_t)(x <= 127 ? x : 127);
        const float rest = v[i] - step * (float)bytes[i];
        sum += rest * rest;
    }
    *scale = step;
    *error = sqrtf(sum);
}

/* Counts the bits that are set by adding neighbors of 1, 2, 4 bits (Hacker's Delight, 5-1). */
static int count_bits(uint64_t v) {
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    v = (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (int)(v * UINT64_C(0x0101010101010101) >> 56);
}

void fct_k_sketch_hamming_c(uint16_t *out, const uint64_t *panels, size_t n_panels, const uint64_t *probe, int words) {
    for (size_t b = 0; b < n_panels; b++, panels += (size_t)words * PANEL)
        for (int r = 0; r < PANEL; r++) {
            int sum = 0;
            for (int i = 0; i < words; i++) sum += count_bits(panels[i * PANEL + r] ^ probe[i]);
            out[b * PANEL + (size_t)r] = (uint16_t)sum;
        }
}

#include "kernels/decl.h"

#include <string.h>

static int32_t product(const int8_t *a, const int8_t *b, int size) {
    int32_t sum = 0;
    for (int i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

void fct_k_score_int8_c(int32_t *out, ptrdiff_t stride, const int8_t *rows, size_t n, const int8_t *probes,
                        int n_probes, int size) {
    for (int p = 0; p < n_probes; p++)
        for (size_t r = 0; r < n; r++)
            out[p * stride + (ptrdiff_t)r] = product(rows + r * (size_t)size, probes + (size_t)p * (size_t)size, size);
}

void fct_k_dot_int8_c(int32_t *out, const int8_t *const *rows, size_t n, const int8_t *probe, int size) {
    for (size_t r = 0; r < n; r++) out[r] = product(rows[r], probe, size);
}

void fct_k_reach_int8_c(uint64_t *mask, const int32_t *sums, const float *scale, const float *error, size_t n,
                        float share, float floor) {
    memset(mask, 0, (n + 63) / 64 * sizeof *mask);
    for (size_t r = 0; r < n; r++)
        if ((float)sums[r] * scale[r] + share * error[r] >= floor) mask[r / 64] |= UINT64_C(1) << r % 64;
}

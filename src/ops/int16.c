#include "ops/int16.h"
#include <math.h>
#include <string.h>

enum { LANES_MOST = 4 * FCT_CB_MAX };

/* Integers per unit of weight of each lane; NAN where a weight is not finite. */
static void find_factors(const fct_int16_depth *d, const float *w, int lanes, float *factor) {
    float sum[LANES_MOST], most_sum[LANES_MOST] = {0}, most[LANES_MOST] = {0}, all[LANES_MOST] = {0};
    for (int b = 0; b < d->full + d->tail_blocks; b++) {
        if (b % d->group == 0) memset(sum, 0, sizeof sum);
        for (int i = 0; i < (b < d->full ? d->cb : d->tail); i++, w += lanes)
            for (int l = 0; l < lanes; l++) {
                const float square = w[l] * w[l];
                sum[l] += square;
                all[l] += square;
                most[l] = square > most[l] ? square : most[l];
            }
        for (int l = 0; l < lanes; l++) most_sum[l] = sum[l] > most_sum[l] ? sum[l] : most_sum[l];
    }
    for (int l = 0; l < lanes; l++) {
        const float by_norm = FCT_INT16_NORM / sqrtf(most_sum[l]), by_value = FCT_INT16_MOST / sqrtf(most[l]);
        factor[l] = most[l] > 1e-30f ? by_norm < by_value ? by_norm : by_value : 0;
        if (!isfinite(all[l])) factor[l] = NAN;
    }
}

/* Rounds |v| < 2^15 to the nearest integer, which is in the low bits of the sum with 1.5 * 2^23. Compilers make
 * vectors of this form. */
static inline int16_t rounded(float v) {
    const float shifted = v + 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    return (int16_t)(uint16_t)bits;
}

/* Rounds the weights to integers in pairs of channels, as the kernel multiplies them; an odd last channel is paired
 * with zeros. */
void fct_int16_pack(const fct_int16_depth *d, const float *w, int lanes, int16_t *dst, float *scale) {
    float factor[LANES_MOST];
    find_factors(d, w, lanes, factor);
    for (int l = 0; l < lanes; l++) scale[l] = factor[l] == 0 ? 0 : 1 / factor[l];
    for (int b = 0; b < d->full + d->tail_blocks; b++) {
        const int n = b < d->full ? d->cb : d->tail;
        for (int i = 0; i < n; i += 2, dst += (size_t)lanes * 2) {
            const float *const u = w + (size_t)i * lanes, *const v = i + 1 < n ? u + lanes : NULL;
            for (int l = 0; l < lanes; l++) dst[2 * l] = rounded(u[l] * factor[l]);
            for (int l = 0; l < lanes; l++) dst[2 * l + 1] = v ? rounded(v[l] * factor[l]) : 0;
        }
        w += (size_t)n * lanes;
    }
}

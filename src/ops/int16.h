/* Weights as 16-bit integers for conv_gemm_int16. */
#ifndef FCT_OPS_INT16_H
#define FCT_OPS_INT16_H

#include "kernels/kernels.h"

/* How the k of a product are cut into blocks and groups, as in fct_k_gemm. */
typedef struct fct_int16_depth {
    int cb, full, tail_blocks, tail, group;
} fct_int16_depth;

/* k blocks of a group, for a sum over k values in all. Larger groups are faster and coarser; what a
 * Winograd transform or many products add up can bear less (docs/decisions/0021-int16.md). */
static inline int fct_int16_group(int cb, size_t k, bool one_tap) {
    return (k <= 64 || (one_tap && k <= 256) ? 64 : 32) / cb;
}

/* Integers per output channel: a tail block takes an even number of them. */
static inline size_t fct_int16_count(const fct_int16_depth *d) {
    return (size_t)d->full * d->cb + (size_t)d->tail_blocks * (size_t)((d->tail + 1) / 2 * 2);
}

/* w: [k][lanes], the k of tail blocks without gaps; dst: [fct_int16_count() / 2][lanes][2];
 * scale: [lanes], weight = integer * scale. The integers keep to the bounds of conv_args.h;
 * a lane with a weight that is not finite has a scale that is not. At most 64 lanes. */
void fct_int16_pack(const fct_int16_depth *d, const float *w, int lanes, int16_t *dst, float *scale);

#endif

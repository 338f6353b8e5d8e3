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

/* The kernel conv_int16_weights: w is [k][lanes], each k w_step floats after the one before; pairs of k are written
 * dst_lanes lanes apart. */
static inline void fct_int16_weights(const fct_kernel_table *k, const fct_int16_depth *d, const float *w, int lanes,
                                     size_t w_step, int16_t *dst, int dst_lanes, float *scale) {
    k->conv_int16_weights(&(fct_k_int16_weights){.cb = d->cb,
                                                 .full = d->full,
                                                 .tail_blocks = d->tail_blocks,
                                                 .tail = d->tail,
                                                 .group = d->group,
                                                 .lanes = lanes,
                                                 .src = w,
                                                 .src_stride = w_step,
                                                 .dst = dst,
                                                 .dst_stride = (size_t)dst_lanes * 2,
                                                 .scale = scale});
}

#endif

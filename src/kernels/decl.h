/* Prototypes of every level's version of every kernel. */
#ifndef FCT_KERNELS_DECL_H
#define FCT_KERNELS_DECL_H

#include "kernels/kernels.h"

#define K(name, type, params) type fct_k_##name##_c params;
#include "kernels/all.inc"
#undef K

#define K(name, type, params)                                                                                          \
    type fct_k_##name##_sse41 params;                                                                                  \
    type fct_k_##name##_avx2 params;                                                                                   \
    type fct_k_##name##_avx512 params;                                                                                 \
    type fct_k_##name##_neon params;
#include "kernels/vector_levels.inc"
#undef K

#define K(name, type, params)                                                                                          \
    type fct_k_##name##_sse41 params;                                                                                  \
    type fct_k_##name##_avx2 params;                                                                                   \
    type fct_k_##name##_avx512 params;                                                                                 \
    type fct_k_##name##_avx512vnni params;
#include "kernels/int16.inc"
#undef K

#define K(name, type, params)                                                                                          \
    type fct_k_##name##_avx512vnni params;                                                                             \
    type fct_k_##name##_avx512popcnt params;
#include "kernels/int8.inc"
#include "kernels/sketch.inc"
#undef K

/* Puts a level's kernels over those of lower levels. */
void fct_kernels_fill_c(fct_kernel_table *t);
void fct_kernels_fill_sse41(fct_kernel_table *t);
void fct_kernels_fill_avx2(fct_kernel_table *t);
void fct_kernels_fill_avx512(fct_kernel_table *t);
void fct_kernels_fill_avx512vnni(fct_kernel_table *t);
void fct_kernels_fill_avx512popcnt(fct_kernel_table *t);
void fct_kernels_fill_neon(fct_kernel_table *t);

/* A level's kernels of int16.inc. */
void fct_kernels_int16_sse41(fct_kernel_table *t);
void fct_kernels_int16_avx2(fct_kernel_table *t);
void fct_kernels_int16_avx512(fct_kernel_table *t);
void fct_kernels_int16_avx512vnni(fct_kernel_table *t);

/* A level's kernels of int8.inc and sketch.inc. */
void fct_kernels_sketch_avx512vnni(fct_kernel_table *t);
void fct_kernels_sketch_avx512popcnt(fct_kernel_table *t);

/* Tile sizes of a level's conv_gemm. */
void fct_kernels_gemm_shape_sse41(fct_kernel_table *t);
void fct_kernels_gemm_shape_avx2(fct_kernel_table *t);
void fct_kernels_gemm_shape_avx512(fct_kernel_table *t);
void fct_kernels_gemm_shape_neon(fct_kernel_table *t);

#endif

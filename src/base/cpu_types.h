/* What is known of a CPU, as types. */
#ifndef FCT_BASE_CPU_TYPES_H
#define FCT_BASE_CPU_TYPES_H

#include "facet/base.h"

typedef enum fct_cpu_level {
    FCT_CPU_C = 0,
    FCT_CPU_SSE41 = 1,
    FCT_CPU_AVX2 = 2,         /* AVX2, FMA3, F16C and BMI, usable by this process (OS saves the registers) */
    FCT_CPU_AVX512 = 3,       /* AVX-512 F, BW, DQ, VL on top of AVX2 */
    FCT_CPU_AVX512VNNI = 4,   /* and its dot products of 8- and 16-bit integers */
    FCT_CPU_AVX512POPCNT = 5, /* and its counting of bits (VPOPCNTDQ) */
    FCT_CPU_NEON = 6          /* AArch64 Advanced SIMD */
} fct_cpu_level;

/* Bytes of data cache per core: L1, L2, and L3 as far as this core sees it; conservative guesses where unknown. */
typedef struct fct_cpu_caches {
    size_t l1d, l2, l3;
} fct_cpu_caches;

#endif

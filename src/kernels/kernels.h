/* The kernel table: one function pointer per kernel, filled once from the C
 * version upward to the best level that CPU and build have in common.
 *
 * Each family has one <family>.inc here with a line per kernel:
 *     K(name, return type, (parameters))
 * that declares its slot and its versions fct_k_<name>_<level>. To add a family:
 *   1. <family>.inc, included by all.inc; argument structs in <family>_args.h;
 *   2. <family>_c.c, plain scalar code, compiled for the baseline: the judge;
 *   3. optionally <family>_v.c on top of vec.h, compiled once per vector level
 *      (added to kernel_vector_src in meson.build), and a line in vector_levels.inc;
 *   4. a test in tests/kernels that runs fct_kernels_at() of every level
 *      against the C version.
 * Kernels have no state, do not allocate, do not fail and do not start threads;
 * pointers are 64-byte aligned only where the .inc line says so.
 *
 * The blocked layout ("NCHWc"): [N][ceil(C / cb)][H][W][cb] floats, cb =
 * fct_kernels()->cb, 8 or 16, the same for all tensors of a process. Lanes past
 * C hold finite, otherwise unspecified values; consumers must not let them reach
 * a result (weights there are zero). */
#ifndef FCT_KERNELS_KERNELS_H
#define FCT_KERNELS_KERNELS_H

#include "base/cpu.h"
#include "kernels/blocked_args.h"
#include "kernels/conv_args.h"
#include "kernels/sample_args.h"
#include "kernels/wino_args.h"
#include <stddef.h>
#include <stdint.h>

#define FCT_CB_MAX 16

typedef struct fct_kernel_table fct_kernel_table;

struct fct_kernel_table {
    fct_cpu_level level; /* highest level that contributed */
    int cb;              /* channels per block of the blocked layout */
    int gemm_mv;         /* largest number of channel blocks in a panel of conv_gemm, 1..4 */
    bool wino_half;      /* Winograd's kernels know half blocks of channels */
    double mac_rate;     /* multiply-adds a second of conv_gemm, roughly, to compare with memory */
    double int16_rate;   /* conv_gemm_int16's multiply-adds for one of conv_gemm's; 0: not to be used */
    int gemm_nr[5];      /* pixels per register tile for a panel of [1..gemm_mv] blocks */
#define K(name, type, params) type(*name) params;
#include "kernels/all.inc"
#undef K
};

/* The table of this process. Static, never NULL. */
const fct_kernel_table *fct_kernels(void);

/* The table capped at a level, for tests; NULL where CPU or build lack it. */
const fct_kernel_table *fct_kernels_at(fct_cpu_level level);

/* Number of channel blocks. */
static inline int fct_blocks(int channels, int cb) { return (channels + cb - 1) / cb; }

#endif

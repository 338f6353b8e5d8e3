/* The kernel table: one function pointer per kernel, filled once from the C
 * version upward to the best level that CPU and build have in common.
 *
 * Each family has one <family>.inc here with a line per kernel:
 *     K(name, return type, (parameters))
 * that declares its slot, its versions fct_k_<name>_<level>, and enrols it in
 * the kernel tests and in bench/kernels. The C version is written first and
 * stays the judge of all others. Kernels have no state, do not allocate, do not
 * fail and do not start threads; pointers are 64-byte aligned only where the
 * .inc line says so.
 *
 * The blocked layout ("NCHWc"): [N][ceil(C / cb)][H][W][cb] floats, cb =
 * fct_kernels()->cb, 8 or 16, the same for all tensors of a process. Lanes past
 * C hold finite, otherwise unspecified values; consumers must not let them reach
 * a result (weights there are zero). */
#ifndef FCT_KERNELS_KERNELS_H
#define FCT_KERNELS_KERNELS_H

#include "base/cpu.h"
#include <stddef.h>
#include <stdint.h>

#define FCT_CB_MAX 16

typedef struct fct_kernel_table fct_kernel_table;

/* The table of this process. Static, never NULL. */
const fct_kernel_table *fct_kernels(void);

/* The table capped at a level, for tests; NULL where CPU or build lack it. */
const fct_kernel_table *fct_kernels_at(fct_cpu_level level);

/* Number of channel blocks. */
static inline int fct_blocks(int channels, int cb) { return (channels + cb - 1) / cb; }

#endif

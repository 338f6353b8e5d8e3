/* The FMA peak of this core, in FLOP/s, measured with the conv_gemm kernel's
 * inner loop on data that stays in L1. */
#include "kernels/kernels.h"
double fct_bench_peak(void);

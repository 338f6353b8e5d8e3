#include "peak.h"
#include "base/alloc.h"
#include "base/file.h"

double fct_bench_peak(void) {
    const fct_kernel_table *k = fct_kernels();
    float *data = fct_aligned_alloc(1 << 16);
    if (!data) return 1;
    for (int i = 0; i < 1 << 14; i++) data[i] = 1e-3f;
    const int nr = k->gemm_nr[2];
    fct_k_gemm g = {.cb = k->cb,
                    .w = data,
                    .b = data,
                    .b_stride = 0,
                    .full = 128 / k->cb,
                    .mv = 2,
                    .n = nr,
                    .c = data + 8192,
                    .c_stride = (size_t)nr * k->cb};
    if (k->gemm_mv < 2) g.mv = 1;
    double best = 0;
    for (int round = 0; round < 40; round++) {
        uint64_t t = fct_time_ns();
        for (int i = 0; i < 400; i++) k->conv_gemm(&g);
        double flops = 2.0 * 400 * 128 * g.mv * k->cb * nr / ((double)(fct_time_ns() - t) * 1e-9);
        if (flops > best) best = flops;
        if (k->level == FCT_CPU_C && round) break;
    }
    fct_aligned_free(data);
    return best;
}

/* Multiply-adds alone, reference; and the peak that they show. */
#include "base/file.h"
#include "kernels/decl.h"

/* Twelve independent chains keep the units busy. Returns the number of operations. */
double fct_k_fma_rounds_c(size_t rounds, float *sink) {
    enum { CHAINS = 12 };
    float s[CHAINS];
    for (int i = 0; i < CHAINS; i++) s[i] = (float)i;
    for (size_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) s[i] = s[i] * 0.999f + 0.001f;
    *sink = 0;
    for (int i = 0; i < CHAINS; i++) *sink += s[i];
    return 2.0 * CHAINS * (double)rounds;
}

double fct_cpu_measure_peak(void) {
    enum { ROUNDS = 20000 };
    volatile float kept; /* so that no compiler drops the loop */
    double best = 0;
    for (uint64_t start = fct_time_ns(); fct_time_ns() - start < 50000000u;) {
        float sink;
        uint64_t t = fct_time_ns();
        double flop = fct_kernels()->fma_rounds(ROUNDS, &sink);
        uint64_t ns = fct_time_ns() - t;
        kept = sink;
        if (ns && flop / (double)ns * 1e9 > best) best = flop / (double)ns * 1e9;
    }
    (void)kept;
    return best;
}

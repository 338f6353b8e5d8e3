/* Multiply-adds alone: twelve chains hide the latency of two units of four cycles. */
#include "kernels/vec.h"

#define CHAINS 12

double KFN(fma_rounds)(size_t rounds, float *sink) {
    vf s[CHAINS];
    const vf a = V_SET1(0.999f), b = V_SET1(0.001f);
    UNROLL for (int i = 0; i < CHAINS; i++) s[i] = V_SET1((float)i);
    for (size_t r = 0; r < rounds; r++) { UNROLL for (int i = 0; i < CHAINS; i++) s[i] = V_FMA(s[i], a, b); }
    vf sum = s[0];
    UNROLL for (int i = 1; i < CHAINS; i++) sum = sum + s[i];
    *sink = v_sum(sum);
    return 2.0 * CHAINS * VL * (double)rounds;
}

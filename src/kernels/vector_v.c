/* Vector kernels on vec.h. */
#include "kernels/vec.h"

/* Four independent sums hide the latency of the multiply-add. */
float KFN(dot_f32)(const float *a, const float *b, size_t n) {
    vf s0 = V_ZERO(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) {
        s0 = V_FMA(V_LOAD(a + i), V_LOAD(b + i), s0);
        s1 = V_FMA(V_LOAD(a + i + VL), V_LOAD(b + i + VL), s1);
        s2 = V_FMA(V_LOAD(a + i + 2 * VL), V_LOAD(b + i + 2 * VL), s2);
        s3 = V_FMA(V_LOAD(a + i + 3 * VL), V_LOAD(b + i + 3 * VL), s3);
    }
    for (; i + VL <= n; i += VL) s0 = V_FMA(V_LOAD(a + i), V_LOAD(b + i), s0);
    float s = v_sum((s0 + s1) + (s2 + s3));
    for (; i < n; i++) s += a[i] * b[i];
    return s;
}

void KFN(axpy_f32)(float *y, const float *x, float s, size_t n) {
    const vf sv = V_SET1(s);
    size_t i = 0;
    for (; i + VL <= n; i += VL) V_STORE(y + i, V_FMA(sv, V_LOAD(x + i), V_LOAD(y + i)));
    for (; i < n; i++) y[i] += s * x[i];
}

void KFN(scale_f32)(float *y, const float *x, float s, float t, size_t n) {
    const vf sv = V_SET1(s), tv = V_SET1(t);
    size_t i = 0;
    for (; i + VL <= n; i += VL) V_STORE(y + i, V_FMA(sv, V_LOAD(x + i), tv));
    for (; i < n; i++) y[i] = s * x[i] + t;
}

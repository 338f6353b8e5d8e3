/* Vector kernels, reference. */
#include "kernels/kernels.h"
#include "kernels/decl.h"

/* Sums in double, so that the vector versions are judged against the better value. */
float fct_k_dot_f32_c(const float *a, const float *b, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++) s += (double)a[i] * b[i];
    return (float)s;
}

void fct_k_axpy_f32_c(float *y, const float *x, float s, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] += s * x[i];
}

void fct_k_scale_f32_c(float *y, const float *x, float s, float t, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = s * x[i] + t;
}

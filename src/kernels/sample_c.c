#include "kernels/decl.h"

void fct_k_sample_across_c(const fct_k_across *a) {
    int16_t *r = a->out[0], *g = a->out[1], *b = a->out[2];
    const int c0 = a->at[0], c1 = a->at[1], c2 = a->at[2];
    for (int x = 0; x < a->n; x++) {
        const uint8_t *p = a->row + (ptrdiff_t)a->index[x] * a->bytes, *q = p + (ptrdiff_t)a->next * a->bytes;
        const int wq = a->weight[x], wp = FCT_K_SAMPLE_ONE - wq;
        r[x] = (int16_t)((p[c0] * wp + q[c0] * wq) >> 4);
        g[x] = (int16_t)((p[c1] * wp + q[c1] * wq) >> 4);
        b[x] = (int16_t)((p[c2] * wp + q[c2] * wq) >> 4);
    }
}

void fct_k_sample_down_c(const int16_t *restrict upper, const int16_t *restrict lower, int n, int weight, float factor,
                         float shift, float *restrict dst) {
    const int16_t wb = (int16_t)weight, wa = (int16_t)(FCT_K_SAMPLE_ONE - weight);
    for (int x = 0; x < n; x++) {
        const int16_t u = (int16_t)((upper[x] * wa) >> 16), v = (int16_t)((lower[x] * wb) >> 16);
        dst[x] = (float)((u + v + 2) >> 2) * factor + shift;
    }
}

#include "kernels/decl.h"

#define PANEL 16

void fct_k_score_f32_c(float *out, ptrdiff_t stride, const float *rows, int n_panels, const float *probes, int n_probes,
                       int dim) {
    for (int b = 0; b < n_panels; b++) {
        const float *panel = rows + (size_t)b * dim * PANEL;
        for (int p = 0; p < n_probes; p++) {
            const float *probe = probes + (size_t)p * dim;
            float sum[PANEL] = {0};
            for (int i = 0; i < dim; i++)
                for (int r = 0; r < PANEL; r++) sum[r] += panel[(size_t)i * PANEL + r] * probe[i];
            for (int r = 0; r < PANEL; r++) out[p * stride + (ptrdiff_t)b * PANEL + r] = sum[r];
        }
    }
}

/* Depthwise convolutions and first layers, reference. */
#include "kernels/decl.h"

static float dw_sum(const fct_k_dw *d, int y, int x, int lane) {
    const fct_k_geom *g = &d->g;
    float sum = 0;
    for (int ky = 0; ky < g->kh; ky++)
        for (int kx = 0; kx < g->kw; kx++) {
            const int iy = y * g->sh + ky - g->pad_top, ix = x * g->sw + kx - g->pad_left;
            if (iy < 0 || iy >= g->ih || ix < 0 || ix >= g->iw) continue;
            const float *in = d->in + ((size_t)iy * g->iw + ix) * g->cb;
            for (int r = 0; r < d->group; r++)
                sum += in[lane ^ r] * d->w[((ky * g->kw + kx) * d->group + r) * g->cb + lane];
        }
    return sum;
}

void fct_k_conv_dw_c(const fct_k_dw *d, int y0, int y1) {
    const fct_k_geom *g = &d->g;
    for (int y = y0; y < y1; y++)
        for (int x = 0; x < g->ow; x++) {
            const size_t at = ((size_t)y * g->ow + x) * g->cb;
            float raw[16];
            for (int l = 0; l < g->cb; l++) raw[l] = dw_sum(d, y, x, l);
            fct_k_conv_epilogue_c(d->e, raw, d->add ? d->add + at : NULL, d->out + at, 1);
        }
}

void fct_k_conv_stem_c(const fct_k_stem *s) {
    for (int m = 0; m < s->mv; m++) {
        fct_k_epilogue e = *s->e;
        e.bias += m * s->cb;
        if (e.slope) e.slope += m * s->cb;
        for (int x = 0; x < s->n; x++) {
            const size_t at = m * s->c_stride + (size_t)x * s->cb;
            float raw[16] = {0};
            for (int k = 0; k < s->k; k++)
                for (int l = 0; l < s->cb; l++)
                    raw[l] += s->w[((size_t)k * s->mv + m) * s->cb + l] * s->b[s->offset[k] + x * s->step];
            fct_k_conv_epilogue_c(&e, raw, s->add ? s->add + at : NULL, s->c + at, 1);
        }
    }
}

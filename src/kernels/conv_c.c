/* Convolution kernels, reference: plain definitions, any block size. */
#include "kernels/decl.h"
#include <math.h>

/* Everything that the epilogue does to one sum, in its order. */
static float finish(const fct_k_epilogue *e, int lane, float x, const float *add) {
    x += e->bias[lane];
    if (add && !e->add_after) x += *add;
    if (e->act == FCT_K_ACT_CLAMP) {
        x = x > e->lo ? x : e->lo;
        x = x < e->hi ? x : e->hi;
    } else if (e->act == FCT_K_ACT_SLOPE) {
        x = x < 0 ? e->slope[lane] * x : x;
    } else if (e->act == FCT_K_ACT_SIGMOID) {
        x = 1 / (1 + expf(-x));
    }
    if (add && e->add_after) x += *add;
    return x;
}

void fct_k_conv_epilogue_c(const fct_k_epilogue *e, const float *raw, const float *add, float *out, int n) {
    for (int i = 0; i < n; i++)
        for (int l = 0; l < e->cb; l++) {
            size_t at = (size_t)i * e->cb + l;
            out[at] = finish(e, l, raw[at], add ? add + at : NULL);
        }
}

/* Sum over the taps of one input channel and one output lane. */
static float direct_channel(const fct_k_direct *d, int c, const float *w, int oy, int ox) {
    const fct_k_geom *g = &d->g;
    size_t area = (size_t)g->ih * g->iw;
    const float *plane = d->planar ? d->in + c * area : d->in + (c / g->cb) * area * g->cb + c % g->cb;
    int step = d->planar ? 1 : g->cb;
    float sum = 0;
    for (int ky = 0; ky < g->kh; ky++) {
        int y = oy * g->sh + ky * g->dh - g->pad_top;
        if (y < 0 || y >= g->ih) continue;
        for (int kx = 0; kx < g->kw; kx++) {
            int x = ox * g->sw + kx * g->dw - g->pad_left;
            if (x < 0 || x >= g->iw) continue;
            float v = plane[((size_t)y * g->iw + x) * step];
            if (d->scale) v = v * d->scale[c] + d->shift[c];
            sum += v * w[(ky * g->kw + kx) * g->cb];
        }
    }
    return sum;
}

void fct_k_conv_direct_c(const fct_k_direct *d, int row) {
    const fct_k_geom *g = &d->g;
    const int taps = g->kh * g->kw;
    for (int x = 0; x < g->ow; x++) {
        float *out = d->out + ((size_t)row * g->ow + x) * g->cb;
        const float *add = NULL;
        if (d->add && d->add_up2) add = d->add + ((size_t)(row / 2) * ((g->ow + 1) / 2) + x / 2) * g->cb;
        if (d->add && !d->add_up2) add = d->add + (out - d->out);
        for (int l = 0; l < g->cb; l++) {
            float sum = 0;
            for (int c = 0; c < d->ic_group && l < d->oc_lanes; c++)
                sum += direct_channel(d, d->first[l] + c, d->w + (size_t)c * taps * g->cb + l, row, x);
            out[l] = l < d->oc_lanes ? finish(d->e, l, sum, add ? add + l : NULL) : 0;
        }
    }
}

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

/* Taps *first to *end - 1 of a row or a column of n lie on a map of so many pixels; the first tap is at pixel at. */
static void taps_inside(int at, int n, int dilation, int pixels, int *first, int *end) {
    *first = 0;
    while (*first < n && at + *first * dilation < 0) ++*first;
    *end = n;
    while (*end > *first && at + (*end - 1) * dilation >= pixels) --*end;
}

/* Sum over the taps of one input channel and one output lane. What lies beside the map is found once for each row of
 * taps: a check at each tap would be most of the work, above all where a sanitizer checks the arithmetic too. */
static float direct_channel(const fct_k_direct *d, int c, const float *w, int oy, int ox) {
    const fct_k_geom *g = &d->g;
    const size_t area = (size_t)g->ih * g->iw, step = d->planar ? 1 : g->cb;
    const float *plane = d->planar ? d->in + c * area : d->in + (c / g->cb) * area * g->cb + c % g->cb;
    const int y0 = oy * g->sh - g->pad_top, x0 = ox * g->sw - g->pad_left;
    int ky, ky_end, kx_first, kx_end;
    float sum = 0;
    taps_inside(y0, g->kh, g->dh, g->ih, &ky, &ky_end);
    taps_inside(x0, g->kw, g->dw, g->iw, &kx_first, &kx_end);
    for (; ky < ky_end && kx_first < kx_end; ky++) {
        const float *at = plane + ((size_t)(y0 + ky * g->dh) * g->iw + x0 + kx_first * g->dw) * step;
        const float *tap = w + (size_t)(ky * g->kw + kx_first) * g->cb;
        for (int kx = kx_first; kx < kx_end; kx++, at += g->dw * step, tap += g->cb)
            sum += (d->scale ? *at * d->scale[c] + d->shift[c] : *at) * *tap;
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

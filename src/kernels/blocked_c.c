/* Blocked element-wise work, pooling, fully connected layer: reference. */
#include "kernels/decl.h"
#include <math.h>

void fct_k_blk_affine_c(const fct_k_affine *a, const float *x, float *y, int n) {
    for (int i = 0; i < n * a->cb; i++) {
        int l = i % a->cb;
        float v = a->scale ? x[i] * a->scale[l] + a->shift[l] : x[i];
        if (a->act == FCT_K_ACT_CLAMP) v = fminf(fmaxf(v, a->lo), a->hi);
        else if (a->act == FCT_K_ACT_SLOPE) v = v < 0 ? v * a->slope[l] : v;
        else if (a->act == FCT_K_ACT_SIGMOID) v = 1 / (1 + expf(-v));
        y[i] = v;
    }
}

void fct_k_blk_binary_c(fct_k_binary op, const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) {
        switch (op) {
        case FCT_K_ADD:
            y[i] = a[i] + b[i];
            break;
        case FCT_K_SUB:
            y[i] = a[i] - b[i];
            break;
        case FCT_K_MUL:
            y[i] = a[i] * b[i];
            break;
        case FCT_K_MAX:
            y[i] = fmaxf(a[i], b[i]);
            break;
        case FCT_K_MIN:
            y[i] = fminf(a[i], b[i]);
            break;
        }
    }
}

void fct_k_blk_pool_c(const fct_k_pool *p, const float *in, float *out, int row) {
    const fct_k_geom *g = &p->g;
    int y0 = row * g->sh - g->pad_top, a, b, c, d;
    fct_k_taps(y0, g->kh, g->dh, g->ih, &a, &b);
    for (int x = 0; x < g->ow; x++) {
        int x0 = x * g->sw - g->pad_left;
        fct_k_taps(x0, g->kw, g->dw, g->iw, &c, &d);
        float scale = fct_k_pool_scale(p, y0, x0, (b - a) * (d - c));
        for (int l = 0; l < g->cb; l++) {
            float v = p->max ? -INFINITY : 0;
            for (int ky = a; ky < b; ky++)
                for (int kx = c; kx < d; kx++) {
                    float t = in[((size_t)(y0 + ky * g->dh) * g->iw + x0 + kx * g->dw) * g->cb + l];
                    v = p->max ? fmaxf(v, t) : v + t;
                }
            out[((size_t)row * g->ow + x) * g->cb + l] = p->max ? v : v * scale;
        }
    }
}

void fct_k_fc_c(const fct_k_fc *f) {
    for (int o = 0; o < f->outs; o++)
        for (int r = 0; r < f->rows; r++) {
            double s = 0;
            for (size_t i = 0; i < f->k; i++) {
                float w;
                if (f->wh) fct_k_half_to_float_c(&w, f->wh + o * f->k + i, 1);
                else w = f->w[o * f->k + i];
                s += (double)f->x[r * f->ldx + i] * w;
            }
            f->y[r * f->ldy + o] = (float)s;
        }
}

/* Matrix product and packing for convolutions, reference. */
#include "kernels/decl.h"
#include <string.h>

/* Computes the sum for one block, pixel and lane. */
static float gemm_sum(const fct_k_gemm *g, int block, int pixel, int lane, float sum) {
    const float *w = g->w + block * g->cb + lane;
    for (int kb = 0; kb < g->full + g->tail_blocks; kb++) {
        const float *b = g->b + kb * g->b_stride + (size_t)pixel * g->cb;
        int channels = kb < g->full ? g->cb : g->tail;
        for (int i = 0; i < channels; i++, w += g->mv * g->cb) sum += *w * b[i];
    }
    return sum;
}

void fct_k_conv_gemm_c(const fct_k_gemm *g) {
    for (int m = 0; m < g->mv; m++)
        for (int p = 0; p < g->n; p++) {
            float *c = g->c + m * g->c_stride + (size_t)p * g->cb;
            float add[16], raw[16];
            for (int l = 0; l < g->cb; l++) raw[l] = gemm_sum(g, m, p, l, g->load ? c[l] : 0);
            if (!g->e) {
                memcpy(c, raw, g->cb * sizeof *c);
                continue;
            }
            fct_k_epilogue e = *g->e;
            e.bias += m * g->cb;
            if (e.slope) e.slope += m * g->cb;
            if (g->add) memcpy(add, g->add + m * g->add_stride + (size_t)p * g->cb, g->cb * sizeof *add);
            fct_k_conv_epilogue_c(&e, raw, g->add ? add : NULL, c, 1);
        }
}

/* One pixel under one tap. */
static void pack_pixel(const fct_k_pack *p, int block, int tap, int pixel, float *dst) {
    const fct_k_geom *g = &p->g;
    const int area = g->oh * g->ow, image = pixel / area, oy = pixel % area / g->ow, ox = pixel % g->ow;
    const int y = oy * g->sh + tap / g->kw * g->dh - g->pad_top, x = ox * g->sw + tap % g->kw * g->dw - g->pad_left;
    const bool inside = y >= 0 && y < g->ih && x >= 0 && x < g->iw;
    const float *src = p->in + image * p->image_stride;
    if (inside) src += block * p->plane + ((size_t)y * g->iw + x) * g->cb;
    for (int l = 0; l < g->cb; l++) {
        float v = inside ? src[l] : 0;
        if (inside && p->scale) v = v * p->scale[block * g->cb + l] + p->shift[block * g->cb + l];
        dst[l] = v;
    }
}

void fct_k_conv_pack_c(const fct_k_pack *p, int k0, int k1, int p0, int n, float *dst) {
    const int taps = p->g.kh * p->g.kw;
    for (int k = k0; k < k1; k++)
        for (int i = 0; i < n; i++, dst += p->g.cb) pack_pixel(p, k / taps, k % taps, p0 + i, dst);
}

void fct_k_half_to_float_c(float *dst, const uint16_t *src, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(src[i] & 0x8000) << 16, exponent = src[i] >> 10 & 31, mantissa = src[i] & 1023, bits;
        if (exponent == 31) {
            bits = 0x7f800000 | mantissa << 13;
        } else if (exponent) {
            bits = (exponent + 112) << 23 | mantissa << 13;
        } else {
            float f = (float)mantissa / 16777216.0f; /* subnormal: mantissa 2^-24 */
            memcpy(&bits, &f, 4);
        }
        bits |= sign;
        memcpy(dst + i, &bits, 4);
    }
}

void fct_k_float_to_half_c(uint16_t *dst, const float *src, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits, result;
        memcpy(&bits, src + i, 4);
        const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            result = 0x7e00; /* NaN */
        } else if (magnitude >= 0x477ff000) {
            result = 0x7c00; /* rounds to infinity */
        } else if (magnitude >= 0x38800000) {
            const uint32_t m = magnitude - 0x38000000;
            result = (m + 0xfff + (m >> 13 & 1)) >> 13;
        } else {
            float f; /* subnormal: let the addition of 1/2 round to multiples of 2^-24 */
            memcpy(&f, &magnitude, 4);
            f += 0.5f;
            memcpy(&result, &f, 4);
            result -= 0x3f000000;
        }
        dst[i] = (uint16_t)(result | sign);
    }
}

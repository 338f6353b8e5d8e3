/* Products of 16-bit integers for convolutions, reference. */
#include "kernels/decl.h"
#include <math.h>

/* Finds what an integer of a pixel stands for. The lanes l % 4 are taken together and the group with the most of
 * them counts: their sum bounds every group's norm, the greatest bounds every value. */
static float pixel_scale(const fct_k_quantize *q, int pixel) {
    double sum = 0, greatest = 0;
    for (int r = 0; r < 4; r++) {
        double most = 0, squares = 0;
        for (int k = 0; k < q->full + q->tail_blocks; k++) {
            if (k % q->group == 0) squares = 0;
            for (int l = r; l < (k < q->full ? q->cb : q->tail); l += 4) {
                const double v = q->src[k * q->src_stride + (size_t)pixel * q->cb + l];
                squares += v * v;
            }
            if (squares > most || isnan(squares)) most = squares;
        }
        sum += most;
        greatest = most > greatest ? most : greatest;
    }
    const double by_norm = sqrt(sum) / FCT_INT16_NORM, by_value = sqrt(greatest) / FCT_INT16_MOST;
    return (float)(by_norm < by_value ? by_value : by_norm);
}

void fct_k_conv_quantize_c(const fct_k_quantize *q) {
    for (int p = 0; p < q->n; p++) {
        const float scale = pixel_scale(q, p), factor = scale > 1e-30f ? 1 / scale : 0;
        q->scale[p] = scale;
        for (int k = 0; k < q->full + q->tail_blocks; k++)
            for (int l = 0; l < q->cb; l++) {
                const size_t at = (size_t)p * q->cb + l;
                const float v = q->src[k * q->src_stride + at] * factor;
                const bool counts = (k < q->full || l < q->tail) && v >= -32767 && v <= 32767;
                q->dst[k * q->dst_stride + at] = (int16_t)(counts ? lrintf(v) : 0);
            }
    }
}

/* Writes one lane's sum of squares of the group with the most, its greatest square, and the sum of all. */
static void lane_squares(const fct_k_int16_weights *a, int lane, float *most_sum, float *most, float *all) {
    const float *w = a->src + lane;
    float sum = 0;
    *most_sum = *most = *all = 0;
    for (int b = 0; b < a->full + a->tail_blocks; b++) {
        if (b % a->group == 0) sum = 0;
        for (int i = 0; i < (b < a->full ? a->cb : a->tail); i++, w += a->src_stride) {
            const float square = *w * *w;
            sum += square;
            *all += square;
            if (square > *most) *most = square;
        }
        if (sum > *most_sum) *most_sum = sum;
    }
}

static int16_t rounded(float v) { return (int16_t)(v >= -32767 && v <= 32767 ? lrintf(v) : 0); }

void fct_k_conv_int16_weights_c(const fct_k_int16_weights *a) {
    for (int l = 0; l < a->lanes; l++) {
        float most_sum, most, all;
        lane_squares(a, l, &most_sum, &most, &all);
        const float factor = fct_k_int16_factor(most_sum, most, all);
        const float *w = a->src + l;
        int16_t *d = a->dst + (size_t)l * 2;
        a->scale[l] = factor == 0 ? 0 : 1 / factor;
        for (int b = 0; b < a->full + a->tail_blocks; b++) {
            const int n = b < a->full ? a->cb : a->tail;
            for (int i = 0; i < n; i++, w += a->src_stride) d[i / 2 * a->dst_stride + i % 2] = rounded(*w * factor);
            if (n % 2) d[n / 2 * a->dst_stride + 1] = 0;
            d += (size_t)(n + 1) / 2 * a->dst_stride;
        }
    }
}

/* Computes one sum. Groups are added modulo 2^32, since what leaves the range on the way comes back. */
static float int16_sum(const fct_k_gemm *g, int block, int pixel, int lane) {
    const int16_t *w = g->w16 + ((size_t)block * g->cb + lane) * 2;
    uint32_t sum = 0;
    float total = 0;
    for (int kb = 0; kb < g->full + g->tail_blocks; kb++) {
        const int16_t *b = g->b16 + kb * g->b_stride + (size_t)pixel * g->cb;
        const int channels = kb < g->full ? g->cb : g->tail;
        if (kb % g->group == 0) {
            total += (float)(int32_t)sum;
            sum = 0;
        }
        for (int i = 0; i < channels; i += 2, w += (size_t)2 * g->mv * g->cb)
            sum += (uint32_t)(w[0] * b[i]) + (uint32_t)(w[1] * b[i + 1]);
    }
    return total + (float)(int32_t)sum;
}

void fct_k_conv_gemm_int16_c(const fct_k_gemm *g) {
    for (int m = 0; m < g->mv; m++)
        for (int p = 0; p < g->n; p++) {
            float *c = g->c + m * g->c_stride + (size_t)p * g->cb, raw[FCT_CB_MAX];
            for (int l = 0; l < g->cb; l++) {
                raw[l] = int16_sum(g, m, p, l) * g->w_scale[m * g->cb + l] * g->b_scale[p];
                if (g->load) raw[l] += c[l];
                if (!g->e) c[l] = raw[l];
            }
            if (!g->e) continue;
            fct_k_epilogue e = *g->e;
            e.bias += m * g->cb;
            if (e.slope) e.slope += m * g->cb;
            fct_k_conv_epilogue_c(&e, raw, g->add ? g->add + m * g->add_stride + (size_t)p * g->cb : NULL, c, 1);
        }
}

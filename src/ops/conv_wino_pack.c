/* Weights of the Winograd convolution: transformed, in the order in which the products read them.
 *
 * [panel][point][input channel][panel lanes], in fp32, fp16 or as 16-bit
 * integers. The fp16 ones are scaled by a power of two so that all that matter are
 * normal numbers. The integers have a scale per point and output channel, before the
 * weights, [panel][point][panel lanes]. */
#include "ops/conv_panel.h"
#include "ops/conv_wino.h"
#include <math.h>
#include <string.h>

/* A power of two by which weights are multiplied before they become fp16, so that those which matter are normal
 * numbers. */
static float weight_scale(const fct_conv *c, bool half) {
    if (!half) return 1;
    float most = 0;
    const size_t n = (size_t)c->s.oc * c->s.ic * 9;
    for (size_t i = 0; i < n; i++) most = fabsf(c->weight[i]) > most ? fabsf(c->weight[i]) : most;
    int exponent;
    frexpf(most, &exponent);
    /* a transformed weight is at most 9 times the largest: 9 * 2^12 < 65504 */
    return most > 0 && most < 1e30f ? ldexpf(1, 12 - exponent) : 1;
}

typedef struct wino_packing {
    const fct_conv *c;
    int family;
    fct_conv_store store;
    float scale;
    void *packed;
    float *u; /* per worker: [point][ic][lanes] of a panel, or of a block that becomes integers */
    size_t u_size;
} wino_packing;

/* Transforms the weights of output channels first .. first + lanes - 1 to u, [point][ic][lanes]. */
static void transform(const wino_packing *k, int first, int lanes, float *u) {
    const fct_conv *c = k->c;
    const int ic = c->s.ic, real = c->s.oc - first < lanes ? c->s.oc - first : lanes;
    float taps[9 * 4 * FCT_CB_MAX] = {0};
    const float *w = c->weight + (size_t)first * ic * 9;
    for (int i = 0; i < ic; i++, w += 9) {
        for (int l = 0; l < real; l++)
            for (int t = 0; t < 9; t++) taps[t * lanes + l] = w[(size_t)l * ic * 9 + t];
        c->k->wino_weights(k->family, taps, lanes, k->scale, u + (size_t)i * lanes, (size_t)ic * lanes);
    }
}

/* The transformed weights of one panel of output channels, in the form that the algorithm keeps. Those that become
 * integers are transformed a block at a time, so that all of its points stay in L2. */
static void pack_panel(void *ctx, int index, int worker) {
    const wino_packing *k = ctx;
    const fct_conv *c = k->c;
    const fct_panel panel = fct_panel_at(c->k, c->ocb, index);
    const int lanes = panel.count * c->cb, ic = c->s.ic, all = fct_wino_points(k->family);
    const size_t first = (size_t)panel.first * c->cb * all, count = fct_wino_lane_count(c, k->store);
    char *const to =
        (char *)k->packed + fct_wino_weights_at(c, k->family, k->store) + first * count * fct_conv_width(k->store);
    float *u = k->u ? k->u + k->u_size * (size_t)worker : (float *)(void *)to;
    if (k->store != FCT_CONV_INT16) {
        transform(k, panel.first * c->cb, lanes, u);
        if (k->store == FCT_CONV_HALF) c->k->float_to_half((uint16_t *)(void *)to, u, (size_t)lanes * ic * all);
        return;
    }
    const fct_int16_depth d = fct_wino_depth(c);
    float *scales = (float *)((char *)k->packed + FCT_WINO_HEADER) + first;
    for (int b = 0; b < lanes; b += c->cb) {
        transform(k, panel.first * c->cb + b, c->cb, u);
        for (int p = 0; p < all; p++)
            fct_int16_weights(c->k, &d, u + (size_t)p * ic * c->cb, c->cb, c->cb,
                              (int16_t *)(void *)to + (size_t)p * count * lanes + (size_t)b * 2, lanes,
                              scales + (size_t)p * lanes + b);
    }
}

/* Size of the packed weights with their header and scales. */
size_t fct_wino_packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    return fct_wino_weights_at(c, a->tile, a->store) +
           fct_wino_lanes(c) * fct_wino_lane_count(c, a->store) * fct_wino_points(a->tile) * fct_conv_width(a->store);
}

fct_status fct_wino_pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    *bytes = fct_wino_packed_bytes(a, c);
    const bool wide = a->store != FCT_CONV_FLOAT;
    wino_packing k = {
        .c = c, .family = a->tile, .store = a->store, .scale = weight_scale(c, a->store == FCT_CONV_HALF)};
    k.u_size = (size_t)(a->store == FCT_CONV_INT16 ? 1 : 4) * c->cb * c->s.ic * fct_wino_points(a->tile);
    k.packed = fct_weights_alloc(*bytes);
    if (wide) k.u = fct_aligned_alloc(k.u_size * sizeof(float) * (size_t)fct_parallel_width());
    if (!k.packed || (wide && !k.u)) {
        fct_weights_free(k.packed, *bytes);
        fct_aligned_free(k.u);
        return fct_fail_nomem(err, "packed weights", *bytes);
    }
    memset(k.packed, 0, fct_wino_weights_at(c, a->tile, a->store));
    ((fct_wino_header *)k.packed)->scale = 1 / k.scale;
    fct_parallel(fct_panel_total(c->k, c->ocb), pack_panel, &k);
    fct_aligned_free(k.u);
    *packed = k.packed;
    return FCT_OK;
}

/* What the parts of the Winograd convolution share: how its weights are kept. */
#ifndef FCT_OPS_CONV_WINO_H
#define FCT_OPS_CONV_WINO_H

#include "ops/conv_int.h"
#include "ops/int16.h"

/* The packed array begins with this; weights follow at fct_wino_weights_at() bytes. */
typedef struct fct_wino_header {
    float scale; /* of the sums, to undo that of the weights */
} fct_wino_header;
enum { FCT_WINO_HEADER = 64 };

static inline int fct_wino_points(int family) { return fct_wino_alpha(family) * fct_wino_alpha(family); }

/* How the sum over input channels falls into blocks and groups. */
static inline fct_int16_depth fct_wino_depth(const fct_conv *c) {
    const int cb = c->cb, ic = c->s.ic;
    return (fct_int16_depth){cb, ic / cb, ic % cb != 0, ic % cb, fct_int16_group(cb, (size_t)ic, false)};
}
/* Elements of one output channel at one point. */
static inline size_t fct_wino_lane_count(const fct_conv *c, fct_conv_store store) {
    const fct_int16_depth d = fct_wino_depth(c);
    return store == FCT_CONV_INT16 ? fct_int16_count(&d) : (size_t)c->s.ic;
}
static inline size_t fct_wino_lanes(const fct_conv *c) { return (size_t)c->ocb * c->cb; }
/* Where the weights begin. */
static inline size_t fct_wino_weights_at(const fct_conv *c, int family, fct_conv_store store) {
    const size_t scales = fct_wino_lanes(c) * fct_wino_points(family) * sizeof(float);
    return FCT_WINO_HEADER + (store == FCT_CONV_INT16 ? (scales + 63) / 64 * 64 : 0);
}

/* fct_conv_algo's pack and bytes. */
fct_status fct_wino_pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err);
size_t fct_wino_packed_bytes(const fct_conv_algo *a, const fct_conv *c);

#endif

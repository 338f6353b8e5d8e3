/* Resize (the forms of opset 10, 11 and 13) and Upsample (7 and 9): nearest and
 * linear. Coordinates after the ONNX operator specification, "Resize". */
#include "ops/op.h"
#include <math.h>
#include <string.h>

enum { COORD_HALF_PIXEL, COORD_TORCH_HALF_PIXEL, COORD_ALIGN_CORNERS, COORD_ASYMMETRIC, COORD_TF_HALF_PIXEL };
enum { NEAR_PREFER_FLOOR, NEAR_PREFER_CEIL, NEAR_FLOOR, NEAR_CEIL, NEAR_SIMPLE };

static int lookup(const char *s, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (!strcmp(s, names[i])) return i;
    return -1;
}

static fct_status resize_modes(const fct_op_call *c, fct_resize *r) {
    static const char *const coords[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                         "tf_half_pixel_for_nn"};
    static const char *const nears[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    const char *mode = fct_op_attr_string(c, "mode", "nearest");
    bool old = !strcmp(c->op, "Upsample") || c->opset < 11;
    const char *coord = old ? "asymmetric" : fct_op_attr_string(c, "coordinate_transformation_mode", "half_pixel");
    const char *near_mode = fct_op_attr_string(c, "nearest_mode", "round_prefer_floor");
    if (strcmp(mode, "nearest") && strcmp(mode, "linear") && strcmp(mode, "bilinear"))
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "mode '%s'", mode);
    r->mode = !!strcmp(mode, "nearest");
    r->coord = lookup(coord, coords, 5);
    r->nearest = old ? NEAR_SIMPLE : lookup(near_mode, nears, 4);
    if (r->coord < 0) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "coordinate_transformation_mode '%s'", coord);
    if (r->nearest < 0) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "nearest_mode '%s'", near_mode);
    return FCT_OK;
}

static fct_status resize_scales(const fct_op_call *c, const float *scales, int64_t n, fct_resize *r) {
    const fct_view *x = c->in[0];
    if (n != x->rank) return fct_op_fail(c, FCT_ERR_FORMAT, "%lld scales for rank %d", (long long)n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        double out = floor((double)x->dims[i] * scales[i]);
        if (!(scales[i] > 0) || !(out <= (double)FCT_MAX_ELEMENTS))
            return fct_op_fail(c, FCT_ERR_FORMAT, "scale %g", (double)scales[i]);
        r->scale[i] = scales[i];
        r->out[i] = (int64_t)out;
    }
    return FCT_OK;
}

/* Where the scales or sizes are: Upsample-7 attribute; Upsample-9 and Resize-10
 * input 1; later inputs 2 and 3, an empty tensor standing for "not given". */
fct_status fct_resize_parse(const fct_op_call *c, fct_resize *r) {
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s || (s = resize_modes(c, r))) return s;
    const fct_view *x = c->in[0];
    bool old = !strcmp(c->op, "Upsample") || c->opset < 11;
    const fct_attr *a = old ? fct_op_attr(c, "scales", FCT_ATTR_FLOATS) : NULL;
    if (a) return resize_scales(c, a->floats, (int64_t)a->count, r);
    const fct_view *scales = fct_op_in(c, old ? 1 : 2), *sizes = old ? NULL : fct_op_in(c, 3);
    if (scales && fct_view_count(scales)) {
        if (scales->dtype != FCT_F32) return fct_op_fail(c, FCT_ERR_FORMAT, "scales must be floats");
        if (!scales->data) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "scales depend on the data");
        return resize_scales(c, fct_view_f32(scales), fct_view_count(scales), r);
    }
    int n = -1;
    if (sizes && (s = fct_op_int_list(c, 3, NULL, r->out, FCT_MAX_RANK, &n))) return s;
    if (n != x->rank) return fct_op_fail(c, FCT_ERR_FORMAT, "neither scales nor sizes fit rank %d", x->rank);
    for (int i = 0; i < n; i++) {
        if (r->out[i] < 0 || r->out[i] > FCT_MAX_ELEMENTS) return fct_op_fail(c, FCT_ERR_LIMIT, "size %lld", (long long)r->out[i]);
        r->scale[i] = x->dims[i] ? (float)r->out[i] / (float)x->dims[i] : 1;
    }
    return FCT_OK;
}

/* Position in the input of output index x. */
static float resize_position(const fct_resize *r, int d, int64_t in, int64_t x) {
    float fx = (float)x, scale = r->scale[d];
    int64_t out = r->out[d];
    if (scale == 1 && out == in) return fx;
    switch (r->coord) {
    case COORD_TORCH_HALF_PIXEL:
        if (out <= 1) return 0;
        return (fx + 0.5f) / scale - 0.5f;
    case COORD_ALIGN_CORNERS: return out <= 1 ? 0 : fx * (float)(in - 1) / (float)(out - 1);
    case COORD_ASYMMETRIC: return fx / scale;
    case COORD_TF_HALF_PIXEL: return (fx + 0.5f) / scale;
    default: return (fx + 0.5f) / scale - 0.5f;
    }
}

int64_t fct_resize_nearest(const fct_resize *r, int d, int64_t in, int64_t x) {
    float p = resize_position(r, d, in, x), f = floorf(p);
    int64_t i;
    switch (r->nearest) {
    case NEAR_PREFER_FLOOR: i = (int64_t)(p - f <= 0.5f ? f : f + 1); break;
    case NEAR_PREFER_CEIL: i = (int64_t)(p - f < 0.5f ? f : f + 1); break;
    case NEAR_CEIL: i = (int64_t)ceilf(p); break;
    case NEAR_SIMPLE: i = (int64_t)(r->scale[d] < 1 ? ceilf(p) : f); break;
    default: i = (int64_t)f;
    }
    return i < 0 ? 0 : i >= in ? in - 1 : i;
}

void fct_resize_linear(const fct_resize *r, int d, int64_t in, int64_t x, int64_t *i0, int64_t *i1, float *w1) {
    float p = resize_position(r, d, in, x);
    p = p < 0 ? 0 : p > (float)(in - 1) ? (float)(in - 1) : p;
    *i0 = (int64_t)p;
    *i1 = *i0 + 1 < in ? *i0 + 1 : in - 1;
    *w1 = p - (float)*i0;
}

static fct_status resize_shape(fct_op_call *c) {
    fct_resize r;
    fct_status s = fct_resize_parse(c, &r);
    if (s) return s;
    const fct_view *x = c->in[0];
    for (int i = 0; i < x->rank; i++) {
        if (r.out[i] && !x->dims[i]) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "empty input");
        if (r.mode && r.out[i] != x->dims[i] && (i < x->rank - 2))
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "linear mode over axis %d", i);
    }
    return fct_op_out(c, FCT_F32, x->rank, r.out);
}

static void nearest_run(const fct_op_call *c, const fct_resize *r) {
    const fct_view *x = c->in[0], *y = c->out;
    int64_t strides[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0}, n = fct_view_count(y);
    fct_view_strides(x, strides);
    for (int64_t i = 0; i < n; i++) {
        int64_t pos = 0;
        for (int d = 0; d < y->rank; d++) pos += strides[d] * fct_resize_nearest(r, d, x->dims[d], at[d]);
        fct_view_f32(y)[i] = fct_view_f32(x)[pos];
        for (int d = y->rank - 1; d >= 0 && ++at[d] == y->dims[d]; d--) at[d] = 0;
    }
}

static void linear_run(const fct_op_call *c, const fct_resize *r) {
    const fct_view *x = c->in[0], *y = c->out;
    int d = x->rank - 2;
    int64_t ih = x->dims[d], iw = x->dims[d + 1], oh = y->dims[d], ow = y->dims[d + 1], planes = 1;
    for (int i = 0; i < d; i++) planes *= x->dims[i];
    for (int64_t p = 0; p < planes; p++) {
        const float *src = fct_view_f32(x) + p * ih * iw;
        float *dst = fct_view_f32(y) + p * oh * ow;
        for (int64_t oy = 0; oy < oh; oy++)
            for (int64_t ox = 0; ox < ow; ox++) {
                int64_t y0, y1, x0, x1;
                float wy, wx;
                fct_resize_linear(r, d, ih, oy, &y0, &y1, &wy);
                fct_resize_linear(r, d + 1, iw, ox, &x0, &x1, &wx);
                float top = src[y0 * iw + x0] * (1 - wx) + src[y0 * iw + x1] * wx;
                float bottom = src[y1 * iw + x0] * (1 - wx) + src[y1 * iw + x1] * wx;
                dst[oy * ow + ox] = top * (1 - wy) + bottom * wy;
            }
    }
}

static fct_status resize_run(fct_op_call *c) {
    fct_resize r;
    fct_status s = fct_resize_parse(c, &r);
    if (s) return s;
    if (r.mode && c->in[0]->rank >= 2) linear_run(c, &r);
    else nearest_run(c, &r);
    return FCT_OK;
}

extern const fct_op fct_op_resize, fct_op_upsample;
const fct_op fct_op_resize = {"Resize", 1, 4, resize_shape, resize_run};
const fct_op fct_op_upsample = {"Upsample", 1, 2, resize_shape, resize_run};

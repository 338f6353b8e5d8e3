/* Resize (the forms of opset 10, 11 and 13) and Upsample (7 and 9): nearest and
 * linear. Coordinates after the ONNX operator specification, "Resize". */
#include "ops/op.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { COORD_HALF_PIXEL, COORD_TORCH_HALF_PIXEL, COORD_ALIGN_CORNERS, COORD_ASYMMETRIC, COORD_TF_HALF_PIXEL };
enum { NEAR_PREFER_FLOOR, NEAR_PREFER_CEIL, NEAR_FLOOR, NEAR_CEIL, NEAR_SIMPLE };

static int lookup(const char *s, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (!strcmp(s, names[i])) return i;
    return -1;
}

/* Reads the modes. Before opset 11 there was only one way to map coordinates. */
static fct_status resize_modes(const fct_op_call *c, fct_resize *r) {
    static const char *const coords[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                         "tf_half_pixel_for_nn"};
    static const char *const nears[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    const char *mode = fct_op_attr_string(c, "mode", "nearest");
    bool old = c->op->id == FCT_OP_UPSAMPLE || c->opset < 11;
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

/* Takes the output's size from the scales, rounded down as the specification says. */
static fct_status resize_scales(const fct_op_call *c, const float *scales, int64_t n, fct_resize *r) {
    const fct_tensor_view *x = c->in[0];
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

/* Finds the scales or sizes: an attribute for Upsample-7; input 1 for Upsample-9 and Resize-10; later inputs 2 and
 * 3, where an empty tensor stands for "not given". */
fct_status fct_resize_parse(const fct_op_call *c, fct_resize *r) {
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s || (s = resize_modes(c, r))) return s;
    const fct_tensor_view *x = c->in[0];
    bool old = c->op->id == FCT_OP_UPSAMPLE || c->opset < 11;
    const fct_attr *a = old ? fct_op_attr(c, "scales", FCT_ATTR_FLOATS) : NULL;
    if (a) return resize_scales(c, a->floats, (int64_t)a->count, r);
    const fct_tensor_view *scales = fct_op_in(c, old ? 1 : 2), *sizes = old ? NULL : fct_op_in(c, 3);
    if (scales && fct_view_count(scales)) {
        if (scales->dtype != FCT_F32) return fct_op_fail(c, FCT_ERR_FORMAT, "scales must be floats");
        if (!scales->data) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "scales depend on the data");
        return resize_scales(c, fct_view_f32(scales), fct_view_count(scales), r);
    }
    int n = -1;
    if (sizes && (s = fct_op_int_list(c, 3, NULL, r->out, FCT_MAX_RANK, &n))) return s;
    if (n != x->rank) return fct_op_fail(c, FCT_ERR_FORMAT, "neither scales nor sizes fit rank %d", x->rank);
    for (int i = 0; i < n; i++) {
        if (r->out[i] < 0 || r->out[i] > FCT_MAX_ELEMENTS)
            return fct_op_fail(c, FCT_ERR_LIMIT, "size %lld", (long long)r->out[i]);
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
    case COORD_ALIGN_CORNERS:
        return out <= 1 ? 0 : fx * (float)(in - 1) / (float)(out - 1);
    case COORD_ASYMMETRIC:
        return fx / scale;
    case COORD_TF_HALF_PIXEL:
        return (fx + 0.5f) / scale;
    default:
        return (fx + 0.5f) / scale - 0.5f;
    }
}

int64_t fct_resize_nearest(const fct_resize *r, int d, int64_t in, int64_t x) {
    float p = resize_position(r, d, in, x), f = floorf(p);
    int64_t i;
    switch (r->nearest) {
    case NEAR_PREFER_FLOOR:
        i = (int64_t)(p - f <= 0.5f ? f : f + 1);
        break;
    case NEAR_PREFER_CEIL:
        i = (int64_t)(p - f < 0.5f ? f : f + 1);
        break;
    case NEAR_CEIL:
        i = (int64_t)ceilf(p);
        break;
    case NEAR_SIMPLE:
        i = (int64_t)(r->scale[d] < 1 ? ceilf(p) : f);
        break;
    default:
        i = (int64_t)f;
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
    const fct_tensor_view *x = c->in[0];
    if (r.mode && x->rank < 2) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "linear mode over rank %d", x->rank);
    for (int i = 0; i < x->rank; i++) {
        if (r.out[i] && !x->dims[i]) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "empty input");
        if (r.mode && r.out[i] != x->dims[i] && (i < x->rank - 2))
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "linear mode over axis %d", i);
    }
    return fct_op_out(c, FCT_F32, x->rank, r.out);
}

/* ---- Running: positions are computed once per axis, and what repeats is copied ---- */

/* An axis of an output: where each position lies in the input. */
typedef struct axis_map {
    int64_t in, out;
    bool same;          /* position i of one is position i of the other */
    int32_t *at, *next; /* the input's positions; next: linear mode only */
    float *weight;      /* of next */
} axis_map;

static void axis_map_free(axis_map *m) {
    fct_free(m->at);
    fct_free(m->next);
    fct_free(m->weight);
}

/* Computes every position of an axis once, and notes whether the axis stays as it is, since then it can be copied. */
static bool axis_map_make(axis_map *m, const fct_resize *r, int d, int64_t in, bool linear) {
    size_t n = (size_t)r->out[d];
    *m = (axis_map){.in = in, .out = r->out[d], .same = true, .at = fct_calloc(n, sizeof *m->at)};
    if (linear) m->next = fct_calloc(n, sizeof *m->next), m->weight = fct_calloc(n, sizeof *m->weight);
    if (!m->at || (linear && (!m->next || !m->weight))) return false;
    for (int64_t i = 0; i < m->out; i++) {
        int64_t a, b = 0;
        if (linear) {
            fct_resize_linear(r, d, in, i, &a, &b, &m->weight[i]);
            m->next[i] = (int32_t)b;
            m->same = m->same && m->weight[i] == 0;
        } else a = fct_resize_nearest(r, d, in, i);
        m->at[i] = (int32_t)a;
        m->same = m->same && a == i;
    }
    return true;
}

/* All axes; strides in elements. */
typedef struct nearest_job {
    axis_map axes[FCT_MAX_RANK];
    int64_t in_stride[FCT_MAX_RANK], out_stride[FCT_MAX_RANK];
    int rank;
} nearest_job;

/* Fills the output from axis d inward. Output positions with the same input position are computed once and copied. */
static void nearest_axis(const nearest_job *j, int d, const float *in, float *out) {
    const axis_map *m = &j->axes[d];
    int64_t step = j->out_stride[d];
    if (d == j->rank - 1) {
        if (m->same) memcpy(out, in, (size_t)m->out * sizeof *out);
        else
            for (int64_t i = 0; i < m->out; i++) out[i] = in[m->at[i]];
        return;
    }
    for (int64_t i = 0; i < m->out; i++, out += step) {
        if (i && m->at[i] == m->at[i - 1]) memcpy(out, out - step, (size_t)step * sizeof *out);
        else nearest_axis(j, d + 1, in + m->at[i] * j->in_stride[d], out);
    }
}

static fct_status nearest_run(const fct_op_call *c, const fct_resize *r) {
    const fct_tensor_view *x = c->in[0], *y = c->out;
    nearest_job j = {.rank = x->rank};
    bool ok = true;
    if (!fct_view_count(y)) return FCT_OK;
    fct_view_strides(x, j.in_stride);
    fct_view_strides(y, j.out_stride);
    for (int d = 0; d < j.rank && ok; d++) ok = axis_map_make(&j.axes[d], r, d, x->dims[d], false);
    if (ok && j.rank) nearest_axis(&j, 0, fct_view_f32(x), fct_view_f32(y));
    else if (ok) *fct_view_f32(y) = *fct_view_f32(x);
    for (int d = 0; d < j.rank; d++) axis_map_free(&j.axes[d]);
    return ok ? FCT_OK : fct_fail_nomem(c->err, c->node, 0);
}

/* A row of the input, interpolated along the row. */
static void linear_row(const axis_map *m, const float *in, float *out) {
    if (m->same) memcpy(out, in, (size_t)m->out * sizeof *out);
    else
        for (int64_t i = 0; i < m->out; i++) out[i] = in[m->at[i]] * (1 - m->weight[i]) + in[m->next[i]] * m->weight[i];
}

/* rows: two rows of the output's length. Each row of the input that an output
 * row lies between is interpolated once, as long as they come in order. */
static void linear_plane(const axis_map *my, const axis_map *mx, const float *in, float *out, float *rows) {
    float *buf[2] = {rows, rows + mx->out};
    int64_t have[2] = {-1, -1};
    for (int64_t y = 0; y < my->out; y++, out += mx->out) {
        int64_t want[2] = {my->at[y], my->next[y]};
        float w = my->weight[y];
        if (y && want[0] == my->at[y - 1] && want[1] == my->next[y - 1] && w == my->weight[y - 1]) {
            memcpy(out, out - mx->out, (size_t)mx->out * sizeof *out);
            continue;
        }
        if (have[0] != want[0] && have[1] == want[0]) {
            float *t = buf[0];
            buf[0] = buf[1], buf[1] = t;
            have[1] = have[0], have[0] = want[0];
        }
        for (int k = 0; k < 2; k++)
            if (have[k] != want[k]) linear_row(mx, in + (have[k] = want[k]) * mx->in, buf[k]);
        for (int64_t i = 0; i < mx->out; i++) out[i] = buf[0][i] * (1 - w) + buf[1][i] * w;
    }
}

/* Interpolates the last two axes; all others are planes. */
static fct_status linear_run(const fct_op_call *c, const fct_resize *r) {
    const fct_tensor_view *x = c->in[0], *y = c->out;
    int d = x->rank - 2;
    int64_t planes = 1;
    axis_map my, mx = {0};
    if (!fct_view_count(y)) return FCT_OK;
    for (int i = 0; i < d; i++) planes *= x->dims[i];
    float *rows = fct_calloc(2, (size_t)y->dims[d + 1] * sizeof *rows);
    bool ok = axis_map_make(&my, r, d, x->dims[d], true) && axis_map_make(&mx, r, d + 1, x->dims[d + 1], true) && rows;
    for (int64_t p = 0; p < planes && ok; p++)
        linear_plane(&my, &mx, fct_view_f32(x) + p * my.in * mx.in, fct_view_f32(y) + p * my.out * mx.out, rows);
    axis_map_free(&my);
    axis_map_free(&mx);
    fct_free(rows);
    return ok ? FCT_OK : fct_fail_nomem(c->err, c->node, 0);
}

static fct_status resize_run(fct_op_call *c) {
    fct_resize r;
    fct_status s = fct_resize_parse(c, &r);
    if (s) return s;
    return r.mode ? linear_run(c, &r) : nearest_run(c, &r);
}

extern const fct_op fct_op_resize, fct_op_upsample;
const fct_op fct_op_resize = {"Resize", FCT_OP_RESIZE, 1, 4, resize_shape, resize_run};
const fct_op fct_op_upsample = {"Upsample", FCT_OP_UPSAMPLE, 1, 2, resize_shape, resize_run};

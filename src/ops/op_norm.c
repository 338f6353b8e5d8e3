/* BatchNormalization (inference form), Softmax, and the reductions. */
#include "ops/op.h"
#include <math.h>
#include <string.h>

static fct_status bn_shape(fct_op_call *c) {
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s) return s;
    const fct_tensor_view *x = c->in[0];
    if (x->rank < 2) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input of rank %d", x->rank);
    for (int i = 1; i < 5; i++) {
        if ((s = fct_op_need_f32(c, i, 1))) return s;
        if (c->in[i]->dims[0] != x->dims[1])
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%lld channels, input %d has %lld", (long long)x->dims[1], i,
                               (long long)c->in[i]->dims[0]);
    }
    if (fct_op_attr_int(c, "training_mode", 0)) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "training mode");
    if (!fct_op_attr_int(c, "spatial", 1)) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "spatial = 0");
    return fct_op_out_like(c, x);
}

static fct_status bn_run(fct_op_call *c) {
    const fct_tensor_view *x = c->in[0];
    float eps = fct_op_attr_float(c, "epsilon", 1e-5f);
    int64_t ch = x->dims[1], inner = 1;
    for (int i = 2; i < x->rank; i++) inner *= x->dims[i];
    const float *g = fct_view_f32(c->in[1]), *b = fct_view_f32(c->in[2]), *m = fct_view_f32(c->in[3]);
    const float *v = fct_view_f32(c->in[4]), *p = fct_view_f32(x);
    float *y = fct_view_f32(c->out);
    for (int64_t i = 0; i < x->dims[0] * ch; i++) {
        int64_t k = i % ch;
        double scale = g[k] / sqrt((double)v[k] + eps);
        for (int64_t j = 0; j < inner; j++, p++) *y++ = (float)((*p - (double)m[k]) * scale + b[k]);
    }
    return FCT_OK;
}

static fct_status softmax_shape(fct_op_call *c) {
    int axis;
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s || (s = fct_op_axis(c, fct_op_attr_int(c, "axis", c->opset >= 13 ? -1 : 1), c->in[0]->rank, &axis))) return s;
    return fct_op_out_like(c, c->in[0]);
}

/* Before opset 13 everything from the axis on is one row; since then the axis alone is. */
static fct_status softmax_run(fct_op_call *c) {
    const fct_tensor_view *v = c->in[0];
    int axis;
    fct_status s = fct_op_axis(c, fct_op_attr_int(c, "axis", c->opset >= 13 ? -1 : 1), v->rank, &axis);
    if (s) return s;
    int64_t outer = 1, n = 1, inner = 1;
    for (int i = 0; i < axis; i++) outer *= v->dims[i];
    for (int i = axis; i < v->rank; i++) *(c->opset >= 13 && i > axis ? &inner : &n) *= v->dims[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < inner; k++) {
            const float *x = fct_view_f32(v) + o * n * inner + k;
            float *y = fct_view_f32(c->out) + o * n * inner + k, top = -INFINITY;
            double sum = 0;
            for (int64_t i = 0; i < n; i++) top = fmaxf(top, x[i * inner]);
            for (int64_t i = 0; i < n; i++) sum += y[i * inner] = expf(x[i * inner] - top);
            for (int64_t i = 0; i < n; i++) y[i * inner] = (float)(y[i * inner] / sum);
        }
    return FCT_OK;
}

/* Which axes a reduction removes, as a bit set. */
static fct_status reduce_axes(const fct_op_call *c, unsigned *set) {
    int64_t axes[FCT_MAX_RANK];
    int n, rank = c->in[0]->rank;
    fct_status s = fct_op_axes(c, 1, "axes", rank, axes, &n);
    if (s) return s;
    *set = 0;
    for (int i = 0; i < n; i++) *set |= 1u << axes[i];
    if (n <= 0 && !fct_op_attr_int(c, "noop_with_empty_axes", 0)) *set = (1u << rank) - 1;
    return FCT_OK;
}

static fct_status reduce_shape(fct_op_call *c) {
    unsigned set;
    int rank = 0;
    int64_t dims[FCT_MAX_RANK];
    bool keep = fct_op_attr_int(c, "keepdims", 1) != 0;
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s || (s = reduce_axes(c, &set))) return s;
    for (int i = 0; i < c->in[0]->rank; i++) {
        if (!(set >> i & 1)) dims[rank++] = c->in[0]->dims[i];
        else if (keep) dims[rank++] = 1;
    }
    return fct_op_out(c, FCT_F32, rank, dims);
}

/* Computes one output by visiting the removed axes recursively. */
static void reduce_one(const fct_tensor_view *x, const int64_t *strides, unsigned set, int d, int64_t at, bool max,
                       bool square, double *acc) {
    while (d < x->rank && !(set >> d & 1)) d++;
    if (d == x->rank) {
        double v = fct_view_f32(x)[at];
        if (max) *acc = v > *acc ? v : *acc;
        else *acc += square ? v * v : v;
        return;
    }
    for (int64_t i = 0; i < x->dims[d]; i++) reduce_one(x, strides, set, d + 1, at + i * strides[d], max, square, acc);
}

/* Means and norms are summed in double. */
static fct_status reduce_run(fct_op_call *c) {
    const fct_tensor_view *x = c->in[0];
    unsigned set;
    fct_status s = reduce_axes(c, &set);
    if (s) return s;
    const fct_op_id id = c->op->id;
    bool mean = id == FCT_OP_REDUCE_MEAN, max = id == FCT_OP_REDUCE_MAX, l2 = id == FCT_OP_REDUCE_L2;
    int64_t strides[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0}, n = fct_view_count(c->out), count = 1, pos = 0;
    fct_view_strides(x, strides);
    for (int i = 0; i < x->rank; i++)
        if (set >> i & 1) count *= x->dims[i];
    for (int64_t i = 0; i < n; i++) {
        double acc = max ? -INFINITY : 0;
        reduce_one(x, strides, set, 0, pos, max, l2, &acc);
        fct_view_f32(c->out)[i] = (float)(mean ? acc / (double)count : l2 ? sqrt(acc) : acc);
        for (int d = x->rank - 1; d >= 0; d--) {
            if (set >> d & 1) continue;
            pos += strides[d];
            if (++at[d] < x->dims[d]) break;
            pos -= strides[d] * x->dims[d];
            at[d] = 0;
        }
    }
    return FCT_OK;
}

extern const fct_op fct_op_batch_normalization, fct_op_softmax, fct_op_reduce_mean, fct_op_reduce_sum,
    fct_op_reduce_max, fct_op_reduce_l2;
const fct_op fct_op_batch_normalization = {"BatchNormalization", FCT_OP_BATCH_NORMALIZATION, 5, 5, bn_shape, bn_run};
const fct_op fct_op_softmax = {"Softmax", FCT_OP_SOFTMAX, 1, 1, softmax_shape, softmax_run};
const fct_op fct_op_reduce_mean = {"ReduceMean", FCT_OP_REDUCE_MEAN, 1, 2, reduce_shape, reduce_run};
const fct_op fct_op_reduce_sum = {"ReduceSum", FCT_OP_REDUCE_SUM, 1, 2, reduce_shape, reduce_run};
const fct_op fct_op_reduce_max = {"ReduceMax", FCT_OP_REDUCE_MAX, 1, 2, reduce_shape, reduce_run};
const fct_op fct_op_reduce_l2 = {"ReduceL2", FCT_OP_REDUCE_L2, 1, 2, reduce_shape, reduce_run};

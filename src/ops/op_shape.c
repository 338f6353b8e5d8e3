/* Operators that only rename dimensions, or report them: Reshape, Flatten,
 * Squeeze, Unsqueeze, Identity, Dropout, Shape, Cast, Constant, ConstantOfShape. */
#include "ops/op.h"
#include <math.h>
#include <string.h>

static fct_status copy_run(fct_op_call *c) {
    size_t n = (size_t)fct_view_count(c->in[0]) * fct_dtype_size(c->in[0]->dtype);
    if (n) memcpy(c->out->data, c->in[0]->data, n);
    return FCT_OK;
}

static fct_status need_input(const fct_op_call *c) {
    return fct_op_in(c, 0) ? FCT_OK : fct_op_fail(c, FCT_ERR_FORMAT, "input 0 is missing");
}

static fct_status identity_shape(fct_op_call *c) {
    fct_status s = need_input(c);
    return s ? s : fct_op_out_like(c, c->in[0]);
}

/* Dropout does nothing in inference; a file that asks for training is refused. */
static fct_status dropout_shape(fct_op_call *c) {
    const fct_tensor_view *training = fct_op_in(c, 2);
    if (training &&
        (!training->data || training->dtype != FCT_I64 || fct_view_count(training) != 1 || *fct_view_i64(training)))
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "training mode");
    return identity_shape(c);
}

/* A 0 keeps the input's dimension, unless allowzero is set, and a single -1 takes what is left. */
static fct_status reshape_shape(fct_op_call *c) {
    int64_t dims[FCT_MAX_RANK], known = 1;
    int n, open = -1;
    fct_status s = need_input(c);
    if (s || (s = fct_op_int_list(c, 1, "shape", dims, FCT_MAX_RANK, &n))) return s;
    if (n < 0) return fct_op_fail(c, FCT_ERR_FORMAT, "no shape");
    bool zero_is_zero = fct_op_attr_int(c, "allowzero", 0) != 0;
    int64_t total = fct_view_count(c->in[0]);
    for (int i = 0; i < n; i++) {
        if (dims[i] == 0 && !zero_is_zero) {
            if (i >= c->in[0]->rank)
                return fct_op_fail(c, FCT_ERR_FORMAT, "dimension %d copies one that is not there", i);
            dims[i] = c->in[0]->dims[i];
        }
        if (dims[i] == -1 && open < 0) open = i;
        else if (dims[i] < 0 || dims[i] > FCT_MAX_ELEMENTS || (dims[i] && known > FCT_MAX_ELEMENTS / dims[i]))
            return fct_op_fail(c, FCT_ERR_FORMAT, "dimension %d is %lld", i, (long long)dims[i]);
        else known *= dims[i];
    }
    if (open >= 0) dims[open] = known ? total / known : 0;
    if ((open >= 0 ? known * dims[open] : known) != total)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%lld elements do not fit the new shape", (long long)total);
    return fct_op_out(c, c->in[0]->dtype, n, dims);
}

/* The axes before `axis` become the rows, the others the columns. */
static fct_status flatten_shape(fct_op_call *c) {
    fct_status s = need_input(c);
    if (s) return s;
    const fct_tensor_view *x = c->in[0];
    int64_t axis = fct_op_attr_int(c, "axis", 1), d[2] = {1, 1};
    if (axis < -x->rank || axis > x->rank) return fct_op_fail(c, FCT_ERR_FORMAT, "axis %lld", (long long)axis);
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++) d[i >= axis] *= x->dims[i];
    return fct_op_out(c, x->dtype, 2, d);
}

/* Without a list of axes, every axis of 1 goes. */
static fct_status squeeze_shape(fct_op_call *c) {
    int64_t axes[FCT_MAX_RANK], dims[FCT_MAX_RANK];
    int n, rank = 0;
    unsigned drop = 0;
    fct_status s = need_input(c);
    if (s || (s = fct_op_axes(c, 1, "axes", c->in[0]->rank, axes, &n))) return s;
    for (int i = 0; i < n; i++) drop |= 1u << axes[i];
    for (int i = 0; i < c->in[0]->rank; i++) {
        int64_t d = c->in[0]->dims[i];
        if (n < 0 ? d == 1 : drop >> i & 1) {
            if (d != 1) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "dimension %d is %lld, not 1", i, (long long)d);
        } else dims[rank++] = d;
    }
    return fct_op_out(c, c->in[0]->dtype, rank, dims);
}

/* The axes count in the output, so the input's dimensions go into the places that are left. */
static fct_status unsqueeze_shape(fct_op_call *c) {
    int64_t axes[FCT_MAX_RANK], dims[FCT_MAX_RANK], list[FCT_MAX_RANK];
    int n, k = 0;
    unsigned add = 0;
    fct_status s = need_input(c);
    if (s || (s = fct_op_int_list(c, 1, "axes", list, FCT_MAX_RANK, &n))) return s;
    if (n < 0) return fct_op_fail(c, FCT_ERR_FORMAT, "no axes");
    int rank = c->in[0]->rank + n;
    if (rank > FCT_MAX_RANK) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "output of rank %d", rank);
    if ((s = fct_op_axes(c, 1, "axes", rank, axes, &n))) return s;
    for (int i = 0; i < n; i++) add |= 1u << axes[i];
    for (int i = 0; i < rank; i++) dims[i] = add >> i & 1 ? 1 : c->in[0]->dims[k++];
    return fct_op_out(c, c->in[0]->dtype, rank, dims);
}

static fct_status shape_shape(fct_op_call *c) {
    fct_status s = need_input(c);
    if (s) return s;
    int64_t rank = c->in[0]->rank, a = fct_op_attr_int(c, "start", 0), b = fct_op_attr_int(c, "end", rank);
    if (a || b != rank) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "start or end");
    return fct_op_out(c, FCT_I64, 1, &rank);
}

static fct_status shape_run(fct_op_call *c) {
    for (int i = 0; i < c->in[0]->rank; i++) fct_view_i64(c->out)[i] = c->in[0]->dims[i];
    return FCT_OK;
}

/* ONNX element types by what they become here: 1 float 10 half 11 double -> F32;
 * 2..9 integers and bool, 12 13 unsigned -> I64. */
static fct_status cast_shape(fct_op_call *c) {
    fct_status s = need_input(c);
    if (s) return s;
    int64_t to = fct_op_attr_int(c, "to", 0);
    bool real = to == 1 || to == 10 || to == 11 || to == 16,
         whole = (to >= 2 && to <= 7) || to == 9 || to == 12 || to == 13;
    if (!real && !whole) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "element type %lld", (long long)to);
    return fct_op_out(c, real ? FCT_F32 : FCT_I64, c->in[0]->rank, c->in[0]->dims);
}

static int64_t cast_to_i64(float x, bool to_bool) {
    if (to_bool) return x != 0;
    return x >= -9.2e18f && x <= 9.2e18f ? (int64_t)x : x > 0 ? INT64_MAX : INT64_MIN;
}

static fct_status cast_run(fct_op_call *c) {
    const fct_tensor_view *x = c->in[0], *y = c->out;
    int64_t n = fct_view_count(x);
    bool to_bool = fct_op_attr_int(c, "to", 0) == 9;
    if (x->dtype == y->dtype && !to_bool) return copy_run(c);
    for (int64_t i = 0; i < n; i++) {
        if (y->dtype == FCT_F32) fct_view_f32(y)[i] = (float)fct_view_i64(x)[i];
        else if (x->dtype == FCT_F32) fct_view_i64(y)[i] = cast_to_i64(fct_view_f32(x)[i], to_bool);
        else fct_view_i64(y)[i] = fct_view_i64(x)[i] != 0;
    }
    return FCT_OK;
}

/* The tensor-valued forms of Constant; numbers and lists become vectors. */
static fct_status constant_shape(fct_op_call *c) {
    const fct_attr *a = NULL;
    for (int i = 0; i < c->n_attrs; i++)
        if (!strncmp(c->attrs[i].name, "value", 5)) a = &c->attrs[i];
    int64_t n = a ? (int64_t)a->count : 0;
    switch (a ? (int)a->type : 0) {
    case FCT_ATTR_TENSOR:
        return fct_op_out_like(c, &a->t);
    case FCT_ATTR_FLOAT:
        return fct_op_out(c, FCT_F32, 0, NULL);
    case FCT_ATTR_INT:
        return fct_op_out(c, FCT_I64, 0, NULL);
    case FCT_ATTR_FLOATS:
        return fct_op_out(c, FCT_F32, 1, &n);
    case FCT_ATTR_INTS:
        return fct_op_out(c, FCT_I64, 1, &n);
    default:
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "no value of a known form");
    }
}

/* The value stands in whichever of the attributes "value..." the node has. */
static fct_status constant_run(fct_op_call *c) {
    size_t n = (size_t)fct_view_count(c->out) * fct_dtype_size(c->out->dtype);
    for (int i = 0; n && i < c->n_attrs; i++) {
        const fct_attr *a = &c->attrs[i];
        if (strncmp(a->name, "value", 5)) continue;
        const void *from = a->type == FCT_ATTR_TENSOR  ? a->t.data
                           : a->type == FCT_ATTR_FLOAT ? (const void *)&a->f
                           : a->type == FCT_ATTR_INT   ? (const void *)&a->i
                           : a->type == FCT_ATTR_INTS  ? (const void *)a->ints
                                                       : (const void *)a->floats;
        memcpy(c->out->data, from, n);
    }
    return FCT_OK;
}

static fct_status fill_shape(fct_op_call *c) {
    int64_t dims[FCT_MAX_RANK];
    int n;
    fct_status s = fct_op_int_list(c, 0, NULL, dims, FCT_MAX_RANK, &n);
    if (s) return s;
    if (n < 0) return fct_op_fail(c, FCT_ERR_FORMAT, "no shape");
    const fct_attr *a = fct_op_attr(c, "value", FCT_ATTR_TENSOR);
    if (a && fct_view_count(&a->t) != 1) return fct_op_fail(c, FCT_ERR_FORMAT, "value is not one number");
    return fct_op_out(c, a ? a->t.dtype : FCT_F32, n, dims);
}

static fct_status fill_run(fct_op_call *c) {
    const fct_attr *a = fct_op_attr(c, "value", FCT_ATTR_TENSOR);
    const fct_tensor_view *y = c->out;
    int64_t n = fct_view_count(y);
    for (int64_t i = 0; i < n; i++) {
        if (y->dtype == FCT_F32) fct_view_f32(y)[i] = a ? *fct_view_f32(&a->t) : 0;
        else fct_view_i64(y)[i] = *fct_view_i64(&a->t);
    }
    return FCT_OK;
}

#define SHAPE_OP(number, id, name, lo, hi, shape, run)                                                                 \
    extern const fct_op fct_op_##id;                                                                                   \
    const fct_op fct_op_##id = {name, FCT_OP_##number, lo, hi, shape, run};
SHAPE_OP(IDENTITY, identity, "Identity", 1, 1, identity_shape, copy_run)
SHAPE_OP(DROPOUT, dropout, "Dropout", 1, 3, dropout_shape, copy_run)
SHAPE_OP(RESHAPE, reshape, "Reshape", 1, 2, reshape_shape, copy_run)
SHAPE_OP(FLATTEN, flatten, "Flatten", 1, 1, flatten_shape, copy_run)
SHAPE_OP(SQUEEZE, squeeze, "Squeeze", 1, 2, squeeze_shape, copy_run)
SHAPE_OP(UNSQUEEZE, unsqueeze, "Unsqueeze", 1, 2, unsqueeze_shape, copy_run)
SHAPE_OP(SHAPE, shape, "Shape", 1, 1, shape_shape, shape_run)
SHAPE_OP(CAST, cast, "Cast", 1, 1, cast_shape, cast_run)
SHAPE_OP(CONSTANT, constant, "Constant", 0, 0, constant_shape, constant_run)
SHAPE_OP(CONSTANT_OF_SHAPE, constant_of_shape, "ConstantOfShape", 1, 1, fill_shape, fill_run)

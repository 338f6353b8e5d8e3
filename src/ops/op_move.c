/* Operators that move elements: Transpose, Concat, Slice, Gather. */
#include "ops/op.h"
#include <string.h>

/* Copies element i of x to element o of y. */
static void move(const fct_tensor_view *y, int64_t o, const fct_tensor_view *x, int64_t i) {
    if (x->dtype == FCT_F32) fct_view_f32(y)[o] = fct_view_f32(x)[i];
    else fct_view_i64(y)[o] = fct_view_i64(x)[i];
}

/* Without a perm attribute the axes are reversed. */
static fct_status transpose_perm(const fct_op_call *c, int64_t *perm) {
    if (!fct_op_in(c, 0)) return fct_op_fail(c, FCT_ERR_FORMAT, "input 0 is missing");
    int n, rank = c->in[0]->rank;
    fct_status s = fct_op_axes(c, -1, "perm", rank, perm, &n);
    if (s) return s;
    for (int i = 0; n < 0 && i < rank; i++) perm[i] = rank - 1 - i;
    if (n >= 0 && n != rank) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "perm of %d axes for rank %d", n, rank);
    return FCT_OK;
}

static fct_status transpose_shape(fct_op_call *c) {
    int64_t perm[FCT_MAX_RANK], dims[FCT_MAX_RANK];
    fct_status s = transpose_perm(c, perm);
    if (s) return s;
    for (int i = 0; i < c->in[0]->rank; i++) dims[i] = c->in[0]->dims[perm[i]];
    return fct_op_out(c, c->in[0]->dtype, c->in[0]->rank, dims);
}

/* Walks through the output in order and through the input by permuted strides. */
static fct_status transpose_run(fct_op_call *c) {
    const fct_tensor_view *x = c->in[0], *y = c->out;
    int64_t perm[FCT_MAX_RANK], strides[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0}, n = fct_view_count(x), pos = 0;
    fct_status s = transpose_perm(c, perm);
    if (s) return s;
    fct_view_strides(x, strides);
    for (int64_t i = 0; i < n; i++) {
        move(y, i, x, pos);
        for (int d = y->rank - 1; d >= 0; d--) {
            pos += strides[perm[d]];
            if (++at[d] < y->dims[d]) break;
            pos -= strides[perm[d]] * y->dims[d];
            at[d] = 0;
        }
    }
    return FCT_OK;
}

static fct_status concat_axis(const fct_op_call *c, int *axis) {
    if (!fct_op_in(c, 0)) return fct_op_fail(c, FCT_ERR_FORMAT, "input 0 is missing");
    return fct_op_axis(c, fct_op_attr_int(c, "axis", 1), c->in[0]->rank, axis);
}

static fct_status concat_shape(fct_op_call *c) {
    int axis;
    int64_t dims[FCT_MAX_RANK];
    fct_status s = concat_axis(c, &axis);
    if (s) return s;
    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (int i = 1; i < c->n_in; i++) {
        const fct_tensor_view *v = c->in[i];
        if (!v || v->dtype != c->in[0]->dtype || v->rank != c->in[0]->rank)
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input %d differs in type or rank", i);
        for (int d = 0; d < v->rank; d++)
            if (d != axis && v->dims[d] != dims[d])
                return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input %d differs in dimension %d", i, d);
        dims[axis] += v->dims[axis];
        if (dims[axis] > FCT_MAX_ELEMENTS) break; /* refused below */
    }
    return fct_op_out(c, c->in[0]->dtype, c->in[0]->rank, dims);
}

/* Copies each input's rows to their place in the output's rows; everything behind the axis is one run of bytes. */
static fct_status concat_run(fct_op_call *c) {
    int axis;
    fct_status s = concat_axis(c, &axis);
    if (s) return s;
    size_t size = fct_dtype_size(c->out->dtype), outer = 1, inner = size, at = 0;
    for (int i = 0; i < axis; i++) outer *= (size_t)c->out->dims[i];
    for (int i = axis + 1; i < c->out->rank; i++) inner *= (size_t)c->out->dims[i];
    size_t row = inner * (size_t)c->out->dims[axis];
    for (int i = 0; i < c->n_in; i++) {
        size_t part = inner * (size_t)c->in[i]->dims[axis];
        for (size_t o = 0; part && o < outer; o++)
            memcpy((char *)c->out->data + o * row + at, (const char *)c->in[i]->data + o * part, part);
        at += part;
    }
    return FCT_OK;
}

/* First element, step and count per axis. */
static fct_status slice_ranges(const fct_op_call *c, int64_t *first, int64_t *step, int64_t *count) {
    int64_t a[FCT_MAX_RANK], b[FCT_MAX_RANK], axes[FCT_MAX_RANK], st[FCT_MAX_RANK];
    int na, nb, nx, ns;
    fct_status s;
    if (!fct_op_in(c, 0)) return fct_op_fail(c, FCT_ERR_FORMAT, "input 0 is missing");
    const fct_tensor_view *x = c->in[0];
    if ((s = fct_op_int_list(c, 1, "starts", a, FCT_MAX_RANK, &na)) ||
        (s = fct_op_int_list(c, 2, "ends", b, FCT_MAX_RANK, &nb)) ||
        (s = fct_op_axes(c, 3, "axes", x->rank, axes, &nx)) || (s = fct_op_int_list(c, 4, NULL, st, FCT_MAX_RANK, &ns)))
        return s;
    if (na < 0 || na != nb || na > x->rank || (nx >= 0 && nx != na) || (ns >= 0 && ns != na))
        return fct_op_fail(c, FCT_ERR_FORMAT, "starts, ends, axes and steps differ in length");
    for (int d = 0; d < x->rank; d++) first[d] = 0, step[d] = 1, count[d] = x->dims[d];
    for (int i = 0; i < na; i++) {
        int d = nx >= 0 ? (int)axes[i] : i;
        int64_t n = x->dims[d], k = ns >= 0 ? st[i] : 1, lo, hi;
        if (k == 0 || k > FCT_MAX_ELEMENTS || k < -FCT_MAX_ELEMENTS)
            return fct_op_fail(c, FCT_ERR_FORMAT, "step %lld", (long long)k);
        lo = a[i] < 0 ? (a[i] < -n ? -1 : a[i] + n) : a[i];
        hi = b[i] < 0 ? (b[i] < -n ? -1 : b[i] + n) : b[i];
        if (k > 0) {
            lo = lo < 0 ? 0 : lo > n ? n : lo;
            hi = hi < 0 ? 0 : hi > n ? n : hi;
            count[d] = hi > lo ? (hi - lo + k - 1) / k : 0;
        } else {
            lo = lo < 0 ? -1 : lo > n - 1 ? n - 1 : lo;
            hi = hi < -1 ? -1 : hi > n - 1 ? n - 1 : hi;
            count[d] = lo > hi ? (lo - hi - k - 1) / -k : 0;
        }
        first[d] = lo, step[d] = k;
    }
    return FCT_OK;
}

static fct_status slice_shape(fct_op_call *c) {
    int64_t first[FCT_MAX_RANK], step[FCT_MAX_RANK], count[FCT_MAX_RANK];
    fct_status s = slice_ranges(c, first, step, count);
    return s ? s : fct_op_out(c, c->in[0]->dtype, c->in[0]->rank, count);
}

/* Walks through the output row by row; the position in the input moves by step times stride along each axis. */
static fct_status slice_run(fct_op_call *c) {
    int64_t first[FCT_MAX_RANK], step[FCT_MAX_RANK], count[FCT_MAX_RANK], strides[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0};
    const fct_tensor_view *x = c->in[0];
    fct_status s = slice_ranges(c, first, step, count);
    if (s) return s;
    const int last = x->rank - 1;
    const int64_t n = fct_view_count(c->out), row = last >= 0 ? count[last] : 1, by = last >= 0 ? step[last] : 1;
    int64_t pos = 0;
    fct_view_strides(x, strides);
    for (int d = 0; d < x->rank; d++) pos += first[d] * strides[d];
    for (int64_t i = 0; i < n; i += row) {
        for (int64_t k = 0; k < row; k++) move(c->out, i + k, x, pos + k * by);
        for (int d = last - 1; d >= 0; d--) {
            pos += step[d] * strides[d];
            if (++at[d] < count[d]) break;
            pos -= step[d] * strides[d] * count[d];
            at[d] = 0;
        }
    }
    return FCT_OK;
}

/* The indices' dimensions take the place of the axis. */
static fct_status gather_shape(fct_op_call *c) {
    int axis, rank = 0;
    int64_t dims[2 * FCT_MAX_RANK];
    const fct_tensor_view *x = fct_op_in(c, 0), *ix = fct_op_in(c, 1);
    if (!x || !ix || ix->dtype != FCT_I64) return fct_op_fail(c, FCT_ERR_FORMAT, "needs a tensor and integer indices");
    fct_status s = fct_op_axis(c, fct_op_attr_int(c, "axis", 0), x->rank, &axis);
    if (s) return s;
    for (int i = 0; i < axis; i++) dims[rank++] = x->dims[i];
    for (int i = 0; i < ix->rank; i++) dims[rank++] = ix->dims[i];
    for (int i = axis + 1; i < x->rank; i++) dims[rank++] = x->dims[i];
    return fct_op_out(c, x->dtype, rank, dims);
}

/* A negative index counts from the end; one outside the axis is an error of the file. */
static fct_status gather_run(fct_op_call *c) {
    const fct_tensor_view *x = c->in[0], *ix = c->in[1];
    int axis;
    fct_status s = fct_op_axis(c, fct_op_attr_int(c, "axis", 0), x->rank, &axis);
    if (s) return s;
    int64_t outer = 1, inner = 1, n = x->dims[axis], count = fct_view_count(ix), at = 0;
    for (int i = 0; i < axis; i++) outer *= x->dims[i];
    for (int i = axis + 1; i < x->rank; i++) inner *= x->dims[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t k = 0; k < count; k++) {
            int64_t i = fct_view_i64(ix)[k];
            if (i < -n || i >= n)
                return fct_op_fail(c, FCT_ERR_FORMAT, "index %lld of %lld", (long long)i, (long long)n);
            if (i < 0) i += n;
            for (int64_t j = 0; j < inner; j++) move(c->out, at++, x, (o * n + i) * inner + j);
        }
    return FCT_OK;
}

extern const fct_op fct_op_transpose, fct_op_concat, fct_op_slice, fct_op_gather;
const fct_op fct_op_transpose = {"Transpose", FCT_OP_TRANSPOSE, 1, 1, transpose_shape, transpose_run};
const fct_op fct_op_concat = {"Concat", FCT_OP_CONCAT, 1, -1, concat_shape, concat_run};
const fct_op fct_op_slice = {"Slice", FCT_OP_SLICE, 1, 5, slice_shape, slice_run};
const fct_op fct_op_gather = {"Gather", FCT_OP_GATHER, 2, 2, gather_shape, gather_run};

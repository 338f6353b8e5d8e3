/* What the operators share: attributes, checks, shapes, windows. */
#include "ops/op.h"
#include "base/error.h"
#include "ops/limits.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Errors name the file, the node and its operator. */
fct_status fct_op_fail(const fct_op_call *c, fct_status code, const char *format, ...) {
    char text[300];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return fct_fail(c->err, code, "%s: node '%s' (%s): %s", c->file, c->node, c->op->name, text);
}

const fct_attr *fct_attr_find(const fct_attr *attrs, int n, const char *name, fct_attr_type type) {
    for (int i = 0; i < n; i++)
        if (attrs[i].type == type && !strcmp(attrs[i].name, name)) return &attrs[i];
    return NULL;
}

const fct_attr *fct_op_attr(const fct_op_call *c, const char *name, fct_attr_type type) {
    return fct_attr_find(c->attrs, c->n_attrs, name, type);
}

int64_t fct_op_attr_int(const fct_op_call *c, const char *name, int64_t fallback) {
    const fct_attr *a = fct_op_attr(c, name, FCT_ATTR_INT);
    return a ? a->i : fallback;
}

float fct_op_attr_float(const fct_op_call *c, const char *name, float fallback) {
    const fct_attr *a = fct_op_attr(c, name, FCT_ATTR_FLOAT);
    return a ? a->f : fallback;
}

const char *fct_op_attr_string(const fct_op_call *c, const char *name, const char *fallback) {
    const fct_attr *a = fct_op_attr(c, name, FCT_ATTR_STRING);
    return a ? a->s : fallback;
}

int64_t fct_view_count(const fct_tensor_view *v) {
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->dims[i];
    return n;
}

bool fct_op_check_dims(const fct_tensor_view *v) {
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++) {
        if (v->dims[i] < 1 || v->dims[i] > fct_work_limits.elements / n) return false;
        n *= v->dims[i];
    }
    return true;
}

bool fct_view_same_dims(const fct_tensor_view *a, const fct_tensor_view *b) {
    return a->rank == b->rank && !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
}

const fct_tensor_view *fct_op_in(const fct_op_call *c, int i) { return i >= 0 && i < c->n_in ? c->in[i] : NULL; }

fct_status fct_op_need_f32(const fct_op_call *c, int i, int rank) {
    const fct_tensor_view *v = fct_op_in(c, i);
    if (!v) return fct_op_fail(c, FCT_ERR_FORMAT, "input %d is missing", i);
    if (v->dtype != FCT_F32) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input %d holds integers", i);
    if (rank >= 0 && v->rank != rank)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input %d has rank %d, not %d", i, v->rank, rank);
    return FCT_OK;
}

/* Later operator sets moved many lists from attributes to inputs; this reads either. */
fct_status fct_op_int_list(const fct_op_call *c, int i, const char *name, int64_t *list, int cap, int *n) {
    const fct_tensor_view *v = fct_op_in(c, i);
    const fct_attr *a = name ? fct_op_attr(c, name, FCT_ATTR_INTS) : NULL;
    *n = -1;
    if (!v && !a) return FCT_OK;
    if (v && v->dtype != FCT_I64) return fct_op_fail(c, FCT_ERR_FORMAT, "input %d must hold integers", i);
    if (v && !v->data) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "input %d depends on the data", i);
    int64_t count = v ? fct_view_count(v) : (int64_t)a->count;
    if (count > cap) return fct_op_fail(c, FCT_ERR_FORMAT, "a list of %lld integers", (long long)count);
    if (count) memcpy(list, v ? fct_view_i64(v) : a->ints, (size_t)count * sizeof *list);
    *n = (int)count;
    return FCT_OK;
}

fct_status fct_op_axis(const fct_op_call *c, int64_t axis, int rank, int *out) {
    if (axis < -rank || axis >= rank)
        return fct_op_fail(c, FCT_ERR_FORMAT, "axis %lld of a tensor of rank %d", (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return FCT_OK;
}

fct_status fct_op_axes(const fct_op_call *c, int i, const char *name, int rank, int64_t *axes, int *n) {
    unsigned seen = 0;
    fct_status s = fct_op_int_list(c, i, name, axes, FCT_MAX_RANK, n);
    for (int k = 0; !s && k < *n; k++) {
        int a = 0;
        if ((s = fct_op_axis(c, axes[k], rank, &a))) break;
        if (seen & 1u << a) return fct_op_fail(c, FCT_ERR_FORMAT, "axis %d given twice", a);
        seen |= 1u << a;
        axes[k] = a;
    }
    return s;
}

/* Sets the output's type and shape and refuses more elements than a run may have. */
fct_status fct_op_out(fct_op_call *c, fct_dtype dtype, int rank, const int64_t *dims) {
    int64_t n = 1, most = fct_work_limits.elements;
    if (rank < 0 || rank > FCT_MAX_RANK) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "output of rank %d", rank);
    fct_tensor_view *o = c->out;
    o->dtype = dtype;
    o->rank = rank;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0)
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "output dimension %d is %lld", i, (long long)dims[i]);
        if (dims[i] > most || (dims[i] && n > most / dims[i]))
            return fct_op_fail(c, FCT_ERR_LIMIT, "output of more than %lld elements", (long long)most);
        n *= dims[i];
        o->dims[i] = dims[i];
    }
    return FCT_OK;
}

fct_status fct_op_out_like(fct_op_call *c, const fct_tensor_view *like) {
    return fct_op_out(c, like->dtype, like->rank, like->dims);
}

void fct_view_strides(const fct_tensor_view *v, int64_t *strides) {
    int64_t n = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        strides[i] = n;
        n *= v->dims[i];
    }
}

/* Copies n values of an INTS attribute, or fallback; each must lie in [lo, 2^20]. */
static fct_status window_list(const fct_op_call *c, const char *name, int n, int64_t lo, int64_t fallback, int64_t *v) {
    const fct_attr *a = fct_op_attr(c, name, FCT_ATTR_INTS);
    for (int i = 0; i < n; i++) v[i] = fallback;
    if (!a || !a->count) return FCT_OK;
    if (a->count != (size_t)n)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%s has %zu values, not %d (2-d only)", name, a->count, n);
    for (int i = 0; i < n; i++) {
        if (a->ints[i] < lo || a->ints[i] > 1 << 20)
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%s holds %lld", name, (long long)a->ints[i]);
        v[i] = a->ints[i];
    }
    return FCT_OK;
}

/* Output length of one axis; sets the padding for the SAME modes. */
static int64_t window_axis(int same, bool ceil_mode, int64_t in, int64_t k, int64_t s, int64_t d, int64_t *before,
                           int64_t *after) {
    int64_t span = d * (k - 1) + 1;
    if (same) {
        int64_t out = (in + s - 1) / s, need = (out - 1) * s + span - in;
        if (need < 0) need = 0;
        *before = same == 1 ? need / 2 : need - need / 2;
        *after = need - *before;
        return out;
    }
    int64_t room = in + *before + *after - span;
    if (room < 0) return 0;
    int64_t out = (room + (ceil_mode ? s - 1 : 0)) / s + 1;
    /* a window that would start in the padding after the image is dropped */
    if (ceil_mode && (out - 1) * s >= in + *before) out--;
    return out;
}

/* Reads the attributes that convolutions and pooling share, and computes the output's size from them. */
fct_status fct_op_window(const fct_op_call *c, const int64_t *kernel, int64_t ih, int64_t iw, fct_window *w) {
    int64_t k[2], st[2], di[2], pads[4];
    fct_status s;
    if ((s = window_list(c, "kernel_shape", 2, 1, 0, k)) || (s = window_list(c, "strides", 2, 1, 1, st)) ||
        (s = window_list(c, "dilations", 2, 1, 1, di)) || (s = window_list(c, "pads", 4, 0, 0, pads)))
        return s;
    if (kernel && k[0] && (k[0] != kernel[0] || k[1] != kernel[1]))
        return fct_op_fail(c, FCT_ERR_FORMAT, "kernel_shape differs from the weights");
    if (kernel) memcpy(k, kernel, sizeof k);
    if (k[0] < 1 || k[1] < 1) return fct_op_fail(c, FCT_ERR_FORMAT, "no kernel_shape");
    const char *mode = fct_op_attr_string(c, "auto_pad", "NOTSET");
    int same = 0;
    if (!strcmp(mode, "SAME_UPPER")) same = 1;
    else if (!strcmp(mode, "SAME_LOWER")) same = 2;
    else if (!strcmp(mode, "VALID")) memset(pads, 0, sizeof pads);
    else if (strcmp(mode, "NOTSET") && *mode) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "auto_pad '%s'", mode);
    bool up = fct_op_attr_int(c, "ceil_mode", 0) != 0;
    *w = (fct_window){k[0], k[1], st[0], st[1], di[0], di[1], pads[0], pads[1], pads[2], pads[3], 0, 0};
    w->oh = window_axis(same, up, ih, w->kh, w->sh, w->dh, &w->top, &w->bottom);
    w->ow = window_axis(same, up, iw, w->kw, w->sw, w->dw, &w->left, &w->right);
    if (w->oh < 1 || w->ow < 1)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "an image of %lld x %lld is smaller than the window", (long long)iw,
                           (long long)ih);
    return FCT_OK;
}

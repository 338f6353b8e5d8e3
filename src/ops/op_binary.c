/* Element-wise operators of two inputs with NumPy-style broadcasting, and PRelu. */
#include "ops/op.h"
#include <math.h>
#include <string.h>

enum { B_ADD, B_SUB, B_MUL, B_DIV, B_POW, B_MIN, B_MAX, B_PRELU };
static const char *const binary_names[] = {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu"};

static int binary_kind(const char *op) {
    int k = 0;
    while (strcmp(op, binary_names[k])) k++;
    return k;
}

static fct_status binary_shape(fct_op_call *c) {
    const fct_tensor_view *a = c->in[0], *b = c->in[1];
    int64_t dims[FCT_MAX_RANK];
    if (!a || !b) return fct_op_fail(c, FCT_ERR_FORMAT, "an input is missing");
    if (a->dtype != b->dtype) return fct_op_fail(c, FCT_ERR_FORMAT, "inputs differ in type");
    int rank = a->rank > b->rank ? a->rank : b->rank, kind = binary_kind(c->op);
    if (a->dtype == FCT_I64 && kind > B_DIV) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "integers");
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int64_t x = ia < 0 ? 1 : a->dims[ia], y = ib < 0 ? 1 : b->dims[ib];
        if (x != y && x != 1 && y != 1)
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "dimensions %lld and %lld do not broadcast", (long long)x,
                               (long long)y);
        dims[i] = x == 1 ? y : x;
    }
    if (kind == B_PRELU && (rank != a->rank || memcmp(dims, a->dims, (size_t)rank * sizeof *dims)))
        return fct_op_fail(c, FCT_ERR_FORMAT, "slopes are larger than the input");
    return fct_op_out(c, a->dtype, rank, dims);
}

static float apply_f32(int k, float a, float b) {
    switch (k) {
    case B_ADD:
        return a + b;
    case B_SUB:
        return a - b;
    case B_MUL:
        return a * b;
    case B_DIV:
        return a / b;
    case B_POW:
        return powf(a, b);
    case B_MIN:
        return fminf(a, b);
    case B_MAX:
        return fmaxf(a, b);
    default:
        return a < 0 ? a * b : a;
    }
}

/* Wraps like two's complement; x / 0 gives 0, so that no file can trap us. */
static int64_t apply_i64(int k, int64_t a, int64_t b) {
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (k) {
    case B_ADD:
        return (int64_t)(x + y);
    case B_SUB:
        return (int64_t)(x - y);
    case B_MUL:
        return (int64_t)(x * y);
    default:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - x) : a / b;
    }
}

/* Strides of v seen as a tensor of out's shape; 0 where it is repeated. */
static void broadcast_strides(const fct_tensor_view *v, const fct_tensor_view *out, int64_t *strides) {
    int64_t own[FCT_MAX_RANK];
    fct_view_strides(v, own);
    for (int i = 0; i < out->rank; i++) {
        int k = i - (out->rank - v->rank);
        strides[i] = k < 0 || v->dims[k] == 1 ? 0 : own[k];
    }
}

static fct_status binary_run(fct_op_call *c) {
    const fct_tensor_view *o = c->out;
    int64_t sa[FCT_MAX_RANK], sb[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0}, n = fct_view_count(o), ia = 0, ib = 0;
    int kind = binary_kind(c->op);
    broadcast_strides(c->in[0], o, sa);
    broadcast_strides(c->in[1], o, sb);
    for (int64_t i = 0; i < n; i++) {
        if (o->dtype == FCT_F32)
            fct_view_f32(o)[i] = apply_f32(kind, fct_view_f32(c->in[0])[ia], fct_view_f32(c->in[1])[ib]);
        else fct_view_i64(o)[i] = apply_i64(kind, fct_view_i64(c->in[0])[ia], fct_view_i64(c->in[1])[ib]);
        for (int d = o->rank - 1; d >= 0; d--) {
            ia += sa[d];
            ib += sb[d];
            if (++at[d] < o->dims[d]) break;
            ia -= sa[d] * o->dims[d];
            ib -= sb[d] * o->dims[d];
            at[d] = 0;
        }
    }
    return FCT_OK;
}

#define BINARY(id, name)                                                                                               \
    extern const fct_op fct_op_##id;                                                                                   \
    const fct_op fct_op_##id = {name, 2, 2, binary_shape, binary_run};
BINARY(add, "Add")
BINARY(sub, "Sub")
BINARY(mul, "Mul")
BINARY(div, "Div")
BINARY(pow, "Pow")
BINARY(min, "Min")
BINARY(max, "Max")
BINARY(prelu, "PRelu")

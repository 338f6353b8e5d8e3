/* Element-wise operators of two inputs with NumPy-style broadcasting, and PRelu. */
#include "ops/op.h"
#include <math.h>
#include <string.h>

static bool takes_integers(fct_op_id id) {
    return id == FCT_OP_ADD || id == FCT_OP_SUB || id == FCT_OP_MUL || id == FCT_OP_DIV;
}

/* Broadcasts as NumPy does: shapes are aligned at their last axes, and an axis of 1 is repeated. */
static fct_status binary_shape(fct_op_call *c) {
    const fct_tensor_view *a = c->in[0], *b = c->in[1];
    int64_t dims[FCT_MAX_RANK];
    if (!a || !b) return fct_op_fail(c, FCT_ERR_FORMAT, "an input is missing");
    if (a->dtype != b->dtype) return fct_op_fail(c, FCT_ERR_FORMAT, "inputs differ in type");
    int rank = a->rank > b->rank ? a->rank : b->rank;
    if (a->dtype == FCT_I64 && !takes_integers(c->op->id)) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "integers");
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int64_t x = ia < 0 ? 1 : a->dims[ia], y = ib < 0 ? 1 : b->dims[ib];
        if (x != y && x != 1 && y != 1)
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "dimensions %lld and %lld do not broadcast", (long long)x,
                               (long long)y);
        dims[i] = x == 1 ? y : x;
    }
    if (c->op->id == FCT_OP_PRELU && (rank != a->rank || memcmp(dims, a->dims, (size_t)rank * sizeof *dims)))
        return fct_op_fail(c, FCT_ERR_FORMAT, "slopes are larger than the input");
    return fct_op_out(c, a->dtype, rank, dims);
}

static float apply_f32(fct_op_id id, float a, float b) {
    switch (id) {
    case FCT_OP_ADD:
        return a + b;
    case FCT_OP_SUB:
        return a - b;
    case FCT_OP_MUL:
        return a * b;
    case FCT_OP_DIV:
        return a / b;
    case FCT_OP_POW:
        return powf(a, b);
    case FCT_OP_MIN:
        return fminf(a, b);
    case FCT_OP_MAX:
        return fmaxf(a, b);
    default:
        return a < 0 ? a * b : a;
    }
}

/* Wraps like two's complement; x / 0 gives 0, so that no file can trap us. */
static int64_t apply_i64(fct_op_id id, int64_t a, int64_t b) {
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (id) {
    case FCT_OP_ADD:
        return (int64_t)(x + y);
    case FCT_OP_SUB:
        return (int64_t)(x - y);
    case FCT_OP_MUL:
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

/* How far the last axes of the output are one run of numbers: an input lies there as the output does (step 1) or
 * repeats a single number (step 0). *axes: how many axes are left. */
static int64_t find_run(const fct_tensor_view *o, const int64_t *sa, const int64_t *sb, int *axes, int64_t *steps) {
    int64_t run = 1;
    int d = o->rank;
    for (steps[0] = steps[1] = 1; d > 0; d--) {
        const int64_t n = o->dims[d - 1], *s[2] = {sa, sb};
        if (n == 1) continue;
        if (run == 1) steps[0] = sa[d - 1] != 0, steps[1] = sb[d - 1] != 0;
        bool fits = true;
        for (int k = 0; k < 2; k++) fits = fits && s[k][d - 1] == steps[k] * run;
        if (!fits) break;
        run *= n;
    }
    *axes = d;
    return run;
}

/* n numbers of a run. The operator is chosen outside of the loops over the common ones. */
static void run_f32(fct_op_id id, const float *a, int64_t sa, const float *b, int64_t sb, float *o, int64_t n) {
    if (id == FCT_OP_ADD)
        for (int64_t i = 0; i < n; i++) o[i] = a[i * sa] + b[i * sb];
    else if (id == FCT_OP_SUB)
        for (int64_t i = 0; i < n; i++) o[i] = a[i * sa] - b[i * sb];
    else if (id == FCT_OP_MUL)
        for (int64_t i = 0; i < n; i++) o[i] = a[i * sa] * b[i * sb];
    else if (id == FCT_OP_DIV)
        for (int64_t i = 0; i < n; i++) o[i] = a[i * sa] / b[i * sb];
    else
        for (int64_t i = 0; i < n; i++) o[i] = apply_f32(id, a[i * sa], b[i * sb]);
}

/* Walks through the output run by run, like an odometer over the axes that are left. An input's position advances by
 * its stride, which is 0 along a repeated axis. */
static fct_status binary_run(fct_op_call *c) {
    const fct_tensor_view *o = c->out, *a = c->in[0], *b = c->in[1];
    int64_t sa[FCT_MAX_RANK], sb[FCT_MAX_RANK], at[FCT_MAX_RANK] = {0}, n = fct_view_count(o), ia = 0, ib = 0;
    int64_t steps[2];
    int axes;
    broadcast_strides(a, o, sa);
    broadcast_strides(b, o, sb);
    const int64_t run = find_run(o, sa, sb, &axes, steps);
    for (int64_t i = 0; i < n; i += run) {
        if (o->dtype == FCT_F32)
            run_f32(c->op->id, fct_view_f32(a) + ia, steps[0], fct_view_f32(b) + ib, steps[1], fct_view_f32(o) + i,
                    run);
        else
            for (int64_t k = 0; k < run; k++)
                fct_view_i64(o)[i + k] =
                    apply_i64(c->op->id, fct_view_i64(a)[ia + k * steps[0]], fct_view_i64(b)[ib + k * steps[1]]);
        for (int d = axes - 1; d >= 0; d--) {
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

#define BINARY(number, id, name)                                                                                       \
    extern const fct_op fct_op_##id;                                                                                   \
    const fct_op fct_op_##id = {name, FCT_OP_##number, 2, 2, binary_shape, binary_run};
BINARY(ADD, add, "Add")
BINARY(SUB, sub, "Sub")
BINARY(MUL, mul, "Mul")
BINARY(DIV, div, "Div")
BINARY(POW, pow, "Pow")
BINARY(MIN, min, "Min")
BINARY(MAX, max, "Max")
BINARY(PRELU, prelu, "PRelu")

#include "ops/limits.h"
#include "ops/op.h"

fct_limits fct_work_limits = {.elements = (int64_t)1 << 28,
                              .plain = 0x1p34,
                              .fast = 0x1p44,
                              .folded = 0x1p20,
                              .packed = 0x1p24,
                              .arena = SIZE_MAX >> 30 >= 16 ? (size_t)1 << 33 << 1 : SIZE_MAX / 2};

static double count_of(const fct_tensor_view *v) {
    double n = 1;
    for (int i = 0; v && i < v->rank; i++) n *= (double)v->dims[i];
    return n;
}

double fct_op_macs(const fct_op_call *c) {
    const fct_tensor_view *a = fct_op_in(c, 0), *b = fct_op_in(c, 1);
    double n = count_of(c->out);
    if (!a || !b) return 0;
    if (c->op->id == FCT_OP_CONV) return n * (double)b->dims[1] * (double)b->dims[2] * (double)b->dims[3];
    if (c->op->id != FCT_OP_GEMM && c->op->id != FCT_OP_MAT_MUL) return 0;
    bool transposed = c->op->id == FCT_OP_GEMM && fct_op_attr_int(c, "transA", 0) != 0;
    return a->rank < 2 ? 0 : n * (double)a->dims[a->rank - (transposed ? 2 : 1)];
}

/* The window taps per output of a pooling operator, those that fall into the padding not included. */
static double window_taps(const fct_op_call *c) {
    const fct_attr *k = fct_op_attr(c, "kernel_shape", FCT_ATTR_INTS);
    const int64_t *x = c->in[0]->dims;
    if (!k || k->count != 2) return 1;
    return (double)(k->ints[0] < x[2] ? k->ints[0] : x[2]) * (double)(k->ints[1] < x[3] ? k->ints[1] : x[3]);
}

/* Counts in double, so that absurd shapes give a huge count instead of an overflow. */
double fct_op_work(const fct_op_call *c) {
    double macs = fct_op_macs(c), n = count_of(c->out);
    if (macs > n) return macs;
    switch (c->op->id) {
    case FCT_OP_MAX_POOL:
    case FCT_OP_AVERAGE_POOL:
        return n * window_taps(c);
    case FCT_OP_GLOBAL_AVERAGE_POOL:
    case FCT_OP_GLOBAL_MAX_POOL:
    case FCT_OP_REDUCE_MEAN:
    case FCT_OP_REDUCE_SUM:
    case FCT_OP_REDUCE_MAX:
    case FCT_OP_REDUCE_L2:
        return count_of(fct_op_in(c, 0));
    default:
        return n;
    }
}

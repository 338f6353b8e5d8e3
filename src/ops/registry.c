/* The list of operators. */
#include "ops/op.h"
#include <string.h>

/* clang-format off */
#define OPS(X) \
    X(conv) X(max_pool) X(average_pool) X(global_average_pool) X(global_max_pool) X(relu) \
    X(leaky_relu) X(sigmoid) X(tanh) X(exp) X(log) X(sqrt) X(neg) X(abs) X(floor) X(ceil) \
    X(reciprocal) X(elu) X(hard_sigmoid) X(hard_swish) X(clip) X(add) X(sub) X(mul) X(div) X(pow) \
    X(min) X(max) X(prelu) X(batch_normalization) X(softmax) X(reduce_mean) X(reduce_sum) \
    X(reduce_max) X(reduce_l2) X(gemm) X(mat_mul) X(identity) X(dropout) X(reshape) X(flatten) \
    X(squeeze) X(unsqueeze) X(shape) X(cast) X(constant) X(constant_of_shape) X(transpose) X(concat) \
    X(slice) X(gather) X(resize) X(upsample)
/* clang-format on */

#define DECLARE(id) extern const fct_op fct_op_##id;
OPS(DECLARE)
#define ENTRY(id) &fct_op_##id,
static const fct_op *const ops[] = {OPS(ENTRY)};

const fct_op *fct_op_at(int i) { return i >= 0 && (size_t)i < sizeof ops / sizeof *ops ? ops[i] : NULL; }

const fct_op *fct_op_find(const char *name) {
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (!strcmp(ops[i]->name, name)) return ops[i];
    return NULL;
}

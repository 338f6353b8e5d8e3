/* Operators in their plain form: dense row-major tensors, straight loops, every
 * case of the ONNX operator sets 7 to 17 that facet accepts. They judge the fast
 * paths, compute shapes for all of them, and run whatever has no fast path.
 *
 * Each operator gives two functions over one call: shape() fills the output's
 * type and dimensions (and refuses what does not fit), run() fills its data.
 * An input's data is NULL in shape() while only its dimensions are known. */
#ifndef FCT_OPS_OP_H
#define FCT_OPS_OP_H

#include "base/compiler.h"
#include "facet/model.h"

/* Two element types are enough inside: loaders widen the integers, bool and the
 * small and large floats on the way in. */
typedef enum fct_dtype { FCT_F32 = 0, FCT_I64 = 1 } fct_dtype;
static inline size_t fct_dtype_size(fct_dtype t) { return t == FCT_F32 ? 4 : 8; }

/* No tensor has more elements than this, stored or made; keeps every product of
 * dimensions and every byte count far from overflow. What a run makes is held to
 * less: ops/limits.h. */
#define FCT_MAX_ELEMENTS ((int64_t)1 << 30)

/* Dense row-major tensor. data is borrowed; NULL = not known yet. */
typedef struct fct_tensor_view {
    fct_dtype dtype;
    int rank;
    int64_t dims[FCT_MAX_RANK];
    void *data;
} fct_tensor_view;

/* All operators, in one list: each has a number FCT_OP_<first> and a description fct_op_<second>. An
 * operator's name is a string in the file alone; the loader turns it into the description, and from
 * there on operators are told apart by number. */
/* clang-format off */
#define FCT_OPS(X) \
    X(CONV, conv) X(MAX_POOL, max_pool) X(AVERAGE_POOL, average_pool) \
    X(GLOBAL_AVERAGE_POOL, global_average_pool) X(GLOBAL_MAX_POOL, global_max_pool) X(RELU, relu) \
    X(LEAKY_RELU, leaky_relu) X(SIGMOID, sigmoid) X(TANH, tanh) X(EXP, exp) X(LOG, log) X(SQRT, sqrt) \
    X(NEG, neg) X(ABS, abs) X(FLOOR, floor) X(CEIL, ceil) X(RECIPROCAL, reciprocal) X(ELU, elu) \
    X(HARD_SIGMOID, hard_sigmoid) X(HARD_SWISH, hard_swish) X(CLIP, clip) X(ADD, add) X(SUB, sub) X(MUL, mul) \
    X(DIV, div) X(POW, pow) X(MIN, min) X(MAX, max) X(PRELU, prelu) \
    X(BATCH_NORMALIZATION, batch_normalization) X(SOFTMAX, softmax) X(REDUCE_MEAN, reduce_mean) \
    X(REDUCE_SUM, reduce_sum) X(REDUCE_MAX, reduce_max) X(REDUCE_L2, reduce_l2) X(GEMM, gemm) \
    X(MAT_MUL, mat_mul) X(IDENTITY, identity) X(DROPOUT, dropout) X(RESHAPE, reshape) X(FLATTEN, flatten) \
    X(SQUEEZE, squeeze) X(UNSQUEEZE, unsqueeze) X(SHAPE, shape) X(CAST, cast) X(CONSTANT, constant) \
    X(CONSTANT_OF_SHAPE, constant_of_shape) X(TRANSPOSE, transpose) X(CONCAT, concat) X(SLICE, slice) \
    X(GATHER, gather) X(RESIZE, resize) X(UPSAMPLE, upsample)
/* clang-format on */

#define FCT_OPS_NUMBER(number, description) FCT_OP_##number,
typedef enum fct_op_id { FCT_OP_NONE = 0, FCT_OPS(FCT_OPS_NUMBER) FCT_OP_COUNT } fct_op_id;
#undef FCT_OPS_NUMBER

typedef struct fct_op fct_op;

typedef enum fct_attr_type {
    FCT_ATTR_FLOAT = 1,
    FCT_ATTR_INT = 2,
    FCT_ATTR_STRING = 3,
    FCT_ATTR_TENSOR = 4,
    FCT_ATTR_FLOATS = 6,
    FCT_ATTR_INTS = 7
} fct_attr_type;

typedef struct fct_attr {
    char *name;
    fct_attr_type type;
    float f;
    int64_t i;
    char *s;
    float *floats;
    int64_t *ints;
    size_t count;      /* of floats or ints */
    fct_tensor_view t; /* data as for a view, owned by the graph */
} fct_attr;

typedef struct fct_op_call {
    const char *file, *node; /* for error texts */
    const fct_op *op;
    int opset;
    const fct_attr *attrs;
    int n_attrs;
    const fct_tensor_view *const *in; /* NULL entries: optional inputs left out */
    int n_in;
    fct_tensor_view *out;
    fct_error *err;
} fct_op_call;

struct fct_op {
    const char *name; /* as the file has it */
    fct_op_id id;
    int min_in, max_in; /* max_in -1 = any number */
    fct_status (*shape)(fct_op_call *c);
    fct_status (*run)(fct_op_call *c);
};

/* The operator of that name, or NULL. Static. For the loader: nothing else compares names. */
const fct_op *fct_op_find(const char *name);
/* The operator of that number, NULL for FCT_OP_NONE and past the last. Static. */
const fct_op *fct_op_get(fct_op_id id);

/* ---- For operators ------------------------------------------------------- */

/* "FILE: node 'NAME' (OP): text" */
fct_status fct_op_fail(const fct_op_call *c, fct_status code, const char *format, ...) FCT_PRINTF(3, 4);

/* The attribute of that name and type, or NULL; borrowed. */
const fct_attr *fct_attr_find(const fct_attr *attrs, int n, const char *name, fct_attr_type type);
const fct_attr *fct_op_attr(const fct_op_call *c, const char *name, fct_attr_type type); /* NULL = absent */
int64_t fct_op_attr_int(const fct_op_call *c, const char *name, int64_t fallback);
float fct_op_attr_float(const fct_op_call *c, const char *name, float fallback);
const char *fct_op_attr_string(const fct_op_call *c, const char *name, const char *fallback);

int64_t fct_view_count(const fct_tensor_view *v);
static inline float *fct_view_f32(const fct_tensor_view *v) { return (float *)v->data; }
static inline int64_t *fct_view_i64(const fct_tensor_view *v) { return (int64_t *)v->data; }
/* Every dimension at least 1 and no more elements than a run may have in a tensor. */
bool fct_op_check_dims(const fct_tensor_view *v);
bool fct_view_same_dims(const fct_tensor_view *a, const fct_tensor_view *b);

/* Input i, or NULL when it is left out. */
const fct_tensor_view *fct_op_in(const fct_op_call *c, int i);
/* Fails unless input i is there, float32 and of that rank (-1 = any). */
fct_status fct_op_need_f32(const fct_op_call *c, int i, int rank);
/* Reads a list of integers from input i if it is there (its data must be
 * known), else from attribute name. *n = -1 when neither is there. */
fct_status fct_op_int_list(const fct_op_call *c, int i, const char *name, int64_t *list, int cap, int *n);
/* Same for one axis list, made non-negative against rank and checked for repeats. */
fct_status fct_op_axes(const fct_op_call *c, int i, const char *name, int rank, int64_t *axes, int *n);
/* Makes an axis non-negative; fails outside [-rank, rank). */
fct_status fct_op_axis(const fct_op_call *c, int64_t axis, int rank, int *out);

fct_status fct_op_out(fct_op_call *c, fct_dtype dtype, int rank, const int64_t *dims);
fct_status fct_op_out_like(fct_op_call *c, const fct_tensor_view *like);

/* Row-major strides in elements. */
void fct_view_strides(const fct_tensor_view *v, int64_t *strides);

/* Geometry of a sliding 2-d window. */
typedef struct fct_window {
    int64_t kh, kw, sh, sw, dh, dw;
    int64_t top, left, bottom, right; /* padding */
    int64_t oh, ow;
} fct_window;
/* Reads kernel_shape (or takes kernel when not NULL: {kh, kw}), strides,
 * dilations, pads, auto_pad, ceil_mode for an image of ih x iw. */
fct_status fct_op_window(const fct_op_call *c, const int64_t *kernel, int64_t ih, int64_t iw, fct_window *w);

/* How one axis of a Resize maps output to input positions; op_resize.c. */
typedef struct fct_resize {
    int mode;    /* 0 nearest, 1 linear */
    int coord;   /* fct_coord */
    int nearest; /* fct_nearest */
    float scale[FCT_MAX_RANK];
    int64_t out[FCT_MAX_RANK];
} fct_resize;
fct_status fct_resize_parse(const fct_op_call *c, fct_resize *r);
/* Input index for an output index along axis d, nearest mode. */
int64_t fct_resize_nearest(const fct_resize *r, int d, int64_t in, int64_t x);
/* Two neighbors and the weight of the second, linear mode. */
void fct_resize_linear(const fct_resize *r, int d, int64_t in, int64_t x, int64_t *i0, int64_t *i1, float *w1);

/* What running the call costs, as a count: multiply-adds of a convolution or
 * matrix product, taps of a pooling window, elements read by a reduction, else
 * elements written. The output's shape is known. */
double fct_op_work(const fct_op_call *c);
/* The part of it that is multiply-adds; 0 for all but convolutions and products. */
double fct_op_macs(const fct_op_call *c);

/* Limits of a Clip (attributes up to opset 10, inputs from 11). Unknown data fails. */
fct_status fct_clip_limits(const fct_op_call *c, float *lo, float *hi);

#endif

/* Element-wise operators of one input, and Clip. */
#include "ops/op.h"
#include <math.h>

typedef float unary_fn(float x, float a, float b);
static float u_relu(float x, float a, float b) { return x > 0 ? x : 0; }
static float u_leaky(float x, float a, float b) { return x < 0 ? a * x : x; }
static float u_sigmoid(float x, float a, float b) { return 1 / (1 + expf(-x)); }
static float u_tanh(float x, float a, float b) { return tanhf(x); }
static float u_exp(float x, float a, float b) { return expf(x); }
static float u_log(float x, float a, float b) { return logf(x); }
static float u_sqrt(float x, float a, float b) { return sqrtf(x); }
static float u_neg(float x, float a, float b) { return -x; }
static float u_abs(float x, float a, float b) { return fabsf(x); }
static float u_floor(float x, float a, float b) { return floorf(x); }
static float u_ceil(float x, float a, float b) { return ceilf(x); }
static float u_reciprocal(float x, float a, float b) { return 1 / x; }
static float u_elu(float x, float a, float b) { return x < 0 ? a * expm1f(x) : x; }
static float u_hard(float x, float a, float b) { return fminf(1, fmaxf(0, a * x + b)); }
static float u_hswish(float x, float a, float b) { return x * fminf(1, fmaxf(0, x / 6 + 0.5f)); }

static const struct {
    fct_op_id id;
    unary_fn *fn;
    float alpha, beta;
} unary[] = {
    {FCT_OP_RELU, u_relu, 0, 0},         {FCT_OP_LEAKY_RELU, u_leaky, 0.01f, 0},
    {FCT_OP_SIGMOID, u_sigmoid, 0, 0},   {FCT_OP_TANH, u_tanh, 0, 0},
    {FCT_OP_EXP, u_exp, 0, 0},           {FCT_OP_LOG, u_log, 0, 0},
    {FCT_OP_SQRT, u_sqrt, 0, 0},         {FCT_OP_NEG, u_neg, 0, 0},
    {FCT_OP_ABS, u_abs, 0, 0},           {FCT_OP_FLOOR, u_floor, 0, 0},
    {FCT_OP_CEIL, u_ceil, 0, 0},         {FCT_OP_RECIPROCAL, u_reciprocal, 0, 0},
    {FCT_OP_ELU, u_elu, 1, 0},           {FCT_OP_HARD_SIGMOID, u_hard, 0.2f, 0.5f},
    {FCT_OP_HARD_SWISH, u_hswish, 0, 0},
};

static fct_status unary_shape(fct_op_call *c) {
    fct_status s = fct_op_need_f32(c, 0, -1);
    return s ? s : fct_op_out_like(c, c->in[0]);
}

static fct_status unary_run(fct_op_call *c) {
    int64_t n = fct_view_count(c->in[0]);
    const float *x = fct_view_f32(c->in[0]);
    float *y = fct_view_f32(c->out);
    for (size_t k = 0; k < sizeof unary / sizeof *unary; k++) {
        if (c->op->id != unary[k].id) continue;
        float a = fct_op_attr_float(c, "alpha", unary[k].alpha), b = fct_op_attr_float(c, "beta", unary[k].beta);
        for (int64_t i = 0; i < n; i++) y[i] = unary[k].fn(x[i], a, b);
    }
    return FCT_OK;
}

/* Up to opset 10 the limits are attributes, later optional inputs. */
fct_status fct_clip_limits(const fct_op_call *c, float *lo, float *hi) {
    float *limit[2] = {lo, hi};
    *lo = fct_op_attr_float(c, "min", -INFINITY);
    *hi = fct_op_attr_float(c, "max", INFINITY);
    for (int i = 1; i <= 2; i++) {
        const fct_tensor_view *v = fct_op_in(c, i);
        if (!v) continue;
        fct_status s = fct_op_need_f32(c, i, -1);
        if (s) return s;
        if (!v->data) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "a limit depends on the data");
        if (fct_view_count(v) != 1) return fct_op_fail(c, FCT_ERR_FORMAT, "a limit is not a scalar");
        *limit[i - 1] = *fct_view_f32(v);
    }
    return FCT_OK;
}

static fct_status clip_shape(fct_op_call *c) {
    float lo, hi;
    fct_status s = fct_op_need_f32(c, 0, -1);
    if (s || (s = fct_clip_limits(c, &lo, &hi))) return s;
    return fct_op_out_like(c, c->in[0]);
}

static fct_status clip_run(fct_op_call *c) {
    float lo, hi;
    fct_status s = fct_clip_limits(c, &lo, &hi);
    if (s) return s;
    int64_t n = fct_view_count(c->in[0]);
    const float *x = fct_view_f32(c->in[0]);
    float *y = fct_view_f32(c->out);
    for (int64_t i = 0; i < n; i++) {
        float v = x[i] < lo ? lo : x[i];
        y[i] = v > hi ? hi : v;
    }
    return FCT_OK;
}

#define UNARY(number, id, name)                                                                                        \
    extern const fct_op fct_op_##id;                                                                                   \
    const fct_op fct_op_##id = {name, FCT_OP_##number, 1, 1, unary_shape, unary_run};
UNARY(RELU, relu, "Relu")
UNARY(LEAKY_RELU, leaky_relu, "LeakyRelu")
UNARY(SIGMOID, sigmoid, "Sigmoid")
UNARY(TANH, tanh, "Tanh")
UNARY(EXP, exp, "Exp")
UNARY(LOG, log, "Log")
UNARY(SQRT, sqrt, "Sqrt")
UNARY(NEG, neg, "Neg")
UNARY(ABS, abs, "Abs")
UNARY(FLOOR, floor, "Floor")
UNARY(CEIL, ceil, "Ceil")
UNARY(RECIPROCAL, reciprocal, "Reciprocal")
UNARY(ELU, elu, "Elu")
UNARY(HARD_SIGMOID, hard_sigmoid, "HardSigmoid")
UNARY(HARD_SWISH, hard_swish, "HardSwish")
extern const fct_op fct_op_clip;
const fct_op fct_op_clip = {"Clip", FCT_OP_CLIP, 1, 3, clip_shape, clip_run};

/* Gemm and MatMul. */
#include "ops/op.h"

/* Rows, columns and depth of a Gemm after its transpositions. */
static fct_status gemm_sizes(const fct_op_call *c, int64_t *m, int64_t *n, int64_t *k) {
    fct_status s;
    if ((s = fct_op_need_f32(c, 0, 2)) || (s = fct_op_need_f32(c, 1, 2))) return s;
    bool ta = fct_op_attr_int(c, "transA", 0) != 0, tb = fct_op_attr_int(c, "transB", 0) != 0;
    const int64_t *a = c->in[0]->dims, *b = c->in[1]->dims;
    *m = a[ta], *k = a[!ta], *n = b[!tb];
    if (b[tb] != *k)
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%lld columns meet %lld rows", (long long)*k, (long long)b[tb]);
    const fct_tensor_view *bias = fct_op_in(c, 2);
    if (!bias) return FCT_OK;
    if ((s = fct_op_need_f32(c, 2, -1))) return s;
    bool fits = bias->rank <= 2;
    if (fits && bias->rank >= 1) fits = bias->dims[bias->rank - 1] == *n || bias->dims[bias->rank - 1] == 1;
    if (fits && bias->rank == 2) fits = bias->dims[0] == *m || bias->dims[0] == 1;
    return fits ? FCT_OK : fct_op_fail(c, FCT_ERR_UNSUPPORTED, "C does not broadcast to the product");
}

static fct_status gemm_shape(fct_op_call *c) {
    int64_t m, n, k;
    fct_status s = gemm_sizes(c, &m, &n, &k);
    return s ? s : fct_op_out(c, FCT_F32, 2, (int64_t[]){m, n});
}

/* alpha A B + beta C, where A and B may be transposed and C may be a row or a column that is repeated. */
static fct_status gemm_run(fct_op_call *c) {
    int64_t m, n, k;
    fct_status s = gemm_sizes(c, &m, &n, &k);
    if (s) return s;
    bool ta = fct_op_attr_int(c, "transA", 0) != 0, tb = fct_op_attr_int(c, "transB", 0) != 0;
    float alpha = fct_op_attr_float(c, "alpha", 1), beta = fct_op_attr_float(c, "beta", 1);
    const float *a = fct_view_f32(c->in[0]), *b = fct_view_f32(c->in[1]);
    const fct_tensor_view *v = fct_op_in(c, 2);
    int64_t row = v && v->rank == 2 && v->dims[0] != 1 ? v->dims[1] : 0;
    int64_t col = v && v->rank >= 1 && v->dims[v->rank - 1] != 1;
    float *y = fct_view_f32(c->out);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t q = 0; q < k; q++)
                sum += (double)a[ta ? q * m + i : i * k + q] * b[tb ? j * k + q : q * n + j];
            y[i * n + j] = (float)(alpha * sum + (v ? beta * (double)fct_view_f32(v)[i * row + j * col] : 0));
        }
    return FCT_OK;
}

/* MatMul of an [..., m, k] by a [k, n], or of two stacks with equal leading axes. */
static fct_status matmul_shape(fct_op_call *c) {
    fct_status s;
    if ((s = fct_op_need_f32(c, 0, -1)) || (s = fct_op_need_f32(c, 1, -1))) return s;
    const fct_tensor_view *a = c->in[0], *b = c->in[1];
    if (a->rank < 2 || b->rank < 2) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "ranks %d and %d", a->rank, b->rank);
    if (a->dims[a->rank - 1] != b->dims[b->rank - 2])
        return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "%lld columns meet %lld rows", (long long)a->dims[a->rank - 1],
                           (long long)b->dims[b->rank - 2]);
    if (b->rank > 2 && b->rank != a->rank) return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "broadcast stacks");
    int64_t dims[FCT_MAX_RANK];
    for (int i = 0; i < a->rank - 1; i++) {
        dims[i] = a->dims[i];
        if (b->rank > 2 && i < a->rank - 2 && b->dims[i] != dims[i])
            return fct_op_fail(c, FCT_ERR_UNSUPPORTED, "broadcast stacks");
    }
    dims[a->rank - 1] = b->dims[b->rank - 1];
    return fct_op_out(c, FCT_F32, a->rank, dims);
}

static fct_status matmul_run(fct_op_call *c) {
    const fct_tensor_view *a = c->in[0], *b = c->in[1];
    int64_t m = a->dims[a->rank - 2], k = a->dims[a->rank - 1], n = b->dims[b->rank - 1], stack = 1;
    for (int i = 0; i < a->rank - 2; i++) stack *= a->dims[i];
    for (int64_t t = 0; t < stack; t++) {
        const float *x = fct_view_f32(a) + t * m * k, *w = fct_view_f32(b) + (b->rank > 2 ? t * k * n : 0);
        float *y = fct_view_f32(c->out) + t * m * n;
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t q = 0; q < k; q++) sum += (double)x[i * k + q] * w[q * n + j];
                y[i * n + j] = (float)sum;
            }
    }
    return FCT_OK;
}

extern const fct_op fct_op_gemm, fct_op_mat_mul;
const fct_op fct_op_gemm = {"Gemm", FCT_OP_GEMM, 2, 3, gemm_shape, gemm_run};
const fct_op fct_op_mat_mul = {"MatMul", FCT_OP_MAT_MUL, 2, 2, matmul_shape, matmul_run};

/* Flatten, Gemm or MatMul, bias and batch norms around them: one layer. */
#include "graph/passes.h"
#include "base/alloc.h"
#include "base/error.h"

/* The tensor before a node that only flattens all but the first axis, or value itself. */
static int unflattened(const fct_passes *p, int value) {
    int i = p->producer[value];
    if (i < 0 || p->g->nodes[i].kind != FCT_NODE_OP) return value;
    const fct_node *n = &p->g->nodes[i];
    if (!fct_node_is(n, FCT_OP_FLATTEN) && !fct_node_is(n, FCT_OP_RESHAPE) && !fct_node_is(n, FCT_OP_SQUEEZE))
        return value;
    const fct_tensor_view *x = fct_passes_view(p, n->in[0]), *y = fct_passes_view(p, n->out);
    return x && y && x->rank == 4 && y->rank == 2 && x->dims[0] == y->dims[0] ? n->in[0] : value;
}

/* alpha A W + beta C with constant W and C; false when the node is nothing like it. */
static bool product(const fct_passes *p, const fct_node *n, fct_fused *f, fct_status *s) {
    bool gemm = fct_node_is(n, FCT_OP_GEMM);
    if (n->kind != FCT_NODE_OP || (!gemm && !fct_node_is(n, FCT_OP_MAT_MUL))) return false;
    const fct_const *w = n->in[0] >= 0 && n->in[1] >= 0 ? p->g->values[n->in[1]].konst : NULL;
    const fct_tensor_view *a = fct_passes_view(p, n->in[0]);
    fct_op_call c;
    fct_node_call(p->g, n, NULL, NULL, &c, p->err);
    if (!w || w->view.rank != 2 || w->view.dtype != FCT_F32 || !a || a->rank != 2 || fct_view_count(&w->view) < 1)
        return false;
    if (gemm && fct_op_attr_int(&c, "transA", 0)) return false;
    f->weight_kn = !gemm || !fct_op_attr_int(&c, "transB", 0);
    f->ic = (int)w->view.dims[f->weight_kn ? 0 : 1];
    f->oc = (int)w->view.dims[f->weight_kn ? 1 : 0];
    f->channels = 1;
    float alpha = gemm ? fct_op_attr_float(&c, "alpha", 1) : 1, beta = gemm ? fct_op_attr_float(&c, "beta", 1) : 1;
    if (n->n_in > 2 && n->in[2] >= 0) {
        if (!(f->bias = fct_passes_channel_vector(p, n->in[2], f->oc, 2, s))) return false;
        for (int i = 0; i < f->oc; i++) f->bias[i] *= beta;
    }
    if (alpha == 1) return true;
    if (!fct_vector_apply(&f->weight_scale, f->oc, alpha, NULL, NULL)) *s = FCT_ERR_NOMEM;
    return !*s;
}

/* Takes in the scales and shifts that follow: they go into the weights, row by row, and into the bias. The layer
 * moves to the place of what it takes in, so that the list stays in order. */
static fct_status after(fct_passes *p, int i) {
    fct_graph *g = p->g;
    fct_fused *f = g->nodes[i].fused;
    fct_status s = FCT_OK;
    for (;;) {
        int r = fct_passes_is_output(p, g->nodes[i].out) ? -1 : fct_passes_single_reader(p, g->nodes[i].out), data;
        if (r < 0) return FCT_OK;
        float *v = fct_passes_affine(p, &g->nodes[r], f->oc, 2, &data, &s);
        if (!v) return s;
        bool ok = g->nodes[r].in[data] == g->nodes[i].out;
        if (ok && (!fct_vector_apply(&f->weight_scale, f->oc, 1, v, NULL) ||
                   !fct_vector_apply(&f->bias, f->oc, 0, v, v + f->oc)))
            s = fct_fail_nomem(p->err, g->nodes[i].name, 0);
        fct_free(v);
        if (!ok || s) return s;
        fct_node old = g->nodes[r];
        int out = old.out;
        g->nodes[r] = g->nodes[i];
        g->nodes[r].out = out;
        old.dead = true;
        g->nodes[i] = old;
        p->producer[out] = r;
        i = r;
    }
}

/* A scale and shift per channel before the flattening: AFFINE nodes by now. */
static fct_status before(fct_passes *p, fct_node *n) {
    int i = p->producer[n->in[0]];
    if (i < 0 || p->g->nodes[i].kind != FCT_NODE_AFFINE || p->g->nodes[i].fused->act.kind) return FCT_OK;
    fct_fused *f = n->fused, *a = p->g->nodes[i].fused;
    if (f->ic % a->channels) return FCT_OK;
    if (!fct_vector_apply(&f->in_scale, a->channels, 1, a->scale, NULL) ||
        !fct_vector_apply(&f->in_shift, a->channels, 0, NULL, a->shift))
        return fct_fail_nomem(p->err, n->name, 0);
    f->channels = a->channels;
    n->in[0] = p->g->nodes[i].in[0];
    return FCT_OK;
}

/* Operators that give blocks for blocks. */
static bool keeps_blocks(fct_op_id id) {
    switch (id) {
    case FCT_OP_MAX_POOL:
    case FCT_OP_AVERAGE_POOL:
    case FCT_OP_GLOBAL_AVERAGE_POOL:
    case FCT_OP_GLOBAL_MAX_POOL:
    case FCT_OP_RELU:
    case FCT_OP_CLIP:
    case FCT_OP_SIGMOID:
    case FCT_OP_ADD:
    case FCT_OP_MUL:
        return true;
    default:
        return false;
    }
}

/* Whether the planner will most likely hold this value in blocks. If it does not, it converts. */
static bool blocked_value(const fct_passes *p, int value) {
    const fct_tensor_view *v = fct_passes_view(p, value);
    int i = p->producer[value];
    if (!v || v->rank != 4 || i < 0) return false;
    const fct_node *n = &p->g->nodes[i];
    if (n->kind == FCT_NODE_CONV || n->kind == FCT_NODE_AFFINE) return true;
    return n->kind == FCT_NODE_OP && keeps_blocks(n->op->id) && n->in[0] >= 0 && blocked_value(p, n->in[0]);
}

/* Turns a product with constant weights into one layer: what flattens its input and what normalizes its input go
 * into it, then what follows. Where the input will lie in blocks, the layer reads it so, and nothing has to be
 * rearranged at run time. */
static fct_status make_fc(fct_passes *p, int i) {
    fct_node *n = &p->g->nodes[i];
    fct_status s = FCT_OK;
    fct_fused *f = fct_calloc(1, sizeof *f);
    if (!f) return fct_fail_nomem(p->err, n->name, 0);
    f->groups = 1;
    f->parts = fct_alloc(sizeof *f->parts);
    if (!f->parts) s = fct_fail_nomem(p->err, n->name, 0);
    if (s || !product(p, n, f, &s)) {
        fct_fused_free(f);
        return s;
    }
    f->parts[0] = n->in[1];
    f->n_parts = 1;
    n->in[0] = unflattened(p, n->in[0]);
    n->n_in = 1;
    n->fused = f;
    n->kind = FCT_NODE_FC;
    if ((s = before(p, n))) return s;
    if (blocked_value(p, n->in[0])) f->fc_channels = (int)fct_passes_view(p, n->in[0])->dims[1];
    return after(p, i);
}

fct_status fct_pass_fc(fct_passes *p) {
    fct_status s = FCT_OK;
    for (int i = 0; !s && i < p->g->n_nodes; i++)
        if (!p->g->nodes[i].dead && p->g->nodes[i].kind == FCT_NODE_OP) s = make_fc(p, i);
    return s;
}

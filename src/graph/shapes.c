/* Shape inference walks the graph once. Every operator computes the shape of its result; where all that it reads
 * is known and small, its values are computed as well, so that the chains of Shape, Gather and Concat by which
 * detectors size their maps are numbers before anything is planned. */
#include "graph/shapes.h"
#include "base/alloc.h"
#include "base/error.h"
#include "ops/limits.h"
#include <string.h>

/* Larger tensors are never shapes, and not worth computing while planning; nor
 * is a small one that takes much work. */
#define MAX_KNOWN      4096
#define MAX_KNOWN_WORK 65536

void fct_shapes_free(fct_shapes *s) {
    for (int i = 0; s->views && s->owned && i < s->n; i++)
        if (s->owned[i]) fct_free(s->views[i].data);
    fct_free(s->views);
    fct_free(s->owned);
    fct_free(s->known);
    memset(s, 0, sizeof *s);
}

/* A plain operator: its shape, what it costs, and its values where they follow from what is known. */
static fct_status infer_op(const fct_graph *g, const fct_node *n, fct_shapes *s, const fct_tensor_view **in,
                           fct_error *err) {
    const bool shape = fct_node_is(n, FCT_OP_SHAPE); /* needs no data, only dimensions */
    bool known = true;
    for (int k = 0; k < n->n_in; k++) {
        in[k] = n->in[k] < 0 ? NULL : &s->views[n->in[k]];
        if (in[k] && !in[k]->data) known = false;
    }
    fct_tensor_view *out = &s->views[n->out];
    fct_op_call c;
    memset(out, 0, sizeof *out);
    fct_node_call(g, n, in, out, &c, err);
    fct_status st = n->op->shape(&c);
    s->known[n->out] = true;
    if (st) return st;
    double work = fct_op_work(&c);
    s->plain += work;
    if (!(known || shape) || fct_view_count(out) > MAX_KNOWN || work > MAX_KNOWN_WORK) return FCT_OK;
    st = fct_node_eval(g, n, in, out, err);
    s->owned[n->out] = !st;
    return st;
}

static fct_status node_fail(const fct_graph *g, const fct_node *n, fct_error *err, const char *what) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: node '%s' (%s): %s", g->file, n->name, n->op_name, what);
}

/* A fused convolution: the size of its output, and whether the tensor that it adds fits. */
static fct_status infer_conv(const fct_graph *g, const fct_node *n, fct_shapes *s, fct_error *err) {
    const fct_tensor_view *x = &s->views[n->in[0]];
    const fct_fused *f = n->fused;
    if (x->rank != 4 || x->dtype != FCT_F32 || x->dims[1] != f->ic)
        return node_fail(g, n, err, "the input does not fit the weights");
    int64_t h = x->dims[2] + f->pad[0] + f->pad[2] - (int64_t)f->dh * (f->kh - 1) - 1;
    int64_t w = x->dims[3] + f->pad[1] + f->pad[3] - (int64_t)f->dw * (f->kw - 1) - 1;
    if (h < 0 || w < 0) return node_fail(g, n, err, "the image is smaller than the window");
    fct_tensor_view *o = &s->views[n->out];
    *o = (fct_tensor_view){.dtype = FCT_F32, .rank = 4, .dims = {x->dims[0], f->oc, h / f->sh + 1, w / f->sw + 1}};
    if (!fct_op_check_dims(o))
        return fct_fail(err, FCT_ERR_LIMIT, "%s: node '%s' (%s): output of more than %lld elements", g->file, n->name,
                        n->op_name, (long long)fct_work_limits.elements);
    if (f->add == FCT_ADD_NONE) return FCT_OK;
    const fct_tensor_view *a = &s->views[n->in[1]];
    fct_tensor_view want = *o;
    if (f->add_up2) want.dims[2] = (want.dims[2] + 1) / 2, want.dims[3] = (want.dims[3] + 1) / 2;
    return fct_view_same_dims(a, &want) ? FCT_OK : node_fail(g, n, err, "the added tensor differs in shape");
}

/* A head: the chosen channels in their new order, then reshaped as the operator would. */
static fct_status infer_head(const fct_graph *g, const fct_node *n, fct_shapes *s, fct_error *err) {
    const fct_tensor_view *x = &s->views[n->in[0]];
    const fct_fused *f = n->fused;
    if (x->rank != 4 || x->dims[1] < f->c0 + f->cn) return node_fail(g, n, err, "the input does not fit");
    fct_tensor_view t = {.dtype = FCT_F32, .rank = 4};
    int64_t nchw[4] = {x->dims[0], f->cn, x->dims[2], x->dims[3]},
            nhwc[4] = {x->dims[0], x->dims[2], x->dims[3], f->cn};
    memcpy(t.dims, f->nhwc ? nhwc : nchw, sizeof nchw);
    s->views[n->out] = t;
    if (f->reshape_to < 0) return FCT_OK;
    const fct_tensor_view *in[2] = {&t, &s->views[f->reshape_to]};
    const fct_op *reshape = fct_op_get(FCT_OP_RESHAPE);
    fct_op_call c = {.file = g->file,
                     .node = n->name,
                     .op = reshape,
                     .opset = g->opset,
                     .in = in,
                     .n_in = 2,
                     .attrs = n->attrs,
                     .n_attrs = n->n_attrs,
                     .out = &s->views[n->out],
                     .err = err};
    return reshape->shape(&c);
}

/* A fully connected layer reads all but the first axis as one row. */
static fct_status infer_fc(const fct_graph *g, const fct_node *n, fct_shapes *s, fct_error *err) {
    const fct_tensor_view *x = &s->views[n->in[0]];
    int64_t k = 1;
    for (int i = 1; i < x->rank; i++) k *= x->dims[i];
    if (n->fused->fc_channels && (x->rank != 4 || x->dims[1] != n->fused->fc_channels))
        return node_fail(g, n, err, "the input does not fit the weights");
    if (x->rank < 1 || k != n->fused->ic) return node_fail(g, n, err, "the input does not fit the weights");
    s->views[n->out] = (fct_tensor_view){.dtype = FCT_F32, .rank = 2, .dims = {x->dims[0], n->fused->oc}};
    return FCT_OK;
}

/* Scale and shift change no shape. */
static fct_status infer_affine(const fct_graph *g, const fct_node *n, fct_shapes *s, fct_error *err) {
    const fct_tensor_view *x = &s->views[n->in[0]];
    if (x->rank < 2 || x->dims[1] != n->fused->channels) return node_fail(g, n, err, "channels do not fit");
    s->views[n->out] = *x;
    s->views[n->out].data = NULL;
    return FCT_OK;
}

static fct_status infer_kind(const fct_graph *g, const fct_node *n, fct_shapes *s, const fct_tensor_view **in,
                             fct_error *err) {
    s->known[n->out] = true;
    switch (n->kind) {
    case FCT_NODE_CONV:
        return infer_conv(g, n, s, err);
    case FCT_NODE_FC:
        return infer_fc(g, n, s, err);
    case FCT_NODE_HEAD:
        return infer_head(g, n, s, err);
    case FCT_NODE_AFFINE:
        return infer_affine(g, n, s, err);
    default:
        return infer_op(g, n, s, in, err);
    }
}

/* A node of any kind, and what it adds to the work of a run. */
static fct_status infer_node(const fct_graph *g, const fct_node *n, fct_shapes *s, const fct_tensor_view **in,
                             fct_error *err) {
    fct_status st = infer_kind(g, n, s, in, err);
    if (!st && n->kind != FCT_NODE_OP) s->fast += fct_node_macs(g, s, n);
    return st;
}

/* Small constants are known by value from the start; of large ones only the shape is. */
static fct_status known_constants(const fct_graph *g, fct_shapes *s, fct_error *err) {
    for (int i = 0; i < g->n_values; i++) {
        fct_const *c = g->values[i].konst;
        const fct_tensor_view *v;
        fct_status st;
        if (!c) continue;
        s->views[i] = c->view;
        s->known[i] = true;
        if (fct_view_count(&c->view) > MAX_KNOWN || (!c->raw && !c->view.data)) continue;
        if ((st = fct_const_data(c, &v, err))) return st;
        s->views[i] = *v;
    }
    return FCT_OK;
}

/* Goes through the nodes in order. Small constants are followed by value, since some operators take their output's
 * shape from one. */
fct_status fct_shapes_infer(const fct_graph *g, const fct_tensor_view *inputs, fct_shapes *out, fct_error *err) {
    size_t n = (size_t)g->n_values, widest = 1;
    for (int i = 0; i < g->n_nodes; i++)
        if ((size_t)g->nodes[i].n_in > widest) widest = (size_t)g->nodes[i].n_in;
    *out = (fct_shapes){fct_calloc(n, sizeof *out->views),
                        fct_calloc(n, sizeof *out->owned),
                        fct_calloc(n, sizeof *out->known),
                        g->n_values,
                        0,
                        0};
    const fct_tensor_view **in = fct_calloc(widest, sizeof *in);
    fct_status s = FCT_OK;
    if (!out->views || !out->owned || !out->known || !in) s = fct_fail_nomem(err, "shapes", 0);
    if (!s) s = known_constants(g, out, err);
    for (int i = 0; !s && i < g->n_inputs; i++) {
        out->views[g->inputs[i]] = inputs[i];
        out->views[g->inputs[i]].data = NULL;
        out->known[g->inputs[i]] = true;
    }
    for (int i = 0; !s && i < g->n_nodes; i++)
        if (!g->nodes[i].dead) s = infer_node(g, &g->nodes[i], out, in, err);
    fct_free(in);
    return s;
}

double fct_node_macs(const fct_graph *g, const fct_shapes *s, const fct_node *n) {
    const fct_tensor_view *o = &s->views[n->out];
    double count = 1;
    for (int i = 0; i < o->rank; i++) count *= (double)o->dims[i];
    if (n->kind == FCT_NODE_CONV) return count * (n->fused->ic / n->fused->groups) * n->fused->kh * n->fused->kw;
    if (n->kind == FCT_NODE_FC) return count * n->fused->ic;
    if (n->kind != FCT_NODE_OP) return 0;
    const fct_tensor_view *in[2] = {NULL, NULL};
    fct_op_call c;
    for (int i = 0; i < n->n_in && i < 2; i++) in[i] = n->in[i] < 0 ? NULL : &s->views[n->in[i]];
    fct_node_call(g, n, in, &s->views[n->out], &c, NULL);
    if (c.n_in > 2) c.n_in = 2;
    return fct_op_macs(&c);
}

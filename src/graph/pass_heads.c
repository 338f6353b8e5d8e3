/* Detector heads: Transpose and Reshape read straight from the blocked tensor,
 * and the score, box and landmark convolutions of one map become one. */
#include "graph/passes.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

/* Makes n a head: channels of one blocked value, to be written out in plain order. */
static fct_status make_head(fct_passes *p, fct_node *n, int in, int channels, bool nhwc) {
    fct_fused *f = fct_calloc(1, sizeof *f);
    int *list = fct_alloc(sizeof *list);
    if (!f || !list) {
        fct_free(f);
        fct_free(list);
        return fct_fail_nomem(p->err, n->name, 0);
    }
    *list = in;
    fct_free(n->in);
    n->in = list;
    n->n_in = 1;
    f->cn = channels;
    f->nhwc = nhwc;
    f->reshape_to = -1;
    n->fused = f;
    n->kind = FCT_NODE_HEAD;
    return FCT_OK;
}

/* Whether a node moves the channels to the end, as detectors do before they reshape their maps into rows. */
static bool is_nhwc(const fct_node *n) {
    static const int64_t perm[4] = {0, 2, 3, 1};
    if (n->kind != FCT_NODE_OP || !fct_node_is(n, FCT_OP_TRANSPOSE)) return false;
    const fct_attr *a = fct_attr_find(n->attrs, n->n_attrs, "perm", FCT_ATTR_INTS);
    return a && a->count == 4 && !memcmp(a->ints, perm, sizeof perm);
}

/* Node i takes over the head at h, whose only reader it is. */
static void absorb(fct_passes *p, int h, int i) {
    fct_node head = p->g->nodes[h], *n = &p->g->nodes[i];
    int out = n->out;
    fct_node old = *n;
    *n = head;
    n->out = out;
    old.dead = true;
    p->g->nodes[h] = old;
    p->producer[out] = i;
}

/* A Transpose, the Reshape and the Sigmoid after it become one head, which writes its rows straight from the
 * blocks. */
static fct_status transpose_to_head(fct_passes *p, int i) {
    fct_node *n = &p->g->nodes[i];
    const fct_tensor_view *x = fct_passes_view(p, n->in[0]);
    if (!x || x->rank != 4 || x->dtype != FCT_F32) return FCT_OK;
    fct_status s = make_head(p, n, n->in[0], (int)x->dims[1], true);
    if (s) return s;
    int r = fct_passes_is_output(p, n->out) ? -1 : fct_passes_single_reader(p, n->out);
    fct_node *q = r < 0 ? NULL : &p->g->nodes[r];
    if (!q || q->kind != FCT_NODE_OP || !fct_node_is(q, FCT_OP_RESHAPE) || q->n_in != 2 || q->in[0] != n->out ||
        q->n_attrs)
        return FCT_OK; /* attributes of a Reshape: allowzero */
    n->fused->reshape_to = q->in[1];
    absorb(p, i, r);
    i = r;
    r = fct_passes_is_output(p, p->g->nodes[i].out) ? -1 : fct_passes_single_reader(p, p->g->nodes[i].out);
    if (r < 0 || p->g->nodes[r].kind != FCT_NODE_OP || !fct_node_is(&p->g->nodes[r], FCT_OP_SIGMOID)) return FCT_OK;
    p->g->nodes[i].fused->act.kind = FCT_ACT_SIGMOID;
    absorb(p, i, r);
    return FCT_OK;
}

fct_status fct_pass_heads(fct_passes *p) {
    fct_status s = FCT_OK;
    for (int i = 0; !s && i < p->g->n_nodes; i++)
        if (!p->g->nodes[i].dead && is_nhwc(&p->g->nodes[i])) s = transpose_to_head(p, i);
    return s;
}

/* ---- Siblings -------------------------------------------------------------- */

/* A convolution's value that is an output of the network gets a head of its own;
 * a sigmoid at the end of a convolution moves into its one head. */
static fct_status heads_for_outputs(fct_passes *p) {
    fct_graph *g = p->g;
    for (int o = 0, n = g->n_outputs; o < n; o++) {
        int v = g->outputs[o], c = p->producer[v];
        if (c < 0 || g->nodes[c].kind != FCT_NODE_CONV || p->uses[v] != 1) continue;
        int fresh = fct_graph_add_value(g, g->values[v].name);
        char *name = fct_strdup(g->nodes[c].name), *op = fct_strdup("Head");
        fct_node *h = fresh < 0 || !name || !op ? NULL : fct_graph_add_node(g);
        if (!h) {
            fct_free(name);
            fct_free(op);
            return fct_fail_nomem(p->err, "head", 0);
        }
        h->name = name;
        h->op_name = op;
        h->out = v;
        g->nodes[c].out = fresh;
        fct_status s = make_head(p, h, fresh, g->nodes[c].fused->oc, false);
        if (s) return s;
    }
    return fct_passes_refresh(p);
}

/* A sigmoid that only a head reads is computed while the head writes its values out. A convolution without one
 * can be merged with its siblings. */
static void sigmoid_to_head(fct_passes *p) {
    for (int i = 0; i < p->g->n_nodes; i++) {
        fct_node *n = &p->g->nodes[i];
        int c = n->kind == FCT_NODE_HEAD && !n->fused->act.kind && p->uses[n->in[0]] == 1 ? p->producer[n->in[0]] : -1;
        if (c < 0 || p->g->nodes[c].kind != FCT_NODE_CONV) continue;
        fct_fused *f = p->g->nodes[c].fused;
        if (f->act.kind != FCT_ACT_SIGMOID || f->add) continue;
        n->fused->act = f->act;
        f->act.kind = FCT_ACT_NONE;
    }
}

/* Every reader of the value is a head. */
static bool only_heads(const fct_passes *p, int value) {
    int n = 0;
    for (int i = 0; i < p->g->n_nodes; i++) n += p->g->nodes[i].kind == FCT_NODE_HEAD && p->g->nodes[i].in[0] == value;
    return n && n == p->uses[value];
}

/* Only plain convolutions whose results go to heads can be merged: a head can pick out its channels, no other
 * reader can. */
static bool can_merge(const fct_passes *p, const fct_node *n) {
    return n->kind == FCT_NODE_CONV && !n->dead && n->fused->groups == 1 && !n->fused->act.kind && !n->fused->add &&
           !n->fused->in_scale && only_heads(p, n->out);
}

/* Convolutions over the same windows can share one run over the input. */
static bool same_geometry(const fct_fused *a, const fct_fused *b) {
    return a->ic == b->ic && a->kh == b->kh && a->kw == b->kw && a->sh == b->sh && a->sw == b->sw && a->dh == b->dh &&
           a->dw == b->dw && !memcmp(a->pad, b->pad, sizeof a->pad);
}

/* Appends b's vector (or fill) to a's. */
static bool join(float **a, int na, const float *b, int nb, float fill) {
    float *v = fct_alloc((size_t)(na + nb) * sizeof *v);
    if (!v) return false;
    for (int i = 0; i < na; i++) v[i] = *a ? (*a)[i] : fill;
    for (int i = 0; i < nb; i++) v[na + i] = b ? b[i] : fill;
    fct_free(*a);
    *a = v;
    return true;
}

/* Appends the output channels of b to those of a; the heads of b read from a at an offset from now on. */
static fct_status merge(fct_passes *p, fct_node *a, fct_node *b) {
    fct_fused *f = a->fused, *h = b->fused;
    int *parts = fct_realloc_array(f->parts, (size_t)(f->n_parts + h->n_parts), sizeof *parts);
    if (!parts) return fct_fail_nomem(p->err, a->name, 0);
    f->parts = parts;
    memcpy(parts + f->n_parts, h->parts, (size_t)h->n_parts * sizeof *parts);
    f->n_parts += h->n_parts;
    if (!join(&f->bias, f->oc, h->bias, h->oc, 0) || !join(&f->weight_scale, f->oc, h->weight_scale, h->oc, 1))
        return fct_fail_nomem(p->err, a->name, 0);
    for (int i = 0; i < p->g->n_nodes; i++) {
        fct_node *n = &p->g->nodes[i];
        if (n->kind != FCT_NODE_HEAD || n->in[0] != b->out) continue;
        n->in[0] = a->out;
        n->fused->c0 += f->oc;
        p->uses[a->out]++;
    }
    f->oc += h->oc;
    b->dead = true;
    return FCT_OK;
}

/* Convolutions that read the same tensor with the same geometry become one, whose heads pick out their channels: one
 * pass over the input instead of several. */
fct_status fct_pass_siblings(fct_passes *p) {
    fct_status s = heads_for_outputs(p);
    if (s) return s;
    sigmoid_to_head(p);
    for (int i = 0; i < p->g->n_nodes; i++) {
        fct_node *a = &p->g->nodes[i];
        for (int k = i + 1; k < p->g->n_nodes && !s && can_merge(p, a); k++) {
            fct_node *b = &p->g->nodes[k];
            if (b->kind == FCT_NODE_CONV && b->in[0] == a->in[0] && can_merge(p, b) &&
                same_geometry(a->fused, b->fused))
                s = merge(p, a, b);
        }
    }
    return s;
}

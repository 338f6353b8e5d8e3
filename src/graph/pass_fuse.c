/* Convolutions take in what precedes and follows them.
 *
 * A fusion moves the convolution to the place of the node it takes in, so that
 * all its inputs are made before it; it then makes that node's value. */
#include "graph/passes.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

/* Sets the fused form's geometry; false when it depends on the image's size. */
static bool conv_geometry(const fct_passes *p, const fct_node *n, fct_fused *f, const int64_t *w) {
    fct_op_call c;
    fct_window win;
    fct_error ignored;
    fct_node_call(p->g, n, NULL, NULL, &c, &ignored);
    c.n_in = 0;
    f->groups = (int)fct_op_attr_int(&c, "group", 1);
    const char *mode = fct_op_attr_string(&c, "auto_pad", "NOTSET");
    int64_t span = 1 << 12; /* any image large enough: padding depends on it only for SAME with a stride */
    if (fct_op_window(&c, w + 2, span, span, &win)) return false;
    if (!strncmp(mode, "SAME", 4) && (win.sh != 1 || win.sw != 1)) return false;
    int64_t all[] = {win.kh, win.kw, win.sh, win.sw, win.dh, win.dw};
    int *to[] = {&f->kh, &f->kw, &f->sh, &f->sw, &f->dh, &f->dw};
    for (int i = 0; i < 6; i++) {
        if (all[i] > 64) return false;
        *to[i] = (int)all[i];
    }
    int64_t pad[] = {win.top, win.left, win.bottom, win.right};
    for (int i = 0; i < 4; i++) {
        if (pad[i] > 4096) return false;
        f->pad[i] = (int)pad[i];
    }
    return true;
}

/* Turns a Conv with constant weights into the fused form, which the passes after this one extend. One whose
 * weights are computed, or whose padding depends on the size of the image, stays a plain operator. */
static fct_status convert(fct_passes *p, fct_node *n) {
    const fct_const *w = n->in[1] >= 0 ? p->g->values[n->in[1]].konst : NULL;
    const fct_tensor_view *x = fct_passes_view(p, n->in[0]);
    fct_status s = FCT_OK;
    if (!w || !x || x->rank != 4 || w->view.dtype != FCT_F32 || w->view.rank != 4 || fct_view_count(&w->view) < 1)
        return FCT_OK;
    bool has_bias = n->n_in > 2 && n->in[2] >= 0;
    if (has_bias && !p->g->values[n->in[2]].konst) return FCT_OK;
    fct_fused *f = fct_calloc(1, sizeof *f);
    if (!f) return fct_fail_nomem(p->err, n->name, 0);
    f->oc = (int)w->view.dims[0];
    if (!conv_geometry(p, n, f, w->view.dims)) {
        fct_free(f);
        return FCT_OK;
    }
    f->ic = (int)w->view.dims[1] * f->groups;
    f->planar_in = p->producer[n->in[0]] < 0 && f->ic <= 4;
    if (has_bias) {
        const fct_tensor_view *b = fct_passes_const(p, n->in[2], &s);
        f->bias = b && fct_view_count(b) == f->oc ? fct_alloc((size_t)f->oc * sizeof *f->bias) : NULL;
        if (f->bias) memcpy(f->bias, b->data, (size_t)f->oc * sizeof *f->bias);
        else if (!s) s = fct_fail_nomem(p->err, n->name, 0);
    }
    f->parts = fct_alloc(sizeof *f->parts);
    if (s || !f->parts) {
        fct_fused_free(f);
        return s ? s : fct_fail_nomem(p->err, n->name, 0);
    }
    f->parts[0] = n->in[1];
    f->n_parts = 1;
    n->in[1] = -1; /* now the place of an added tensor */
    n->n_in = 2;
    n->fused = f;
    n->kind = FCT_NODE_CONV;
    return FCT_OK;
}

fct_status fct_pass_convs(fct_passes *p) {
    fct_status s = FCT_OK;
    for (int i = 0; !s && i < p->g->n_nodes; i++)
        if (fct_node_is(&p->g->nodes[i], FCT_OP_CONV)) s = convert(p, &p->g->nodes[i]);
    return s;
}

/* The convolution at c becomes the node at i. */
static void move_to(fct_passes *p, int c, int i) {
    fct_node old = p->g->nodes[i];
    p->g->nodes[i] = p->g->nodes[c];
    p->g->nodes[i].out = old.out;
    old.dead = true;
    p->g->nodes[c] = old;
    p->producer[old.out] = i;
}

/* Index of the live convolution that makes value for this one reader, or -1. */
static int conv_of(const fct_passes *p, int value) {
    if (value < 0 || p->uses[value] != 1 || p->producer[value] < 0 || fct_passes_is_output(p, value)) return -1;
    int c = p->producer[value];
    return p->g->nodes[c].kind == FCT_NODE_CONV && !p->g->nodes[c].dead ? c : -1;
}

/* Scale and shift after a convolution go into its weights and bias. */
static fct_status fuse_affine(fct_passes *p, int i, bool *done) {
    fct_node *n = &p->g->nodes[i];
    fct_status s = FCT_OK;
    int data = 0;
    for (int k = 0; k < n->n_in && k < 2; k++) {
        int c = conv_of(p, n->in[k]);
        if (c < 0) continue;
        fct_fused *f = p->g->nodes[c].fused;
        if (f->act.kind || f->add) return FCT_OK;
        float *v = fct_passes_affine(p, n, f->oc, 4, &data, &s);
        if (!v) return s;
        bool ok = data == k && fct_vector_apply(&f->weight_scale, f->oc, 1, v, NULL) &&
                  fct_vector_apply(&f->bias, f->oc, 0, v, v + f->oc);
        fct_free(v);
        if (!ok) return data == k ? fct_fail_nomem(p->err, n->name, 0) : FCT_OK;
        move_to(p, c, i);
        *done = true;
        return FCT_OK;
    }
    return FCT_OK;
}

/* An activation after a convolution becomes its last step. A second one does too where both together are one
 * function, as a Clip after a Relu. */
static fct_status fuse_activation(fct_passes *p, int i, bool *done) {
    fct_node *n = &p->g->nodes[i];
    fct_status s = FCT_OK;
    fct_act act, both;
    float *slope;
    int c = n->n_in ? conv_of(p, n->in[0]) : -1;
    if (c < 0) return FCT_OK;
    fct_fused *f = p->g->nodes[c].fused;
    if (f->add == FCT_ADD_AFTER_ACT || !fct_passes_activation(p, n, f->oc, 4, &act, &slope, &s)) return s;
    if (!fct_act_compose(&f->act, &act, &both)) {
        fct_free(slope);
        return FCT_OK;
    }
    f->act = both;
    if (slope) f->slope = slope;
    move_to(p, c, i);
    *done = true;
    return FCT_OK;
}

/* coarse when value is made by a nearest Resize that shows every pixel of coarse
 * twice in both directions (the last once where the size is odd), else -1. */
static int doubled(const fct_passes *p, int value) {
    int r = value < 0 || p->uses[value] != 1 ? -1 : p->producer[value];
    if (r < 0 || p->g->nodes[r].kind != FCT_NODE_OP) return -1;
    const fct_node *n = &p->g->nodes[r];
    const fct_tensor_view *x = fct_passes_view(p, n->in[0]), *in[4] = {0};
    fct_op_call c;
    fct_resize z;
    fct_error ignored;
    if ((!fct_node_is(n, FCT_OP_RESIZE) && !fct_node_is(n, FCT_OP_UPSAMPLE)) || !x || x->rank != 4 || n->n_in > 4)
        return -1;
    for (int k = 0; k < n->n_in; k++) in[k] = fct_passes_view(p, n->in[k]);
    fct_node_call(p->g, n, in, NULL, &c, &ignored);
    if (fct_resize_parse(&c, &z) || z.mode || z.out[0] != x->dims[0] || z.out[1] != x->dims[1]) return -1;
    for (int d = 2; d < 4; d++) {
        if ((z.out[d] + 1) / 2 != x->dims[d]) return -1;
        for (int64_t i = 0; i < z.out[d]; i++)
            if (fct_resize_nearest(&z, d, x->dims[d], i) != i / 2) return -1;
    }
    return n->in[0];
}

/* Whether every reader of the value is node `last`, or a node whose own value only feeds it. */
static bool only_feeds(const fct_passes *p, int value, int last, int depth) {
    const fct_graph *g = p->g;
    if (depth > 16 || fct_passes_is_output(p, value)) return false;
    for (int i = 0; i < g->n_nodes; i++) {
        bool reads = false;
        for (int k = 0; k < g->nodes[i].n_in; k++) reads |= g->nodes[i].in[k] == value;
        if (reads && !g->nodes[i].dead && i != last && !only_feeds(p, g->nodes[i].out, last, depth + 1)) return false;
    }
    return true;
}

/* Like conv_of() for a sum of value and an image that the Resize at r makes to
 * value's size: the Shape nodes that only tell r that size do not count as readers. */
static int conv_beside_resize(const fct_passes *p, int value, int r) {
    const fct_graph *g = p->g;
    int c = value < 0 || fct_passes_is_output(p, value) ? -1 : p->producer[value], shapes = 0;
    if (c < 0 || r < 0 || g->nodes[c].kind != FCT_NODE_CONV || g->nodes[c].dead) return -1;
    for (int i = 0; i < g->n_nodes; i++)
        if (!g->nodes[i].dead && g->nodes[i].kind == FCT_NODE_OP && fct_node_is(&g->nodes[i], FCT_OP_SHAPE) &&
            g->nodes[i].in[0] == value && only_feeds(p, g->nodes[i].out, r, 0))
            shapes++;
    return p->uses[value] - shapes == 1 ? c : -1;
}

/* The sum at i takes the place of convolution c; coarse doubled is added to it. */
static void fuse_doubled(fct_passes *p, int c, int r, int coarse, int i) {
    fct_graph *g = p->g;
    int own = g->nodes[c].out;
    for (int k = 0; k < g->n_nodes; k++) /* the shapes of own, which no longer exists, fed r alone */
        if (g->nodes[k].kind == FCT_NODE_OP && fct_node_is(&g->nodes[k], FCT_OP_SHAPE) && g->nodes[k].in[0] == own)
            g->nodes[k].dead = true;
    g->nodes[r].dead = true;
    g->nodes[c].fused->add = g->nodes[c].fused->act.kind ? FCT_ADD_AFTER_ACT : FCT_ADD_BEFORE_ACT;
    g->nodes[c].fused->add_up2 = true;
    g->nodes[c].in[1] = coarse;
    move_to(p, c, i);
}

/* conv + coarse image doubled: the step down of a feature pyramid. */
static bool fuse_pyramid(fct_passes *p, int i) {
    const fct_node *n = &p->g->nodes[i];
    for (int k = 0; k < 2; k++) {
        int coarse = doubled(p, n->in[!k]), r = coarse < 0 ? -1 : p->producer[n->in[!k]];
        int c = conv_beside_resize(p, n->in[k], r);
        const fct_tensor_view *a = fct_passes_view(p, n->in[k]), *b = fct_passes_view(p, n->in[!k]);
        if (c < 0 || p->g->nodes[c].fused->add || !a || !b || !fct_view_same_dims(a, b)) continue;
        fuse_doubled(p, c, r, coarse, i);
        return true;
    }
    return false;
}

/* conv + other: the later of two convolutions takes the other's value in. */
static fct_status fuse_add(fct_passes *p, int i, bool *done) {
    fct_node *n = &p->g->nodes[i];
    if (n->kind != FCT_NODE_OP || !fct_node_is(n, FCT_OP_ADD) || n->in[0] == n->in[1]) return FCT_OK;
    if ((*done = fuse_pyramid(p, i))) return FCT_OK;
    int c0 = conv_of(p, n->in[0]), c1 = conv_of(p, n->in[1]), c = c0 > c1 ? c0 : c1;
    if (c < 0 || p->g->nodes[c].fused->add) return FCT_OK;
    int own = p->g->nodes[c].out, other = n->in[n->in[0] == own];
    const fct_tensor_view *a = fct_passes_view(p, own), *b = fct_passes_view(p, other);
    if (!a || !b || !fct_view_same_dims(a, b) || p->g->values[other].konst) return FCT_OK;
    fct_fused *f = p->g->nodes[c].fused;
    f->add = f->act.kind ? FCT_ADD_AFTER_ACT : FCT_ADD_BEFORE_ACT;
    p->g->nodes[c].in[1] = other;
    move_to(p, c, i);
    *done = true;
    return FCT_OK;
}

/* A scale and shift all of whose readers are convolutions goes into each. */
static fct_status fuse_before(fct_passes *p, int i) {
    fct_graph *g = p->g;
    fct_node *n = &g->nodes[i];
    const fct_tensor_view *x = fct_passes_view(p, n->out);
    fct_status s = FCT_OK;
    int data, readers = 0;
    if (!x || x->rank != 4 || fct_passes_is_output(p, n->out)) return FCT_OK;
    for (int k = i + 1; k < g->n_nodes; k++)
        readers += !g->nodes[k].dead && g->nodes[k].kind == FCT_NODE_CONV && g->nodes[k].in[0] == n->out &&
                   g->nodes[k].in[1] != n->out;
    if (!readers || readers != p->uses[n->out]) return FCT_OK;
    int ch = (int)x->dims[1];
    float *v = fct_passes_affine(p, n, ch, 4, &data, &s);
    if (!v) return s;
    const fct_tensor_view *from = fct_passes_view(p, n->in[data]);
    if (!from || !fct_view_same_dims(from, x)) {
        fct_free(v);
        return FCT_OK;
    }
    for (int k = i + 1; k < g->n_nodes && !s; k++) {
        fct_fused *f = g->nodes[k].fused;
        if (g->nodes[k].dead || g->nodes[k].kind != FCT_NODE_CONV || g->nodes[k].in[0] != n->out) continue;
        /* scale (v0 x + v1) + shift */
        if (!fct_vector_apply(&f->in_scale, ch, 1, NULL, NULL) || !fct_vector_apply(&f->in_shift, ch, 0, NULL, NULL))
            s = fct_fail_nomem(p->err, n->name, 0);
        for (int q = 0; !s && q < ch; q++) {
            f->in_shift[q] += f->in_scale[q] * v[ch + q];
            f->in_scale[q] *= v[q];
        }
        f->channels = ch;
        g->nodes[k].in[0] = n->in[data];
        f->planar_in = p->producer[n->in[data]] < 0 && f->ic <= 4;
        p->uses[n->in[data]]++;
    }
    fct_free(v);
    n->dead = true;
    p->uses[n->in[data]]--;
    p->uses[n->out] = 0;
    return s;
}

/* What is left of scales and shifts becomes one node with its activation. */
static fct_status make_affine(fct_passes *p, int i) {
    fct_node *n = &p->g->nodes[i];
    const fct_tensor_view *x = fct_passes_view(p, n->out);
    fct_status s = FCT_OK;
    int data;
    if (n->kind != FCT_NODE_OP || !x || x->rank != 4) return FCT_OK;
    int ch = (int)x->dims[1];
    float *v = fct_passes_affine(p, n, ch, 4, &data, &s);
    if (!v) return s;
    const fct_tensor_view *in = fct_passes_view(p, n->in[data]);
    fct_fused *f = in && fct_view_same_dims(in, x) ? fct_calloc(1, sizeof *f) : NULL;
    if (f && (f->scale = fct_alloc((size_t)ch * sizeof *f->scale)) &&
        (f->shift = fct_alloc((size_t)ch * sizeof *f->shift))) {
        memcpy(f->scale, v, (size_t)ch * sizeof *v);
        memcpy(f->shift, v + ch, (size_t)ch * sizeof *v);
        f->channels = ch;
        n->in[0] = n->in[data];
        n->n_in = 1;
        n->fused = f;
        n->kind = FCT_NODE_AFFINE;
    } else if (f) {
        fct_fused_free(f);
        s = fct_fail_nomem(p->err, n->name, 0);
    }
    fct_free(v);
    return s;
}

/* scale, shift -> activation */
static fct_status affine_activation(fct_passes *p, int i) {
    fct_node *n = &p->g->nodes[i];
    fct_status s = FCT_OK;
    fct_act act, both;
    float *slope;
    int a = n->n_in && n->in[0] >= 0 && p->uses[n->in[0]] == 1 && !fct_passes_is_output(p, n->in[0])
                ? p->producer[n->in[0]]
                : -1;
    if (a < 0 || p->g->nodes[a].kind != FCT_NODE_AFFINE) return FCT_OK;
    fct_fused *f = p->g->nodes[a].fused;
    if (!fct_passes_activation(p, n, f->channels, 4, &act, &slope, &s)) return s;
    if (act.kind == FCT_ACT_SIGMOID || !fct_act_compose(&f->act, &act, &both)) {
        fct_free(slope);
        return FCT_OK;
    }
    f->act = both;
    if (slope) f->slope = slope;
    move_to(p, a, i);
    return FCT_OK;
}

fct_status fct_pass_fuse(fct_passes *p) {
    fct_status s = FCT_OK;
    for (int i = 0; !s && i < p->g->n_nodes; i++) {
        bool done = false;
        if (p->g->nodes[i].dead || p->g->nodes[i].kind != FCT_NODE_OP) continue;
        if (!(s = fuse_affine(p, i, &done)) && !done && !(s = fuse_activation(p, i, &done)) && !done)
            s = fuse_add(p, i, &done);
    }
    /* backwards, so that of a Sub and a Mul the later one goes in first */
    for (int i = p->g->n_nodes - 1; !s && i >= 0; i--)
        if (!p->g->nodes[i].dead && p->g->nodes[i].kind == FCT_NODE_OP) s = fuse_before(p, i);
    for (int i = 0; !s && i < p->g->n_nodes; i++)
        if (!p->g->nodes[i].dead) s = make_affine(p, i);
    for (int i = 0; !s && i < p->g->n_nodes; i++)
        if (!p->g->nodes[i].dead && p->g->nodes[i].kind == FCT_NODE_OP) s = affine_activation(p, i);
    return s;
}

/* The frame of the passes, and what they share: who makes and who reads a value, shapes for one plausible input,
 * and the recognition of scales, shifts and activations in whatever operators a file writes them with. */
#include "graph/passes.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

/* Removes dead nodes and closes the gaps that they leave; the order of the others stays. */
static void sweep(fct_graph *g) {
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i].dead) {
            fct_node_clear(&g->nodes[i]);
            continue;
        }
        if (n != i) g->nodes[n] = g->nodes[i];
        n++;
    }
    g->n_nodes = n;
}

/* Counts readers; true when a node turned out to have none and was marked. */
static bool mark_unused(fct_passes *p) {
    fct_graph *g = p->g;
    memset(p->uses, 0, (size_t)p->n * sizeof *p->uses);
    for (int i = 0; i < p->n; i++) p->producer[i] = -1;
    for (int i = 0; i < g->n_outputs; i++) p->uses[g->outputs[i]]++;
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] >= 0) p->uses[g->nodes[i].in[k]]++;
        if (g->nodes[i].kind == FCT_NODE_HEAD && g->nodes[i].fused->reshape_to >= 0)
            p->uses[g->nodes[i].fused->reshape_to]++;
    }
    bool changed = false;
    for (int i = 0; i < g->n_nodes; i++) {
        if (!p->uses[g->nodes[i].out]) changed = g->nodes[i].dead = true;
        p->producer[g->nodes[i].out] = i;
    }
    return changed;
}

fct_status fct_passes_refresh(fct_passes *p) {
    size_t n = (size_t)p->g->n_values;
    int *uses = fct_realloc_array(p->uses, n, sizeof *uses);
    if (uses) p->uses = uses;
    int *producer = fct_realloc_array(p->producer, n, sizeof *producer);
    if (producer) p->producer = producer;
    if (!uses || !producer) return fct_fail_nomem(p->err, "passes", 0);
    p->n = (int)n;
    sweep(p->g);
    while (mark_unused(p)) sweep(p->g);
    return FCT_OK;
}

void fct_passes_replace(fct_passes *p, int a, int b) {
    fct_graph *g = p->g;
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i].n_in; k++)
            if (g->nodes[i].in[k] == a) g->nodes[i].in[k] = b;
        if (g->nodes[i].kind == FCT_NODE_HEAD && g->nodes[i].fused->reshape_to == a) g->nodes[i].fused->reshape_to = b;
    }
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == a) g->outputs[i] = b;
}

int fct_passes_single_reader(const fct_passes *p, int value) {
    if (value < 0 || p->uses[value] != 1) return -1;
    for (int i = 0; i < p->g->n_nodes; i++)
        for (int k = 0; k < p->g->nodes[i].n_in && !p->g->nodes[i].dead; k++)
            if (p->g->nodes[i].in[k] == value) return i;
    return -1;
}

bool fct_passes_is_output(const fct_passes *p, int value) {
    for (int i = 0; i < p->g->n_outputs; i++)
        if (p->g->outputs[i] == value) return true;
    return false;
}

const fct_tensor_view *fct_passes_view(const fct_passes *p, int value) {
    return p->has_trial && value >= 0 && value < p->trial.n && p->trial.known[value] ? &p->trial.views[value] : NULL;
}

const fct_tensor_view *fct_passes_const(const fct_passes *p, int value, fct_status *s) {
    const fct_tensor_view *v;
    if (value < 0 || !p->g->values[value].konst || p->g->values[value].konst->view.dtype != FCT_F32) return NULL;
    *s = fct_const_data(p->g->values[value].konst, &v, p->err);
    return *s ? NULL : v;
}

float *fct_passes_channel_vector(const fct_passes *p, int value, int n, int rank, fct_status *s) {
    const fct_tensor_view *v = fct_passes_const(p, value, s);
    if (!v || v->rank > rank) return NULL;
    int64_t count = fct_view_count(v);
    int axis = 1 - (rank - v->rank); /* axis 1 of the tensor as an axis of v */
    for (int i = 0; i < v->rank; i++)
        if (v->dims[i] != 1 && (i != axis || v->dims[i] != n)) return NULL;
    float *out = fct_alloc((size_t)n * sizeof *out);
    if (!out) {
        *s = fct_fail_nomem(p->err, "vector", 0);
        return NULL;
    }
    for (int i = 0; i < n; i++) out[i] = fct_view_f32(v)[count == 1 ? 0 : i];
    return out;
}

/* A batch normalization at rest is a scale and a shift per channel: gamma / sqrt(variance + epsilon), and beta -
 * mean times that. Computed in double, since these numbers are multiplied into all weights. */
static float *bn_affine(const fct_passes *p, const fct_node *n, int channels, fct_status *s) {
    const fct_tensor_view *v[4];
    float eps = 1e-5f;
    for (int i = 0; i < 4; i++) {
        v[i] = fct_passes_const(p, n->in[i + 1], s);
        if (!v[i] || fct_view_count(v[i]) != channels) return NULL;
    }
    const fct_attr *given = fct_attr_find(n->attrs, n->n_attrs, "epsilon", FCT_ATTR_FLOAT);
    if (given) eps = given->f;
    float *out = fct_alloc((size_t)channels * 2 * sizeof *out);
    if (!out) *s = fct_fail_nomem(p->err, n->name, 0);
    for (int i = 0; out && i < channels; i++) {
        double scale = fct_view_f32(v[0])[i] / sqrt((double)fct_view_f32(v[3])[i] + eps);
        out[i] = (float)scale;
        out[channels + i] = (float)(fct_view_f32(v[1])[i] - fct_view_f32(v[2])[i] * scale);
    }
    return out;
}

float *fct_passes_affine(const fct_passes *p, const fct_node *n, int channels, int rank, int *data_in, fct_status *s) {
    if (n->kind != FCT_NODE_OP) return NULL;
    *data_in = 0;
    if (fct_node_is(n, FCT_OP_BATCH_NORMALIZATION)) return bn_affine(p, n, channels, s);
    bool add = fct_node_is(n, FCT_OP_ADD), sub = fct_node_is(n, FCT_OP_SUB), mul = fct_node_is(n, FCT_OP_MUL);
    if (!add && !sub && !mul && !fct_node_is(n, FCT_OP_DIV)) return NULL;
    int c = n->in[0] >= 0 && p->g->values[n->in[0]].konst ? 0 : 1;
    if (c == 0 && !add && !mul) return NULL; /* constant minus x, constant / x */
    float *k = fct_passes_channel_vector(p, n->in[c], channels, rank, s);
    if (!k) return NULL;
    *data_in = !c;
    float *out = fct_realloc_array(k, (size_t)channels * 2, sizeof *out);
    if (!out) {
        fct_free(k);
        *s = fct_fail_nomem(p->err, n->name, 0);
        return NULL;
    }
    for (int i = 0; i < channels; i++) {
        float x = out[i];
        out[i] = mul ? x : add || sub ? 1 : 1 / x;
        out[channels + i] = add ? x : sub ? -x : 0;
    }
    return out;
}

/* The slopes of a PRelu, one per channel; slopes that differ within a channel are left to the plain operator. */
static bool prelu_slopes(const fct_passes *p, const fct_node *n, int channels, int rank, fct_act *act, float **slope,
                         fct_status *s) {
    if (!(*slope = fct_passes_channel_vector(p, n->in[1], channels, rank, s))) return false;
    act->kind = FCT_ACT_PRELU;
    return true;
}

bool fct_passes_activation(const fct_passes *p, const fct_node *n, int channels, int rank, fct_act *act, float **slope,
                           fct_status *s) {
    fct_op_call c;
    const fct_tensor_view *in[3] = {0};
    *act = (fct_act){0};
    *slope = NULL;
    if (n->kind != FCT_NODE_OP || n->n_in > 3) return false;
    for (int i = 1; i < n->n_in; i++)
        if (n->in[i] >= 0 && !(in[i] = fct_passes_const(p, n->in[i], s))) return false;
    fct_node_call(p->g, n, in, NULL, &c, p->err);
    switch (n->op->id) {
    case FCT_OP_RELU:
        act->kind = FCT_ACT_RELU;
        return true;
    case FCT_OP_SIGMOID:
        act->kind = FCT_ACT_SIGMOID;
        return true;
    case FCT_OP_LEAKY_RELU:
        act->kind = FCT_ACT_LEAKY;
        act->a = fct_op_attr_float(&c, "alpha", 0.01f);
        return true;
    case FCT_OP_CLIP:
        act->kind = FCT_ACT_CLIP;
        *s = fct_clip_limits(&c, &act->a, &act->b);
        return !*s;
    case FCT_OP_PRELU:
        return prelu_slopes(p, n, channels, rank, act, slope, s);
    default:
        return false;
    }
}

bool fct_act_compose(const fct_act *a, const fct_act *b, fct_act *out) {
    if (a->kind == FCT_ACT_NONE) {
        *out = *b;
        return true;
    }
    if ((a->kind != FCT_ACT_RELU && a->kind != FCT_ACT_CLIP) || (b->kind != FCT_ACT_RELU && b->kind != FCT_ACT_CLIP))
        return false;
    float lo1 = a->kind == FCT_ACT_RELU ? 0 : a->a, hi1 = a->kind == FCT_ACT_RELU ? INFINITY : a->b;
    float lo2 = b->kind == FCT_ACT_RELU ? 0 : b->a, hi2 = b->kind == FCT_ACT_RELU ? INFINITY : b->b;
    float lo = fminf(fmaxf(lo1, lo2), hi2), hi = fminf(fmaxf(hi1, lo2), hi2);
    *out = (fct_act){.kind = lo == 0 && hi == INFINITY ? FCT_ACT_RELU : FCT_ACT_CLIP, .a = lo, .b = hi};
    return true;
}

bool fct_vector_apply(float **v, int n, float fill, const float *mul, const float *add) {
    if (!*v) {
        if (!(*v = fct_alloc((size_t)n * sizeof **v))) return false;
        for (int i = 0; i < n; i++) (*v)[i] = fill;
    }
    for (int i = 0; i < n; i++) (*v)[i] = (*v)[i] * (mul ? mul[i] : 1) + (add ? add[i] : 0);
    return true;
}

/* Shapes for one plausible input: 1 for an open batch; sizes that detectors take
 * for open heights and widths. Networks that refuse them all do without. */
static fct_status try_shapes(fct_passes *p) {
    static const int64_t sizes[] = {320, 640, 224, 112, 96, 64};
    fct_graph *g = p->g;
    fct_tensor_view *in = fct_calloc((size_t)g->n_inputs + 1, sizeof *in);
    fct_error ignored;
    if (!in) return fct_fail_nomem(p->err, "shapes", 0);
    fct_shapes_free(&p->trial);
    p->has_trial = false;
    for (size_t t = 0; t < sizeof sizes / sizeof *sizes && !p->has_trial; t++) {
        bool ok = true;
        for (int i = 0; i < g->n_inputs && ok; i++) {
            const fct_value *v = &g->values[g->inputs[i]];
            in[i] = (fct_tensor_view){.dtype = FCT_F32, .rank = v->rank < 0 ? 4 : v->rank};
            for (int k = 0; k < in[i].rank; k++)
                in[i].dims[k] = v->rank >= 0 && v->dims[k] > 0 ? v->dims[k] : k == 0 ? 1 : k == 1 ? 3 : sizes[t];
            ok = fct_op_check_dims(&in[i]);
        }
        fct_shapes_free(&p->trial);
        fct_status s = ok ? fct_shapes_infer(g, in, &p->trial, &ignored) : FCT_ERR_LIMIT;
        if (s == FCT_ERR_NOMEM) {
            fct_free(in);
            return fct_fail_nomem(p->err, "shapes", 0);
        }
        p->has_trial = !s;
    }
    fct_free(in);
    return FCT_OK;
}

/* Runs the passes in their fixed order, each of which relies on what the earlier ones have left. Those that look at
 * shapes get them anew. */
fct_status fct_passes_run(fct_graph *g, unsigned skip, fct_error *err) {
    static const struct {
        unsigned bit;
        fct_status (*run)(fct_passes *);
        bool sized;
    } list[] = {{FCT_PASS_FOLD, fct_pass_fold, false},  {0, fct_pass_convs, true},
                {FCT_PASS_HEADS, fct_pass_heads, true}, {FCT_PASS_FUSE, fct_pass_fuse, true},
                {FCT_PASS_FC, fct_pass_fc, true},       {FCT_PASS_SIBLINGS, fct_pass_siblings, true}};
    fct_passes p = {.g = g, .err = err};
    fct_status s = fct_passes_refresh(&p);
    for (size_t i = 0; !s && i < sizeof list / sizeof *list; i++) {
        if (skip & list[i].bit) continue;
        if (list[i].sized) s = try_shapes(&p);
        if (!s) s = list[i].run(&p);
        if (!s) s = fct_passes_refresh(&p);
    }
    fct_shapes_free(&p.trial);
    fct_free(p.uses);
    fct_free(p.producer);
    return s;
}

#include "graph/weights.h"
#include "base/alloc.h"
#include "base/error.h"
#include "graph/shapes.h"
#include "kernels/kernels.h"
#include "ops/fc.h"
#include <string.h>

/* Weights of all parts one after the other, times their scales; *temp is to be freed. */
static fct_status stack_weights(fct_model *m, const fct_node *n, size_t per, const float **out, float **temp, fct_error *err) {
    const fct_fused *f = n->fused;
    const fct_view *v;
    fct_status s = FCT_OK;
    *temp = NULL;
    if (f->n_parts == 1 && !f->weight_scale) {
        s = fct_const_data(m->g->values[f->parts[0]].konst, &v, err);
        *out = s ? NULL : fct_view_f32(v);
        return s;
    }
    float *w = *temp = fct_alloc((size_t)f->oc * per * sizeof *w);
    if (!w) return fct_fail_nomem(err, n->name, (size_t)f->oc * per * sizeof *w);
    size_t o = 0;
    for (int i = 0; !s && i < f->n_parts; i++) {
        fct_const *c = m->g->values[f->parts[i]].konst;
        if ((s = fct_const_data(c, &v, err))) break;
        for (size_t k = 0; k < (size_t)v->dims[0]; k++, o++)
            for (size_t q = 0; q < per; q++)
                w[o * per + q] = fct_view_f32(v)[k * per + q] * (f->weight_scale ? f->weight_scale[o] : 1);
        fct_const_drop(c);
    }
    *out = w;
    return s;
}

/* in: the shape the convolution will most likely see, or NULL: with it the
 * weights are packed at once and their raw form is given up layer by layer. */
static fct_status pack_conv(fct_model *m, fct_node *n, const fct_view *in, fct_error *err) {
    const fct_fused *f = n->fused;
    size_t per = (size_t)(f->ic / f->groups) * (size_t)(f->kh * f->kw);
    const float *w = NULL;
    float *temp;
    fct_conv *conv = NULL;
    fct_conv_plan *plan;
    fct_status s = stack_weights(m, n, per, &w, &temp, err);
    fct_conv_spec spec = {.name = n->name, .ic = f->ic, .oc = f->oc, .groups = f->groups, .kh = f->kh, .kw = f->kw,
                          .sh = f->sh, .sw = f->sw, .dh = f->dh, .dw = f->dw, .pad_top = f->pad[0], .pad_left = f->pad[1],
                          .pad_bottom = f->pad[2], .pad_right = f->pad[3], .weight = w, .bias = f->bias,
                          .in_scale = f->in_scale, .in_shift = f->in_shift, .act = f->act, .add = f->add,
                          .add_up2 = f->add_up2, .planar_in = f->planar_in, .precision = m->opts.model.precision,
                          .low_memory = m->opts.model.low_memory};
    spec.act.slope = f->slope;
    if (!s) s = fct_conv_create(&spec, &conv, err);
    n->fused->packed = conv;
    fct_free(temp);
    if (f->n_parts == 1) fct_const_drop(m->g->values[f->parts[0]].konst);
    if (s || !in) return s;
    if ((s = fct_conv_plan_create(conv, (int)in->dims[0], (int)in->dims[2], (int)in->dims[3], NULL, &plan, err))) return s;
    fct_conv_plan_free(plan);
    return FCT_OK;
}

static fct_status pack_fc(fct_model *m, fct_node *n, fct_error *err) {
    const fct_fused *f = n->fused;
    fct_const *c = m->g->values[f->parts[0]].konst;
    const fct_view *v;
    fct_fc *fc = NULL;
    fct_status s = fct_const_data(c, &v, err);
    if (s) return s;
    fct_fc_spec spec = {.name = n->name, .k = f->ic, .n = f->oc, .weight = fct_view_f32(v), .weight_kn = f->weight_kn,
                        .row_scale = f->weight_scale, .bias = f->bias, .channels = f->channels, .in_scale = f->in_scale,
                        .in_shift = f->in_shift, .blocked = f->fc_channels,
                        .half = m->opts.model.precision == FCT_PRECISION_FAST};
    s = fct_fc_create(&spec, &fc, err);
    n->fused->packed = fc;
    fct_const_drop(c);
    return s;
}

/* n floats and as many zeros (or fill) as whole blocks need. */
static bool pad_vector(float **v, int n, float fill) {
    int padded = fct_blocks(n, FCT_CB_MAX) * FCT_CB_MAX;
    float *p = fct_realloc_array(*v, (size_t)padded, sizeof *p);
    if (!p) return false;
    for (int i = *v ? n : 0; i < padded; i++) p[i] = fill;
    *v = p;
    return true;
}

static fct_status pack_affine(fct_node *n, fct_error *err) {
    fct_fused *f = n->fused;
    bool ok = pad_vector(&f->scale, f->channels, 0) && pad_vector(&f->shift, f->channels, 0);
    if (f->act.kind == FCT_ACT_LEAKY || f->act.kind == FCT_ACT_PRELU) ok = ok && pad_vector(&f->slope, f->channels, f->act.a);
    return ok ? FCT_OK : fct_fail_nomem(err, n->name, 0);
}

static void mark(bool *used, int v) {
    if (v >= 0) used[v] = true;
}

static fct_status free_constants(fct_graph *g, fct_error *err) {
    bool *used = fct_calloc((size_t)g->n_values, sizeof *used);
    if (!used) return fct_fail_nomem(err, "constants", 0);
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i].n_in; k++) mark(used, g->nodes[i].in[k]);
        if (g->nodes[i].kind == FCT_NODE_HEAD) mark(used, g->nodes[i].fused->reshape_to);
    }
    for (int i = 0; i < g->n_outputs; i++) mark(used, g->outputs[i]);
    for (int i = 0; i < g->n_values; i++) {
        if (used[i]) continue;
        fct_const_free(g->values[i].konst);
        g->values[i].konst = NULL;
    }
    fct_free(used);
    return FCT_OK;
}

/* Shapes for inputs whose dimensions are all fixed but the batch. */
static bool fixed_shapes(const fct_graph *g, fct_shapes *shapes) {
    fct_view in[8];
    fct_error ignored;
    if (g->n_inputs < 1 || g->n_inputs > 8) return false;
    for (int i = 0; i < g->n_inputs; i++) {
        const fct_value *v = &g->values[g->inputs[i]];
        in[i] = (fct_view){.dtype = FCT_F32, .rank = v->rank};
        if (v->rank < 1) return false;
        in[i].dims[0] = v->dims[0] > 0 ? v->dims[0] : 1;
        for (int k = 1; k < v->rank; k++)
            if ((in[i].dims[k] = v->dims[k]) < 1) return false;
        if (!fct_op_check_dims(&in[i])) return false;
    }
    return !fct_shapes_infer(g, in, shapes, &ignored);
}

fct_status fct_weights_pack(fct_model *m, fct_error *err) {
    fct_shapes shapes = {0};
    bool fixed = fixed_shapes(m->g, &shapes);
    fct_status s = FCT_OK;
    for (int i = 0; !s && i < m->g->n_nodes; i++) {
        fct_node *n = &m->g->nodes[i];
        if (n->kind == FCT_NODE_CONV) s = pack_conv(m, n, fixed ? &shapes.views[n->in[0]] : NULL, err);
        if (n->kind == FCT_NODE_FC) s = pack_fc(m, n, err);
        if (n->kind == FCT_NODE_AFFINE) s = pack_affine(n, err);
    }
    fct_shapes_free(&shapes);
    return s ? s : free_constants(m->g, err);
}

void fct_weights_free(fct_graph *g) {
    for (int i = 0; i < g->n_nodes; i++) {
        fct_node *n = &g->nodes[i];
        if (n->kind == FCT_NODE_CONV && n->fused) fct_conv_free(n->fused->packed);
        if (n->kind == FCT_NODE_FC && n->fused) fct_fc_free(n->fused->packed);
    }
}

size_t fct_weights_memory(const fct_graph *g) {
    size_t sum = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const fct_node *n = &g->nodes[i];
        if (n->kind == FCT_NODE_CONV && n->fused->packed) sum += fct_conv_memory(n->fused->packed);
        if (n->kind == FCT_NODE_FC && n->fused->packed) sum += fct_fc_memory(n->fused->packed);
    }
    return sum;
}

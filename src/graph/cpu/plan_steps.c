#include "graph/cpu/plan_steps.h"
#include "base/alloc.h"
#include "base/error.h"
#include "graph/cpu/plan_ops.h"
#include <stdio.h>
#include <string.h>

static fct_status nomem(const fct_node *n, fct_error *err) { return fct_fail_nomem(err, n ? n->name : "plan", 0); }

/* ---- Convolution ------------------------------------------------------------- */

static fct_status run_conv(const fct_step *s, const fct_run *r) {
    fct_conv_run(s->conv, fct_run_data(r, s->in[0]), s->in[1] >= 0 ? fct_run_data(r, s->in[1]) : NULL,
                 fct_run_data(r, s->out), r->scratch);
    return FCT_OK;
}

/* A convolution with all that was fused into it; which algorithm runs it is decided here, for this shape. */
static fct_status plan_conv(fct_plan *p, const fct_node *n, fct_error *err) {
    const fct_fused *f = n->fused;
    fct_conv *conv = fct_cpu_net_layer(p->net, n)->conv;
    fct_status s = FCT_OK;
    int in = fct_plan_need(p, n->in[0], fct_conv_is_planar(conv) ? FCT_PLANAR : FCT_BLOCKED, &s, err), add = -1;
    if (!s && f->add) add = fct_plan_need(p, n->in[1], FCT_BLOCKED, &s, err);
    if (s) return s;
    fct_step *st = fct_plan_step(p, n, n->out, 2, run_conv);
    if (!st) return nomem(n, err);
    st->in[0] = in;
    st->in[1] = add;
    st->by_image = true;
    st->d = fct_plan_dims(&p->shapes.views[n->in[0]]);
    if ((s = fct_conv_plan_create(conv, st->d.n, st->d.h, st->d.w, NULL, &st->conv, err))) return s;
    int oh, ow;
    const fct_tensor_view *o = &p->shapes.views[n->out];
    fct_conv_plan_out(st->conv, &oh, &ow);
    if (oh != o->dims[2] || ow != o->dims[3])
        return fct_fail(err, FCT_ERR_INTERNAL, "%s: node '%s': planned size differs", p->net->g->file, n->name);
    st->scratch = fct_conv_plan_scratch(st->conv);
    st->algorithm = fct_conv_plan_algorithm(st->conv);
    st->macs = fct_node_macs(p->net->g, &p->shapes, n);
    snprintf(st->label, sizeof st->label, "%s %dx%d s%d %d-%d",
             f->groups == 1       ? n->op->name
             : f->groups == f->ic ? "Depthwise"
                                  : "Grouped",
             f->kh, f->kw, f->sh, f->ic, f->oc);
    int out = fct_plan_result(p, n->out, FCT_BLOCKED);
    p->steps[p->n_steps - 1].out = out;
    return out < 0 ? nomem(n, err) : FCT_OK;
}

/* ---- Fully connected ----------------------------------------------------------- */

static fct_status run_fc(const fct_step *s, const fct_run *r) {
    fct_fc_run(s->fc, fct_run_data(r, s->in[0]), s->d.n, fct_run_data(r, s->out), r->scratch);
    return FCT_OK;
}

/* A fully connected layer. */
static fct_status plan_fc(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    int in = fct_plan_need(p, n->in[0], n->fused->fc_channels ? FCT_BLOCKED : FCT_PLANAR, &s, err);
    if (s) return s;
    fct_step *st = fct_plan_step(p, n, n->out, 1, run_fc);
    if (!st) return nomem(n, err);
    st->in[0] = in;
    st->d.n = (int)p->shapes.views[n->in[0]].dims[0];
    st->fc = fct_cpu_net_layer(p->net, n)->fc;
    st->scratch = fct_fc_scratch(st->fc, st->d.n);
    st->algorithm = fct_fc_algorithm(st->fc);
    st->macs = fct_node_macs(p->net->g, &p->shapes, n);
    snprintf(st->label, sizeof st->label, "FC %d-%d", n->fused->ic, n->fused->oc);
    int out = fct_plan_result(p, n->out, FCT_PLANAR);
    p->steps[p->n_steps - 1].out = out;
    return out < 0 ? nomem(n, err) : FCT_OK;
}

/* ---- Heads and affine ----------------------------------------------------------- */

static fct_status run_head(const fct_step *s, const fct_run *r) {
    const fct_fused *f = s->node->fused;
    fct_blk_to_planar(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->out), f->c0, f->cn, f->nhwc,
                      f->act.kind == FCT_ACT_SIGMOID);
    return FCT_OK;
}

static fct_status run_affine(const fct_step *s, const fct_run *r) {
    const fct_fused *f = s->node->fused;
    fct_blk_affine(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->out), f->scale, f->shift, &f->act, f->slope);
    return FCT_OK;
}

/* A head or an affine node: one input in blocks, one result. */
static fct_status plan_simple(fct_plan *p, const fct_node *n, bool head, fct_error *err) {
    fct_status s = FCT_OK;
    int in = fct_plan_need(p, n->in[0], FCT_BLOCKED, &s, err);
    if (s) return s;
    fct_step *st = fct_plan_step(p, n, n->out, 1, head ? run_head : run_affine);
    if (!st) return nomem(n, err);
    st->in[0] = in;
    st->in_place = head ? -1 : 0;
    st->by_image = true;
    st->d = fct_plan_dims(&p->shapes.views[n->in[0]]);
    snprintf(st->label, sizeof st->label, head ? "Head" : "Affine");
    int out = fct_plan_result(p, n->out, head ? FCT_PLANAR : FCT_BLOCKED);
    p->steps[p->n_steps - 1].out = out;
    return out < 0 ? nomem(n, err) : FCT_OK;
}

fct_status fct_plan_node(fct_plan *p, const fct_node *n, fct_error *err) {
    if (p->shapes.views[n->out].data) return FCT_OK; /* known from the shapes alone */
    switch (n->kind) {
    case FCT_NODE_CONV:
        return plan_conv(p, n, err);
    case FCT_NODE_FC:
        return plan_fc(p, n, err);
    case FCT_NODE_HEAD:
        return plan_simple(p, n, true, err);
    case FCT_NODE_AFFINE:
        return plan_simple(p, n, false, err);
    default:
        return fct_plan_op(p, n, err);
    }
}

/* ---- Outputs ------------------------------------------------------------------- */

/* Inputs and constants that are outputs are copied, integers become floats. */
static fct_status run_output(const fct_step *s, const fct_run *r) {
    const fct_tensor_view *v = &r->plan->shapes.views[s->value];
    const void *from = fct_run_data(r, s->in[0]);
    float *to = fct_run_data(r, s->out);
    int64_t n = fct_view_count(v);
    if (v->dtype == FCT_F32 && n) memcpy(to, from, (size_t)n * sizeof *to);
    else
        for (int64_t i = 0; i < n; i++) to[i] = (float)((const int64_t *)from)[i];
    return FCT_OK;
}

/* Outputs are handed out as dense floats in memory that the plan owns, so one that is an input, a constant or an
 * integer tensor is copied. */
fct_status fct_plan_outputs(fct_plan *p, fct_error *err) {
    for (int i = 0; i < p->net->g->n_outputs; i++) {
        int v = p->net->g->outputs[i], out;
        fct_status s = FCT_OK;
        int slot = fct_plan_need(p, v, FCT_PLANAR, &s, err);
        if (s) return s;
        const fct_slot *root = &p->slots[p->slots[slot].root];
        p->outputs[i] = slot;
        if (root->input < 0 && !root->fixed && p->shapes.views[v].dtype == FCT_F32) continue;
        fct_step *st = fct_plan_step(p, NULL, v, 1, run_output);
        if (!st) return nomem(NULL, err);
        st->in[0] = slot;
        snprintf(st->label, sizeof st->label, "output");
        if ((out = fct_plan_slot(p, (size_t)fct_view_count(&p->shapes.views[v]) * sizeof(float))) < 0)
            return nomem(NULL, err);
        p->slots[out].first = p->n_steps - 1;
        p->steps[p->n_steps - 1].out = p->outputs[i] = out;
    }
    return FCT_OK;
}

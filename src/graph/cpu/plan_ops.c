#include "graph/cpu/plan_ops.h"
#include "base/alloc.h"
#include "base/error.h"
#include <stdio.h>
#include <string.h>

static fct_status nomem(const fct_node *n, fct_error *err) { return fct_fail_nomem(err, n->name, 0); }

static const fct_tensor_view *view(const fct_plan *p, int value) { return &p->shapes.views[value]; }

/* Whether input i lies in blocks already. */
static bool blocked_in(const fct_plan *p, const fct_node *n, int i) {
    return i < n->n_in && n->in[i] >= 0 && p->slot_of[FCT_BLOCKED][n->in[i]] >= 0;
}

/* The operator's call with known inputs, for parsing its parameters. */
static void parse_call(const fct_plan *p, const fct_node *n, const fct_tensor_view **in, fct_op_call *c,
                       fct_error *err) {
    for (int i = 0; i < n->n_in && i < 5; i++) in[i] = n->in[i] < 0 ? NULL : view(p, n->in[i]);
    fct_node_call(p->net->g, n, in, NULL, c, err);
    if (c->n_in > 5) c->n_in = 5;
}

/* A step on blocked tensors from the first n_in inputs. */
static fct_step *blocked_step(fct_plan *p, const fct_node *n, int n_in, fct_step_fn *run, fct_status *s,
                              fct_error *err) {
    int slots[2] = {-1, -1};
    for (int i = 0; i < n_in && !*s; i++) slots[i] = fct_plan_need(p, n->in[i], FCT_BLOCKED, s, err);
    if (*s) return NULL;
    fct_step *st = fct_plan_step(p, n, n->out, n_in, run);
    int out = st ? fct_plan_result(p, n->out, FCT_BLOCKED) : -1;
    if (out < 0) {
        *s = nomem(n, err);
        return NULL;
    }
    memcpy(st->in, slots, (size_t)n_in * sizeof *slots);
    st->out = out;
    st->by_image = true;
    st->d = fct_plan_dims(view(p, n->in[0]));
    snprintf(st->label, sizeof st->label, "%.30s", n->op->name);
    return st;
}

/* ---- Pooling ------------------------------------------------------------------- */

static fct_status run_pool(const fct_step *s, const fct_run *r) {
    const fct_attr *a = fct_attr_find(s->node->attrs, s->node->n_attrs, "count_include_pad", FCT_ATTR_INT);
    fct_blk_pool(s->d, &s->win, fct_node_is(s->node, FCT_OP_MAX_POOL), a && a->i, fct_run_data(r, s->in[0]),
                 fct_run_data(r, s->out));
    return FCT_OK;
}

static fct_status run_global(const fct_step *s, const fct_run *r) {
    fct_blk_global_pool(s->d, fct_node_is(s->node, FCT_OP_GLOBAL_MAX_POOL), fct_run_data(r, s->in[0]),
                        fct_run_data(r, s->out));
    return FCT_OK;
}

/* Pooling on blocks: windows are the same for all channels of a block. */
static fct_status plan_pool(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    bool global = !fct_node_is(n, FCT_OP_MAX_POOL) && !fct_node_is(n, FCT_OP_AVERAGE_POOL);
    fct_step *st = blocked_step(p, n, 1, global ? run_global : run_pool, &s, err);
    if (!st || global) return s;
    const fct_tensor_view *in[5];
    fct_op_call c;
    parse_call(p, n, in, &c, err);
    return fct_op_window(&c, NULL, st->d.h, st->d.w, &st->win);
}

/* ---- Element-wise ---------------------------------------------------------------- */

static fct_status run_unary(const fct_step *s, const fct_run *r) {
    fct_op_call c;
    fct_act a = {FCT_ACT_RELU, 0, 0, NULL};
    fct_node_call(r->plan->net->g, s->node, s->ptrs, NULL, &c, r->err);
    if (fct_node_is(s->node, FCT_OP_SIGMOID)) a.kind = FCT_ACT_SIGMOID;
    if (fct_node_is(s->node, FCT_OP_CLIP)) {
        a.kind = FCT_ACT_CLIP;
        fct_status st = fct_clip_limits(&c, &a.a, &a.b);
        if (st) return st;
    }
    fct_blk_affine(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->out), NULL, NULL, &a, NULL);
    return FCT_OK;
}

static fct_status run_binary(const fct_step *s, const fct_run *r) {
    fct_blk_binary(s->d, s->binary, fct_run_data(r, s->in[0]), fct_run_data(r, s->in[1]), fct_run_data(r, s->out));
    return FCT_OK;
}

static fct_status run_scale(const fct_step *s, const fct_run *r) {
    fct_blk_scale(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->in[1]), fct_run_data(r, s->out));
    return FCT_OK;
}

/* The kernel of an element-wise operator of two inputs, -1 where there is none. */
static int binary_kind(const fct_node *n) {
    switch (n->op->id) {
    case FCT_OP_ADD:
        return FCT_K_ADD;
    case FCT_OP_SUB:
        return FCT_K_SUB;
    case FCT_OP_MUL:
        return FCT_K_MUL;
    case FCT_OP_MAX:
        return FCT_K_MAX;
    case FCT_OP_MIN:
        return FCT_K_MIN;
    default:
        return -1;
    }
}

/* x * s, s of one number per image and channel: squeeze and excitation. */
static bool is_channel_scale(const fct_plan *p, const fct_node *n) {
    const fct_tensor_view *a = view(p, n->in[0]), *b = view(p, n->in[1]);
    return fct_node_is(n, FCT_OP_MUL) && a->rank == 4 && b->rank == 4 && a->dims[0] == b->dims[0] &&
           a->dims[1] == b->dims[1] && b->dims[2] == 1 && b->dims[3] == 1;
}

/* Whether an operator of two inputs has a form on blocks: both of one shape, or one number per channel. */
static bool binary_fits(const fct_plan *p, const fct_node *n) {
    return binary_kind(n) >= 0 && blocked_in(p, n, 0) &&
           (fct_view_same_dims(view(p, n->in[0]), view(p, n->in[1])) || is_channel_scale(p, n));
}

/* An element-wise operator on blocks, into the memory of its first input where nobody needs that afterwards. */
static fct_status plan_binary(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    bool same = fct_view_same_dims(view(p, n->in[0]), view(p, n->in[1]));
    fct_step *st = blocked_step(p, n, 2, same ? run_binary : run_scale, &s, err);
    if (!st) return s;
    st->binary = (fct_k_binary)binary_kind(n);
    st->in_place = 0;
    return FCT_OK;
}

/* The shapes of a node's inputs, for operators that read them at run time. */
static fct_status keep_views(fct_plan *p, fct_step *st, const fct_node *n, fct_error *err) {
    st->views = fct_calloc((size_t)n->n_in + 1, sizeof *st->views);
    st->ptrs = fct_calloc((size_t)n->n_in + 1, sizeof *st->ptrs);
    if (!st->views || !st->ptrs) return nomem(n, err);
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] < 0) continue;
        st->views[i] = *view(p, n->in[i]);
        st->ptrs[i] = &st->views[i];
    }
    return FCT_OK;
}

/* Relu, Clip and Sigmoid that no convolution has taken in. */
static fct_status plan_unary(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    fct_step *st = blocked_step(p, n, 1, run_unary, &s, err);
    if (!st) return s;
    st->in_place = 0;
    return keep_views(p, st, n, err);
}

/* ---- Resize, Concat ---------------------------------------------------------------- */

static fct_status run_resize(const fct_step *s, const fct_run *r) {
    fct_blk_resize(s->d, &s->resize, fct_run_data(r, s->in[0]), fct_run_data(r, s->out));
    return FCT_OK;
}

static fct_status run_concat(const fct_step *s, const fct_run *r) {
    const fct_tensor_view *o = &r->plan->shapes.views[s->value];
    int at = 0;
    for (int i = 0; i < s->n_in; i++) {
        fct_dims d = fct_plan_dims(&r->plan->shapes.views[s->node->in[i]]);
        fct_blk_concat(d, fct_run_data(r, s->in[i]), fct_run_data(r, s->out), (int)o->dims[1], at);
        at += d.c;
    }
    return FCT_OK;
}

/* Channels can be concatenated block by block when all but the last input fill theirs. */
static bool concat_fits(const fct_plan *p, const fct_node *n) {
    const fct_attr *axis = fct_attr_find(n->attrs, n->n_attrs, "axis", FCT_ATTR_INT);
    if (axis && axis->i != 1 && axis->i != -3) return false;
    for (int i = 0; i < n->n_in; i++)
        if (!blocked_in(p, n, i) || (i < n->n_in - 1 && view(p, n->in[i])->dims[1] % fct_kernels()->cb)) return false;
    return true;
}

/* Channels one after the other; blocks are copied as wholes. */
static fct_status plan_concat(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_step *st = fct_plan_step(p, n, n->out, n->n_in, run_concat);
    if (!st) return nomem(n, err);
    for (int i = 0; i < n->n_in; i++) st->in[i] = p->slot_of[FCT_BLOCKED][n->in[i]];
    st->by_image = true;
    snprintf(st->label, sizeof st->label, "%.30s", n->op->name);
    int out = fct_plan_result(p, n->out, FCT_BLOCKED);
    p->steps[p->n_steps - 1].out = out;
    return out < 0 ? nomem(n, err) : FCT_OK;
}

/* ---- Everything else ------------------------------------------------------------ */

/* The operator's own run() on dense tensors, which are views of the arena. */
static fct_status run_plain(const fct_step *s, const fct_run *r) {
    fct_tensor_view in[8], out = s->views[s->n_in];
    const fct_tensor_view *few[8], **list = s->n_in <= 8 ? few : NULL;
    fct_tensor_view *copies = in;
    fct_op_call c;
    if (!list) {
        copies = fct_alloc((size_t)s->n_in * sizeof *copies);
        list = fct_alloc((size_t)s->n_in * sizeof *list);
    }
    fct_status st = copies && list ? FCT_OK : nomem(s->node, r->err);
    for (int i = 0; !st && i < s->n_in; i++) {
        list[i] = NULL;
        if (s->in[i] < 0) continue;
        copies[i] = s->views[i];
        copies[i].data = fct_run_data(r, s->in[i]);
        list[i] = &copies[i];
    }
    out.data = fct_run_data(r, s->out);
    fct_node_call(r->plan->net->g, s->node, list, &out, &c, r->err);
    if (!st) st = s->node->op->run(&c);
    if (s->n_in > 8) {
        fct_free(copies);
        fct_free((void *)list);
    }
    return st;
}

/* Operators that only rename dimensions share their input's memory. */
static bool renames(const fct_node *n) {
    switch (n->op->id) {
    case FCT_OP_RESHAPE:
    case FCT_OP_FLATTEN:
    case FCT_OP_SQUEEZE:
    case FCT_OP_UNSQUEEZE:
    case FCT_OP_IDENTITY:
    case FCT_OP_DROPOUT:
        return true;
    default:
        return false;
    }
}

/* Adds no step: the result is the input's memory under another shape. */
static fct_status plan_rename(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    int in = fct_plan_need(p, n->in[0], FCT_PLANAR, &s, err);
    int out = s ? -1 : fct_plan_slot(p, 0);
    if (s) return s;
    if (out < 0) return nomem(n, err);
    p->slots[out].root = p->slots[in].root;
    p->slot_of[FCT_PLANAR][n->out] = out;
    return FCT_OK;
}

/* An operator without a form on blocks: its inputs are brought into plain order. */
static fct_status plan_plain(fct_plan *p, const fct_node *n, fct_error *err) {
    fct_status s = FCT_OK;
    int *slots = fct_alloc(((size_t)n->n_in + 1) * sizeof *slots);
    if (!slots) return nomem(n, err);
    for (int i = 0; !s && i < n->n_in; i++)
        slots[i] = n->in[i] < 0 ? -1 : fct_plan_need(p, n->in[i], FCT_PLANAR, &s, err);
    fct_step *st = s ? NULL : fct_plan_step(p, n, n->out, n->n_in, run_plain);
    if (st) memcpy(st->in, slots, (size_t)n->n_in * sizeof *slots);
    else if (!s) s = nomem(n, err);
    fct_free(slots);
    if (s || (s = keep_views(p, st, n, err))) return s;
    st->views[n->n_in] = *view(p, n->out);
    st->algorithm = "plain";
    st->macs = fct_node_macs(p->net->g, &p->shapes, n);
    snprintf(st->label, sizeof st->label, "%.30s", n->op->name);
    int out = fct_plan_result(p, n->out, FCT_PLANAR);
    p->steps[p->n_steps - 1].out = out;
    return out < 0 ? nomem(n, err) : FCT_OK;
}

/* A Resize of height and width alone runs on blocks; one of the batch or of the channels does not. */
static fct_status plan_resize(fct_plan *p, const fct_node *n, fct_error *err) {
    const fct_tensor_view *in[5];
    fct_op_call c;
    fct_resize z;
    parse_call(p, n, in, &c, err);
    fct_status s = fct_resize_parse(&c, &z);
    if (s) return s;
    if (z.out[0] != in[0]->dims[0] || z.out[1] != in[0]->dims[1]) return plan_plain(p, n, err);
    fct_step *st = blocked_step(p, n, 1, run_resize, &s, err);
    if (st) st->resize = z;
    return s;
}

/* Keeps values in blocks where the operator can work on blocks; whatever cannot takes its plain form. */
fct_status fct_plan_op(fct_plan *p, const fct_node *n, fct_error *err) {
    if (renames(n)) return plan_rename(p, n, err);
    if (!blocked_in(p, n, 0) && !blocked_in(p, n, 1)) return plan_plain(p, n, err);
    switch (n->op->id) {
    case FCT_OP_MAX_POOL:
    case FCT_OP_AVERAGE_POOL:
    case FCT_OP_GLOBAL_AVERAGE_POOL:
    case FCT_OP_GLOBAL_MAX_POOL:
        return blocked_in(p, n, 0) ? plan_pool(p, n, err) : plan_plain(p, n, err);
    case FCT_OP_RELU:
    case FCT_OP_CLIP:
    case FCT_OP_SIGMOID:
        return plan_unary(p, n, err);
    case FCT_OP_CONCAT:
        return concat_fits(p, n) ? plan_concat(p, n, err) : plan_plain(p, n, err);
    case FCT_OP_RESIZE:
    case FCT_OP_UPSAMPLE:
        return plan_resize(p, n, err);
    default:
        return binary_fits(p, n) ? plan_binary(p, n, err) : plan_plain(p, n, err);
    }
}

/* What plans are built from: slots for tensors, steps that read and write slots, and the conversion between the
 * two layouts. A value may have a slot in each layout; whoever reads it says which one it needs, and the step
 * that converts is added when somebody needs what is not there yet. */
#include "graph/cpu/plan.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <stdio.h>
#include <string.h>

fct_dims fct_plan_dims(const fct_tensor_view *v) {
    return (fct_dims){(int)v->dims[0], (int)v->dims[1], (int)v->dims[2], (int)v->dims[3]};
}

/* Doubles an array when it is full; false = out of memory. */
static bool reserve(void **p, int n, size_t *cap, size_t size) {
    void *q = fct_grow(*p, cap, (size_t)n + 1, size);
    if (q) *p = q;
    return q != NULL;
}

int fct_plan_slot(fct_plan *p, size_t bytes) {
    if (!reserve((void **)&p->slots, p->n_slots, &p->cap_slots, sizeof *p->slots)) return -1;
    p->slots[p->n_slots] = (fct_slot){.bytes = bytes, .first = p->n_steps, .last = -1, .root = p->n_slots, .input = -1};
    return p->n_slots++;
}

/* Every input starts as -1, for none; the caller fills in the slots. */
fct_step *fct_plan_step(fct_plan *p, const fct_node *n, int value, int n_in, fct_step_fn *run) {
    int *in = fct_alloc((size_t)n_in * sizeof *in);
    if (!in || !reserve((void **)&p->steps, p->n_steps, &p->cap_steps, sizeof *p->steps)) {
        fct_free(in);
        return NULL;
    }
    fct_step *s = &p->steps[p->n_steps++];
    memset(s, 0, sizeof *s);
    s->run = run;
    s->node = n;
    s->value = value;
    s->in = in;
    s->n_in = n_in;
    s->in_place = -1;
    s->algorithm = "";
    for (int i = 0; i < n_in; i++) in[i] = -1;
    return s;
}

int fct_plan_result(fct_plan *p, int value, fct_tensor_layout l) {
    const fct_tensor_view *v = &p->shapes.views[value];
    size_t bytes = l == FCT_BLOCKED ? fct_blk_size(fct_plan_dims(v)) * sizeof(float)
                                    : (size_t)fct_view_count(v) * fct_dtype_size(v->dtype);
    int s = fct_plan_slot(p, bytes);
    /* the step that makes it has been added already */
    if (s >= 0) p->slots[s].first = p->n_steps - 1;
    return p->slot_of[l][value] = s;
}

void *fct_run_data(const fct_run *r, int slot) {
    const fct_slot *s = &r->plan->slots[r->plan->slots[slot].root];
    if (s->input >= 0) return r->inputs[s->input].data;
    if (s->fixed) return (void *)(uintptr_t)s->fixed; /* read-only by contract */
    return r->arena + s->offset;
}

/* ---- Layouts ------------------------------------------------------------------ */

static fct_status run_to_blocked(const fct_step *s, const fct_run *r) {
    fct_blk_from_planar(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->out));
    return FCT_OK;
}

static fct_status run_to_planar(const fct_step *s, const fct_run *r) {
    fct_blk_to_planar(s->d, fct_run_data(r, s->in[0]), fct_run_data(r, s->out), 0, s->d.c, false, false);
    return FCT_OK;
}

/* A constant as a planar slot. */
static int fixed_slot(fct_plan *p, int value, fct_status *s, fct_error *err) {
    const fct_tensor_view *v = &p->shapes.views[value];
    const void *data = v->data;
    if (!data && p->net->g->values[value].konst) data = p->net->g->values[value].konst->view.data;
    int slot = data ? fct_plan_slot(p, 0) : -1;
    if (slot < 0) {
        *s = data ? fct_fail_nomem(err, "plan", 0)
                  : fct_fail(err, FCT_ERR_INTERNAL, "%s: value '%s' is not made", p->net->g->file,
                             p->net->g->values[value].name);
        return -1;
    }
    p->slots[slot].fixed = data;
    p->slots[slot].first = -1;
    return p->slot_of[FCT_PLANAR][value] = slot;
}

int fct_plan_need(fct_plan *p, int value, fct_tensor_layout l, fct_status *s, fct_error *err) {
    if (p->slot_of[l][value] >= 0) return p->slot_of[l][value];
    fct_tensor_layout other = l == FCT_PLANAR ? FCT_BLOCKED : FCT_PLANAR;
    int from = p->slot_of[other][value];
    if (from < 0 && ((from = fixed_slot(p, value, s, err)) < 0 || l == FCT_PLANAR)) return from;
    fct_step *st = fct_plan_step(p, NULL, value, 1, l == FCT_PLANAR ? run_to_planar : run_to_blocked);
    if (!st) {
        *s = fct_fail_nomem(err, "plan", 0);
        return -1;
    }
    st->in[0] = from;
    st->by_image = true;
    st->d = fct_plan_dims(&p->shapes.views[value]);
    snprintf(st->label, sizeof st->label, l == FCT_PLANAR ? "to planar" : "to blocked");
    int slot = fct_plan_result(p, value, l);
    if (slot < 0) *s = fct_fail_nomem(err, "plan", 0);
    p->steps[p->n_steps - 1].out = slot;
    return slot;
}

/* ---- Running and freeing ----------------------------------------------------------- */

void fct_plan_free(fct_plan *p) {
    if (!p) return;
    for (int i = 0; i < p->n_steps; i++) {
        fct_conv_plan_free(p->steps[i].conv);
        fct_chain_free(p->steps[i].chain);
        fct_free(p->steps[i].in);
        fct_free(p->steps[i].views);
        fct_free(p->steps[i].ptrs);
    }
    fct_free(p->steps);
    fct_free(p->slots);
    fct_free(p->slot_of[0]);
    fct_free(p->slot_of[1]);
    fct_free(p->outputs);
    fct_shapes_free(&p->shapes);
    fct_plan_free(p->front.one);
    fct_free(p->front.live);
    fct_free(p);
}

fct_status fct_plan_run_steps(const fct_plan *p, const fct_tensor_view *inputs, char *arena, double *times,
                              fct_error *err) {
    fct_run r = {p, arena, arena + p->scratch_at, inputs, err};
    for (int i = p->begin; i < p->end; i++) {
        uint64_t t = times ? fct_time_ns() : 0;
        fct_status s = p->steps[i].run(&p->steps[i], &r);
        if (s) return s;
        if (times) times[i] += (double)(fct_time_ns() - t) * 1e-6;
    }
    return FCT_OK;
}

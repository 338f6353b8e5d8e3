/* Plans: building and running. */
#include "graph/plan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "ops/limits.h"
#include <string.h>

fct_dims fct_plan_dims(const fct_tensor_view *v) {
    return (fct_dims){(int)v->dims[0], (int)v->dims[1], (int)v->dims[2], (int)v->dims[3]};
}

static bool reserve(void **p, int n, int *cap, size_t size) {
    if (n < *cap) return true;
    int want = *cap ? *cap * 2 : 64;
    void *q = fct_realloc_array(*p, (size_t)want, size);
    if (!q) return false;
    *p = q;
    *cap = want;
    return true;
}

int fct_plan_slot(fct_plan *p, size_t bytes) {
    if (!reserve((void **)&p->slots, p->n_slots, &p->cap_slots, sizeof *p->slots)) return -1;
    p->slots[p->n_slots] = (fct_slot){.bytes = bytes, .first = p->n_steps, .last = -1, .root = p->n_slots, .input = -1};
    return p->n_slots++;
}

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

static fct_status prepare(fct_plan *p, fct_error *err) {
    const fct_graph *g = p->m->g;
    size_t n = (size_t)g->n_values;
    for (int l = 0; l < 2; l++)
        if (!(p->slot_of[l] = fct_alloc(n * sizeof(int)))) return fct_fail_nomem(err, "plan", 0);
    if (!(p->outputs = fct_calloc((size_t)g->n_outputs, sizeof(int)))) return fct_fail_nomem(err, "plan", 0);
    for (size_t i = 0; i < n; i++) p->slot_of[0][i] = p->slot_of[1][i] = -1;
    for (int i = 0; i < g->n_inputs; i++) {
        int s = fct_plan_slot(p, 0);
        if (s < 0) return fct_fail_nomem(err, "plan", 0);
        p->slots[s].input = i;
        p->slots[s].first = -1;
        p->slot_of[FCT_PLANAR][g->inputs[i]] = s;
    }
    return FCT_OK;
}

static fct_status check_work(const fct_plan *p, fct_error *err) {
    const fct_limits *most = &fct_work_limits;
    if (p->shapes.plain > most->plain)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: a run takes %.3g operations that have no fast form, more than %.3g",
                        p->m->g->file, p->shapes.plain, most->plain);
    if (p->shapes.fast > most->fast)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: a run takes %.3g multiply-adds, more than %.3g", p->m->g->file,
                        p->shapes.fast, most->fast);
    return FCT_OK;
}

fct_status fct_plan_build(const fct_model *m, const fct_tensor_view *inputs, fct_plan **out, fct_error *err) {
    *out = NULL;
    fct_plan *p = fct_calloc(1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "plan", sizeof *p);
    p->m = m;
    p->threads = fct_threads();
    fct_status s = fct_shapes_infer(m->g, inputs, &p->shapes, err);
    if (!s) s = check_work(p, err);
    if (!s) s = prepare(p, err);
    for (int i = 0; !s && i < m->g->n_nodes; i++) s = fct_plan_node(p, &m->g->nodes[i], err);
    if (!s) s = fct_plan_outputs(p, err);
    p->end = p->n_steps;
    if (s) fct_plan_free(p);
    else *out = p;
    return s;
}

fct_status fct_plan_create(const fct_model *m, const fct_tensor_view *inputs, fct_plan **out, fct_error *err) {
    fct_status s = fct_plan_build(m, inputs, out, err);
    if (!s) s = fct_front_create(*out, inputs, err);
    if (!s) s = fct_plan_place(*out, err);
    if (s) {
        fct_plan_free(*out);
        *out = NULL;
    }
    return s;
}

void fct_plan_free(fct_plan *p) {
    if (!p) return;
    for (int i = 0; i < p->n_steps; i++) {
        fct_conv_plan_free(p->steps[i].conv);
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

fct_status fct_plan_run(const fct_plan *p, const fct_tensor_view *inputs, char *arena, double *times, fct_error *err) {
    fct_run r = {p, arena, arena + p->scratch_at, inputs, err};
    if (p->front.one) {
        fct_status s = fct_front_run(p, inputs, arena, times, err);
        if (s) return s;
    }
    for (int i = p->begin; i < p->end; i++) {
        uint64_t t = times ? fct_time_ns() : 0;
        fct_status s = p->steps[i].run(&p->steps[i], &r);
        if (s) return s;
        if (times) times[i] += (double)(fct_time_ns() - t) * 1e-6;
    }
    return FCT_OK;
}

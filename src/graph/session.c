/* Sessions: plans for the latest shapes, one arena for all of them. */
#include "graph/arena.h"
#include "graph/model.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

#define PLANS 4

struct fct_session {
    const fct_model *m;
    fct_tensor_view *views;     /* inputs, then outputs */
    fct_net_plan *plans[PLANS]; /* latest used first */
    fct_arena own, *arena;      /* arena: &own, or another's */
    bool profile;
    const fct_net_plan *profiled; /* plan of times[] */
    double *times;
};

fct_status fct_arena_reserve(fct_arena *a, size_t size, fct_error *err) {
    if (a->data && size <= a->size) return FCT_OK;
    if (!size) size = 1; /* empty tensors have an address too */
    fct_arena_free(a);
    if (!(a->data = fct_aligned_alloc(size))) return fct_fail_nomem(err, "tensors of a run", size);
    memset(a->data, 0, size); /* lanes past the last channel must be finite */
    a->size = size;
    return FCT_OK;
}

void fct_arena_free(fct_arena *a) {
    fct_aligned_free(a->data);
    *a = (fct_arena){0};
}

fct_status fct_session_create_in(const fct_model *m, fct_arena *arena, fct_session **out, fct_error *err) {
    fct_session *s = fct_calloc(1, sizeof *s);
    *out = NULL;
    if (s) s->views = fct_calloc((size_t)(m->g->n_inputs + m->g->n_outputs), sizeof *s->views);
    if (!s || !s->views) {
        fct_free(s);
        return fct_fail_nomem(err, "session", 0);
    }
    s->m = m;
    s->arena = arena ? arena : &s->own;
    *out = s;
    return FCT_OK;
}

fct_status fct_session_create(const fct_model *m, fct_session **out, fct_error *err) {
    return fct_session_create_in(m, NULL, out, err);
}

void fct_session_free(fct_session *s) {
    if (!s) return;
    for (int i = 0; i < PLANS; i++) s->m->backend->plan_free(s->plans[i]);
    fct_arena_free(&s->own);
    fct_free(s->times);
    fct_free(s->views);
    fct_free(s);
}

/* The fixed dimensions that the file declares for an input are binding; a batch
 * of 1 is not: exporters write it where any batch works. */
static fct_status check_input(const fct_session *s, int i, const fct_tensor *t, fct_tensor_view *v, fct_error *err) {
    const fct_value *d = &s->m->g->values[s->m->g->inputs[i]];
    if (t->rank < 0 || t->rank > FCT_MAX_RANK || !t->data)
        return fct_fail(err, FCT_ERR_ARG, "%s: input '%s': no data, or rank %d", s->m->g->file, d->name, t->rank);
    if (d->rank >= 0 && d->rank != t->rank)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: input '%s' has rank %d, not %d", s->m->g->file, d->name, d->rank,
                        t->rank);
    *v = (fct_tensor_view){.dtype = FCT_F32, .rank = t->rank, .data = t->data};
    memcpy(v->dims, t->dims, (size_t)t->rank * sizeof *v->dims);
    if (!fct_op_check_dims(v))
        return fct_fail(err, FCT_ERR_ARG, "%s: input '%s': a dimension is below 1, or all together too large",
                        s->m->g->file, d->name);
    for (int k = 0; k < t->rank; k++)
        if (d->rank >= 0 && d->dims[k] > 0 && d->dims[k] != t->dims[k] && !(k == 0 && d->dims[0] == 1))
            return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: input '%s': dimension %d is %lld in the file, not %lld",
                            s->m->g->file, d->name, k, (long long)d->dims[k], (long long)t->dims[k]);
    return FCT_OK;
}

/* The plan for the inputs in s->views, moved to or put at the front. */
static fct_status find_plan(fct_session *s, fct_error *err) {
    const fct_backend *b = s->m->backend;
    int i = 0;
    while (i < PLANS && !(s->plans[i] && b->plan_fits(s->plans[i], s->views))) i++;
    if (i == PLANS) {
        fct_net_plan *p;
        fct_status st = b->plan(s->m->net, s->views, &p, err);
        if (st) return st;
        i = PLANS - 1;
        if (s->profiled == s->plans[i]) s->profiled = NULL;
        b->plan_free(s->plans[i]);
        s->plans[i] = p;
    }
    fct_net_plan *p = s->plans[i];
    memmove(s->plans + 1, s->plans, (size_t)i * sizeof *s->plans);
    s->plans[0] = p;
    return fct_arena_reserve(s->arena, b->plan_memory(p), err);
}

/* Zeroed times for the layers of a plan, where a profile is wanted. */
static fct_status start_profile(fct_session *s, const fct_net_plan *p, fct_error *err) {
    s->profiled = NULL;
    if (!s->profile) return FCT_OK;
    size_t n = (size_t)s->m->backend->layer_count(p);
    double *t = fct_realloc_array(s->times, n + 1, sizeof *t);
    if (!t) return fct_fail_nomem(err, "profile", 0);
    s->times = t;
    memset(t, 0, n * sizeof *t);
    return FCT_OK;
}

/* Finds the plan for these shapes, runs it, and hands out where its results lie. */
static fct_status run_planned(fct_session *s, fct_tensor *outputs, fct_error *err) {
    const fct_graph *g = s->m->g;
    fct_tensor_view *out = s->views + g->n_inputs;
    fct_status st = find_plan(s, err);
    if (!st) st = start_profile(s, s->plans[0], err);
    if (!st) st = s->m->backend->run(s->plans[0], s->views, s->arena->data, s->profile ? s->times : NULL, out, err);
    if (st) return st;
    if (s->profile) s->profiled = s->plans[0];
    for (int i = 0; i < g->n_outputs; i++) {
        outputs[i].data = fct_view_f32(&out[i]);
        outputs[i].rank = out[i].rank;
        memcpy(outputs[i].dims, out[i].dims, sizeof out[i].dims);
    }
    return FCT_OK;
}

fct_status fct_session_run(fct_session *s, const fct_tensor *inputs, int n_inputs, fct_tensor *outputs, int n_outputs,
                           fct_error *err) {
    const fct_graph *g = s->m->g;
    if (n_outputs > 0) memset(outputs, 0, (size_t)n_outputs * sizeof *outputs);
    if (n_inputs != g->n_inputs || n_outputs != g->n_outputs)
        return fct_fail(err, FCT_ERR_ARG, "%s: %d inputs and %d outputs, not %d and %d", g->file, g->n_inputs,
                        g->n_outputs, n_inputs, n_outputs);
    for (int i = 0; i < n_inputs; i++) {
        fct_status st = check_input(s, i, &inputs[i], &s->views[i], err);
        if (st) return st;
    }
    return run_planned(s, outputs, err);
}

void fct_session_profile(fct_session *s, bool on) { s->profile = on; }
int fct_session_layer_count(const fct_session *s) { return s->profiled ? s->m->backend->layer_count(s->profiled) : 0; }

fct_status fct_session_layer(const fct_session *s, int i, fct_layer_time *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    if (i < 0 || i >= fct_session_layer_count(s))
        return fct_fail(err, FCT_ERR_ARG, "layer %d of %d", i, fct_session_layer_count(s));
    s->m->backend->layer(s->profiled, i, out);
    out->ms = s->times[i];
    return FCT_OK;
}

size_t fct_session_memory(const fct_session *s) { return sizeof *s + s->own.size; }

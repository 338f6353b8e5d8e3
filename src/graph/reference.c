#include "graph/reference.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

typedef struct ref_state {
    const fct_graph *g;
    fct_tensor_view *views; /* per value */
    bool *owned;            /* data of the view is this run's */
    int *uses;              /* readers still to come */
    const fct_tensor_view **in;
    fct_error *err;
} ref_state;

/* Counts how often each value will be read, so that its memory can be freed after the last time. */
static void count_uses(ref_state *r) {
    for (int i = 0; i < r->g->n_nodes; i++)
        for (int k = 0; k < r->g->nodes[i].n_in; k++)
            if (r->g->nodes[i].in[k] >= 0) r->uses[r->g->nodes[i].in[k]]++;
    for (int i = 0; i < r->g->n_outputs; i++) r->uses[r->g->outputs[i]]++;
}

/* Notes that one reader of a value is done. */
static void release(ref_state *r, int value) {
    if (--r->uses[value] > 0 || !r->owned[value]) return;
    fct_free(r->views[value].data);
    r->views[value].data = NULL;
    r->owned[value] = false;
}

/* Runs one operator into fresh memory, then lets go of what it has read. */
static fct_status run_node(ref_state *r, const fct_node *n) {
    for (int k = 0; k < n->n_in; k++) r->in[k] = n->in[k] < 0 ? NULL : &r->views[n->in[k]];
    fct_status s = fct_node_eval(r->g, n, r->in, &r->views[n->out], r->err);
    if (s) return s;
    r->owned[n->out] = true;
    r->uses[n->out]++;
    release(r, n->out); /* nobody may read it */
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] >= 0) release(r, n->in[k]);
    return FCT_OK;
}

/* Copies an output as float32, which is what callers get. */
static fct_status take_output(ref_state *r, int value, fct_tensor_view *out) {
    const fct_tensor_view *v = &r->views[value];
    int64_t n = fct_view_count(v);
    *out = *v;
    out->dtype = FCT_F32;
    if (!(out->data = fct_alloc((size_t)n * 4))) return fct_fail_nomem(r->err, "output", (size_t)n * 4);
    if (v->dtype == FCT_F32 && n) memcpy(out->data, v->data, (size_t)n * 4);
    else
        for (int64_t i = 0; i < n; i++) fct_view_f32(out)[i] = (float)fct_view_i64(v)[i];
    return FCT_OK;
}

/* The file from its first node to its last. */
static fct_status run_all(ref_state *r, const fct_tensor_view *inputs, fct_tensor_view *outputs) {
    fct_status s = FCT_OK;
    const fct_tensor_view *v;
    for (int i = 0; !s && i < r->g->n_values; i++)
        if (r->g->values[i].konst && !(s = fct_const_data(r->g->values[i].konst, &v, r->err))) r->views[i] = *v;
    for (int i = 0; i < r->g->n_inputs; i++) r->views[r->g->inputs[i]] = inputs[i];
    count_uses(r);
    for (int i = 0; !s && i < r->g->n_nodes; i++) s = run_node(r, &r->g->nodes[i]);
    for (int i = 0; !s && i < r->g->n_outputs; i++) s = take_output(r, r->g->outputs[i], &outputs[i]);
    return s;
}

/* Most inputs that a node has. */
static int widest_node(const fct_graph *g) {
    int n = 1;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].n_in > n) n = g->nodes[i].n_in;
    return n;
}

fct_status fct_reference_run(const fct_graph *g, const fct_tensor_view *inputs, fct_tensor_view *outputs,
                             fct_error *err) {
    size_t n = (size_t)g->n_values;
    memset(outputs, 0, (size_t)g->n_outputs * sizeof *outputs);
    ref_state r = {g,
                   fct_calloc(n, sizeof *r.views),
                   fct_calloc(n, sizeof *r.owned),
                   fct_calloc(n, sizeof *r.uses),
                   fct_calloc((size_t)widest_node(g), sizeof *r.in),
                   err};
    fct_status s = r.views && r.owned && r.uses && r.in ? run_all(&r, inputs, outputs) : fct_fail_nomem(err, "run", 0);
    for (int i = 0; r.views && r.owned && i < g->n_values; i++)
        if (r.owned[i]) fct_free(r.views[i].data);
    for (int i = 0; s && i < g->n_outputs; i++) {
        fct_free(outputs[i].data);
        outputs[i].data = NULL;
    }
    fct_free(r.views);
    fct_free(r.owned);
    fct_free(r.uses);
    fct_free(r.in);
    return s;
}

/* ---- As a back end --------------------------------------------------------------- */

/* Weights stay where they are, in the graph; what stands for the network is the graph itself. */
static const fct_graph *graph_of(const fct_packed_net *n) { return (const fct_graph *)n; }

typedef struct reference_plan {
    const fct_graph *g;
    fct_tensor_view *outputs; /* of the latest run, with their data */
} reference_plan;

static reference_plan *plan_of(fct_net_plan *p) { return (reference_plan *)p; }

static fct_status reference_pack(const fct_pack_request *q, fct_packed_net **out, fct_error *err) {
    *out = (fct_packed_net *)q->g;
    return FCT_OK;
}

static size_t reference_memory(const fct_packed_net *n) { return 0; }

static void reference_free(fct_packed_net *n) { (void)n; }

static fct_status reference_plan_create(const fct_packed_net *n, const fct_tensor_view *inputs, fct_net_plan **out,
                                        fct_error *err) {
    reference_plan *p = fct_calloc(1, sizeof *p);
    *out = NULL;
    if (p) p->outputs = fct_calloc((size_t)graph_of(n)->n_outputs, sizeof *p->outputs);
    if (!p || !p->outputs) {
        fct_free(p);
        return fct_fail_nomem(err, "plan", 0);
    }
    p->g = graph_of(n);
    *out = (fct_net_plan *)p;
    return FCT_OK;
}

/* Nothing is prepared, so that one plan does for all shapes. */
static bool reference_plan_fits(const fct_net_plan *p, const fct_tensor_view *inputs) { return true; }

static size_t reference_plan_memory(const fct_net_plan *p) { return 0; }

/* Results are lent until the next run. */
static void drop_outputs(reference_plan *p) {
    for (int i = 0; i < p->g->n_outputs; i++) {
        fct_free(p->outputs[i].data);
        p->outputs[i].data = NULL;
    }
}

static void reference_plan_free(fct_net_plan *plan) {
    reference_plan *p = plan_of(plan);
    if (!p) return;
    drop_outputs(p);
    fct_free(p->outputs);
    fct_free(p);
}

static fct_status reference_plan_run(fct_net_plan *plan, const fct_tensor_view *inputs, char *arena, double *times,
                                     fct_tensor_view *outputs, fct_error *err) {
    reference_plan *p = plan_of(plan);
    drop_outputs(p);
    fct_status s = fct_reference_run(p->g, inputs, p->outputs, err);
    if (!s) memcpy(outputs, p->outputs, (size_t)p->g->n_outputs * sizeof *outputs);
    return s;
}

static int reference_layer_count(const fct_net_plan *p) { return 0; }

static void reference_layer(const fct_net_plan *p, int i, fct_layer_time *out) { *out = (fct_layer_time){0}; }

const fct_backend fct_reference_backend = {.device = "cpu",
                                           .plain = true,
                                           .pack = reference_pack,
                                           .net_memory = reference_memory,
                                           .net_free = reference_free,
                                           .plan = reference_plan_create,
                                           .plan_fits = reference_plan_fits,
                                           .plan_memory = reference_plan_memory,
                                           .plan_free = reference_plan_free,
                                           .run = reference_plan_run,
                                           .layer_count = reference_layer_count,
                                           .layer = reference_layer};

#include "graph/cpu/cpu_backend.h"
#include "base/cpu.h"
#include "base/thread.h"
#include "graph/cpu/planner.h"
#include "graph/cpu/weights.h"
#include <string.h>

/* The table's opaque types are these. */
static const fct_cpu_net *net_of(const fct_packed_net *n) { return (const fct_cpu_net *)n; }
static const fct_plan *plan_of(const fct_net_plan *p) { return (const fct_plan *)p; }

static fct_status cpu_pack(const fct_pack_request *q, fct_packed_net **out, fct_error *err) {
    fct_cpu_net *net;
    *out = NULL;
    fct_status s = fct_cpu_net_create(q->g, q->opts, &net, err);
    if (!s) s = fct_weights_pack(net, q, err);
    if (s) fct_cpu_net_free(net);
    else *out = (fct_packed_net *)net;
    return s;
}

static size_t cpu_net_memory(const fct_packed_net *n) { return fct_cpu_net_memory(net_of(n)); }
static void cpu_net_free(fct_packed_net *n) { fct_cpu_net_free((fct_cpu_net *)n); }

static fct_status cpu_plan(const fct_packed_net *n, const fct_tensor_view *inputs, fct_net_plan **out, fct_error *err) {
    fct_plan *p;
    fct_status s = fct_plan_create(net_of(n), inputs, &p, err);
    *out = (fct_net_plan *)p;
    return s;
}

/* A plan for fewer threads than there are now would leave some idle. */
static bool cpu_plan_fits(const fct_net_plan *plan, const fct_tensor_view *inputs) {
    const fct_plan *p = plan_of(plan);
    const fct_graph *g = p->net->g;
    if (p->threads < fct_threads()) return false;
    for (int i = 0; i < g->n_inputs; i++)
        if (!fct_view_same_dims(&p->shapes.views[g->inputs[i]], &inputs[i])) return false;
    return true;
}

static size_t cpu_plan_memory(const fct_net_plan *p) { return plan_of(p)->arena; }
static void cpu_plan_free(fct_net_plan *p) { fct_plan_free((fct_plan *)p); }

static fct_status cpu_run(fct_net_plan *plan, const fct_tensor_view *inputs, char *arena, double *times,
                          fct_tensor_view *outputs, fct_error *err) {
    const fct_plan *p = plan_of(plan);
    const fct_graph *g = p->net->g;
    bool pool = fct_parallel_begin();
    unsigned fpu = fct_fpu_enter();
    fct_status s = fct_plan_run(p, inputs, arena, times, err);
    fct_fpu_leave(fpu);
    if (pool) fct_parallel_end();
    if (s) return s;
    const fct_run r = {p, arena, NULL, inputs, err};
    for (int i = 0; i < g->n_outputs; i++) {
        outputs[i] = p->shapes.views[g->outputs[i]];
        outputs[i].dtype = FCT_F32;
        outputs[i].data = fct_run_data(&r, p->outputs[i]);
    }
    return FCT_OK;
}

static int cpu_layer_count(const fct_net_plan *p) { return plan_of(p)->n_steps; }

static void cpu_layer(const fct_net_plan *plan, int i, fct_layer_time *out) {
    const fct_plan *p = plan_of(plan);
    const fct_step *s = &p->steps[i];
    *out = (fct_layer_time){.name = s->node ? s->node->name : p->net->g->values[s->value].name,
                            .op = s->label,
                            .algorithm = s->algorithm,
                            .macs = s->macs};
}

const fct_backend fct_cpu_backend = {.device = "cpu",
                                     .pack = cpu_pack,
                                     .net_memory = cpu_net_memory,
                                     .net_free = cpu_net_free,
                                     .plan = cpu_plan,
                                     .plan_fits = cpu_plan_fits,
                                     .plan_memory = cpu_plan_memory,
                                     .plan_free = cpu_plan_free,
                                     .run = cpu_run,
                                     .layer_count = cpu_layer_count,
                                     .layer = cpu_layer};

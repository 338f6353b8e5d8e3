#include "graph/cpu/plan_build.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "graph/cpu/plan_chain.h"
#include "graph/cpu/plan_steps.h"
#include "ops/limits.h"

/* Empty tables of slots; the inputs of the graph have a slot from the start. */
static fct_status prepare(fct_plan *p, fct_error *err) {
    const fct_graph *g = p->net->g;
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

/* A small file may describe a run that never ends: the work of all nodes is bounded before any of them is
 * planned. */
static fct_status check_work(const fct_plan *p, fct_error *err) {
    const fct_limits *most = &fct_work_limits;
    if (p->shapes.plain > most->plain)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: a run takes %.3g operations that have no fast form, more than %.3g",
                        p->net->g->file, p->shapes.plain, most->plain);
    if (p->shapes.fast > most->fast)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: a run takes %.3g multiply-adds, more than %.3g", p->net->g->file,
                        p->shapes.fast, most->fast);
    return FCT_OK;
}

/* Sizes all values, refuses more work than a run may cost, then plans node by node. */
fct_status fct_plan_build(const fct_cpu_net *net, const fct_tensor_view *inputs, fct_plan **out, fct_error *err) {
    *out = NULL;
    fct_plan *p = fct_calloc(1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "plan", sizeof *p);
    p->net = net;
    p->threads = fct_threads();
    fct_status s = fct_shapes_infer(net->g, inputs, &p->shapes, err);
    if (!s) s = check_work(p, err);
    if (!s) s = prepare(p, err);
    for (int i = 0; !s && i < net->g->n_nodes; i++) s = fct_plan_node(p, &net->g->nodes[i], err);
    if (!s) s = fct_plan_outputs(p, err);
    if (!s) s = fct_plan_chains(p, err);
    p->end = p->n_steps;
    if (s) fct_plan_free(p);
    else *out = p;
    return s;
}

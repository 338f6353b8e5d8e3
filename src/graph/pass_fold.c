/* Constant folding, and operators that change nothing. */
#include "graph/passes.h"
#include "base/alloc.h"
#include "base/error.h"
#include "ops/limits.h"

/* A small file must not unfold into a large model, nor take long to load: folding
 * stops, and the operators stay, when *budget is used up. */
static fct_status fold_node(fct_passes *p, fct_node *n, double *budget, bool *done) {
    fct_graph *g = p->g;
    fct_tensor_view out = {0};
    fct_op_call c;
    fct_status s = FCT_OK;
    const fct_tensor_view **in = fct_calloc((size_t)n->n_in + 1, sizeof *in);
    if (!in) return fct_fail_nomem(p->err, n->name, 0);
    for (int k = 0; !s && k < n->n_in; k++)
        if (n->in[k] >= 0) s = fct_const_data(g->values[n->in[k]].konst, &in[k], p->err);
    fct_node_call(g, n, in, &out, &c, p->err);
    if (!s) s = n->op->shape(&c);
    double work = s ? 0 : fct_op_work(&c);
    if (!s && work <= *budget && !(s = fct_node_eval(g, n, in, &out, p->err))) {
        *budget -= work;
        s = fct_graph_set_const(g, n->out, out.dtype, out.rank, out.dims, out.data, p->err);
        *done = !s;
    }
    fct_free(in);
    return s;
}

/* Whether all that a node reads is known, so that it can be computed now. */
static bool all_constant(const fct_graph *g, const fct_node *n) {
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] >= 0 && !g->values[n->in[k]].konst) return false;
    return true;
}

/* How much the file itself stores: folding may make a few times as much, not more. */
static double stored_elements(const fct_graph *g) {
    double n = 0;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i].konst) n += (double)fct_view_count(&g->values[i].konst->view);
    return n;
}

/* Computes nodes whose inputs are all constant, within a budget, and drops nodes that do nothing. */
fct_status fct_pass_fold(fct_passes *p) {
    fct_graph *g = p->g;
    double budget = fct_work_limits.folded + 4 * stored_elements(g);
    for (int i = 0; i < g->n_nodes; i++) {
        fct_node *n = &g->nodes[i];
        if (all_constant(g, n)) {
            fct_status s = fold_node(p, n, &budget, &n->dead);
            if (s) return s;
            continue;
        }
        bool nothing = fct_node_is(n, FCT_OP_IDENTITY) || fct_node_is(n, FCT_OP_DROPOUT);
        if (!nothing || n->in[0] < 0 || fct_passes_is_output(p, n->out)) continue;
        n->dead = true;
        fct_passes_replace(p, n->out, n->in[0]);
    }
    return FCT_OK;
}

/* The network as the file has it, one plain operator after the other. Slow, and
 * the judge of everything else. */
#include "graph/model.h"
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

static void count_uses(ref_state *r) {
    for (int i = 0; i < r->g->n_nodes; i++)
        for (int k = 0; k < r->g->nodes[i].n_in; k++)
            if (r->g->nodes[i].in[k] >= 0) r->uses[r->g->nodes[i].in[k]]++;
    for (int i = 0; i < r->g->n_outputs; i++) r->uses[r->g->outputs[i]]++;
}

static void release(ref_state *r, int value) {
    if (--r->uses[value] > 0 || !r->owned[value]) return;
    fct_free(r->views[value].data);
    r->views[value].data = NULL;
    r->owned[value] = false;
}

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

static int widest_node(const fct_graph *g) {
    int n = 1;
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i].n_in > n) n = g->nodes[i].n_in;
    return n;
}

fct_status fct_reference_run(const fct_model *m, const fct_tensor_view *inputs, fct_tensor_view *outputs,
                             fct_error *err) {
    const fct_graph *g = m->g;
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

/* Sessions: the memory of runs. */
#include "graph/model.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

struct fct_session {
    const fct_model *m;
    fct_view *views;   /* inputs, then outputs */
    bool profile;
};

fct_status fct_session_create(const fct_model *m, fct_session **out, fct_error *err) {
    fct_session *s = fct_calloc(1, sizeof *s);
    *out = NULL;
    if (s) s->views = fct_calloc((size_t)(m->g->n_inputs + m->g->n_outputs), sizeof *s->views);
    if (!s || !s->views) {
        fct_free(s);
        return fct_fail_nomem(err, "session", 0);
    }
    s->m = m;
    *out = s;
    return FCT_OK;
}

static void drop_outputs(fct_session *s) {
    for (int i = 0; i < s->m->g->n_outputs; i++) {
        fct_view *v = &s->views[s->m->g->n_inputs + i];
        fct_free(v->data);
        v->data = NULL;
    }
}

void fct_session_free(fct_session *s) {
    if (!s) return;
    drop_outputs(s);
    fct_free(s->views);
    fct_free(s);
}

/* The fixed dimensions that the file declares for an input are binding; a batch
 * of 1 is not: exporters write it where any batch works. */
static fct_status check_input(const fct_session *s, int i, const fct_tensor *t, fct_view *v, fct_error *err) {
    const fct_value *d = &s->m->g->values[s->m->g->inputs[i]];
    int64_t n = 1;
    if (t->rank < 0 || t->rank > FCT_MAX_RANK || !t->data)
        return fct_fail(err, FCT_ERR_ARG, "%s: input '%s': no data, or rank %d", s->m->g->file, d->name, t->rank);
    if (d->rank >= 0 && d->rank != t->rank)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: input '%s' has rank %d, not %d", s->m->g->file, d->name, d->rank, t->rank);
    *v = (fct_view){.dtype = FCT_F32, .rank = t->rank, .data = t->data};
    for (int k = 0; k < t->rank; k++) {
        v->dims[k] = t->dims[k];
        if (t->dims[k] < 1 || t->dims[k] > FCT_MAX_ELEMENTS / n)
            return fct_fail(err, FCT_ERR_ARG, "%s: input '%s': dimension %d is %lld", s->m->g->file, d->name, k, (long long)t->dims[k]);
        n *= t->dims[k];
        if (d->rank >= 0 && d->dims[k] > 0 && d->dims[k] != t->dims[k] && !(k == 0 && d->dims[0] == 1))
            return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: input '%s': dimension %d is %lld in the file, not %lld",
                            s->m->g->file, d->name, k, (long long)d->dims[k], (long long)t->dims[k]);
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
    fct_status st;
    for (int i = 0; i < n_inputs; i++)
        if ((st = check_input(s, i, &inputs[i], &s->views[i], err))) return st;
    drop_outputs(s);
    fct_view *out = s->views + n_inputs;
    if ((st = fct_reference_run(s->m, s->views, out, err))) return st;
    for (int i = 0; i < n_outputs; i++) {
        outputs[i].data = out[i].data;
        outputs[i].rank = out[i].rank;
        memcpy(outputs[i].dims, out[i].dims, sizeof out[i].dims);
    }
    return FCT_OK;
}

void fct_session_profile(fct_session *s, bool on) { s->profile = on; }
int fct_session_layer_count(const fct_session *s) { return 0; }

fct_status fct_session_layer(const fct_session *s, int i, fct_layer_time *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    return fct_fail(err, FCT_ERR_ARG, "layer %d of %d", i, 0);
}

size_t fct_session_memory(const fct_session *s) { return sizeof *s; }

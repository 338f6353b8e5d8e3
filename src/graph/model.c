/* Models: creation from a graph, and what can be asked about them. */
#include "graph/model.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "graph/devices.h"
#include <string.h>

void fct_model_opts_init(fct_model_opts *o) { *o = (fct_model_opts){.size = sizeof *o}; }

void fct_engine_opts_init(fct_engine_opts *o) {
    memset(o, 0, sizeof *o);
    fct_model_opts_init(&o->model);
}

/* Notes that a value is read; -1 stands for an input that is left out. */
static void mark(bool *used, int v) {
    if (v >= 0) used[v] = true;
}

/* Constants that only went into packed weights are not kept twice. */
static fct_status free_constants(fct_graph *g, fct_error *err) {
    bool *used = fct_calloc((size_t)g->n_values, sizeof *used);
    if (!used) return fct_fail_nomem(err, "constants", 0);
    for (int i = 0; i < g->n_nodes; i++) {
        for (int k = 0; k < g->nodes[i].n_in; k++) mark(used, g->nodes[i].in[k]);
        if (g->nodes[i].kind == FCT_NODE_HEAD) mark(used, g->nodes[i].fused->reshape_to);
    }
    for (int i = 0; i < g->n_outputs; i++) mark(used, g->outputs[i]);
    for (int i = 0; i < g->n_values; i++) {
        if (used[i]) continue;
        fct_const_free(g->values[i].konst);
        g->values[i].konst = NULL;
    }
    fct_free(used);
    return FCT_OK;
}

/* Copies what still lies in the loader's bytes, and reads what is still in the file. */
static fct_status keep_constants(fct_model *m, fct_error *err) {
    for (int i = 0; i < m->g->n_values; i++) {
        fct_const *c = m->g->values[i].konst;
        const fct_tensor_view *v;
        fct_status s;
        if (!c) continue;
        if ((s = fct_const_data(c, &v, err))) return s;
        size_t n = (size_t)fct_view_count(v) * fct_dtype_size(v->dtype);
        if (!c->owned && n) {
            void *p = fct_alloc(n);
            if (!p) return fct_fail_nomem(err, m->g->values[i].name, n);
            memcpy(p, v->data, n);
            c->view.data = c->owned = p;
        }
        c->raw = NULL;
        c->file = NULL;
        m->memory += n;
    }
    return FCT_OK;
}

/* A file is read in pieces once more: packed weights and file are not both to be held in full. */
fct_status fct_model_bytes_hash(fct_model_bytes *s, fct_error *err) {
    enum { PIECE = 32 << 10 };
    uint8_t piece[PIECE];
    fct_sha256 h;
    fct_sha256_init(&h);
    if (!s->file) fct_sha256_update(&h, s->data, s->len);
    for (size_t at = 0, n; s->file && at < s->len; at += n) {
        n = s->len - at < PIECE ? s->len - at : PIECE;
        fct_status st = fct_part_read(s->file, at, n, piece, err);
        if (st) return st;
        fct_sha256_update(&h, piece, n);
    }
    fct_sha256_final_hex(&h, s->sha256);
    s->hashed = true;
    return FCT_OK;
}

/* Gives the graph to the back end, which takes over the weights that it wants. */
static fct_status pack(fct_model *m, fct_model_bytes *source, fct_error *err) {
    const fct_pack_request q = {
        .g = m->g, .source = source, .opts = &m->opts.model, .cacheable = !m->opts.skip, .params = m->params};
    return m->backend->pack(&q, &m->net, err);
}

fct_status fct_model_create(fct_graph *g, fct_model_bytes *source, const fct_engine_opts *opts, fct_model **out,
                            fct_error *err) {
    fct_model *m = fct_calloc(1, sizeof *m);
    *out = NULL;
    if (!m) {
        fct_graph_free(g);
        return fct_fail_nomem(err, "model", sizeof *m);
    }
    m->g = g;
    m->opts = *opts;
    for (int i = 0; i < g->n_values; i++)
        if (g->values[i].konst && g->values[i].konst->view.dtype == FCT_F32)
            m->params += fct_view_count(&g->values[i].konst->view);
    m->backend = opts->backend ? opts->backend : fct_device_find(&opts->model, g->file, err);
    fct_status s = m->backend ? FCT_OK : FCT_ERR_UNSUPPORTED;
    if (!s && !m->backend->plain) s = fct_passes_run(g, opts->skip, err);
    if (!s) s = pack(m, source, err);
    if (!s && !source->hashed) s = fct_model_bytes_hash(source, err);
    if (!s) memcpy(m->id, source->sha256, 16);
    if (!s) s = free_constants(g, err);
    if (!s) s = keep_constants(m, err);
    m->opts.model.cache_dir = m->opts.model.device = NULL; /* the caller's */
    if (s) {
        fct_model_free(m);
        return s;
    }
    *out = m;
    return FCT_OK;
}

void fct_model_free(fct_model *m) {
    if (!m) return;
    if (m->backend) m->backend->net_free(m->net);
    fct_graph_free(m->g);
    fct_free(m);
}

int fct_model_input_count(const fct_model *m) { return m->g->n_inputs; }
int fct_model_output_count(const fct_model *m) { return m->g->n_outputs; }
const char *fct_model_id(const fct_model *m) { return m->id; }
size_t fct_model_memory(const fct_model *m) { return m->memory + m->backend->net_memory(m->net); }

static fct_status tensor_info(const fct_model *m, const int *list, int n, int i, const char *what, fct_tensor_info *out,
                              fct_error *err) {
    memset(out, 0, sizeof *out);
    if (i < 0 || i >= n) return fct_fail(err, FCT_ERR_ARG, "%s: %s %d of %d", m->g->file, what, i, n);
    const fct_value *v = &m->g->values[list[i]];
    out->name = v->name;
    out->rank = v->rank;
    if (v->rank > 0) memcpy(out->dims, v->dims, (size_t)v->rank * sizeof *v->dims);
    return FCT_OK;
}

fct_status fct_model_input(const fct_model *m, int i, fct_tensor_info *out, fct_error *err) {
    return tensor_info(m, m->g->inputs, m->g->n_inputs, i, "input", out, err);
}

fct_status fct_model_output(const fct_model *m, int i, fct_tensor_info *out, fct_error *err) {
    return tensor_info(m, m->g->outputs, m->g->n_outputs, i, "output", out, err);
}

fct_status fct_model_cost(const fct_model *m, const int64_t *dims, int rank, double *macs, int64_t *params,
                          fct_error *err) {
    fct_shapes shapes = {0};
    *macs = 0;
    *params = 0;
    if (m->g->n_inputs < 1 || rank < 0 || rank > FCT_MAX_RANK)
        return fct_fail(err, FCT_ERR_ARG, "%s: shape of rank %d", m->g->file, rank);
    fct_tensor_view *in = fct_calloc((size_t)m->g->n_inputs, sizeof *in);
    if (!in) return fct_fail_nomem(err, "cost", 0);
    for (int i = 0; i < m->g->n_inputs; i++) {
        const fct_value *v = &m->g->values[m->g->inputs[i]];
        in[i].rank = i ? (v->rank < 0 ? 0 : v->rank) : rank;
        for (int k = 0; k < in[i].rank; k++) in[i].dims[k] = i ? (v->dims[k] < 1 ? 1 : v->dims[k]) : dims[k];
    }
    fct_status s = fct_op_check_dims(&in[0]) ? FCT_OK : fct_fail(err, FCT_ERR_ARG, "%s: bad input shape", m->g->file);
    if (!s) s = fct_shapes_infer(m->g, in, &shapes, err);
    if (!s) {
        for (int i = 0; i < m->g->n_nodes; i++)
            if (!m->g->nodes[i].dead) *macs += fct_node_macs(m->g, &shapes, &m->g->nodes[i]);
        *params = m->params;
    }
    fct_shapes_free(&shapes);
    fct_free(in);
    return s;
}

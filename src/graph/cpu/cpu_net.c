#include "graph/cpu/cpu_net.h"
#include "base/alloc.h"
#include "base/error.h"
#include "graph/cpu/weights_writer.h"

fct_status fct_cpu_net_create(fct_graph *g, const fct_model_opts *opts, fct_cpu_net **out, fct_error *err) {
    fct_cpu_net *n = fct_calloc(1, sizeof *n);
    *out = NULL;
    if (n) n->layers = fct_calloc((size_t)g->n_nodes + 1, sizeof *n->layers);
    if (!n || !n->layers) {
        fct_free(n);
        return fct_fail_nomem(err, "network", 0);
    }
    n->g = g;
    n->precision = opts->precision;
    n->low_memory = opts->low_memory;
    *out = n;
    return FCT_OK;
}

void fct_cpu_net_empty(fct_cpu_net *n) {
    fct_weights_writer_free(n->writer);
    n->writer = NULL;
    for (int i = 0; i < n->g->n_nodes; i++) {
        fct_conv_free(n->layers[i].conv);
        fct_fc_free(n->layers[i].fc);
        n->layers[i] = (fct_cpu_layer){0};
    }
    fct_map_close(&n->cache);
}

void fct_cpu_net_free(fct_cpu_net *n) {
    if (!n) return;
    fct_cpu_net_empty(n);
    fct_free(n->layers);
    fct_free(n);
}

size_t fct_cpu_net_memory(const fct_cpu_net *n) {
    size_t sum = 0;
    for (int i = 0; i < n->g->n_nodes; i++) {
        if (n->layers[i].conv) sum += fct_conv_memory(n->layers[i].conv);
        if (n->layers[i].fc) sum += fct_fc_memory(n->layers[i].fc);
    }
    return sum;
}

#include "graph/cpu/weights_cache.h"
#include "base/alloc.h"
#include "graph/cpu/weights_node.h"
#include "graph/cpu/weights_writer.h"

/* Gives a layer one array of the file; false when it has no use for one of that name and size. */
static bool attach(const fct_cpu_layer *l, const fct_cache_entry *e, const char *data) {
    const void *array = data + e->offset;
    if (l->conv) return fct_conv_attach(l->conv, e->name, array, (size_t)e->bytes);
    return l->fc && fct_fc_attach(l->fc, e->name, array, (size_t)e->bytes);
}

/* Whether a layer has got all that a run needs. */
static bool complete(const fct_cpu_layer *l) {
    fct_packed_part parts[FCT_PACKED_PARTS];
    if (l->conv) return fct_conv_parts(l->conv, parts) > 0;
    return !l->fc || fct_fc_complete(l->fc);
}

/* Makes all layers without weights, gives each array of the file to its layer, and sees to it that none lacks
 * any. */
static bool fill(fct_cpu_net *net, const char *data, const fct_cache_entry *e, uint32_t n) {
    fct_graph *g = net->g;
    for (int i = 0; i < g->n_nodes; i++)
        if (fct_weights_empty(net, &g->nodes[i], NULL)) return false;
    for (uint32_t i = 0; i < n; i++)
        if (e[i].node >= (uint32_t)g->n_nodes || !attach(&net->layers[e[i].node], &e[i], data)) return false;
    for (int i = 0; i < g->n_nodes; i++)
        if (!complete(&net->layers[i])) return false;
    return true;
}

bool fct_weights_from_cache(fct_cpu_net *net, const char *dir, const fct_cache_key *key) {
    const fct_cache_entry *entries;
    uint32_t n;
    if (!fct_cache_open(dir, key, &net->cache, &entries, &n)) return false;
    if (fill(net, (const char *)net->cache.data, entries, n)) return true;
    fct_cpu_net_empty(net);
    return false;
}

/* The arrays of a layer that go into the file; -1 where it has some that cannot. */
static int layer_parts(const fct_cpu_layer *l, fct_packed_part parts[FCT_PACKED_PARTS]) {
    if (l->conv) return fct_conv_parts(l->conv, parts);
    return l->fc ? fct_fc_parts(l->fc, parts) : 0;
}

void fct_weights_to_cache(fct_cpu_net *net, const char *dir, const fct_cache_key *key) {
    const fct_graph *g = net->g;
    fct_cache_part *all = fct_calloc((size_t)g->n_nodes * FCT_PACKED_PARTS + 1, sizeof *all);
    uint32_t n = 0;
    bool ok = all != NULL, stay = true;
    for (int i = 0; ok && i < g->n_nodes; i++) {
        fct_packed_part parts[FCT_PACKED_PARTS];
        const int count = layer_parts(&net->layers[i], parts);
        ok = count >= 0;
        for (int k = 0; k < count; k++) all[n++] = (fct_cache_part){(uint32_t)i, parts[k]};
        if (net->layers[i].conv) stay = stay && fct_conv_parts_stay(net->layers[i].conv);
    }
    if (ok && n && stay) net->writer = fct_weights_writer_start(dir, key, all, n);
    else if (ok && n) fct_cache_write(dir, key, all, n);
    fct_free(all);
}

#include "graph/weights_cache.h"
#include "base/alloc.h"
#include "graph/weights.h"
#include "graph/weights_node.h"
#include "ops/fc.h"
#include <string.h>

static bool attach(fct_node *n, const char *name, const void *data, size_t bytes) {
    if (n->kind == FCT_NODE_CONV) return fct_conv_attach(n->fused->packed, name, data, bytes);
    return n->kind == FCT_NODE_FC && fct_fc_attach(n->fused->packed, name, data, bytes);
}

static bool complete(const fct_node *n) {
    fct_packed_part parts[FCT_PACKED_PARTS];
    if (n->kind == FCT_NODE_CONV) return fct_conv_parts(n->fused->packed, parts) > 0;
    return n->kind != FCT_NODE_FC || fct_fc_complete(n->fused->packed);
}

static bool fill(fct_model *m, const char *data, const fct_cache_entry *e, uint32_t n) {
    fct_graph *g = m->g;
    for (int i = 0; i < g->n_nodes; i++)
        if (fct_weights_empty(m, &g->nodes[i], NULL)) return false;
    for (uint32_t i = 0; i < n; i++)
        if (e[i].node >= (uint32_t)g->n_nodes ||
            !attach(&g->nodes[e[i].node], e[i].name, data + e[i].offset, (size_t)e[i].bytes))
            return false;
    for (int i = 0; i < g->n_nodes; i++)
        if (!complete(&g->nodes[i])) return false;
    return true;
}

bool fct_weights_from_cache(fct_model *m, const char *dir, const fct_cache_key *key) {
    const fct_cache_entry *entries;
    uint32_t n;
    if (!fct_cache_open(dir, key, &m->cache, &entries, &n)) return false;
    if (fill(m, (const char *)m->cache.data, entries, n)) return true;
    fct_weights_free(m->g);
    fct_map_close(&m->cache);
    return false;
}

static int node_parts(const fct_node *n, fct_packed_part parts[FCT_PACKED_PARTS]) {
    if (n->kind == FCT_NODE_CONV) return fct_conv_parts(n->fused->packed, parts);
    return n->kind == FCT_NODE_FC ? fct_fc_parts(n->fused->packed, parts) : 0;
}

void fct_weights_to_cache(const fct_model *m, const char *dir, const fct_cache_key *key) {
    const fct_graph *g = m->g;
    fct_cache_part *all = fct_calloc((size_t)g->n_nodes * FCT_PACKED_PARTS + 1, sizeof *all);
    uint32_t n = 0;
    bool ok = all != NULL;
    for (int i = 0; ok && i < g->n_nodes; i++) {
        fct_packed_part parts[FCT_PACKED_PARTS];
        const int count = node_parts(&g->nodes[i], parts);
        ok = count >= 0;
        for (int k = 0; k < count; k++) all[n++] = (fct_cache_part){(uint32_t)i, parts[k]};
    }
    if (ok && n) fct_cache_write(dir, key, all, n);
    fct_free(all);
}

/* A network packed for the CPU. */
#ifndef FCT_GRAPH_CPU_NET_H
#define FCT_GRAPH_CPU_NET_H

#include "base/file.h"
#include "graph/cpu/weights_writer.h"
#include "graph/graph.h"
#include "ops/conv.h"
#include "ops/fc.h"

/* A fused node's packed weights: one of the two by the node's kind, else neither. */
typedef struct fct_cpu_layer {
    fct_conv *conv; /* FCT_NODE_CONV */
    fct_fc *fc;     /* FCT_NODE_FC */
} fct_cpu_layer;

typedef struct fct_cpu_net {
    fct_graph *g; /* the model's */
    fct_precision precision;
    bool low_memory;
    fct_cpu_layer *layers;      /* per node of g */
    fct_map cache;              /* packed weights that are used where they lie on disk */
    fct_weights_writer *writer; /* puts the weights into the cache meanwhile, or NULL */
} fct_cpu_net;

/* Without weights. *out is owned. */
fct_status fct_cpu_net_create(fct_graph *g, const fct_model_opts *opts, fct_cpu_net **out, fct_error *err);
void fct_cpu_net_free(fct_cpu_net *n);  /* NULL is harmless */
void fct_cpu_net_empty(fct_cpu_net *n); /* frees the layers' weights and the mapping */
size_t fct_cpu_net_memory(const fct_cpu_net *n);

static inline fct_cpu_layer *fct_cpu_net_layer(const fct_cpu_net *n, const fct_node *node) {
    return &n->layers[node - n->g->nodes];
}

#endif

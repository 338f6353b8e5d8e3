/* Packing of one node's weights; for weights.c. */
#ifndef FCT_GRAPH_CPU_WEIGHTS_NODE_H
#define FCT_GRAPH_CPU_WEIGHTS_NODE_H

#include "graph/cpu/cpu_net.h"

/* Memory of one thread, which one layer after the other uses. */
typedef struct fct_weights_room {
    float *p;
    size_t size; /* floats */
} fct_weights_room;

/* The weights of a layer before they are packed. */
typedef struct fct_weights_scratch {
    fct_weights_room raw;     /* as they are in the file */
    fct_weights_room stacked; /* of all parts, times their scales */
} fct_weights_scratch;
void fct_weights_scratch_clear(fct_weights_scratch *s);

/* Number of floats of a node's raw weights; 0 for kinds that have none. */
size_t fct_weights_count(const fct_node *n);

/* Packs one node's weights. in: the shape it will most likely see, or NULL;
 * binding: no other shape can come. Threads may pack different nodes at the same
 * time as long as the nodes' constants are different, or have their data. */
fct_status fct_weights_node(fct_cpu_net *net, fct_node *n, const fct_tensor_view *in, bool binding,
                            fct_weights_scratch *scratch, fct_error *err);

/* Makes a node's layer without weights; the cache brings them. */
fct_status fct_weights_empty(fct_cpu_net *net, fct_node *n, fct_error *err);

#endif

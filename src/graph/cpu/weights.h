/* Packed weights of the fused nodes. */
#ifndef FCT_GRAPH_CPU_WEIGHTS_H
#define FCT_GRAPH_CPU_WEIGHTS_H

#include "graph/backend.h"
#include "graph/cpu/cpu_net.h"

/* Packs every fused node's weights, or takes them from the cache of packed weights
 * where the request allows one and it has them; else they go into it afterwards. The
 * hash of the source, where it is not known yet, is computed beside the packing, all on
 * the pool. After a failure net holds what was packed so far. */
fct_status fct_weights_pack(fct_cpu_net *net, const fct_pack_request *q, fct_error *err);

#endif

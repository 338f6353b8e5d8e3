/* Packed weights of the fused nodes. */
#ifndef FCT_GRAPH_WEIGHTS_H
#define FCT_GRAPH_WEIGHTS_H

#include "graph/model.h"

/* Packs every fused node's weights and, where it is not known yet, computes the
 * hash of the source, all on the pool; then frees all constants that no
 * remaining node reads. */
fct_status fct_weights_pack(fct_model *m, fct_model_bytes *source, fct_error *err);
void fct_weights_free(fct_graph *g);
size_t fct_weights_memory(const fct_graph *g);

#endif

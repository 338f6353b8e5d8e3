/* The back end that runs a network as its file has it, operator by operator in portable C. Slow,
 * and the judge of everything else. */
#ifndef FCT_GRAPH_REFERENCE_H
#define FCT_GRAPH_REFERENCE_H

#include "graph/backend.h"

extern const fct_backend fct_reference_backend;

/* One run without a plan. inputs: one view per graph input; outputs: one per graph output, float32,
 * data owned by the caller (fct_free), all NULL after a failure. */
fct_status fct_reference_run(const fct_graph *g, const fct_tensor_view *inputs, fct_tensor_view *outputs,
                             fct_error *err);

#endif

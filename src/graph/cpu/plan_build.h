/* From a network and the shapes of its inputs to a list of steps. */
#ifndef FCT_GRAPH_CPU_PLAN_BUILD_H
#define FCT_GRAPH_CPU_PLAN_BUILD_H

#include "graph/cpu/plan.h"

/* A plan whose tensors have no places in memory yet; *out is owned. inputs: dimensions per graph
 * input. FCT_ERR_LIMIT where a run would take more work than ops/limits.h allows. */
fct_status fct_plan_build(const fct_cpu_net *net, const fct_tensor_view *inputs, fct_plan **out, fct_error *err);

#endif

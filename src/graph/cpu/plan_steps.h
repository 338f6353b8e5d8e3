/* Steps of the fused nodes and of the outputs. */
#ifndef FCT_GRAPH_CPU_PLAN_STEPS_H
#define FCT_GRAPH_CPU_PLAN_STEPS_H

#include "graph/cpu/plan.h"

/* Adds the steps of a node of any kind; none where its value follows from the shapes alone. */
fct_status fct_plan_node(fct_plan *p, const fct_node *n, fct_error *err);
/* Adds what brings the graph's outputs into planar float32, and notes their slots. */
fct_status fct_plan_outputs(fct_plan *p, fct_error *err);

#endif

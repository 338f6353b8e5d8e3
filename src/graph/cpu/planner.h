/* The whole of making and running a plan. */
#ifndef FCT_GRAPH_CPU_PLANNER_H
#define FCT_GRAPH_CPU_PLANNER_H

#include "graph/cpu/plan.h"

/* inputs: dimensions per graph input. *out is owned. */
fct_status fct_plan_create(const fct_cpu_net *net, const fct_tensor_view *inputs, fct_plan **out, fct_error *err);

/* Runs all steps, the front's too. times: milliseconds per step are added to it, or NULL. */
fct_status fct_plan_run(const fct_plan *p, const fct_tensor_view *inputs, char *arena, double *times, fct_error *err);

#endif

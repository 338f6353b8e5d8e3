/* Steps of plain operators: on blocked tensors where the input is blocked and the
 * operator has such a form, else by the operator's own run(). */
#ifndef FCT_GRAPH_CPU_PLAN_OPS_H
#define FCT_GRAPH_CPU_PLAN_OPS_H

#include "graph/cpu/plan.h"

/* Adds the steps of a node of kind FCT_NODE_OP. */
fct_status fct_plan_op(fct_plan *p, const fct_node *n, fct_error *err);

#endif

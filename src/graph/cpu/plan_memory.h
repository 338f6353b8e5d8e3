/* Where tensors lie: every slot lives from the step that makes it to the one
 * that reads it last; slots whose lives overlap get memory apart. */
#ifndef FCT_GRAPH_CPU_PLAN_MEMORY_H
#define FCT_GRAPH_CPU_PLAN_MEMORY_H

#include "graph/cpu/plan.h"

/* Gives every slot of steps [begin, end) its place in the arena, whose size it sets. */
fct_status fct_plan_place(fct_plan *p, fct_error *err);

#endif

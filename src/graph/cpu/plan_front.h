/* The front of a batch's plan: early layers have large activations and small
 * weights. A batch of them does not stay in the cache, and gains nothing, so
 * these steps run image by image by a plan for one; what later steps read is
 * then put together as the batch. */
#ifndef FCT_GRAPH_CPU_PLAN_FRONT_H
#define FCT_GRAPH_CPU_PLAN_FRONT_H

#include "graph/cpu/plan.h"

extern bool fct_front_always; /* for tests: as many steps as can be, however small */

/* Gives a batch's plan a front where that is faster, before it is placed. */
fct_status fct_front_create(fct_plan *p, const fct_tensor_view *inputs, fct_error *err);
/* Runs the front; the steps from p->begin on find what they need as a batch. */
fct_status fct_front_run(const fct_plan *p, const fct_tensor_view *input, char *arena, double *times, fct_error *err);

#endif

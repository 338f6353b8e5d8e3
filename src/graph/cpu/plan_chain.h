/* Chains of steps, row by row instead of tensor by tensor (ops/chain.h). */
#ifndef FCT_GRAPH_CPU_PLAN_CHAIN_H
#define FCT_GRAPH_CPU_PLAN_CHAIN_H

#include "graph/cpu/plan.h"

/* Replaces steps that follow each other by chains where that saves traffic with memory. Slots between them are never
 * made. For a plan with all its steps and no memory yet. */
fct_status fct_plan_chains(fct_plan *p, fct_error *err);

typedef enum fct_chain_rule { FCT_CHAIN_WHERE_WORTH, FCT_CHAIN_NEVER, FCT_CHAIN_ALWAYS } fct_chain_rule;
extern fct_chain_rule fct_chains; /* for tests: what is chained that can be */

#endif

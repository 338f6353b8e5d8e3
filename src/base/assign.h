/* The assignment problem: the cheapest pairing of rows with columns. */
#ifndef FCT_BASE_ASSIGN_H
#define FCT_BASE_ASSIGN_H

#include "facet/base.h"

/* A pair of this cost or more is never made. */
#define FCT_ASSIGN_NEVER 1.0f

/* The cost of a pair whose score is so much above the least that is allowed. By how much
 * it is above is what a pair is worth, so that two doubtful pairs are not preferred to a
 * sure one; at the least a pair is still better than none. */
static inline float fct_assign_cost(float above) {
    float worth = above < 0 ? 0 : above > 2 ? 2 : above;
    return FCT_ASSIGN_NEVER * (1 - 0.49f * worth - 1e-5f);
}

/* cost: [rows][cols], each 0 <= cost; match: [rows], filled with each row's
 * column or -1. As few rows as possible stay single among pairs that are
 * allowed in the sense that leaving a row single costs FCT_ASSIGN_NEVER.
 * Hungarian method with potentials (Kuhn 1955; O(n^3)). FCT_ERR_NOMEM. */
fct_status fct_assign(const float *cost, int rows, int cols, int *match, fct_error *err);

#endif

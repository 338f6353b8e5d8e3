/* The assignment problem: the cheapest pairing of rows with columns. */
#ifndef FCT_BASE_ASSIGN_H
#define FCT_BASE_ASSIGN_H

#include "facet/base.h"

/* A pair of this cost or more is never made. */
#define FCT_ASSIGN_NEVER 1.0f

/* cost: [rows][cols], each 0 <= cost; match: [rows], filled with each row's
 * column or -1. As few rows as possible stay single among pairs that are
 * allowed in the sense that leaving a row single costs FCT_ASSIGN_NEVER.
 * Hungarian method with potentials (Kuhn 1955; O(n^3)). FCT_ERR_NOMEM. */
fct_status fct_assign(const float *cost, int rows, int cols, int *match, fct_error *err);

#endif

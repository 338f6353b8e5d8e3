/* An index for tests that compares a probe with every row in double precision,
 * and whose searches can be held up. A view is a copy of all rows. */
#ifndef FCT_NAIVE_INDEX_H
#define FCT_NAIVE_INDEX_H

#include "index/index.h"

fct_status naive_index_create(int dim, fct_index **out, fct_error *err);

/* The next search waits until naive_index_release(). */
void naive_index_hold(void);
void naive_index_wait_held(void); /* until a search waits */
void naive_index_release(void);

#endif

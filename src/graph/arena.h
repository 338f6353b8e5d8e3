/* Memory of runs. Sessions that run one after another, as those of an analyzer,
 * share one arena: it holds what the largest of them needs, not the sum. */
#ifndef FCT_GRAPH_ARENA_H
#define FCT_GRAPH_ARENA_H

#include "facet/model.h"

/* Starts as {0}. One thread at a time, and it outlives its sessions' last run. */
typedef struct fct_arena {
    char *data;
    size_t size;
} fct_arena;

/* At least size bytes at arena->data, not NULL for 0 either, all of them finite as float32 where no run
 * has written since they were allocated. What was there is lost when it grows. */
fct_status fct_arena_reserve(fct_arena *a, size_t size, fct_error *err);
void fct_arena_free(fct_arena *a);

/* fct_session_create() for runs in an arena that is borrowed until the session is
 * freed. Results of a run are lost in the next run of any session of the arena. */
fct_status fct_session_create_in(const fct_model *m, fct_arena *arena, fct_session **out, fct_error *err);

#endif

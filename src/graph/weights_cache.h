/* A model's packed weights from and to the cache. */
#ifndef FCT_GRAPH_WEIGHTS_CACHE_H
#define FCT_GRAPH_WEIGHTS_CACHE_H

#include "graph/cache.h"

/* Gives every node of m its packed weights from the file for that key, which m
 * then keeps mapped. False: there is none that fits, and m is as before. */
bool fct_weights_from_cache(fct_model *m, const char *dir, const fct_cache_key *key);
/* Writes that file. */
void fct_weights_to_cache(const fct_model *m, const char *dir, const fct_cache_key *key);

#endif

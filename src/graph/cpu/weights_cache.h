/* A model's packed weights from and to the cache. */
#ifndef FCT_GRAPH_CPU_WEIGHTS_CACHE_H
#define FCT_GRAPH_CPU_WEIGHTS_CACHE_H

#include "graph/cpu/cache.h"
#include "graph/cpu/cpu_net.h"

/* Gives every node its packed weights from the file for that key, which net
 * then keeps mapped. False: there is none that fits, and net has no weights. */
bool fct_weights_from_cache(fct_cpu_net *net, const char *dir, const fct_cache_key *key);
/* Writes that file: in net->writer, or at once where plans that are made meanwhile could move the weights. */
void fct_weights_to_cache(fct_cpu_net *net, const char *dir, const fct_cache_key *key);

#endif

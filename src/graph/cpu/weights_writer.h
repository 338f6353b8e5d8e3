/* A file of the cache that is written while its network is already used. */
#ifndef FCT_GRAPH_CPU_WEIGHTS_WRITER_H
#define FCT_GRAPH_CPU_WEIGHTS_WRITER_H

#include "graph/cpu/cache.h"

typedef struct fct_weights_writer fct_weights_writer;

/* Starts a thread that calls fct_cache_write() a fifth of a second later, or when the model goes: hundreds of megabytes
 * take a busy disk a second, and what is asked first of a new model has the processor for itself. dir and the list are
 * copied; what the parts point to must stay until fct_weights_writer_free(). NULL: the file is written already, since
 * there was no thread to be had. */
fct_weights_writer *fct_weights_writer_start(const char *dir, const fct_cache_key *key, const fct_cache_part *parts,
                                             uint32_t n);
/* Waits until the file is written. NULL is harmless. */
void fct_weights_writer_free(fct_weights_writer *w);

#endif

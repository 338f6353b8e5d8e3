/* The bytes that a model is made of. */
#ifndef FCT_GRAPH_SOURCE_H
#define FCT_GRAPH_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes a graph was read from. */
typedef struct fct_source {
    const void *data;
    size_t len;
    const char *path; /* of the file they are mapped from, or NULL */
    bool hashed;
    char sha256[65]; /* of data, where hashed */
} fct_source;
void fct_source_hash(fct_source *s);

#endif

/* The bytes that a model is made of. */
#ifndef FCT_GRAPH_MODEL_BYTES_H
#define FCT_GRAPH_MODEL_BYTES_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes a graph was read from. */
typedef struct fct_model_bytes {
    const void *data;
    size_t len;
    const char *path; /* of the file they are mapped from, or NULL */
    bool hashed;
    char sha256[65]; /* of data, where hashed */
} fct_model_bytes;
void fct_model_bytes_hash(fct_model_bytes *s);

#endif

/* The bytes that a model is made of. */
#ifndef FCT_GRAPH_MODEL_BYTES_H
#define FCT_GRAPH_MODEL_BYTES_H

#include "base/part_file.h"

#include <stdbool.h>
#include <stddef.h>

/* The bytes a graph was read from. */
typedef struct fct_model_bytes {
    const void *data; /* large constants are not there where there is a file (fct_const.file) */
    size_t len;
    const fct_part_file *file; /* that they are read from, or NULL */
    bool hashed;
    char sha256[65]; /* of data, where hashed */
} fct_model_bytes;
/* Fills in sha256. Fails when the file cannot be read or has changed. */
fct_status fct_model_bytes_hash(fct_model_bytes *s, fct_error *err);

#endif

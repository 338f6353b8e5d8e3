/* Packed weights as bytes, for the cache on disk. */
#ifndef FCT_OPS_PACKED_H
#define FCT_OPS_PACKED_H

#include <stddef.h>

/* One array of a layer: its name says what it is (static, at most 23 bytes). */
typedef struct fct_packed_part {
    const char *name;
    const void *data;
    size_t bytes;
} fct_packed_part;

enum { FCT_PACKED_PARTS = 18 }; /* a layer has at most so many */

#endif

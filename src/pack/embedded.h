/* The pack that the build put into the library (meson option embed_pack). */
#ifndef FCT_PACK_EMBEDDED_H
#define FCT_PACK_EMBEDDED_H

#include <stddef.h>

typedef struct fct_embedded_file {
    const char *name;
    const void *data;
    size_t size;
} fct_embedded_file;

/* Its files in path order, the manifest among them, and their number; NULL and 0
 * where there is none. n may be NULL. Static. */
const fct_embedded_file *fct_embedded_pack(int *n);

#endif

/* Faces of a gallery in memory, to be compared with one another. */
#ifndef FCT_GALLERY_FACE_POOL_H
#define FCT_GALLERY_FACE_POOL_H

#include "gallery/gallery_impl.h"

/* Starts as {.seed = ...}. */
typedef struct fct_face_pool {
    uint64_t seed;     /* of what is drawn by chance */
    const char *place; /* of the gallery, for messages */
    const fct_store *st;
    fct_store_model model;
    int64_t *people; /* [n_people] by rising id, owned */
    size_t n_people;
    double part;  /* of the faces, that is taken */
    float *rows;  /* [n][dim] */
    uint32_t *of; /* [n] place in people */
    int64_t *ids; /* [n] of the faces */
    float *quality;
    size_t n, cap_rows, cap_of, cap_ids, cap_quality;
    int64_t seen; /* all faces of these people */
} fct_face_pool;

/* Reads the faces of the people in the gallery's scope; of more than `most`, about so
 * many are drawn by chance, always the same. Clear it in both cases. */
fct_status fct_face_pool_load(fct_gallery *g, int most, fct_face_pool *p, fct_error *err);
void fct_face_pool_clear(fct_face_pool *p);

#endif

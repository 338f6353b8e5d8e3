/* The embeddings of one person, for comparing a new face with them. */
#ifndef FCT_ENROLL_PERSON_FACES_H
#define FCT_ENROLL_PERSON_FACES_H

#include "facet/gallery.h"

typedef struct fct_person_faces {
    int64_t person_id; /* 0 = there is nobody of this name yet */
    int n, cap, dim;
    int64_t *ids;      /* [n]; owned. 0 = not stored yet */
    float *embeddings; /* [n][dim]; owned */
} fct_person_faces;

/* Reads the faces of the person called name; nobody of that name has none. */
fct_status fct_person_faces_load(fct_gallery *g, const char *name, int dim, fct_person_faces *out, fct_error *err);
/* Adds a face that is not in the gallery yet. */
fct_status fct_person_faces_add(fct_person_faces *f, int64_t id, const float *embedding, fct_error *err);
/* Place of the face nearest to an embedding and its cosine; -1 where there is none. */
int fct_person_faces_nearest(const fct_person_faces *f, const float *embedding, float *cosine);
void fct_person_faces_clear(fct_person_faces *f);

#endif

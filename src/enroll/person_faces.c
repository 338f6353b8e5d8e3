/* The embeddings of one person. */
#include "enroll/person_faces.h"
#include "base/alloc.h"
#include "base/error.h"
#include "facet/face.h"
#include <string.h>

void fct_person_faces_clear(fct_person_faces *f) {
    fct_free(f->ids);
    fct_free(f->embeddings);
    memset(f, 0, sizeof *f);
}

/* Room for one more. */
static fct_status reserve(fct_person_faces *f, fct_error *err) {
    if (f->n < f->cap) return FCT_OK;
    int cap = f->cap ? f->cap * 2 : 16;
    int64_t *ids = cap > 0 ? fct_realloc_array(f->ids, (size_t)cap, sizeof *ids) : NULL;
    if (!ids) return fct_fail_nomem(err, "faces of a person", 0);
    f->ids = ids;
    float *all = fct_realloc_array(f->embeddings, (size_t)cap, (size_t)f->dim * sizeof *all);
    if (!all) return fct_fail_nomem(err, "faces of a person", 0);
    f->embeddings = all;
    f->cap = cap;
    return FCT_OK;
}

fct_status fct_person_faces_add(fct_person_faces *f, int64_t id, const float *embedding, fct_error *err) {
    fct_status s = reserve(f, err);
    if (s) return s;
    memcpy(f->embeddings + (size_t)f->n * (size_t)f->dim, embedding, (size_t)f->dim * sizeof *embedding);
    f->ids[f->n++] = id;
    return FCT_OK;
}

/* Reads a face's embedding into the next place. One that somebody else has removed
 * meanwhile is passed over. */
static fct_status load_one(fct_gallery *g, int64_t id, fct_person_faces *f, fct_error *err) {
    int dim;
    fct_status s = reserve(f, err);
    if (s) return s;
    s = fct_gallery_embedding(g, id, f->embeddings + (size_t)f->n * (size_t)f->dim, f->dim, &dim, err);
    if (s == FCT_ERR_NOT_FOUND) return FCT_OK;
    if (s == FCT_ERR_LIMIT || (!s && dim != f->dim))
        return fct_fail(err, FCT_ERR_MISMATCH, "the gallery's faces are of another network: not of %d values", f->dim);
    if (!s) f->ids[f->n++] = id;
    return s;
}

fct_status fct_person_faces_load(fct_gallery *g, const char *name, int dim, fct_person_faces *out, fct_error *err) {
    fct_person who;
    fct_stored_face *faces;
    int n;
    *out = (fct_person_faces){.dim = dim};
    fct_status s = fct_gallery_find(g, name, &who, err);
    if (!s) s = fct_gallery_faces(g, who.id, &faces, &n, err);
    if (s == FCT_ERR_NOT_FOUND) {
        fct_error_clear(err);
        return FCT_OK;
    }
    if (s) return s;
    out->person_id = who.id;
    for (int i = 0; i < n && !s; i++) s = load_one(g, faces[i].id, out, err);
    fct_gallery_faces_free(faces);
    if (s) fct_person_faces_clear(out);
    return s;
}

int fct_person_faces_nearest(const fct_person_faces *f, const float *embedding, float *cosine) {
    int best = -1;
    *cosine = -1;
    for (int i = 0; i < f->n; i++) {
        float c = fct_cosine(f->embeddings + (size_t)i * (size_t)f->dim, embedding, f->dim);
        if (best >= 0 && c <= *cosine) continue;
        *cosine = c;
        best = i;
    }
    return best;
}

/* Sets of faces in memory, and single faces: their pictures and embeddings. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <string.h>

#define DUPLICATE_COSINE 0.9999

/* ---- A person's faces -------------------------------------------------------- */

void fct_face_set_clear(fct_face_set *s) {
    fct_free(s->ids);
    fct_free(s->embeddings);
    memset(s, 0, sizeof *s);
}

fct_status fct_face_set_add(fct_face_set *s, int64_t id, const float *embedding, fct_error *err) {
    size_t n = (size_t)s->n + 1;
    int64_t *ids = fct_grow(s->ids, &s->cap_ids, n, sizeof *ids);
    if (ids) s->ids = ids;
    float *all = fct_grow(s->embeddings, &s->cap_embeddings, n, (size_t)s->dim * sizeof *all);
    if (all) s->embeddings = all;
    if (!ids || !all || s->n == INT_MAX) return fct_fail_nomem(err, "faces of a person", 0);
    s->ids[s->n] = id;
    memcpy(s->embeddings + (size_t)s->n * s->dim, embedding, (size_t)s->dim * sizeof *embedding);
    s->n++;
    return FCT_OK;
}

int fct_face_set_find(const fct_face_set *s, const float *embedding) {
    for (int i = 0; i < s->n; i++)
        if (fct_embedding_cosine(s->embeddings + (size_t)i * s->dim, embedding, s->dim) > DUPLICATE_COSINE) return i;
    return -1;
}

/* What a scan that fills several people's sets carries along. */
typedef struct set_loader {
    const fct_store *st;
    const int64_t *people;
    fct_face_set *sets;
    size_t n, at; /* at: the set of the last face; a person's faces come together */
    float *embedding;
} set_loader;

static fct_status load_face(void *ctx, const fct_store_face *f, fct_error *err) {
    set_loader *l = ctx;
    size_t tried = 0;
    while (l->people[l->at] != f->person_id && tried++ < l->n) l->at = (l->at + 1) % l->n;
    if (l->people[l->at] != f->person_id) return FCT_OK;
    fct_face_set *set = &l->sets[l->at];
    fct_status s = fct_face_unpack(l->st, f, set->dim, l->embedding, err);
    return s ? s : fct_face_set_add(set, f->id, l->embedding, err);
}

fct_status fct_face_sets_load(fct_store *st, const int64_t *people, fct_face_set *sets, size_t n, fct_error *err) {
    if (!n) return FCT_OK;
    set_loader l = {.st = st, .people = people, .sets = sets, .n = n};
    l.embedding = fct_realloc_array(NULL, (size_t)sets[0].dim, sizeof *l.embedding);
    if (!l.embedding) return fct_fail_nomem(err, "embedding", 0);
    fct_faces_query q = {.people = people, .n = n, .parts = FCT_FACE_EMBEDDING, .by_person = true};
    fct_status s = st->ops->faces(st, &q, load_face, &l, err);
    fct_free(l.embedding);
    return s;
}

/* ---- Parts of one face -------------------------------------------------------------- */

/* A copy of a picture or an embedding on its way out. */
typedef struct part {
    int64_t face_id;
    int which; /* FCT_FACE_CROP or FCT_FACE_EMBEDDING */
    void *data;
    size_t size;
} part;

static fct_status copy_part(void *ctx, const fct_store_face *f, fct_error *err) {
    part *p = ctx;
    const void *data = p->which == FCT_FACE_CROP ? f->crop : f->embedding;
    if (p->which == FCT_FACE_CROP && !f->has_crop) return FCT_OK;
    p->size = p->which == FCT_FACE_CROP ? f->crop_size : f->embedding_size;
    fct_free(p->data);
    p->data = fct_alloc(p->size + 1);
    if (!p->data) return fct_fail_nomem(err, "face", p->size);
    if (p->size) memcpy(p->data, data, p->size);
    return FCT_OK;
}

static fct_status read_part(void *ctx, fct_store *st, fct_error *err) {
    part *p = ctx;
    fct_faces_query q = {.ids = &p->face_id, .n = 1, .parts = p->which};
    fct_status s = st->ops->faces(st, &q, copy_part, p, err);
    if (!s && !p->data)
        s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no %s %lld", st->place,
                     p->which == FCT_FACE_CROP ? "picture of face" : "face", (long long)p->face_id);
    return s;
}

fct_status fct_gallery_crop(fct_gallery *g, int64_t face_id, void **jpeg, size_t *len, fct_error *err) {
    part p = {.face_id = face_id, .which = FCT_FACE_CROP};
    *jpeg = NULL;
    *len = 0;
    fct_status s = fct_gallery_read(g, read_part, &p, err);
    if (s) return fct_free(p.data), s;
    *jpeg = p.data;
    *len = p.size;
    return FCT_OK;
}

fct_status fct_gallery_embedding(fct_gallery *g, int64_t face_id, float *out, int cap, int *dim, fct_error *err) {
    part p = {.face_id = face_id, .which = FCT_FACE_EMBEDDING};
    *dim = 0;
    fct_status s = fct_gallery_read(g, read_part, &p, err);
    size_t n = p.size / 4;
    const char *place = g->reader->place;
    if (!s && n > (size_t)(cap > 0 ? cap : 0))
        s = fct_fail(err, FCT_ERR_LIMIT, "%s: an embedding has %zu values, there is room for %d", place, n, cap);
    if (!s && !fct_embedding_unpack(p.data, p.size, (int)n, out))
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: the embedding of face %lld is damaged", place, (long long)face_id);
    if (!s) *dim = (int)n;
    fct_free(p.data);
    return s;
}

/* "Not this person": faces that somebody said are not a person's. A search leaves the
 * person out where the probe is at least as near to such a face as to the nearest of
 * the person's own: the same photo never names the person again, and a face that is
 * really the person's, nearer to the person's own, still does. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"
#include <string.h>

/* ---- What searches know of them -------------------------------------------------------- */

void fct_mirror_clear_negatives(fct_mirror *m) {
    for (size_t i = 0; i < m->n_negatives; i++) fct_free(m->negatives[i].embedding);
    fct_free(m->negatives);
    m->negatives = NULL;
    m->n_negatives = m->cap_negatives = 0;
}

bool fct_mirror_is_negative(fct_mirror *m, int64_t person_id, const float *probe, int dim, float score) {
    bool is = false;
    fct_mutex_lock(&m->names_lock);
    for (size_t i = 0; i < m->n_negatives && !is; i++)
        is = m->negatives[i].person_id == person_id && m->negatives[i].dim == dim &&
             fct_embedding_cosine(m->negatives[i].embedding, probe, dim) >= (double)score;
    fct_mutex_unlock(&m->names_lock);
    return is;
}

/* What a scan for negatives carries along. */
typedef struct negative_loader {
    const fct_store *st;
    fct_mirror *m;
} negative_loader;

static fct_status load_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    const negative_loader *l = ctx;
    fct_mirror *m = l->m;
    size_t dim = (size_t)m->dim;
    float *v = fct_realloc_array(NULL, dim + 1, sizeof *v);
    if (!v) return fct_fail_nomem(err, "embedding", 0);
    if (!m->dim || !fct_embedding_unpack(x->embedding, x->embedding_size, m->dim, v)) {
        fct_free(v);
        return fct_fail(err, FCT_ERR_FORMAT, "%s: negative %lld of person %lld is damaged", l->st->place,
                        (long long)x->id, (long long)x->person_id);
    }
    fct_mutex_lock(&m->names_lock);
    fct_mirror_negative *all = fct_grow(m->negatives, &m->cap_negatives, m->n_negatives + 1, sizeof *all);
    if (all) {
        m->negatives = all;
        m->negatives[m->n_negatives++] = (fct_mirror_negative){x->person_id, m->dim, v};
    }
    fct_mutex_unlock(&m->names_lock);
    if (all) return FCT_OK;
    fct_free(v);
    return fct_fail_nomem(err, "negatives", 0);
}

/* Forgets those of people [n]. */
static void drop_negatives(fct_mirror *m, const int64_t *people, size_t n) {
    size_t kept = 0;
    fct_mutex_lock(&m->names_lock);
    for (size_t i = 0; i < m->n_negatives; i++) {
        bool drop = false;
        for (size_t p = 0; p < n && !drop; p++) drop = people[p] == m->negatives[i].person_id;
        if (drop) fct_free(m->negatives[i].embedding);
        else m->negatives[kept++] = m->negatives[i];
    }
    m->n_negatives = kept;
    fct_mutex_unlock(&m->names_lock);
}

fct_status fct_mirror_load_negatives(fct_store *st, fct_mirror *m, const int64_t *people, size_t n, fct_error *err) {
    negative_loader l = {.st = st, .m = m};
    if (people && !n) return FCT_OK;
    if (people) drop_negatives(m, people, n);
    return st->ops->negatives(st, people, n, 0, load_negative, &l, err);
}

/* ---- Adding, listing, removing ------------------------------------------------------------ */

/* What is to be stored or removed. */
typedef struct reject_call {
    int64_t person_id, face_id, id;
    const char *model_id;
    const float *embedding;
    int dim;
} reject_call;

static fct_status put_negative(fct_store *st, reject_call *c, const void *bytes, size_t size, fct_error *err) {
    fct_store_negative x = {
        .person_id = c->person_id, .created = fct_time_unix(), .embedding = bytes, .embedding_size = size};
    fct_status s = st->ops->negatives_add(st, &x, 1, err);
    c->id = s ? 0 : x.id;
    return s ? s : fct_audit_person(st, "reject", c->person_id, err);
}

static fct_status reject_embedding(void *ctx, fct_store *st, fct_error *err) {
    reject_call *c = ctx;
    fct_store_model model;
    fct_status s = fct_person_require(st, c->person_id, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (s) return s;
    if (model.dim != c->dim || strcmp(model.id, c->model_id) != 0)
        return fct_fail(err, FCT_ERR_MISMATCH,
                        "%s: its faces were made by model %.12s (%lld values), not by %.12s (%d values)", st->place,
                        model.id, (long long)model.dim, c->model_id, c->dim);
    uint8_t *bytes = fct_realloc_array(NULL, (size_t)c->dim, 4);
    if (!bytes) return fct_fail_nomem(err, "embedding", 0);
    fct_embedding_pack(c->embedding, c->dim, bytes);
    s = put_negative(st, c, bytes, (size_t)c->dim * 4, err);
    fct_free(bytes);
    return s;
}

fct_status fct_gallery_reject(fct_gallery *g, int64_t person_id, const char *model_id, const float *embedding, int dim,
                              int64_t *negative_id, fct_error *err) {
    reject_call c = {.person_id = person_id, .model_id = model_id, .embedding = embedding, .dim = dim};
    fct_enrollment as_face = {.model_id = model_id, .embedding = embedding, .dim = dim};
    if (negative_id) *negative_id = 0;
    fct_status s = fct_faces_check(&as_face, 1, err);
    if (!s) s = fct_gallery_write(g, reject_embedding, &c, err);
    if (!s && negative_id) *negative_id = c.id;
    return s;
}

/* A copy of a face's embedding. */
typedef struct face_bytes {
    void *data;
    size_t size;
    int64_t person_id;
} face_bytes;

static fct_status copy_face(void *ctx, const fct_store_face *f, fct_error *err) {
    face_bytes *b = ctx;
    b->data = fct_alloc(f->embedding_size + 1);
    if (!b->data) return fct_fail_nomem(err, "embedding", f->embedding_size);
    if (f->embedding_size) memcpy(b->data, f->embedding, f->embedding_size);
    b->size = f->embedding_size;
    b->person_id = f->person_id;
    return FCT_OK;
}

static fct_status reject_stored(void *ctx, fct_store *st, fct_error *err) {
    reject_call *c = ctx;
    face_bytes b = {0};
    fct_faces_query q = {.ids = &c->face_id, .n = 1, .parts = FCT_FACE_EMBEDDING};
    fct_status s = fct_person_require(st, c->person_id, err);
    if (!s) s = st->ops->faces(st, &q, copy_face, &b, err);
    if (!s && !b.data) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no face %lld", st->place, (long long)c->face_id);
    size_t removed;
    if (!s && b.person_id == c->person_id) s = st->ops->faces_remove(st, &c->face_id, 1, &removed, err);
    /* With the last face of all the model goes, and a negative would be of none. */
    fct_store_model model = {.dim = 0};
    if (!s) s = fct_model_read(st, &model, err);
    if (!s && model.dim) s = put_negative(st, c, b.data, b.size, err);
    fct_free(b.data);
    return s;
}

fct_status fct_gallery_reject_face(fct_gallery *g, int64_t person_id, int64_t face_id, int64_t *negative_id,
                                   fct_error *err) {
    reject_call c = {.person_id = person_id, .face_id = face_id};
    if (negative_id) *negative_id = 0;
    fct_status s = fct_gallery_write(g, reject_stored, &c, err);
    if (!s && negative_id) *negative_id = c.id;
    return s;
}

/* Negatives as callers see them. */
typedef struct negative_list {
    int64_t person_id;
    fct_negative *items;
    size_t n, cap;
} negative_list;

static fct_status note_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    negative_list *l = ctx;
    fct_negative *items = fct_grow(l->items, &l->cap, l->n + 1, sizeof *items);
    if (!items) return fct_fail_nomem(err, "negatives", 0);
    l->items = items;
    l->items[l->n++] = (fct_negative){x->id, x->person_id, x->created};
    return FCT_OK;
}

static fct_status list_negatives(void *ctx, fct_store *st, fct_error *err) {
    negative_list *l = ctx;
    l->n = 0;
    fct_status s = l->person_id ? fct_person_require(st, l->person_id, err) : FCT_OK;
    return s ? s
             : st->ops->negatives(st, l->person_id ? &l->person_id : NULL, l->person_id ? 1 : 0, 0, note_negative, l,
                                  err);
}

fct_status fct_gallery_negatives(fct_gallery *g, int64_t person_id, fct_negative **out, int *n, fct_error *err) {
    negative_list l = {.person_id = person_id};
    *out = NULL;
    *n = 0;
    fct_status s = fct_gallery_read(g, list_negatives, &l, err);
    if (s) return fct_free(l.items), s;
    *out = l.items;
    *n = (int)l.n;
    return FCT_OK;
}

void fct_gallery_negatives_free(fct_negative *x) { fct_free(x); }

static fct_status remove_negative(void *ctx, fct_store *st, fct_error *err) {
    const reject_call *c = ctx;
    size_t removed;
    fct_status s = st->ops->negatives_remove(st, &c->id, 1, &removed, err);
    return s || removed ? s : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no negative %lld", st->place, (long long)c->id);
}

fct_status fct_gallery_remove_negative(fct_gallery *g, int64_t negative_id, fct_error *err) {
    reject_call c = {.id = negative_id};
    return fct_gallery_write(g, remove_negative, &c, err);
}

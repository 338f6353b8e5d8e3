/* Moving a gallery to another model. The callback may take seconds per face, so
 * faces are read on a connection of their own, one at a time, and embedded
 * without any lock. The new embeddings wait in memory; a last, short transaction
 * puts them in place, after embedding what others have added meanwhile. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define BATCH 256 /* faces that are written at once */

typedef struct migration {
    const char *model_id;
    int dim;
    fct_reembed_fn *fn;
    void *user;
    bool drop;
    int dropped;
    const fct_store *st;
    fct_face_set done;  /* new embeddings; a face that cannot be made has zeros */
    int64_t *checksums; /* [done.n] */
    size_t checksums_cap;
    fct_idmap by_id;  /* face id -> place in done */
    float *embedding; /* [dim] */
    uint8_t *blobs;   /* [BATCH][dim * 4]: embeddings as they are stored */
    int64_t *missing; /* [n_missing] faces that came while others were embedded */
    size_t n_missing, cap_missing;
} migration;

/* ---- Embedding ----------------------------------------------------------------------- */

/* Keeps m->embedding as that of a face with this picture. */
static fct_status keep(migration *m, const fct_store_face *f, fct_error *err) {
    int64_t *sums = fct_grow(m->checksums, &m->checksums_cap, (size_t)m->done.n + 1, sizeof *sums);
    if (!sums) return fct_fail_nomem(err, "migration", 0);
    m->checksums = sums;
    if (!fct_idmap_reserve(&m->by_id, 1)) return fct_fail_nomem(err, "migration", 0);
    fct_embedding_pack(m->embedding, m->dim, m->blobs);
    m->checksums[m->done.n] = fct_face_checksum(m->blobs, (size_t)m->dim * 4, f->crop, f->crop_size);
    fct_status s = fct_face_set_add(&m->done, f->id, m->embedding, err);
    if (!s) fct_idmap_put(&m->by_id, f->id, (uint32_t)m->done.n - 1);
    return s;
}

/* Embeds one face and keeps the result. */
static fct_status embed_face(void *ctx, const fct_store_face *f, fct_error *err) {
    migration *m = ctx;
    if (fct_idmap_get(&m->by_id, f->id) != FCT_IDMAP_NONE) return FCT_OK;
    fct_stored_face face;
    fct_error why = {0};
    fct_face_show(f, &face);
    memset(m->embedding, 0, (size_t)m->dim * sizeof *m->embedding);
    fct_status s = m->fn(&face, f->crop, f->crop_size, m->embedding, m->dim, m->user, &why);
    if (s == FCT_ERR_NOT_FOUND && m->drop) {
        memset(m->embedding, 0, (size_t)m->dim * sizeof *m->embedding);
    } else if (s) {
        return fct_fail(err, s, "%s: face %lld: %s", m->st->place, (long long)f->id,
                        why.code ? why.text : fct_status_name(s));
    } else {
        fct_enrollment e = {.model_id = m->model_id, .embedding = m->embedding, .dim = m->dim};
        if (fct_faces_check(&e, 1, NULL))
            return fct_fail(err, FCT_ERR_ARG, "%s: face %lld: the new embedding is zero or not finite", m->st->place,
                            (long long)f->id);
    }
    return keep(m, f, err);
}

static fct_status embed_all(void *ctx, fct_store *st, fct_error *err) {
    migration *m = ctx;
    m->st = st;
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_CROP};
    return st->ops->faces(st, &q, embed_face, m, err);
}

static fct_status note_missing(void *ctx, const fct_store_face *f, fct_error *err) {
    migration *m = ctx;
    if (fct_idmap_get(&m->by_id, f->id) != FCT_IDMAP_NONE) return FCT_OK;
    int64_t *ids = fct_grow(m->missing, &m->cap_missing, m->n_missing + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "migration", 0);
    m->missing = ids;
    m->missing[m->n_missing++] = f->id;
    return FCT_OK;
}

/* Embeds the faces that are not done yet; pictures of the others are not read again. */
static fct_status embed_missing(migration *m, fct_store *st, fct_error *err) {
    m->st = st;
    m->n_missing = 0;
    fct_status s = st->ops->faces(st, &(fct_faces_query){0}, note_missing, m, err);
    if (s || !m->n_missing) return s;
    fct_faces_query q = {.ids = m->missing, .n = m->n_missing, .parts = FCT_FACE_INFO | FCT_FACE_CROP};
    return st->ops->faces(st, &q, embed_face, m, err);
}

/* ---- The transaction ------------------------------------------------------------------- */

static bool is_zero(const float *v, int dim) {
    for (int i = 0; i < dim; i++)
        if (v[i] != 0) return false;
    return true;
}

/* Writes the faces first.. of done, up to a batch of them, and removes those that
 * cannot be made. Somebody else may have removed some meanwhile. */
static fct_status store_batch(migration *m, fct_store *st, int first, fct_error *err) {
    fct_store_face rows[BATCH];
    int64_t gone[BATCH];
    size_t n = 0, n_gone = 0, removed = 0, size = (size_t)m->dim * 4;
    for (int i = first; i < m->done.n && i < first + BATCH; i++) {
        const float *v = m->done.embeddings + (size_t)i * m->dim;
        if (is_zero(v, m->dim)) {
            gone[n_gone++] = m->done.ids[i];
            continue;
        }
        uint8_t *blob = m->blobs + n * size;
        fct_embedding_pack(v, m->dim, blob);
        rows[n++] = (fct_store_face){
            .id = m->done.ids[i], .embedding = blob, .embedding_size = size, .checksum = m->checksums[i]};
    }
    fct_status s = n ? st->ops->faces_update(st, rows, n, FCT_FACE_EMBEDDING, err) : FCT_OK;
    if (!s && n_gone) s = st->ops->faces_remove(st, gone, n_gone, &removed, err);
    m->dropped += (int)removed;
    return s;
}

static fct_status store_all(void *ctx, fct_store *st, fct_error *err) {
    migration *m = ctx;
    fct_store_model old, model = {.dim = m->dim};
    memcpy(model.id, m->model_id, strlen(m->model_id) + 1);
    m->dropped = 0;
    fct_status s = embed_missing(m, st, err);
    for (int i = 0; i < m->done.n && !s; i += BATCH) s = store_batch(m, st, i, err);
    if (!s) s = fct_thresholds_clear(st, err);
    if (!s) s = st->ops->get_model(st, &old, err);
    if (!s && old.dim) s = st->ops->set_model(st, &model, err); /* no model: no face is left */
    return s ? s : fct_audit_note(st, "migrate", "{}", err);
}

fct_status fct_gallery_migrate(fct_gallery *g, const char *model_id, int dim, fct_reembed_fn *fn, void *user, bool drop,
                               int *dropped, fct_error *err) {
    if (dropped) *dropped = 0;
    if (!fn) return fct_fail(err, FCT_ERR_ARG, "migration: no function");
    fct_status s = fct_model_check(model_id, dim, err);
    if (s) return s;
    migration m = {.model_id = model_id, .dim = dim, .fn = fn, .user = user, .drop = drop, .done = {.dim = dim}};
    m.embedding = fct_realloc_array(NULL, (size_t)dim, sizeof *m.embedding);
    m.blobs = fct_realloc_array(NULL, (size_t)dim, 4 * BATCH);
    if (!m.embedding || !m.blobs) s = fct_fail_nomem(err, "embedding", 0);
    if (!s && g->read_only) s = fct_fail(err, FCT_ERR_ARG, "%s: opened for reading only", g->reader->place);
    if (!s) s = fct_gallery_read_apart(g, embed_all, &m, err);
    if (!s) s = fct_gallery_write(g, store_all, &m, err);
    if (!s && dropped) *dropped = m.dropped;
    fct_face_set_clear(&m.done);
    fct_idmap_clear(&m.by_id);
    fct_free(m.checksums);
    fct_free(m.missing);
    fct_free(m.embedding);
    fct_free(m.blobs);
    return s;
}

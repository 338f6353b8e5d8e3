/* Moving a gallery to another model. The callback may take seconds per face, so
 * faces are read on a connection of their own, one at a time, and embedded
 * without any lock. The new embeddings wait in memory; a last, short transaction
 * puts them in place, after embedding what others have added meanwhile. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

typedef struct migration {
    const char *model_id;
    int dim;
    fct_reembed_fn *fn;
    void *user;
    bool drop;
    int dropped;
    fct_face_set done; /* new embeddings; a face that cannot be made has zeros */
    fct_idmap by_id;   /* face id -> place in done */
    float *embedding;  /* [dim] */
} migration;

/* Embeds one face and keeps the result. */
static fct_status embed_face(migration *m, const fct_db *db, const fct_stored_face *face, const void *crop,
                             size_t crop_len, fct_error *err) {
    fct_error why = {0};
    memset(m->embedding, 0, (size_t)m->dim * sizeof *m->embedding);
    fct_status s = m->fn(face, crop, crop_len, m->embedding, m->dim, m->user, &why);
    if (s == FCT_ERR_NOT_FOUND && m->drop) {
        memset(m->embedding, 0, (size_t)m->dim * sizeof *m->embedding);
        s = FCT_OK;
    } else if (s) {
        return fct_fail(err, s, "%s: face %lld: %s", db->path, (long long)face->id,
                        why.code ? why.text : fct_status_name(s));
    } else {
        fct_enrollment f = {.model_id = m->model_id, .embedding = m->embedding, .dim = m->dim};
        s = fct_enrollment_check("x", &f, 1, NULL);
        if (s)
            return fct_fail(err, FCT_ERR_ARG, "%s: face %lld: the new embedding is zero or not finite", db->path,
                            (long long)face->id);
    }
    if (!fct_idmap_reserve(&m->by_id, 1)) return fct_fail_nomem(err, "migration", 0);
    s = fct_face_set_add(&m->done, face->id, m->embedding, err);
    if (!s) fct_idmap_put(&m->by_id, face->id, (uint32_t)m->done.n - 1);
    return s;
}

/* Embeds the faces of db that are not done yet. */
static fct_status embed_missing(migration *m, const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    char sql[300];
    sqlite3_snprintf((int)sizeof sql, sql, "%s, jpeg FROM face LEFT JOIN crop ON face_id = id",
                     fct_gallery_face_columns(db));
    fct_status s = fct_db_query(db, &q, err, sql, "");
    for (bool row = true; !s;) {
        fct_stored_face face;
        const void *crop;
        size_t crop_len;
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        if (fct_idmap_get(&m->by_id, sqlite3_column_int64(q, 0)) != FCT_IDMAP_NONE) continue;
        s = fct_gallery_read_face(db, q, &face, err);
        if (!s) s = fct_db_blob(db, q, 11, &crop, &crop_len, err);
        if (!s) s = embed_face(m, db, &face, crop, crop_len, err);
    }
    sqlite3_finalize(q);
    return s;
}

/* ---- The transaction ------------------------------------------------------------------- */

static fct_status read_crop(const fct_db *db, int64_t id, sqlite3_stmt **q, const void **crop, size_t *size,
                            fct_error *err) {
    bool row = false;
    *crop = NULL;
    *size = 0;
    fct_status s = fct_db_query(db, q, err, "SELECT jpeg FROM crop WHERE face_id = ?", "i", id);
    if (!s) s = fct_db_step(db, *q, &row, err);
    return s || !row ? s : fct_db_blob(db, *q, 0, crop, size, err);
}

static bool is_zero(const float *v, int dim) {
    for (int i = 0; i < dim; i++)
        if (v[i] != 0) return false;
    return true;
}

static fct_status store_face(migration *m, const fct_db *db, int i, uint8_t *blob, fct_error *err) {
    int64_t id = m->done.ids[i];
    const float *v = m->done.embeddings + (size_t)i * m->dim;
    if (is_zero(v, m->dim)) {
        fct_status s = fct_db_run(db, err, "DELETE FROM face WHERE id = ?", "i", id);
        m->dropped += sqlite3_changes(db->h); /* somebody else may have removed it */
        return s;
    }
    sqlite3_stmt *q = NULL;
    const void *crop;
    size_t crop_size, size = (size_t)m->dim * 4;
    fct_embedding_pack(v, m->dim, blob);
    fct_status s = read_crop(db, id, &q, &crop, &crop_size, err);
    int64_t checksum = s ? 0 : fct_face_checksum(blob, size, crop, crop_size);
    sqlite3_finalize(q);
    if (s) return s;
    return fct_db_run(db, err, "UPDATE face SET embedding = ?, checksum = ? WHERE id = ?", "bii", (const void *)blob,
                      size, checksum, id);
}

static fct_status store_all(migration *m, const fct_db *db, fct_error *err) {
    fct_status s = embed_missing(m, db, err);
    uint8_t *blob = fct_alloc((size_t)m->dim * 4);
    if (!s && !blob) s = fct_fail_nomem(err, "embedding", 0);
    for (int i = 0; i < m->done.n && !s; i++) s = store_face(m, db, i, blob, err);
    fct_free(blob);
    if (!s) s = fct_db_run(db, err, "UPDATE model SET model_id = ?, dim = ?", "ti", m->model_id, (int64_t)m->dim);
    if (!s) s = fct_gallery_unpin_if_empty(db, err);
    return s ? s : fct_gallery_log_change(db, FCT_CHANGE_ALL, 0, err);
}

static fct_status embed_all(migration *m, fct_gallery *g, fct_error *err) {
    fct_db db;
    fct_status s = fct_gallery_open_reader(&db, g->path, g->busy_ms, err);
    if (s) return s;
    s = fct_db_begin_read(&db, err);
    if (!s) s = fct_db_end(&db, embed_missing(m, &db, err), err);
    fct_db_close(&db);
    return s;
}

static fct_status store(migration *m, fct_gallery *g, fct_error *err) {
    fct_status s = fct_gallery_write_begin(g, err);
    return s ? s : fct_gallery_write_end(g, store_all(m, &g->db, err), err);
}

fct_status fct_gallery_migrate(fct_gallery *g, const char *model_id, int dim, fct_reembed_fn *fn, void *user, bool drop,
                               int *dropped, fct_error *err) {
    if (dropped) *dropped = 0;
    if (!fn) return fct_fail(err, FCT_ERR_ARG, "migration: no function");
    fct_status s = fct_model_check(model_id, dim, err);
    if (s) return s;
    migration m = {.model_id = model_id, .dim = dim, .fn = fn, .user = user, .drop = drop, .done = {.dim = dim}};
    m.embedding = fct_realloc_array(NULL, (size_t)dim, sizeof *m.embedding);
    if (!m.embedding) return fct_fail_nomem(err, "embedding", 0);
    if (g->read_only) s = fct_fail(err, FCT_ERR_ARG, "%s: opened for reading only", g->path);
    if (!s) s = embed_all(&m, g, err);
    if (!s) s = store(&m, g, err);
    if (!s && dropped) *dropped = m.dropped;
    fct_face_set_clear(&m.done);
    fct_idmap_clear(&m.by_id);
    fct_free(m.embedding);
    return s;
}

/* Single faces: their pictures and embeddings; merging people. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

/* Runs a query for a blob of one face inside the lock; copies it. */
static fct_status read_blob(const fct_db *db, const char *sql, int64_t face_id, const char *what, void **out,
                            size_t *size, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    const void *blob = NULL;
    fct_status s = fct_db_query(db, &q, err, sql, "i", face_id);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) s = fct_db_blob(db, q, 0, &blob, size, err);
    if (!s && !row) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no %s %lld", db->path, what, (long long)face_id);
    if (!s) {
        *out = fct_alloc(*size + 1);
        if (!*out) s = fct_fail_nomem(err, what, *size);
    }
    if (!s && *size) memcpy(*out, blob, *size);
    if (s) *size = 0;
    sqlite3_finalize(q);
    return s;
}

fct_status fct_gallery_crop(fct_gallery *g, int64_t face_id, void **jpeg, size_t *len, fct_error *err) {
    *jpeg = NULL;
    *len = 0;
    fct_mutex_lock(&g->lock);
    fct_status s =
        read_blob(&g->db, "SELECT jpeg FROM crop WHERE face_id = ?", face_id, "picture of face", jpeg, len, err);
    fct_mutex_unlock(&g->lock);
    return s;
}

fct_status fct_gallery_embedding(fct_gallery *g, int64_t face_id, float *out, int cap, int *dim, fct_error *err) {
    void *blob = NULL;
    size_t size;
    *dim = 0;
    fct_mutex_lock(&g->lock);
    fct_status s = read_blob(&g->db, "SELECT embedding FROM face WHERE id = ?", face_id, "face", &blob, &size, err);
    fct_mutex_unlock(&g->lock);
    size_t n = size / 4;
    if (!s && n > (size_t)(cap > 0 ? cap : 0))
        s = fct_fail(err, FCT_ERR_LIMIT, "%s: an embedding has %zu values, there is room for %d", g->path, n, cap);
    if (!s && !fct_embedding_unpack(blob, size, (int)n, out))
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: the embedding of face %lld is damaged", g->path, (long long)face_id);
    if (!s) *dim = (int)n;
    fct_free(blob);
    return s;
}

/* ---- Merging ------------------------------------------------------------------------- */

static fct_status check_person(const fct_db *db, int64_t id, fct_error *err) {
    int64_t n;
    fct_status s = fct_db_int(db, &n, err, "SELECT count(*) FROM person WHERE id = ?", "i", id);
    return s || n ? s : fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no person %lld", db->path, (long long)id);
}

/* Those left behind as duplicates go with the person. */
static fct_status move_faces(const fct_db *db, const fct_face_set *from, fct_face_set *to, int64_t into,
                             fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < from->n && !s; i++) {
        const float *embedding = from->embeddings + (size_t)i * from->dim;
        if (fct_face_set_find(to, embedding)) continue;
        s = fct_db_run(db, err, "UPDATE face SET person_id = ? WHERE id = ?", "ii", into, from->ids[i]);
        if (!s) s = fct_gallery_log_change(db, FCT_CHANGE_FACE, from->ids[i], err);
        if (!s) s = fct_face_set_add(to, from->ids[i], embedding, err);
    }
    return s;
}

static fct_status merge(const fct_db *db, int64_t from, int64_t into, fct_error *err) {
    fct_face_set a = {0}, b = {0};
    int64_t dim;
    fct_status s = check_person(db, from, err);
    if (!s) s = check_person(db, into, err);
    if (!s) s = fct_db_int(db, &dim, err, "SELECT dim FROM model", "");
    if (!s && (dim < 0 || dim > FCT_INDEX_DIM_MAX))
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: the entry of its model is damaged", db->path);
    if (!s && dim) s = fct_face_set_load(db, from, (int)dim, &a, err);
    if (!s && dim) s = fct_face_set_load(db, into, (int)dim, &b, err);
    if (!s) s = move_faces(db, &a, &b, into, err);
    fct_face_set_clear(&a);
    fct_face_set_clear(&b);
    return s ? s : fct_gallery_delete_person(db, from, err);
}

fct_status fct_gallery_merge(fct_gallery *g, int64_t from, int64_t into, fct_error *err) {
    if (from == into) return fct_fail(err, FCT_ERR_ARG, "person %lld cannot be merged with itself", (long long)from);
    fct_status s = fct_gallery_write_begin(g, err);
    return s ? s : fct_gallery_write_end(g, merge(&g->db, from, into, err), err);
}

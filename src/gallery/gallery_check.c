/* The full integrity check: SQLite's own of its pages and indexes, then ours of
 * what they hold. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

static fct_status check_pages(const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "PRAGMA integrity_check(1)", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s) {
        const char *text = row ? (const char *)sqlite3_column_text(q, 0) : NULL;
        if (!text || strcmp(text, "ok") != 0)
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: %s", db->path, text ? text : "no answer");
    }
    sqlite3_finalize(q);
    return s;
}

static fct_status check_links(const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "PRAGMA foreign_key_check", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: entry %lld of table %s belongs to nothing", db->path,
                     (long long)sqlite3_column_int64(q, 1), (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return s;
}

static fct_status check_face(const fct_db *db, sqlite3_stmt *q, int dim, float *buf, fct_error *err) {
    long long id = sqlite3_column_int64(q, 0);
    const void *embedding, *crop;
    size_t size, crop_size;
    fct_status s = fct_db_blob(db, q, 1, &embedding, &size, err);
    if (!s) s = fct_db_blob(db, q, 3, &crop, &crop_size, err);
    if (s) return s;
    if (dim < 1) return fct_fail(err, FCT_ERR_FORMAT, "%s: it has faces but names no model", db->path);
    if (!fct_embedding_unpack(embedding, size, dim, buf))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: the embedding of face %lld is damaged", db->path, id);
    if (sqlite3_column_int64(q, 2) != fct_face_checksum(embedding, size, crop, crop_size))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: face %lld does not match its checksum", db->path, id);
    return FCT_OK;
}

static fct_status check_faces(const fct_db *db, int dim, fct_error *err) {
    sqlite3_stmt *q;
    float *buf = fct_realloc_array(NULL, dim > 0 ? (size_t)dim : 1, sizeof *buf);
    if (!buf) return fct_fail_nomem(err, "embedding", 0);
    fct_status s =
        fct_db_query(db, &q, err, "SELECT id, embedding, checksum, jpeg FROM face LEFT JOIN crop ON face_id = id", "");
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = check_face(db, q, dim, buf, err);
    }
    sqlite3_finalize(q);
    fct_free(buf);
    return s;
}

static fct_status check_names(const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    const char *why, *name;
    fct_status s = fct_db_query(db, &q, err, "SELECT id, name FROM person", "");
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = fct_db_text(db, q, 1, &name, err);
        if (!s && (!name || !fct_name_valid(name, &why)))
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: the name of person %lld %s", db->path,
                         (long long)sqlite3_column_int64(q, 0), name ? why : "is missing");
    }
    sqlite3_finalize(q);
    return s;
}

static fct_status check_all(fct_gallery *g, fct_error *err) {
    int64_t dim, version;
    fct_status s = check_pages(&g->db, err);
    if (!s) s = fct_db_int(&g->db, &version, err, "PRAGMA user_version", ""); /* somebody may have migrated it */
    if (!s) s = fct_gallery_schema_verify(&g->db, (int)version, err);
    if (!s) s = check_links(&g->db, err);
    if (!s) s = check_names(&g->db, err);
    if (!s) s = fct_db_int(&g->db, &dim, err, "SELECT dim FROM model", "");
    if (!s && (dim < 0 || dim > FCT_INDEX_DIM_MAX))
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: the entry of its model is damaged", g->path);
    return s ? s : check_faces(&g->db, (int)dim, err);
}

fct_status fct_gallery_check(fct_gallery *g, fct_error *err) {
    fct_mutex_lock(&g->lock);
    fct_status s = fct_db_begin_read(&g->db, err);
    if (!s) s = fct_db_end(&g->db, check_all(g, err), err);
    if (!s) s = fct_gallery_sync(g, err);
    fct_mutex_unlock(&g->lock);
    return s;
}

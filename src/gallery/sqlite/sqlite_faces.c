/* Faces and their pictures in SQLite. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------- */

/* Columns of a query for faces. What was not asked for stands there as NULL, so
 * that each column has one place. */
enum {
    COL_ID,
    COL_PERSON,
    COL_CREATED,
    COL_BOX,
    COL_SCORE = COL_BOX + 4,
    COL_QUALITY,
    COL_CHECKSUM,
    COL_SOURCE,
    COL_CUT,
    COL_EMBEDDING,
    COL_CROP,
    COL_KEY
};

static void make_query(const fct_db *db, const fct_faces_query *want, char *sql, int cap) {
    bool info = want->parts & FCT_FACE_INFO, crop = want->parts & FCT_FACE_CROP;
    /* Schema 1 does not say how crops were cut. */
    const char *cut = !info && !crop ? "NULL" : db->schema > 1 ? "cut" : "iif(face_id IS NULL, NULL, 0)";
    const char *which = want->ids ? "WHERE id = ?1" : want->people ? "WHERE person_id = ?1" : "";
    const char *order = want->by_person ? "ORDER BY person_id, id" : want->people ? "ORDER BY id" : "";
    const char *key = want->parts & FCT_FACE_KEY && !fct_sqlite_is_old(db)
                          ? "(SELECT sealed FROM person_key WHERE person_key.person_id = face.person_id)"
                          : "NULL";
    sqlite3_snprintf(cap, sql, "SELECT id, person_id, %s, %s, %s, %s, %s FROM face %s %s %s",
                     info ? "created, x1, y1, x2, y2, score, quality, checksum, source"
                          : "NULL, NULL, NULL, NULL, NULL, NULL, NULL, checksum, NULL",
                     cut, want->parts & FCT_FACE_EMBEDDING ? "embedding" : "NULL", crop ? "jpeg" : "NULL", key,
                     info || crop ? "LEFT JOIN crop ON face_id = id" : "", which, order);
}

static fct_status read_face(const fct_db *db, sqlite3_stmt *q, fct_store_face *f, fct_error *err) {
    *f = (fct_store_face){.id = sqlite3_column_int64(q, COL_ID),
                          .person_id = sqlite3_column_int64(q, COL_PERSON),
                          .created = sqlite3_column_int64(q, COL_CREATED),
                          .score = sqlite3_column_double(q, COL_SCORE),
                          .quality = sqlite3_column_double(q, COL_QUALITY),
                          .checksum = sqlite3_column_int64(q, COL_CHECKSUM),
                          .has_crop = sqlite3_column_type(q, COL_CUT) != SQLITE_NULL,
                          .crop_cut = sqlite3_column_int(q, COL_CUT)};
    for (int i = 0; i < 4; i++) f->box[i] = sqlite3_column_double(q, COL_BOX + i);
    fct_status s = fct_db_text(db, q, COL_SOURCE, &f->source, err);
    if (!s) s = fct_db_blob(db, q, COL_EMBEDDING, &f->embedding, &f->embedding_size, err);
    if (!s) s = fct_db_blob(db, q, COL_CROP, &f->crop, &f->crop_size, err);
    return s ? s : fct_db_blob(db, q, COL_KEY, &f->key, &f->key_size, err);
}

/* Gives each row of q to the visitor. */
static fct_status visit_faces(const fct_db *db, sqlite3_stmt *q, fct_face_fn *fn, void *ctx, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s;) {
        fct_store_face f;
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = read_face(db, q, &f, err);
        if (!s) s = fn(ctx, &f, err);
    }
    return s;
}

fct_status fct_sqlite_faces(fct_store *st, const fct_faces_query *want, fct_face_fn *fn, void *ctx, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    const int64_t *keys = want->ids ? want->ids : want->people;
    char sql[500];
    make_query(db, want, sql, (int)sizeof sql);
    sqlite3_stmt *q;
    fct_status s = fct_db_query(db, &q, err, sql, "");
    if (!keys && !s) s = visit_faces(db, q, fn, ctx, err);
    for (size_t i = 0; keys && i < want->n && !s; i++) {
        s = fct_db_bind(db, q, err, "i", keys[i]);
        if (!s) s = visit_faces(db, q, fn, ctx, err);
    }
    sqlite3_finalize(q);
    return s;
}

/* ---- Writing ---------------------------------------------------------------------- */

/* The statements of faces_add, prepared once for all faces. */
typedef struct insert_stmts {
    sqlite3_stmt *face, *crop, *log;
} insert_stmts;

static fct_status prepare_insert(const fct_db *db, insert_stmts *q, fct_error *err) {
    fct_status s =
        fct_db_query(db, &q->face, err,
                     "INSERT INTO face(id, person_id, created, x1, y1, x2, y2, score, quality, source, embedding, "
                     "checksum) "
                     "VALUES(nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "");
    if (!s) s = fct_db_query(db, &q->crop, err, "INSERT INTO crop(face_id, cut, jpeg) VALUES(?, ?, ?)", "");
    return s ? s : fct_db_query(db, &q->log, err, "INSERT INTO change(what, id) VALUES(?, ?)", "");
}

static fct_status insert_face(const fct_db *db, const insert_stmts *q, fct_store_face *f, fct_error *err) {
    fct_status s =
        fct_db_bind(db, q->face, err, "iiiddddddtbi", f->id, f->person_id, f->created, f->box[0], f->box[1], f->box[2],
                    f->box[3], f->score, f->quality, f->source, f->embedding, f->embedding_size, f->checksum);
    if (!s) s = fct_db_finish(db, q->face, err);
    if (s) return s;
    f->id = sqlite3_last_insert_rowid(db->h);
    if (f->crop) {
        s = fct_db_bind(db, q->crop, err, "iib", f->id, (int64_t)f->crop_cut, f->crop, f->crop_size);
        if (!s) s = fct_db_finish(db, q->crop, err);
    }
    if (!s) s = fct_db_bind(db, q->log, err, "ii", (int64_t)FCT_CHANGE_FACE, f->id);
    return s ? s : fct_db_finish(db, q->log, err);
}

fct_status fct_sqlite_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    insert_stmts q = {0};
    fct_status s = prepare_insert(db, &q, err);
    for (size_t i = 0; i < n && !s; i++) s = insert_face(db, &q, &f[i], err);
    sqlite3_finalize(q.face);
    sqlite3_finalize(q.crop);
    sqlite3_finalize(q.log);
    return s ? s : fct_sqlite_log_trim(db, err);
}

/* Logs a face that the last statement changed; *changed says whether it did. */
static fct_status log_if_changed(const fct_db *db, int64_t id, bool *changed, fct_error *err) {
    *changed = sqlite3_changes(db->h) > 0;
    return *changed ? fct_sqlite_log(db, FCT_CHANGE_FACE, id, err) : FCT_OK;
}

fct_status fct_sqlite_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        bool changed;
        s = fct_db_run(db, err, "UPDATE face SET person_id = ? WHERE id = ?", "ii", person_id, ids[i]);
        if (!s) s = log_if_changed(db, ids[i], &changed, err);
    }
    return s ? s : fct_sqlite_log_trim(db, err);
}

/* The picture is replaced as a whole; NULL takes it away. */
static fct_status put_crop(const fct_db *db, const fct_store_face *f, fct_error *err) {
    fct_status s = fct_db_run(db, err, "DELETE FROM crop WHERE face_id = ?", "i", f->id);
    if (s || !f->crop) return s;
    return fct_db_run(db, err, "INSERT INTO crop(face_id, cut, jpeg) VALUES(?, ?, ?)", "iib", f->id,
                      (int64_t)f->crop_cut, f->crop, f->crop_size);
}

static fct_status update_face(const fct_db *db, const fct_store_face *f, int parts, fct_error *err) {
    bool changed;
    fct_status s = fct_db_run(db, err, "UPDATE face SET checksum = ? WHERE id = ?", "ii", f->checksum, f->id);
    if (!s) s = log_if_changed(db, f->id, &changed, err);
    if (s || !changed) return s;
    if (parts & FCT_FACE_EMBEDDING)
        s = fct_db_run(db, err, "UPDATE face SET embedding = ? WHERE id = ?", "bi", f->embedding, f->embedding_size,
                       f->id);
    if (!s && parts & FCT_FACE_SOURCE)
        s = fct_db_run(db, err, "UPDATE face SET source = ? WHERE id = ?", "ti", f->source, f->id);
    return s || !(parts & FCT_FACE_CROP) ? s : put_crop(db, f, err);
}

fct_status fct_sqlite_faces_update(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) s = update_face(db, &f[i], parts, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}

/* The next ids after the last that was ever given away: nobody else writes now, and
 * adding a face by its id moves the sequence on. */
fct_status fct_sqlite_face_ids(fct_store *st, size_t n, int64_t *first, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = fct_db_int(db, first, err, "SELECT seq FROM sqlite_sequence WHERE name = 'face'", "");
    if (!s && *first > INT64_MAX - 1 - (int64_t)n)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: the numbers of its faces are used up", db->path);
    *first = s ? 0 : *first + 1;
    return s;
}

fct_status fct_sqlite_faces_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    *removed = 0;
    for (size_t i = 0; i < n && !s; i++) {
        bool changed = false;
        s = fct_db_run(db, err, "DELETE FROM face WHERE id = ?", "i", ids[i]);
        if (!s) s = log_if_changed(db, ids[i], &changed, err);
        *removed += changed;
    }
    if (!s && *removed) s = fct_sqlite_unpin_if_empty(db, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}

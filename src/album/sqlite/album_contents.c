/* Photos and their faces as a scan stores them. */
#include "album/album_scan_store.h"
#include "album/sqlite/album_rows.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <string.h>

/* ---- What is known of a content ------------------------------------------------------------- */

/* Takes the one row of a query over photos, if there is one, and ends it. s: what the query's start has given. */
static fct_status read_known(fct_album *a, fct_status s, sqlite3_stmt *q, fct_known_photo *out, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    bool row = false;
    const void *hash, *look;
    size_t size, look_size;
    *out = (fct_known_photo){.id = 0};
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) {
        s = fct_db_blob(db, q, 1, &hash, &size, err);
        if (!s) s = fct_db_blob(db, q, 7, &look, &look_size, err);
        if (!s && size != sizeof out->hash) s = fct_album_damaged(a, "a photo's hash has another length", err);
        if (!s) {
            memcpy(out->hash, hash, sizeof out->hash);
            out->has_look = look_size == sizeof out->look;
            if (out->has_look) memcpy(out->look, look, sizeof out->look);
            out->id = sqlite3_column_int64(q, 0);
            out->width = sqlite3_column_int(q, 2);
            out->height = sqlite3_column_int(q, 3);
            out->phash = (uint64_t)sqlite3_column_int64(q, 4);
            out->failed = sqlite3_column_int64(q, 5) != 0;
            out->places = sqlite3_column_int64(q, 6);
        }
    }
    sqlite3_finalize(q);
    return s;
}

#define KNOWN_SELECT                                                                                                   \
    "SELECT id, hash, width, height, phash, error NOT NULL, (SELECT count(*) FROM file WHERE photo_id = photo.id), "   \
    "look FROM photo "

fct_status fct_album_photo_find(fct_album *a, const uint8_t hash[32], fct_known_photo *out, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s =
        fct_db_query(fct_album_db(a), &q, err, KNOWN_SELECT "WHERE hash = ?", "b", (const void *)hash, (size_t)32);
    return read_known(a, s, q, out, err);
}

fct_status fct_album_photo_get(fct_album *a, int64_t id, fct_known_photo *out, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s = fct_db_query(fct_album_db(a), &q, err, KNOWN_SELECT "WHERE id = ?", "i", id);
    return read_known(a, s, q, out, err);
}

/* ---- Faces that were there keep their ids ------------------------------------------------------ */

/* Least overlap of a face's old box and new box. */
#define SAME_FACE 0.5

typedef struct old_face {
    int64_t id, time_ms;
    double box[4];
    bool taken;
} old_face;

typedef struct old_faces {
    old_face *at; /* owned */
    size_t n, cap;
} old_faces;

static fct_status add_old(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    (void)a;
    old_faces *o = ctx;
    old_face *at = fct_grow(o->at, &o->cap, o->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "faces", 0);
    o->at = at;
    at += o->n++;
    *at = (old_face){.id = sqlite3_column_int64(q, 0), .time_ms = sqlite3_column_int64(q, 1)};
    for (int i = 0; i < 4; i++) at->box[i] = sqlite3_column_double(q, 2 + i);
    return FCT_OK;
}

/* The id of the old face that f is, 0 = none; each old face is taken once. */
static int64_t take_old(old_faces *o, const fct_new_face *f) {
    old_face *best = NULL;
    double most = SAME_FACE;
    for (size_t i = 0; i < o->n; i++) {
        old_face *at = &o->at[i];
        double overlap = fct_album_overlap(at->box, f->box);
        if (at->taken || at->time_ms != f->time_ms || overlap < most) continue;
        best = at;
        most = overlap;
    }
    if (best) best->taken = true;
    return best ? best->id : 0;
}

/* ---- Storing ------------------------------------------------------------------------------------ */

fct_status fct_album_embedding_put(fct_album *a, int64_t face_id, const float *unit, float norm, fct_error *err) {
    size_t size = 2 * (size_t)a->dim;
    uint8_t *half = fct_alloc(size);
    if (!half) return fct_fail_nomem(err, "embedding", size);
    fct_album_half_encode(unit, a->dim, half);
    fct_status s = fct_db_run(fct_album_db(a), err,
                              "INSERT OR REPLACE INTO embedding(face_id, model_id, norm, data) VALUES(?, ?, ?, ?)",
                              "iidb", face_id, a->model_id, (double)norm, (const void *)half, size);
    fct_free(half);
    return s;
}

/* ?1 is the face's id, NULL for a new one; the parameters are those of an INSERT. */
static fct_status put_face_row(const fct_db *db, int64_t photo_id, const fct_new_face *f, int64_t *id, fct_error *err) {
    uint8_t kps[40], parts[4 * FCT_ALBUM_PARTS];
    float values[FCT_ALBUM_PARTS];
    fct_album_put_floats(kps, &f->kps[0][0], 10);
    fct_album_quality_parts(&f->quality, values);
    fct_album_put_floats(parts, values, FCT_ALBUM_PARTS);
    const void *p_kps = kps, *p_parts = parts;
    fct_status s = fct_db_run(
        db, err,
        "INSERT INTO face(id, photo_id, time_ms, x1, y1, x2, y2, kps, score, quality, parts, pitch, yaw, roll, gender, "
        "age) VALUES(nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, iif(?12, ?13, NULL), iif(?12, ?14, "
        "NULL), iif(?12, ?15, NULL), nullif(?16, -1), nullif(?17, -1)) ON CONFLICT(id) DO UPDATE SET x1 = excluded.x1, "
        "y1 = excluded.y1, x2 = excluded.x2, y2 = excluded.y2, kps = excluded.kps, score = excluded.score, "
        "quality = excluded.quality, parts = excluded.parts, pitch = excluded.pitch, yaw = excluded.yaw, "
        "roll = excluded.roll, gender = excluded.gender, age = excluded.age",
        "iiiddddbddbidddii", *id, photo_id, f->time_ms, f->box[0], f->box[1], f->box[2], f->box[3], p_kps, sizeof kps,
        (double)f->score, (double)f->quality.score, p_parts, sizeof parts, (int64_t)f->has_pose, (double)f->pose[0],
        (double)f->pose[1], (double)f->pose[2], (int64_t)f->gender, (int64_t)f->age);
    if (!s && !*id) *id = sqlite3_last_insert_rowid(db->h);
    return s;
}

static fct_status put_face(fct_album *a, int64_t photo_id, const fct_new_face *f, int64_t id, fct_error *err) {
    fct_status s = put_face_row(fct_album_db(a), photo_id, f, &id, err);
    if (!s) s = fct_album_embedding_put(a, id, f->embedding, f->norm, err);
    if (s || !f->crop) return s;
    return fct_db_run(fct_album_db(a), err, "INSERT OR REPLACE INTO crop(face_id, jpeg) VALUES(?, ?)", "ib", id,
                      (const void *)f->crop, f->crop_size);
}

/* Stores a photo's faces. One that overlaps an old one keeps its number, and with it its person; others of before go.
 */
static fct_status put_faces(fct_album *a, int64_t photo_id, const fct_new_photo *p, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    old_faces old = {NULL, 0, 0};
    fct_status s =
        fct_db_query(db, &q, err, "SELECT id, time_ms, x1, y1, x2, y2 FROM face WHERE photo_id = ?", "i", photo_id);
    s = fct_album_each(a, s, q, add_old, &old, NULL, err);
    for (int i = 0; i < p->n_faces && !s; i++)
        s = put_face(a, photo_id, &p->faces[i], take_old(&old, &p->faces[i]), err);
    for (size_t i = 0; i < old.n && !s; i++)
        if (!old.at[i].taken) s = fct_db_run(db, err, "DELETE FROM face WHERE id = ?", "i", old.at[i].id);
    fct_free(old.at);
    return s;
}

/* The photo's own row: a new one, or that of id with another content. */
static fct_status put_photo_row(const fct_db *db, const fct_new_photo *p, int64_t *id, fct_error *err) {
    const void *hash = p->hash, *look = p->has_look ? p->look : NULL;
    fct_status s = fct_db_run(
        db, err,
        "INSERT INTO photo(id, hash, video, width, height, orientation, taken, changed, phash, look, error) "
        "VALUES(nullif(?1, 0), ?2, ?3, ?4, ?5, ?6, iif(?7, ?8, NULL), ?9, iif(?10, ?11, NULL), ?12, ?13) "
        "ON CONFLICT(id) DO UPDATE SET hash = excluded.hash, video = excluded.video, width = excluded.width, "
        "height = excluded.height, orientation = excluded.orientation, taken = excluded.taken, "
        "changed = excluded.changed, phash = excluded.phash, look = excluded.look, error = excluded.error",
        "ibiiiiiiiiibt", *id, hash, sizeof p->hash, (int64_t)p->is_video, (int64_t)p->width, (int64_t)p->height,
        (int64_t)p->orientation, (int64_t)p->has_taken, p->taken, p->changed, (int64_t)p->has_look, (int64_t)p->phash,
        look, p->has_look ? sizeof p->look : 0, p->error);
    if (!s && !*id) *id = sqlite3_last_insert_rowid(db->h);
    return s;
}

/* Decisions about the old content are about the new one from now on. */
static fct_status move_anchors(const fct_db *db, const uint8_t from[32], const uint8_t to[32], fct_error *err) {
    return fct_db_run(db, err, "UPDATE OR IGNORE anchor SET hash = ? WHERE hash = ?", "bb", (const void *)to,
                      (size_t)32, (const void *)from, (size_t)32);
}

fct_status fct_album_photo_put(fct_album *a, const fct_new_photo *p, int64_t old, int64_t *id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_known_photo known;
    *id = 0;
    fct_status s = fct_album_photo_find(a, p->hash, &known, err);
    if (!s && !known.id && old) {
        s = fct_album_photo_get(a, old, &known, err);
        if (!s && known.id) s = move_anchors(db, known.hash, p->hash, err);
    }
    if (!s) *id = known.id;
    if (!s) s = put_photo_row(db, p, id, err);
    return s ? s : put_faces(a, *id, p, err);
}

/* ---- Embedding anew ------------------------------------------------------------------------------- */

fct_status fct_album_to_embed(fct_album *a, int64_t after, fct_crop_row *out, int cap, int *n, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    *n = 0;
    fct_status s = fct_db_query(db, &q, err,
                                "SELECT c.face_id, c.jpeg FROM crop c LEFT JOIN embedding e ON e.face_id = c.face_id "
                                "AND e.model_id = ? WHERE c.face_id > ? AND e.face_id IS NULL ORDER BY c.face_id "
                                "LIMIT ?",
                                "iii", a->model_id, after, (int64_t)cap);
    for (bool row = true; !s && *n < cap;) {
        const void *data;
        fct_crop_row *c = &out[*n];
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = fct_db_blob(db, q, 1, &data, &c->size, err);
        c->face_id = sqlite3_column_int64(q, 0);
        if (!s && !(c->jpeg = fct_alloc(c->size))) s = fct_fail_nomem(err, "picture of a face", c->size);
        if (s) break;
        if (c->size) memcpy(c->jpeg, data, c->size);
        ++*n;
    }
    sqlite3_finalize(q);
    for (; s && *n > 0;) fct_free(out[--*n].jpeg);
    return s;
}

/* Decisions and the anchors that they are about. */
#include "album/sqlite/album_journal.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

/* Least overlap (IoU) of an anchor's box with the face that it means. Detectors put boxes around one face that
 * overlap by more than 0.5; those of neighbors do not overlap. */
#define LEAST_OVERLAP 0.3

fct_status fct_album_anchor_put(fct_album *a, const fct_anchor *k, int64_t *anchor_id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    const void *hash = k->hash;
    fct_status s =
        fct_db_run(db, err, "INSERT OR IGNORE INTO anchor(hash, time_ms, x1, y1, x2, y2) VALUES(?, ?, ?, ?, ?, ?)",
                   "bidddd", hash, sizeof k->hash, k->time_ms, k->box[0], k->box[1], k->box[2], k->box[3]);
    if (s) return *anchor_id = 0, s;
    return fct_db_int(
        db, anchor_id, err,
        "SELECT id FROM anchor WHERE hash = ? AND time_ms = ? AND x1 = ? AND y1 = ? AND x2 = ? AND y2 = ?", "bidddd",
        hash, sizeof k->hash, k->time_ms, k->box[0], k->box[1], k->box[2], k->box[3]);
}

/* Reads an anchor off a row of hash, time and box. */
static fct_status read_anchor(const fct_db *db, sqlite3_stmt *q, fct_anchor *out, fct_error *err) {
    const void *hash;
    size_t size;
    fct_status s = fct_db_blob(db, q, 0, &hash, &size, err);
    if (!s && size != sizeof out->hash)
        s = fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: hash of %zu bytes", db->path, size);
    if (s) return s;
    memcpy(out->hash, hash, sizeof out->hash);
    out->time_ms = sqlite3_column_int64(q, 1);
    for (int i = 0; i < 4; i++) out->box[i] = sqlite3_column_double(q, 2 + i);
    return FCT_OK;
}

fct_status fct_album_anchor_get(fct_album *a, int64_t anchor_id, fct_anchor *out, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row = false;
    *out = (fct_anchor){.time_ms = 0};
    fct_status s =
        fct_db_query(db, &q, err, "SELECT hash, time_ms, x1, y1, x2, y2 FROM anchor WHERE id = ?", "i", anchor_id);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && !row) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no anchor %lld", db->path, (long long)anchor_id);
    if (!s) s = read_anchor(db, q, out, err);
    sqlite3_finalize(q);
    return s;
}

fct_status fct_album_anchor_of_face(fct_album *a, int64_t face_id, int64_t *anchor_id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    fct_anchor k = {.time_ms = 0};
    bool row = false;
    *anchor_id = 0;
    fct_status s = fct_db_query(db, &q, err,
                                "SELECT p.hash, f.time_ms, f.x1, f.y1, f.x2, f.y2 FROM face f "
                                "JOIN photo p ON p.id = f.photo_id WHERE f.id = ?",
                                "i", face_id);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && !row) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no face %lld", db->path, (long long)face_id);
    if (!s) s = read_anchor(db, q, &k, err);
    sqlite3_finalize(q);
    return s ? s : fct_album_anchor_put(a, &k, anchor_id, err);
}

/* ---- Which face an anchor means ------------------------------------------------------------ */

double fct_album_overlap(const double a[4], const double b[4]) {
    double w = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    double h = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    if (!(w > 0) || !(h > 0)) return 0;
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

fct_status fct_album_anchor_face(fct_album *a, int64_t anchor_id, int64_t *face_id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row = true;
    int64_t nearest = INT64_MAX;
    double best = 0, box[2][4];
    *face_id = 0;
    fct_status s = fct_db_query(db, &q, err,
                                "SELECT f.id, abs(f.time_ms - k.time_ms) AS apart, k.x1, k.y1, k.x2, k.y2, f.x1, f.y1, "
                                "f.x2, f.y2 FROM anchor k JOIN photo p ON p.hash = k.hash JOIN face f ON f.photo_id = "
                                "p.id WHERE k.id = ? ORDER BY apart, f.id",
                                "i", anchor_id);
    while (!s && row) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        int64_t apart = sqlite3_column_int64(q, 1);
        for (int i = 0; i < 8; i++) box[i / 4][i % 4] = sqlite3_column_double(q, 2 + i);
        double o = fct_album_overlap(box[0], box[1]);
        if (o < LEAST_OVERLAP || apart > nearest || o <= best) continue;
        nearest = apart;
        best = o;
        *face_id = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return s;
}

/* ---- Decisions -------------------------------------------------------------------------------- */

static fct_status resolve(fct_album *a, fct_decision *d, fct_error *err) {
    fct_status s = fct_album_anchor_face(a, d->a, &d->face_a, err);
    d->face_b = 0;
    return !s && d->b ? fct_album_anchor_face(a, d->b, &d->face_b, err) : s;
}

fct_status fct_album_decide(fct_album *a, fct_decision *d, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    d->created = fct_time_unix();
    fct_status s = fct_db_int(db, &d->id, err,
                              "SELECT id FROM decision WHERE kind = ? AND a = ? AND b IS nullif(?, 0) AND "
                              "person_id IS nullif(?, 0)",
                              "iiii", (int64_t)d->kind, d->a, d->b, d->person_id);
    if (s || d->id) return s ? s : resolve(a, d, err);
    s = fct_db_run(db, err,
                   "INSERT INTO decision(kind, a, b, person_id, source, created) "
                   "VALUES(?, ?, nullif(?, 0), nullif(?, 0), ?, ?)",
                   "iiiiii", (int64_t)d->kind, d->a, d->b, d->person_id, (int64_t)d->source, d->created);
    if (s) return s;
    d->id = sqlite3_last_insert_rowid(db->h);
    s = fct_album_note_new_decision(a, d->id, err);
    return s ? s : resolve(a, d, err);
}

fct_status fct_album_undecide(fct_album *a, int64_t decision_id, fct_error *err) {
    fct_status s = fct_album_note_decision(a, decision_id, err);
    return s ? s : fct_db_run(fct_album_db(a), err, "DELETE FROM decision WHERE id = ?", "i", decision_id);
}

fct_status fct_album_decisions(fct_album *a, fct_decision_fn *fn, void *user, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row = true;
    fct_status s =
        fct_db_query(db, &q, err, "SELECT id, kind, a, b, person_id, source, created FROM decision ORDER BY id", "");
    while (!s && row) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        fct_decision d = {.id = sqlite3_column_int64(q, 0),
                          .kind = (fct_decision_kind)sqlite3_column_int64(q, 1),
                          .a = sqlite3_column_int64(q, 2),
                          .b = sqlite3_column_int64(q, 3),
                          .person_id = sqlite3_column_int64(q, 4),
                          .source = (fct_decision_source)sqlite3_column_int64(q, 5),
                          .created = sqlite3_column_int64(q, 6)};
        s = resolve(a, &d, err);
        if (!s) s = fn(user, &d, err);
    }
    sqlite3_finalize(q);
    return s;
}

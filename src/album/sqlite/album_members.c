/* People and which faces are theirs. */
#include "album/sqlite/album_journal.h"
#include "album/sqlite/album_rows.h"
#include "base/error.h"
#include "base/file.h"

static fct_status find_person(const fct_db *db, const char *name, int64_t *id, fct_error *err) {
    return fct_db_int(db, id, err, "SELECT id FROM person WHERE name = ?", "t", name);
}

fct_status fct_album_person_find(fct_album *a, const char *name, int64_t *id, fct_error *err) {
    return find_person(fct_album_db(a), name, id, err);
}

/* FCT_ERR_EXISTS where somebody other than id has the name. */
static fct_status check_name(const fct_db *db, const char *name, int64_t id, fct_error *err) {
    int64_t other = 0;
    fct_status s = name ? find_person(db, name, &other, err) : FCT_OK;
    if (!s && other && other != id)
        s = fct_fail(err, FCT_ERR_EXISTS, "%s: there is somebody called %s already", db->path, name);
    return s;
}

fct_status fct_album_person_add(fct_album *a, const char *name, int64_t *id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    *id = 0;
    fct_status s = check_name(db, name, 0, err);
    if (!s)
        s = fct_db_run(db, err, "INSERT INTO person(name, ignored, created) VALUES(?, 0, ?)", "ti", name,
                       fct_time_unix());
    if (!s) *id = sqlite3_last_insert_rowid(db->h);
    return s ? s : fct_album_note_new_person(a, *id, err);
}

/* One changed column of a person; the others keep their value. */
static fct_status change_person(fct_album *a, int64_t id, const char *sql, int64_t value, fct_error *err) {
    fct_status s = fct_album_note_person(a, id, err);
    return s ? s : fct_db_run(fct_album_db(a), err, sql, "ii", value, id);
}

fct_status fct_album_person_rename(fct_album *a, int64_t id, const char *name, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_status s = check_name(db, name, id, err);
    if (!s) s = fct_album_note_person(a, id, err);
    return s ? s : fct_db_run(db, err, "UPDATE person SET name = ? WHERE id = ?", "ti", name, id);
}

fct_status fct_album_person_ignore(fct_album *a, int64_t id, bool ignored, fct_error *err) {
    return change_person(a, id, "UPDATE person SET ignored = ? WHERE id = ?", ignored, err);
}

fct_status fct_album_person_link(fct_album *a, int64_t id, int64_t gallery_id, fct_error *err) {
    return change_person(a, id, "UPDATE person SET gallery_id = nullif(?, 0) WHERE id = ?", gallery_id, err);
}

fct_status fct_album_person_remove(fct_album *a, int64_t id, fct_error *err) {
    fct_status s = fct_album_note_person(a, id, err);
    if (!s) s = fct_album_note_members_of(a, id, err);
    if (!s) s = fct_album_note_decisions_of(a, id, err);
    return s ? s : fct_db_run(fct_album_db(a), err, "DELETE FROM person WHERE id = ?", "i", id);
}

fct_status fct_album_newest_face(fct_album *a, int64_t *id, fct_error *err) {
    return fct_db_int(fct_album_db(a), id, err, "SELECT coalesce(max(id), 0) FROM face", "");
}

fct_status fct_album_people_tidy(fct_album *a, fct_error *err) {
    return fct_db_run(fct_album_db(a), err,
                      "DELETE FROM person WHERE name IS NULL AND NOT ignored AND id NOT IN (SELECT person_id FROM "
                      "member) AND id NOT IN (SELECT person_id FROM decision WHERE person_id NOT NULL)",
                      "");
}

fct_status fct_album_member_put(fct_album *a, int64_t face_id, int64_t person_id, fct_member_how how, double score,
                                fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_status s = fct_album_note_member(a, face_id, err);
    if (s) return s;
    if (!person_id) return fct_db_run(db, err, "DELETE FROM member WHERE face_id = ?", "i", face_id);
    return fct_db_run(db, err,
                      "INSERT INTO member(face_id, person_id, how, score) VALUES(?, ?, ?, ?) ON CONFLICT(face_id) "
                      "DO UPDATE SET person_id = excluded.person_id, how = excluded.how, score = excluded.score",
                      "iiid", face_id, person_id, (int64_t)how, score);
}

fct_status fct_album_member_add(fct_album *a, int64_t face_id, int64_t person_id, double score, fct_error *err) {
    fct_status s = fct_album_note_member(a, face_id, err);
    return s ? s
             : fct_db_run(fct_album_db(a), err,
                          "INSERT OR IGNORE INTO member(face_id, person_id, how, score) SELECT id, ?, ?, ? FROM face "
                          "WHERE id = ?",
                          "iidi", person_id, (int64_t)FCT_MEMBER_AUTOMATIC, score, face_id);
}

static fct_status take_id(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    (void)a;
    return fct_numbers_add(ctx, sqlite3_column_int64(q, 0)) ? FCT_OK : fct_fail_nomem(err, "photos", 0);
}

fct_status fct_album_person_photos(fct_album *a, int64_t person_id, fct_numbers *out, fct_error *err) {
    sqlite3_stmt *q;
    fct_status s =
        fct_db_query(fct_album_db(a), &q, err,
                     "SELECT f.photo_id FROM member m JOIN face f ON f.id = m.face_id WHERE m.person_id = ?1 "
                     "UNION SELECT photo_id FROM (" FCT_ALBUM_PLACES "AND d.person_id = ?1) ORDER BY 1",
                     "i", person_id);
    return fct_album_each(a, s, q, take_id, out, NULL, err);
}

fct_status fct_album_members_move(fct_album *a, int64_t from, int64_t to, fct_error *err) {
    fct_status s = fct_album_note_members_of(a, from, err);
    return s ? s
             : fct_db_run(fct_album_db(a), err, "UPDATE member SET person_id = ? WHERE person_id = ?", "ii", to, from);
}

/* The undo journal. Before a verb changes a person, a member or a decision, the
 * row is noted as it is; the first note of an operation wins. Undoing writes the
 * notes back, in an order in which no name and no reference is in another's way. */
#include "album/sqlite/album_journal.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>

#define KEEP_OPERATIONS 200 /* older ones can no longer be undone */

fct_status fct_album_operation_begin(fct_album *a, const char *what, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_status s = fct_db_run(db, err, "INSERT INTO operation(what, made) VALUES(?, ?)", "ti", what, fct_time_unix());
    if (!s) a->operation = sqlite3_last_insert_rowid(db->h);
    return s ? s : fct_db_run(db, err, "DELETE FROM operation WHERE id <= ?", "i", a->operation - KEEP_OPERATIONS);
}

void fct_album_operation_end(fct_album *a) { a->operation = 0; }

fct_status fct_album_note_person(fct_album *a, int64_t id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_person SELECT ?, id, 1, name, ignored, gallery_id, created "
                      "FROM person WHERE id = ?",
                      "ii", a->operation, id);
}

fct_status fct_album_note_new_person(fct_album *a, int64_t id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_person(operation_id, id, existed) VALUES(?, ?, 0)", "ii",
                      a->operation, id);
}

fct_status fct_album_note_member(fct_album *a, int64_t face_id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_member SELECT ?1, ?2, m.face_id IS NOT NULL, m.person_id, m.how, "
                      "m.score FROM (SELECT 1) LEFT JOIN member m ON m.face_id = ?2",
                      "ii", a->operation, face_id);
}

fct_status fct_album_note_members_of(fct_album *a, int64_t person_id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_member SELECT ?, face_id, 1, person_id, how, score FROM member "
                      "WHERE person_id = ?",
                      "ii", a->operation, person_id);
}

fct_status fct_album_note_decision(fct_album *a, int64_t id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_decision SELECT ?, id, 1, kind, a, b, person_id, source, created "
                      "FROM decision WHERE id = ?",
                      "ii", a->operation, id);
}

fct_status fct_album_note_new_decision(fct_album *a, int64_t id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_decision(operation_id, id, existed) VALUES(?, ?, 0)", "ii",
                      a->operation, id);
}

fct_status fct_album_note_decisions_of(fct_album *a, int64_t person_id, fct_error *err) {
    if (!a->operation) return FCT_OK;
    return fct_db_run(fct_album_db(a), err,
                      "INSERT OR IGNORE INTO undo_decision SELECT ?, id, 1, kind, a, b, person_id, source, created "
                      "FROM decision WHERE person_id = ?",
                      "ii", a->operation, person_id);
}

/* The statements that undo operation ?1. Names are taken away before they are given, so that two people can have
 * changed theirs; what an operation has made goes last, when nothing refers to it. */
static const char *const undo_steps[] = {
    "UPDATE person SET name = NULL WHERE id IN (SELECT id FROM undo_person WHERE operation_id = ?1)",
    "INSERT INTO person(id, name, ignored, gallery_id, created) "
    "SELECT id, name, ignored, gallery_id, created FROM undo_person WHERE operation_id = ?1 AND existed "
    "ON CONFLICT(id) DO UPDATE SET name = excluded.name, ignored = excluded.ignored, "
    "gallery_id = excluded.gallery_id, created = excluded.created",
    "DELETE FROM decision WHERE id IN (SELECT id FROM undo_decision WHERE operation_id = ?1)",
    "INSERT INTO decision(id, kind, a, b, person_id, source, created) "
    "SELECT id, kind, a, b, person_id, source, created FROM undo_decision WHERE operation_id = ?1 AND existed "
    "AND (person_id IS NULL OR person_id IN (SELECT id FROM person))",
    "DELETE FROM member WHERE face_id IN (SELECT face_id FROM undo_member WHERE operation_id = ?1)",
    "INSERT INTO member(face_id, person_id, how, score) "
    "SELECT face_id, person_id, how, score FROM undo_member WHERE operation_id = ?1 AND existed "
    "AND face_id IN (SELECT id FROM face) AND person_id IN (SELECT id FROM person)",
    "DELETE FROM person WHERE id IN (SELECT id FROM undo_person WHERE operation_id = ?1 AND NOT existed)",
    "DELETE FROM operation WHERE id = ?1"};

/* The last operation that was not taken back, and what it was called. */
static fct_status newest(const fct_db *db, int64_t *id, char *what, size_t cap, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    const char *text = NULL;
    fct_status s = fct_db_query(db, &q, err, "SELECT id, what FROM operation ORDER BY id DESC LIMIT 1", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && !row) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is nothing to undo", db->path);
    if (!s) s = fct_db_text(db, q, 1, &text, err);
    if (!s) {
        *id = sqlite3_column_int64(q, 0);
        if (cap) snprintf(what, cap, "%s", text ? text : "");
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_album_undo(fct_album *a, char *what, size_t cap, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    int64_t id = 0;
    if (!what) cap = 0;
    if (cap) what[0] = 0;
    fct_status s = fct_album_begin(a, err);
    if (s) return s;
    s = newest(db, &id, what, cap, err);
    for (size_t i = 0; i < sizeof undo_steps / sizeof *undo_steps && !s; i++)
        s = fct_db_run(db, err, undo_steps[i], "i", id);
    return fct_album_end(a, s, err);
}

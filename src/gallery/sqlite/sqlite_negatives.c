/* Negatives, faces that are not a person's, and the keys of people, in SQLite. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"

static fct_status visit_negatives(const fct_db *db, sqlite3_stmt *q, fct_negative_fn *fn, void *ctx, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s;) {
        fct_store_negative x = {0};
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        x.id = sqlite3_column_int64(q, 0);
        x.person_id = sqlite3_column_int64(q, 1);
        x.created = sqlite3_column_int64(q, 2);
        s = fct_db_blob(db, q, 3, &x.embedding, &x.embedding_size, err);
        if (!s) s = fct_db_blob(db, q, 4, &x.key, &x.key_size, err);
        if (!s) s = fn(ctx, &x, err);
    }
    return s;
}

fct_status fct_sqlite_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn,
                                void *ctx, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    char sql[300];
    if (fct_sqlite_is_old(db)) return FCT_OK;
    sqlite3_snprintf(
        (int)sizeof sql, sql, "SELECT id, person_id, created, embedding, %s FROM negative %s ORDER BY person_id, id",
        parts & FCT_FACE_KEY ? "(SELECT sealed FROM person_key WHERE person_key.person_id = negative.person_id)"
                             : "NULL",
        people ? "WHERE person_id = ?" : "");
    fct_status s = fct_db_query(db, &q, err, sql, "");
    if (!people && !s) s = visit_negatives(db, q, fn, ctx, err);
    for (size_t i = 0; people && i < n && !s; i++) {
        s = fct_db_bind(db, q, err, "i", people[i]);
        if (!s) s = visit_negatives(db, q, fn, ctx, err);
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        s = fct_db_run(db, err, "INSERT INTO negative(person_id, created, embedding) VALUES(?, ?, ?)", "iib",
                       x[i].person_id, x[i].created, x[i].embedding, x[i].embedding_size);
        if (s) break;
        x[i].id = sqlite3_last_insert_rowid(db->h);
        s = fct_sqlite_log(db, FCT_CHANGE_PERSON, x[i].person_id, err);
    }
    return s ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_negatives_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    *removed = 0;
    for (size_t i = 0; i < n && !s; i++) {
        int64_t person;
        s = fct_db_int(db, &person, err, "SELECT person_id FROM negative WHERE id = ?", "i", ids[i]);
        if (s || !person) continue;
        ++*removed;
        s = fct_db_run(db, err, "DELETE FROM negative WHERE id = ?", "i", ids[i]);
        if (!s) s = fct_sqlite_log(db, FCT_CHANGE_PERSON, person, err);
    }
    return s ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_keys_put(fct_store *st, const fct_store_key *k, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        if (k[i].data)
            s = fct_db_run(db, err, "INSERT OR REPLACE INTO person_key(person_id, sealed) VALUES(?, ?)", "ib",
                           k[i].person_id, k[i].data, k[i].size);
        else s = fct_db_run(db, err, "DELETE FROM person_key WHERE person_id = ?", "i", k[i].person_id);
        if (!s) s = fct_sqlite_log(db, FCT_CHANGE_PERSON, k[i].person_id, err);
    }
    return s ? s : fct_sqlite_log_trim(db, err);
}

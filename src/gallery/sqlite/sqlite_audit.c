/* The audit log in SQLite, and purging. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"
#include <string.h>

/* A hash of another length is left as zeros: the chain then shows that it is broken. */
static fct_status read_hash(const fct_db *db, sqlite3_stmt *q, int column, uint8_t hash[32], fct_error *err) {
    const void *data;
    size_t size;
    memset(hash, 0, 32);
    fct_status s = fct_db_blob(db, q, column, &data, &size, err);
    if (!s && size == 32) memcpy(hash, data, 32);
    return s;
}

fct_status fct_sqlite_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    if (fct_sqlite_is_old(db)) return FCT_OK;
    fct_status s = fct_db_query(
        db, &q, err, "SELECT seq, at, actor, what, detail, hash FROM audit WHERE seq > ? ORDER BY seq", "i", after);
    for (bool row = true; !s;) {
        fct_store_audit a = {0};
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        a.seq = sqlite3_column_int64(q, 0);
        a.at = sqlite3_column_int64(q, 1);
        s = fct_db_text(db, q, 2, &a.actor, err);
        if (!s) s = fct_db_text(db, q, 3, &a.what, err);
        if (!s) s = fct_db_text(db, q, 4, &a.detail, err);
        if (!s) s = read_hash(db, q, 5, a.hash, err);
        if (!s) s = fn(ctx, &a, err);
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    bool row = false;
    *seq = 0;
    memset(hash, 0, 32);
    if (fct_sqlite_is_old(db)) return FCT_OK;
    fct_status s = fct_db_query(db, &q, err, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) s = read_hash(db, q, 1, hash, err);
    if (!s && row) *seq = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_audit_add(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++)
        s = fct_db_run(db, err, "INSERT INTO audit(seq, at, actor, what, detail, hash) VALUES(?, ?, ?, ?, ?, ?)",
                       "iitttb", a[i].seq, a[i].at, a[i].actor, a[i].what, a[i].detail, a[i].hash, sizeof a[i].hash);
    return s;
}

/* ---- Purging ------------------------------------------------------------------------- */

/* Empties the log. SQLite answers with a row whose first column says whether somebody
 * who reads an earlier state kept it from doing so. */
static fct_status empty_log(const fct_db *db, fct_error *err) {
    int64_t busy;
    fct_status s = fct_db_int(db, &busy, err, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    if (s || !busy) return s;
    return fct_fail(err, FCT_ERR_BUSY,
                    "%s: somebody else has it open, and what was removed is still in the file beside it until they "
                    "close it",
                    db->path);
}

/* Deleting has overwritten the rows (secure_delete); what was left where rows had
 * moved goes when the file is written anew, and what the log holds when it is emptied.
 * SQLite writes the file anew by way of a database that it attaches. */
fct_status fct_sqlite_purge(fct_store *st, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    int before = sqlite3_limit(db->h, SQLITE_LIMIT_ATTACHED, 1);
    fct_status s = fct_db_run(db, err, "VACUUM", "");
    sqlite3_limit(db->h, SQLITE_LIMIT_ATTACHED, before);
    return s ? s : empty_log(db, err);
}

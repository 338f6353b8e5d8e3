/* SQLite's own check of its pages, indexes and references, and ours of the tables. */
#include "base/error.h"
#include "sqlite/sqlite_tables.h"
#include <string.h>

static fct_status check_pages(const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    fct_status s = fct_db_query(db, &q, err, "PRAGMA integrity_check(1)", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s) {
        const char *text = row ? (const char *)sqlite3_column_text(q, 0) : NULL;
        if (!text || strcmp(text, "ok") != 0)
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: damaged; %s (%s)", db->path, db->kind->remedy,
                         text ? text : "no answer");
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_db_check_links(const fct_db *db, fct_error *err) {
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

fct_status fct_db_check(const fct_db *db, fct_error *err) {
    int64_t version;
    fct_status s = check_pages(db, err);
    if (!s) s = fct_db_int(db, &version, err, "PRAGMA user_version", ""); /* somebody may have migrated it */
    if (!s) s = fct_db_verify(db, (int)version, err);
    return s ? s : fct_db_check_links(db, err);
}

/* The change feed: a table of what others must read again, in the order in which
 * it was committed. Writers follow one another in SQLite, so a number that is
 * visible has all smaller ones before it. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"

#define LOG_KEEP 4096 /* entries that are kept */

fct_status fct_sqlite_log(const fct_db *db, fct_change what, int64_t id, fct_error *err) {
    return fct_db_run(db, err, "INSERT INTO change(what, id) VALUES(?, ?)", "ii", (int64_t)what, id);
}

fct_status fct_sqlite_log_trim(const fct_db *db, fct_error *err) {
    return fct_db_run(db, err, "DELETE FROM change WHERE seq <= (SELECT max(seq) FROM change) - ?", "i",
                      (int64_t)LOG_KEEP);
}

/* What changed after an entry, each thing once. More than the log keeps is told as everything. */
static fct_status read_entries(const fct_db *db, int64_t after, fct_store_changes *out, fct_error *err) {
    sqlite3_stmt *q;
    size_t cap = 0;
    fct_status s = fct_db_query(
        db, &q, err, "SELECT what, id FROM change WHERE seq > ? GROUP BY what, id ORDER BY what DESC, id", "i", after);
    for (bool row = true; !s;) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        int64_t what = sqlite3_column_int64(q, 0);
        if (out->n == 2 * LOG_KEEP ||
            (what != FCT_CHANGE_FACE && what != FCT_CHANGE_PERSON && what != FCT_CHANGE_SETTING)) {
            out->complete = false; /* everything, or a file that keeps more than we do */
            break;
        }
        fct_store_change *items = fct_grow(out->items, &cap, out->n + 1, sizeof *items);
        if (!items) s = fct_fail_nomem(err, "changes of the gallery", 0);
        else out->items = items;
        if (!s) out->items[out->n++] = (fct_store_change){(fct_change)what, sqlite3_column_int64(q, 1)};
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_changes(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    int64_t oldest;
    *out = (fct_store_changes){0};
    fct_status s = fct_db_int(db, &out->newest, err, "SELECT max(seq) FROM change", "");
    if (!s) s = fct_db_int(db, &oldest, err, "SELECT min(seq) FROM change", "");
    if (s || out->newest == after) return out->complete = !s, s;
    /* Numbers of a damaged file may be at the ends of their range. */
    out->complete = out->newest > after && (oldest <= after || oldest - 1 == after);
    if (out->complete) s = read_entries(db, after, out, err);
    if (s || !out->complete) {
        fct_free(out->items);
        out->items = NULL;
        out->n = 0;
    }
    return s;
}

/* Collections and settings in SQLite. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"

/* Adds one entry to the change feed that stands for all collections and settings. */
static fct_status log_setting(const fct_db *db, fct_error *err) {
    fct_status s = fct_sqlite_log(db, FCT_CHANGE_SETTING, 0, err);
    return s ? s : fct_sqlite_log_trim(db, err);
}

fct_status fct_sqlite_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    if (fct_sqlite_is_old(db))
        return fn(ctx, &(fct_store_collection){.id = FCT_COLLECTION_DEFAULT, .name = "default"}, err);
    fct_status s = fct_db_query(db, &q, err, "SELECT id, name, created FROM collection ORDER BY id", "");
    for (bool row = true; !s;) {
        fct_store_collection c = {0};
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = fct_db_text(db, q, 1, &c.name, err);
        c.id = sqlite3_column_int64(q, 0);
        c.created = sqlite3_column_int64(q, 2);
        if (!s) s = fn(ctx, &c, err);
    }
    sqlite3_finalize(q);
    return s;
}

/* Id of the collection with this name, 0 = none. */
static fct_status find_collection(const fct_db *db, const char *name, int64_t *id, fct_error *err) {
    return fct_db_int(db, id, err, "SELECT id FROM collection WHERE name = ?", "t", name);
}

fct_status fct_sqlite_collections_add(fct_store *st, fct_store_collection *c, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    bool any = false;
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        s = find_collection(db, c[i].name, &c[i].id, err);
        c[i].is_new = !s && !c[i].id;
        if (!c[i].is_new) continue;
        any = true;
        s = fct_db_run(db, err, "INSERT INTO collection(name, created) VALUES(?, ?)", "ti", c[i].name, c[i].created);
        if (!s) c[i].id = sqlite3_last_insert_rowid(db->h);
    }
    return s || !any ? s : log_setting(db, err);
}

fct_status fct_sqlite_collection_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    int64_t holder;
    *found = false;
    fct_status s = find_collection(db, name, &holder, err);
    if (!s && holder && holder != id)
        return fct_fail(err, FCT_ERR_EXISTS, "%s: there is already a collection %s", db->path, name);
    if (!s) s = fct_db_run(db, err, "UPDATE collection SET name = ? WHERE id = ?", "ti", name, id);
    if (!s) *found = sqlite3_changes(db->h) > 0;
    return s || !*found ? s : log_setting(db, err);
}

fct_status fct_sqlite_collection_remove(fct_store *st, int64_t id, bool *found, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    *found = false;
    fct_status s = fct_db_run(db, err, "DELETE FROM collection WHERE id = ?", "i", id);
    if (!s) *found = sqlite3_changes(db->h) > 0;
    if (!s && *found) s = fct_db_run(db, err, "DELETE FROM setting WHERE collection_id = ?", "i", id);
    return s || !*found ? s : log_setting(db, err);
}

fct_status fct_sqlite_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    sqlite3_stmt *q;
    if (fct_sqlite_is_old(db)) return FCT_OK;
    fct_status s =
        fct_db_query(db, &q, err, "SELECT collection_id, key, value FROM setting ORDER BY collection_id, key", "");
    for (bool row = true; !s;) {
        fct_store_setting x = {0};
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        x.collection_id = sqlite3_column_int64(q, 0);
        s = fct_db_text(db, q, 1, &x.key, err);
        if (!s) s = fct_db_text(db, q, 2, &x.value, err);
        if (!s) s = fn(ctx, &x, err);
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_sqlite_settings_put(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++)
        if (x[i].value)
            s = fct_db_run(db, err, "INSERT OR REPLACE INTO setting(collection_id, key, value) VALUES(?, ?, ?)", "itt",
                           x[i].collection_id, x[i].key, x[i].value);
        else
            s = fct_db_run(db, err, "DELETE FROM setting WHERE collection_id = ? AND key = ?", "it", x[i].collection_id,
                           x[i].key);
    return s ? s : log_setting(db, err);
}

#include "sqlite/sqlite_tables.h"
#include "base/error.h"
#include <string.h>

static bool belongs(const fct_db_object *o, int version) { return o->first <= version && version <= o->last; }

const fct_db_object *fct_db_object_find(const fct_db_kind *kind, const char *name, int version) {
    for (size_t i = 0; i < kind->n_objects; i++)
        if (strcmp(name, kind->objects[i].name) == 0 && belongs(&kind->objects[i], version)) return &kind->objects[i];
    return NULL;
}

static fct_status not_of_kind(const fct_db *db, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: not a facet %s: %s", db->path, db->kind->noun, why);
}

static fct_status set_version(const fct_db *db, int version, fct_error *err) {
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA user_version=%d", version);
    return fct_db_run(db, err, sql, "");
}

static fct_status create_tables(const fct_db *db, fct_error *err) {
    const fct_db_kind *k = db->kind;
    /* Tables before the index on one of them: the list is short, so two rounds. */
    fct_status s = FCT_OK;
    for (int index = 0; index < 2; index++)
        for (size_t i = 0; i < k->n_objects && !s; i++) {
            const char *sql = k->objects[i].sql;
            bool is_table = strncmp(sql, "CREATE TABLE", 12) == 0;
            if (belongs(&k->objects[i], k->schema) && is_table == !index) s = fct_db_run(db, err, sql, "");
        }
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA application_id=%d", (int)k->app_id);
    if (!s) s = fct_db_run(db, err, sql, "");
    if (!s && k->fill) s = k->fill(db, err);
    return s ? s : set_version(db, k->schema, err);
}

/* What the file says about itself. */
typedef struct file_marks {
    int64_t app_id, version, objects;
} file_marks;

static fct_status read_marks(const fct_db *db, file_marks *m, fct_error *err) {
    fct_status s = fct_db_int(db, &m->app_id, err, "PRAGMA application_id", "");
    if (!s) s = fct_db_int(db, &m->version, err, "PRAGMA user_version", "");
    if (!s) s = fct_db_int(db, &m->objects, err, "SELECT count(*) FROM sqlite_schema", "");
    return s;
}

static bool is_blank(const file_marks *m) { return !m->app_id && !m->version && !m->objects; }

static fct_status check_marks(const fct_db *db, const file_marks *m, fct_error *err) {
    if (is_blank(m)) return not_of_kind(db, "the file is empty", err);
    if (m->app_id != db->kind->app_id) return not_of_kind(db, "a database of another application", err);
    if (m->version > db->kind->schema)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: made by a newer version of facet (schema %d, this one knows %d)",
                        db->path, (int)m->version, db->kind->schema);
    if (m->version < 1) return not_of_kind(db, "it has no schema version", err);
    return FCT_OK;
}

/* Inside a write transaction: another process may have been faster. An older
 * file is migrated only when its tables are what its schema says: a migration
 * runs statements on them. */
static fct_status create_or_migrate(const fct_db *db, bool create, fct_error *err) {
    file_marks m;
    fct_status s = read_marks(db, &m, err);
    if (!s && is_blank(&m) && create) return create_tables(db, err);
    if (!s) s = check_marks(db, &m, err);
    if (!s) s = fct_db_verify(db, (int)m.version, err);
    for (int64_t v = m.version; !s && v < db->kind->schema; v++) {
        s = db->kind->migrations[v - 1](db, err);
        if (!s) s = set_version(db, (int)v + 1, err);
    }
    return s ? s : fct_db_check_links(db, err);
}

/* All marks from one state of the file: another process may be creating it. */
static fct_status read_marks_at_once(const fct_db *db, file_marks *m, fct_error *err) {
    fct_status s = fct_db_run(db, err, "BEGIN", "");
    return s ? s : fct_db_end(db, read_marks(db, m, err), err);
}

fct_status fct_db_prepare(fct_db *db, bool create, bool read_only, fct_error *err) {
    file_marks m;
    fct_status s = read_marks_at_once(db, &m, err);
    if (s) return s;
    if (!is_blank(&m) || !create) s = check_marks(db, &m, err);
    if (s) return s;
    db->schema = read_only || m.version == db->kind->schema ? (int)m.version : db->kind->schema;
    if (m.version == db->schema) return FCT_OK;
    /* A table that is made anew must not take with it what refers to it. */
    s = fct_db_run(db, err, "PRAGMA foreign_keys=0", "");
    if (!s) s = fct_db_begin_write(db, err);
    if (!s) s = fct_db_end(db, create_or_migrate(db, create, err), err);
    return s ? s : fct_db_run(db, err, "PRAGMA foreign_keys=1", "");
}

static size_t count_objects(const fct_db_kind *k, int version) {
    size_t n = 0;
    for (size_t i = 0; i < k->n_objects; i++) n += belongs(&k->objects[i], version);
    return n;
}

fct_status fct_db_verify(const fct_db *db, int version, fct_error *err) {
    sqlite3_stmt *q;
    size_t seen = 0;
    bool row = true, good = true;
    /* SQLite's own tables (sqlite_sequence, sqlite_stat1, automatic indexes) cannot be made by CREATE statements. */
    fct_status s =
        fct_db_query(db, &q, err, "SELECT name, sql FROM sqlite_schema WHERE substr(name, 1, 7) <> 'sqlite_'", "");
    while (!s && row && good) {
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        const char *name = (const char *)sqlite3_column_text(q, 0), *sql = (const char *)sqlite3_column_text(q, 1);
        const fct_db_object *object = name ? fct_db_object_find(db->kind, name, version) : NULL;
        good = object && sql && strcmp(sql, object->sql) == 0;
        seen++;
    }
    sqlite3_finalize(q);
    if (!s && (!good || seen != count_objects(db->kind, version)))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: its tables are not those of %s of schema %d", db->path,
                        db->kind->article, version);
    return s;
}

/* The tables of a gallery file and how they came about. docs/gallery-format.md
 * explains them. A file's schema must be the one below to the letter: a file
 * made by somebody else could otherwise hold views, triggers or generated
 * columns that run its maker's SQL in our statements. */
#include "base/error.h"
#include "gallery/sqlite/sqlite_store.h"
#include <string.h>

/* Objects by name; each belongs to the schemas from first to last. */
static const struct schema_object {
    const char *name, *sql;
    int first, last;
} schema_objects[] = {
    {"change",
     "CREATE TABLE change("
     "seq INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL, id INTEGER NOT NULL) STRICT",
     1, 2},
    {"crop",
     "CREATE TABLE crop("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, jpeg BLOB NOT NULL) STRICT",
     1, 1},
    {"crop",
     "CREATE TABLE crop("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, cut INTEGER NOT NULL, "
     "jpeg BLOB NOT NULL) STRICT",
     2, 2},
    {"face",
     "CREATE TABLE face("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, "
     "person_id INTEGER NOT NULL REFERENCES person(id) ON DELETE CASCADE, "
     "created INTEGER NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, "
     "score REAL NOT NULL, quality REAL NOT NULL, source TEXT, embedding BLOB NOT NULL, "
     "checksum INTEGER NOT NULL) STRICT",
     1, 2},
    {"face_person", "CREATE INDEX face_person ON face(person_id)", 1, 2},
    {"model",
     "CREATE TABLE model("
     "id INTEGER PRIMARY KEY CHECK(id = 1), model_id TEXT NOT NULL, dim INTEGER NOT NULL) STRICT",
     1, 2},
    {"person",
     "CREATE TABLE person("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) STRICT",
     1, 2},
};
#define N_OBJECTS (sizeof schema_objects / sizeof *schema_objects)

static const struct schema_object *find_object(const char *name, int version) {
    for (size_t i = 0; i < N_OBJECTS; i++)
        if (strcmp(name, schema_objects[i].name) == 0 && schema_objects[i].first <= version &&
            version <= schema_objects[i].last)
            return &schema_objects[i];
    return NULL;
}

/* Schema 2 records how a crop was cut. Nothing says how those of schema 1 were:
 * they become 0, FCT_CROP_UNKNOWN. */
static fct_status record_cuts(const fct_db *db, fct_error *err) {
    fct_status s = fct_db_run(db, err, "ALTER TABLE crop RENAME TO crop_1", "");
    if (!s) s = fct_db_run(db, err, find_object("crop", 2)->sql, "");
    if (!s) s = fct_db_run(db, err, "INSERT INTO crop(face_id, cut, jpeg) SELECT face_id, 0, jpeg FROM crop_1", "");
    if (!s) s = fct_db_run(db, err, "DROP TABLE crop_1", "");
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* migrations[v - 1] turns schema v into v + 1 inside a transaction. A migration
 * makes its tables anew by the texts above (ALTER TABLE would leave other texts)
 * and ends with fct_sqlite_log(FCT_CHANGE_ALL). */
typedef fct_status migration_fn(const fct_db *db, fct_error *err);
static migration_fn *const migrations[FCT_GALLERY_SCHEMA] = {record_cuts, NULL}; /* the last has no successor */

static fct_status not_a_gallery(const fct_db *db, const char *why, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: not a facet gallery: %s", db->path, why);
}

static fct_status set_version(const fct_db *db, int version, fct_error *err) {
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA user_version=%d", version);
    return fct_db_run(db, err, sql, "");
}

static fct_status create_tables(const fct_db *db, fct_error *err) {
    /* Tables before the index on one of them: the list is short, so two rounds. */
    fct_status s = FCT_OK;
    for (int index = 0; index < 2; index++)
        for (size_t i = 0; i < N_OBJECTS && !s; i++)
            if (schema_objects[i].last == FCT_GALLERY_SCHEMA &&
                (strncmp(schema_objects[i].sql, "CREATE INDEX", 12) == 0) == index)
                s = fct_db_run(db, err, schema_objects[i].sql, "");
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA application_id=%d", FCT_GALLERY_APP_ID);
    if (!s) s = fct_db_run(db, err, sql, "");
    return s ? s : set_version(db, FCT_GALLERY_SCHEMA, err);
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
    if (is_blank(m)) return not_a_gallery(db, "the file is empty", err);
    if (m->app_id != FCT_GALLERY_APP_ID) return not_a_gallery(db, "a database of another application", err);
    if (m->version > FCT_GALLERY_SCHEMA)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: made by a newer version of facet (schema %d, this one knows %d)",
                        db->path, (int)m->version, FCT_GALLERY_SCHEMA);
    if (m->version < 1) return not_a_gallery(db, "it has no schema version", err);
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
    if (!s) s = fct_sqlite_schema_verify(db, (int)m.version, err);
    for (int64_t v = m.version; !s && v < FCT_GALLERY_SCHEMA; v++) {
        s = migrations[v - 1](db, err);
        if (!s) s = set_version(db, (int)v + 1, err);
    }
    return s;
}

/* All marks from one state of the file: another process may be creating it. */
static fct_status read_marks_at_once(const fct_db *db, file_marks *m, fct_error *err) {
    fct_status s = fct_db_run(db, err, "BEGIN", "");
    return s ? s : fct_db_end(db, read_marks(db, m, err), err);
}

fct_status fct_sqlite_schema_prepare(fct_db *db, bool create, bool read_only, fct_error *err) {
    file_marks m;
    fct_status s = read_marks_at_once(db, &m, err);
    if (s) return s;
    if (!is_blank(&m) || !create) s = check_marks(db, &m, err);
    if (s) return s;
    db->schema = read_only || m.version == FCT_GALLERY_SCHEMA ? (int)m.version : FCT_GALLERY_SCHEMA;
    if (m.version == db->schema) return FCT_OK;
    s = fct_db_begin_write(db, err);
    return s ? s : fct_db_end(db, create_or_migrate(db, create, err), err);
}

static size_t count_objects(int version) {
    size_t n = 0;
    for (size_t i = 0; i < N_OBJECTS; i++) n += schema_objects[i].first <= version && version <= schema_objects[i].last;
    return n;
}

fct_status fct_sqlite_schema_verify(const fct_db *db, int version, fct_error *err) {
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
        const struct schema_object *object = name ? find_object(name, version) : NULL;
        good = object && sql && strcmp(sql, object->sql) == 0;
        seen++;
    }
    sqlite3_finalize(q);
    if (!s && (!good || seen != count_objects(version)))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: its tables are not those of a gallery of schema %d", db->path,
                        version);
    return s;
}

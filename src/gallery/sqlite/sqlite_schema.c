/* The tables of a gallery file and how they came about. docs/gallery-format.md
 * explains them. */
#include "base/file.h"
#include "gallery/sqlite/sqlite_store.h"

static const fct_db_object gallery_objects[] = {
    {"audit",
     "CREATE TABLE audit("
     "seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL, "
     "hash BLOB NOT NULL) STRICT",
     3, 3},
    {"change",
     "CREATE TABLE change("
     "seq INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL, id INTEGER NOT NULL) STRICT",
     1, 3},
    {"collection",
     "CREATE TABLE collection("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) STRICT",
     3, 3},
    {"crop",
     "CREATE TABLE crop("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, jpeg BLOB NOT NULL) STRICT",
     1, 1},
    {"crop",
     "CREATE TABLE crop("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, cut INTEGER NOT NULL, "
     "jpeg BLOB NOT NULL) STRICT",
     2, 3},
    {"face",
     "CREATE TABLE face("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, "
     "person_id INTEGER NOT NULL REFERENCES person(id) ON DELETE CASCADE, "
     "created INTEGER NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, "
     "score REAL NOT NULL, quality REAL NOT NULL, source TEXT, embedding BLOB NOT NULL, "
     "checksum INTEGER NOT NULL) STRICT",
     1, 3},
    {"face_person", "CREATE INDEX face_person ON face(person_id)", 1, 3},
    {"model",
     "CREATE TABLE model("
     "id INTEGER PRIMARY KEY CHECK(id = 1), model_id TEXT NOT NULL, dim INTEGER NOT NULL) STRICT",
     1, 3},
    {"negative",
     "CREATE TABLE negative("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, "
     "person_id INTEGER NOT NULL REFERENCES person(id) ON DELETE CASCADE, "
     "created INTEGER NOT NULL, embedding BLOB NOT NULL) STRICT",
     3, 3},
    {"negative_person", "CREATE INDEX negative_person ON negative(person_id)", 3, 3},
    {"person",
     "CREATE TABLE person("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL) STRICT",
     1, 2},
    {"person",
     "CREATE TABLE person("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, collection_id INTEGER NOT NULL REFERENCES collection(id), "
     "name TEXT NOT NULL, label BLOB, created INTEGER NOT NULL, expires INTEGER NOT NULL, details BLOB, "
     "UNIQUE(collection_id, name)) STRICT",
     3, 3},
    {"person_key",
     "CREATE TABLE person_key("
     "person_id INTEGER PRIMARY KEY REFERENCES person(id) ON DELETE CASCADE, sealed BLOB NOT NULL) STRICT",
     3, 3},
    {"setting",
     "CREATE TABLE setting("
     "collection_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
     "PRIMARY KEY(collection_id, key)) STRICT",
     3, 3},
};

/* Schema 2 records how a crop was cut. Nothing says how those of schema 1 were:
 * they become 0, FCT_CROP_UNKNOWN. */
static fct_status record_cuts(const fct_db *db, fct_error *err) {
    fct_status s = fct_db_run(db, err, "ALTER TABLE crop RENAME TO crop_1", "");
    if (!s) s = fct_db_run(db, err, fct_db_object_find(db->kind, "crop", 2)->sql, "");
    if (!s) s = fct_db_run(db, err, "INSERT INTO crop(face_id, cut, jpeg) SELECT face_id, 0, jpeg FROM crop_1", "");
    if (!s) s = fct_db_run(db, err, "DROP TABLE crop_1", "");
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* A gallery always has its first collection. */
static fct_status add_default(const fct_db *db, fct_error *err) {
    return fct_db_run(db, err, "INSERT INTO collection(id, name, created) VALUES(?, 'default', ?)", "ii",
                      (int64_t)FCT_COLLECTION_DEFAULT, fct_time_unix());
}

/* Makes one of schema 3's new tables or indexes. */
static fct_status make(const fct_db *db, const char *name, fct_error *err) {
    return fct_db_run(db, err, fct_db_object_find(db->kind, name, 3)->sql, "");
}

/* The table of people gets collections and what else is known of a person. Faces
 * refer to it by name, which the pragma leaves as it is; ids that were given away
 * stay so. */
static fct_status move_people(const fct_db *db, fct_error *err) {
    fct_status s = fct_db_run(db, err, "PRAGMA legacy_alter_table=1", "");
    if (!s) s = fct_db_run(db, err, "ALTER TABLE person RENAME TO person_2", "");
    if (!s) s = make(db, "person", err);
    if (!s)
        s = fct_db_run(db, err,
                       "INSERT INTO person(id, collection_id, name, created, expires) "
                       "SELECT id, ?, name, created, 0 FROM person_2",
                       "i", (int64_t)FCT_COLLECTION_DEFAULT);
    if (!s) s = fct_db_run(db, err, "DELETE FROM sqlite_sequence WHERE name = 'person'", "");
    if (!s) s = fct_db_run(db, err, "UPDATE sqlite_sequence SET name = 'person' WHERE name = 'person_2'", "");
    if (!s) s = fct_db_run(db, err, "DROP TABLE person_2", "");
    return s ? s : fct_db_run(db, err, "PRAGMA legacy_alter_table=0", "");
}

/* Schema 3 has collections, settings, negatives, keys and the audit log. */
static fct_status add_collections(const fct_db *db, fct_error *err) {
    static const char *const names[] = {"audit", "collection", "negative", "negative_person", "person_key", "setting"};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && !s; i++) s = make(db, names[i], err);
    if (!s) s = add_default(db, err);
    if (!s) s = move_people(db, err);
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* Each ends with fct_sqlite_log(FCT_CHANGE_ALL). */
static fct_db_migration *const gallery_migrations[FCT_GALLERY_SCHEMA - 1] = {record_cuts, add_collections};

const fct_db_kind fct_gallery_kind = {.noun = "gallery",
                                      .article = "a gallery",
                                      .remedy = "restore it from a copy",
                                      .app_id = 0x46435447, /* "FCTG" */
                                      .schema = FCT_GALLERY_SCHEMA,
                                      .objects = gallery_objects,
                                      .n_objects = sizeof gallery_objects / sizeof *gallery_objects,
                                      .migrations = gallery_migrations,
                                      .fill = add_default};

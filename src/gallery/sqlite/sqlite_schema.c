/* The tables of a gallery file and how they came about. docs/gallery-format.md
 * explains them. */
#include "gallery/sqlite/sqlite_store.h"

static const fct_db_object gallery_objects[] = {
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

/* Schema 2 records how a crop was cut. Nothing says how those of schema 1 were:
 * they become 0, FCT_CROP_UNKNOWN. */
static fct_status record_cuts(const fct_db *db, fct_error *err) {
    fct_status s = fct_db_run(db, err, "ALTER TABLE crop RENAME TO crop_1", "");
    if (!s) s = fct_db_run(db, err, fct_db_object_find(db->kind, "crop", 2)->sql, "");
    if (!s) s = fct_db_run(db, err, "INSERT INTO crop(face_id, cut, jpeg) SELECT face_id, 0, jpeg FROM crop_1", "");
    if (!s) s = fct_db_run(db, err, "DROP TABLE crop_1", "");
    return s ? s : fct_sqlite_log(db, FCT_CHANGE_ALL, 0, err);
}

/* Each ends with fct_sqlite_log(FCT_CHANGE_ALL). */
static fct_db_migration *const gallery_migrations[FCT_GALLERY_SCHEMA - 1] = {record_cuts};

const fct_db_kind fct_gallery_kind = {.noun = "gallery",
                                      .article = "a gallery",
                                      .app_id = 0x46435447, /* "FCTG" */
                                      .schema = FCT_GALLERY_SCHEMA,
                                      .objects = gallery_objects,
                                      .n_objects = sizeof gallery_objects / sizeof *gallery_objects,
                                      .migrations = gallery_migrations};

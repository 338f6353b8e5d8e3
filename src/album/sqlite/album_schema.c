/* The tables of an album file and how they came about. docs/album-format.md
 * explains them. */
#include "album/album_store.h"

static const fct_db_object album_objects[] = {
    /* ---- What a scan finds; all of it can be found again ---- */
    {"root",
     "CREATE TABLE root("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, added INTEGER NOT NULL) STRICT",
     1, 1},
    {"folder",
     "CREATE TABLE folder("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, root_id INTEGER NOT NULL REFERENCES root(id) ON DELETE CASCADE, "
     "path TEXT NOT NULL, mount INTEGER NOT NULL, UNIQUE(root_id, path)) STRICT",
     1, 1},
    {"model",
     "CREATE TABLE model("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, network TEXT NOT NULL UNIQUE, dim INTEGER NOT NULL) STRICT",
     1, 1},
    {"photo",
     "CREATE TABLE photo("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, video INTEGER NOT NULL, "
     "width INTEGER NOT NULL, height INTEGER NOT NULL, orientation INTEGER NOT NULL, "
     "taken INTEGER, changed INTEGER NOT NULL, phash INTEGER, look BLOB, error TEXT) STRICT",
     1, 1},
    {"photo_taken", "CREATE INDEX photo_taken ON photo(coalesce(taken, changed))", 1, 1},
    {"file",
     "CREATE TABLE file("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, folder_id INTEGER NOT NULL REFERENCES folder(id) ON DELETE CASCADE, "
     "name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, "
     "photo_id INTEGER REFERENCES photo(id), error TEXT, UNIQUE(folder_id, name)) STRICT",
     1, 1},
    {"file_photo", "CREATE INDEX file_photo ON file(photo_id)", 1, 1},
    {"face",
     "CREATE TABLE face("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, photo_id INTEGER NOT NULL REFERENCES photo(id) ON DELETE CASCADE, "
     "time_ms INTEGER NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, "
     "kps BLOB NOT NULL, score REAL NOT NULL, quality REAL NOT NULL, parts BLOB NOT NULL, "
     "pitch REAL, yaw REAL, roll REAL, gender INTEGER, age INTEGER) STRICT",
     1, 1},
    {"face_photo", "CREATE INDEX face_photo ON face(photo_id)", 1, 1},
    {"embedding",
     "CREATE TABLE embedding("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, "
     "model_id INTEGER NOT NULL REFERENCES model(id), norm REAL NOT NULL, data BLOB NOT NULL) STRICT",
     1, 1},
    {"crop",
     "CREATE TABLE crop("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, jpeg BLOB NOT NULL) STRICT",
     1, 1},
    {"setting", "CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT", 1, 1},
    /* ---- Who is who: what was clustered, and what the user has said ---- */
    {"person",
     "CREATE TABLE person("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, ignored INTEGER NOT NULL, gallery_id INTEGER, "
     "created INTEGER NOT NULL) STRICT",
     1, 1},
    {"member",
     "CREATE TABLE member("
     "face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, "
     "person_id INTEGER NOT NULL REFERENCES person(id) ON DELETE CASCADE, how INTEGER NOT NULL, "
     "score REAL NOT NULL) STRICT",
     1, 1},
    {"member_person", "CREATE INDEX member_person ON member(person_id)", 1, 1},
    {"anchor",
     "CREATE TABLE anchor("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL, time_ms INTEGER NOT NULL, "
     "x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT NULL, "
     "UNIQUE(hash, time_ms, x1, y1, x2, y2)) STRICT",
     1, 1},
    {"decision",
     "CREATE TABLE decision("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, a INTEGER NOT NULL REFERENCES anchor(id), "
     "b INTEGER REFERENCES anchor(id), person_id INTEGER REFERENCES person(id) ON DELETE CASCADE, "
     "source INTEGER NOT NULL, created INTEGER NOT NULL) STRICT",
     1, 1},
    {"decision_a", "CREATE INDEX decision_a ON decision(a)", 1, 1},
    {"decision_b", "CREATE INDEX decision_b ON decision(b)", 1, 1},
    {"decision_person", "CREATE INDEX decision_person ON decision(person_id)", 1, 1},
    /* ---- What can be undone: rows as they were before an operation touched them ---- */
    {"operation",
     "CREATE TABLE operation("
     "id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, made INTEGER NOT NULL) STRICT",
     1, 1},
    {"undo_person",
     "CREATE TABLE undo_person("
     "operation_id INTEGER NOT NULL REFERENCES operation(id) ON DELETE CASCADE, id INTEGER NOT NULL, "
     "existed INTEGER NOT NULL, name TEXT, ignored INTEGER, gallery_id INTEGER, created INTEGER, "
     "PRIMARY KEY(operation_id, id)) STRICT",
     1, 1},
    {"undo_member",
     "CREATE TABLE undo_member("
     "operation_id INTEGER NOT NULL REFERENCES operation(id) ON DELETE CASCADE, face_id INTEGER NOT NULL, "
     "existed INTEGER NOT NULL, person_id INTEGER, how INTEGER, score REAL, "
     "PRIMARY KEY(operation_id, face_id)) STRICT",
     1, 1},
    {"undo_decision",
     "CREATE TABLE undo_decision("
     "operation_id INTEGER NOT NULL REFERENCES operation(id) ON DELETE CASCADE, id INTEGER NOT NULL, "
     "existed INTEGER NOT NULL, kind INTEGER, a INTEGER, b INTEGER, person_id INTEGER, source INTEGER, "
     "created INTEGER, PRIMARY KEY(operation_id, id)) STRICT",
     1, 1},
};

const fct_db_kind fct_album_kind = {.noun = "album",
                                    .article = "an album",
                                    .remedy = "restore it from a copy ('facet album backup' makes them), or move it "
                                              "away and scan again",
                                    .app_id = 0x46435441, /* "FCTA" */
                                    .schema = FCT_ALBUM_SCHEMA,
                                    .objects = album_objects,
                                    .n_objects = sizeof album_objects / sizeof *album_objects,
                                    .migrations = NULL};

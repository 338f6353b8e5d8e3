/* The store in a file of SQLite: its inside, shared by the files of this folder. */
#ifndef FCT_GALLERY_SQLITE_STORE_H
#define FCT_GALLERY_SQLITE_STORE_H

#include "gallery/gallery_store.h"
#include "gallery/store_verbs.h"
#include "sqlite/sqlite_file.h"

/* Opens or creates the file, as fct_gallery_open() promises. *out is owned. */
fct_status fct_sqlite_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err);

typedef struct fct_sqlite_store {
    fct_store head; /* first: a fct_store pointer to it is one to this */
    fct_db_file file;
    sqlite3_stmt *version_stmt; /* PRAGMA data_version, kept prepared */
} fct_sqlite_store;

static inline const fct_db *fct_sqlite_db(fct_store *st) { return &((fct_sqlite_store *)st)->file.db; }

/* ---- sqlite_schema.c: the tables, as docs/gallery-format.md describes them */
#define FCT_GALLERY_SCHEMA 3
extern const fct_db_kind fct_gallery_kind;

/* ---- sqlite_changes.c: the change feed */
/* Adds an entry. */
fct_status fct_sqlite_log(const fct_db *db, fct_change what, int64_t id, fct_error *err);
/* Forgets the oldest entries; each verb that has added some ends with it. */
fct_status fct_sqlite_log_trim(const fct_db *db, fct_error *err);

/* ---- Verbs, see gallery_store.h. sqlite_people.c, sqlite_faces.c, sqlite_collections.c, sqlite_negatives.c,
 * sqlite_audit.c */
FCT_STORE_DECLARE(fct_sqlite)

/* Whether the file has what schema 3 brought: one that is read as it is may not. */
static inline bool fct_sqlite_is_old(const fct_db *db) { return db->schema < 3; }

/* Sees to it that the model is there while there are faces, and only then. Part
 * of every verb that removes faces. */
fct_status fct_sqlite_unpin_if_empty(const fct_db *db, fct_error *err);

#endif

/* The store in a file of SQLite: its inside, shared by the files of this folder. */
#ifndef FCT_GALLERY_SQLITE_STORE_H
#define FCT_GALLERY_SQLITE_STORE_H

#include "gallery/gallery_store.h"
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
fct_status fct_sqlite_changes(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err);

/* ---- Verbs, see store.h. sqlite_people.c, sqlite_faces.c */
fct_status fct_sqlite_get_model(fct_store *st, fct_store_model *out, fct_error *err);
fct_status fct_sqlite_set_model(fct_store *st, const fct_store_model *m, fct_error *err);
fct_status fct_sqlite_people(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err);
fct_status fct_sqlite_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err);
fct_status fct_sqlite_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                    fct_error *err);
fct_status fct_sqlite_people_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);
fct_status fct_sqlite_faces(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
fct_status fct_sqlite_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err);
fct_status fct_sqlite_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err);
fct_status fct_sqlite_face_ids(fct_store *st, size_t n, int64_t *first, fct_error *err);
fct_status fct_sqlite_faces_update(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err);
fct_status fct_sqlite_faces_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

/* sqlite_collections.c, sqlite_negatives.c, sqlite_audit.c */
fct_status fct_sqlite_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err);
fct_status fct_sqlite_collections_add(fct_store *st, fct_store_collection *c, size_t n, fct_error *err);
fct_status fct_sqlite_collection_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err);
fct_status fct_sqlite_collection_remove(fct_store *st, int64_t id, bool *found, fct_error *err);
fct_status fct_sqlite_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err);
fct_status fct_sqlite_settings_put(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err);
fct_status fct_sqlite_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn,
                                void *ctx, fct_error *err);
fct_status fct_sqlite_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err);
fct_status fct_sqlite_negatives_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);
fct_status fct_sqlite_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err);
fct_status fct_sqlite_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err);
fct_status fct_sqlite_audit_add(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err);
fct_status fct_sqlite_keys_put(fct_store *st, const fct_store_key *k, size_t n, fct_error *err);
fct_status fct_sqlite_purge(fct_store *st, fct_error *err);

/* Whether the file has what schema 3 brought: one that is read as it is may not. */
static inline bool fct_sqlite_is_old(const fct_db *db) { return db->schema < 3; }

/* Sees to it that the model is there while there are faces, and only then. Part
 * of every verb that removes faces. */
fct_status fct_sqlite_unpin_if_empty(const fct_db *db, fct_error *err);

#endif

/* The tables of a file of ours, and how they came about.
 *
 * A file's schema must be the one that its kind gives, to the letter: a file made
 * by somebody else could otherwise hold views, triggers or generated columns that
 * run its maker's SQL in our statements. Each kind of file has one constant
 * fct_db_kind; a gallery's is in gallery/sqlite/, an album's in album/sqlite/. */
#ifndef FCT_SQLITE_TABLES_H
#define FCT_SQLITE_TABLES_H

#include "sqlite/sqlite_db.h"

/* The object of that name in schema version; NULL = it has none. */
const fct_db_object *fct_db_object_find(const fct_db_kind *kind, const char *name, int version);

/* Makes sure that db is a file of its kind and sets db->schema: creates the tables
 * in a file without any (where create allows), migrates older ones unless
 * read_only (they are read as they are), refuses the rest. */
fct_status fct_db_prepare(fct_db *db, bool create, bool read_only, fct_error *err);

/* Compares every table and index with what schema version has. */
fct_status fct_db_verify(const fct_db *db, int version, fct_error *err);

/* sqlite_check.c: SQLite's own check of its pages, indexes and references, and
 * ours of the tables: FCT_ERR_FORMAT with the first fault. */
fct_status fct_db_check(const fct_db *db, fct_error *err);

/* FCT_ERR_FORMAT where a row refers to one that is not there. */
fct_status fct_db_check_links(const fct_db *db, fct_error *err);

/* sqlite_backup.c: writes a copy to a new file while others use db. */
fct_status fct_db_backup(const fct_db *db, const char *path, fct_error *err);

#endif

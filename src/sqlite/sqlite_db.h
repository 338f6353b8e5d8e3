/* A thin layer over one SQLite connection: errors as fct_error, statements with
 * their parameters in one call, transactions. Not thread-safe. */
#ifndef FCT_SQLITE_DB_H
#define FCT_SQLITE_DB_H

#include "facet/base.h"
#include <sqlite3.h>

typedef struct fct_db {
    sqlite3 *h;
    const struct fct_db_kind *kind;
    const char *path;         /* for messages; borrowed */
    int schema;               /* of the file, set by fct_db_prepare(); above 0 */
    struct fct_db_kept *kept; /* owned: statements of fct_db_run() and fct_db_int() for the next time; NULL = none */
} fct_db;

/* ---- What a file is */

/* A table or an index; it belongs to the schemas from first to last. */
typedef struct fct_db_object {
    const char *name, *sql;
    int first, last;
} fct_db_object;

/* Turns schema v into v + 1 inside a transaction. It makes its tables anew by the
 * texts of fct_db_object (ALTER TABLE would leave other texts). */
typedef fct_status fct_db_migration(const fct_db *db, fct_error *err);

/* One constant for galleries, one for albums. */
typedef struct fct_db_kind {
    const char *noun;             /* "gallery", in messages */
    const char *article;          /* "a gallery" */
    const char *remedy;           /* what to do about a damaged file, in messages */
    uint32_t app_id;              /* PRAGMA application_id, by which a file says what it is */
    int schema;                   /* the newest version; the first is 1 */
    const fct_db_object *objects; /* [n_objects]; a table stands before what refers to it */
    size_t n_objects;
    fct_db_migration *const *migrations; /* [schema - 1]: migrations[v - 1] leaves schema v */
    fct_db_migration *fill;              /* puts into a new file what every file has; NULL = nothing */
} fct_db_kind;

/* ---- Connections */

/* Opens the file called name (in messages: path) with every protection against a
 * hostile file: no triggers, views or functions of its schema run, no attached
 * files, no memory map (a file cut short under a map kills the process), short
 * limits. flags: of sqlite3_open_v2(). Close with fct_db_close(), also after a
 * failure. */
fct_status fct_db_open(fct_db *db, const fct_db_kind *kind, const char *name, const char *path, int flags, int busy_ms,
                       fct_error *err);
void fct_db_close(fct_db *db);

/* Turns an SQLite result code into a status with text "PATH: what: reason". */
fct_status fct_db_fail(const fct_db *db, int rc, const char *what, fct_error *err);

/* Prepares sql and binds its parameters in order; args has one letter each:
 * i int64_t, d double, t text (const char *, NULL = null), b blob (const void *,
 * size_t; NULL = null). Text and blobs are borrowed until *out is finalized.
 * *out is owned: sqlite3_finalize(), NULL on failure. */
fct_status fct_db_query(const fct_db *db, sqlite3_stmt **out, fct_error *err, const char *sql, const char *args, ...);

/* Binds the parameters of a prepared statement anew and sets it to its start;
 * fct_db_finish() runs it to its end, ignoring rows. For many rows of a kind. */
fct_status fct_db_bind(const fct_db *db, sqlite3_stmt *stmt, fct_error *err, const char *args, ...);
fct_status fct_db_finish(const fct_db *db, sqlite3_stmt *stmt, fct_error *err);

/* Next row into *row, false at the end. */
fct_status fct_db_step(const fct_db *db, sqlite3_stmt *stmt, bool *row, fct_error *err);

/* A column's text or blob, borrowed until the statement's next step. *out is NULL
 * where the column is null, or its text holds a NUL byte (never ours). Fails
 * only for want of memory. */
fct_status fct_db_text(const fct_db *db, sqlite3_stmt *stmt, int column, const char **out, fct_error *err);
fct_status fct_db_blob(const fct_db *db, sqlite3_stmt *stmt, int column, const void **out, size_t *size,
                       fct_error *err);

/* Runs a statement to its end, ignoring rows. The last few dozen statements of this and the next function stay
 * prepared: to understand the text of one costs more than to store a face. */
fct_status fct_db_run(const fct_db *db, fct_error *err, const char *sql, const char *args, ...);

/* First column of the first row as an integer; 0 when there is none. */
fct_status fct_db_int(const fct_db *db, int64_t *out, fct_error *err, const char *sql, const char *args, ...);

/* Transactions. A read transaction sees one state of the file throughout. A
 * write transaction excludes other writers from its start. fct_db_end() commits
 * when s is FCT_OK, else (or when the commit fails) rolls back; returns s or the
 * commit's failure. */
fct_status fct_db_begin_read(const fct_db *db, fct_error *err);
fct_status fct_db_begin_write(const fct_db *db, fct_error *err);
fct_status fct_db_end(const fct_db *db, fct_status s, fct_error *err);

#endif

#include "sqlite/sqlite_db.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

static fct_status status_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return FCT_ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FCT_ERR_BUSY;
    case SQLITE_TOOBIG:
        return FCT_ERR_LIMIT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
        return FCT_ERR_IO;
    case SQLITE_IOERR:
        return rc == SQLITE_IOERR_NOMEM ? FCT_ERR_NOMEM : rc == SQLITE_IOERR_CORRUPTFS ? FCT_ERR_FORMAT : FCT_ERR_IO;
    case SQLITE_MISUSE:
        return FCT_ERR_INTERNAL;
    /* Corrupt, not a database, or our own statements do not fit its tables. */
    default:
        return FCT_ERR_FORMAT;
    }
}

fct_status fct_db_fail(const fct_db *db, int rc, const char *what, fct_error *err) {
    fct_status s = status_of(rc);
    if (s == FCT_ERR_NOMEM) return fct_fail_nomem(err, db->kind->noun, 0);
    if (s == FCT_ERR_BUSY) return fct_fail(err, s, "%s: locked by another process for too long", db->path);
    const char *why = sqlite3_errstr(rc);
    if ((rc & 0xff) == SQLITE_FULL)
        return fct_fail(err, s, "%s: the disk is full; what is in the %s already is safe", db->path, db->kind->noun);
    if ((rc & 0xff) == SQLITE_IOERR)
        return fct_fail(err, s, "%s: the %s cannot be read or written; is the disk full? (%s)", db->path,
                        db->kind->noun, why);
    if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
        return fct_fail(err, s, "%s: damaged, or not %s; %s (%s)", db->path, db->kind->article, db->kind->remedy, why);
    return fct_fail(err, s, "%s: %s: %s", db->path, what, why);
}

static void harden(sqlite3 *h) {
    sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_limit(h, SQLITE_LIMIT_LENGTH, 32 << 20);
    sqlite3_limit(h, SQLITE_LIMIT_SQL_LENGTH, 100000);
    sqlite3_limit(h, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(h, SQLITE_LIMIT_COLUMN, 100);
    sqlite3_limit(h, SQLITE_LIMIT_EXPR_DEPTH, 100);
}

/* Statements that nobody is running, without parameters. */
enum { KEPT = 32 };
struct fct_db_kept {
    sqlite3_stmt *statements[KEPT];
    unsigned next; /* the place that is given up next */
};

/* SQLite's "unable to open" says nothing of why: the system does, when it is asked for
 * the file once more. */
static fct_status fail_to_open(const fct_db *db, int rc, fct_error *err) {
    errno = 0;
    FILE *f = (rc & 0xff) == SQLITE_CANTOPEN ? fct_fopen(db->path, "rb") : NULL;
    int why = errno;
    if (f) fclose(f);
    else if (why == EACCES || why == EPERM) return fct_fail_errno(err, db->path, why);
    return fct_db_fail(db, rc, "opening", err);
}

/* SQLite's usual layer for Windows cuts paths at 1040 bytes; beside it is one that does not. NULL: the usual one,
 * which it is elsewhere, and where a program has put a layer of its own before it. */
static const char *file_layer(void) {
    static const char name[] = "win32-longpath";
    const sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    return usual && strcmp(usual->zName, "win32") == 0 && sqlite3_vfs_find(name) ? name : NULL;
}

fct_status fct_db_open(fct_db *db, const fct_db_kind *kind, const char *name, const char *path, int flags, int busy_ms,
                       fct_error *err) {
    *db = (fct_db){.path = path, .kind = kind};
    if (!sqlite3_threadsafe())
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "this SQLite library was built without threads");
    char *native = strncmp(name, "file:", 5) ? fct_path_native(name) : fct_strdup(name); /* an URI is made of one */
    if (!native) return fct_fail_nomem(err, path, 0);
    int rc = sqlite3_open_v2(native, &db->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, file_layer());
    fct_free(native);
    if (rc) return fail_to_open(db, db->h ? sqlite3_extended_errcode(db->h) : rc, err);
    sqlite3_extended_result_codes(db->h, 1);
    sqlite3_busy_timeout(db->h, busy_ms);
    harden(db->h);
    db->kept = fct_calloc(1, sizeof *db->kept);
    if (!db->kept) return fct_fail_nomem(err, path, sizeof *db->kept);
    fct_status s = fct_db_run(db, err, "PRAGMA mmap_size=0", "");
    if (!s) s = fct_db_run(db, err, "PRAGMA cell_size_check=1", "");
    if (!s) s = fct_db_run(db, err, "PRAGMA foreign_keys=1", "");
    if (!s) s = fct_db_run(db, err, "PRAGMA secure_delete=1", ""); /* what is removed is overwritten */
    return s;
}

void fct_db_close(fct_db *db) {
    for (int i = 0; db->kept && i < KEPT; i++) sqlite3_finalize(db->kept->statements[i]);
    fct_free(db->kept);
    db->kept = NULL;
    sqlite3_close_v2(db->h);
    db->h = NULL;
}

/* Binds what the letters of args name: i int64_t, d double, t text, b bytes and their size. Nothing is copied. */
static int bind_all(sqlite3_stmt *stmt, const char *args, va_list ap) {
    int rc = SQLITE_OK;
    for (int i = 1; args[i - 1] && rc == SQLITE_OK; i++) {
        const void *p;
        switch (args[i - 1]) {
        case 'i':
            rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
            break;
        case 'd':
            rc = sqlite3_bind_double(stmt, i, va_arg(ap, double));
            break;
        case 't':
            rc = sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
            break;
        case 'b':
            p = va_arg(ap, const void *);
            rc = sqlite3_bind_blob64(stmt, i, p, va_arg(ap, size_t), SQLITE_STATIC);
            break;
        default:
            rc = SQLITE_MISUSE;
        }
    }
    return rc;
}

fct_status fct_db_bind(const fct_db *db, sqlite3_stmt *stmt, fct_error *err, const char *args, ...) {
    va_list ap;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    va_start(ap, args);
    int rc = bind_all(stmt, args, ap);
    va_end(ap);
    return rc == SQLITE_OK ? FCT_OK : fct_db_fail(db, rc, sqlite3_sql(stmt), err);
}

fct_status fct_db_finish(const fct_db *db, sqlite3_stmt *stmt, fct_error *err) {
    fct_status s = FCT_OK;
    for (bool row = true; !s && row;) s = fct_db_step(db, stmt, &row, err);
    sqlite3_reset(stmt);
    return s;
}

/* Whether a statement means the same each time. PRAGMA does part of its work when it is prepared. */
static bool can_be_kept(const char *sql) {
    static const char verbs[][7] = {"BEGIN", "COMMIT", "DELETE", "INSERT", "SELECT", "UPDATE"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strncmp(sql, verbs[i], strlen(verbs[i]))) return true;
    return false;
}

/* A kept statement of this text, which is the caller's now; NULL = there is none. */
static sqlite3_stmt *take_kept(const fct_db *db, const char *sql) {
    for (int i = 0; db->kept && i < KEPT; i++) {
        sqlite3_stmt *stmt = db->kept->statements[i];
        if (!stmt || strcmp(sqlite3_sql(stmt), sql) != 0) continue;
        db->kept->statements[i] = NULL;
        return stmt;
    }
    return NULL;
}

/* Gives a statement back that went well, for the next time, in place of an old one. */
static void keep(const fct_db *db, sqlite3_stmt *stmt, const char *sql) {
    int i = 0;
    if (!db->kept || !can_be_kept(sql)) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    while (i < KEPT && db->kept->statements[i]) i++;
    if (i == KEPT) {
        i = (int)(db->kept->next++ % KEPT);
        sqlite3_finalize(db->kept->statements[i]);
    }
    db->kept->statements[i] = stmt;
}

/* *out: a statement of this text, or NULL for a new one. */
static fct_status query_v(const fct_db *db, sqlite3_stmt **out, fct_error *err, const char *sql, const char *args,
                          va_list ap) {
    int rc = *out ? SQLITE_OK : sqlite3_prepare_v2(db->h, sql, -1, out, NULL);
    if (rc == SQLITE_OK) rc = bind_all(*out, args, ap);
    if (rc == SQLITE_OK) return FCT_OK;
    sqlite3_finalize(*out);
    *out = NULL;
    return fct_db_fail(db, rc, sql, err);
}

fct_status fct_db_query(const fct_db *db, sqlite3_stmt **out, fct_error *err, const char *sql, const char *args, ...) {
    va_list ap;
    *out = NULL;
    va_start(ap, args);
    fct_status s = query_v(db, out, err, sql, args, ap);
    va_end(ap);
    return s;
}

fct_status fct_db_step(const fct_db *db, sqlite3_stmt *stmt, bool *row, fct_error *err) {
    int rc = sqlite3_step(stmt);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? FCT_OK : fct_db_fail(db, rc, sqlite3_sql(stmt), err);
}

fct_status fct_db_blob(const fct_db *db, sqlite3_stmt *stmt, int column, const void **out, size_t *size,
                       fct_error *err) {
    *out = sqlite3_column_blob(stmt, column);
    *size = (size_t)sqlite3_column_bytes(stmt, column);
    /* NULL is also an empty blob, and the answer when memory ran out. */
    return !*out && sqlite3_errcode(db->h) == SQLITE_NOMEM ? fct_db_fail(db, SQLITE_NOMEM, "", err) : FCT_OK;
}

fct_status fct_db_text(const fct_db *db, sqlite3_stmt *stmt, int column, const char **out, fct_error *err) {
    *out = (const char *)sqlite3_column_text(stmt, column);
    if (!*out) return sqlite3_errcode(db->h) == SQLITE_NOMEM ? fct_db_fail(db, SQLITE_NOMEM, "", err) : FCT_OK;
    if (strlen(*out) != (size_t)sqlite3_column_bytes(stmt, column)) *out = NULL;
    return FCT_OK;
}

fct_status fct_db_run(const fct_db *db, fct_error *err, const char *sql, const char *args, ...) {
    sqlite3_stmt *stmt = take_kept(db, sql);
    va_list ap;
    va_start(ap, args);
    fct_status s = query_v(db, &stmt, err, sql, args, ap);
    va_end(ap);
    for (bool row = true; !s && row;) s = fct_db_step(db, stmt, &row, err);
    if (s) sqlite3_finalize(stmt);
    else keep(db, stmt, sql);
    return s;
}

fct_status fct_db_int(const fct_db *db, int64_t *out, fct_error *err, const char *sql, const char *args, ...) {
    sqlite3_stmt *stmt = take_kept(db, sql);
    bool row = false;
    va_list ap;
    va_start(ap, args);
    fct_status s = query_v(db, &stmt, err, sql, args, ap);
    va_end(ap);
    if (!s) s = fct_db_step(db, stmt, &row, err);
    *out = !s && row ? sqlite3_column_int64(stmt, 0) : 0;
    if (s) sqlite3_finalize(stmt);
    else keep(db, stmt, sql);
    return s;
}

fct_status fct_db_begin_read(const fct_db *db, fct_error *err) { return fct_db_run(db, err, "BEGIN", ""); }

fct_status fct_db_begin_write(const fct_db *db, fct_error *err) { return fct_db_run(db, err, "BEGIN IMMEDIATE", ""); }

fct_status fct_db_end(const fct_db *db, fct_status s, fct_error *err) {
    if (!s) s = fct_db_run(db, err, "COMMIT", "");
    if (s && !sqlite3_get_autocommit(db->h)) fct_db_run(db, NULL, "ROLLBACK", "");
    return s;
}

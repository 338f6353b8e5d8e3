#include "sqlite/sqlite_file.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* SQLite gives meaning to some names (":memory:", "file:..."); ours are paths. */
static char *plain_path(const char *path) {
    bool special = path[0] == ':' || strncmp(path, "file:", 5) == 0;
    return special ? fct_path_join(".", path) : fct_strdup(path);
}

static fct_status make_folder_of(const char *path, fct_error *err) {
    char *dir = fct_path_dir(path);
    if (!dir) return fct_fail_nomem(err, "path", 0);
    fct_status s = fct_dir_make_private(dir, err);
    fct_free(dir);
    return s;
}

/* Looks at the file before SQLite does, for better messages. */
static fct_status check_path(const fct_db_file *f, bool create, fct_error *err) {
    const char *path = f->path;
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (st.exists && st.is_dir) return fct_fail(err, FCT_ERR_IO, "%s: is a directory", path);
    if (st.exists && !st.is_file) return fct_fail(err, FCT_ERR_IO, "%s: is not a regular file", path);
    if (!st.exists && !create) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such %s", path, f->db.kind->noun);
    return st.exists ? FCT_OK : make_folder_of(path, err);
}

/* A new file is for its owner alone. SQLite would give it what the umask leaves
 * to others; the files that SQLite makes beside it get its rights. */
static fct_status create_private(const char *path, fct_error *err) {
    FILE *f;
    int e = fct_sys_create(path, true, &f);
    if (!e) fclose(f);
    return e && e != EEXIST ? fct_fail_errno(err, path, e) : FCT_OK;
}

/* A file of SQLite and those that it makes beside it. */
enum { PARTS = 4 };
static const char *const ends[PARTS] = {"", "-wal", "-shm", "-journal"};

/* Which of them there are. */
static fct_status find_parts(const char *path, bool there[PARTS], fct_error *err) {
    for (int i = 0; i < PARTS; i++) {
        fct_file_stat st;
        char *name = fct_asprintf("%s%s", path, ends[i]);
        if (!name) return fct_fail_nomem(err, "path", 0);
        fct_file_get_stat(name, &st);
        there[i] = st.exists;
        fct_free(name);
    }
    return FCT_OK;
}

/* Takes a file that is known to be ours from everybody else, and says so. Nothing is said of a part that was not there
 * before: on Windows SQLite gives it the rights of its folder, and nobody has had the time to read it. */
static fct_status make_private(const fct_db_file *f, const bool before[PARTS], fct_error *err) {
    bool exposed = false;
    for (int i = 0; i < PARTS; i++) {
        char *name = fct_asprintf("%s%s", f->path, ends[i]);
        if (!name) return fct_fail_nomem(err, "path", 0);
        exposed |= fct_file_make_private(name) && before[i];
        fct_free(name);
    }
    if (exposed)
        fct_log(FCT_LOG_WARN, "%s: other users could read this %s; now only you can", f->path, f->db.kind->noun);
    return FCT_OK;
}

/* Runs a "PRAGMA journal_mode"; *wal says whether the file has a write-ahead log now. */
static fct_status set_journal(const fct_db *db, const char *pragma, bool *wal, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    *wal = false;
    fct_status s = fct_db_query(db, &q, err, pragma, "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) {
        const char *mode = (const char *)sqlite3_column_text(q, 0);
        *wal = mode && strcmp(mode, "wal") == 0;
    }
    sqlite3_finalize(q);
    return s;
}

/* Write-ahead log with a flush to disk at every commit: a commit is durable, and
 * readers do not wait for writers. Where the file system cannot do it (no shared
 * memory), SQLite stays with its rollback journal; EXTRA then also flushes the
 * folder, without which a power failure could bring a finished journal back.
 *
 * On a network's file system the log must not be: its index is shared memory, which
 * other computers do not see, and two that write would destroy the file
 * (https://sqlite.org/wal.html, "Overview", disadvantage 2). A file with a log that
 * somebody has open there keeps it until the next time. */
static fct_status set_durability(fct_db_file *f, fct_error *err) {
    const fct_db *db = &f->db;
    const bool shared = fct_path_is_shared(f->path);
    bool wal;
    fct_status s = set_journal(db, shared ? "PRAGMA journal_mode=DELETE" : "PRAGMA journal_mode=WAL", &wal, err);
    if (shared && s == FCT_ERR_BUSY) s = set_journal(db, "PRAGMA journal_mode", &wal, err);
    f->has_log = !s && wal;
    if (!s) s = fct_db_run(db, err, wal ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=EXTRA", "");
    if (!s) s = fct_db_run(db, err, "PRAGMA fullfsync=1", ""); /* macOS: through the drive's cache */
    return s ? s : fct_db_run(db, err, "PRAGMA checkpoint_fullfsync=1", "");
}

fct_status fct_db_file_defer(fct_db_file *f, bool on, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false;
    if (!f->has_log) return FCT_OK;
    if (on) return fct_db_run(&f->db, err, "PRAGMA synchronous=NORMAL", "");
    fct_status s = fct_db_run(&f->db, err, "PRAGMA synchronous=FULL", "");
    if (!s) s = fct_db_query(&f->db, &q, err, "PRAGMA wal_checkpoint", "");
    if (s) return s;
    s = fct_db_step(&f->db, q, &row, err);
    sqlite3_finalize(q);
    return s;
}

/* ---- Connections that only read ------------------------------------------------------ */

/* "file:PATH?immutable=1", PATH as SQLite decodes it; owned. A PATH that begins with two slashes, a share of Windows,
 * is kept from being taken for the name of a computer by two more. */
static char *immutable_uri(const char *path) {
    char *native = fct_path_native(path), *uri = NULL;
    size_t size;
    if (native && fct_mul_size(strlen(native), 3, &size)) uri = fct_alloc(size + sizeof "file://?immutable=1");
    char *w = uri;
    if (uri) w += sprintf(w, native[0] == '/' && native[1] == '/' ? "file://" : "file:");
    for (const char *p = native; uri && *p; p++)
        if (strchr("%?#", *p)) w += sprintf(w, "%%%02x", (unsigned char)*p);
        else *w++ = *p;
    if (uri) sprintf(w, "?immutable=1");
    fct_free(native);
    return uri;
}

/* Whether there is a log beside the file: somebody has it open for writing, or
 * the last to close it could not write. */
static bool has_log(const char *path, bool when_unknown) {
    fct_file_stat st = {.exists = when_unknown};
    char *log = fct_asprintf("%s-wal", path);
    if (log) fct_file_get_stat(log, &st);
    fct_free(log);
    return st.exists;
}

static fct_status try_reading(fct_db_file *f, const char *name, int flags, fct_error *err) {
    fct_status s = fct_db_open(&f->db, f->db.kind, name, f->path, flags | SQLITE_OPEN_READONLY, f->busy_ms, err);
    if (!s) s = fct_db_prepare(&f->db, false, true, err);
    if (s) fct_db_close(&f->db);
    return s;
}

/* A reader too needs the log's shared memory, a file beside the other. Where it
 * cannot be made (a read-only folder or medium) and nobody has the file open,
 * the file is read as one that does not change; may_be_still permits that. */
static fct_status open_for_reading(fct_db_file *f, fct_error *err) {
    fct_status s = try_reading(f, f->path, 0, err);
    if (s != FCT_ERR_IO || !f->may_be_still || has_log(f->path, true)) return s;
    char *uri = immutable_uri(f->path);
    const fct_status st = uri ? try_reading(f, uri, SQLITE_OPEN_URI, NULL) : FCT_ERR_NOMEM;
    fct_free(uri);
    return st ? s : FCT_OK;
}

/* Moves what is left in the log into the file. The last connection to close does
 * so, unless it can only read: a copy of the file alone would then lack the
 * newest entries. So a reader that leaves a log behind opens the file once more
 * for writing and closes it: SQLite empties the log if nobody else has the file
 * open, and does nothing if somebody has. Where writing is not permitted, the
 * log stays. */
static void empty_log(const fct_db_kind *kind, const char *path) {
    fct_db db;
    int64_t any;
    if (!has_log(path, false)) return;
    fct_status s = fct_db_open(&db, kind, path, path, SQLITE_OPEN_READWRITE, 0, NULL);
    if (!s) s = fct_db_int(&db, &any, NULL, "SELECT count(*) FROM sqlite_schema", ""); /* joins the log */
    fct_db_close(&db);
}

/* ---- Opening and closing --------------------------------------------------------------- */

/* A row with an embedding of 512 values takes a little more than half of SQLite's usual
 * page of 4096 bytes, so that every page would be half empty. Of an existing file nothing
 * changes. */
static fct_status choose_pages(const fct_db *db, fct_error *err) {
    return fct_db_run(db, err, "PRAGMA page_size=8192", "");
}

static fct_status open_for_writing(fct_db_file *f, bool create, fct_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    fct_status s = fct_db_open(&f->db, f->db.kind, f->path, f->path, flags, f->busy_ms, err);
    if (!s && sqlite3_db_readonly(f->db.h, "main") == 1)
        return fct_fail(err, FCT_ERR_IO, "%s: is not writable: permission denied", f->path);
    if (!s && create) s = choose_pages(&f->db, err);
    if (!s) s = fct_db_prepare(&f->db, create, false, err);
    return s ? s : set_durability(f, err);
}

fct_status fct_db_file_open(fct_db_file *f, const fct_db_kind *kind, const char *path, int busy_ms, bool read_only,
                            bool must_exist, fct_error *err) {
    bool create = !read_only && !must_exist;
    *f = (fct_db_file){.db.kind = kind, .busy_ms = busy_ms, .read_only = read_only, .may_be_still = read_only};
    f->path = plain_path(path);
    if (!f->path) return fct_fail_nomem(err, "path", 0);
    f->db.path = f->path;
    bool before[PARTS] = {false};
    fct_status s = check_path(f, create, err);
    if (!s) s = find_parts(f->path, before, err);
    if (!s && create) s = create_private(f->path, err);
    if (!s) s = read_only ? open_for_reading(f, err) : open_for_writing(f, create, err);
    if (!s) s = fct_db_verify(&f->db, f->db.schema, err);
    return s ? s : make_private(f, before, err);
}

fct_status fct_db_file_reader(const fct_db_file *from, fct_db_file *f, fct_error *err) {
    *f = (fct_db_file){.db.kind = from->db.kind, .busy_ms = from->busy_ms, .read_only = true};
    f->may_be_still = from->may_be_still;
    f->path = fct_strdup(from->path);
    if (!f->path) return fct_fail_nomem(err, "path", 0);
    f->db.path = f->path;
    return open_for_reading(f, err);
}

void fct_db_file_close(fct_db_file *f) {
    bool was_open = f->db.h != NULL;
    fct_db_close(&f->db);
    if (was_open && f->read_only) empty_log(f->db.kind, f->path);
    fct_free(f->path);
    f->path = NULL;
}

/* Opening, closing and describing a store in a file of SQLite. */
#include "gallery/sqlite/sqlite_store.h"
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
static fct_status check_path(const char *path, const fct_gallery_opts *o, bool *create, fct_error *err) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    *create = !o->read_only && !o->must_exist;
    if (st.exists && st.is_dir) return fct_fail(err, FCT_ERR_IO, "%s: is a directory", path);
    if (st.exists && !st.is_file) return fct_fail(err, FCT_ERR_IO, "%s: is not a regular file", path);
    if (!st.exists && !*create) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such gallery", path);
    return st.exists ? FCT_OK : make_folder_of(path, err);
}

/* A new gallery is for its owner alone. SQLite would give it what the umask leaves
 * to others; the files that SQLite makes beside it get the rights of the gallery. */
static fct_status create_private(const char *path, fct_error *err) {
    FILE *f;
    int e = fct_sys_create(path, true, &f);
    if (!e) fclose(f);
    return e && e != EEXIST ? fct_fail_errno(err, path, e) : FCT_OK;
}

/* Takes a gallery of earlier times, once it is known to be one, from everybody
 * else, and says so. */
static fct_status make_private(const char *path, fct_error *err) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    bool exposed = false;
    for (int i = 0; i < 4; i++) {
        char *name = fct_asprintf("%s%s", path, ends[i]);
        if (!name) return fct_fail_nomem(err, "path", 0);
        exposed |= fct_file_make_private(name);
        fct_free(name);
    }
    if (exposed) fct_log(FCT_LOG_WARN, "%s: other users could read this gallery; now only you can", path);
    return FCT_OK;
}

/* Write-ahead log with a flush to disk at every commit: a commit is durable, and
 * readers do not wait for writers. Where the file system cannot do it (no shared
 * memory), SQLite stays with its rollback journal; EXTRA then also flushes the
 * folder, without which a power failure could bring a finished journal back. */
static fct_status set_durability(const fct_db *db, fct_error *err) {
    sqlite3_stmt *q;
    bool row = false, wal = false;
    fct_status s = fct_db_query(db, &q, err, "PRAGMA journal_mode=WAL", "");
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) {
        const char *mode = (const char *)sqlite3_column_text(q, 0);
        wal = mode && strcmp(mode, "wal") == 0;
    }
    sqlite3_finalize(q);
    if (!s) s = fct_db_run(db, err, wal ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=EXTRA", "");
    if (!s) s = fct_db_run(db, err, "PRAGMA fullfsync=1", ""); /* macOS: through the drive's cache */
    return s ? s : fct_db_run(db, err, "PRAGMA checkpoint_fullfsync=1", "");
}

/* ---- Connections that only read ------------------------------------------------------ */

/* "file:PATH?immutable=1", PATH as SQLite decodes it; owned. */
static char *immutable_uri(const char *path) {
    size_t len = strlen(path), size;
    if (!fct_mul_size(len, 3, &size)) return NULL;
    char *uri = fct_alloc(size + sizeof "file:?immutable=1"), *w = uri;
    if (!uri) return NULL;
    w += sprintf(w, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("%?#", *p)) w += sprintf(w, "%%%02x", (unsigned char)*p);
        else *w++ = *p;
    sprintf(w, "?immutable=1");
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

static fct_status try_reading(fct_db *db, const char *name, const char *path, int flags, int busy_ms, fct_error *err) {
    fct_status s = fct_db_open(db, name, path, flags | SQLITE_OPEN_READONLY, busy_ms, err);
    if (!s) s = fct_sqlite_schema_prepare(db, false, true, err);
    if (s) fct_db_close(db);
    return s;
}

/* A reader too needs the log's shared memory, a file beside the gallery. Where it
 * cannot be made (a read-only folder or medium) and nobody has the gallery open,
 * the file is read as one that does not change; may_be_still permits that. */
static fct_status open_for_reading(fct_db *db, const char *path, int busy_ms, bool may_be_still, fct_error *err) {
    fct_status s = try_reading(db, path, path, 0, busy_ms, err);
    if (s != FCT_ERR_IO || !may_be_still || has_log(path, true)) return s;
    char *uri = immutable_uri(path);
    const fct_status st = uri ? try_reading(db, uri, path, SQLITE_OPEN_URI, busy_ms, NULL) : FCT_ERR_NOMEM;
    fct_free(uri);
    return st ? s : FCT_OK;
}

/* Moves what is left in the log into the file. The last connection to close does
 * so, unless it can only read: a copy of the file alone would then lack the
 * newest people. So a reader that leaves a log behind opens the file once more
 * for writing and closes it: SQLite empties the log if nobody else has the file
 * open, and does nothing if somebody has. Where writing is not permitted, the
 * log stays. */
static void empty_log(const char *path) {
    fct_db db;
    int64_t any;
    if (!has_log(path, false)) return;
    fct_status s = fct_db_open(&db, path, path, SQLITE_OPEN_READWRITE, 0, NULL);
    if (!s) s = fct_db_int(&db, &any, NULL, "SELECT count(*) FROM sqlite_schema", ""); /* joins the log */
    fct_db_close(&db);
}

/* ---- The store ------------------------------------------------------------------------ */

static void close_store(fct_store *head) {
    fct_sqlite_store *st = (fct_sqlite_store *)head;
    bool was_open = st->db.h != NULL;
    sqlite3_finalize(st->version_stmt);
    fct_db_close(&st->db);
    if (was_open && st->read_only) empty_log(st->path);
    fct_free(st->path);
    fct_free(st);
}

static fct_status open_for_writing(fct_sqlite_store *st, bool create, fct_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    fct_status s = fct_db_open(&st->db, st->path, st->path, flags, st->busy_ms, err);
    if (!s && sqlite3_db_readonly(st->db.h, "main") == 1)
        return fct_fail(err, FCT_ERR_IO, "%s: is not writable: permission denied", st->path);
    if (!s) s = fct_sqlite_schema_prepare(&st->db, create, false, err);
    return s ? s : set_durability(&st->db, err);
}

static fct_status begin(fct_store *st, fct_store_mode mode, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    return mode == FCT_STORE_WRITE ? fct_db_begin_write(db, err) : fct_db_begin_read(db, err);
}

static fct_status end(fct_store *st, fct_status s, fct_error *err) { return fct_db_end(fct_sqlite_db(st), s, err); }

static fct_status version(fct_store *head, int64_t *out, fct_error *err) {
    fct_sqlite_store *st = (fct_sqlite_store *)head;
    bool row;
    fct_status s = FCT_OK;
    *out = 0;
    if (!st->version_stmt) s = fct_db_query(&st->db, &st->version_stmt, err, "PRAGMA data_version", "");
    if (!s) s = fct_db_step(&st->db, st->version_stmt, &row, err);
    if (!s && row) *out = sqlite3_column_int64(st->version_stmt, 0);
    sqlite3_reset(st->version_stmt);
    return s;
}

static fct_status describe(fct_store *st, int64_t *people, int64_t *faces, int *schema, fct_error *err) {
    const fct_db *db = fct_sqlite_db(st);
    *schema = db->schema;
    *faces = 0;
    fct_status s = fct_db_int(db, people, err, "SELECT count(*) FROM person", "");
    return s ? s : fct_db_int(db, faces, err, "SELECT count(*) FROM face", "");
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err);

static const fct_store_ops sqlite_ops = {.close = close_store,
                                         .reader = open_reader,
                                         .begin = begin,
                                         .end = end,
                                         .version = version,
                                         .changes = fct_sqlite_changes,
                                         .describe = describe,
                                         .get_model = fct_sqlite_get_model,
                                         .set_model = fct_sqlite_set_model,
                                         .people = fct_sqlite_people,
                                         .people_add = fct_sqlite_people_add,
                                         .person_rename = fct_sqlite_person_rename,
                                         .people_remove = fct_sqlite_people_remove,
                                         .faces = fct_sqlite_faces,
                                         .faces_add = fct_sqlite_faces_add,
                                         .faces_move = fct_sqlite_faces_move,
                                         .faces_embed = fct_sqlite_faces_embed,
                                         .faces_remove = fct_sqlite_faces_remove,
                                         .check = fct_sqlite_check,
                                         .backup = fct_sqlite_backup};

/* A store whose file is not open yet; owned, NULL = out of memory. */
static fct_sqlite_store *make_store(const char *path, int busy_ms, bool read_only) {
    fct_sqlite_store *st = fct_calloc(1, sizeof *st);
    if (!st) return NULL;
    st->path = plain_path(path);
    if (!st->path) return fct_free(st), NULL;
    st->head = (fct_store){.ops = &sqlite_ops, .place = st->path};
    st->db.path = st->path;
    st->busy_ms = busy_ms;
    st->read_only = read_only;
    return st;
}

static fct_status open_reader(fct_store *head, fct_store **out, fct_error *err) {
    const fct_sqlite_store *from = (fct_sqlite_store *)head;
    *out = NULL;
    fct_sqlite_store *st = make_store(from->path, from->busy_ms, true);
    if (!st) return fct_fail_nomem(err, "gallery", sizeof *st);
    st->may_be_still = from->may_be_still;
    fct_status s = open_for_reading(&st->db, st->path, st->busy_ms, st->may_be_still, err);
    if (s) close_store(&st->head);
    else *out = &st->head;
    return s;
}

fct_status fct_sqlite_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
    bool create;
    *out = NULL;
    fct_sqlite_store *st = make_store(path, o->busy_ms, o->read_only);
    if (!st) return fct_fail_nomem(err, "gallery", sizeof *st);
    fct_status s = check_path(st->path, o, &create, err);
    st->may_be_still = o->read_only;
    if (!s && create) s = create_private(st->path, err);
    if (!s && o->read_only) s = open_for_reading(&st->db, st->path, o->busy_ms, true, err);
    else if (!s) s = open_for_writing(st, create, err);
    if (!s) s = fct_sqlite_schema_verify(&st->db, st->db.schema, err);
    if (!s) s = make_private(st->path, err);
    if (s) close_store(&st->head);
    else *out = &st->head;
    return s;
}

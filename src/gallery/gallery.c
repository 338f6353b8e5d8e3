/* Opening, closing and describing a gallery. */
#include "facet/gallery.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"
#include <stdio.h>
#include <string.h>

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_gallery_opts *opts, fct_gallery_opts *o, fct_error *err) {
    fct_gallery_opts_init(o);
    if (!opts) return FCT_OK;
    if (opts->size < sizeof(size_t) || opts->size > 4096)
        return fct_fail(err, FCT_ERR_ARG, "gallery options: not initialized");
    memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->busy_ms < 0) return fct_fail(err, FCT_ERR_ARG, "gallery options: busy_ms is negative");
    return FCT_OK;
}

/* SQLite gives meaning to some names (":memory:", "file:..."); ours are paths. */
static char *plain_path(const char *path) {
    bool special = path[0] == ':' || strncmp(path, "file:", 5) == 0;
    return special ? fct_path_join(".", path) : fct_strdup(path);
}

static fct_status make_folder_of(const char *path, fct_error *err) {
    char *dir = fct_path_dir(path);
    if (!dir) return fct_fail_nomem(err, "path", 0);
    fct_status s = fct_dir_make(dir, err);
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

/* Whether nobody has the file open for writing: there is no log beside it. */
static bool is_at_rest(const char *path) {
    fct_file_stat st = {.exists = true};
    char *log = fct_asprintf("%s-wal", path);
    if (log) fct_file_get_stat(log, &st);
    fct_free(log);
    return !st.exists;
}

static fct_status try_reading(fct_db *db, const char *name, const char *path, int flags, int busy_ms, fct_error *err) {
    fct_status s = fct_db_open(db, name, path, flags | SQLITE_OPEN_READONLY, busy_ms, err);
    if (!s) s = fct_gallery_schema_prepare(db, false, true, err);
    if (s) fct_db_close(db);
    return s;
}

/* A reader too needs the log's shared memory, a file beside the gallery. Where it
 * cannot be made (a read-only folder or medium) and nobody has the gallery open,
 * the file is read as one that does not change. */
fct_status fct_gallery_open_reader(fct_db *db, const char *path, int busy_ms, fct_error *err) {
    fct_status s = try_reading(db, path, path, 0, busy_ms, err);
    if (s != FCT_ERR_IO || !is_at_rest(path)) return s;
    char *uri = immutable_uri(path);
    fct_status again = uri ? try_reading(db, uri, path, SQLITE_OPEN_URI, busy_ms, NULL) : FCT_ERR_NOMEM;
    fct_free(uri);
    return again ? s : FCT_OK;
}

static fct_status open_for_writing(fct_gallery *g, const fct_gallery_opts *o, bool create, fct_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
    fct_status s = fct_db_open(&g->db, g->path, g->path, flags, o->busy_ms, err);
    if (!s && sqlite3_db_readonly(g->db.h, "main") == 1)
        return fct_fail(err, FCT_ERR_IO, "%s: is not writable: permission denied", g->path);
    if (!s) s = fct_gallery_schema_prepare(&g->db, create, false, err);
    return s ? s : set_durability(&g->db, err);
}

static fct_status open_db(fct_gallery *g, const fct_gallery_opts *o, fct_error *err) {
    bool create;
    fct_status s = check_path(g->path, o, &create, err);
    if (!s)
        s = o->read_only ? fct_gallery_open_reader(&g->db, g->path, o->busy_ms, err)
                         : open_for_writing(g, o, create, err);
    if (!s) s = fct_gallery_schema_verify(&g->db, g->db.schema, err);
    if (!s) s = fct_db_query(&g->db, &g->version_stmt, err, "PRAGMA data_version", "");
    return s ? s : fct_gallery_sync(g, err);
}

fct_status fct_gallery_open(const char *path, const fct_gallery_opts *opts, fct_gallery **out, fct_error *err) {
    if (!out) return fct_fail(err, FCT_ERR_ARG, "gallery: no place for the result");
    *out = NULL;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "gallery: no path");
    fct_gallery_opts o;
    fct_status s = read_opts(opts, &o, err);
    if (s) return s;
    fct_gallery *g = fct_calloc(1, sizeof *g);
    if (!g) return fct_fail_nomem(err, "gallery", sizeof *g);
    fct_mutex_init(&g->lock);
    fct_mutex_init(&g->readers_lock);
    fct_cond_init(&g->readers_gone);
    g->read_only = o.read_only;
    g->busy_ms = o.busy_ms;
    g->path = plain_path(path);
    s = g->path ? open_db(g, &o, err) : fct_fail_nomem(err, "path", 0);
    if (s) {
        fct_gallery_free(g);
        return s;
    }
    *out = g;
    return FCT_OK;
}

void fct_gallery_free(fct_gallery *g) {
    if (!g) return;
    sqlite3_finalize(g->version_stmt);
    fct_db_close(&g->db);
    fct_mirror_clear(&g->mirror);
    fct_cond_destroy(&g->readers_gone);
    fct_mutex_destroy(&g->readers_lock);
    fct_mutex_destroy(&g->lock);
    fct_free(g->path);
    fct_free(g);
}

fct_status fct_gallery_write_begin(fct_gallery *g, fct_error *err) {
    if (g->read_only) return fct_fail(err, FCT_ERR_ARG, "%s: opened for reading only", g->path);
    fct_mutex_lock(&g->lock);
    fct_status s = fct_db_begin_write(&g->db, err);
    if (s) fct_mutex_unlock(&g->lock);
    return s;
}

fct_status fct_gallery_write_end(fct_gallery *g, fct_status s, fct_error *err) {
    s = fct_db_end(&g->db, s, err);
    if (!s) {
        g->current = false; /* data_version tells of others' commits only */
        fct_gallery_sync(g, NULL);
    }
    fct_mutex_unlock(&g->lock);
    return s;
}

static fct_status read_info(const fct_gallery *g, fct_gallery_info *out, fct_error *err) {
    int64_t people, faces;
    fct_status s = fct_db_int(&g->db, &people, err, "SELECT count(*) FROM person", "");
    if (!s) s = fct_db_int(&g->db, &faces, err, "SELECT count(*) FROM face", "");
    if (s) return s;
    out->people = (int)people;
    out->faces = (int)faces;
    out->schema = g->db.schema;
    out->dim = g->mirror.dim;
    memcpy(out->model_id, g->mirror.model_id, sizeof out->model_id);
    fct_text_clean(g->path, out->path, sizeof out->path);
    return FCT_OK;
}

fct_status fct_gallery_stat(fct_gallery *g, fct_gallery_info *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    fct_mutex_lock(&g->lock);
    fct_status s = fct_gallery_sync(g, err);
    if (!s) s = fct_db_begin_read(&g->db, err);
    if (!s) s = fct_db_end(&g->db, read_info(g, out, err), err);
    fct_mutex_unlock(&g->lock);
    return s;
}

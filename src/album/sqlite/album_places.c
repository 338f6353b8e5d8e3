/* Folders and files as a scan keeps them. */
#include "album/album_scan.h"
#include "album/album_scan_store.h"
#include "album/sqlite/album_rows.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

/* ---- Roots -------------------------------------------------------------------------------- */

/* What follows root in path where path is root or lies below it ("" or "a/b"), else NULL. */
static const char *below(const char *root, const char *path) {
    size_t n = strlen(root);
    if (strncmp(root, path, n) != 0) return NULL;
    if (!path[n]) return path + n;
    if (n && fct_path_is_sep(root[n - 1])) return path + n;
    return fct_path_is_sep(path[n]) ? path + n + 1 : NULL;
}

fct_status fct_album_root_of(fct_album *a, const char *folder, int64_t *id, const char **rest, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    *id = 0;
    *rest = NULL;
    fct_status s = fct_db_query(db, &q, err, "SELECT id, path FROM root", "");
    for (bool row = true; !s && !*id;) {
        const char *path = NULL;
        s = fct_db_step(db, q, &row, err);
        if (s || !row) break;
        s = fct_db_text(db, q, 1, &path, err);
        *rest = !s && path ? below(path, folder) : NULL;
        if (*rest) *id = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return s;
}

/* Makes root inner, which lies below root outer, a part of it. */
static fct_status absorb(const fct_db *db, int64_t outer, int64_t inner, const char *at, fct_error *err) {
    fct_status s = fct_db_run(db, err,
                              "UPDATE folder SET root_id = ?1, path = CASE path WHEN '' THEN ?3 ELSE ?3 || '/' || path "
                              "END WHERE root_id = ?2",
                              "iit", outer, inner, at);
    return s ? s : fct_db_run(db, err, "DELETE FROM root WHERE id = ?", "i", inner);
}

fct_status fct_album_root_add(fct_album *a, const char *path, int64_t *id, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    *id = 0;
    fct_status s = fct_db_run(db, err, "INSERT INTO root(path, added) VALUES(?, ?)", "ti", path, fct_time_unix());
    if (s) return s;
    *id = sqlite3_last_insert_rowid(db->h);
    for (bool more = true; !s && more;) { /* one after the other: a statement must not see its table change */
        sqlite3_stmt *q;
        more = false;
        s = fct_db_query(db, &q, err, "SELECT id, path FROM root WHERE id <> ?", "i", *id);
        for (bool row = true; !s && !more;) {
            const char *other = NULL, *at;
            s = fct_db_step(db, q, &row, err);
            if (s || !row) break;
            s = fct_db_text(db, q, 1, &other, err);
            at = !s && other ? below(path, other) : NULL;
            if (!at) continue;
            more = true;
            s = absorb(db, *id, sqlite3_column_int64(q, 0), at, err);
        }
        sqlite3_finalize(q);
    }
    return s;
}

/* ---- Folders -------------------------------------------------------------------------------- */

fct_status fct_album_folder_find(fct_album *a, int64_t root_id, const char *path, fct_placed_folder *out,
                                 fct_error *err) {
    const fct_db *db = fct_album_db(a);
    sqlite3_stmt *q;
    bool row = false;
    *out = (fct_placed_folder){.path = path};
    fct_status s =
        fct_db_query(db, &q, err, "SELECT id, mount FROM folder WHERE root_id = ? AND path = ?", "it", root_id, path);
    if (!s) s = fct_db_step(db, q, &row, err);
    if (!s && row) {
        out->id = sqlite3_column_int64(q, 0);
        out->mount = sqlite3_column_int64(q, 1) != 0;
    }
    sqlite3_finalize(q);
    return s;
}

fct_status fct_album_folder_put(fct_album *a, int64_t root_id, const char *path, bool mount, int64_t *id,
                                fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_status s = fct_db_run(db, err,
                              "INSERT INTO folder(root_id, path, mount) VALUES(?, ?, ?) "
                              "ON CONFLICT(root_id, path) DO UPDATE SET mount = excluded.mount",
                              "iti", root_id, path, (int64_t)mount);
    *id = 0;
    if (s) return s;
    return fct_db_int(db, id, err, "SELECT id FROM folder WHERE root_id = ? AND path = ?", "it", root_id, path);
}

/* Folders at and below ?2 of root ?1; by bytes, not by LIKE, which takes letters of both sizes for the same. */
#define AT_AND_BELOW "d.root_id = ?1 AND (?2 = '' OR d.path = ?2 OR substr(d.path, 1, length(?2) + 1) = ?2 || '/')"

typedef struct folder_visit {
    fct_placed_folder_fn *fn;
    void *user;
} folder_visit;

static fct_status visit_folder(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const folder_visit *v = ctx;
    fct_placed_folder f = {.id = sqlite3_column_int64(q, 0),
                           .mount = sqlite3_column_int64(q, 1) != 0,
                           .files = sqlite3_column_int64(q, 2)};
    fct_status s = fct_db_text(fct_album_db(a), q, 3, &f.path, err);
    if (!s && !f.path) s = fct_album_damaged(a, "a folder without a path", err);
    return s ? s : v->fn(v->user, &f, err);
}

fct_status fct_album_folders(fct_album *a, int64_t root_id, const char *path, fct_placed_folder_fn *fn, void *user,
                             fct_error *err) {
    sqlite3_stmt *q;
    folder_visit v = {fn, user};
    fct_status s = fct_db_query(fct_album_db(a), &q, err,
                                "SELECT d.id, d.mount, (SELECT count(*) FROM file WHERE folder_id = d.id), d.path "
                                "FROM folder d WHERE " AT_AND_BELOW " ORDER BY d.path",
                                "it", root_id, path);
    return fct_album_each(a, s, q, visit_folder, &v, NULL, err);
}

fct_status fct_album_has_files(fct_album *a, int64_t root_id, const char *path, bool *any, fct_error *err) {
    int64_t n;
    fct_status s = fct_db_int(fct_album_db(a), &n, err,
                              "SELECT EXISTS(SELECT 1 FROM folder d JOIN file f ON f.folder_id = d.id "
                              "WHERE " AT_AND_BELOW ")",
                              "it", root_id, path);
    *any = n != 0;
    return s;
}

/* ---- Files ------------------------------------------------------------------------------------ */

typedef struct known_file_visit {
    fct_placed_file_fn *fn;
    void *user;
} known_file_visit;

static fct_status visit_known_file(fct_album *a, sqlite3_stmt *q, void *ctx, fct_error *err) {
    const known_file_visit *v = ctx;
    fct_placed_file f = {.id = sqlite3_column_int64(q, 0),
                         .size = sqlite3_column_int64(q, 1),
                         .mtime_ns = sqlite3_column_int64(q, 2),
                         .photo_id = sqlite3_column_int64(q, 3)};
    fct_status s = fct_db_text(fct_album_db(a), q, 4, &f.name, err);
    if (!s && !f.name) s = fct_album_damaged(a, "a file without a name", err);
    return s ? s : v->fn(v->user, &f, err);
}

fct_status fct_album_folder_files(fct_album *a, int64_t folder_id, fct_placed_file_fn *fn, void *user, fct_error *err) {
    sqlite3_stmt *q;
    known_file_visit v = {fn, user};
    fct_status s = fct_db_query(fct_album_db(a), &q, err,
                                "SELECT id, size, mtime_ns, photo_id, name FROM file WHERE folder_id = ? ORDER BY name",
                                "i", folder_id);
    return fct_album_each(a, s, q, visit_known_file, &v, NULL, err);
}

fct_status fct_album_file_put(fct_album *a, int64_t folder_id, const fct_placed_file *f, const char *error,
                              fct_error *err) {
    return fct_db_run(fct_album_db(a), err,
                      "INSERT INTO file(folder_id, name, size, mtime_ns, photo_id, error) "
                      "VALUES(?, ?, ?, ?, nullif(?, 0), ?) ON CONFLICT(folder_id, name) DO UPDATE SET "
                      "size = excluded.size, mtime_ns = excluded.mtime_ns, photo_id = excluded.photo_id, "
                      "error = excluded.error",
                      "itiiit", folder_id, f->name, f->size, f->mtime_ns, f->photo_id, error);
}

fct_status fct_album_file_remove(fct_album *a, int64_t id, fct_error *err) {
    return fct_db_run(fct_album_db(a), err, "DELETE FROM file WHERE id = ?", "i", id);
}

fct_status fct_album_files_remove(fct_album *a, int64_t folder_id, int64_t *n, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    fct_status s = fct_db_run(db, err, "DELETE FROM file WHERE folder_id = ?", "i", folder_id);
    *n = s ? 0 : sqlite3_changes64(db->h);
    return s;
}

fct_status fct_album_tidy(fct_album *a, fct_error *err) {
    static const char *const steps[] = {
        "DELETE FROM photo WHERE id NOT IN (SELECT photo_id FROM file WHERE photo_id NOT NULL)",
        "DELETE FROM folder WHERE path <> '' AND id NOT IN (SELECT folder_id FROM file)"};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !s; i++) s = fct_db_run(fct_album_db(a), err, steps[i], "");
    return s ? s : fct_album_people_tidy(a, err);
}

/* Removes a folder that was scanned, by the name that is kept of it; *n = 1 if there was one. */
static fct_status remove_root(const fct_db *db, const char *path, int *n, fct_error *err) {
    fct_status s = fct_db_run(db, err, "DELETE FROM root WHERE path = ?", "t", path);
    *n = s ? 0 : sqlite3_changes(db->h);
    return s;
}

/* The name may be the one that is kept, or what a scan would make that of. */
static fct_status forget(fct_album *a, const char *folder, fct_error *err) {
    const fct_db *db = fct_album_db(a);
    int n = 0;
    fct_status s = fct_album_begin(a, err);
    if (s) return s;
    s = remove_root(db, folder, &n, err);
    char *full = s || n ? NULL : fct_path_real(folder);
    if (!s && !n && !full) full = fct_path_absolute(folder);
    if (full) s = remove_root(db, full, &n, err);
    fct_free(full);
    if (!s && !n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: %s is no folder that was scanned", db->path, folder);
    if (!s) s = fct_album_tidy(a, err);
    return fct_album_end(a, s, err);
}

/* Not while a scan is running, which would go on storing files in folders that are gone. */
fct_status fct_album_forget(fct_album *a, const char *folder, fct_error *err) {
    char *lock;
    intptr_t handle;
    fct_status s = fct_scan_lock(a, &lock, &handle, err);
    if (s) return s;
    s = forget(a, folder, err);
    fct_scan_unlock(lock, handle);
    return s;
}

/* What a scan begins with: its options, its lock, and which folders are meant. */
#include "album/album_scan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <errno.h>
#include <string.h>

void fct_scan_opts_init(fct_scan_opts *o) { *o = (fct_scan_opts){.size = sizeof *o}; }

fct_status fct_scan_read_opts(const fct_scan_opts *opts, fct_scan_opts *o, fct_error *err) {
    fct_scan_opts_init(o);
    if (opts && (opts->size < sizeof(size_t) || opts->size > 4096))
        return fct_fail(err, FCT_ERR_ARG, "scan options: not initialized");
    if (opts) memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->threads < 0 || o->max_pixels < 0)
        return fct_fail(err, FCT_ERR_ARG, "scan options: threads %d, max_pixels %lld", o->threads,
                        (long long)o->max_pixels);
    if (!o->threads) o->threads = fct_threads();
    return FCT_OK;
}

/* ---- The lock -------------------------------------------------------------------------- */

fct_status fct_scan_lock(const fct_album *a, char **path, intptr_t *handle, fct_error *err) {
    *path = NULL;
    if (a->file.read_only) return fct_fail(err, FCT_ERR_IO, "%s: is open for reading only", a->file.path);
    char *name = fct_asprintf("%s-scan", a->file.path);
    if (!name) return fct_fail_nomem(err, "path", 0);
    int e = fct_sys_lock(name, handle);
    if (!e) {
        *path = name;
        return FCT_OK;
    }
    fct_status s = e == EAGAIN ? fct_fail(err, FCT_ERR_BUSY, "%s: is being scanned by another program", a->file.path)
                               : fct_fail_errno(err, name, e);
    fct_free(name);
    return s;
}

void fct_scan_unlock(char *path, intptr_t handle) {
    fct_sys_unlock(path, handle);
    fct_free(path);
}

/* ---- Folders ---------------------------------------------------------------------------- */

/* The folder's name without links and, where it is not there, as it would be from here; owned. */
static char *full_name(const char *folder) {
    char *full = fct_path_real(folder);
    if (!full) full = fct_path_absolute(folder);
    size_t n = full ? strlen(full) : 0;
    while (n > 1 && fct_path_is_sep(full[n - 1]) && !fct_path_is_sep(full[n - 2]) && full[n - 2] != ':') full[--n] = 0;
    return full;
}

void fct_scan_targets_free(fct_scan_targets *t) {
    for (size_t i = 0; i < t->n; i++) fct_free(t->at[i].root), fct_free(t->at[i].path);
    fct_free(t->at);
    *t = (fct_scan_targets){NULL, 0};
}

/* Adds a target with copies of its names. */
static fct_status add_target(fct_scan_targets *t, int64_t root_id, const char *root, size_t root_length,
                             const char *path, fct_error *err) {
    fct_scan_target *at = fct_realloc_array(t->at, t->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "folders", 0);
    t->at = at;
    at[t->n] = (fct_scan_target){root_id, fct_strndup(root, root_length), fct_strdup(path)};
    t->n++;
    return at[t->n - 1].root && at[t->n - 1].path ? FCT_OK : fct_fail_nomem(err, "folders", 0);
}

static fct_status add_root(void *user, const fct_album_root *r, fct_error *err) {
    return add_target(user, r->id, r->path, strlen(r->path), "", err);
}

static fct_status all_roots(fct_album *a, fct_scan_targets *out, fct_error *err) {
    fct_status s = fct_album_roots(a, add_root, out, err);
    if (!s && !out->n) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no folder was scanned yet: name one", a->file.path);
    return s;
}

/* A folder that the album has, alone or in a root, or else a new root. */
static fct_status find_target(fct_album *a, const char *full, fct_scan_targets *out, fct_error *err) {
    int64_t id;
    const char *below;
    fct_file_stat fs;
    fct_status s = fct_album_root_of(a, full, &id, &below, err);
    if (s) return s;
    if (id) {
        size_t n = strlen(full) - strlen(below);
        while (n > 1 && *below && fct_path_is_sep(full[n - 1])) n--;
        return add_target(out, id, full, n, below, err);
    }
    fct_file_get_stat(full, &fs);
    if (!fs.is_dir)
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: %s", full, fs.exists ? "is no folder" : "no such folder");
    s = fct_album_begin(a, err);
    if (s) return s;
    s = fct_album_end(a, fct_album_root_add(a, full, &id, err), err);
    return s ? s : add_target(out, id, full, strlen(full), "", err);
}

/* Whether path is folder or lies below it. */
static bool covers(const char *folder, const char *path) {
    size_t n = strlen(folder);
    if (strncmp(folder, path, n) != 0) return false;
    return !path[n] || fct_path_is_sep(path[n]) || (n && fct_path_is_sep(folder[n - 1]));
}

/* Of the same folder, and of folders inside each other, the outermost and first one counts. */
static bool is_covered(char *const *full, int n, int i) {
    for (int k = 0; k < n; k++)
        if (k != i && covers(full[k], full[i]) && (k < i || !covers(full[i], full[k]))) return true;
    return false;
}

fct_status fct_scan_targets_find(fct_album *a, const char *const *folders, int n, fct_scan_targets *out,
                                 fct_error *err) {
    *out = (fct_scan_targets){NULL, 0};
    if (!n) return all_roots(a, out, err);
    char **full = fct_calloc((size_t)n, sizeof *full);
    fct_status s = full ? FCT_OK : fct_fail_nomem(err, "folders", 0);
    for (int i = 0; i < n && !s; i++) {
        if (!folders[i] || !*folders[i]) s = fct_fail(err, FCT_ERR_ARG, "scan: a folder without a name");
        else if (!(full[i] = full_name(folders[i]))) s = fct_fail_nomem(err, "folders", 0);
    }
    for (int i = 0; i < n && !s; i++)
        if (!is_covered(full, n, i)) s = find_target(a, full[i], out, err);
    for (int i = 0; full && i < n; i++) fct_free(full[i]);
    fct_free(full);
    return s;
}

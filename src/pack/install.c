/* Installing packs: into a temporary folder beside the others, checked there,
 * renamed when all is well. Whatever fails leaves the store as it was. */
#include "onnx/onnx_file.h"
#include "pack/locate.h"
#include "pack/signature.h"
#include "pack/store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <string.h>

#define ARCHIVES ".facet-archives.sha256"

typedef struct install {
    fct_store_opts o;
    const char *name;
    char *root, *target; /* <root>, <root>/<name> */
    char *temp;          /* fct_store_temp() */
    fct_store_lock lock;
    fct_sums sums;
    fct_store_result result;
    fct_error *err;
} install;

static void clear(install *in) {
    if (in->lock.path) { /* else it may be another's */
        fct_file_stat st;
        fct_file_get_stat(in->temp, &st);
        if (st.exists) (void)fct_dir_remove(in->temp, NULL);
    }
    fct_store_lock_release(&in->lock);
    fct_sums_clear(&in->sums);
    fct_free(in->root);
    fct_free(in->target);
    fct_free(in->temp);
}

static fct_status nomem(const install *in) { return fct_fail_nomem(in->err, in->name, 0); }

static fct_status check_absent(const install *in) {
    fct_file_stat st;
    fct_file_get_stat(in->target, &st);
    return st.exists && !in->o.replace ? fct_fail(in->err, FCT_ERR_EXISTS, "%s: installed already", in->target)
                                       : FCT_OK;
}

/* Reads the request; writes nothing. */
static fct_status begin(install *in, const char *name, const fct_store_opts *opts, fct_error *err) {
    *in = (install){.name = name, .err = err};
    fct_store_opts_init(&in->o);
    if (opts) memcpy(&in->o, opts, opts->size < sizeof in->o ? opts->size : sizeof in->o);
    if (!name || !fct_store_name_ok(name))
        return fct_fail(err, FCT_ERR_ARG, "\"%s\" cannot be the name of a pack", name ? name : "");
    if (in->o.retries < 0 || in->o.stall_seconds < 1)
        return fct_fail(err, FCT_ERR_ARG, "%d retries, stall after %d s", in->o.retries, in->o.stall_seconds);
    fct_status s = fct_pack_root(in->o.root, &in->root, err);
    if (s) return s;
    in->target = fct_path_join(in->root, name);
    in->temp = fct_store_temp(in->root, "new", name);
    if (!in->target || !in->temp) return nomem(in);
    return check_absent(in);
}

/* Waits until nobody else installs the pack; then it may be there. */
static fct_status enter(install *in) {
    fct_status s = fct_dir_make(in->root, in->err);
    if (!s) s = fct_store_lock_take(&in->lock, in->root, "lock-", in->name, &in->o, in->err);
    if (!s) s = fct_store_tidy(in->root, in->name, in->err);
    return s ? s : check_absent(in);
}

/* ---- Checks before the rename --------------------------------------------------------------- */

/* Every ONNX file must be one, and at least one must have a task. */
static fct_status check_networks(install *in) {
    int useful = 0;
    for (int i = 0; i < in->sums.n; i++) {
        const char *name = in->sums.items[i].name;
        if (strcmp(fct_path_ext(name), "onnx") != 0) continue;
        char *path = fct_path_join(in->temp, name);
        fct_part_file file;
        fct_signature sig;
        fct_route route;
        fct_status s = path ? fct_onnx_open(path, &file, in->err) : nomem(in);
        if (!s) {
            s = fct_signature_read(file.data, file.size, name, &sig, in->err);
            fct_part_close(&file);
        }
        fct_free(path);
        if (s) return s;
        fct_signature_route(&sig, false, &route);
        useful += route.task != 0;
        in->result.files++;
    }
    return useful ? FCT_OK
                  : fct_fail(in->err, FCT_ERR_FORMAT, "pack %s: none of its %d ONNX files is a face network", in->name,
                             in->result.files);
}

/* Compares every file with the hash that InsightFace's own has, where that is known. */
static fct_status check_hashes(install *in) {
    const fct_known_pack *k = fct_known_find(in->name);
    for (int i = 0; k && i < in->sums.n; i++) {
        const char *want = fct_known_file_hash(k, in->sums.items[i].name);
        if (want && strcmp(want, in->sums.items[i].sha256) != 0)
            return fct_fail(in->err, FCT_ERR_MISMATCH, "%s of pack %s has SHA-256 %.16s..., InsightFace's has %.16s...",
                            in->sums.items[i].name, in->name, in->sums.items[i].sha256, want);
    }
    return FCT_OK;
}

/* The old pack goes aside first, for a folder cannot replace another in one step. */
static fct_status put_in_place(install *in) {
    fct_file_stat st;
    fct_file_get_stat(in->target, &st);
    if (!st.exists) return fct_file_rename(in->temp, in->target, in->err);
    char *old = fct_store_temp(in->root, "old", in->name);
    if (!old) return nomem(in);
    fct_status s = fct_file_rename(in->target, old, in->err);
    if (!s) {
        s = fct_file_rename(in->temp, in->target, in->err);
        if (s) (void)fct_file_rename(old, in->target, NULL);
        else (void)(st.is_symlink ? fct_file_remove(old, NULL) : fct_dir_remove(old, NULL));
    }
    fct_free(old);
    return s;
}

/* Checks the new folder, adds the list of its hashes and moves it to its place. Up to here the store is unchanged. */
static fct_status finish(install *in, fct_store_result *out) {
    fct_status s = check_networks(in);
    if (!s) s = check_hashes(in);
    char *sums = s ? NULL : fct_path_join(in->temp, FCT_SUMS_NAME);
    if (!s) s = sums ? fct_sums_write(sums, &in->sums, in->err) : nomem(in);
    fct_free(sums);
    if (!s) s = put_in_place(in);
    if (s) return s;
    fct_sys_flush_dir(in->root);
    if (strlen(in->target) < sizeof in->result.path) memcpy(in->result.path, in->target, strlen(in->target) + 1);
    if (out) *out = in->result;
    return FCT_OK;
}

/* ---- Download --------------------------------------------------------------------------------- */

/* Address of the zip: the mirror's, as it is or with the name added. */
static char *make_url(const install *in, const fct_known_pack *k) {
    const char *u = in->o.url;
    if (!u) return fct_strdup(k->url);
    size_t n = strlen(u);
    if (n > 4 && strcmp(u + n - 4, ".zip") == 0) return fct_strdup(u);
    return fct_asprintf("%s%s%s.zip", u, n && u[n - 1] == '/' ? "" : "/", in->name);
}

/* Finds the hash that the archive must have: the one asked for, the known one, or the one recorded earlier; NULL
 * when there is none. A mirror's archive of a known pack has to be the known one. */
static const char *expected(const install *in, const fct_known_pack *k, const fct_sums *recorded) {
    if (in->o.sha256) return in->o.sha256;
    if (k && k->sha256) return k->sha256;
    return fct_sums_get(recorded, in->name);
}

static fct_status fail_hash(install *in, const char *url, const char *want) {
    char shown[FCT_SHOWN_URL];
    return fct_fail(in->err, FCT_ERR_MISMATCH, "%s has SHA-256 %s, expected %s", fct_url_shown(url, shown),
                    in->result.sha256, want);
}

static fct_status fetch_checked(install *in, const char *url, const char *part, const char *want) {
    fct_file_stat st;
    fct_file_get_stat(part, &st);
    for (bool resumed = st.exists;; resumed = false) {
        uint64_t bytes;
        fct_status s = fct_fetch(url, part, &in->o, in->err);
        if (!s) s = fct_store_hash(part, &in->o, "verify", &bytes, in->result.sha256, in->err);
        if (s) return s;
        if (!want || strcmp(in->result.sha256, want) == 0) return FCT_OK;
        (void)fct_file_remove(part, NULL);
        /* What an earlier call left behind may have been part of another file, so the download starts over once. */
        if (!resumed) return fail_hash(in, url, want);
    }
}

/* Nothing is downloaded before its terms have been accepted. */
static fct_status check_terms(const install *in, const fct_known_pack *k) {
    if (!k && !in->o.url)
        return fct_fail(in->err, FCT_ERR_NOT_FOUND, "no address is known for a pack called %s: give its url", in->name);
    if (!in->o.accept_license)
        return fct_fail(in->err, FCT_ERR_ARG, "pack %s has terms that have to be accepted: %s", in->name,
                        k ? k->license : "those of whoever publishes it");
    const char *h = in->o.sha256;
    if (h && (strlen(h) != 64 || strspn(h, "0123456789abcdef") != 64))
        return fct_fail(in->err, FCT_ERR_ARG, "\"%s\" is not a SHA-256 of 64 lower-case hexadecimal digits", h);
    return FCT_OK;
}

/* Records the archive's hash. All packs share the list, so it is read again under a lock of its own. */
static fct_status record(install *in, const char *archives) {
    fct_store_lock lock = {0};
    fct_sums recorded;
    fct_status s = fct_store_lock_take(&lock, in->root, "archives.lock", "", &in->o, in->err);
    if (s) return s;
    s = fct_sums_read(archives, &recorded, in->err);
    if (!s) s = fct_sums_set(&recorded, in->name, in->result.sha256, in->err);
    if (!s) s = fct_sums_write(archives, &recorded, in->err);
    fct_sums_clear(&recorded);
    fct_store_lock_release(&lock);
    return s;
}

static fct_status download(install *in, const fct_known_pack *k, const char *url, const char *part,
                           const char *archives) {
    fct_sums recorded;
    fct_status s = fct_sums_read(archives, &recorded, in->err);
    if (s) return s;
    const char *want = expected(in, k, &recorded);
    in->result.checked = want != NULL;
    s = fetch_checked(in, url, part, want);
    if (!s) s = fct_dir_make(in->temp, in->err);
    if (!s) s = fct_unzip(part, in->temp, &in->o, &in->sums, in->err);
    if (s == FCT_ERR_FORMAT || s == FCT_ERR_LIMIT) (void)fct_file_remove(part, NULL); /* it will not get better */
    if (!s && !want) s = record(in, archives);
    in->result.recorded = !s && !want;
    fct_sums_clear(&recorded);
    return s;
}

fct_status fct_store_get(const char *name, const fct_store_opts *opts, fct_store_result *out, fct_error *err) {
    install in;
    if (out) *out = (fct_store_result){.files = 0};
    fct_status s = begin(&in, name, opts, err);
    const fct_known_pack *k = s ? NULL : fct_known_find(name);
    if (!s) s = check_terms(&in, k);
    if (!s) s = enter(&in);
    if (!s) {
        char *url = make_url(&in, k), *part = fct_asprintf("%s/.facet-%s.zip.part", in.root, name);
        char *archives = fct_path_join(in.root, ARCHIVES);
        s = url && part && archives ? download(&in, k, url, part, archives) : nomem(&in);
        if (!s) s = finish(&in, out);
        if (!s) (void)fct_file_remove(part, NULL);
        fct_free(url);
        fct_free(part);
        fct_free(archives);
    }
    clear(&in);
    return s;
}

/* ---- Import -------------------------------------------------------------------------------------- */

typedef struct copy_job {
    const fct_store_opts *o;
    fct_sink *out;
    uint64_t done;
} copy_job;

static fct_status copy_piece(void *ctx, const uint8_t *data, size_t n, uint64_t total, fct_error *err) {
    copy_job *j = ctx;
    fct_status s = fct_sink_write(j->out, data, n, err);
    j->done += n;
    return s ? s : fct_store_tell(j->o, "copy", j->done, total, err);
}

/* Copies one of the pack's files and notes its hash; files that a pack does not consist of are passed over. */
static fct_status copy_file(install *in, const char *dir, const char *name) {
    char sha256[65], *from = fct_path_join(dir, name), *to = fct_path_join(in->temp, name);
    fct_file_stat st = {0};
    fct_sink *out = NULL;
    fct_status s = from && to ? FCT_OK : nomem(in);
    if (!s) fct_file_get_stat(from, &st);
    if (st.is_file && fct_store_file_ok(name) && strcmp(name, FCT_SUMS_NAME) != 0) {
        s = fct_sink_create(to, &out, in->err);
        copy_job job = {.o = &in->o, .out = out};
        if (!s) s = fct_store_read(from, copy_piece, &job, in->err);
        if (s) fct_sink_abort(out);
        else s = fct_sink_close(out, sha256, in->err);
        if (!s) s = fct_sums_set(&in->sums, name, sha256, in->err);
    }
    fct_free(from);
    fct_free(to);
    return s;
}

static fct_status copy_folder(install *in, const char *path) {
    char **names = NULL, *dir = fct_strdup(path);
    size_t n = 0;
    fct_status s = dir ? fct_pack_unnest(&dir, in->err) : nomem(in);
    if (!s) s = fct_dir_list(dir, &names, &n, in->err);
    for (size_t i = 0; i < n && !s; i++) s = copy_file(in, dir, names[i]);
    if (names) fct_dir_list_free(names, n);
    fct_free(dir);
    return s;
}

/* "some/where/buffalo_l.zip" is called buffalo_l. *out is owned. */
static fct_status name_of(const char *path, char **out, fct_error *err) {
    size_t n = strlen(path);
    while (n > 1 && (path[n - 1] == '/' || path[n - 1] == '\\')) n--;
    char *whole = fct_strndup(path, n);
    *out = whole ? fct_strdup(fct_path_base(whole)) : NULL;
    fct_free(whole);
    if (!*out) return fct_fail_nomem(err, path, 0);
    n = strlen(*out);
    if (n > 4 && strcmp(*out + n - 4, ".zip") == 0) (*out)[n - 4] = 0;
    return FCT_OK;
}

/* Brings a folder's files, or a zip's, into the temporary folder. A zip is checked against its hash first, where one
 * is given or known. */
static fct_status take(install *in, const char *path) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    fct_status s = fct_dir_make(in->temp, in->err);
    if (s) return s;
    if (st.is_dir) return copy_folder(in, path);
    uint64_t bytes;
    s = fct_store_hash(path, &in->o, "verify", &bytes, in->result.sha256, in->err);
    if (s) return s;
    const fct_known_pack *k = fct_known_find(in->name);
    const char *want = in->o.sha256 ? in->o.sha256 : k ? k->sha256 : NULL;
    in->result.checked = want != NULL;
    if (want && strcmp(want, in->result.sha256) != 0)
        return fct_fail(in->err, FCT_ERR_MISMATCH, "%s has SHA-256 %s, expected %s", path, in->result.sha256, want);
    return fct_unzip(path, in->temp, &in->o, &in->sums, in->err);
}

fct_status fct_store_import(const char *path, const char *name, const fct_store_opts *opts, fct_store_result *out,
                            fct_error *err) {
    install in;
    char *own = NULL;
    fct_file_stat st;
    if (out) *out = (fct_store_result){.files = 0};
    fct_file_get_stat(path, &st);
    if (!st.exists) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file or folder", path);
    fct_status s = name ? FCT_OK : name_of(path, &own, err);
    if (s) return s;
    s = begin(&in, name ? name : own, opts, err);
    if (!s) s = enter(&in);
    if (!s) s = take(&in, path);
    if (!s) s = finish(&in, out);
    clear(&in);
    fct_free(own);
    return s;
}

#include "base/draft.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file_sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct fct_draft {
    char *path, *name;
    FILE *file;
    int slot; /* in the list of drafts, -1 = none */
    fct_draft_kind kind;
    bool direct; /* path is no file that could be replaced: written to as it is */
};

/* ---- Drafts that a signal would leave behind ------------------------------------- */

/* Names of the drafts there are. Who takes a name out of its slot, the draft or
 * the signal handler, has it for itself. A draft that finds no slot free does
 * without. */
enum { SLOTS = 256 };
static _Atomic(char *) names[SLOTS];
static atomic_bool abandoned;

static int enlist(char *name) {
    for (int i = 0; i < SLOTS; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&names[i], &none, name)) return i;
    }
    return -1;
}

/* Frees the draft's name, unless a signal handler has it. */
static void strike(fct_draft *d) {
    char *mine = d->name;
    if (d->slot < 0 || atomic_compare_exchange_strong(&names[d->slot], &mine, NULL)) fct_free(d->name);
    d->name = NULL;
}

void fct_draft_abandon_all(void) {
    atomic_store(&abandoned, true);
    for (int i = 0; i < SLOTS; i++) {
        char *name = atomic_exchange(&names[i], NULL);
        if (name) (void)fct_sys_unlink(name);
    }
}

/* ---- One draft ------------------------------------------------------------------- */

/* A path in the folder of path that nobody can foresee; owned. */
static fct_status make_name(const char *path, char **out, fct_error *err) {
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    unsigned char random[20];
    char word[sizeof random + 1] = "";
    *out = NULL;
    int e = fct_sys_random(random, sizeof random);
    if (e) return fct_fail_errno(err, path, e);
    for (size_t i = 0; i < sizeof random; i++) word[i] = letters[random[i] & 31];
    size_t folder = (size_t)(fct_path_base(path) - path);
    *out = fct_asprintf("%.*s.facet-%s.part", (int)folder, path, word);
    return *out ? FCT_OK : fct_fail_nomem(err, path, 0);
}

static fct_status create(fct_draft *d, fct_error *err) {
    for (int tries = 0; tries < 10; tries++) {
        fct_status s = make_name(d->path, &d->name, err);
        if (s) return s;
        d->slot = enlist(d->name); /* before the file is there, so that none is missed */
        int e = fct_sys_create(d->name, d->kind != FCT_DRAFT_PLAIN, &d->file);
        if (!e) return FCT_OK;
        strike(d);
        if (e == ENOENT) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: there is no such folder to write into", d->path);
        if (e != EEXIST) return fct_fail_errno(err, d->path, e);
    }
    return fct_fail(err, FCT_ERR_EXISTS, "%s: cannot find a free temporary name beside it", d->path);
}

/* What is there under the draft's path decides how it is written. */
static fct_status start(fct_draft *d, fct_error *err) {
    fct_file_stat st;
    fct_file_get_stat(d->path, &st);
    if (st.is_dir) return fct_fail_errno(err, d->path, EISDIR);
    d->direct = (st.exists && !st.is_file) || fct_sys_is_device(d->path);
    if (!d->direct) return create(d, err);
    d->name = fct_strdup(d->path);
    if (!d->name) return fct_fail_nomem(err, d->path, 0);
    int e = fct_sys_open_device(d->path, &d->file);
    return e ? fct_fail_errno(err, d->path, e) : FCT_OK;
}

static void release(fct_draft *d) {
    if (d->file) fclose(d->file);
    if (d->name) strike(d);
    fct_free(d->path);
    fct_free(d);
}

fct_status fct_draft_open(const char *path, fct_draft_kind kind, fct_draft **out, fct_error *err) {
    *out = NULL;
    fct_draft *d = fct_calloc(1, sizeof *d);
    if (!d) return fct_fail_nomem(err, path, 0);
    d->kind = kind;
    d->slot = -1;
    d->path = fct_strdup(path);
    fct_status s = d->path ? start(d, err) : fct_fail_nomem(err, path, 0);
    if (s) release(d);
    else *out = d;
    return s;
}

FILE *fct_draft_file(fct_draft *d) { return d->file; }
const char *fct_draft_name(fct_draft *d) { return d->name; }

/* Closes the file; 0, or the errno value of whatever has failed since it was opened. */
static int finish(fct_draft *d) {
    int e = ferror(d->file) ? EIO : 0;
    errno = 0;
    if (!e && d->kind != FCT_DRAFT_CACHE && !d->direct) e = fct_sys_flush(d->file);
    if (!e && fflush(d->file)) e = errno ? errno : EIO;
    if (fclose(d->file) && !e) e = errno ? errno : EIO;
    d->file = NULL;
    return e;
}

/* Gives the draft its name, in place of another file or only where there is none. */
static fct_status rename_draft(const fct_draft *d, bool replace, fct_error *err) {
    if (replace) return fct_file_rename(d->name, d->path, err);
    int e = fct_sys_rename_new(d->name, d->path);
    return e ? fct_fail_errno(err, d->path, e) : FCT_OK;
}

static fct_status commit(fct_draft *d, bool replace, fct_error *err) {
    int e = finish(d);
    fct_status s = e ? fct_fail_errno(err, d->path, e) : FCT_OK;
    if (!s && atomic_load(&abandoned)) s = fct_fail(err, FCT_ERR_CANCELLED, "%s: not written: interrupted", d->path);
    if (!s && !d->direct) {
        s = rename_draft(d, replace, err);
        char *folder = s || d->kind == FCT_DRAFT_CACHE ? NULL : fct_path_dir(d->path);
        if (folder) fct_sys_flush_dir(folder);
        fct_free(folder);
    }
    if (s) fct_draft_discard(d);
    else release(d);
    return s;
}

fct_status fct_draft_commit(fct_draft *d, fct_error *err) { return commit(d, true, err); }
fct_status fct_draft_commit_new(fct_draft *d, fct_error *err) { return commit(d, false, err); }

void fct_draft_discard(fct_draft *d) {
    if (!d) return;
    if (d->file) fclose(d->file);
    d->file = NULL;
    if (!d->direct) (void)fct_sys_unlink(d->name);
    release(d);
}

/* ---- Whole files ----------------------------------------------------------------- */

static fct_status write_parts(const char *path, fct_draft_kind kind, const fct_file_part *parts, size_t n,
                              fct_error *err) {
    fct_draft *d;
    fct_status s = fct_draft_open(path, kind, &d, err);
    if (s) return s;
    for (size_t i = 0; i < n && !s; i++) {
        errno = 0;
        if (parts[i].size && fwrite(parts[i].data, 1, parts[i].size, d->file) != parts[i].size)
            s = fct_fail_errno(err, path, errno ? errno : EIO);
    }
    if (!s) return fct_draft_commit(d, err);
    fct_draft_discard(d);
    return s;
}

fct_status fct_file_write_atomic(const char *path, const void *data, size_t size, fct_error *err) {
    return write_parts(path, FCT_DRAFT_PLAIN, &(fct_file_part){data, size}, 1, err);
}

fct_status fct_file_write_private(const char *path, const void *data, size_t size, fct_error *err) {
    return write_parts(path, FCT_DRAFT_PRIVATE, &(fct_file_part){data, size}, 1, err);
}

fct_status fct_file_write_cache(const char *path, const fct_file_part *parts, size_t n, fct_error *err) {
    return write_parts(path, FCT_DRAFT_CACHE, parts, n, err);
}

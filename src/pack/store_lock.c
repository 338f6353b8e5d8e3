/* Installations of one pack by several processes: one after the other, and the
 * next one cleans up after one that was killed. */
#include "pack/store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <errno.h>
#include <string.h>

fct_status fct_store_lock_take(fct_store_lock *l, const char *root, const char *what, const char *name,
                               const fct_store_opts *o, fct_error *err) {
    char *path = fct_asprintf("%s/.facet-%s%s", root, what, name);
    if (!path) return fct_fail_nomem(err, name, 0);
    fct_status s = FCT_OK;
    int e;
    while (!s && (e = fct_sys_lock(path, &l->handle)) != 0) {
        s = e == EAGAIN ? fct_store_tell(o, "wait", 0, 0, err) : fct_fail_errno(err, path, e);
        if (!s) fct_sleep_ms(100);
    }
    if (s) fct_free(path);
    else l->path = path;
    return s;
}

void fct_store_lock_release(fct_store_lock *l) {
    if (l->path) fct_sys_unlock(l->path, l->handle);
    fct_free(l->path);
    *l = (fct_store_lock){0};
}

char *fct_store_temp(const char *root, const char *kind, const char *name) {
    return fct_asprintf("%s/.facet-%s-%s-%u", root, kind, name, fct_sys_process());
}

/* Whether a file name is ".facet-<kind>-<name>-<digits>". */
static bool is_temp(const char *file, const char *kind, const char *name) {
    const char *const parts[] = {".facet-", kind, "-", name, "-"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t n = strlen(parts[i]);
        if (strncmp(file, parts[i], n) != 0) return false;
        file += n;
    }
    return *file && file[strspn(file, "0123456789")] == 0;
}

/* Removes a temporary folder of the pack; one that holds the old pack goes back to its place when the new one never
 * came. */
static fct_status tidy_one(const char *root, const char *file, const char *name, fct_error *err) {
    bool old = is_temp(file, "old", name);
    if (!old && !is_temp(file, "new", name)) return FCT_OK;
    char *path = fct_path_join(root, file), *target = fct_path_join(root, name);
    fct_file_stat st, at;
    fct_status s = path && target ? FCT_OK : fct_fail_nomem(err, name, 0);
    if (!s) {
        fct_file_get_stat(path, &st);
        fct_file_get_stat(target, &at);
        if (old && !at.exists && !at.is_symlink) s = fct_file_rename(path, target, err);
        else s = st.is_symlink || st.is_file ? fct_file_remove(path, err) : fct_dir_remove(path, err);
    }
    fct_free(path);
    fct_free(target);
    return s;
}

/* Goes through the whole store, since a killed installation may have left its folders under any number. */
fct_status fct_store_tidy(const char *root, const char *name, fct_error *err) {
    char **names;
    size_t n;
    fct_status s = fct_dir_list(root, &names, &n, err);
    if (s) return s;
    for (size_t i = 0; i < n && !s; i++) s = tidy_one(root, names[i], name, err);
    fct_dir_list_free(names, n);
    return s;
}

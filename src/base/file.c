#include "base/file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file_sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

fct_status fct_fail_errno(fct_error *err, const char *path, int e) {
    switch (e) {
    case ENOENT:
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file or folder", path);
    case ENOTDIR:
        return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: a part of the path is not a folder", path);
    case EEXIST:
        return fct_fail(err, FCT_ERR_EXISTS, "%s: exists already", path);
    case ENOTEMPTY:
        return fct_fail(err, FCT_ERR_EXISTS, "%s: folder is not empty", path);
    case ENOMEM:
        return fct_fail(err, FCT_ERR_NOMEM, "%s: out of memory", path);
    case EACCES:
    case EPERM:
        return fct_fail(err, FCT_ERR_IO, "%s: permission denied", path);
    case EBUSY:
        return fct_fail(err, FCT_ERR_IO, "%s: is in use by another program", path);
    case EISDIR:
        return fct_fail(err, FCT_ERR_IO, "%s: is a directory", path);
    case ENOSPC:
        return fct_fail(err, FCT_ERR_IO, "%s: no space left on the disk", path);
    case EROFS:
        return fct_fail(err, FCT_ERR_IO, "%s: read-only file system", path);
    case EMFILE:
    case ENFILE:
        return fct_fail(err, FCT_ERR_IO, "%s: too many open files", path);
    case ENAMETOOLONG:
        return fct_fail(err, FCT_ERR_IO, "%s: name too long", path);
    case EINVAL:
        return fct_fail(err, FCT_ERR_IO, "%s: not a valid name", path);
    case EIO:
        return fct_fail(err, FCT_ERR_IO, "%s: the device failed", path);
    default:
        return fct_fail(err, FCT_ERR_IO, "%s: system error %d", path, e);
    }
}

/* ---- Reading ------------------------------------------------------------------- */

/* The rest of f into *data, which grows; never trusts a size that the system
 * gives, so that pipes and growing files work too. */
static fct_status read_all(FILE *f, const char *path, size_t max, uint8_t **data, size_t *size, fct_error *err) {
    size_t cap = 0;
    for (;;) {
        if (*size + 1 >= cap) {
            size_t grown = cap ? cap + cap / 2 : 64 << 10;
            uint8_t *p = fct_realloc(*data, grown);
            if (!p) return fct_fail_nomem(err, path, grown);
            *data = p;
            cap = grown;
        }
        size_t n = fread(*data + *size, 1, cap - *size - 1, f);
        *size += n;
        if (*size > max) return fct_fail(err, FCT_ERR_LIMIT, "%s: larger than %zu bytes", path, max);
        if (n == 0) break;
    }
    if (ferror(f)) return fct_fail_errno(err, path, errno);
    (*data)[*size] = 0;
    return FCT_OK;
}

static fct_status copy_all(FILE *f, const char *path, uint64_t size, size_t max, fct_map *out, fct_error *err) {
    if (size > max || size > SIZE_MAX / 2) return fct_fail(err, FCT_ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    uint8_t *data = fct_aligned_alloc((size_t)size + 1);
    if (!data) return fct_fail_nomem(err, path, (size_t)size);
    size_t got = fread(data, 1, (size_t)size, f);
    if (got < size) {
        fct_aligned_free(data);
        return ferror(f) ? fct_fail_errno(err, path, errno)
                         : fct_fail(err, FCT_ERR_FORMAT, "%s: became shorter while it was read", path);
    }
    data[got] = 0;
    *out = (fct_map){.data = data, .size = got, .handle = data};
    return FCT_OK;
}

fct_status fct_map_copy(const char *path, size_t max, fct_map *out, fct_error *err) {
    FILE *f;
    uint64_t size;
    *out = (fct_map){0};
    int e = fct_sys_open_regular(path, &f, &size);
    if (e == EINVAL) return fct_fail(err, FCT_ERR_IO, "%s: not a regular file", path);
    if (e) return fct_fail_errno(err, path, e);
    fct_status s = copy_all(f, path, size, max, out, err);
    fclose(f);
    return s;
}

void fct_map_close(fct_map *m) {
    if (m->handle) fct_aligned_free(m->handle);
    else if (m->size) fct_sys_unmap(m->data, m->size);
    *m = (fct_map){0};
}

fct_status fct_file_read(const char *path, size_t max, uint8_t **data, size_t *size, fct_error *err) {
    *data = NULL;
    *size = 0;
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (st.is_dir) return fct_fail_errno(err, path, EISDIR);
    if (st.is_file && st.size > max) return fct_fail(err, FCT_ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    FILE *f = fct_fopen(path, "rb");
    if (!f) return fct_fail_errno(err, path, errno);
    fct_status s = read_all(f, path, max, data, size, err);
    fclose(f);
    if (s) {
        fct_free(*data);
        *data = NULL;
        *size = 0;
    }
    return s;
}

/* ---- Folders ------------------------------------------------------------------- */

static fct_status make_dir(const char *path, bool private, fct_error *err) {
    fct_file_stat st;
    int e = fct_sys_mkdir(path, private);
    if (e == ENOENT && *path) { /* the parent first */
        char *parent = fct_path_dir(path);
        if (!parent) return fct_fail_nomem(err, path, 0);
        fct_status s = strlen(parent) < strlen(path) ? make_dir(parent, private, err) : fct_fail_errno(err, path, e);
        fct_free(parent);
        if (s) return s;
        e = fct_sys_mkdir(path, private);
    }
    if (!e) return FCT_OK;
    fct_file_get_stat(path, &st);
    if (st.is_dir) return FCT_OK;
    if (e == EEXIST) return fct_fail(err, FCT_ERR_EXISTS, "%s: is a file, not a folder", path);
    return fct_fail_errno(err, path, e);
}

fct_status fct_dir_make(const char *path, fct_error *err) { return make_dir(path, false, err); }
fct_status fct_dir_make_private(const char *path, fct_error *err) { return make_dir(path, true, err); }

static fct_status remove_entries(const char *path, char **names, size_t n, fct_error *err) {
    for (size_t i = 0; i < n; i++) {
        fct_file_stat st;
        char *child = fct_path_join(path, names[i]);
        if (!child) return fct_fail_nomem(err, path, 0);
        fct_file_get_stat(child, &st);
        fct_status s = st.is_dir && !st.is_symlink ? fct_dir_remove(child, err) : fct_file_remove(child, err);
        fct_free(child);
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_dir_remove(const char *path, fct_error *err) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (st.is_symlink) return fct_file_remove(path, err);
    char **names;
    size_t n;
    fct_status s = fct_dir_list(path, &names, &n, err);
    if (s) return s;
    s = remove_entries(path, names, n, err);
    fct_dir_list_free(names, n);
    if (s) return s;
    int e = fct_sys_rmdir(path);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}

void fct_dir_list_free(char **names, size_t n) {
    for (size_t i = 0; i < n; i++) fct_free(names[i]);
    fct_free(names);
}

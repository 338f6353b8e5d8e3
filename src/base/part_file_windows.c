#include "base/alloc.h"
#include "base/error.h"
#include "base/file_sys.h"
#include "base/part_file.h"
#include "base/wide_windows.h"

#include <errno.h>

/* What the system says of an open file. */
static int stat_handle(HANDLE h, fct_file_stat *out) {
    BY_HANDLE_FILE_INFORMATION d;
    if (!GetFileInformationByHandle(h, &d)) return fct_errno_of(GetLastError());
    *out = (fct_file_stat){0};
    fct_stat_of_handle(&d, out);
    return 0;
}

/* Private memory of the file's size. */
static int make_room(fct_part_file *f) {
    static uint8_t nothing[1];
    f->data = nothing;
    if (f->room == 0) return 0;
    f->data = VirtualAlloc(NULL, f->room, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    return f->data ? 0 : ENOMEM;
}

static int open_handle(HANDLE h, bool own, fct_part_file *f) {
    int e = stat_handle(h, &f->opened);
    if (e) return e;
    if (f->opened.is_dir) return EISDIR;
    if (!f->opened.is_file || GetFileType(h) != FILE_TYPE_DISK) return EINVAL;
    if (f->opened.size > SIZE_MAX / 2) return ENOMEM;
    f->size = (size_t)f->opened.size;
    f->room = own ? 0 : f->size;
    return make_room(f);
}

/* Shared with everybody: the file can be replaced and removed meanwhile, as elsewhere. */
static fct_status open_path(const char *path, bool own, fct_part_file *out, fct_error *err) {
    *out = (fct_part_file){.path = path};
    wchar_t *w = fct_wide_path(path);
    if (!w) return fct_fail_nomem(err, path, 0);
    HANDLE h = CreateFileW(w, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                           FILE_FLAG_BACKUP_SEMANTICS, NULL);
    int e = h == INVALID_HANDLE_VALUE ? fct_errno_of(GetLastError()) : open_handle(h, own, out);
    fct_free(w);
    if (!e) {
        out->handle = (intptr_t)h;
        return FCT_OK;
    }
    if (h != INVALID_HANDLE_VALUE) CloseHandle(h);
    *out = (fct_part_file){0};
    return e == EINVAL ? fct_fail(err, FCT_ERR_IO, "%s: not a regular file", path) : fct_fail_errno(err, path, e);
}

fct_status fct_part_open(const char *path, fct_part_file *out, fct_error *err) {
    return open_path(path, false, out, err);
}
fct_status fct_part_open_own(const char *path, fct_part_file *out, fct_error *err) {
    return open_path(path, true, out, err);
}

void fct_part_close(fct_part_file *f) {
    if (f->data) CloseHandle((HANDLE)f->handle);
    if (f->room) VirtualFree(f->data, 0, MEM_RELEASE);
    *f = (fct_part_file){0};
}

/* Fails when the file is not the one that was opened any more. */
static fct_status check_unchanged(const fct_part_file *f, fct_error *err) {
    fct_file_stat now;
    int e = stat_handle((HANDLE)f->handle, &now);
    if (e) return fct_fail_errno(err, f->path, e);
    if (now.size < f->size) return fct_fail(err, FCT_ERR_FORMAT, "%s: became shorter while it was read", f->path);
    if (now.size == f->size && now.mtime_ns == f->opened.mtime_ns) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: was written to while it was read", f->path);
}

fct_status fct_part_read(const fct_part_file *f, size_t at, size_t n, void *out, fct_error *err) {
    for (uint8_t *p = out; n > 0;) {
        OVERLAPPED where = {.Offset = (DWORD)(uint64_t)at, .OffsetHigh = (DWORD)((uint64_t)at >> 32)};
        DWORD got = 0, e = 0;
        if (!ReadFile((HANDLE)f->handle, p, n < (1u << 30) ? (DWORD)n : 1u << 30, &got, &where)) e = GetLastError();
        if (e && e != ERROR_HANDLE_EOF) return fct_fail_errno(err, f->path, fct_errno_of(e));
        if (got == 0) return fct_fail(err, FCT_ERR_FORMAT, "%s: became shorter while it was read", f->path);
        p += got;
        at += got;
        n -= got;
    }
    return check_unchanged(f, err);
}

fct_status fct_part_load(const fct_part_file *f, size_t at, size_t n, fct_error *err) {
    return fct_part_read(f, at, n, f->data + at, err);
}

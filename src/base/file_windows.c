#define _CRT_RAND_S /* for rand_s() */
#include "base/alloc.h"
#include "base/dir_list.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/part_file.h"
#include "base/wide_windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* errno value for a Windows error. */
static int errno_of(DWORD e) {
    switch (e) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_PATHNAME:
        return ENOENT;
    case ERROR_DIRECTORY:
        return ENOTDIR;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
        return EACCES;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
        return EEXIST;
    case ERROR_DIR_NOT_EMPTY:
        return ENOTEMPTY;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
        return ENOSPC;
    case ERROR_WRITE_PROTECT:
        return EROFS;
    case ERROR_TOO_MANY_OPEN_FILES:
        return EMFILE;
    case ERROR_FILENAME_EXCED_RANGE:
        return ENAMETOOLONG;
    case ERROR_INVALID_NAME:
        return EINVAL;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
        return ENOMEM;
    default:
        return EIO;
    }
}

FILE *fct_fopen(const char *path, const char *mode) {
    wchar_t *p = fct_wide(path), *m = fct_wide(mode);
    FILE *f = p && m ? _wfopen(p, m) : NULL;
    int e = p && m ? errno : ENOMEM;
    fct_free(p);
    fct_free(m);
    errno = e;
    return f;
}

int64_t fct_file_read_some(FILE *f, void *data, size_t n, int ms) {
    HANDLE h = (HANDLE)_get_osfhandle(_fileno(f));
    DWORD there = 0, got = 0;
    for (int waited = 0; GetFileType(h) == FILE_TYPE_PIPE; waited += 10) {
        if (!PeekNamedPipe(h, NULL, 0, NULL, &there, NULL))
            return GetLastError() == ERROR_BROKEN_PIPE ? 0 : FCT_READ_FAILED;
        if (there) break;
        if (waited >= ms) return FCT_READ_LATER;
        Sleep(10);
    }
    if (n > 1 << 30) n = 1 << 30;
    if (ReadFile(h, data, (DWORD)n, &got, NULL)) return got;
    return GetLastError() == ERROR_BROKEN_PIPE ? 0 : FCT_READ_FAILED;
}

/* ---- Mapping ------------------------------------------------------------------ */

static int map_handle(HANDLE file, fct_map *out) {
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file, &size)) return errno_of(GetLastError());
    if (size.QuadPart == 0) {
        out->data = (const uint8_t *)"";
        return 0;
    }
    if ((uint64_t)size.QuadPart > SIZE_MAX / 2) return ENOMEM;
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!mapping) return errno_of(GetLastError());
    out->data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    int e = out->data ? 0 : errno_of(GetLastError());
    CloseHandle(mapping); /* the view keeps it alive */
    if (!e) out->size = (size_t)size.QuadPart;
    return e;
}

fct_status fct_map_open(const char *path, fct_map *out, fct_error *err) {
    *out = (fct_map){0};
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (st.is_dir) return fct_fail_errno(err, path, EISDIR);
    wchar_t *w = fct_wide(path);
    if (!w) return fct_fail_nomem(err, path, 0);
    HANDLE file = CreateFileW(w, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                              FILE_ATTRIBUTE_NORMAL, NULL);
    int e = file == INVALID_HANDLE_VALUE ? errno_of(GetLastError()) : map_handle(file, out);
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    fct_free(w);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}

fct_status fct_map_open_own(const char *path, fct_map *out, fct_error *err) { return fct_map_open(path, out, err); }

void fct_sys_unmap(const void *data, size_t size) {
    (void)size;
    UnmapViewOfFile(data);
}

/* Nobody can shorten a file here as long as it is mapped. */
fct_status fct_part_open(const char *path, fct_part_file *out, fct_error *err) {
    fct_map map;
    *out = (fct_part_file){.path = path};
    fct_status s = fct_map_open(path, &map, err);
    if (s) return s;
    out->data = (uint8_t *)(uintptr_t)map.data;
    out->size = map.size;
    fct_file_get_stat(path, &out->opened);
    return FCT_OK;
}

fct_status fct_part_open_own(const char *path, fct_part_file *out, fct_error *err) {
    return fct_part_open(path, out, err);
}

void fct_part_close(fct_part_file *f) {
    if (f->size) fct_sys_unmap(f->data, f->size);
    *f = (fct_part_file){0};
}

fct_status fct_part_read(const fct_part_file *f, size_t at, size_t n, void *out, fct_error *err) {
    (void)err;
    if (n) memcpy(out, f->data + at, n);
    return FCT_OK;
}

fct_status fct_part_load(const fct_part_file *f, size_t at, size_t n, fct_error *err) {
    (void)f, (void)at, (void)n, (void)err; /* the bytes are there */
    return FCT_OK;
}

int fct_sys_open_regular(const char *path, FILE **out, uint64_t *size) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    *out = NULL;
    if (st.is_dir) return EISDIR;
    if (st.exists && !st.is_file) return EINVAL;
    *out = fct_fopen(path, "rb");
    *size = st.size;
    return *out ? 0 : errno;
}

/* ---- Files -------------------------------------------------------------------- */

/* 100 ns since 1601 to ns since 1970. */
static int64_t unix_ns(FILETIME t) {
    int64_t ticks = (int64_t)((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime);
    return (ticks - 116444736000000000LL) * 100;
}

void fct_file_get_stat(const char *path, fct_file_stat *out) {
    WIN32_FILE_ATTRIBUTE_DATA d;
    *out = (fct_file_stat){0};
    wchar_t *w = fct_wide(path);
    if (w && GetFileAttributesExW(w, GetFileExInfoStandard, &d)) {
        out->exists = true;
        out->is_dir = (d.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
        out->is_file = !out->is_dir && !(d.dwFileAttributes & FILE_ATTRIBUTE_DEVICE);
        out->is_symlink = (d.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
        out->size = (uint64_t)d.nFileSizeHigh << 32 | d.nFileSizeLow;
        out->mtime_ns = unix_ns(d.ftLastWriteTime);
    }
    fct_free(w);
}

fct_status fct_file_remove(const char *path, fct_error *err) {
    wchar_t *w = fct_wide(path);
    if (!w) return fct_fail_nomem(err, path, 0);
    int e = 0;
    if (!DeleteFileW(w)) {
        e = errno_of(GetLastError());
        /* A link to a folder is removed as a folder is. */
        DWORD a = GetFileAttributesW(w);
        if (a != INVALID_FILE_ATTRIBUTES && (a & FILE_ATTRIBUTE_REPARSE_POINT) && (a & FILE_ATTRIBUTE_DIRECTORY))
            e = RemoveDirectoryW(w) ? 0 : errno_of(GetLastError());
    }
    fct_free(w);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}

fct_status fct_file_rename(const char *from, const char *to, fct_error *err) {
    wchar_t *f = fct_wide(from), *t = fct_wide(to);
    int e = !f || !t ? ENOMEM : 0;
    if (!e && !MoveFileExW(f, t, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) e = errno_of(GetLastError());
    fct_free(f);
    fct_free(t);
    return e ? fct_fail_errno(err, e == ENOENT ? from : to, e) : FCT_OK;
}

fct_status fct_file_link(const char *target, const char *path, bool symbolic, fct_error *err) {
    wchar_t *t = fct_wide(target), *p = fct_wide(path);
    int e = !t || !p ? ENOMEM : 0;
    bool done = !e && (symbolic ? CreateSymbolicLinkW(p, t, SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE)
                                : CreateHardLinkW(p, t, NULL));
    if (!e && !done) e = errno_of(GetLastError());
    fct_free(t);
    fct_free(p);
    if (!e) return FCT_OK;
    if (e == EEXIST || e == ENOENT || e == ENOMEM) return fct_fail_errno(err, e == ENOENT ? target : path, e);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: no %s link to %s is possible", path, symbolic ? "symbolic" : "hard",
                    target);
}

void fct_file_copy_time(const char *from, const char *to) {
    wchar_t *f = fct_wide(from), *t = fct_wide(to);
    WIN32_FILE_ATTRIBUTE_DATA a;
    if (f && t && GetFileAttributesExW(f, GetFileExInfoStandard, &a)) {
        HANDLE h =
            CreateFileW(t, FILE_WRITE_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
        if (h != INVALID_HANDLE_VALUE) {
            (void)SetFileTime(h, NULL, NULL, &a.ftLastWriteTime);
            CloseHandle(h);
        }
    }
    fct_free(f);
    fct_free(t);
}

int fct_sys_lock(const char *path, intptr_t *handle) {
    wchar_t *w = fct_wide(path);
    if (!w) return ENOMEM;
    HANDLE h = CreateFileW(w, GENERIC_READ | DELETE, 0, NULL, OPEN_ALWAYS,
                           FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    DWORD e = h == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    fct_free(w);
    *handle = (intptr_t)h;
    /* Access is denied, too, for the moment in which the last holder's file goes. */
    if (e == ERROR_SHARING_VIOLATION || e == ERROR_ACCESS_DENIED) return EAGAIN;
    return e ? errno_of(e) : 0;
}

void fct_sys_unlock(const char *path, intptr_t handle) {
    (void)path; /* closing removes it */
    CloseHandle((HANDLE)handle);
}

/* Shared so that it can be deleted while it is open (fct_draft_abandon_all()). */
static int open_stream(const char *path, DWORD how, FILE **out) {
    *out = NULL;
    wchar_t *w = fct_wide(path);
    if (!w) return ENOMEM;
    HANDLE h = CreateFileW(w, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, how,
                           FILE_ATTRIBUTE_NORMAL, NULL);
    int e = h == INVALID_HANDLE_VALUE ? errno_of(GetLastError()) : 0;
    fct_free(w);
    if (e) return e;
    int fd = _open_osfhandle((intptr_t)h, _O_BINARY);
    if (fd < 0) {
        CloseHandle(h);
        return EMFILE;
    }
    *out = _fdopen(fd, "wb");
    if (*out) return 0;
    e = errno;
    _close(fd);
    return e;
}

int fct_sys_create(const char *path, bool private, FILE **out) {
    (void)private; /* the user's folders are */
    return open_stream(path, CREATE_NEW, out);
}

int fct_sys_open_device(const char *path, FILE **out) { return open_stream(path, OPEN_EXISTING, out); }

bool fct_sys_is_device(const char *path) {
    static const char *const names[] = {"NUL", "CON", "CONOUT$"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (_stricmp(fct_path_base(path), names[i]) == 0) return true;
    return false;
}

int fct_sys_rename_new(const char *from, const char *to) {
    wchar_t *f = fct_wide(from), *t = fct_wide(to);
    int e = !f || !t ? ENOMEM : MoveFileExW(f, t, MOVEFILE_WRITE_THROUGH) ? 0 : errno_of(GetLastError());
    fct_free(f);
    fct_free(t);
    return e;
}

int fct_sys_unlink(const char *path) { /* a handler runs in a thread of its own here */
    wchar_t *w = fct_wide(path);
    int e = !w ? ENOMEM : DeleteFileW(w) ? 0 : errno_of(GetLastError());
    fct_free(w);
    return e;
}

int fct_sys_random(void *out, size_t n) {
    for (unsigned char *p = out; n--; p++) {
        unsigned v;
        if (rand_s(&v)) return EIO;
        *p = (unsigned char)v;
    }
    return 0;
}

void fct_file_copy_rights(const char *from, const char *to) {
    (void)from;
    (void)to;
}

bool fct_file_make_private(const char *path) {
    (void)path;
    return false;
}

int fct_sys_flush(FILE *f) {
    if (fflush(f)) return errno;
    return _commit(_fileno(f)) ? errno : 0;
}

void fct_sys_flush_dir(const char *path) { (void)path; } /* MOVEFILE_WRITE_THROUGH has done it */

unsigned fct_sys_process(void) { return (unsigned)GetCurrentProcessId(); }

/* ---- Folders ------------------------------------------------------------------ */

int fct_sys_mkdir(const char *path, bool private) {
    (void)private;
    wchar_t *w = fct_wide(path);
    if (!w) return ENOMEM;
    int e = CreateDirectoryW(w, NULL) ? 0 : errno_of(GetLastError());
    fct_free(w);
    return e;
}

int fct_sys_rmdir(const char *path) {
    wchar_t *w = fct_wide(path);
    if (!w) return ENOMEM;
    int e = RemoveDirectoryW(w) ? 0 : errno_of(GetLastError());
    fct_free(w);
    return e;
}

/* All names that match the pattern; 0 or an errno value. */
static int find_names(const wchar_t *pattern, fct_dir_names *found) {
    WIN32_FIND_DATAW d;
    HANDLE h = FindFirstFileW(pattern, &d);
    if (h == INVALID_HANDLE_VALUE) return errno_of(GetLastError());
    int e = 0;
    do {
        char *name = fct_narrow(d.cFileName);
        if (!name || !fct_dir_names_add(found, name)) e = ENOMEM;
        fct_free(name);
    } while (!e && FindNextFileW(h, &d));
    if (!e && GetLastError() != ERROR_NO_MORE_FILES) e = errno_of(GetLastError());
    FindClose(h);
    return e;
}

fct_status fct_dir_list(const char *path, char ***names, size_t *n, fct_error *err) {
    fct_dir_names found = {0};
    *names = NULL;
    *n = 0;
    char *pattern = fct_path_join(path, "*");
    wchar_t *w = pattern ? fct_wide(pattern) : NULL;
    int e = w ? find_names(w, &found) : ENOMEM;
    fct_free(pattern);
    fct_free(w);
    if (e) {
        fct_dir_list_free(found.names, found.n);
        return fct_fail_errno(err, path, e);
    }
    fct_dir_names_sort(&found);
    *names = found.names;
    *n = found.n;
    return FCT_OK;
}

#define _CRT_RAND_S /* for rand_s() */
#include "base/alloc.h"
#include "base/dir_list.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/rights_windows.h"
#include "base/wide_windows.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

/* A stream over the handle, which it closes; 0 or an errno value. */
static int stream_of(HANDLE h, const char *mode, FILE **out) {
    *out = NULL;
    int fd = _open_osfhandle((intptr_t)h, _O_BINARY);
    if (fd < 0) {
        CloseHandle(h);
        return EMFILE;
    }
    *out = _fdopen(fd, mode);
    if (*out) return 0;
    int e = errno;
    _close(fd);
    return e;
}

/* Shared with everybody, so that an open file can be deleted and replaced meanwhile as on other systems:
 * _wfopen() would forbid that. */
static int open_stream(const char *path, DWORD access, DWORD how, SECURITY_ATTRIBUTES *rights, FILE **out) {
    *out = NULL;
    wchar_t *w = fct_wide_path(path);
    if (!w) return ENOMEM;
    HANDLE h = CreateFileW(w, access, SHARE_ALL, rights, how, FILE_ATTRIBUTE_NORMAL, NULL);
    int e = h == INVALID_HANDLE_VALUE ? fct_errno_of(GetLastError()) : 0;
    fct_free(w);
    return e ? e : stream_of(h, access == GENERIC_READ ? "rb" : "wb", out);
}

/* Always without translation of line ends. */
FILE *fct_fopen(const char *path, const char *mode) {
    FILE *f = NULL;
    int e = 0;
    if (mode[0] == 'r' && !strchr(mode, '+')) e = open_stream(path, GENERIC_READ, OPEN_EXISTING, NULL, &f);
    else if (mode[0] == 'w' && !strchr(mode, '+')) e = open_stream(path, GENERIC_WRITE, CREATE_ALWAYS, NULL, &f);
    else {
        wchar_t *p = fct_wide_path(path), m[8] = {(wchar_t)mode[0], L'b', strchr(mode, '+') ? L'+' : 0};
        f = p ? _wfopen(p, m) : NULL;
        e = f ? 0 : p ? errno : ENOMEM;
        fct_free(p);
    }
    errno = e;
    return f;
}

int64_t fct_file_read_some(FILE *f, void *data, size_t n, int ms) {
    HANDLE h = (HANDLE)_get_osfhandle(_fileno(f));
    DWORD there = 0, got = 0;
    for (int waited = 0; GetFileType(h) == FILE_TYPE_PIPE; waited += 10) {
        const bool known = PeekNamedPipe(h, NULL, 0, NULL, &there, NULL);
        if (!known && GetLastError() == ERROR_BROKEN_PIPE) return 0;
        if (!known || there)
            break; /* a pipe that cannot be looked into, a socket or Linux's under Wine, is waited for */
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
    if (!GetFileSizeEx(file, &size)) return fct_errno_of(GetLastError());
    if (size.QuadPart == 0) {
        out->data = (const uint8_t *)"";
        return 0;
    }
    if ((uint64_t)size.QuadPart > SIZE_MAX / 2) return ENOMEM;
    HANDLE mapping = CreateFileMappingW(file, NULL, PAGE_READONLY, 0, 0, NULL);
    if (!mapping) return fct_errno_of(GetLastError());
    out->data = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    int e = out->data ? 0 : fct_errno_of(GetLastError());
    CloseHandle(mapping); /* the view keeps it alive */
    if (!e) out->size = (size_t)size.QuadPart;
    return e;
}

fct_status fct_map_open(const char *path, fct_map *out, fct_error *err) {
    *out = (fct_map){0};
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    if (st.is_dir) return fct_fail_errno(err, path, EISDIR);
    wchar_t *w = fct_wide_path(path);
    if (!w) return fct_fail_nomem(err, path, 0);
    HANDLE file = CreateFileW(w, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                              FILE_ATTRIBUTE_NORMAL, NULL);
    int e = file == INVALID_HANDLE_VALUE ? fct_errno_of(GetLastError()) : map_handle(file, out);
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    fct_free(w);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}
fct_status fct_map_open_own(const char *path, fct_map *out, fct_error *err) { return fct_map_open(path, out, err); }

void fct_sys_unmap(const void *data, size_t size) {
    (void)size;
    UnmapViewOfFile(data);
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

/* Whether a reparse point leads elsewhere. Files of OneDrive that are not on this machine yet are such points too.
 * Wine shows a link to a folder as a point without a kind (0). */
static bool is_link(const wchar_t *path) {
    WIN32_FIND_DATAW d;
    HANDLE h = FindFirstFileW(path, &d);
    if (h == INVALID_HANDLE_VALUE) return false;
    FindClose(h);
    return (d.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
           (d.dwReserved0 == IO_REPARSE_TAG_SYMLINK || d.dwReserved0 == IO_REPARSE_TAG_MOUNT_POINT || !d.dwReserved0);
}

void fct_stat_of_handle(const BY_HANDLE_FILE_INFORMATION *d, fct_file_stat *out) {
    out->exists = true;
    out->is_dir = (d->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    out->is_file = !out->is_dir && !(d->dwFileAttributes & FILE_ATTRIBUTE_DEVICE);
    out->size = (uint64_t)d->nFileSizeHigh << 32 | d->nFileSizeLow;
    out->mtime_ns = unix_ns(d->ftLastWriteTime);
    out->device = d->dwVolumeSerialNumber;
    out->inode = (uint64_t)d->nFileIndexHigh << 32 | d->nFileIndexLow;
}

void fct_file_get_stat(const char *path, fct_file_stat *out) {
    WIN32_FILE_ATTRIBUTE_DATA a;
    BY_HANDLE_FILE_INFORMATION d;
    *out = (fct_file_stat){0};
    wchar_t buf[PLAIN_PATH], *owned = NULL;
    const wchar_t *w = fct_plain_path(path, buf) ? buf : (owned = fct_wide_path(path));
    if (!w) return;
    bool there = GetFileAttributesExW(w, GetFileExInfoStandard, &a);
    if (there) {
        HANDLE h = CreateFileW(w, 0, SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
        bool opened = h != INVALID_HANDLE_VALUE && GetFileInformationByHandle(h, &d);
        if (h != INVALID_HANDLE_VALUE) CloseHandle(h);
        bool link = (a.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) && is_link(w);
        /* What cannot be opened (in use by the system) is described by its entry in the folder. */
        if (!opened && !link)
            d = (BY_HANDLE_FILE_INFORMATION){.dwFileAttributes = a.dwFileAttributes,
                                             .ftLastWriteTime = a.ftLastWriteTime,
                                             .nFileSizeHigh = a.nFileSizeHigh,
                                             .nFileSizeLow = a.nFileSizeLow};
        if (opened || !link) fct_stat_of_handle(&d, out);
        out->is_symlink = link;
    }
    fct_free(owned);
}

/* Whether a call that failed is worth another try: for some moments virus scanners and indexers hold files that
 * were just written. */
static bool try_again(int *tries, DWORD e) {
    enum { MOST_TRIES = 10, PAUSE_MS = 20 };
    if (e != ERROR_SHARING_VIOLATION && e != ERROR_ACCESS_DENIED && e != ERROR_LOCK_VIOLATION) return false;
    if (++*tries >= MOST_TRIES) return false;
    Sleep(PAUSE_MS);
    return true;
}

/* Removes a file, also one that is marked as read-only, as elsewhere; 0 or an errno value. */
static int remove_file(const wchar_t *w) {
    if (DeleteFileW(w)) return 0;
    DWORD e = GetLastError(), a = GetFileAttributesW(w);
    if (a == INVALID_FILE_ATTRIBUTES) return fct_errno_of(e);
    /* A link to a folder is removed as a folder is. */
    if ((a & FILE_ATTRIBUTE_REPARSE_POINT) && (a & FILE_ATTRIBUTE_DIRECTORY))
        return RemoveDirectoryW(w) ? 0 : fct_errno_of(GetLastError());
    if (a & FILE_ATTRIBUTE_DIRECTORY) return EISDIR;
    if (a & FILE_ATTRIBUTE_READONLY) (void)SetFileAttributesW(w, a & ~(DWORD)FILE_ATTRIBUTE_READONLY);
    for (int tries = 0;;) {
        if (DeleteFileW(w)) return 0;
        e = GetLastError();
        if (!try_again(&tries, e)) break;
    }
    if (a & FILE_ATTRIBUTE_READONLY) (void)SetFileAttributesW(w, a);
    return fct_errno_of(e);
}

fct_status fct_file_remove(const char *path, fct_error *err) {
    wchar_t *w = fct_wide_path(path);
    if (!w) return fct_fail_nomem(err, path, 0);
    int e = remove_file(w);
    fct_free(w);
    return e ? fct_fail_errno(err, path, e) : FCT_OK;
}

/* The rename of Windows 10 and later that replaces a file which somebody has open, as elsewhere; who has it open
 * keeps the old one. An error other than 0 where it cannot. */
static DWORD rename_open(const wchar_t *from, const wchar_t *to) {
    enum { RENAME_EX = 22, REPLACE = 1, AS_POSIX = 2 }; /* FileRenameInfoEx and its flags, missing in older headers */
    const size_t length = wcslen(to) * sizeof *to, size = sizeof(FILE_RENAME_INFO) + length;
    FILE_RENAME_INFO *info = fct_calloc(1, size);
    HANDLE h = info ? CreateFileW(from, DELETE | SYNCHRONIZE, SHARE_ALL, NULL, OPEN_EXISTING,
                                  FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL)
                    : INVALID_HANDLE_VALUE;
    DWORD e = ERROR_NOT_SUPPORTED;
    if (h != INVALID_HANDLE_VALUE) {
        const DWORD flags = REPLACE | AS_POSIX;
        memcpy(info, &flags, sizeof flags); /* they lie where ReplaceIfExists lay */
        info->FileNameLength = (DWORD)length;
        memcpy(info->FileName, to, length);
        e = SetFileInformationByHandle(h, (FILE_INFO_BY_HANDLE_CLASS)RENAME_EX, info, (DWORD)size) ? 0 : GetLastError();
        CloseHandle(h);
    }
    fct_free(info);
    return e;
}

/* Replaces a file, but not one that is marked as read-only: on Windows that mark is there to prevent it. */
static int rename_file(const wchar_t *from, const wchar_t *to) {
    DWORD a = GetFileAttributesW(to);
    bool there = a != INVALID_FILE_ATTRIBUTES;
    if (there && (a & FILE_ATTRIBUTE_DIRECTORY)) return EISDIR;
    if (there && (a & FILE_ATTRIBUTE_READONLY)) return EACCES;
    for (int tries = 0;;) {
        if (MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) return 0;
        DWORD e = GetLastError();
        if (there && !rename_open(from, to)) return 0;
        if (!try_again(&tries, e)) return there && e == ERROR_ACCESS_DENIED ? EBUSY : fct_errno_of(e);
    }
}

fct_status fct_file_rename(const char *from, const char *to, fct_error *err) {
    wchar_t *f = fct_wide_path(from), *t = fct_wide_path(to);
    int e = !f || !t ? ENOMEM : rename_file(f, t);
    fct_free(f);
    fct_free(t);
    return e ? fct_fail_errno(err, e == ENOENT ? from : to, e) : FCT_OK;
}

fct_status fct_file_link(const char *target, const char *path, bool symbolic, fct_error *err) {
    wchar_t *t = fct_wide_path(target), *p = fct_wide_path(path);
    int e = !t || !p ? ENOMEM : 0;
    bool done = !e && (symbolic ? CreateSymbolicLinkW(p, t, SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE)
                                : CreateHardLinkW(p, t, NULL));
    if (!e && !done) e = fct_errno_of(GetLastError());
    /* Wine 8 says that a symbolic link is made, and makes none. */
    if (!e && GetFileAttributesW(p) == INVALID_FILE_ATTRIBUTES) e = EIO;
    fct_free(t);
    fct_free(p);
    if (!e) return FCT_OK;
    if (e == EEXIST || e == ENOENT || e == ENOMEM) return fct_fail_errno(err, e == ENOENT ? target : path, e);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: no %s link to %s is possible", path, symbolic ? "symbolic" : "hard",
                    target);
}

void fct_file_copy_time(const char *from, const char *to) {
    wchar_t *f = fct_wide_path(from), *t = fct_wide_path(to);
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
    wchar_t *w = fct_wide_path(path);
    if (!w) return ENOMEM;
    HANDLE h = CreateFileW(w, GENERIC_READ | DELETE, 0, NULL, OPEN_ALWAYS,
                           FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    DWORD e = h == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    fct_free(w);
    *handle = (intptr_t)h;
    /* Access is denied, too, for the moment in which the last holder's file goes. */
    if (e == ERROR_SHARING_VIOLATION || e == ERROR_ACCESS_DENIED) return EAGAIN;
    return e ? fct_errno_of(e) : 0;
}

void fct_sys_unlock(const char *path, intptr_t handle) {
    (void)path; /* closing removes it */
    CloseHandle((HANDLE)handle);
}

int fct_sys_create(const char *path, bool private, FILE **out) {
    SECURITY_ATTRIBUTES own = {.nLength = sizeof own};
    int e = private ? fct_rights_own(false, &own) : 0;
    *out = NULL;
    if (!e) e = open_stream(path, GENERIC_WRITE, CREATE_NEW, private ? &own : NULL, out);
    LocalFree(own.lpSecurityDescriptor);
    return e;
}

int fct_sys_open_device(const char *path, FILE **out) {
    return open_stream(path, GENERIC_WRITE, OPEN_EXISTING, NULL, out);
}

bool fct_sys_is_device(const char *path) {
    static const char *const names[] = {"NUL", "CON", "CONOUT$"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (_stricmp(fct_path_base(path), names[i]) == 0) return true;
    return false;
}

int fct_sys_rename_new(const char *from, const char *to) {
    wchar_t *f = fct_wide_path(from), *t = fct_wide_path(to);
    int e = !f || !t ? ENOMEM : MoveFileExW(f, t, MOVEFILE_WRITE_THROUGH) ? 0 : fct_errno_of(GetLastError());
    fct_free(f);
    fct_free(t);
    return e;
}

int fct_sys_unlink(const char *path) { /* a handler runs in a thread of its own here */
    wchar_t *w = fct_wide_path(path);
    int e = !w ? ENOMEM : remove_file(w);
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

int fct_sys_flush(FILE *f) {
    if (fflush(f)) return errno;
    return _commit(_fileno(f)) ? errno : 0;
}

void fct_sys_flush_dir(const char *path) { (void)path; } /* MOVEFILE_WRITE_THROUGH has done it */

unsigned fct_sys_process(void) { return (unsigned)GetCurrentProcessId(); }

int64_t fct_sys_memory_available(void) {
    MEMORYSTATUSEX m = {.dwLength = sizeof m};
    return GlobalMemoryStatusEx(&m) && m.ullAvailPhys < INT64_MAX ? (int64_t)m.ullAvailPhys : INT64_MAX;
}

/* ---- Folders ------------------------------------------------------------------ */

/* Whether the path leads through a file; the system says only that there is no such path. */
static bool is_below_file(wchar_t *path) {
    wchar_t *last = path + wcslen(path);
    while (last > path && *last != L'/' && *last != L'\\') last--;
    *last = 0;
    DWORD a = GetFileAttributesW(path);
    return a != INVALID_FILE_ATTRIBUTES && !(a & FILE_ATTRIBUTE_DIRECTORY);
}

int fct_sys_mkdir(const char *path, bool private) {
    SECURITY_ATTRIBUTES own = {.nLength = sizeof own};
    wchar_t *w = fct_wide_path(path);
    int e = !w ? ENOMEM : private ? fct_rights_own(true, &own) : 0;
    if (!e && !CreateDirectoryW(w, private ? &own : NULL)) e = fct_errno_of(GetLastError());
    if (e == ENOENT && is_below_file(w)) e = ENOTDIR;
    LocalFree(own.lpSecurityDescriptor);
    fct_free(w);
    return e;
}

int fct_sys_rmdir(const char *path) {
    wchar_t *w = fct_wide_path(path);
    if (!w) return ENOMEM;
    int e = RemoveDirectoryW(w) ? 0 : fct_errno_of(GetLastError());
    fct_free(w);
    return e;
}

/* A share by its name, "//server/share/...", or a drive that stands for one. */
bool fct_path_is_shared(const char *path) {
    char *whole = fct_path_absolute(path);
    bool shared = whole && !strncmp(whole, "//", 2) && whole[2] != '?' && whole[2] != '.';
    wchar_t *w = whole && !shared ? fct_wide_path(whole) : NULL;
    const size_t size = w ? wcslen(w) + 4 : 0; /* "C:" has a top with one letter more */
    wchar_t *top = w ? fct_alloc(size * sizeof *top) : NULL;
    if (top && GetVolumePathNameW(w, top, (DWORD)size)) shared = GetDriveTypeW(top) == DRIVE_REMOTE;
    fct_free(top);
    fct_free(w);
    fct_free(whole);
    return shared;
}

/* All names that match the pattern; 0 or an errno value. */
static int find_names(const wchar_t *pattern, fct_dir_names *found) {
    WIN32_FIND_DATAW d;
    HANDLE h = FindFirstFileW(pattern, &d);
    if (h == INVALID_HANDLE_VALUE) {
        DWORD why = GetLastError(); /* the top of an empty drive has no entry at all, not even "." */
        return why == ERROR_FILE_NOT_FOUND ? 0 : fct_errno_of(why);
    }
    int e = 0;
    do {
        char *name = fct_narrow(d.cFileName);
        if (!name || !fct_dir_names_add(found, name)) e = ENOMEM;
        fct_free(name);
    } while (!e && FindNextFileW(h, &d));
    if (!e && GetLastError() != ERROR_NO_MORE_FILES) e = fct_errno_of(GetLastError());
    FindClose(h);
    return e;
}

fct_status fct_dir_list(const char *path, char ***names, size_t *n, fct_error *err) {
    fct_dir_names found = {0};
    *names = NULL;
    *n = 0;
    char *pattern = fct_path_join(path, "*");
    wchar_t *w = pattern ? fct_wide_path(pattern) : NULL;
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

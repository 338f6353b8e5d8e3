/* Windows: UTF-8 and UTF-16, long paths, errors, variables of the environment. */
#include "base/wide_windows.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

wchar_t *fct_wide(const char *utf8) {
    int n = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    wchar_t *w = n > 0 ? fct_alloc((size_t)n * sizeof *w) : NULL;
    if (w) MultiByteToWideChar(CP_UTF8, 0, utf8, -1, w, n);
    return w;
}

char *fct_narrow(const wchar_t *wide) {
    int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *s = n > 0 ? fct_alloc((size_t)n) : NULL;
    if (s) WideCharToMultiByte(CP_UTF8, 0, wide, -1, s, n, NULL, NULL);
    return s;
}

int fct_errno_of(DWORD e) {
    switch (e) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_INVALID_DRIVE:
        return ENOENT;
    case ERROR_DIRECTORY:
        return ENOTDIR;
    case ERROR_ACCESS_DENIED:
        return EACCES;
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION:
    case ERROR_USER_MAPPED_FILE:
        return EBUSY;
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

/* ---- Paths -------------------------------------------------------------------- */

/* The full path with room for `before` more characters in front; owned. NULL = out of memory, or no path. */
static wchar_t *full_path(const wchar_t *path, size_t before) {
    DWORD n = GetFullPathNameW(path, 0, NULL, NULL);
    wchar_t *full = n ? fct_alloc((n + before) * sizeof *full) : NULL;
    if (full && GetFullPathNameW(path, n, full + before, NULL) >= n) {
        fct_free(full);
        full = NULL;
    }
    return full;
}

enum { LONGEST_PLAIN = 247 };

bool fct_plain_path(const char *utf8, wchar_t out[PLAIN_PATH]) {
    return MultiByteToWideChar(CP_UTF8, 0, utf8, -1, out, PLAIN_PATH) > 0 &&
           GetFullPathNameW(out, 0, NULL, NULL) <= LONGEST_PLAIN;
}

wchar_t *fct_wide_path(const char *utf8) {
    enum { ROOM = 8 };
    wchar_t *w = fct_wide(utf8), *full;
    if (!w || GetFullPathNameW(w, 0, NULL, NULL) <= LONGEST_PLAIN) return w;
    if (!(full = full_path(w, ROOM))) return w;
    wchar_t *rest = full + ROOM;
    bool raw = !wcsncmp(rest, L"\\\\?\\", 4) || !wcsncmp(rest, L"\\\\.\\", 4), shared = !wcsncmp(rest, L"\\\\", 2);
    const wchar_t *prefix = raw ? L"" : shared ? L"\\\\?\\UNC" : L"\\\\?\\";
    if (!raw && shared) rest++; /* \\server becomes \\?\UNC\server */
    size_t n = wcslen(prefix);
    memmove(full + n, rest, (wcslen(rest) + 1) * sizeof *rest);
    memcpy(full, prefix, n * sizeof *full);
    fct_free(w);
    return full;
}

char *fct_path_native(const char *path) {
    wchar_t *w = fct_wide_path(path);
    char *narrow = w ? fct_narrow(w) : NULL;
    fct_free(w);
    return narrow;
}

/* UTF-8 with '/' between the parts, and without what stands before a long path; owned. */
static char *tidy(const wchar_t *path) {
    bool shared = !wcsncmp(path, L"\\\\?\\UNC\\", 8);
    if (shared) path += 6;
    else if (!wcsncmp(path, L"\\\\?\\", 4) && path[5] == ':') path += 4;
    char *narrow = fct_narrow(path);
    if (narrow && shared) narrow[0] = '\\'; /* of "C\server" */
    for (char *p = narrow; p && *p; p++)
        if (*p == '\\') *p = '/';
    return narrow;
}

char *fct_path_absolute(const char *path) {
    wchar_t *w = fct_wide(path), *whole = w ? full_path(w, 0) : NULL;
    char *narrow = whole ? tidy(whole) : NULL;
    fct_free(whole);
    fct_free(w);
    return narrow;
}

/* The name that the system has for an open file, with its capitals; owned. */
static char *final_name(HANDLE h) {
    DWORD n = GetFinalPathNameByHandleW(h, NULL, 0, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS);
    wchar_t *w = n ? fct_alloc((n + 1) * sizeof *w) : NULL;
    bool good = w && GetFinalPathNameByHandleW(h, w, n + 1, FILE_NAME_NORMALIZED | VOLUME_NAME_DOS) <= n;
    char *name = good ? tidy(w) : NULL;
    fct_free(w);
    return name;
}

/* A drive that stands for a folder of another machine keeps its letter. */
char *fct_path_real(const char *path) {
    wchar_t *w = fct_wide_path(path);
    HANDLE h = w ? CreateFileW(w, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                               FILE_FLAG_BACKUP_SEMANTICS, NULL)
                 : INVALID_HANDLE_VALUE;
    fct_free(w);
    if (h == INVALID_HANDLE_VALUE) return NULL;
    char *name = final_name(h), *plain = fct_path_absolute(path);
    CloseHandle(h);
    if (name && !(name[0] == '/' && plain && plain[0] != '/')) {
        fct_free(plain);
        return name;
    }
    fct_free(name);
    return plain;
}

/* ---- The environment ------------------------------------------------------------ */

typedef struct env_text {
    struct env_text *next;
    char text[];
} env_text;

/* One copy of each text that was ever asked for lasts as long as the process, since callers keep it. Takes fresh. */
static const char *keep(env_text *fresh) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    static env_text *kept;
    fct_mutex_lock(&lock);
    env_text *e = kept;
    while (e && strcmp(e->text, fresh->text) != 0) e = e->next;
    if (!e) {
        e = fresh;
        e->next = kept;
        kept = e;
    }
    fct_mutex_unlock(&lock);
    if (e != fresh) LocalFree(fresh);
    return e->text;
}

/* The C library's getenv() would give letters of the old code page. The memory is the system's: a variable that
 * could not be read would count as one that is not set, and with it the key of a gallery as not given. */
const char *fct_env(const char *name) {
    enum { LONGEST_NAME = 64 };
    wchar_t wide[LONGEST_NAME];
    if (!MultiByteToWideChar(CP_UTF8, 0, name, -1, wide, LONGEST_NAME)) return NULL;
    const wchar_t *value = _wgetenv(wide);
    int n = value ? WideCharToMultiByte(CP_UTF8, 0, value, -1, NULL, 0, NULL, NULL) : 0;
    env_text *text = n > 0 ? LocalAlloc(LMEM_FIXED, sizeof *text + (size_t)n) : NULL;
    if (!text) return NULL;
    WideCharToMultiByte(CP_UTF8, 0, value, -1, text->text, n, NULL, NULL);
    return keep(text);
}

/* Value of a variable; owned, NULL if unset or empty. */
static char *variable(const char *name) {
    const char *v = fct_env(name);
    return v && *v ? fct_strdup(v) : NULL;
}

/* A folder in the one that the variable names. */
static char *under(const char *name, const char *folder) {
    char *parent = variable(name), *path = parent ? fct_path_join(parent, folder) : NULL;
    fct_free(parent);
    return path;
}

char *fct_home_dir(void) { return variable("USERPROFILE"); }

/* An account of a service may have no LOCALAPPDATA. */
char *fct_data_dir(void) {
    char *dir = under("LOCALAPPDATA", "facet");
    return dir ? dir : under("USERPROFILE", "AppData/Local/facet");
}

char *fct_cache_dir(void) {
    char *data = fct_data_dir(), *dir = data ? fct_path_join(data, "cache") : NULL;
    fct_free(data);
    return dir;
}

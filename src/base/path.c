#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"

#include <string.h>

#ifdef _WIN32
bool fct_path_is_sep(char c) { return c == '/' || c == '\\'; }

/* Length of a drive at the start, "C:/" or "C:", which is the drive's current folder; 0 where there is none. */
static size_t drive_length(const char *p) {
    bool drive = ((p[0] >= 'A' && p[0] <= 'Z') || (p[0] >= 'a' && p[0] <= 'z')) && p[1] == ':';
    return !drive ? 0 : fct_path_is_sep(p[2]) ? 3 : 2;
}

/* Behind two separators: "//server/share/", "//?/C:/", "//?/UNC/server/share/". */
static size_t shared_root(const char *path) {
    size_t n = 2;
    if ((path[2] == '?' || path[2] == '.') && fct_path_is_sep(path[3])) {
        n = 4;
        if (drive_length(path + n)) return n + drive_length(path + n);
        bool unc = (path[4] | 32) == 'u' && (path[5] | 32) == 'n' && (path[6] | 32) == 'c' && fct_path_is_sep(path[7]);
        if (unc) n = 8;
    }
    for (int part = 0; part < 2 && path[n]; part++) {
        while (path[n] && !fct_path_is_sep(path[n])) n++;
        if (path[n]) n++;
    }
    return n;
}

size_t fct_path_root(const char *path) {
    if (drive_length(path)) return drive_length(path);
    if (!fct_path_is_sep(path[0])) return 0;
    return fct_path_is_sep(path[1]) && path[2] && !fct_path_is_sep(path[2]) ? shared_root(path) : 1;
}

/* "C:" is a folder already: "C:a" lies in it, "C:/a" at the top of the drive. */
static bool needs_no_separator(const char *folder) { return drive_length(folder) == 2 && !folder[2]; }
#else
bool fct_path_is_sep(char c) { return c == '/'; }
size_t fct_path_root(const char *path) { return path[0] == '/' ? 1 : 0; }
static bool needs_no_separator(const char *folder) { return false; }
#endif

char *fct_path_join(const char *a, const char *b) {
    size_t n = strlen(a);
    bool bare = n == 0 || fct_path_is_sep(a[n - 1]) || needs_no_separator(a);
    return fct_asprintf("%s%s%s", a, bare ? "" : "/", b);
}

const char *fct_path_base(const char *path) {
    const char *base = path + fct_path_root(path);
    for (const char *p = base; *p; p++)
        if (fct_path_is_sep(*p)) base = p + 1;
    return base;
}

bool fct_path_has_folder(const char *path) { return fct_path_base(path) != path; }

char *fct_path_dir(const char *path) {
    size_t root = fct_path_root(path), n = strlen(path);
    while (n > root && fct_path_is_sep(path[n - 1])) n--; /* "a/b/" lies in "a" */
    while (n > root && !fct_path_is_sep(path[n - 1])) n--;
    while (n > root && fct_path_is_sep(path[n - 1])) n--;
    return n ? fct_strndup(path, n) : fct_strdup(".");
}

const char *fct_path_ext(const char *path) {
    const char *base = fct_path_base(path), *dot = strrchr(base, '.');
    return dot && dot != base ? dot + 1 : "";
}

fct_status fct_data_file_path(const char *variable, const char *name, const char *noun, char *buf, size_t cap,
                              fct_error *err) {
    if (!buf || !cap) return fct_fail(err, FCT_ERR_ARG, "no room for a path");
    buf[0] = 0;
    const char *env = fct_env(variable);
    char *dir = NULL, *path = NULL;
    if (env && *env) path = fct_strdup(env);
    else {
        dir = fct_data_dir();
        if (!dir) return fct_fail(err, FCT_ERR_NOT_FOUND, "no home folder for the %s: set %s", noun, variable);
        path = fct_path_join(dir, name);
        fct_free(dir);
    }
    if (!path) return fct_fail_nomem(err, "path", 0);
    size_t len = strlen(path);
    bool fits = len < cap;
    if (fits) memcpy(buf, path, len + 1);
    fct_free(path);
    return fits ? FCT_OK : fct_fail(err, FCT_ERR_LIMIT, "the path of the %s is longer than %zu bytes", noun, cap - 1);
}

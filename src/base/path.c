#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"

#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
bool fct_path_is_sep(char c) { return c == '/' || c == '\\'; }

size_t fct_path_root(const char *path) {
    bool drive = ((path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z')) && path[1] == ':';
    if (drive) return fct_path_is_sep(path[2]) ? 3 : 2;
    return fct_path_is_sep(path[0]) ? 1 : 0;
}
#else
bool fct_path_is_sep(char c) { return c == '/'; }
size_t fct_path_root(const char *path) { return path[0] == '/' ? 1 : 0; }
#endif

char *fct_path_join(const char *a, const char *b) {
    size_t n = strlen(a);
    bool bare = n == 0 || fct_path_is_sep(a[n - 1]);
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
    const char *env = getenv(variable);
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

#include "photos/below.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* An absolute path without ".", ".." and doubled separators; owned. Works on the name
 * alone: where ".." follows a symbolic link the name is another one than the system's,
 * which does no harm to what a result is called. */
static char *normalized(const char *path) {
    char *whole = fct_path_absolute(path);
    const char *from = whole ? whole : path;
    char *out = cli_alloc(strlen(from) + 1, 1);
    size_t n = 0;
    while (*from) {
        size_t length = strcspn(from, "/");
        bool up = length == 2 && strncmp(from, "..", 2) == 0;
        if (up)
            while (n && out[--n] != '/') {}
        else if (length && !(length == 1 && *from == '.')) {
            if (n) out[n++] = '/';
            memcpy(out + n, from, length);
            n += length;
        }
        from += length + (from[length] == '/');
    }
    out[n] = 0;
    fct_free(whole);
    return out;
}

/* Shortens root to the folders that it shares with path [n]. */
static void keep_common(char *root, const char *path, size_t n) {
    size_t shared = 0;
    for (size_t i = 0;; i++) {
        bool root_ends = root[i] == '/' || !root[i], path_ends = i == n || path[i] == '/';
        if (root_ends && path_ends) shared = i;
        if (!root[i] || i == n || root[i] != path[i]) break;
    }
    root[shared] = 0;
}

/* Length of the folder's part of a normalized path. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static bool is_stdin(const cli_input *input) { return strcmp(input->path, "-") == 0; }

/* Makes *root what it has in common with the folder that the input was named by and
 * with the one that it lies in; the second may lie elsewhere for a pattern with "..". */
static void take_root(char **root, const cli_input *input, const char *path) {
    char *typed = cli_format("%.*s", (int)(input->relative - input->path), input->path);
    char *folder = normalized(*typed ? typed : ".");
    if (!*root) *root = cli_format("%s", folder);
    keep_common(*root, folder, strlen(folder));
    keep_common(*root, path, folder_length(path));
    free(folder);
    free(typed);
}

char **cli_names_below_root(const cli_inputs *in) {
    char **names = cli_alloc(in->n, sizeof *names), *root = NULL;
    for (size_t i = 0; i < in->n; i++) {
        if (is_stdin(&in->at[i])) continue;
        names[i] = normalized(in->at[i].path);
        take_root(&root, &in->at[i], names[i]);
    }
    size_t skip = root && *root ? strlen(root) + 1 : 0;
    for (size_t i = 0; i < in->n; i++) {
        if (is_stdin(&in->at[i])) names[i] = cli_format("stdin");
        else memmove(names[i], names[i] + skip, strlen(names[i] + skip) + 1);
        for (char *p = names[i]; skip == 0 && *p; p++)
            if (*p == ':' && p == names[i] + 1) *p = '_'; /* a drive of Windows is no name of a folder */
    }
    free(root);
    return names;
}

void cli_names_free(char **names, size_t n) {
    for (size_t i = 0; names && i < n; i++) free(names[i]);
    free(names);
}

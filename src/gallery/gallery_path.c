/* What of the gallery does not need SQLite. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "facet/gallery.h"
#include <stdlib.h>
#include <string.h>

void fct_gallery_opts_init(fct_gallery_opts *o) { *o = (fct_gallery_opts){.size = sizeof *o, .busy_ms = 5000}; }

fct_status fct_gallery_default_path(char *buf, size_t cap, fct_error *err) {
    if (!buf || !cap) return fct_fail(err, FCT_ERR_ARG, "no room for a path");
    buf[0] = 0;
    const char *env = getenv("FCT_GALLERY");
    char *dir = NULL, *path = NULL;
    if (env && *env) path = fct_strdup(env);
    else {
        dir = fct_data_dir();
        if (!dir) return fct_fail(err, FCT_ERR_NOT_FOUND, "no home folder for the gallery: set FCT_GALLERY");
        path = fct_path_join(dir, "gallery.db");
        fct_free(dir);
    }
    if (!path) return fct_fail_nomem(err, "path", 0);
    size_t len = strlen(path);
    bool fits = len < cap;
    if (fits) memcpy(buf, path, len + 1);
    fct_free(path);
    return fits ? FCT_OK : fct_fail(err, FCT_ERR_LIMIT, "the path of the gallery is longer than %zu bytes", cap - 1);
}

/* Opening, closing and describing an album; its transactions. */
#include "album/album_store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

void fct_album_opts_init(fct_album_opts *o) { *o = (fct_album_opts){.size = sizeof *o, .busy_ms = 5000}; }

/* The caller may have been compiled against a shorter struct. */
static fct_status read_opts(const fct_album_opts *opts, fct_album_opts *o, fct_error *err) {
    fct_album_opts_init(o);
    if (!opts) return FCT_OK;
    if (opts->size < sizeof(size_t) || opts->size > 4096)
        return fct_fail(err, FCT_ERR_ARG, "album options: not initialized");
    memcpy(o, opts, opts->size < sizeof *o ? opts->size : sizeof *o);
    if (o->busy_ms < 0) return fct_fail(err, FCT_ERR_ARG, "album options: busy_ms is negative");
    return FCT_OK;
}

fct_status fct_album_open(const char *path, const fct_album_opts *opts, fct_album **out, fct_error *err) {
    if (!out) return fct_fail(err, FCT_ERR_ARG, "album: no place for the result");
    *out = NULL;
    if (!path || !*path) return fct_fail(err, FCT_ERR_ARG, "album: no path");
    fct_album_opts o;
    fct_status s = read_opts(opts, &o, err);
    if (s) return s;
    fct_album *a = fct_calloc(1, sizeof *a);
    if (!a) return fct_fail_nomem(err, "album", sizeof *a);
    s = fct_db_file_open(&a->file, &fct_album_kind, path, o.busy_ms, o.read_only, o.must_exist, err);
    if (!s) s = fct_album_model(a, err);
    if (s) fct_album_free(a);
    else *out = a;
    return s;
}

void fct_album_free(fct_album *a) {
    if (!a) return;
    fct_db_file_close(&a->file);
    fct_free(a);
}

fct_status fct_album_default_path(char *buf, size_t cap, fct_error *err) {
    return fct_data_file_path("FCT_ALBUM", "album.db", "album", buf, cap, err);
}

fct_status fct_album_begin(fct_album *a, fct_error *err) { return fct_db_begin_write(fct_album_db(a), err); }

fct_status fct_album_end(fct_album *a, fct_status s, fct_error *err) { return fct_db_end(fct_album_db(a), s, err); }

fct_status fct_album_check(fct_album *a, fct_error *err) { return fct_db_check(fct_album_db(a), err); }

fct_status fct_album_backup(fct_album *a, const char *path, fct_error *err) {
    return fct_db_backup(fct_album_db(a), path, err);
}

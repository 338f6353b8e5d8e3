/* Faces that somebody else reads from somewhere. */
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"

/* What one call wants to have done, and its result. */
typedef struct foreign_import {
    fct_import_source_fn *source;
    void *user;
    fct_enroller enroller;
    int64_t collection_id, now;
    int added;
} foreign_import;

static fct_status put_face(void *sink, const char *name, const fct_enrollment *face, fct_error *err) {
    foreign_import *im = sink;
    return fct_enroller_put(&im->enroller, name, face, im->now, NULL, err);
}

static fct_status import_all(void *ctx, fct_store *st, fct_error *err) {
    foreign_import *im = ctx;
    im->enroller = (fct_enroller){.st = st, .collection_id = im->collection_id};
    fct_status s = im->source(im->user, put_face, im, err);
    if (!s) s = fct_enroller_flush(&im->enroller, err);
    im->added = im->enroller.added;
    fct_enroller_clear(&im->enroller);
    return s;
}

fct_status fct_gallery_import_from(fct_gallery *g, fct_import_source_fn *source, void *user, int *added,
                                   fct_error *err) {
    if (added) *added = 0;
    if (!source) return fct_fail(err, FCT_ERR_ARG, "import: no source");
    foreign_import im = {.source = source, .user = user, .now = fct_time_unix()};
    im.collection_id = fct_gallery_home(g);
    fct_status s = fct_gallery_write(g, import_all, &im, err);
    if (!s && added) *added = im.added;
    return s;
}

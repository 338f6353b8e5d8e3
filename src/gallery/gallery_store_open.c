/* Opening a store of the right kind, and its transactions. */
#include "gallery/gallery_store.h"
#include "base/error.h"
#ifdef FCT_HAVE_GALLERY
#include "gallery/sqlite/sqlite_store.h"
#endif
#include <string.h>

/* How often a transaction is begun again after others came between. */
#define RETRIES 10

fct_status fct_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
    *out = NULL;
#ifdef FCT_HAVE_GALLERY
    return fct_sqlite_store_open(path, o, out, err);
#else
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build of facet has no gallery: it was made without SQLite");
#endif
}

void fct_store_close(fct_store *st) {
    if (st) st->ops->close(st);
}

static fct_status run_once(fct_store *st, fct_store_mode mode, fct_store_fn *fn, void *ctx, fct_error *err) {
    st->retry = false;
    fct_status s = st->ops->begin(st, mode, err);
    return s ? s : st->ops->end(st, fn(ctx, st, err), err);
}

fct_status fct_store_run(fct_store *st, fct_store_mode mode, fct_store_fn *fn, void *ctx, fct_error *err) {
    fct_status s = run_once(st, mode, fn, ctx, err);
    for (int i = 0; i < RETRIES && s && st->retry; i++) s = run_once(st, mode, fn, ctx, err);
    return s;
}

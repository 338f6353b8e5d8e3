/* Opening a store of the right kind, and its transactions. */
#include "gallery/gallery_store.h"
#include "base/error.h"
#include "postgres/pg_address.h"
#ifdef FCT_HAVE_POSTGRESQL
#include "gallery/postgres/pg_store.h"
#endif
#ifdef FCT_HAVE_GALLERY
#include "gallery/sqlite/sqlite_store.h"
#endif
#include <string.h>

/* How often a transaction is begun again after others came between. */
#define RETRIES 10

static fct_status open_postgresql(const char *address, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
#ifdef FCT_HAVE_POSTGRESQL
    return fct_pg_store_open(address, o, out, err);
#else
    char shown[200];
    fct_pg_address_show(address, shown, sizeof shown);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build of facet has no PostgreSQL: it was made without libpq",
                    shown);
#endif
}

fct_status fct_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err) {
    *out = NULL;
    if (fct_pg_is_address(path)) return open_postgresql(path, o, out, err);
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

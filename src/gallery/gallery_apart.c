/* Collections that are set apart. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"

bool fct_name_is_apart(const char *collection) { return collection && *collection == '.'; }

static fct_status note_apart(void *ctx, const fct_store_collection *c, fct_error *err) {
    fct_apart *a = ctx;
    if (!fct_name_is_apart(c->name)) return FCT_OK;
    int64_t *ids = fct_grow(a->ids, &a->cap, a->n + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "collections", 0);
    a->ids = ids;
    a->ids[a->n++] = c->id;
    return FCT_OK;
}

fct_status fct_apart_load(fct_store *st, int64_t scope, fct_apart *a, fct_error *err) {
    a->n = 0;
    return scope ? FCT_OK : st->ops->collections(st, note_apart, a, err);
}

bool fct_apart_has(const fct_apart *a, int64_t collection_id) {
    for (size_t i = 0; i < a->n; i++)
        if (a->ids[i] == collection_id) return true;
    return false;
}

void fct_apart_clear(fct_apart *a) {
    fct_free(a->ids);
    *a = (fct_apart){0};
}

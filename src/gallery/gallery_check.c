/* The full integrity check: the store's own, then ours of what it holds. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"

/* What a scan for damage carries along. */
typedef struct checker {
    const fct_store *st;
    int dim;
    float *embedding; /* [dim] */
} checker;

static fct_status check_name(void *ctx, const fct_store_person *p, fct_error *err) {
    const checker *c = ctx;
    const char *why;
    if (p->name && fct_name_valid(p->name, &why)) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: the name of person %lld %s", c->st->place, (long long)p->id,
                    p->name ? why : "is missing");
}

static fct_status check_face(void *ctx, const fct_store_face *f, fct_error *err) {
    const checker *c = ctx;
    if (c->dim < 1) return fct_fail(err, FCT_ERR_FORMAT, "%s: it has faces but names no model", c->st->place);
    fct_status s = fct_face_unpack(c->st, f, c->dim, c->embedding, err);
    if (s) return s;
    if (f->checksum != fct_face_checksum(f->embedding, f->embedding_size, f->crop, f->crop_size))
        return fct_fail(err, FCT_ERR_FORMAT,
                        "%s: damaged; restore it from a copy (face %lld does not match its checksum)", c->st->place,
                        (long long)f->id);
    return FCT_OK;
}

static fct_status check_all(void *ctx, fct_store *st, fct_error *err) {
    checker c = {.st = st};
    fct_store_model model;
    fct_status s = st->ops->check(st, err);
    if (!s) s = st->ops->people(st, &(fct_people_query){0}, check_name, &c, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (s) return s;
    c.dim = (int)model.dim;
    c.embedding = fct_realloc_array(NULL, (size_t)c.dim + 1, sizeof *c.embedding);
    if (!c.embedding) return fct_fail_nomem(err, "embedding", 0);
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING | FCT_FACE_CROP};
    s = st->ops->faces(st, &q, check_face, &c, err);
    fct_free(c.embedding);
    return s ? s : fct_gallery_check_spelling(st, err); /* last: no damage, but the user should know */
}

fct_status fct_gallery_check(fct_gallery *g, fct_error *err) {
    fct_status s = fct_gallery_read(g, check_all, NULL, err);
    if (s) return s;
    fct_mutex_lock(&g->lock);
    s = fct_gallery_sync(g, err);
    fct_mutex_unlock(&g->lock);
    return s;
}

/* Moving and removing several faces at once. */
#include "base/alloc.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

/* Faces on their way to a person. */
typedef struct move_call {
    const int64_t *ids;
    size_t n;
    int64_t into;
    const fct_store *st;
    int dim;
    fct_face_set there;     /* what the person has */
    int64_t *moves, *drops; /* [n] */
    size_t n_moves, n_drops, n_found;
} move_call;

/* Decides what becomes of one face: the person's own stay, copies of those go. */
static fct_status sort_face(void *ctx, const fct_store_face *f, fct_error *err) {
    move_call *c = ctx;
    c->n_found++;
    if (f->person_id == c->into) return FCT_OK;
    float *embedding = fct_realloc_array(NULL, (size_t)c->dim, sizeof *embedding);
    if (!embedding) return fct_fail_nomem(err, "embedding", 0);
    fct_status s = fct_face_unpack(c->st, f, c->dim, embedding, err);
    if (!s && fct_face_set_find(&c->there, embedding) >= 0) c->drops[c->n_drops++] = f->id;
    else if (!s) {
        c->moves[c->n_moves++] = f->id;
        s = fct_face_set_add(&c->there, f->id, embedding, err);
    }
    fct_free(embedding);
    return s;
}

static fct_status sort_faces(move_call *c, fct_store *st, fct_error *err) {
    fct_store_model model;
    c->st = st;
    c->n_moves = c->n_drops = c->n_found = 0;
    fct_status s = fct_person_require(st, c->into, err);
    if (!s) s = fct_model_read(st, &model, err);
    if (!s && !model.dim) s = fct_fail(err, FCT_ERR_NOT_FOUND, "%s: has no faces", st->place);
    if (s) return s;
    c->dim = c->there.dim = (int)model.dim;
    s = fct_face_sets_load(st, &c->into, &c->there, 1, err);
    fct_faces_query q = {.ids = c->ids, .n = c->n, .parts = FCT_FACE_EMBEDDING};
    if (!s) s = st->ops->faces(st, &q, sort_face, c, err);
    if (s || c->n_found == c->n) return s;
    return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: %zu of %zu faces are not there", st->place, c->n - c->n_found, c->n);
}

static fct_status move_faces(void *ctx, fct_store *st, fct_error *err) {
    move_call *c = ctx;
    size_t removed;
    fct_status s = sort_faces(c, st, err);
    fct_face_set_clear(&c->there);
    if (!s && c->n_moves) s = st->ops->faces_move(st, c->moves, c->n_moves, c->into, err);
    if (!s && c->n_drops) s = st->ops->faces_remove(st, c->drops, c->n_drops, &removed, err);
    if (!s && c->n_drops) s = fct_audit_ids(st, "remove-face", 0, c->drops, c->n_drops, err);
    return s ? s : fct_audit_ids(st, "move-faces", c->into, c->moves, c->n_moves, err);
}

fct_status fct_gallery_move_faces(fct_gallery *g, const int64_t *face_ids, int n, int64_t into, int *moved,
                                  fct_error *err) {
    move_call c = {.ids = face_ids, .n = n > 0 ? (size_t)n : 0, .into = into};
    if (moved) *moved = 0;
    if (n < 1 || !face_ids) return fct_fail(err, FCT_ERR_ARG, "%d faces cannot be moved", n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (face_ids[i] == face_ids[k])
                return fct_fail(err, FCT_ERR_ARG, "face %lld is named twice", (long long)face_ids[i]);
    c.moves = fct_realloc_array(NULL, c.n, sizeof *c.moves);
    c.drops = fct_realloc_array(NULL, c.n, sizeof *c.drops);
    fct_status s =
        c.moves && c.drops ? fct_gallery_write(g, move_faces, &c, err) : fct_fail_nomem(err, "faces to move", 0);
    if (!s && moved) *moved = (int)c.n_moves;
    fct_free(c.moves);
    fct_free(c.drops);
    return s;
}

static fct_status remove_faces(void *ctx, fct_store *st, fct_error *err) {
    move_call *c = ctx;
    fct_status s = st->ops->faces_remove(st, c->ids, c->n, &c->n_found, err);
    return s || !c->n_found ? s : fct_audit_ids(st, "remove-face", 0, c->ids, c->n, err);
}

fct_status fct_gallery_remove_faces(fct_gallery *g, const int64_t *face_ids, int n, int *removed, fct_error *err) {
    move_call c = {.ids = face_ids, .n = n > 0 ? (size_t)n : 0};
    if (removed) *removed = 0;
    if (n < 0 || (n && !face_ids)) return fct_fail(err, FCT_ERR_ARG, "%d faces cannot be removed", n);
    fct_status s = n ? fct_gallery_write(g, remove_faces, &c, err) : FCT_OK;
    if (!s && removed) *removed = (int)c.n_found;
    return s;
}

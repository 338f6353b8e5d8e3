/* Storing faces. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "gallery/gallery_impl.h"
#include <math.h>
#include <string.h>

/* ---- Checks before anything is written ------------------------------------------ */

fct_status fct_model_check(const char *model_id, int dim, fct_error *err) {
    size_t len = model_id ? strnlen(model_id, 65) : 0;
    if (len < 1 || len > 64) return fct_fail(err, FCT_ERR_ARG, "a model id has 1 to 64 characters");
    for (size_t i = 0; i < len; i++)
        if (model_id[i] <= ' ' || model_id[i] > '~') return fct_fail(err, FCT_ERR_ARG, "a model id is printable ASCII");
    if (dim < 1 || dim > FCT_INDEX_DIM_MAX)
        return fct_fail(err, FCT_ERR_ARG, "dimension %d is not in 1..%d", dim, FCT_INDEX_DIM_MAX);
    return FCT_OK;
}

static bool is_usable(const float *v, int dim) {
    bool zero = true;
    for (int i = 0; i < dim; i++) {
        if (!isfinite(v[i])) return false;
        if (v[i] != 0) zero = false;
    }
    return !zero;
}

static fct_status check_face(const fct_enrollment *f, const fct_enrollment *first, int i, fct_error *err) {
    fct_status s = fct_model_check(f->model_id, f->dim, err);
    if (s) return s;
    if (f->dim != first->dim || strcmp(f->model_id, first->model_id) != 0)
        return fct_fail(err, FCT_ERR_MISMATCH, "face %d is of another model than face 0", i);
    if (!f->embedding || !is_usable(f->embedding, f->dim))
        return fct_fail(err, FCT_ERR_ARG, "the embedding of face %d is missing, zero or not finite", i);
    if (!isfinite(f->box[0]) || !isfinite(f->box[1]) || !isfinite(f->box[2]) || !isfinite(f->box[3]) ||
        !isfinite(f->score) || !isfinite(f->quality))
        return fct_fail(err, FCT_ERR_ARG, "box, score or quality of face %d is not finite", i);
    if (f->crop && (f->crop_len < 1 || f->crop_len > FCT_CROP_MAX))
        return fct_fail(err, f->crop_len ? FCT_ERR_LIMIT : FCT_ERR_ARG, "the crop of face %d has %zu bytes", i,
                        f->crop_len);
    if (f->crop_cut < FCT_CROP_UNKNOWN || f->crop_cut > FCT_CROP_LOOSE)
        return fct_fail(err, FCT_ERR_ARG, "the crop of face %d is cut in no known way (%d)", i, (int)f->crop_cut);
    return FCT_OK;
}

fct_status fct_faces_check(const fct_enrollment *faces, int n, fct_error *err) {
    if (!faces || n < 1) return fct_fail(err, FCT_ERR_ARG, "no face to enroll");
    fct_status s = FCT_OK;
    for (int i = 0; i < n && !s; i++) s = check_face(&faces[i], &faces[0], i, err);
    return s;
}

/* ---- The transaction ---------------------------------------------------------------- */

/* What one call wants to have done, and its results. */
typedef struct enroll_call {
    const char *name;
    const fct_enrollment *faces;
    int64_t person_id, collection_id;
    int n, added;
    int64_t *ids; /* [n] */
} enroll_call;

static fct_status enroll(void *ctx, fct_store *st, fct_error *err) {
    enroll_call *c = ctx;
    fct_enroller e = {.st = st, .collection_id = c->collection_id, .only = c->person_id};
    int64_t now = fct_time_unix();
    fct_status s = FCT_OK;
    for (int i = 0; i < c->n && !s; i++) s = fct_enroller_put(&e, c->name, &c->faces[i], now, &c->ids[i], err);
    if (!s) s = fct_enroller_flush(&e, err);
    c->added = e.added;
    fct_enroller_clear(&e);
    return s;
}

fct_status fct_gallery_enroll_known(fct_gallery *g, int64_t person_id, const char *name, const fct_enrollment *faces,
                                    int n, int64_t *face_ids, int *added, fct_error *err) {
    if (added) *added = 0;
    if (face_ids && n > 0) memset(face_ids, 0, (size_t)n * sizeof *face_ids);
    char clean[FCT_NAME_MAX + 1];
    fct_status s = fct_name_take(name, "person", clean, err);
    if (!s) s = fct_faces_check(faces, n, err);
    if (s) return s;
    enroll_call c = {
        .name = clean, .faces = faces, .person_id = person_id, .collection_id = fct_gallery_home(g), .n = n};
    c.ids = fct_realloc_array(NULL, (size_t)n, sizeof *c.ids);
    if (!c.ids) return fct_fail_nomem(err, "enrollment", 0);
    s = fct_gallery_write(g, enroll, &c, err);
    if (!s) {
        if (face_ids) memcpy(face_ids, c.ids, (size_t)n * sizeof *c.ids);
        if (added) *added = c.added;
    }
    fct_free(c.ids);
    return s;
}

fct_status fct_gallery_enroll(fct_gallery *g, const char *name, const fct_enrollment *faces, int n, int64_t *face_ids,
                              int *added, fct_error *err) {
    return fct_gallery_enroll_known(g, 0, name, faces, n, face_ids, added, err);
}

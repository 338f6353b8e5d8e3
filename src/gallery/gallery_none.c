/* The gallery in a build without SQLite: every function says so. */
#include "base/error.h"
#include "facet/gallery.h"
#include <string.h>

static fct_status none(fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build of facet has no gallery: it was made without SQLite");
}

fct_status fct_gallery_open(const char *path, const fct_gallery_opts *opts, fct_gallery **out, fct_error *err) {
    if (out) *out = NULL;
    return none(err);
}
void fct_gallery_free(fct_gallery *g) {}

fct_status fct_gallery_enroll(fct_gallery *g, const char *name, const fct_enrollment *faces, int n, int64_t *face_ids,
                              int *added, fct_error *err) {
    if (added) *added = 0;
    return none(err);
}

fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim, float threshold,
                              int k, fct_match *out, int *n_found, fct_error *err) {
    *n_found = 0;
    return none(err);
}
fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                    float threshold, int k, fct_match *out, int *n_found, fct_error *err) {
    if (n > 0) memset(n_found, 0, (size_t)n * sizeof *n_found);
    return none(err);
}

fct_status fct_gallery_people(fct_gallery *g, fct_person **out, int *n, fct_error *err) {
    *out = NULL;
    *n = 0;
    return none(err);
}
void fct_gallery_people_free(fct_person *p) {}

fct_status fct_gallery_faces(fct_gallery *g, int64_t person_id, fct_stored_face **out, int *n, fct_error *err) {
    *out = NULL;
    *n = 0;
    return none(err);
}
void fct_gallery_faces_free(fct_stored_face *f) {}

fct_status fct_gallery_find(fct_gallery *g, const char *name, fct_person *out, fct_error *err) { return none(err); }
fct_status fct_gallery_rename(fct_gallery *g, int64_t person_id, const char *name, fct_error *err) { return none(err); }
fct_status fct_gallery_remove_person(fct_gallery *g, int64_t person_id, fct_error *err) { return none(err); }
fct_status fct_gallery_remove_face(fct_gallery *g, int64_t face_id, fct_error *err) { return none(err); }
fct_status fct_gallery_stat(fct_gallery *g, fct_gallery_info *out, fct_error *err) { return none(err); }
fct_status fct_gallery_check(fct_gallery *g, fct_error *err) { return none(err); }

fct_status fct_gallery_merge(fct_gallery *g, int64_t from, int64_t into, fct_error *err) { return none(err); }
fct_status fct_gallery_crop(fct_gallery *g, int64_t face_id, void **jpeg, size_t *len, fct_error *err) {
    *jpeg = NULL;
    *len = 0;
    return none(err);
}
fct_status fct_gallery_embedding(fct_gallery *g, int64_t face_id, float *out, int cap, int *dim, fct_error *err) {
    *dim = 0;
    return none(err);
}

fct_status fct_gallery_backup(fct_gallery *g, const char *path, fct_error *err) { return none(err); }
fct_status fct_gallery_export(fct_gallery *g, const char *path, bool crops, fct_error *err) { return none(err); }
fct_status fct_gallery_import(fct_gallery *g, const char *path, int *added, fct_error *err) {
    if (added) *added = 0;
    return none(err);
}
fct_status fct_gallery_import_npy(fct_gallery *g, const char *model_id, const char *npy_path, const char *csv_path,
                                  int *added, fct_error *err) {
    if (added) *added = 0;
    return none(err);
}
fct_status fct_gallery_migrate(fct_gallery *g, const char *model_id, int dim, fct_reembed_fn *fn, void *user, bool drop,
                               int *dropped, fct_error *err) {
    if (dropped) *dropped = 0;
    return none(err);
}

/* The verbs that a store over a database has as functions of the same name, to be
 * declared and put into its table of operations. P is what their names begin with. */
#ifndef FCT_GALLERY_STORE_VERBS_H
#define FCT_GALLERY_STORE_VERBS_H

#include "gallery/gallery_store.h"

/* clang-format off */
#define FCT_STORE_DECLARE(P)                                                                                           \
    fct_status P##_changes(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err);                      \
    fct_status P##_get_model(fct_store *st, fct_store_model *out, fct_error *err);                                     \
    fct_status P##_set_model(fct_store *st, const fct_store_model *m, fct_error *err);                                 \
    fct_status P##_people(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx,                      \
        fct_error *err);                                                                                               \
    fct_status P##_people_count(fct_store *st, int64_t collection_id, int64_t *people, int64_t *faces,                 \
        fct_error *err);                                                                                               \
    fct_status P##_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err);                           \
    fct_status P##_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts,                        \
        size_t *found, fct_error *err);                                                                                \
    fct_status P##_people_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);        \
    fct_status P##_faces(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err);         \
    fct_status P##_face_ids(fct_store *st, size_t n, int64_t *first, fct_error *err);                                  \
    fct_status P##_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err);                              \
    fct_status P##_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err);         \
    fct_status P##_faces_update(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err);          \
    fct_status P##_faces_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);         \
    fct_status P##_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err);                       \
    fct_status P##_collections_add(fct_store *st, fct_store_collection *c, size_t n, fct_error *err);                  \
    fct_status P##_collection_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err);        \
    fct_status P##_collection_remove(fct_store *st, int64_t id, bool *found, fct_error *err);                          \
    fct_status P##_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err);                             \
    fct_status P##_settings_put(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err);                  \
    fct_status P##_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn,           \
        void *ctx, fct_error *err);                                                                                    \
    fct_status P##_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err);                      \
    fct_status P##_negatives_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed,                      \
        fct_error *err);                                                                                               \
    fct_status P##_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err);                   \
    fct_status P##_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err);                          \
    fct_status P##_audit_add(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err);                       \
    fct_status P##_keys_put(fct_store *st, const fct_store_key *k, size_t n, fct_error *err);                          \
    fct_status P##_purge(fct_store *st, fct_error *err);

#define FCT_STORE_TABLE(P)                                                                                             \
    .changes = P##_changes,                                                                                            \
    .get_model = P##_get_model,                                                                                        \
    .set_model = P##_set_model,                                                                                        \
    .people = P##_people,                                                                                              \
    .people_count = P##_people_count,                                                                                  \
    .people_add = P##_people_add,                                                                                      \
    .people_update = P##_people_update,                                                                                \
    .people_remove = P##_people_remove,                                                                                \
    .faces = P##_faces,                                                                                                \
    .face_ids = P##_face_ids,                                                                                          \
    .faces_add = P##_faces_add,                                                                                        \
    .faces_move = P##_faces_move,                                                                                      \
    .faces_update = P##_faces_update,                                                                                  \
    .faces_remove = P##_faces_remove,                                                                                  \
    .collections = P##_collections,                                                                                    \
    .collections_add = P##_collections_add,                                                                            \
    .collection_rename = P##_collection_rename,                                                                        \
    .collection_remove = P##_collection_remove,                                                                        \
    .settings = P##_settings,                                                                                          \
    .settings_put = P##_settings_put,                                                                                  \
    .negatives = P##_negatives,                                                                                        \
    .negatives_add = P##_negatives_add,                                                                                \
    .negatives_remove = P##_negatives_remove,                                                                          \
    .audit = P##_audit,                                                                                                \
    .audit_last = P##_audit_last,                                                                                      \
    .audit_add = P##_audit_add,                                                                                        \
    .keys_put = P##_keys_put,                                                                                          \
    .purge = P##_purge
/* clang-format on */

#endif

/* A store that keeps what it is given encrypted in another store.
 *
 * What stands above the table of verbs (search, enrollment, exchange) does not know of
 * it, and neither does the database below. Sealed with a person's key are embeddings,
 * pictures, sources, names, details and negatives. The column of names holds a token in
 * place of the name, a keyed hash by which it is found, and the label the sealed name.
 * In the clear are the numbers of people and faces, dates, boxes, scores, qualities,
 * the model, collections, settings and the audit log.
 *
 * A person whose key is not there was erased: such people and their faces are passed
 * over as if they were not there. */
#ifndef FCT_GALLERY_SEALED_STORE_H
#define FCT_GALLERY_SEALED_STORE_H

#include "gallery/gallery_store.h"
#include "gallery/seal.h"
#include "index/idmap.h"

typedef struct fct_sealed_store {
    fct_store head;
    fct_store *inner; /* owned */
    fct_seal seal;
    char text[FCT_SEAL_TEXT];                                         /* the setting that it was opened by */
    int64_t person;                                                   /* whose key is at hand; 0 = nobody's */
    uint8_t sealed[FCT_SEAL_KEY + FCT_SEAL_EXTRA], key[FCT_SEAL_KEY]; /* that one */
    uint8_t *buf; /* [cap], owned: what was opened of the record at hand */
    size_t cap;
} fct_sealed_store;

/* Puts a sealed store over inner, which becomes its own, also on failure. *out is owned. */
fct_status fct_sealed_store_create(fct_store *inner, const fct_seal *seal, const char *text, fct_store **out,
                                   fct_error *err);

/* The key of a person, from what the store keeps of it, borrowed until the next call.
 * *key is NULL where there is none. FCT_ERR_FORMAT where it cannot be opened. */
fct_status fct_sealed_key(fct_sealed_store *m, int64_t person, const void *sealed, size_t size, const uint8_t **key,
                          fct_error *err);

/* Keys of several people. */
typedef struct fct_sealed_keys {
    uint8_t (*keys)[FCT_SEAL_KEY]; /* [n], owned */
    size_t n, cap;
    fct_idmap by_person;
} fct_sealed_keys;
fct_status fct_sealed_keys_load(fct_sealed_store *m, const int64_t *people, size_t n, fct_sealed_keys *out,
                                fct_error *err);
const uint8_t *fct_sealed_keys_find(const fct_sealed_keys *k, int64_t person); /* NULL = none */
void fct_sealed_keys_clear(fct_sealed_keys *k);                                /* wipes them */

/* sealed_faces.c */
fct_status fct_sealed_faces(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
fct_status fct_sealed_faces_add(fct_store *st, fct_store_face *f, size_t n, fct_error *err);
fct_status fct_sealed_faces_move(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err);
fct_status fct_sealed_faces_update(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err);
fct_status fct_sealed_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn,
                                void *ctx, fct_error *err);
fct_status fct_sealed_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err);

/* sealed_people.c */
fct_status fct_sealed_people(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err);
fct_status fct_sealed_people_add(fct_store *st, fct_store_person *p, size_t n, fct_error *err);
fct_status fct_sealed_people_update(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                    fct_error *err);

/* Room for n bytes in m->buf; NULL when out of memory. */
uint8_t *fct_sealed_room(fct_sealed_store *m, size_t n);

static inline fct_sealed_store *fct_sealed_of(fct_store *st) { return (fct_sealed_store *)st; }

#endif

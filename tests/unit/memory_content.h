/* Inside of the store in memory, shared by its two files. */
#ifndef FCT_MEMORY_CONTENT_H
#define FCT_MEMORY_CONTENT_H

#include "memory_store.h"

#define MANY 8192 /* people, faces, changes that fit */
#define FEW  64   /* collections, settings */

typedef struct memory_person {
    fct_store_person row; /* its name is in name, its bytes are never freed before the database */
    char name[400];
    const void *key;
    size_t key_size;
} memory_person;

typedef struct memory_setting {
    int64_t collection_id;
    char key[64], value[300];
} memory_setting;

typedef struct memory_collection {
    int64_t id, created;
    char name[256];
} memory_collection;

/* What a database holds; copied as a whole when a transaction begins. */
typedef struct memory_content {
    fct_store_model model;
    memory_person people[MANY];
    fct_store_face faces[MANY]; /* their bytes are never freed before the database */
    fct_store_change changes[MANY];
    fct_store_negative negatives[MANY];
    fct_store_audit audit[MANY];
    memory_collection collections[FEW];
    memory_setting settings[FEW];
    int n_people, n_faces, n_changes, n_negatives, n_audit, n_collections, n_settings; /* a change's number is its
                                                                                          place + 1 */
    int64_t last_person, last_face, last_negative, last_collection;
} memory_content;

struct memory_db {
    memory_content now, before;
    void *blocks[32 * MANY];
    int n_blocks, disturb, open;
    int64_t version;
    bool keeps_numbers;
    long calls;
};

/* The database of a connection; counts a call. */
memory_db *memory_db_of(fct_store *st);
/* A copy that lives as long as the database; NULL stays NULL. */
const void *memory_keep(memory_db *db, const void *data, size_t n);
void memory_note(memory_db *db, fct_change what, int64_t id);
memory_person *memory_find_person(memory_content *c, int64_t id); /* NULL = none */

/* The verbs of memory_extra.c. */
fct_status memory_collections(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err);
fct_status memory_collections_add(fct_store *st, fct_store_collection *c, size_t n, fct_error *err);
fct_status memory_collection_rename(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err);
fct_status memory_collection_remove(fct_store *st, int64_t id, bool *found, fct_error *err);
fct_status memory_settings(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err);
fct_status memory_settings_put(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err);
fct_status memory_negatives(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn, void *ctx,
                            fct_error *err);
fct_status memory_negatives_add(fct_store *st, fct_store_negative *x, size_t n, fct_error *err);
fct_status memory_negatives_remove(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);
fct_status memory_audit(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err);
fct_status memory_audit_last(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err);
fct_status memory_audit_add(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err);
fct_status memory_keys_put(fct_store *st, const fct_store_key *k, size_t n, fct_error *err);

#endif

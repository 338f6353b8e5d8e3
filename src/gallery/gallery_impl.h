/* Inside of fct_gallery. */
#ifndef FCT_GALLERY_IMPL_H
#define FCT_GALLERY_IMPL_H

#include "base/thread.h"
#include "facet/gallery.h"
#include "gallery/gallery_store.h"
#include "index/idset.h"
#include "index/index.h"

#define FCT_NAME_MAX   200
#define FCT_SOURCE_MAX 4096
#define FCT_CROP_MAX   ((size_t)16 << 20)

/* A person as searches see it. */
typedef struct fct_mirror_person {
    int64_t id, collection_id;
    char *name; /* owned; NULL = free slot */
} fct_mirror_person;

/* A collection as searches see it. */
typedef struct fct_mirror_collection {
    int64_t id;
    bool apart;        /* fct_name_is_apart() */
    float threshold;   /* NAN = none is set */
    fct_idset members; /* ids of its people */
} fct_mirror_collection;

/* A face that is not the person's. */
typedef struct fct_mirror_negative {
    int64_t person_id;
    int dim;
    float *embedding; /* [dim], owned */
} fct_mirror_negative;

/* One row a person, see gallery_means.c. */
typedef struct fct_means {
    fct_index *index; /* owned; NULL = not made yet. Its face ids are the people's */
    int64_t seq;      /* last entry of the change feed that is in it */
} fct_means;

/* The copy in memory that searches run on, see gallery_mirror.c. */
typedef struct fct_mirror {
    fct_index *index; /* owned; NULL while the gallery has no face */
    char model_id[65];
    int dim;
    fct_mutex names_lock;      /* guards what follows up to odd_names: searches read it without the gallery's lock */
    fct_mirror_person *people; /* [n_people] */
    uint32_t n_people;
    size_t cap_people;
    fct_idmap by_person;                /* person id -> place in people */
    fct_mirror_collection *collections; /* [n_collections] */
    size_t n_collections;
    float threshold;                /* of the whole gallery; NAN = none is set */
    fct_mirror_negative *negatives; /* [n_negatives] */
    size_t n_negatives, cap_negatives;
    bool audit_searches; /* searches are noted in the audit log */
    bool odd_names;      /* somebody's is not spelled as fct_name_clean() would */
    int64_t seq;         /* last entry of the change feed that is in it */
} fct_mirror;

/* The cache file of the index, see gallery_cache.c. */
typedef enum fct_cache_plan { FCT_CACHE_NONE, FCT_CACHE_READ, FCT_CACHE_WRITE } fct_cache_plan;
typedef struct fct_gallery_cache {
    char *path;          /* owned; NULL = there is none */
    int from;            /* number of faces from which there is one; 0 = never */
    fct_cache_plan plan; /* what reading everything does next time */
    fct_index_key key;
    int64_t seq; /* entry of the feed that the file ends with, or must end with when it is written */
    bool used;   /* the mirror's index has rows in the file */
} fct_gallery_cache;

/* Writers and readers have a connection each, so that no reader waits for a
 * transaction of this process either. */
struct fct_gallery {
    bool read_only;
    fct_mutex write_lock; /* guards store */
    fct_store *store;     /* for writing; NULL where read_only */
    fct_store_fn *joint;  /* what happens in each write transaction, after all else; NULL = nothing */
    void *joint_ctx;
    fct_mutex lock; /* guards what follows */
    fct_store *reader;
    int64_t version; /* the reader's, when the mirror was last brought up to date */
    bool current;    /* false: look at the change feed whatever the version is */
    bool whole;      /* false: the mirror must be read anew */
    fct_index_make_fn *make_index;
    int64_t server_from; /* number of faces from which a store that can searches by itself; 0 = never */
    bool partial;        /* it does: the mirror holds only what was near to embeddings, see gallery_partial.c */
    fct_idset fetched;   /* faces that a partial mirror holds as they are in the store */
    fct_search_mode search;
    int64_t collection_id; /* what is done without naming a collection is done in this one; 0 = any */
    char *actor;           /* owned; NULL = nobody is named in the audit log */
    fct_gallery_cache cache;
    fct_mirror mirror;
    fct_means means;
};

/* ---- gallery.c */
/* A gallery in an open store, which becomes its own, also on failure. store is
 * NULL where it is for reading only. It searches with what make_index makes. *out
 * is owned. */
fct_status fct_gallery_create(fct_store *store, fct_store *reader, fct_index_make_fn *make_index, fct_gallery **out,
                              fct_error *err);

/* Runs fn in a write transaction, see fct_store_run(); refuses a gallery that is
 * for reading only. Searches that begin after it see what it has changed. */
fct_status fct_gallery_write(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err);
/* From now on fn too runs at the end of each write transaction, which fails where it
 * does. NULL: no more. */
void fct_gallery_join(fct_gallery *g, fct_store_fn *fn, void *ctx);
/* Runs fn in a read transaction of the gallery's own reader: for short work. */
fct_status fct_gallery_read(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err);
/* The same on a connection of its own: for long work that nobody should wait for. */
fct_status fct_gallery_read_apart(fct_gallery *g, fct_store_fn *fn, void *ctx, fct_error *err);

/* ---- gallery_apart.c */
/* Whether a collection of this name is set apart: see fct_collection. */
bool fct_name_is_apart(const char *collection);
/* Those that are. A zeroed one is empty. */
typedef struct fct_apart {
    int64_t *ids; /* [n] */
    size_t n, cap;
} fct_apart;
/* None where scope is a collection: whoever names one means it. */
fct_status fct_apart_load(fct_store *st, int64_t scope, fct_apart *a, fct_error *err);
bool fct_apart_has(const fct_apart *a, int64_t collection_id);
void fct_apart_clear(fct_apart *a);

/* ---- gallery_mirror.c */
/* Brings the mirror up to date with the store. Holds g->lock. */
fct_status fct_gallery_sync(fct_gallery *g, fct_error *err);
void fct_mirror_init(fct_mirror *m);
void fct_mirror_clear(fct_mirror *m); /* empty, and usable */
void fct_mirror_destroy(fct_mirror *m);
/* Copies the name and the collection of a person, and the threshold that holds there;
 * false where there is no such person. Needs no lock. */
bool fct_mirror_get_person(fct_mirror *m, int64_t person_id, fct_match *out, float fallback, float *threshold);
/* The collection with this id, or NULL. Holds m->names_lock. */
fct_mirror_collection *fct_mirror_find_collection(fct_mirror *m, int64_t id);
void fct_mirror_clear_collections(fct_mirror *m); /* holds m->names_lock */
/* Whether the collection is set apart. Needs no lock. */
bool fct_mirror_is_apart(fct_mirror *m, int64_t collection_id);
/* The threshold of a collection, of the whole gallery, or fallback. Holds m->names_lock. */
float fct_mirror_threshold(fct_mirror *m, int64_t collection_id, float fallback);

/* Puts the people with these ids (NULL = all), then the faces (NULL = none), into the
 * mirror. partial: faces of people who are not in it are left out. */
fct_status fct_mirror_fill(fct_store *st, fct_mirror *m, bool partial, const fct_people_query *people,
                           fct_faces_query *faces, fct_error *err);

/* ---- gallery_partial.c: galleries that a server searches */
/* Whether the mirror shall be partial. Inside a read transaction. */
fct_status fct_gallery_plan_partial(fct_gallery *g, fct_store *st, fct_error *err);
/* Puts the faces into the mirror that may be nearest to n embeddings. Holds g->lock. */
fct_status fct_gallery_fetch_nearest(fct_gallery *g, const float *probes, int n, int dim, int k, fct_error *err);

/* ---- gallery_filter.c: which people and faces a search may find */
typedef struct fct_face_filter {
    bool people, except, dates; /* whether it limits by these; people: everybody but given */
    fct_idset given, dated;     /* people that were given; faces of the time */
    fct_idset members;          /* people of the collection that is searched, less who may not be found */
} fct_face_filter;
/* Takes what the options say; f is zeroed. Asks the store where dates matter. */
fct_status fct_face_filter_make(fct_gallery *g, const fct_search_opts *o, fct_face_filter *f, fct_error *err);
void fct_face_filter_clear(fct_face_filter *f);
/* *out, which borrows from f: the rows that may be found, in a collection with these members (NULL = nobody) where
 * limited. *any: false = all of them. */
fct_status fct_face_filter_apply(fct_face_filter *f, const fct_search_opts *o, const fct_idset *members, bool limited,
                                 fct_index_filter *out, bool *any, fct_error *err);

/* ---- gallery_search.c */
/* Whether n embeddings at once are looked for by signs, see fct_search_mode. Holds g->lock. */
bool fct_gallery_by_signs(const fct_gallery *g, int n);

/* ---- gallery_cache.c */
#define FCT_SETTING_INDEX "index"                /* the mark of the file that fits the database */
char *fct_gallery_cache_path(const char *place); /* owned; NULL = out of memory, or place is a server */
/* Says whether the next reading of the whole store uses the file, or makes it. Nothing
 * depends on it: what fails here means that there is no file. */
void fct_gallery_plan_cache(fct_gallery *g);
fct_status fct_gallery_cache_open(fct_gallery *g, int dim, fct_index **out, int64_t *seq, fct_error *err);
/* After a failure: makes the next search read the store anew, without the file. False where none is used. */
bool fct_gallery_lose_cache(fct_gallery *g);
/* Empties and removes the file, as whoever forgets people must: their embeddings may be
 * in it. Other processes that use it read the database anew. */
fct_status fct_gallery_remove_cache(fct_gallery *g, fct_error *err);

/* ---- gallery_negatives.c */
void fct_mirror_clear_negatives(fct_mirror *m); /* holds m->names_lock */
/* Reads those of people [n] (NULL = of all) anew. */
fct_status fct_mirror_load_negatives(fct_store *st, fct_mirror *m, const int64_t *people, size_t n, fct_error *err);
/* Whether a negative of the person is at least as near to the probe as score. Needs no lock. */
bool fct_mirror_is_negative(fct_mirror *m, int64_t person_id, const float *probe, int dim, float score);

/* ---- gallery_means.c */
void fct_means_clear(fct_means *m);
/* Brings the means up to date with the mirror. *out: their index, borrowed. Holds g->lock. */
fct_status fct_gallery_sync_means(fct_gallery *g, fct_index **out, fct_error *err);

/* ---- gallery_audit.c: each does nothing where the log is off. Inside a write transaction, but for the last */
fct_status fct_audit_is_on(fct_store *st, bool *out, fct_error *err);
fct_status fct_audit_note(fct_store *st, const char *what, const char *detail, fct_error *err);
fct_status fct_audit_person(fct_store *st, const char *what, int64_t person_id, fct_error *err);
fct_status fct_audit_ids(fct_store *st, const char *what, int64_t person_id, const int64_t *faces, size_t n,
                         fct_error *err);
/* A search for n faces and what it found, [n][k]. */
fct_status fct_audit_search(fct_gallery *g, const fct_match *found, const int *n_found, int n, int k, fct_error *err);

/* ---- gallery_encrypt.c */
/* Puts a sealed store over *st where the gallery is encrypted; given: its key, see
 * fct_seal_read_key(). On failure *st stays open, except when memory runs out. */
fct_status fct_store_unseal(fct_store **st, const char *given, fct_error *err);
/* The database below a sealed store, or st itself. */
fct_store *fct_store_bottom(fct_store *st);

/* ---- gallery_settings.c */
/* FCT_ERR_MISMATCH where the gallery was encrypted or decrypted, or got another key, since the store was opened. */
fct_status fct_store_check_seal(fct_store *st, fct_error *err);
#define FCT_SETTING_SEAL "encryption" /* sealed_store.h */
/* Reads collections and thresholds into the mirror; who is in them stays. */
fct_status fct_mirror_load_settings(fct_store *st, fct_mirror *m, fct_error *err);
/* The value of a setting, owned (fct_free), NULL where it is not set. Inside a transaction. */
fct_status fct_setting_read(fct_store *st, int64_t collection_id, const char *key, char **out, fct_error *err);
/* The collection in which is done what is done without naming one; 0 = any. */
int64_t fct_gallery_home(const fct_gallery *g);
/* Finds the collection that a gallery is opened for, and creates it where the gallery can write. */
fct_status fct_gallery_choose_collection(fct_gallery *g, const char *name, bool make, fct_error *err);

/* ---- gallery_value.c: values on their way in and out of the store */
/* Embeddings are stored as little-endian IEEE 754 singles. */
void fct_embedding_pack(const float *v, int dim, uint8_t *out);
/* False unless size is 4 * dim and all values are finite and not all zero. */
bool fct_embedding_unpack(const void *data, size_t size, int dim, float *out);
/* The same for a face of the store, with an error that names it. */
fct_status fct_face_unpack(const fct_store *st, const fct_store_face *f, int dim, float *out, fct_error *err);
/* Checksum over embedding and crop (NULL = none): the first eight bytes of their SHA-256. */
int64_t fct_face_checksum(const void *embedding, size_t embedding_size, const void *crop, size_t crop_size);
/* Cosine in double precision; neither may be zero. */
double fct_embedding_cosine(const float *a, const float *b, int dim);
/* A name of 1..FCT_NAME_MAX bytes of UTF-8 without control characters; text says what is wrong. */
bool fct_name_valid(const char *name, const char **why);
/* FCT_ERR_NOT_FOUND unless there is such a person. */
fct_status fct_person_require(fct_store *st, int64_t id, fct_error *err);
/* FCT_ERR_FORMAT, naming the person, unless its name is valid. */
fct_status fct_person_check(const fct_store *st, const fct_store_person *p, fct_error *err);
/* The model of the store, checked: FCT_ERR_FORMAT where its entry is damaged. dim 0 = none. */
fct_status fct_model_read(fct_store *st, fct_store_model *out, fct_error *err);
/* Copies at most cap - 1 bytes; bytes that are not UTF-8 and control characters
 * become '?'; never ends inside a character. */
void fct_text_clean(const char *src, char *out, size_t cap);
/* A face of the store as callers see it. */
void fct_face_show(const fct_store_face *from, fct_stored_face *out);
/* The same of a person, whose name fct_person_check() has passed. */
void fct_person_show(const fct_store_person *from, fct_person *out);

/* ---- gallery_names.c */
/* The name as it is stored: in Unicode's form C, without blanks around it. out
 * holds FCT_NAME_MAX + 1 bytes. FCT_ERR_ARG: *why says what is wrong with it;
 * FCT_ERR_NOMEM. The second writes the error. */
fct_status fct_name_clean(const char *name, char *out, const char **why);
fct_status fct_name_take(const char *name, const char *whose, char *out, fct_error *err);
/* A valid name of a gallery that fct_name_clean() would refuse or change. */
bool fct_name_is_odd(const char *name);
/* Gives odd names their right spelling where nobody else has it. */
fct_status fct_gallery_respell(fct_gallery *g, fct_error *err);
/* FCT_ERR_UNSUPPORTED, naming the people, where an odd name is left. */
fct_status fct_gallery_check_spelling(fct_store *st, fct_error *err);
/* Puts the stored spelling of the name of somebody in the collection (0 = in any)
 * into out: as given, else as it is stored by us, else that of an odd name. Where
 * there is nobody, out is just no one's name. */
fct_status fct_name_look_up(fct_store *st, int64_t collection_id, const char *name, char *out, fct_error *err);

/* ---- gallery_faces.c: faces of a person, for finding duplicates */
typedef struct fct_face_set {
    int dim, n;
    size_t cap_ids, cap_embeddings;
    int64_t *ids;
    float *embeddings; /* [n][dim] */
} fct_face_set;
fct_status fct_face_set_add(fct_face_set *s, int64_t id, const float *embedding, fct_error *err);
int fct_face_set_find(const fct_face_set *s, const float *embedding); /* place of an equal face, -1 = none */
void fct_face_set_clear(fct_face_set *s);
/* The faces of people [n] into sets [n], whose dim is set, in one question to the store. */
fct_status fct_face_sets_load(fct_store *st, const int64_t *people, fct_face_set *sets, size_t n, fct_error *err);

/* ---- gallery_calibrate.c */
/* Takes away the thresholds that were found with another model. */
fct_status fct_thresholds_clear(fct_store *st, fct_error *err);

/* ---- gallery_enroll.c */
/* FCT_ERR_ARG unless model_id has 1..64 printable ASCII characters and dim is in range. */
fct_status fct_model_check(const char *model_id, int dim, fct_error *err);
/* FCT_ERR_ARG, FCT_ERR_LIMIT or FCT_ERR_MISMATCH where fct_gallery_enroll() would
 * give it without looking at the store. */
fct_status fct_faces_check(const fct_enrollment *faces, int n, fct_error *err);

/* ---- gallery_bulk.c: enrolling many faces inside one write transaction
 * Faces and people are gathered and go to the store some hundred at a time. All
 * must be of one model. Starts as {.st = st, .collection_id = ...}, where 0 is the
 * default one; faces of a person should come together. */
typedef struct fct_bulk_face fct_bulk_face;
typedef struct fct_bulk_known fct_bulk_known;
typedef struct fct_enroller {
    fct_store *st;
    int64_t collection_id;
    int64_t only; /* the person whom all names must be of, 0 = any, FCT_PERSON_NEW = one who is made now */
    int added;    /* how many were no duplicates, of those that have reached the store */
    bool pinned;
    bool audit; /* the audit log is on */
    fct_store_model model;
    fct_store_person *people; /* [n_people] that wait; their names are owned */
    size_t n_people, cap_people;
    fct_bulk_face *faces; /* [n_faces] that wait */
    size_t n_faces, cap_faces, bytes;
    fct_bulk_known *known; /* [n_known] faces of people of the last batch */
    size_t n_known;
} fct_enroller;
/* Everything is copied. *id (may be NULL) is set by fct_enroller_flush() at the latest. */
fct_status fct_enroller_put(fct_enroller *e, const char *name, const fct_enrollment *f, int64_t created, int64_t *id,
                            fct_error *err);
/* A person who may have no face. */
fct_status fct_enroller_put_person(fct_enroller *e, const char *name, int64_t created, fct_error *err);
fct_status fct_enroller_flush(fct_enroller *e, fct_error *err);
void fct_enroller_clear(fct_enroller *e);

#endif

/* facet/gallery.h: a durable database of people and their faces.
 *
 * One SQLite file. Embeddings are pinned to the model that made them: the first
 * enrollment fixes it, another model's embeddings are refused with
 * FCT_ERR_MISMATCH. A call that has returned FCT_OK is on disk: a crash or power
 * failure at any later moment does not lose it. Searches run on an in-memory
 * copy that follows changes made by other processes.
 *
 * A gallery may be used by several threads at once. */
#ifndef FACET_GALLERY_H
#define FACET_GALLERY_H

#include "base.h"
#include "evaluate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_gallery fct_gallery;

/* How embeddings are looked for in a gallery of many faces. An exact search compares
 * with every face: 2 ms for 100,000 faces of 512 values, 22 ms for a million. A fast one
 * compares only with the thousand whose signs are most like the embedding's: 0.2 and 1.9
 * ms. Scores are the same, but a face that is far from the embedding may be missed; in
 * galleries of fewer than 4096 faces, and for k above 16, it is exact all the same.
 * Many embeddings at once (256) take 1.6 ms each for a million faces, exactly. */
typedef enum fct_search_mode {
    FCT_SEARCH_AUTO = 0, /* fast with 200,000 faces or more, for fewer than 32 embeddings at once */
    FCT_SEARCH_EXACT = 1,
    FCT_SEARCH_FAST = 2
} fct_search_mode;

typedef struct fct_gallery_opts {
    size_t size;            /* sizeof this struct; set by fct_gallery_opts_init() */
    bool read_only;         /* (default false) */
    bool must_exist;        /* true: FCT_ERR_NOT_FOUND instead of creating it, or its collection (default false) */
    int busy_ms;            /* how long to wait for another process's write before FCT_ERR_BUSY (default 5000) */
    fct_search_mode search; /* (default FCT_SEARCH_AUTO) */
    /* With this many faces or more, who opens a file for writing keeps what searches need
     * in a second one beside it (its name and ".index"), so that it can be opened in 0.1 s and
     * not in seconds, and embeddings need not be in memory. It is made again where it
     * does not fit. 0 = never, as for a sealed gallery: an old one is removed then (default 50000) */
    int cache_from;
    /* A gallery on a server with pgvector that has this many faces or more when it is
     * opened is searched by the server, which names a thousand candidates that are then
     * compared exactly; others are copied into memory. 0 = never (default 100000) */
    int64_t server_from;
    /* Work in this collection alone: see fct_collection (default NULL: all of them) */
    const char *collection;
    /* The key of an encrypted gallery: 64 hexadecimal digits, or the path of a file that
     * holds them (default NULL: what FCT_GALLERY_KEY says, which may be either) */
    const char *key;
    const char *actor; /* who is noted in the audit log, see facet/privacy.h (default NULL: nobody's name) */
} fct_gallery_opts;
FCT_API void fct_gallery_opts_init(fct_gallery_opts *o);

/* Opens or creates, with the folders above it. path may be the address of a server, see
 * fct_gallery_is_address(): then the tables are made in its database, and a server that
 * goes away is waited for, up to 30 s. *out is owned. Errors:
 * FCT_ERR_FORMAT (not a gallery, or damaged), FCT_ERR_IO, FCT_ERR_BUSY, FCT_ERR_NETWORK,
 * FCT_ERR_UNSUPPORTED (made by a newer version), FCT_ERR_MISMATCH (encrypted, and no
 * key or a wrong one was given), FCT_ERR_NOT_FOUND (no such
 * gallery, or, where it is read only or must exist, no such collection). */
FCT_API fct_status fct_gallery_open(const char *path, const fct_gallery_opts *opts, fct_gallery **out, fct_error *err);
FCT_API void fct_gallery_free(fct_gallery *g);

/* Whether place is the address of a gallery on a server, docs/postgresql.md: it begins
 * with postgresql:// or postgres://, or is key=value pairs of libpq. Anything else is
 * the path of a file. */
FCT_API bool fct_gallery_is_address(const char *place);

/* The default file: FCT_GALLERY, else the platform's data folder
 * ($XDG_DATA_HOME/facet/gallery.db, ~/.local/share/facet/gallery.db,
 * %LOCALAPPDATA%\facet\gallery.db). Writes at most cap bytes with the NUL. */
FCT_API fct_status fct_gallery_default_path(char *buf, size_t cap, fct_error *err);

/* How a stored picture of a face was cut out of its photo, and so what must be
 * done before a network can embed it. Numbers are in files and stay. */
typedef enum fct_crop_cut {
    FCT_CROP_UNKNOWN = 0, /* not recorded (all of schema 1): whether it is aligned has to be found out */
    FCT_CROP_ALIGNED = 1, /* by fct_align(): square, its side divisible by 112 or by 128, the eyes, the nose and
                             the mouth at the places of ArcFace's template. What fct_enroll() stores (112) */
    FCT_CROP_LOOSE = 2    /* upright with surroundings, not aligned: a face must be detected in it first */
} fct_crop_cut;

/* One face to store. All pointers are borrowed for the call. */
typedef struct fct_enrollment {
    const char *model_id;   /* fct_pack_embedder_id() */
    const float *embedding; /* [dim], any length but zero; stored as given */
    int dim;
    const char *source; /* where it came from, for people to read (a path), or NULL */
    float box[4];       /* in the source picture; zeros = unknown */
    float score;        /* detector's */
    float quality;      /* 0..1; 0 = unknown */
    const void *crop;   /* small JPEG of the face, or NULL */
    size_t crop_len;
    fct_crop_cut crop_cut; /* how the crop was cut; fct_gallery_migrate() relies on it */
} fct_enrollment;

/* Adds a face to the person called name (1..200 bytes of UTF-8 without control
 * characters), creating the person if need be. Names are stored in Unicode's form
 * C without white space around them: "e" with an accent and "é" are one name. A
 * name of blanks is refused. One durable transaction for all
 * n faces. face_ids: [n] or NULL. A face whose embedding equals one that the
 * person already has (cosine above 0.9999) is not stored again: its id is
 * returned and *added (may be NULL) does not count it. */
FCT_API fct_status fct_gallery_enroll(fct_gallery *g, const char *name, const fct_enrollment *faces, int n,
                                      int64_t *face_ids, int *added, fct_error *err);

/* The same for a person who is known, and may be renamed meanwhile by somebody else: FCT_ERR_NOT_FOUND, and nothing is
 * stored, unless the name is that person's when the faces are written. person_id 0: whoever has the name;
 * FCT_PERSON_NEW: somebody new, FCT_ERR_EXISTS where somebody has the name already. */
#define FCT_PERSON_NEW (-1)
FCT_API fct_status fct_gallery_enroll_known(fct_gallery *g, int64_t person_id, const char *name,
                                            const fct_enrollment *faces, int n, int64_t *face_ids, int *added,
                                            fct_error *err);

/* One person found. */
typedef struct fct_match {
    int64_t person_id, face_id; /* face_id: the person's nearest face */
    float score;                /* cosine, -1..1 */
    char name[201];
    int64_t collection_id; /* the person's */
} fct_match;

/* The k persons nearest to an embedding, best first, those with score >=
 * threshold only. A person's score is the best of its faces'. fct_search_mode says
 * whether all faces are compared.
 * out: [k], caller-owned; *n_found: how many were filled. An empty gallery finds
 * nothing. FCT_ERR_MISMATCH when model_id or dim is not the gallery's. */
FCT_API fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim,
                                      float threshold, int k, fct_match *out, int *n_found, fct_error *err);

/* The same for n embeddings [n][dim] at once; out is [n][k], n_found [n]. */
FCT_API fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n,
                                            int dim, float threshold, int k, fct_match *out, int *n_found,
                                            fct_error *err);

/* What stands for a person in a search. The more faces a person has, the more often the
 * best of them is like a stranger by chance; a mean is not. So a threshold is a little
 * stricter for means: with five faces each, 0.40 lets half as many strangers pass
 * (docs/decisions/0056 has the figures). */
typedef enum fct_template {
    FCT_TEMPLATE_BEST = 0, /* each face: a person's score is the best of its faces' */
    FCT_TEMPLATE_MEAN = 1  /* the mean of the person's faces of unit length, weighed by quality */
} fct_template;

typedef struct fct_search_opts {
    size_t size;            /* sizeof this struct; set by fct_search_opts_init() */
    int k;                  /* people per face, at most (default 1) */
    float threshold;        /* least cosine (default NAN: each collection's own, see fct_gallery_threshold()) */
    float fallback;         /* threshold of collections that have none (default 0.4) */
    fct_template templates; /* (default FCT_TEMPLATE_BEST). With means, fct_match.face_id is 0 */
    bool ignore_negatives;  /* find people also by faces that are said not to be theirs (default false) */
    bool repeats;           /* fct_gallery_identify() may give two faces one name: for collages (default false) */
    /* Which people may be found: ids [n_people], borrowed for the call (default NULL: everybody) */
    const int64_t *people;
    int n_people;
    bool except_people; /* everybody but these (default false) */
    /* Which faces may be found: those that were stored then or later, and before; in seconds since 1970, UTC. Asks the
     * store for the dates of all faces, which takes a second for a million (default 0: no limit) */
    int64_t stored_from, stored_before;
} fct_search_opts;
FCT_API void fct_search_opts_init(fct_search_opts *o);

/* fct_gallery_search_batch() with options. Who is left out by them is as if not there.
 * FCT_ERR_UNSUPPORTED: means, people or dates where the server searches (server_from). */
FCT_API fct_status fct_gallery_search_with(fct_gallery *g, const char *model_id, const float *embeddings, int n,
                                           int dim, const fct_search_opts *opts, fct_match *out, int *n_found,
                                           fct_error *err);

/* Who is who among the n faces of one picture, embeddings [n][dim]: a person is on a
 * picture once, so that of two faces like one person the other one gets the next
 * likely name or none. Of all ways to name the faces (up to 32 people for each) the
 * one is chosen in which the scores are above their thresholds by the largest sum.
 * out: [n], caller-owned; person_id 0 = unknown. opts->k does not matter. FCT_ERR_LIMIT for more than
 * FCT_IDENTIFY_MAX faces. */
#define FCT_IDENTIFY_MAX 1024
FCT_API fct_status fct_gallery_identify(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                        const fct_search_opts *opts, fct_match *out, fct_error *err);

/* Two people who look alike, by their two most similar faces: the smaller id first. */
typedef struct fct_similar {
    int64_t person_id[2], face_id[2];
    float score; /* cosine */
    char name[2][201];
} fct_similar;
/* All pairs of people with a cosine of at least threshold, best first: one person under
 * two names, or two who may be mistaken for each other. Each face is compared with the
 * 16 people nearest to it; takes as long as a search for every face. *out is owned:
 * fct_gallery_similar_free(). */
FCT_API fct_status fct_gallery_similar(fct_gallery *g, float threshold, fct_similar **out, int *n, fct_error *err);
FCT_API void fct_gallery_similar_free(fct_similar *x);

/* "Not this person": stores a face that was taken for the person and is another's. No
 * search names the person where the face searched for is at least as near to such a
 * negative as to the person's own faces. *negative_id may be NULL. FCT_ERR_MISMATCH:
 * of another model. Migrating to another model drops negatives. */
FCT_API fct_status fct_gallery_reject(fct_gallery *g, int64_t person_id, const char *model_id, const float *embedding,
                                      int dim, int64_t *negative_id, fct_error *err);
/* The same with a stored face, which is taken from the person if it is the person's. */
FCT_API fct_status fct_gallery_reject_face(fct_gallery *g, int64_t person_id, int64_t face_id, int64_t *negative_id,
                                           fct_error *err);
typedef struct fct_negative {
    int64_t id, person_id;
    int64_t created; /* seconds since 1970, UTC */
} fct_negative;
/* Those of a person, 0 = of everybody. *out is owned: fct_gallery_negatives_free(). */
FCT_API fct_status fct_gallery_negatives(fct_gallery *g, int64_t person_id, fct_negative **out, int *n, fct_error *err);
FCT_API void fct_gallery_negatives_free(fct_negative *x);
FCT_API fct_status fct_gallery_remove_negative(fct_gallery *g, int64_t negative_id, fct_error *err);

typedef struct fct_person {
    int64_t id;
    char name[201];
    int faces;       /* how many are stored */
    int64_t created; /* seconds since 1970, UTC */
    int64_t collection_id;
    int64_t expires; /* when the person is to be forgotten, seconds since 1970, UTC; 0 = never */
} fct_person;

/* All people, or those of the collection that the gallery was opened for, by name.
 * *out is owned: free it with fct_gallery_people_free(). */
FCT_API fct_status fct_gallery_people(fct_gallery *g, fct_person **out, int *n, fct_error *err);
FCT_API void fct_gallery_people_free(fct_person *p);
/* A page of them by id: the first ones, at most limit (1..10000), with an id above after (0 = from the beginning) whose
 * name holds search (NULL = all), where letters of ASCII are equal in both cases. *more: there are others behind them.
 * Takes as long as the page is large, a search as long as it takes to find so many. *out is owned:
 * fct_gallery_people_free(). */
FCT_API fct_status fct_gallery_people_page(fct_gallery *g, int64_t after, int limit, const char *search,
                                           fct_person **out, int *n, bool *more, fct_error *err);

typedef struct fct_stored_face {
    int64_t id, person_id;
    int64_t created;              /* seconds since 1970, UTC */
    float box[4], score, quality; /* quality: 0..1, 0 = unknown */
    bool has_crop;                /* fct_gallery_crop() gives a picture */
    fct_crop_cut crop_cut;        /* how it was cut */
    char source[512];             /* cut off where longer */
} fct_stored_face;
/* Faces of one person, oldest first. *out is owned: fct_gallery_faces_free(). */
FCT_API fct_status fct_gallery_faces(fct_gallery *g, int64_t person_id, fct_stored_face **out, int *n, fct_error *err);
FCT_API void fct_gallery_faces_free(fct_stored_face *f);

/* FCT_ERR_NOT_FOUND where there is no such person or face. A name is looked for as
 * it is given, then as it would be stored. In a gallery that was opened for all
 * collections the default one comes first; FCT_ERR_ARG where several others have
 * somebody of the name. */
FCT_API fct_status fct_gallery_find(fct_gallery *g, const char *name, fct_person *out, fct_error *err);
/* The same by id. */
FCT_API fct_status fct_gallery_person(fct_gallery *g, int64_t person_id, fct_person *out, fct_error *err);
FCT_API fct_status fct_gallery_face(fct_gallery *g, int64_t face_id, fct_stored_face *out, fct_error *err);
/* A person without faces yet. FCT_ERR_EXISTS: there is somebody of this name. */
FCT_API fct_status fct_gallery_add_person(fct_gallery *g, const char *name, int64_t *id, fct_error *err);
FCT_API fct_status fct_gallery_rename(fct_gallery *g, int64_t person_id, const char *name, fct_error *err);
FCT_API fct_status fct_gallery_remove_person(fct_gallery *g, int64_t person_id, fct_error *err);
FCT_API fct_status fct_gallery_remove_face(fct_gallery *g, int64_t face_id, fct_error *err);

/* Moves all faces of person from to person into and removes from, in one
 * transaction. A face that into already has (see fct_gallery_enroll) is dropped.
 * FCT_ERR_ARG when both are the same. */
FCT_API fct_status fct_gallery_merge(fct_gallery *g, int64_t from, int64_t into, fct_error *err);

/* Makes a stored face another person's, in one transaction; one that this person already has (see
 * fct_gallery_enroll) is removed, and *kept (may be NULL) is the one that stays. FCT_ERR_NOT_FOUND: there is no such
 * face or person. */
FCT_API fct_status fct_gallery_move_face(fct_gallery *g, int64_t face_id, int64_t person_id, int64_t *kept,
                                         fct_error *err);
/* Moves faces [n], of whomever, to a person, in one transaction. One that the person has
 * already (see fct_gallery_enroll) is dropped. Who has no face left stays. *moved (may be
 * NULL) does not count those dropped or the person's own. FCT_ERR_NOT_FOUND: a face or
 * the person is not there, and nothing was moved. */
FCT_API fct_status fct_gallery_move_faces(fct_gallery *g, const int64_t *face_ids, int n, int64_t into, int *moved,
                                          fct_error *err);
/* Removes faces [n] in one transaction; ids of none are passed over. *removed may be NULL. */
FCT_API fct_status fct_gallery_remove_faces(fct_gallery *g, const int64_t *face_ids, int n, int *removed,
                                            fct_error *err);

/* The picture of a face that was stored with it. *jpeg is owned:
 * fct_buffer_free(). FCT_ERR_NOT_FOUND: no such face, or stored without one. */
FCT_API fct_status fct_gallery_crop(fct_gallery *g, int64_t face_id, void **jpeg, size_t *len, fct_error *err);

/* The embedding of a face as it was given; out holds cap floats, *dim is how many
 * it has. FCT_ERR_LIMIT when cap is less. */
FCT_API fct_status fct_gallery_embedding(fct_gallery *g, int64_t face_id, float *out, int cap, int *dim,
                                         fct_error *err);

typedef struct fct_gallery_info {
    char path[1024];
    char model_id[65]; /* "" = nothing enrolled yet */
    int dim;
    int people, faces;
    bool encrypted;
    int schema;     /* version of the file's tables */
    bool fast;      /* one embedding is looked for by signs, see fct_search_mode */
    bool by_server; /* the server searches, see fct_gallery_opts.server_from */
    bool cached;    /* embeddings lie in the cache file, see fct_gallery_opts.cache_from */
} fct_gallery_info;
FCT_API fct_status fct_gallery_stat(fct_gallery *g, fct_gallery_info *out, fct_error *err);

/* Makes the index by which a server finds candidates, see fct_gallery_opts.server_from,
 * where it has none; takes minutes for 100,000 faces, and others go on meanwhile.
 * Without it the server looks at all faces for each search, which is slower and as
 * good. FCT_ERR_UNSUPPORTED: a file, or a server without pgvector. */
FCT_API fct_status fct_gallery_make_index(fct_gallery *g, fct_error *err);

/* Full integrity check; FCT_ERR_FORMAT with the first fault found.
 * FCT_ERR_UNSUPPORTED: sound, but two people have one name in two spellings, or a
 * name is blank (of an older facet); the text says who. */
FCT_API fct_status fct_gallery_check(fct_gallery *g, fct_error *err);

/* ---- Collections and settings ------------------------------------------------------ */

/* A collection is a part of a gallery with people of its own: each person is in one,
 * and a name is unique in its collection. One is always there, with id 1, called
 * "default" at first. A gallery that was opened for a collection
 * (fct_gallery_opts.collection) finds, lists, searches and enrolls people of this
 * one alone; it is created if need be where the gallery is opened for writing. A
 * gallery that was opened without finds people of all of them and enrolls into the
 * default one. Calls that take the id of a person or face work for all.
 *
 * A collection whose name begins with '.' is set apart: a gallery that was opened without one
 * neither finds nor lists nor exports the people in it; it must be named for that. */
typedef struct fct_collection {
    int64_t id;
    char name[201];
    int64_t created; /* seconds since 1970, UTC */
    int people;
    float threshold; /* the setting "threshold"; NAN = it has none */
} fct_collection;
/* All of them, by id. *out is owned: fct_gallery_collections_free(). */
FCT_API fct_status fct_gallery_collections(fct_gallery *g, fct_collection **out, int *n, fct_error *err);
FCT_API void fct_gallery_collections_free(fct_collection *c);
/* Creates it, or finds the one of this name (spelled as people's names are). */
FCT_API fct_status fct_gallery_add_collection(fct_gallery *g, const char *name, int64_t *id, fct_error *err);
/* FCT_ERR_NOT_FOUND; FCT_ERR_EXISTS: another one has the name. */
FCT_API fct_status fct_gallery_rename_collection(fct_gallery *g, int64_t id, const char *name, fct_error *err);
/* With all its people. FCT_ERR_ARG for the default one, which stays. *people (may be
 * NULL): how many there were. */
FCT_API fct_status fct_gallery_remove_collection(fct_gallery *g, int64_t id, int *people, fct_error *err);
/* The id of the collection of this name. FCT_ERR_NOT_FOUND: there is none; FCT_ERR_ARG: no name. */
FCT_API fct_status fct_gallery_find_collection(fct_gallery *g, const char *name, int64_t *id, fct_error *err);
/* How many people are in a collection, and how many faces they have; nobody where there is none. */
FCT_API fct_status fct_gallery_collection_count(fct_gallery *g, int64_t id, int64_t *people, int64_t *faces,
                                                fct_error *err);
/* From now on the calling thread works in this collection of every gallery, as though each had been opened for it; 0:
 * as they were opened. For programs in which one gallery serves many. In one that is gone nobody is found, and
 * enrolling fails. */
FCT_API void fct_gallery_work_in(int64_t collection_id);
FCT_API int64_t fct_gallery_works_in(void); /* what was said; 0 = nothing */
/* Moves a person to another collection. unique (may be NULL) is a member of the metadata that two people of that
 * collection may not have alike, as for fct_gallery_replace_metadata(). FCT_ERR_EXISTS: somebody there has the name, or
 * the same member. */
FCT_API fct_status fct_gallery_move_person(fct_gallery *g, int64_t person_id, int64_t collection_id, const char *unique,
                                           fct_error *err);

/* Settings are texts that stay with the gallery: of one collection, or, with
 * collection_id 0, of the whole. A key has 1 to 64 of the characters a-z, 0-9, '.',
 * '_' and '-', a value up to 4096 bytes of UTF-8 without control characters.
 * "threshold" is a collection's own threshold, a number from -1 to 1;
 * "audit" of the whole gallery is "off", "changes" or "searches" (facet/privacy.h).
 * Other keys are for whoever sets them ("x." is a good beginning). */
/* *value is owned: fct_buffer_free(). FCT_ERR_NOT_FOUND: it is not set. */
FCT_API fct_status fct_gallery_get_setting(fct_gallery *g, int64_t collection_id, const char *key, char **value,
                                           fct_error *err);
/* NULL takes the setting away. FCT_ERR_ARG: a bad key or value; FCT_ERR_NOT_FOUND: no such collection. */
FCT_API fct_status fct_gallery_set_setting(fct_gallery *g, int64_t collection_id, const char *key, const char *value,
                                           fct_error *err);
/* The threshold of a collection: its setting, else that of the whole gallery, else
 * NAN. 0 = of the collection that the gallery was opened for, or of the whole. */
FCT_API fct_status fct_gallery_threshold(fct_gallery *g, int64_t collection_id, float *out, fct_error *err);

/* ---- A threshold of the gallery's own ------------------------------------------------- */

typedef struct fct_calibrate_opts {
    size_t size;         /* sizeof this struct; set by fct_calibrate_opts_init() */
    double false_accept; /* false accept rate that the threshold is for, up to 0.5 (default 1e-4) */
    int most_faces;      /* of more, so many are drawn by chance: the time grows with the square (default 20000) */
    uint64_t seed;       /* of all drawing (default 1) */
    bool store;          /* keep the threshold as a setting, see fct_gallery_threshold() (default false) */
} fct_calibrate_opts;
FCT_API void fct_calibrate_opts_init(fct_calibrate_opts *o);

/* Two people with the highest score of any of their faces. */
typedef struct fct_alike_people {
    int64_t a, b;
    float score;
} fct_alike_people;

#define FCT_CALIBRATION_NEAREST 8
typedef struct fct_calibration {
    int people;
    int64_t faces, compared;    /* in the gallery; of them compared */
    uint64_t genuine, impostor; /* pairs of faces of one person, and of two */
    float threshold;            /* the least score that matches */
    fct_rate false_accept, tar; /* of this threshold, with intervals of 95 %; tar is NaN where genuine is 0 */
    fct_alike_people nearest[FCT_CALIBRATION_NEAREST]; /* the most alike first: the same person under two names? */
    int n_nearest;
} fct_calibration;

/* Finds the threshold with a false accept rate from all pairs of faces of different
 * people in the gallery, or the collection that it was opened for (facet/evaluate.h
 * says how). FCT_ERR_NOT_FOUND where the pairs are too few for the rate: fewer than 30
 * of them would be accepted. Stored thresholds go when the gallery is migrated to another
 * model. */
FCT_API fct_status fct_gallery_calibrate(fct_gallery *g, const fct_calibrate_opts *opts, fct_calibration *out,
                                         fct_error *err);

/* ---- Copies, exchange, another model ---------------------------------------------- */

/* Writes a copy to a new file while the gallery is in use; the copy is complete
 * and on disk when the call returns, and a gallery itself. FCT_ERR_EXISTS when
 * there is such a file. */
FCT_API fct_status fct_gallery_backup(fct_gallery *g, const char *path, fct_error *err);

/* Writes people, faces and embeddings as text, one JSON object per line
 * (docs/gallery-format.md), and the faces' pictures where crops is set. The file
 * appears, or is replaced, when it is complete. */
FCT_API fct_status fct_gallery_export(fct_gallery *g, const char *path, bool crops, fct_error *err);

/* The same text, handed to write line by line; data is borrowed for the call. What
 * write returns other than FCT_OK, with its error, ends the export and is returned. */
typedef fct_status fct_export_fn(const void *data, size_t size, void *user, fct_error *err);
FCT_API fct_status fct_gallery_export_to(fct_gallery *g, fct_export_fn *write, void *user, bool crops, fct_error *err);

/* Adds all that such a file holds, in one transaction: people of the same name
 * become one, faces that are already there are not stored again. *added (may be
 * NULL): new faces. FCT_ERR_FORMAT names the line; FCT_ERR_MISMATCH when the
 * models differ. Where the thread works in a collection (fct_gallery_work_in()), all go there,
 * whatever the file says. */
FCT_API fct_status fct_gallery_import(fct_gallery *g, const char *path, int *added, fct_error *err);

/* Adds faces of another program: embeddings [n][dim] in a NumPy file (.npy, or
 * .npz as numpy.savez() writes it with one array of two dimensions; float16,
 * float32 or float64; pickled objects are refused) and a CSV file with one line
 * for each: name, or name,source; a first line "name" or "name,source" is a
 * heading. model_id says which network made them: nothing in the file does. One
 * transaction. */
FCT_API fct_status fct_gallery_import_npy(fct_gallery *g, const char *model_id, const char *npy_path,
                                          const char *csv_path, int *added, fct_error *err);

/* How far a copy is. */
typedef struct fct_gallery_copied {
    int people, faces; /* that were new */
    int seen;          /* faces of the source that were looked at */
} fct_gallery_copied;

/* Called after each batch; what it returns other than FCT_OK, with its error, ends the copy and is returned. */
typedef fct_status fct_copy_fn(const fct_gallery_copied *done, void *user, fct_error *err);

/* Adds all of from to to, which may be of another kind: a file, a server. Collections,
 * settings that to has not, people with their details, faces with pictures, negatives;
 * not the audit log, which tells what was done to one gallery. Others may use both
 * meanwhile: of from one state is copied. People of the same name in the same
 * collection become one, a face that is there already is not stored again. Written in
 * batches, each durable: a copy that was stopped goes on when it is called again. tell
 * and out may be NULL. FCT_ERR_MISMATCH when the models differ. */
FCT_API fct_status fct_gallery_copy(fct_gallery *from, fct_gallery *to, fct_copy_fn *tell, void *user,
                                    fct_gallery_copied *out, fct_error *err);

/* Adds faces from anywhere, in one transaction: source calls put for each of them,
 * with sink. It may be called again from the beginning, when another process has
 * written meanwhile, and must then give the same faces. What put or source returns
 * other than FCT_OK ends it all, and nothing is stored. Faces already there are not
 * stored again; *added (may be NULL) counts the others. Faces of a person should
 * come together. */
typedef fct_status fct_import_put_fn(void *sink, const char *name, const fct_enrollment *face, fct_error *err);
typedef fct_status fct_import_source_fn(void *user, fct_import_put_fn *put, void *sink, fct_error *err);
FCT_API fct_status fct_gallery_import_from(fct_gallery *g, fct_import_source_fn *source, void *user, int *added,
                                           fct_error *err);

/* Makes the embedding of a stored face anew with another model: from its picture
 * (crop NULL = it has none, face->crop_cut says how it was cut) into embedding [dim]. FCT_ERR_NOT_FOUND: cannot be
 * made from this picture; any other failure ends the migration. Must not use the
 * gallery. */
typedef fct_status fct_reembed_fn(const fct_stored_face *face, const void *crop, size_t crop_len, float *embedding,
                                  int dim, void *user, fct_error *err);

/* Moves the gallery to another model: all faces through fn, then one transaction.
 * Faces for which fn gives FCT_ERR_NOT_FOUND are removed where drop is set, else
 * the call fails with FCT_ERR_NOT_FOUND and nothing is changed. *dropped (may be
 * NULL): how many. Others may read and write meanwhile. */
FCT_API fct_status fct_gallery_migrate(fct_gallery *g, const char *model_id, int dim, fct_reembed_fn *fn, void *user,
                                       bool drop, int *dropped, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif

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

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fct_gallery fct_gallery;

typedef struct fct_gallery_opts {
    size_t size;     /* sizeof this struct; set by fct_gallery_opts_init() */
    bool read_only;  /* (default false) */
    bool must_exist; /* true: FCT_ERR_NOT_FOUND instead of creating it (default false) */
    int busy_ms;     /* how long to wait for another process's write before FCT_ERR_BUSY (default 5000) */
    bool fast;       /* search in stages, for large galleries: see fct_gallery_search() (default false) */
} fct_gallery_opts;
FCT_API void fct_gallery_opts_init(fct_gallery_opts *o);

/* Opens or creates, with the folders above it. *out is owned. Errors:
 * FCT_ERR_FORMAT (not a gallery, or damaged), FCT_ERR_IO, FCT_ERR_BUSY,
 * FCT_ERR_UNSUPPORTED (made by a newer version). */
FCT_API fct_status fct_gallery_open(const char *path, const fct_gallery_opts *opts, fct_gallery **out, fct_error *err);
FCT_API void fct_gallery_free(fct_gallery *g);

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

/* One person found. */
typedef struct fct_match {
    int64_t person_id, face_id; /* face_id: the person's nearest face */
    float score;                /* cosine, -1..1 */
    char name[201];
} fct_match;

/* The k persons nearest to an embedding, best first, those with score >=
 * threshold only. A person's score is the best of its faces'. Exact search, or, where
 * the gallery was opened with fast, in stages: the 1024 faces whose signs are most
 * like the embedding's are looked at more closely. Scores are the same, and twelve
 * times as fast with 100,000 faces, but a person who is far from the embedding may be
 * missed; for galleries of fewer than 4096 faces and for k above 16 it is exact all
 * the same. A quarter more memory.
 * out: [k], caller-owned; *n_found: how many were filled. An empty gallery finds
 * nothing. FCT_ERR_MISMATCH when model_id or dim is not the gallery's. */
FCT_API fct_status fct_gallery_search(fct_gallery *g, const char *model_id, const float *embedding, int dim,
                                      float threshold, int k, fct_match *out, int *n_found, fct_error *err);

/* The same for n embeddings [n][dim] at once; out is [n][k], n_found [n]. */
FCT_API fct_status fct_gallery_search_batch(fct_gallery *g, const char *model_id, const float *embeddings, int n,
                                            int dim, float threshold, int k, fct_match *out, int *n_found,
                                            fct_error *err);

typedef struct fct_person {
    int64_t id;
    char name[201];
    int faces;       /* how many are stored */
    int64_t created; /* seconds since 1970, UTC */
} fct_person;

/* All people, by name. *out is owned: free it with fct_gallery_people_free(). */
FCT_API fct_status fct_gallery_people(fct_gallery *g, fct_person **out, int *n, fct_error *err);
FCT_API void fct_gallery_people_free(fct_person *p);

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
 * it is given, then as it would be stored. */
FCT_API fct_status fct_gallery_find(fct_gallery *g, const char *name, fct_person *out, fct_error *err);
/* The same by id. */
FCT_API fct_status fct_gallery_person(fct_gallery *g, int64_t person_id, fct_person *out, fct_error *err);
FCT_API fct_status fct_gallery_face(fct_gallery *g, int64_t face_id, fct_stored_face *out, fct_error *err);
FCT_API fct_status fct_gallery_rename(fct_gallery *g, int64_t person_id, const char *name, fct_error *err);
FCT_API fct_status fct_gallery_remove_person(fct_gallery *g, int64_t person_id, fct_error *err);
FCT_API fct_status fct_gallery_remove_face(fct_gallery *g, int64_t face_id, fct_error *err);

/* Moves all faces of person from to person into and removes from, in one
 * transaction. A face that into already has (see fct_gallery_enroll) is dropped.
 * FCT_ERR_ARG when both are the same. */
FCT_API fct_status fct_gallery_merge(fct_gallery *g, int64_t from, int64_t into, fct_error *err);

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
    int schema; /* version of the file's tables */
} fct_gallery_info;
FCT_API fct_status fct_gallery_stat(fct_gallery *g, fct_gallery_info *out, fct_error *err);

/* Full integrity check; FCT_ERR_FORMAT with the first fault found.
 * FCT_ERR_UNSUPPORTED: sound, but two people have one name in two spellings, or a
 * name is blank (of an older facet); the text says who. */
FCT_API fct_status fct_gallery_check(fct_gallery *g, fct_error *err);

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
 * models differ. */
FCT_API fct_status fct_gallery_import(fct_gallery *g, const char *path, int *added, fct_error *err);

/* Adds faces of another program: embeddings [n][dim] in a NumPy file (.npy, or
 * .npz as numpy.savez() writes it with one array of two dimensions; float16,
 * float32 or float64; pickled objects are refused) and a CSV file with one line
 * for each: name, or name,source; a first line "name" or "name,source" is a
 * heading. model_id says which network made them: nothing in the file does. One
 * transaction. */
FCT_API fct_status fct_gallery_import_npy(fct_gallery *g, const char *model_id, const char *npy_path,
                                          const char *csv_path, int *added, fct_error *err);

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

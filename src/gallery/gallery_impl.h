/* Inside of fct_gallery. */
#ifndef FCT_GALLERY_IMPL_H
#define FCT_GALLERY_IMPL_H

#include "base/thread.h"
#include "facet/gallery.h"
#include "gallery/gallery_db.h"
#include "index/idmap.h"
#include "index/index.h"

#define FCT_NAME_MAX   200
#define FCT_SOURCE_MAX 4096
#define FCT_CROP_MAX   ((size_t)16 << 20)

/* A person as searches see it. */
typedef struct fct_mirror_person {
    int64_t id;
    char *name; /* owned; NULL = free slot */
} fct_mirror_person;

/* The copy in memory that searches run on. Its content changes only while no
 * search reads it, see gallery_mirror.c. */
typedef struct fct_mirror {
    fct_index *index; /* owned; NULL while the gallery has no face */
    char model_id[65];
    int dim;
    fct_mirror_person *people; /* [n_people] */
    uint32_t n_people, cap_people;
    fct_idmap by_person; /* person id -> place in people */
    int64_t seq;         /* last entry of the change log that is in it */
} fct_mirror;

struct fct_gallery {
    fct_mutex lock; /* guards all but the mirror's content */
    fct_db db;
    char *path; /* owned */
    bool read_only;
    int busy_ms;
    sqlite3_stmt *version_stmt; /* PRAGMA data_version, kept prepared */
    int64_t version;            /* its value when the mirror was last brought up to date */
    bool current;               /* false: look at the change log whatever data_version says */
    bool whole;                 /* false: the mirror must be read anew */
    fct_mirror mirror;
    fct_mutex readers_lock;
    fct_cond readers_gone;
    int readers; /* searches that are reading the mirror */
};

/* ---- gallery_schema.c: the tables, as docs/gallery-format.md describes them */
#define FCT_GALLERY_APP_ID 0x46435447 /* "FCTG" */
#define FCT_GALLERY_SCHEMA 2

/* Makes sure that db is a gallery and sets db->schema: creates the tables in a
 * file without any (where create allows), migrates older ones unless read_only
 * (they are read as they are), refuses the rest. */
fct_status fct_gallery_schema_prepare(fct_db *db, bool create, bool read_only, fct_error *err);

/* Compares every table and index with what schema version has. */
fct_status fct_gallery_schema_verify(const fct_db *db, int version, fct_error *err);

/* What an entry of the change log tells other processes to read again. */
typedef enum fct_change { FCT_CHANGE_FACE = 1, FCT_CHANGE_PERSON = 2, FCT_CHANGE_ALL = 3 } fct_change;
fct_status fct_gallery_log_change(const fct_db *db, fct_change what, int64_t id, fct_error *err);

/* Sees to it that the model is pinned while there are faces, and only then.
 * Part of every transaction that removes faces. */
fct_status fct_gallery_unpin_if_empty(const fct_db *db, fct_error *err);

/* ---- gallery_mirror.c */
/* Brings the mirror up to date with the file. Holds g->lock. */
fct_status fct_gallery_sync(fct_gallery *g, fct_error *err);
void fct_mirror_clear(fct_mirror *m);
/* Name of a person, NULL where there is none. Borrowed while the mirror is read. */
const char *fct_mirror_name(const fct_mirror *m, int64_t person_id);

/* Begin and end reading the mirror. Begin needs g->lock, which may then be
 * given up; the mirror stays as it is until the end. */
void fct_gallery_read_begin(fct_gallery *g);
void fct_gallery_read_end(fct_gallery *g);

/* ---- gallery_value.c: values on their way in and out of the file */
/* Embeddings are stored as little-endian IEEE 754 singles. */
void fct_embedding_pack(const float *v, int dim, uint8_t *out);
/* False unless size is 4 * dim and all values are finite and not all zero. */
bool fct_embedding_unpack(const void *data, size_t size, int dim, float *out);
/* Checksum over embedding and crop (NULL = none): the first eight bytes of their SHA-256. */
int64_t fct_face_checksum(const void *embedding, size_t embedding_size, const void *crop, size_t crop_size);
/* Cosine in double precision; neither may be zero. */
double fct_embedding_cosine(const float *a, const float *b, int dim);
/* A name of 1..FCT_NAME_MAX bytes of UTF-8 without control characters; text says what is wrong. */
bool fct_name_valid(const char *name, const char **why);
/* Copies at most cap - 1 bytes; bytes that are not UTF-8 and control characters
 * become '?'; never ends inside a character. */
void fct_text_clean(const char *src, char *out, size_t cap);

/* ---- gallery.c */
/* Opens another connection for reading an existing gallery, for long work that
 * must not hold the lock. Close with fct_db_close(); closed on failure. */
fct_status fct_gallery_open_reader(fct_db *db, const char *path, int busy_ms, fct_error *err);

/* Takes the lock and starts a write transaction; refuses a read-only gallery.
 * fct_gallery_write_end() commits or rolls back, brings the mirror up to date
 * and gives up the lock. A change that is on disk is reported as done even when
 * memory for the mirror was short; the next search tries again. */
fct_status fct_gallery_write_begin(fct_gallery *g, fct_error *err);
fct_status fct_gallery_write_end(fct_gallery *g, fct_status s, fct_error *err);

/* ---- gallery_enroll.c */
/* A person's faces, for finding duplicates. */
typedef struct fct_face_set {
    int dim, n, cap;
    int64_t *ids;
    float *embeddings; /* [n][dim] */
} fct_face_set;
fct_status fct_face_set_load(const fct_db *db, int64_t person_id, int dim, fct_face_set *out, fct_error *err);
fct_status fct_face_set_add(fct_face_set *s, int64_t id, const float *embedding, fct_error *err);
int64_t fct_face_set_find(const fct_face_set *s, const float *embedding); /* id of an equal face, 0 = none */
void fct_face_set_clear(fct_face_set *s);

/* FCT_ERR_ARG unless model_id has 1..64 printable ASCII characters and dim is in range. */
fct_status fct_model_check(const char *model_id, int dim, fct_error *err);
/* FCT_ERR_ARG, FCT_ERR_LIMIT or FCT_ERR_MISMATCH where fct_gallery_enroll() would
 * give it without looking at the file. */
fct_status fct_enrollment_check(const char *name, const fct_enrollment *faces, int n, fct_error *err);

/* Enrolls one face after another inside a write transaction; all of one model.
 * Starts as {.db = db}; faces of a person should come together. */
typedef struct fct_enroller {
    const fct_db *db;
    int dim, added; /* added: how many were no duplicates */
    int64_t person;
    char name[FCT_NAME_MAX + 1];
    fct_face_set known; /* the person's faces */
    uint8_t *blob;
} fct_enroller;
fct_status fct_enroller_put(fct_enroller *e, const char *name, const fct_enrollment *f, int64_t created, int64_t *id,
                            fct_error *err);
void fct_enroller_clear(fct_enroller *e);

/* Id of the person called name, who is created if need be. The name is valid. */
fct_status fct_gallery_get_person(const fct_db *db, const char *name, int64_t created, int64_t *id, fct_error *err);

/* ---- gallery_people.c */
/* The start of a query for fct_gallery_read_face(); more columns may follow it. */
const char *fct_gallery_face_columns(const fct_db *db);
/* Reads such a row. */
fct_status fct_gallery_read_face(const fct_db *db, sqlite3_stmt *q, fct_stored_face *out, fct_error *err);
/* Removes a person inside a write transaction. */
fct_status fct_gallery_delete_person(const fct_db *db, int64_t id, fct_error *err);

#endif

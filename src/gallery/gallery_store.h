/* What a gallery needs of the database that keeps it: a table of verbs.
 *
 * Everything above this header (people, names, duplicates, search, import and
 * export) knows no SQL. Each database is one implementation of the table:
 * sqlite/ for a file; a test keeps one in memory. docs/decisions/0052 says why
 * the verbs are as they are.
 *
 * A store is one connection. It is used by one thread at a time, and a visitor
 * must not call the store that is calling it. Verbs take arrays wherever there
 * can be many of a thing, so that a database behind a network answers a batch in
 * one round trip.
 *
 * All verbs other than open, close, reader, version and backup run inside a
 * transaction, see fct_store_run(). The verbs that change something also add to
 * the change feed what others have to read again.
 *
 * Text and bytes that come out of a store are not trusted: whoever reads them
 * checks them. A store promises valid structure only: columns are there and have
 * their types. */
#ifndef FCT_GALLERY_GALLERY_STORE_H
#define FCT_GALLERY_GALLERY_STORE_H

#include "facet/gallery.h"

/* ---- What is stored ---------------------------------------------------------- */

/* The model that made the embeddings; dim is 0 while there is none. */
typedef struct fct_store_model {
    char id[65]; /* "" where what is stored is damaged */
    int64_t dim;
} fct_store_model;

typedef struct fct_store_person {
    int64_t id, created;
    const char *name; /* NULL where what is stored is no text */
    int64_t faces;    /* how many, where it was asked for */
    bool is_new;      /* set by people_add */
} fct_store_person;

/* A face. What was not asked for is zero. */
typedef struct fct_store_face {
    int64_t id, person_id, created;
    double box[4], score, quality;
    const char *source;    /* NULL = unknown */
    const void *embedding; /* dim little-endian IEEE 754 singles */
    size_t embedding_size;
    const void *crop; /* JPEG; NULL = none */
    size_t crop_size;
    bool has_crop;
    int crop_cut;     /* fct_crop_cut */
    int64_t checksum; /* fct_face_checksum() of embedding and crop */
} fct_store_face;

/* What an entry of the change feed tells others to read again. */
typedef enum fct_change { FCT_CHANGE_FACE = 1, FCT_CHANGE_PERSON = 2, FCT_CHANGE_ALL = 3 } fct_change;
typedef struct fct_store_change {
    fct_change what;
    int64_t id; /* of the face or person; it may be gone */
} fct_store_change;

/* ---- Questions ------------------------------------------------------------------ */

/* Which people. ids or names, or all where both are NULL. */
typedef struct fct_people_query {
    const int64_t *ids;
    const char *const *names;
    size_t n;         /* of ids or names */
    bool count_faces; /* fill in fct_store_person.faces */
    bool by_name;     /* in the order of their names' bytes; else by id */
} fct_people_query;

/* Parts of a face that cost something to read. */
enum { FCT_FACE_INFO = 1, FCT_FACE_EMBEDDING = 2, FCT_FACE_CROP = 4 }; /* FCT_FACE_INFO: all but these two */

/* Which faces: those with these ids, those of these people, or all. */
typedef struct fct_faces_query {
    const int64_t *ids;
    const int64_t *people;
    size_t n; /* of ids or people */
    int parts;
    bool by_person; /* a person's faces together, oldest first; else in any order */
} fct_faces_query;

/* Visitors. What a record points to is borrowed for the call. A failure ends the scan and is its result. */
typedef fct_status fct_person_fn(void *ctx, const fct_store_person *p, fct_error *err);
typedef fct_status fct_face_fn(void *ctx, const fct_store_face *f, fct_error *err);

/* Entries of the change feed after a number, each thing once, people before faces. */
typedef struct fct_store_changes {
    int64_t newest;          /* number of the last entry; 0 = none */
    bool complete;           /* false: the feed does not reach back that far */
    fct_store_change *items; /* [n], owned: fct_free() */
    size_t n;
} fct_store_changes;

/* ---- The verbs ------------------------------------------------------------------ */

typedef struct fct_store fct_store;
typedef enum fct_store_mode {
    FCT_STORE_READ, /* sees one state of the database throughout */
    FCT_STORE_WRITE /* and keeps other writers out, or fails with retry set when one came between */
} fct_store_mode;

typedef struct fct_store_ops {
    void (*close)(fct_store *st);
    /* Another connection that only reads, for long work beside this one. *out is owned. */
    fct_status (*reader)(fct_store *st, fct_store **out, fct_error *err);

    fct_status (*begin)(fct_store *st, fct_store_mode mode, fct_error *err);
    /* Commits where s is FCT_OK, else rolls back; gives s or the commit's failure. What was committed is on disk. */
    fct_status (*end)(fct_store *st, fct_status s, fct_error *err);

    /* A number that differs from the last answer when another connection may have
     * committed since. Cheap: asked before every search. */
    fct_status (*version)(fct_store *st, int64_t *out, fct_error *err);
    fct_status (*changes)(fct_store *st, int64_t after, fct_store_changes *out, fct_error *err);

    /* Counts, and the version of the tables. */
    fct_status (*describe)(fct_store *st, int64_t *people, int64_t *faces, int *schema, fct_error *err);
    fct_status (*get_model)(fct_store *st, fct_store_model *out, fct_error *err);
    fct_status (*set_model)(fct_store *st, const fct_store_model *m, fct_error *err); /* dim 0: none */

    fct_status (*people)(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err);
    /* Finds each person by name or creates it; sets id, and is_new where it was created. */
    fct_status (*people_add)(fct_store *st, fct_store_person *p, size_t n, fct_error *err);
    /* *found false: there is no such person. FCT_ERR_EXISTS: another one has the name. */
    fct_status (*person_rename)(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err);
    /* With all their faces. *removed: how many there were. */
    fct_status (*people_remove)(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

    fct_status (*faces)(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
    fct_status (*faces_add)(fct_store *st, fct_store_face *f, size_t n, fct_error *err); /* sets the ids */
    /* Moves faces to a person; ids that are gone are passed over. */
    fct_status (*faces_move)(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err);
    /* Replaces embedding and checksum of the faces with these ids; passes over those that are gone. */
    fct_status (*faces_embed)(fct_store *st, const fct_store_face *f, size_t n, fct_error *err);
    fct_status (*faces_remove)(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

    /* The database's own integrity check: FCT_ERR_FORMAT with the first fault. */
    fct_status (*check)(fct_store *st, fct_error *err);
    /* Writes a copy to a new file, see fct_gallery_backup(). FCT_ERR_UNSUPPORTED where it is not a file. */
    fct_status (*backup)(fct_store *st, const char *path, fct_error *err);
} fct_store_ops;

/* The head of every store. */
struct fct_store {
    const fct_store_ops *ops;
    const char *place; /* for messages: path or address; lives as long as the store */
    bool retry;        /* the verb that failed last did so because of another transaction: begin again */
};

/* ---- gallery_store.c ---------------------------------------------------------------------- */

/* Opens what path names: the store of the first kind whose mark path begins with,
 * else a file of SQLite. *out is owned: fct_store_close(). */
fct_status fct_store_open(const char *path, const fct_gallery_opts *o, fct_store **out, fct_error *err);
void fct_store_close(fct_store *st); /* NULL is harmless */

/* Runs fn inside a transaction, which is committed where fn gives FCT_OK. Where
 * the store says retry, runs it again: fn must begin from the start each time and
 * leave no trace in ctx of an earlier try. */
typedef fct_status fct_store_fn(void *ctx, fct_store *st, fct_error *err);
fct_status fct_store_run(fct_store *st, fct_store_mode mode, fct_store_fn *fn, void *ctx, fct_error *err);

#endif

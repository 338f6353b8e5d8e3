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
 * All verbs other than open, close, reader, version, purge and backup run inside a
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

/* The model that made the embeddings, also those of negatives; dim is 0 while there is none. */
typedef struct fct_store_model {
    char id[65]; /* "" where what is stored is damaged */
    int64_t dim;
} fct_store_model;

/* A part of a gallery with people of its own. Number 1 is always there. */
typedef struct fct_store_collection {
    int64_t id, created;
    const char *name; /* NULL where what is stored is no text */
    bool is_new;      /* set by collections_add */
} fct_store_collection;
#define FCT_COLLECTION_DEFAULT 1

typedef struct fct_store_person {
    int64_t id, created;
    int64_t collection_id;
    int64_t expires;   /* seconds since 1970, UTC; 0 = never */
    const char *name;  /* unique in the collection; NULL where what is stored is no text */
    const void *label; /* what a sealed gallery keeps beside the name, sealed_store.h; NULL = nothing */
    size_t label_size;
    const void *details; /* gallery_details.c; NULL = none, or not asked for */
    size_t details_size;
    const void *key; /* the person's own key, sealed; NULL = none, or not asked for */
    size_t key_size;
    int64_t faces; /* how many, where it was asked for */
    bool is_new;   /* set by people_add */
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
    const void *key;  /* the person's, where it was asked for */
    size_t key_size;
} fct_store_face;

/* A face that is not the person's, though it may look so. */
typedef struct fct_store_negative {
    int64_t id, person_id, created;
    const void *embedding; /* as a face's */
    size_t embedding_size;
    const void *key; /* the person's, where it was asked for */
    size_t key_size;
} fct_store_negative;

/* What somebody has set: of a collection, or, with collection 0, of the whole gallery. */
typedef struct fct_store_setting {
    int64_t collection_id;
    const char *key;   /* NULL where what is stored is no text, as value */
    const char *value; /* for settings_put: NULL removes it */
} fct_store_setting;

/* An entry of the audit log, see gallery_audit.c. */
typedef struct fct_store_audit {
    int64_t seq, at;
    const char *actor, *what, *detail; /* NULL where what is stored is no text */
    uint8_t hash[32];                  /* zeros where what is stored is none */
} fct_store_audit;

/* A person's own key, sealed with that of the gallery. */
typedef struct fct_store_key {
    int64_t person_id;
    const void *data; /* NULL removes it */
    size_t size;
} fct_store_key;

/* What an entry of the change feed tells others to read again. */
typedef enum fct_change {
    FCT_CHANGE_FACE = 1,
    FCT_CHANGE_PERSON = 2, /* with negatives */
    FCT_CHANGE_ALL = 3,
    FCT_CHANGE_SETTING = 4 /* collections and settings; id 0 */
} fct_change;
typedef struct fct_store_change {
    fct_change what;
    int64_t id; /* of the face or person; it may be gone */
} fct_store_change;

/* ---- Questions ------------------------------------------------------------------ */

/* Parts of a person that cost something to read, and what people_update() changes. */
enum {
    FCT_PERSON_DETAILS = 1,
    FCT_PERSON_KEY = 2,
    FCT_PERSON_NAME = 4, /* with label */
    FCT_PERSON_COLLECTION = 8,
    FCT_PERSON_EXPIRES = 16
};

/* Which people. ids or names, or all where both are NULL. */
typedef struct fct_people_query {
    const int64_t *ids;
    const char *const *names;
    size_t n;              /* of ids or names */
    int64_t collection_id; /* those of this collection alone; 0 = of all */
    int parts;             /* FCT_PERSON_DETAILS, FCT_PERSON_KEY */
    bool count_faces;      /* fill in fct_store_person.faces */
    bool by_name;          /* in the order of their names' bytes, then by id; else by id where all are asked for */
    int64_t after;         /* those with a higher id alone; 0 = all */
    size_t most; /* so many of them, by id, where neither ids nor names nor their order are asked for; 0 = all */
} fct_people_query;

/* Parts of a face that cost something to read, and what faces_update() changes. */
enum {
    FCT_FACE_INFO = 1, /* all but the others */
    FCT_FACE_EMBEDDING = 2,
    FCT_FACE_CROP = 4,
    FCT_FACE_KEY = 8,
    FCT_FACE_SOURCE = 16 /* for faces_update() alone */
};

/* Which faces: those with these ids, those of these people, or all. */
typedef struct fct_faces_query {
    const int64_t *ids;
    const int64_t *people;
    size_t n; /* of ids or people */
    int parts;
    bool by_person; /* a person's faces together, oldest first; else in any order */
} fct_faces_query;

/* Which faces may be the nearest. */
typedef struct fct_nearest_query {
    const float *probe; /* [dim], of any length but zero */
    int dim;
    size_t n;
    int64_t collection_id; /* of the people in this one alone; 0 = all */
} fct_nearest_query;

/* Visitors. What a record points to is borrowed for the call. A failure ends the scan and is its result. */
typedef fct_status fct_person_fn(void *ctx, const fct_store_person *p, fct_error *err);
typedef fct_status fct_face_fn(void *ctx, const fct_store_face *f, fct_error *err);
typedef fct_status fct_collection_fn(void *ctx, const fct_store_collection *c, fct_error *err);
typedef fct_status fct_setting_fn(void *ctx, const fct_store_setting *x, fct_error *err);
typedef fct_status fct_negative_fn(void *ctx, const fct_store_negative *x, fct_error *err);
typedef fct_status fct_audit_fn(void *ctx, const fct_store_audit *a, fct_error *err);

/* Entries of the change feed after a number, each thing once: settings, people, faces. */
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
    /* dim 0: none. Negatives go where it is another one than before. */
    fct_status (*set_model)(fct_store *st, const fct_store_model *m, fct_error *err);

    fct_status (*people)(fct_store *st, const fct_people_query *q, fct_person_fn *fn, void *ctx, fct_error *err);
    /* How many people, and faces of theirs, are in a collection. */
    fct_status (*people_count)(fct_store *st, int64_t collection_id, int64_t *people, int64_t *faces, fct_error *err);
    /* Finds each person by name in the collection or creates it, with expires, label
     * and details; sets id, and is_new where it was created. */
    fct_status (*people_add)(fct_store *st, fct_store_person *p, size_t n, fct_error *err);
    /* Changes what parts says of the people with these ids. *found: how many there
     * are. FCT_ERR_EXISTS: another one of the collection has the name. */
    fct_status (*people_update)(fct_store *st, const fct_store_person *p, size_t n, int parts, size_t *found,
                                fct_error *err);
    /* With their faces, negatives and keys. *removed: how many people there were. */
    fct_status (*people_remove)(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

    fct_status (*faces)(fct_store *st, const fct_faces_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
    /* n numbers for new faces, *first and those that follow it, which nobody else gets
     * if they are used in this transaction. */
    fct_status (*face_ids)(fct_store *st, size_t n, int64_t *first, fct_error *err);
    /* A face with id 0 gets one, which is set; others keep theirs, of face_ids. */
    fct_status (*faces_add)(fct_store *st, fct_store_face *f, size_t n, fct_error *err);
    /* Moves faces to a person; ids that are gone are passed over. */
    fct_status (*faces_move)(fct_store *st, const int64_t *ids, size_t n, int64_t person_id, fct_error *err);
    /* Replaces what parts says (embedding, crop with its cut, source), and the
     * checksum, of the faces with these ids; passes over those that are gone. */
    fct_status (*faces_update)(fct_store *st, const fct_store_face *f, size_t n, int parts, fct_error *err);
    fct_status (*faces_remove)(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

    fct_status (*collections)(fct_store *st, fct_collection_fn *fn, void *ctx, fct_error *err); /* all, by id */
    /* Finds each by name or creates it; sets id, and is_new where it was created. */
    fct_status (*collections_add)(fct_store *st, fct_store_collection *c, size_t n, fct_error *err);
    /* *found false: there is no such collection. FCT_ERR_EXISTS: another one has the name. */
    fct_status (*collection_rename)(fct_store *st, int64_t id, const char *name, bool *found, fct_error *err);
    /* With its settings. Nobody may be in it any more. */
    fct_status (*collection_remove)(fct_store *st, int64_t id, bool *found, fct_error *err);
    fct_status (*settings)(fct_store *st, fct_setting_fn *fn, void *ctx, fct_error *err); /* all */
    fct_status (*settings_put)(fct_store *st, const fct_store_setting *x, size_t n, fct_error *err);

    /* Of these people [n], or of all where people is NULL; a person's together. parts: FCT_FACE_KEY. */
    fct_status (*negatives)(fct_store *st, const int64_t *people, size_t n, int parts, fct_negative_fn *fn, void *ctx,
                            fct_error *err);
    fct_status (*negatives_add)(fct_store *st, fct_store_negative *x, size_t n, fct_error *err); /* sets the ids */
    fct_status (*negatives_remove)(fct_store *st, const int64_t *ids, size_t n, size_t *removed, fct_error *err);

    /* Entries of the audit log after seq, in their order. The log is only added to. */
    fct_status (*audit)(fct_store *st, int64_t after, fct_audit_fn *fn, void *ctx, fct_error *err);
    /* The last entry's number and hash; 0 and zeros where there is none. */
    fct_status (*audit_last)(fct_store *st, int64_t *seq, uint8_t hash[32], fct_error *err);
    fct_status (*audit_add)(fct_store *st, const fct_store_audit *a, size_t n, fct_error *err); /* seq is given */

    fct_status (*keys_put)(fct_store *st, const fct_store_key *k, size_t n, fct_error *err);

    /* Outside of transactions: leaves nothing of what was removed in the database's
     * files. FCT_ERR_BUSY where others keep it from doing so. */
    fct_status (*purge)(fct_store *st, fct_error *err);

    /* The database's own integrity check: FCT_ERR_FORMAT with the first fault. */
    fct_status (*check)(fct_store *st, fct_error *err);
    /* Writes a copy to a new file, see fct_gallery_backup(). FCT_ERR_UNSUPPORTED where it is not a file. */
    fct_status (*backup)(fct_store *st, const char *path, fct_error *err);

    /* For stores that can search by themselves, see fct_store.searches; else NULL. At
     * least q->n faces, where there are so many, among which are the nearest, as well as
     * the database can tell; with embeddings, in any order. */
    fct_status (*nearest)(fct_store *st, const fct_nearest_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
    /* Makes what lets nearest() be fast, where it is not there. Outside of transactions. */
    fct_status (*make_index)(fct_store *st, fct_error *err);
} fct_store_ops;

/* The head of every store. */
struct fct_store {
    const fct_store_ops *ops;
    const char *place; /* for messages: path or address; lives as long as the store */
    const char *seal;  /* the setting "encryption" that it was opened by; NULL = it is not encrypted */
    const char *actor; /* who works with it, for the audit log; NULL = nobody is named */
    bool searches;     /* nearest() works */
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

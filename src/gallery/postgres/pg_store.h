/* The store in a PostgreSQL database: its inside, shared by the files of this
 * folder. docs/decisions/0057 says why it is as it is. */
#ifndef FCT_GALLERY_PG_STORE_H
#define FCT_GALLERY_PG_STORE_H

#include "base/thread.h"
#include "gallery/gallery_store.h"
#include "gallery/store_verbs.h"
#include "postgres/pg_conn.h"

/* Opens or creates the gallery that an address names, as fct_gallery_open()
 * promises. *out is owned. */
fct_status fct_pg_store_open(const char *address, const fct_gallery_opts *o, fct_store **out, fct_error *err);

/* The connection of a store of this kind, NULL for another kind: for what is on the
 * same server and shall happen in the same transaction. */
fct_pg *fct_pg_of_store(fct_store *st);

#define FCT_PG_POOL 4 /* idle connections for reading that a gallery keeps */

typedef struct fct_pg_store fct_pg_store;

/* What the connections of one gallery share. */
typedef struct fct_pg_pool {
    fct_pg_address address;
    int busy_ms;
    fct_mutex lock; /* guards what follows */
    int users;      /* open stores */
    fct_pg_store *idle[FCT_PG_POOL];
    int n_idle;
} fct_pg_pool;

struct fct_pg_store {
    fct_store head; /* first: a fct_store pointer to it is one to this */
    fct_pg pg;
    fct_pg_pool *pool;
    bool writes; /* may begin transactions that write */
    int schema;  /* of the tables; 0 = not looked at */
    fct_store_mode mode;

    /* What the server can do, found out at every connecting. */
    bool citus;
    uint32_t halfvec; /* pgvector's type; 0 = there is no pgvector 0.8 or newer */
    bool vectors;     /* and the gallery keeps vectors for it */

    /* The transaction. */
    int conflicts;             /* how often in a row others came between */
    fct_store_change *changes; /* [n_changes] for the feed, written when it ends; owned */
    size_t n_changes, cap_changes;
    int64_t generation, dim; /* of the model's vectors; 0 = not asked yet */
    int64_t pending;         /* generation of vectors that wait for set_model; 0 = none */
    int64_t pending_dim;     /* how many values they have */

    /* How a commit whose answer was lost is looked up afterwards. */
    char session[40]; /* key of our row in commit_mark; "" = none yet */
    int64_t mark;     /* what the last transaction writes there */
};

static inline fct_pg_store *fct_pg_store_of(fct_store *st) { return (fct_pg_store *)st; }

/* ---- pg_schema.c: the tables */
#define FCT_PG_SCHEMA 3
/* Makes sure that there is a gallery and sets st->schema: creates the tables where
 * create allows it, refuses what is not ours. */
fct_status fct_pg_schema_prepare(fct_pg_store *st, bool create, fct_error *err);
/* Settings of a new connection and what its server can do. */
fct_status fct_pg_session_setup(fct_pg *c, void *store, fct_error *err);

/* ---- pg_transaction.c */
fct_status fct_pg_begin(fct_store *st, fct_store_mode mode, fct_error *err);
fct_status fct_pg_end(fct_store *st, fct_status s, fct_error *err);
/* Adds an entry to the change feed, at the end of the transaction. */
fct_status fct_pg_log(fct_pg_store *st, fct_change what, int64_t id, fct_error *err);
fct_status fct_pg_version(fct_store *st, int64_t *out, fct_error *err);

/* ---- Verbs, see gallery_store.h. pg_people.c, pg_faces.c, pg_collections.c, pg_negatives.c, pg_audit.c, pg_check.c */
FCT_STORE_DECLARE(fct_pg)
fct_status fct_pg_check(fct_store *st, fct_error *err);

/* An answer that is not what was asked for. */
fct_status fct_pg_odd_answer(const fct_pg_store *st, fct_error *err);
/* Whether the last failure was that somebody else was faster: two made the same at
 * once. Then the transaction is tried again. */
bool fct_pg_was_faster(fct_pg_store *st);

/* ---- pg_vectors.c: copies of the embeddings for pgvector */
extern const char fct_pg_vectors_sql[], fct_pg_vectors_distribute_sql[];
fct_status fct_pg_vectors_find(fct_pg_store *st, fct_error *err); /* sets st->vectors */
/* After faces were added, or their embeddings replaced. Embeddings that are none
 * (encrypted ones) get no vector. */
fct_status fct_pg_vectors_add(fct_pg_store *st, const fct_store_face *f, size_t n, bool replace, fct_error *err);
/* After the model was set or removed: vectors of others go. */
fct_status fct_pg_vectors_model_set(fct_pg_store *st, int64_t generation, int64_t dim, fct_error *err);
/* At the end of a transaction: vectors that still wait are the model's. */
fct_status fct_pg_vectors_settle(fct_pg_store *st, fct_error *err);

/* pgvector's binary form of an embedding scaled to length 1, in out of 4 + 2 * dim bytes. */
void fct_pg_halfvec(const float *v, int dim, uint8_t *out);

/* ---- pg_search.c */
fct_status fct_pg_nearest(fct_store *st, const fct_nearest_query *q, fct_face_fn *fn, void *ctx, fct_error *err);
fct_status fct_pg_make_index(fct_store *st, fct_error *err);

/* Removes the model when the last face is gone. Part of every verb that removes faces. */
fct_status fct_pg_unpin_if_empty(fct_pg_store *st, fct_error *err);

#endif

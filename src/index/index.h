/* Nearest-neighbor search by cosine over face embeddings.
 *
 * An index is rows (who is where, embeddings: index_rows.c) and ways to score
 * them: index_search.c compares a probe with every row exactly, index_stages.c
 * finds by coarse scores which rows need that. It stands behind a table of
 * functions, so that a test can put a naive one in its place.
 *
 * Searches run on a view: the rows as they were when the view was begun. Adding
 * and removing rows meanwhile copies what a view still needs, so that neither
 * side waits for the other. Views may be searched and ended by any thread at any
 * time; everything else needs the index alone (the gallery's lock). */
#ifndef FCT_INDEX_INDEX_H
#define FCT_INDEX_INDEX_H

#include "facet/base.h"
#include "index/idset.h"

#define FCT_INDEX_PANEL      16    /* rows per panel, fixed by kernel score_f32 */
#define FCT_INDEX_DIM_MAX    16384 /* longest embedding */
#define FCT_INDEX_STAGE_ROWS 2048  /* with more rows an index makes sketches of them */

typedef struct fct_index fct_index;
typedef struct fct_index_view fct_index_view;

/* A face found. */
typedef struct fct_hit {
    int64_t person_id, face_id;
    float score; /* cosine, -1..1 */
} fct_hit;

/* Which faces a search may find: those that satisfy both conditions. Sets are
 * borrowed for the search. */
typedef struct fct_index_filter {
    const fct_idset *people; /* person ids; NULL = everybody */
    const fct_idset *faces;  /* face ids; NULL = all */
    bool not_people;         /* everybody but people */
    bool not_faces;          /* all but faces */
} fct_index_filter;

/* What a search looks for. */
typedef struct fct_index_query {
    const float *probes; /* [n][dim], of any length but zero */
    int n;
    float threshold; /* hits have at least this score */
    int k;           /* hits per probe */
    bool faces;      /* each face is a hit; else each person, by the nearest face */
    bool fast;       /* signs choose the rows that are compared (index_stages.c); else the result is exact */
    const fct_index_filter *filter; /* NULL = all faces. Others are as if they were not there */
} fct_index_query;

typedef struct fct_index_ops {
    /* Views that are still in use stay valid. */
    void (*destroy)(fct_index *x);
    size_t (*count)(const fct_index *x); /* rows */
    /* Adds a row, or replaces the one with this face id. The embedding [dim] may
     * have any length but zero. FCT_ERR_ARG when it is zero or not finite. On
     * failure the index is unchanged. */
    fct_status (*add)(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err);
    /* The same for a face that is not there yet, faster for many. NULL: add does. */
    fct_status (*append)(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err);
    /* Harmless where absent. FCT_ERR_NOMEM: there was no room for a copy that is
     * needed. FCT_ERR_FORMAT, FCT_ERR_IO: the cache file is not what it was. The row
     * is still there. */
    fct_status (*remove)(fct_index *x, int64_t face_id, fct_error *err);
    /* All rows of a person, in time that depends on these rows alone. */
    fct_status (*remove_person)(fct_index *x, int64_t person_id, fct_error *err);
    fct_index_view *(*view_begin)(fct_index *x); /* owned: view_end */
    void (*view_end)(fct_index_view *v);
    fct_status (*search)(const fct_index_view *v, const fct_index_query *q, fct_hit *out, int *n_found, fct_error *err);
} fct_index_ops;

/* The heads of every index and view. */
struct fct_index {
    const fct_index_ops *ops;
    int dim;
};
struct fct_index_view {
    const fct_index_ops *ops;
};

/* Makes an index for embeddings of dim 1..FCT_INDEX_DIM_MAX. *out is owned. */
typedef fct_status fct_index_make_fn(int dim, fct_index **out, fct_error *err);
fct_status fct_index_create(int dim, fct_index **out, fct_error *err);
/* The same for many rows: it makes sketches of them (a third more memory, and
 * searches that are two to four times as fast) from the first row on and not from
 * FCT_INDEX_STAGE_ROWS on. */
fct_status fct_index_create_staged(int dim, fct_index **out, fct_error *err);

/* ---- Cache files (index_file.h) -------------------------------------------------- */

/* What a cache file belongs to. Compared byte by byte: begin with a zeroed one. */
typedef struct fct_index_key {
    char database[40]; /* says which database, and which history of it */
    char model[72];
} fct_index_key;

/* Makes an index of the rows in a cache file, which stay there: some 90 MB a million
 * are read now, 512 MB when searches need them. *seq: the number that was given when
 * it was written. FCT_ERR_FORMAT: it does not fit the key, or is damaged; any failure
 * means that the index has to be made from its source. *out is owned. */
fct_status fct_index_cache_open(const char *path, const fct_index_key *key, fct_index **out, int64_t *seq,
                                fct_error *err);
/* Whether the file fits the key, as far as its header tells; *seq as above. */
fct_status fct_index_cache_check(const char *path, const fct_index_key *key, int64_t *seq, fct_error *err);
/* Between these two, rows that are appended to an empty index go to a new cache file,
 * so that never more than some thousand embeddings are in memory. Nobody searches
 * meanwhile. The file is for this user alone and replaces an old one when it is
 * complete. After a failure of either, or of an append between them, the index can
 * only be freed. */
fct_status fct_index_cache_begin(fct_index *x, const char *path, fct_error *err);
fct_status fct_index_cache_end(fct_index *x, const fct_index_key *key, int64_t seq, fct_error *err);
/* Empties the file and removes it, so that no other process reads on in it.
 * Harmless where there is none. */
fct_status fct_index_cache_remove(const char *path, fct_error *err);

/* The verbs by name. NULL is harmless to free. */
void fct_index_free(fct_index *x);
int fct_index_dim(const fct_index *x);
size_t fct_index_count(const fct_index *x);
fct_status fct_index_add(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err);
fct_status fct_index_append(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err);
fct_status fct_index_remove(fct_index *x, int64_t face_id, fct_error *err);
fct_status fct_index_remove_person(fct_index *x, int64_t person_id, fct_error *err);
fct_index_view *fct_index_view_begin(fct_index *x);
void fct_index_view_end(fct_index_view *v);

/* The k nearest persons (or faces) with score >= threshold of each probe, best
 * first; a person's score is that of the nearest face. Equal scores come by person
 * id, then face id, ascending. out: [n][k], n_found: [n], caller-owned. FCT_ERR_ARG
 * when a probe is zero or not finite, n or k negative, or the threshold not a
 * number. */
fct_status fct_index_view_search(const fct_index_view *v, const fct_index_query *q, fct_hit *out, int *n_found,
                                 fct_error *err);

/* The nearest persons among the rows of this moment. */
fct_status fct_index_search(fct_index *x, const float *probes, int n, float threshold, int k, fct_hit *out,
                            int *n_found, fct_error *err);

/* Scales src [dim] to unit length into dst with the given step between
 * components. False when src is zero or not finite; dst is then unchanged. */
bool fct_index_normalize(const float *src, int dim, float *dst, size_t step);

#endif

/* Inside of the index: rows in chunks, versions of them, lists of hits.
 *
 * Rows are kept at unit length, some thousand to a chunk of about 4 MiB, so that
 * growing copies nothing. An index with few rows keeps them in panels of 16,
 * interleaved: float i of the panel's row r is at [i * 16 + r]. One vector then
 * holds the same component of 8 or 16 rows, and every score is one chain of
 * multiply-adds in component order, whatever the shape of the batch, the position
 * of the row or the number of threads: results do not depend on any of them.
 *
 * An index with more rows is *staged*: its rows lie one behind the other, and each
 * also has a sketch (signs and 8-bit integers), by which searches choose the rows
 * that are worth an exact score. These few are copied into a panel and scored by
 * the same kernel, so the scores are the same to the last bit. The rows themselves
 * may then lie in a file (index_file.h).
 *
 * A view is a version: which chunks there are, and how many rows. While nobody
 * looks at the newest version it is changed where it is. Otherwise the writer
 * makes a new version, which shares all chunks, and copies a chunk before it
 * changes it. Chunks and versions count who needs them. */
#ifndef FCT_INDEX_IMPL_H
#define FCT_INDEX_IMPL_H

#include "base/thread.h"
#include "index/idmap.h"
#include "index/index.h"

#define FCT_INDEX_TASK_PANELS 32 /* most panels that one task of a search scores */
#define FCT_INDEX_SKETCH_ROWS 8  /* rows whose signs lie side by side, fixed by kernel sketch_hamming */
#define FCT_INDEX_LIST_MAX    64 /* longest k kept as a list; longer ones sort all candidates */

/* Less work than this (multiply-adds, or bytes compared) is done before other threads are awake. */
#define FCT_INDEX_PARALLEL_MIN ((size_t)1 << 19)

typedef struct fct_index_row {
    int64_t face_id, person_id;
} fct_index_row;

/* Arrays by row. Those of a chunk with a file belong to the file, are never
 * written to, and reach only to the last row of the file. */
typedef struct fct_chunk {
    int versions; /* that it is in */
    struct fct_index_file *file;
    size_t number; /* of the chunk in the file */
    fct_index_row *rows;
    float *panels;          /* [panels][dim][FCT_INDEX_PANEL], where the index is not staged */
    float *vectors;         /* [rows][dim], where it is; NULL with a file. What follows is for staged ones, too */
    uint64_t *bits;         /* [rows / 8][words][8] */
    int8_t *bytes;          /* [rows][size]; NULL with a file: fct_chunk_bytes() */
    float *scales, *errors; /* what a byte is worth; length of what the bytes leave over */
} fct_chunk;

struct fct_rows;

/* What a view sees: a fct_index_view pointer is one to this. */
typedef struct fct_edition {
    fct_index_view head;
    struct fct_rows *of;
    int users; /* views, and the index where it is the newest */
    bool staged;
    size_t n;           /* rows, 0..n-1 without holes */
    fct_chunk **chunks; /* [n_chunks] */
    size_t n_chunks, cap_chunks;
} fct_edition;

/* Rows of a person are a list, linked both ways by row numbers. */
typedef struct fct_link {
    uint32_t next, prev; /* FCT_IDMAP_NONE at the ends */
} fct_link;

/* The index of this folder. The maps belong to the newest version and are not
 * used by views. They are made when something is changed for the first time. */
typedef struct fct_rows {
    fct_index head;
    size_t stage_rows;                    /* it becomes staged when it gets more */
    size_t panels_per_chunk, task_panels; /* the first a multiple of the second */
    fct_mutex lock;                       /* guards the counts of versions, chunks, files and views */
    int views;                            /* that are in use */
    bool closed;                          /* freed but for its views */
    bool mapped;                          /* the maps and links are there */
    fct_edition *now;
    struct fct_index_writer *writer; /* of a cache file, while rows are appended; owned */
    fct_idmap by_face;               /* face id -> row */
    fct_idmap by_person;             /* person id -> first row of the list */
    fct_link *links;                 /* [links_cap] by row */
    size_t links_cap;
} fct_rows;

/* ---- index_rows.c */
size_t fct_index_per_chunk(int dim); /* rows of a chunk */
/* The index of a file's rows, which takes the opener's place among its users; also on failure. */
fct_status fct_rows_create_of(struct fct_index_file *f, fct_index **out, fct_error *err);

static inline size_t fct_rows_per_chunk(const fct_rows *x) { return x->panels_per_chunk * FCT_INDEX_PANEL; }
static inline fct_chunk *fct_edition_chunk(const fct_edition *v, size_t row) {
    return v->chunks[row / fct_rows_per_chunk(v->of)];
}
static inline fct_index_row *fct_edition_row(const fct_edition *v, size_t row) {
    return &fct_edition_chunk(v, row)->rows[row % fct_rows_per_chunk(v->of)];
}

/* Words of signs and bytes of integers of a row. */
static inline int fct_sketch_words(int dim) { return (dim + 63) / 64; }
static inline int fct_sketch_bytes(int dim) { return (dim + 63) / 64 * 64; }

/* ---- index_chunk.c */
/* A chunk of one version with room for all its rows; contents undefined. NULL: out of memory. */
fct_chunk *fct_chunk_create(const fct_rows *x, bool staged);
void fct_chunk_free(fct_chunk *c); /* holds the lock of the index */
/* A copy of the first n rows that is in memory, and staged where asked for. */
fct_status fct_chunk_copy(const fct_rows *x, const fct_chunk *c, size_t n, bool staged, fct_chunk **out,
                          fct_error *err);
/* Makes the arrays of a chunk those of the file, which counts one user more. */
void fct_chunk_use_file(fct_chunk *c, struct fct_index_file *f, size_t number);
/* Row `at` will be the last one: readies the panel that it begins. */
void fct_chunk_extend(const fct_rows *x, fct_chunk *c, size_t at);
/* Puts an embedding at unit length into row `at`; false where it has no length. Makes its sketch where staged. */
bool fct_chunk_put(const fct_rows *x, fct_chunk *c, size_t at, const float *embedding);
/* Copies a row; both chunks are in memory. */
void fct_chunk_move(const fct_rows *x, fct_chunk *to, size_t to_at, const fct_chunk *from, size_t from_at);
/* Copies n rows, one behind the other, to out [n][dim]. Staged chunks only. */
fct_status fct_chunk_vectors(const fct_rows *x, const fct_chunk *c, size_t at, size_t n, float *out, fct_error *err);
/* Puts rows [n][dim] into lanes lane..lane+n-1 of a panel. */
void fct_panel_fill(float *panel, int lane, const float *rows, size_t n, int dim);

/* ---- index_filter.c */
/* The rows that a search may find, a bit each; all of them where bits is NULL. */
typedef struct fct_row_mask {
    uint64_t *bits; /* [(rows + 63) / 64] */
    size_t n;       /* how many are set */
} fct_row_mask;
/* filter NULL: all rows. False: out of memory. Freed by fct_free(out->bits). */
bool fct_row_mask_make(const fct_edition *v, const fct_index_filter *filter, fct_row_mask *out);
static inline bool fct_row_allowed(const fct_row_mask *m, size_t row) {
    return !m->bits || (m->bits[row / 64] >> row % 64 & 1);
}
/* Whether any of the rows first..first+n-1 may be found. */
bool fct_rows_allowed(const fct_row_mask *m, size_t first, size_t n);

/* ---- index_topk.c: the k best seen so far, best first. k is small: searching is linear. */
typedef struct fct_topk {
    fct_hit *hits; /* [k] */
    int n, k;
    float floor; /* scores below it cannot enter */
    bool faces;  /* a person may be listed more than once */
} fct_topk;

void fct_topk_init(fct_topk *t, fct_hit *hits, int k, float threshold, bool faces);
void fct_topk_put(fct_topk *t, fct_hit hit); /* hit.score >= t->floor */

/* Order of results: score down, then person id, then face id up. */
int fct_hit_compare(const void *a, const void *b);

/* ---- index_search.c */
fct_status fct_edition_search(const fct_index_view *view, const fct_index_query *q, fct_hit *out, int *n_found,
                              fct_error *err);

/* The rows of a task, all in one chunk. */
typedef struct fct_task_rows {
    size_t first, n; /* first is a multiple of FCT_INDEX_PANEL */
} fct_task_rows;
fct_task_rows fct_rows_of_task(const fct_edition *v, int index);
int fct_count_tasks(const fct_edition *v);

/* Probes of a search, at unit length, and what is wanted. */
typedef struct fct_search_group {
    const fct_edition *v;
    const fct_row_mask *mask;
    const float *unit; /* [n][dim] */
    int n, k;          /* k: at most as many as there are rows */
    float threshold;
    bool faces;
} fct_search_group;

/* ---- index_stages.c: searches of a staged index with k up to FCT_INDEX_LIST_MAX.
 * out: [n][k_out]. With fast, signs choose the rows that are looked at. */
fct_status fct_stages_search(const fct_search_group *g, bool fast, int k_out, fct_hit *out, int *n_found,
                             fct_error *err);
/* Whether signs may choose: few results, and rows enough. */
bool fct_signs_fit(const fct_edition *v, const fct_row_mask *mask, int k);

#endif

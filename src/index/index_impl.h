/* Inside of the index: rows in chunks, versions of them, lists of hits.
 *
 * Rows are kept at unit length in panels of 16, interleaved: float i of the
 * panel's row r is at [i * 16 + r]. One vector then holds the same component of
 * 8 or 16 rows, and every score is one chain of multiply-adds in component
 * order, whatever the shape of the batch, the position of the row or the number
 * of threads: results do not depend on any of them. Panels are gathered in
 * chunks of about 4 MiB, so growing copies nothing.
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

typedef struct fct_index_row {
    int64_t face_id, person_id;
} fct_index_row;

typedef struct fct_chunk {
    int versions;        /* that it is in */
    float *data;         /* [panels_per_chunk][dim][FCT_INDEX_PANEL] */
    fct_index_row *rows; /* [panels_per_chunk * FCT_INDEX_PANEL] */
    /* For searching in stages, else NULL: by row, see fct_stage_fill(). */
    uint64_t *bits;
    int8_t *bytes;
    float *scales;
} fct_chunk;

struct fct_rows;

/* What a view sees: a fct_index_view pointer is one to this. */
typedef struct fct_edition {
    fct_index_view head;
    struct fct_rows *of;
    int users;          /* views, and the index where it is the newest */
    size_t n;           /* rows, 0..n-1 without holes */
    fct_chunk **chunks; /* [n_chunks] */
    size_t n_chunks, cap_chunks;
} fct_edition;

/* Rows of a person are a list, linked both ways by row numbers. */
typedef struct fct_link {
    uint32_t next, prev; /* FCT_IDMAP_NONE at the ends */
} fct_link;

/* The index of this folder. The maps belong to the newest version and are not
 * used by views. */
typedef struct fct_rows {
    fct_index head;
    bool staged;                          /* rows also have what the stages of a search look at */
    size_t panels_per_chunk, task_panels; /* the first a multiple of the second */
    fct_mutex lock;                       /* guards the counts of versions, chunks and views */
    int views;                            /* that are in use */
    bool closed;                          /* freed but for its views */
    fct_edition *now;
    fct_idmap by_face;   /* face id -> row */
    fct_idmap by_person; /* person id -> first row of the list */
    fct_link *links;     /* [links_cap] by row */
    size_t links_cap;
} fct_rows;

static inline size_t fct_rows_per_chunk(const fct_rows *x) { return x->panels_per_chunk * FCT_INDEX_PANEL; }

/* First float of a panel; the panels behind it follow until the chunk ends. */
static inline float *fct_edition_panel(const fct_edition *v, size_t panel) {
    const fct_rows *x = v->of;
    size_t at = panel % x->panels_per_chunk;
    return v->chunks[panel / x->panels_per_chunk]->data + at * (size_t)x->head.dim * FCT_INDEX_PANEL;
}

static inline fct_index_row *fct_edition_row(const fct_edition *v, size_t row) {
    size_t per = fct_rows_per_chunk(v->of);
    return &v->chunks[row / per]->rows[row % per];
}

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
/* Whether any of the rows first..first+n-1 may be found. first is a multiple of FCT_INDEX_PANEL. */
bool fct_rows_allowed(const fct_row_mask *m, size_t first, size_t n);

/* index_search.c */
fct_status fct_edition_search(const fct_index_view *view, const fct_index_query *q, fct_hit *out, int *n_found,
                              fct_error *err);

/* ---- index_stages.c */
/* Words of bits and bytes of a row. */
int fct_stage_words(int dim);
int fct_stage_bytes(int dim);
/* Makes signs and 8-bit integers of a row of unit length, whose components are
 * step floats apart; returns what one of the integers stands for. */
float fct_stage_fill(const float *v, size_t step, int dim, uint64_t *bits, int8_t *bytes);
/* Whether the stages can answer a question: few results, and rows enough. */
bool fct_stages_fit(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask);
/* unit: the n probes at unit length. */
fct_status fct_stages_search(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask,
                             const float *unit, int n, fct_hit *out, int *n_found, fct_error *err);

/* The k best seen so far, best first. k is small: searching is linear. */
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

#endif

/* Inside of fct_index, shared by its storage and its search. */
#ifndef FCT_INDEX_IMPL_H
#define FCT_INDEX_IMPL_H

#include "index/idmap.h"
#include "index/index.h"

typedef struct fct_index_row {
    int64_t face_id, person_id;
} fct_index_row;

struct fct_index {
    int dim;
    size_t panels_per_chunk;
    size_t n;       /* rows in use, 0..n-1 without holes */
    float **chunks; /* [n_chunks], each [panels_per_chunk][dim][FCT_INDEX_PANEL] */
    size_t n_chunks;
    fct_index_row *rows; /* [rows_cap] */
    size_t rows_cap;
    fct_idmap by_face; /* face id -> row */
};

/* First float of a panel. */
static inline float *fct_index_panel(const fct_index *x, size_t panel) {
    size_t in_chunk = panel % x->panels_per_chunk;
    return x->chunks[panel / x->panels_per_chunk] + in_chunk * (size_t)x->dim * FCT_INDEX_PANEL;
}

/* The k best persons seen so far, best first. k is small: searching is linear. */
typedef struct fct_topk {
    fct_hit *hits; /* [k] */
    int n, k;
    float floor; /* scores below it cannot enter */
} fct_topk;

void fct_topk_init(fct_topk *t, fct_hit *hits, int k, float threshold);
void fct_topk_put(fct_topk *t, fct_hit hit); /* hit.score >= t->floor */

/* Order of results: score down, then person id, then face id up. */
int fct_hit_compare(const void *a, const void *b);

#endif

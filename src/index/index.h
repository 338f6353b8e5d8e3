/* Exact nearest-neighbor search by cosine over face embeddings.
 *
 * Rows are kept at unit length in panels of 16, interleaved: float i of the
 * panel's row r is at [i * 16 + r]. One vector then holds the same component of
 * 8 or 16 rows, and every score is one chain of multiply-adds in component
 * order, whatever the shape of the batch, the position of the row or the number
 * of threads: results do not depend on any of them. Panels are gathered in
 * chunks of about 4 MiB that never move, so growing copies nothing.
 *
 * An index may be searched by several threads at once; add and remove need it
 * alone. */
#ifndef FCT_INDEX_INDEX_H
#define FCT_INDEX_INDEX_H

#include "facet/base.h"

#define FCT_INDEX_PANEL   16    /* rows per panel, fixed by kernel score_f32 */
#define FCT_INDEX_DIM_MAX 16384 /* longest embedding */

typedef struct fct_index fct_index;

/* dim: 1..FCT_INDEX_DIM_MAX. *out is owned. */
fct_status fct_index_create(int dim, fct_index **out, fct_error *err);
void fct_index_free(fct_index *x);

int fct_index_dim(const fct_index *x);
size_t fct_index_count(const fct_index *x); /* rows */

/* Adds a row, or replaces the one with this face id. The embedding [dim] may
 * have any length but zero. FCT_ERR_ARG when it is zero or not finite. On
 * failure the index is unchanged. */
fct_status fct_index_add(fct_index *x, int64_t face_id, int64_t person_id, const float *embedding, fct_error *err);

void fct_index_remove(fct_index *x, int64_t face_id);          /* harmless where absent */
void fct_index_remove_person(fct_index *x, int64_t person_id); /* all rows of a person */

/* A person found: the face nearest to the probe. */
typedef struct fct_hit {
    int64_t person_id, face_id;
    float score; /* cosine, -1..1 */
} fct_hit;

/* The k nearest persons with score >= threshold of each of n probes [n][dim] of
 * any length but zero, best first; a person's score is that of the nearest
 * face. Equal scores come by person id, equal faces of a person by face id,
 * ascending. out: [n][k], n_found: [n], caller-owned. FCT_ERR_ARG when a probe
 * is zero or not finite, n or k negative, or the threshold not a number. */
fct_status fct_index_search(const fct_index *x, const float *probes, int n, float threshold, int k, fct_hit *out,
                            int *n_found, fct_error *err);

/* Scales src [dim] to unit length into dst with the given step between
 * components. False when src is zero or not finite; dst is then unchanged. */
bool fct_index_normalize(const float *src, int dim, float *dst, size_t step);

#endif

/* Searches of a staged index, in parts: signs choose rows (optional, index_stages.c),
 * 8-bit integers bound the scores of rows (index_refine.c), and rows whose bound
 * reaches what the k-th best has for certain are scored exactly.
 *
 * The bound: a row r = b + e, where b is what the integers stand for and e the rest,
 * whose length is known; the same for the probe p = c + f. Then r.p = b.c + e.c + r.f,
 * and as r has length 1, |r.p - b.c| <= |e| |c| + |f|. So nothing that belongs to the
 * result is lost: without signs it is the result of scoring all rows exactly, to the
 * last bit. */
#ifndef FCT_INDEX_INDEX_STAGES_H
#define FCT_INDEX_INDEX_STAGES_H

#include "index/index_impl.h"

#define FCT_BYTES_ROWS 128 /* rows compared with all probes by one call */

/* A probe as integers. */
typedef struct fct_probe {
    float scale; /* what an integer is worth */
    float share; /* of the error of a row: |c| */
    float slack; /* |f|, and what rounding may add */
} fct_probe;

/* A row whose score may be as high as upper. */
typedef struct fct_index_candidate {
    uint32_t row;
    float upper;
} fct_index_candidate;

/* What one worker found for one probe. */
typedef struct fct_picks {
    fct_topk sure;              /* the k best by what their scores are at least */
    fct_index_candidate *items; /* [cap], without those whose upper was below sure.floor */
    size_t n, cap;
    bool failed; /* out of memory */
} fct_picks;

/* Memory of a worker. */
typedef struct fct_stage_room {
    float *panel, *row; /* [FCT_INDEX_PANEL][dim], [dim] */
    int32_t *sums;      /* [n][FCT_BYTES_ROWS] */
    int8_t *bytes;      /* [FCT_BYTES_ROWS][size]: rows of a file */
} fct_stage_room;

typedef struct fct_stage_job {
    const fct_search_group *g;
    int size, words, n_workers;
    fct_probe *probes;       /* [n] */
    int8_t *bytes;           /* [n][size] of the probes */
    uint64_t *signs;         /* [n][words] */
    fct_hit *hits;           /* [workers][n][k]: of the picks */
    fct_picks *picks;        /* [workers][n] */
    fct_stage_room *rooms;   /* [workers] */
    struct shortlist *lists; /* [workers][n] rows chosen by signs, or NULL */
    fct_hit *out;            /* [n][k_out] */
    int *n_found, k_out;
    fct_mutex lock; /* guards the first failure */
    fct_status bad;
    fct_error err;
} fct_stage_job;

/* Remembers a failure of a task. */
void fct_stage_fail(fct_stage_job *j, fct_status s, const fct_error *err);

/* Compares all probes with the rows of a task. */
void fct_bytes_task(void *ctx, int index, int worker);
/* Compares probe p with these rows. */
void fct_bytes_rows(fct_stage_job *j, int p, int worker, const uint32_t *rows, size_t n);
/* Scores exactly what all workers picked for a probe, and writes its hits. */
void fct_exact_scores(fct_stage_job *j, int p, int worker);

bool fct_stage_make(fct_stage_job *j); /* false: out of memory; clear all the same */
void fct_stage_clear(fct_stage_job *j);

#endif

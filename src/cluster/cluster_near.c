/* The nearest faces of each face, exactly: all pairs are compared, each once, in
 * tiles of BLOCK by BLOCK faces, by the kernel of a search (kernels/score.inc). A
 * score goes to the lists of both faces, each a heap whose root is the worst of
 * the k that are kept; what is kept depends on the scores and the faces' numbers
 * alone, not on which thread saw what first. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "cluster/cluster_impl.h"
#include "index/index.h"
#include "kernels/kernels.h"
#include <string.h>

#define BLOCK  256
#define PANEL  FCT_INDEX_PANEL
#define STRIDE 16 /* scores that are looked at together */

typedef struct near_job {
    const float *unit;
    size_t n, n_free, blocks;
    int dim;
    float floor;
    fct_near_lists *lists;
    float *least;     /* [blocks * BLOCK] what a score must be to enter a face's list; past n: more than any */
    fct_mutex *locks; /* [blocks] for the lists and `least` of a block's faces */
    float *panels;    /* [workers][BLOCK][dim] the rows of the worker's task, as the kernel wants them */
    float *scores;    /* [workers][BLOCK][BLOCK] */
} near_job;

/* ---- A list ---------------------------------------------------------------------------- */

static bool is_worse(fct_near a, fct_near b) { return a.score < b.score || (a.score == b.score && a.face > b.face); }

static void sift_up(fct_near *h, uint32_t i) {
    for (; i && is_worse(h[i], h[(i - 1) / 2]); i = (i - 1) / 2) {
        fct_near t = h[i];
        h[i] = h[(i - 1) / 2];
        h[(i - 1) / 2] = t;
    }
}

static void sift_down(fct_near *h, uint32_t n) {
    for (uint32_t i = 0, worst = 0;; i = worst) {
        for (uint32_t c = 2 * i + 1; c < n && c <= 2 * i + 2; c++)
            if (is_worse(h[c], h[worst])) worst = c;
        if (worst == i) return;
        fct_near t = h[i];
        h[i] = h[worst];
        h[worst] = t;
    }
}

/* Called with the lock of the face's block. */
static void put(near_job *j, size_t face, size_t other, float score) {
    uint32_t *n = &j->lists->count[face], k = (uint32_t)j->lists->k;
    fct_near *h = j->lists->list + face * k, found = {(uint32_t)other, score};
    if (*n < k) {
        h[*n] = found;
        sift_up(h, (*n)++);
    } else if (is_worse(h[0], found)) {
        h[0] = found;
        sift_down(h, k);
    }
    if (*n == k) j->least[face] = h[0].score;
}

/* ---- A tile ----------------------------------------------------------------------------- */

/* Puts up to BLOCK faces into panels of 16, those past the last as zeros. */
static void fill_panels(const near_job *j, size_t first, float *panels) {
    size_t end = first + BLOCK < j->n ? first + BLOCK : j->n, dim = (size_t)j->dim;
    if (end - first < BLOCK) memset(panels, 0, BLOCK * dim * sizeof *panels);
    for (size_t r = first; r < end; r++) {
        float *to = panels + (r - first) / PANEL * PANEL * dim + (r - first) % PANEL;
        for (size_t i = 0; i < dim; i++) to[i * PANEL] = j->unit[r * dim + i];
    }
}

/* Gives the scores of probe p with the faces first .. first + BLOCK - 1 to whom they are good enough for. In the tile
 * of a block with itself a pair is seen twice and given once. */
static void give(near_job *j, size_t p, size_t first, const float *scores, bool diagonal) {
    const float *least = j->least + first;
    size_t n = diagonal ? p - first : BLOCK;
    for (size_t i = 0; i < n; i += STRIDE) {
        int any = 0;
        float mine = j->least[p];
        for (size_t r = i; r < i + STRIDE; r++) any |= (scores[r] >= mine) | (scores[r] >= least[r]);
        if (!any) continue;
        for (size_t r = i; r < i + STRIDE && r < n && first + r < j->n; r++) {
            if (scores[r] >= j->least[p]) put(j, p, first + r, scores[r]);
            if (scores[r] >= least[r]) put(j, first + r, p, scores[r]);
        }
    }
}

static void do_tile(near_job *j, size_t probes, size_t rows, const float *panels, float *scores) {
    size_t first = probes * BLOCK, n = j->n - first < BLOCK ? j->n - first : BLOCK;
    fct_kernels()->score_f32(scores, BLOCK, panels, BLOCK / PANEL, j->unit + first * (size_t)j->dim, (int)n, j->dim);
    fct_mutex_lock(&j->locks[rows < probes ? rows : probes]);
    if (rows != probes) fct_mutex_lock(&j->locks[rows < probes ? probes : rows]);
    for (size_t p = 0; p < n; p++) give(j, first + p, rows * BLOCK, scores + p * BLOCK, rows == probes);
    if (rows != probes) fct_mutex_unlock(&j->locks[rows < probes ? probes : rows]);
    fct_mutex_unlock(&j->locks[rows < probes ? rows : probes]);
}

/* One block of rows with all blocks of probes up to it, each task from another start so that they meet seldom. Blocks
 * of rows come from the end: the longest tasks first. */
static void near_task(void *ctx, int index, int worker) {
    near_job *j = ctx;
    size_t rows = j->blocks - 1 - (size_t)index, count = rows + 1;
    float *panels = j->panels + (size_t)worker * BLOCK * (size_t)j->dim;
    float *scores = j->scores + (size_t)worker * BLOCK * BLOCK;
    if (rows * BLOCK >= j->n_free) { /* known faces: the free ones alone are compared with them */
        count = (j->n_free + BLOCK - 1) / BLOCK;
        if (count > rows + 1) count = rows + 1;
    }
    fill_panels(j, rows * BLOCK, panels);
    for (size_t i = 0; i < count; i++) do_tile(j, (i + (size_t)index) % count, rows, panels, scores);
}

/* ---- All of it ----------------------------------------------------------------------------- */

void fct_near_free(fct_near_lists *l) {
    fct_free(l->list);
    fct_free(l->count);
    *l = (fct_near_lists){0};
}

static bool make_job(near_job *j, size_t workers) {
    size_t cells;
    if (!fct_mul_size(j->lists->n, (size_t)j->lists->k, &cells)) return false;
    j->lists->list = fct_realloc_array(NULL, cells, sizeof(fct_near));
    j->lists->count = fct_calloc(j->lists->n + 1, sizeof(uint32_t));
    j->least = fct_realloc_array(NULL, j->blocks * BLOCK, sizeof(float));
    j->locks = fct_realloc_array(NULL, j->blocks, sizeof *j->locks);
    j->panels = fct_aligned_alloc(workers * BLOCK * (size_t)j->dim * sizeof(float));
    j->scores = fct_aligned_alloc(workers * BLOCK * BLOCK * sizeof(float));
    return j->lists->list && j->lists->count && j->least && j->locks && j->panels && j->scores;
}

fct_status fct_near_find(const float *unit, size_t n, size_t n_free, int dim, int k, float floor, fct_near_lists *out,
                         fct_error *err) {
    near_job j = {unit, n, n_free, (n + BLOCK - 1) / BLOCK, dim, floor, out, NULL, NULL, NULL, NULL};
    *out = (fct_near_lists){.n = n, .k = k};
    size_t workers = fct_parallel_begin() ? (size_t)fct_parallel_width() : 1;
    bool good = make_job(&j, workers);
    if (good) {
        for (size_t i = 0; i < j.blocks * BLOCK; i++) j.least[i] = i < n ? floor : 3;
        for (size_t i = 0; i < j.blocks; i++) fct_mutex_init(&j.locks[i]);
        if (workers > 1) fct_parallel((int)j.blocks, near_task, &j);
        else
            for (size_t i = 0; i < j.blocks; i++) near_task(&j, (int)i, 0);
        for (size_t i = 0; i < j.blocks; i++) fct_mutex_destroy(&j.locks[i]);
    }
    fct_parallel_end();
    fct_aligned_free(j.scores);
    fct_aligned_free(j.panels);
    fct_free(j.locks);
    fct_free(j.least);
    if (good) return FCT_OK;
    fct_near_free(out);
    return fct_fail_nomem(err, "the nearest faces of each face", n * (size_t)k * sizeof(fct_near));
}

/* The nearest faces of each face, exactly. Pairs are compared in tiles of BLOCK by
 * BLOCK faces, first by integers of 8 bits (kernels/sketch.inc, kernels/int8.inc).
 * Their products give a bound that the cosine does not exceed; the cosine itself is
 * computed only where the bound is good enough for the list of one of the two faces.
 *
 * A list is a heap whose root is the worst of the k that are kept. What is kept
 * depends on the cosines and the faces' numbers alone, not on which thread saw what
 * first: a cosine does not depend on the tile in which its pair is seen. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "cluster/cluster_impl.h"
#include "kernels/kernels.h"
#include <string.h>

#define BLOCK     256
#define FEW       64 /* probes that one task of fct_near_between() takes */
#define MOST_SIDE 16384

/* ---- Faces as integers ----------------------------------------------------------------- */

/* Makes the integers of faces index * BLOCK and what follows. */
static void sketch_task(void *ctx, int index, int worker) {
    fct_near_faces *f = ctx;
    uint64_t signs[MOST_SIDE / 64];
    size_t first = (size_t)index * BLOCK, end = first + BLOCK < f->n ? first + BLOCK : f->n;
    (void)worker;
    for (size_t i = first; i < end; i++)
        fct_kernels()->sketch_row(&f->scale[i], &f->error[i], signs, f->bytes + i * (size_t)f->size,
                                  f->unit + i * (size_t)f->dim, f->dim);
}

bool fct_near_faces_make(fct_near_faces *f, const float *unit, size_t n, int dim) {
    size_t cells;
    *f = (fct_near_faces){.unit = unit, .n = n, .dim = dim, .size = (dim + 63) / 64 * 64};
    if (!fct_mul_size(n, (size_t)f->size, &cells)) return false;
    f->bytes = fct_aligned_alloc(cells + 64);
    f->scale = fct_realloc_array(NULL, n + 1, sizeof *f->scale);
    f->error = fct_realloc_array(NULL, n + 1, sizeof *f->error);
    if (!f->bytes || !f->scale || !f->error) return false;
    fct_parallel((int)((n + BLOCK - 1) / BLOCK), sketch_task, f);
    return true;
}

void fct_near_faces_free(fct_near_faces *f) {
    fct_aligned_free(f->bytes);
    fct_free(f->scale);
    fct_free(f->error);
    *f = (fct_near_faces){0};
}

/* What the cosine of a face with another exceeds the product of their integers by at most is `share` times the other's
 * error and `slack`: the last two terms are for a sum of dim products in single precision. */
typedef struct near_probe {
    float scale, share, slack;
} near_probe;

static near_probe probe_of(const fct_near_faces *f, size_t face) {
    float error = f->error[face];
    return (near_probe){f->scale[face], 1 + error, error + 4e-6f + (float)f->dim * 1.2e-7f};
}

/* Sets the bits of those of n faces from `first` on whose cosine with the probe may reach floor. sums: of the products
 * of integers. */
static void find_candidates(const fct_near_faces *f, const near_probe *p, size_t first, size_t n, const int32_t *sums,
                            float floor, uint64_t mask[BLOCK / 64]) {
    fct_kernels()->reach_int8(mask, sums, f->scale + first, f->error + first, n, p->share / p->scale,
                              (floor - p->slack) / p->scale);
}

/* What the cosine of the probe and a face is at most. */
static float bound(const fct_near_faces *f, const near_probe *p, size_t face, int32_t sum) {
    return (float)sum * f->scale[face] * p->scale + f->error[face] * p->share + p->slack;
}

static float cosine(const fct_near_faces *f, size_t a, size_t b) {
    return fct_kernels()->dot_f32(f->unit + a * (size_t)f->dim, f->unit + b * (size_t)f->dim, (size_t)f->dim);
}

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

/* Puts a face into list `at`. *least: what a score must be to enter the list. */
static void put(fct_near_lists *l, size_t at, size_t face, float score, float *least) {
    uint32_t *n = &l->count[at], k = (uint32_t)l->k;
    fct_near *h = l->list + at * k, found = {(uint32_t)face, score};
    if (*n < k) {
        h[*n] = found;
        sift_up(h, (*n)++);
    } else if (is_worse(h[0], found)) {
        h[0] = found;
        sift_down(h, k);
    }
    if (*n == k) *least = h[0].score;
}

static bool make_lists(fct_near_lists *l, size_t n, int k) {
    size_t cells;
    *l = (fct_near_lists){.n = n, .k = k};
    if (!fct_mul_size(n, (size_t)k, &cells)) return false;
    l->list = fct_realloc_array(NULL, cells + 1, sizeof *l->list);
    l->count = fct_calloc(n + 1, sizeof *l->count);
    return l->list && l->count;
}

void fct_near_free(fct_near_lists *l) {
    fct_free(l->list);
    fct_free(l->count);
    *l = (fct_near_lists){0};
}

/* ---- All pairs ---------------------------------------------------------------------------- */

typedef struct near_job {
    const fct_near_faces *f;
    size_t n_free, blocks;
    fct_near_lists *lists;
    float *least;     /* [n] what a score must be to enter a face's list */
    fct_mutex *locks; /* [blocks] for the lists and `least` of a block's faces */
    int32_t *sums;    /* [workers][BLOCK][BLOCK] */
} near_job;

static float lowest(const float *v, size_t n) {
    float low = v[0];
    for (size_t i = 1; i < n; i++) low = v[i] < low ? v[i] : low;
    return low;
}

/* Gives the scores of face p with n faces from `first` on to whom they are good enough for. low: what a score must be
 * for any of these faces. */
static void give(near_job *j, size_t p, size_t first, size_t n, const int32_t *sums, float low) {
    const near_probe probe = probe_of(j->f, p);
    uint64_t mask[BLOCK / 64];
    find_candidates(j->f, &probe, first, n, sums, j->least[p] < low ? j->least[p] : low, mask);
    for (size_t w = 0; w < (n + 63) / 64; w++)
        for (size_t r = 64 * w; mask[w]; r++, mask[w] >>= 1) {
            size_t face = first + r;
            if (!(mask[w] & 1)) continue;
            float most = bound(j->f, &probe, face, sums[r]);
            if (most < j->least[p] && most < j->least[face]) continue;
            float score = cosine(j->f, p, face);
            if (score >= j->least[p]) put(j->lists, p, face, score, &j->least[p]);
            if (score >= j->least[face]) put(j->lists, face, p, score, &j->least[face]);
        }
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Compares two blocks of faces. In the tile of a block with itself a pair is seen twice and given once; two faces that
 * are both not free are not given to each other. */
static void do_tile(near_job *j, size_t probes, size_t rows, int32_t *sums) {
    const fct_near_faces *f = j->f;
    size_t first = probes * BLOCK, n = smaller(BLOCK, f->n - first), size = (size_t)f->size;
    size_t start = rows * BLOCK, n_rows = smaller(BLOCK, f->n - start);
    fct_kernels()->score_int8(sums, BLOCK, f->bytes + start * size, n_rows, f->bytes + first * size, (int)n, f->size);
    fct_mutex_lock(&j->locks[smaller(rows, probes)]);
    if (rows != probes) fct_mutex_lock(&j->locks[rows < probes ? probes : rows]);
    float low = lowest(j->least + start, n_rows);
    for (size_t p = 0; p < n; p++) {
        size_t wanted = rows == probes ? p : n_rows;
        if (first + p >= j->n_free) wanted = smaller(wanted, j->n_free > start ? j->n_free - start : 0);
        if (wanted) give(j, first + p, start, wanted, sums + p * BLOCK, low);
    }
    if (rows != probes) fct_mutex_unlock(&j->locks[rows < probes ? probes : rows]);
    fct_mutex_unlock(&j->locks[smaller(rows, probes)]);
}

/* Compares one block of rows with all blocks of probes up to it, each task from another start so that they meet
 * seldom. Blocks of rows come from the end: the longest tasks first. */
static void near_task(void *ctx, int index, int worker) {
    near_job *j = ctx;
    size_t rows = j->blocks - 1 - (size_t)index, count = rows + 1;
    int32_t *sums = j->sums + (size_t)worker * BLOCK * BLOCK;
    if (rows * BLOCK >= j->n_free) count = smaller(count, (j->n_free + BLOCK - 1) / BLOCK); /* known faces */
    for (size_t i = 0; i < count; i++) do_tile(j, (i + (size_t)index) % count, rows, sums);
}

/* Runs tasks on all threads where they can be had, else on this one. */
static void run_tasks(size_t workers, size_t n, fct_task_fn *task, void *ctx) {
    if (workers > 1) fct_parallel((int)n, task, ctx);
    else
        for (size_t i = 0; i < n; i++) task(ctx, (int)i, 0);
}

fct_status fct_near_find(const fct_near_faces *f, size_t n_free, int k, float floor, fct_near_lists *out,
                         fct_error *err) {
    size_t n = f->n, workers = fct_parallel_begin() ? (size_t)fct_parallel_width() : 1;
    near_job j = {.f = f, .n_free = n_free, .blocks = (n + BLOCK - 1) / BLOCK, .lists = out};
    j.least = fct_realloc_array(NULL, n + 1, sizeof *j.least);
    j.locks = fct_realloc_array(NULL, j.blocks + 1, sizeof *j.locks);
    j.sums = fct_aligned_alloc(workers * BLOCK * BLOCK * sizeof *j.sums);
    bool good = make_lists(out, n, k) && j.least && j.locks && j.sums;
    if (good) {
        for (size_t i = 0; i < n; i++) j.least[i] = floor;
        for (size_t i = 0; i < j.blocks; i++) fct_mutex_init(&j.locks[i]);
        run_tasks(workers, j.blocks, near_task, &j);
        for (size_t i = 0; i < j.blocks; i++) fct_mutex_destroy(&j.locks[i]);
    }
    fct_parallel_end();
    fct_aligned_free(j.sums);
    fct_free(j.locks);
    fct_free(j.least);
    if (good) return FCT_OK;
    fct_near_free(out);
    return fct_fail_nomem(err, "the nearest faces of each face", n * (size_t)k * sizeof(fct_near));
}

/* ---- Means ---------------------------------------------------------------------------------------- */

typedef struct between_job {
    const fct_near_faces *probes, *f;
    const uint32_t *group, *mine;
    float floor;
    fct_near_lists *lists;
    int32_t *sums; /* [workers][FEW][BLOCK] */
} between_job;

/* Compares probe `at` with n faces from `first` on. */
static void take_near(between_job *j, size_t at, size_t first, size_t n, const int32_t *sums, float *least) {
    const near_probe probe = probe_of(j->probes, at);
    const float *unit = j->probes->unit + at * (size_t)j->f->dim;
    uint64_t mask[BLOCK / 64];
    find_candidates(j->f, &probe, first, n, sums, *least, mask);
    for (size_t w = 0; w < (n + 63) / 64; w++)
        for (size_t r = 64 * w; mask[w]; r++, mask[w] >>= 1) {
            size_t face = first + r;
            if (!(mask[w] & 1) || j->group[face] == j->mine[at] || bound(j->f, &probe, face, sums[r]) < *least)
                continue;
            float score = fct_kernels()->dot_f32(unit, j->f->unit + face * (size_t)j->f->dim, (size_t)j->f->dim);
            if (score >= *least) put(j->lists, at, face, score, least);
        }
}

static void between_task(void *ctx, int index, int worker) {
    between_job *j = ctx;
    const fct_near_faces *f = j->f;
    float least[FEW];
    size_t from = (size_t)index * FEW, n = smaller(FEW, j->probes->n - from), size = (size_t)f->size;
    int32_t *sums = j->sums + (size_t)worker * FEW * BLOCK;
    for (size_t i = 0; i < n; i++) least[i] = j->floor;
    for (size_t start = 0; start < f->n; start += BLOCK) {
        size_t rows = smaller(BLOCK, f->n - start);
        fct_kernels()->score_int8(sums, BLOCK, f->bytes + start * size, rows, j->probes->bytes + from * size, (int)n,
                                  f->size);
        for (size_t i = 0; i < n; i++) take_near(j, from + i, start, rows, sums + i * BLOCK, &least[i]);
    }
}

fct_status fct_near_between(const fct_near_faces *probes, const fct_near_faces *f, const uint32_t *group,
                            const uint32_t *mine, int k, float floor, fct_near_lists *out, fct_error *err) {
    size_t n = probes->n, workers = fct_parallel_begin() ? (size_t)fct_parallel_width() : 1;
    between_job j = {probes, f, group, mine, floor, out, fct_aligned_alloc(workers * FEW * BLOCK * sizeof *j.sums)};
    bool good = make_lists(out, n, k) && j.sums;
    if (good) run_tasks(workers, (n + FEW - 1) / FEW, between_task, &j);
    fct_parallel_end();
    fct_aligned_free(j.sums);
    if (good) return FCT_OK;
    fct_near_free(out);
    return fct_fail_nomem(err, "the nearest faces of people", n * (size_t)k * sizeof(fct_near));
}

/* Searching: probes in groups, rows in tasks of 32 panels. What an index that is not
 * staged does is here, and long lists of any index: a task computes a tile of scores
 * (a small matrix product), then scans it for scores that reach the floor of the
 * probe's list. Each worker has lists of its own; they are merged at the end. Which
 * worker saw which rows does not matter: the order of results is total, and a row
 * that a worker dropped has k better persons among the rows of that worker alone.
 * Short lists of a staged index are in index_stages.c. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "index/index_impl.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP        64  /* probes at once */
#define STAGED_GROUP 256 /* the same where all are compared with a row before the next one is read */
#define SORT_GROUP   4   /* probes at once where all scores are kept */
#define TASK_ROWS    ((size_t)FCT_INDEX_TASK_PANELS * FCT_INDEX_PANEL)

typedef struct search_job {
    const fct_search_group *g;
    fct_topk *lists; /* [workers][n] */
    float *scores;   /* [workers][n][TASK_ROWS], or [n][stride] where all are kept */
    size_t stride;
    float *panels;  /* [workers][2][TASK_ROWS][dim]: rows of a staged index, in panels and as they come */
    fct_status bad; /* the first failure of a task: guarded by lock */
    fct_error err;
    fct_mutex lock;
} search_job;

static size_t panel_count(size_t rows) { return (rows + FCT_INDEX_PANEL - 1) / FCT_INDEX_PANEL; }

fct_task_rows fct_rows_of_task(const fct_edition *v, int index) {
    size_t most = v->of->task_panels * FCT_INDEX_PANEL, first = (size_t)index * most;
    return (fct_task_rows){first, v->n - first < most ? v->n - first : most};
}

int fct_count_tasks(const fct_edition *v) {
    return (int)((panel_count(v->n) + v->of->task_panels - 1) / v->of->task_panels);
}

/* The task's rows in panels: those of the chunk, or of a staged one a copy in the worker's memory. NULL after a
 * failure. */
static const float *task_panels(search_job *j, const fct_task_rows *t, int worker) {
    const fct_edition *v = j->g->v;
    const fct_chunk *c = fct_edition_chunk(v, t->first);
    size_t dim = (size_t)v->of->head.dim, at = t->first % fct_rows_per_chunk(v->of), panel = dim * FCT_INDEX_PANEL;
    if (c->panels) return c->panels + at * dim;
    float *panels = j->panels + (size_t)worker * 2 * TASK_ROWS * dim, *rows = panels + TASK_ROWS * dim;
    fct_error err;
    fct_status s = fct_chunk_vectors(v->of, c, at, t->n, rows, &err);
    if (s) {
        fct_mutex_lock(&j->lock);
        if (!j->bad) j->bad = s, j->err = err;
        fct_mutex_unlock(&j->lock);
        return NULL;
    }
    memset(panels, 0, panel_count(t->n) * panel * sizeof *panels);
    for (size_t r = 0; r < t->n; r += FCT_INDEX_PANEL)
        fct_panel_fill(panels + r * dim, 0, rows + r * dim, t->n - r < FCT_INDEX_PANEL ? t->n - r : FCT_INDEX_PANEL,
                       (int)dim);
    return panels;
}

/* Whether the p-th panel of a task has rows that may be found. */
static bool panel_allowed(const search_job *j, const fct_task_rows *t, size_t p) {
    size_t at = p * FCT_INDEX_PANEL;
    return fct_rows_allowed(j->g->mask, t->first + at, t->n - at < FCT_INDEX_PANEL ? t->n - at : FCT_INDEX_PANEL);
}

/* Scores of the task's panels: out[probe * stride + row - first row]. Panels without a row that may be found are
 * left out, and their scores undefined. */
static void score_panels(search_job *j, const fct_task_rows *t, int worker, float *out, size_t stride) {
    size_t panels = panel_count(t->n);
    if (!fct_rows_allowed(j->g->mask, t->first, t->n)) return;
    const float *data = task_panels(j, t, worker);
    int dim = j->g->v->of->head.dim;
    for (size_t p = 0, end; data && p < panels; p = end) {
        end = p + 1;
        if (!panel_allowed(j, t, p)) continue;
        while (end < panels && panel_allowed(j, t, end)) end++;
        fct_kernels()->score_f32(out + p * FCT_INDEX_PANEL, (ptrdiff_t)stride, data + p * FCT_INDEX_PANEL * (size_t)dim,
                                 (int)(end - p), j->g->unit, j->g->n, dim);
    }
}

/* Offers a probe's scores of the task's rows to its list. Most blocks have
 * nothing at or above the floor: that test is the loop that counts. */
static void scan_scores(const fct_search_group *g, const fct_task_rows *task, fct_topk *t, const float *s) {
    const fct_index_row *rows = fct_edition_row(g->v, task->first);
    for (size_t i = 0; i < task->n; i += FCT_INDEX_PANEL) {
        size_t m = task->n - i < FCT_INDEX_PANEL ? task->n - i : FCT_INDEX_PANEL;
        if (!fct_rows_allowed(g->mask, task->first + i, m)) continue;
        if (m == FCT_INDEX_PANEL) {
            int any = 0;
            for (int r = 0; r < FCT_INDEX_PANEL; r++) any |= s[i + r] >= t->floor;
            if (!any) continue;
        }
        for (size_t r = i; r < i + m; r++)
            if (s[r] >= t->floor && fct_row_allowed(g->mask, task->first + r))
                fct_topk_put(t, (fct_hit){rows[r].person_id, rows[r].face_id, s[r]});
    }
}

static void list_task(void *ctx, int index, int worker) {
    search_job *j = ctx;
    fct_task_rows t = fct_rows_of_task(j->g->v, index);
    float *tile = j->scores + (size_t)worker * j->g->n * TASK_ROWS;
    score_panels(j, &t, worker, tile, TASK_ROWS);
    for (int p = 0; p < j->g->n; p++)
        scan_scores(j->g, &t, &j->lists[(size_t)worker * j->g->n + p], tile + (size_t)p * TASK_ROWS);
}

static void score_task(void *ctx, int index, int worker) {
    search_job *j = ctx;
    fct_task_rows t = fct_rows_of_task(j->g->v, index);
    score_panels(j, &t, worker, j->scores + t.first, j->stride);
}

/* Runs all tasks, on the pool where this search owns it (n_workers > 1). */
static void run_tasks(search_job *j, fct_task_fn *fn, int n_workers) {
    int tasks = fct_count_tasks(j->g->v);
    if (n_workers > 1) fct_parallel(tasks, fn, j);
    else
        for (int i = 0; i < tasks; i++) fn(j, i, 0);
}

static float clamp1(float v) { return v > 1 ? 1 : v < -1 ? -1 : v; }

static int copy_hits(const fct_hit *hits, int n, fct_hit *out) {
    for (int i = 0; i < n; i++) {
        out[i] = hits[i];
        out[i].score = clamp1(hits[i].score); /* rounding can end a little outside */
    }
    return n;
}

/* k up to FCT_INDEX_LIST_MAX: one list per worker and probe, merged into worker 0's. */
static fct_status search_lists(search_job *j, int n_workers, int k_out, fct_hit *out, int *n_found, fct_error *err) {
    const fct_search_group *g = j->g;
    size_t n_lists = (size_t)n_workers * g->n;
    fct_hit *hits = fct_realloc_array(NULL, n_lists * g->k, sizeof *hits);
    j->lists = fct_realloc_array(NULL, n_lists, sizeof *j->lists);
    j->scores = fct_aligned_alloc(n_lists * TASK_ROWS * sizeof(float));
    bool ok = hits && j->lists && j->scores;
    if (ok) {
        for (size_t i = 0; i < n_lists; i++) fct_topk_init(&j->lists[i], hits + i * g->k, g->k, g->threshold, g->faces);
        run_tasks(j, list_task, n_workers);
        for (int p = 0; p < g->n; p++) {
            fct_topk *best = &j->lists[p];
            for (int w = 1; w < n_workers; w++) {
                const fct_topk *l = &j->lists[(size_t)w * g->n + p];
                for (int i = 0; i < l->n; i++)
                    if (l->hits[i].score >= best->floor) fct_topk_put(best, l->hits[i]);
            }
            n_found[p] = copy_hits(best->hits, best->n, out + (size_t)p * k_out);
        }
    }
    fct_aligned_free(j->scores);
    fct_free(j->lists);
    fct_free(hits);
    return ok ? FCT_OK : fct_fail_nomem(err, "search", 0);
}

/* Sorts by person, and the best of each person first. */
static int compare_by_person(const void *pa, const void *pb) {
    const fct_hit *a = pa, *b = pb;
    if (a->person_id != b->person_id) return a->person_id < b->person_id ? -1 : 1;
    return fct_hit_compare(pa, pb);
}

static int sort_candidates(const fct_search_group *g, const float *scores, fct_hit *all) {
    size_t n = 0, kept = 0;
    for (size_t r = 0; r < g->v->n; r++) {
        if (!fct_row_allowed(g->mask, r) || scores[r] < g->threshold) continue;
        const fct_index_row *row = fct_edition_row(g->v, r);
        all[n++] = (fct_hit){row->person_id, row->face_id, scores[r]};
    }
    qsort(all, n, sizeof *all, compare_by_person);
    for (size_t i = 0; i < n; i++)
        if (!kept || g->faces || all[i].person_id != all[kept - 1].person_id) all[kept++] = all[i];
    qsort(all, kept, sizeof *all, fct_hit_compare);
    return kept < (size_t)g->k ? (int)kept : g->k;
}

/* Long k: all scores of a probe, sorted. */
static fct_status search_sorted(search_job *j, int n_workers, int k_out, fct_hit *out, int *n_found, fct_error *err) {
    const fct_search_group *g = j->g;
    size_t bytes, dim = (size_t)g->v->of->head.dim;
    j->stride = panel_count(g->v->n) * FCT_INDEX_PANEL;
    bool fits = fct_mul_size(j->stride, (size_t)g->n * sizeof(float), &bytes);
    fct_hit *all = fct_realloc_array(NULL, g->v->n, sizeof *all);
    j->scores = fits ? fct_aligned_alloc(bytes) : NULL;
    j->panels = g->v->staged ? fct_aligned_alloc((size_t)n_workers * 2 * TASK_ROWS * dim * sizeof(float)) : NULL;
    bool ok = all && j->scores && (j->panels || !g->v->staged);
    if (ok) {
        run_tasks(j, score_task, n_workers);
        for (int p = 0; p < g->n && !j->bad; p++)
            n_found[p] =
                copy_hits(all, sort_candidates(g, j->scores + (size_t)p * j->stride, all), out + (size_t)p * k_out);
    }
    fct_aligned_free(j->panels);
    fct_aligned_free(j->scores);
    fct_free(all);
    return ok ? FCT_OK : fct_fail_nomem(err, "search", 0);
}

static fct_status search_group(const fct_search_group *g, int k_out, fct_hit *out, int *n_found, fct_error *err) {
    search_job j = {.g = g};
    bool large = g->v->n * (size_t)g->v->of->head.dim * g->n >= FCT_INDEX_PARALLEL_MIN;
    int n_workers = large && fct_parallel_begin() ? fct_parallel_width() : 1;
    fct_mutex_init(&j.lock);
    fct_status s = g->k <= FCT_INDEX_LIST_MAX ? search_lists(&j, n_workers, k_out, out, n_found, err)
                                              : search_sorted(&j, n_workers, k_out, out, n_found, err);
    fct_mutex_destroy(&j.lock);
    if (large) fct_parallel_end();
    if (!s && j.bad) {
        s = j.bad;
        if (err) *err = j.err;
    }
    return s;
}

/* The probes in groups. mask: the rows that may be found. */
static fct_status search_all(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask, fct_hit *out,
                             int *n_found, fct_error *err) {
    size_t dim = (size_t)v->of->head.dim;
    int n = q->n, k = (size_t)q->k < v->n ? q->k : (int)v->n;
    bool sorted = k > FCT_INDEX_LIST_MAX, signs = q->fast && fct_signs_fit(v, mask, k);
    int most = sorted ? SORT_GROUP : v->staged ? STAGED_GROUP : GROUP;
    fct_status s = FCT_OK;
    float *unit = fct_aligned_alloc((size_t)(n < most ? n : most) * dim * sizeof *unit);
    if (!unit) return fct_fail_nomem(err, "search", 0);
    for (int first = 0; first < n && !s; first += most) {
        int m = n - first < most ? n - first : most;
        for (int p = 0; p < m && !s; p++)
            if (!fct_index_normalize(q->probes + (size_t)(first + p) * dim, (int)dim, unit + p * dim, 1))
                s = fct_fail(err, FCT_ERR_ARG, "embedding %d is zero or not finite", first + p);
        fct_search_group g = {v, mask, unit, m, k, q->threshold, q->faces};
        fct_hit *hits = out + (size_t)first * q->k;
        if (s || k == 0) continue;
        if (v->staged && !sorted) s = fct_stages_search(&g, signs, q->k, hits, n_found + first, err);
        else s = search_group(&g, q->k, hits, n_found + first, err);
    }
    fct_aligned_free(unit);
    return s;
}

fct_status fct_edition_search(const fct_index_view *view, const fct_index_query *q, fct_hit *out, int *n_found,
                              fct_error *err) {
    const fct_edition *v = (const fct_edition *)view;
    fct_row_mask mask;
    if (!fct_row_mask_make(v, q->filter, &mask)) return fct_fail_nomem(err, "search", 0);
    fct_status s = search_all(v, q, &mask, out, n_found, err);
    fct_free(mask.bits);
    return s;
}

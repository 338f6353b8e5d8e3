/* Searching: probes in groups of up to 64, rows in tasks of 32 panels. A task
 * computes a tile of scores (a small matrix product), then scans it for scores
 * that reach the floor of the probe's list. Each worker has lists of its own;
 * they are merged at the end. Which worker saw which rows does not matter: the
 * order of results is total, and a row that a worker dropped has k better
 * persons among the rows of that worker alone. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "index/index_impl.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP      64 /* probes at once */
#define TASK_ROWS  (FCT_INDEX_TASK_PANELS * FCT_INDEX_PANEL)
#define LIST_MAX   64 /* longest k kept as a list; longer ones sort all candidates */
#define SORT_GROUP 4  /* probes at once where all scores are kept */

/* Less work than this (multiply-adds) is done before other threads are awake. */
#define PARALLEL_MIN ((size_t)1 << 19)

typedef struct search_job {
    const fct_edition *v;
    const float *probes; /* [n][dim], unit length */
    int n;
    bool faces;
    const fct_row_mask *mask;
    fct_topk *lists; /* [workers][n] */
    float *scores;   /* [workers][n][TASK_ROWS], or [n][stride] where all are kept */
    size_t stride;
} search_job;

static size_t panel_count(const fct_edition *v) { return (v->n + FCT_INDEX_PANEL - 1) / FCT_INDEX_PANEL; }

/* The rows of a task, all in one chunk. */
typedef struct task_rows {
    size_t first_panel, panels, first_row, n;
} task_rows;

static task_rows rows_of_task(const fct_edition *v, int index) {
    size_t most = v->of->task_panels;
    task_rows t = {.first_panel = (size_t)index * most, .panels = panel_count(v) - (size_t)index * most};
    if (t.panels > most) t.panels = most;
    t.first_row = t.first_panel * FCT_INDEX_PANEL;
    t.n = v->n - t.first_row;
    if (t.n > t.panels * FCT_INDEX_PANEL) t.n = t.panels * FCT_INDEX_PANEL;
    return t;
}

static bool panel_allowed(const search_job *j, size_t panel) {
    return fct_rows_allowed(j->mask, panel * FCT_INDEX_PANEL, FCT_INDEX_PANEL);
}

/* Scores of the task's panels: out[probe * stride + row - first row]. Panels without a row that may be found are
 * left out, and their scores undefined. */
static void score_panels(const search_job *j, const task_rows *t, float *out, size_t stride) {
    for (size_t p = 0, end; p < t->panels; p = end) {
        end = p + 1;
        if (!panel_allowed(j, t->first_panel + p)) continue;
        while (end < t->panels && panel_allowed(j, t->first_panel + end)) end++;
        fct_kernels()->score_f32(out + p * FCT_INDEX_PANEL, (ptrdiff_t)stride,
                                 fct_edition_panel(j->v, t->first_panel + p), (int)(end - p), j->probes, j->n,
                                 j->v->of->head.dim);
    }
}

/* Offers a probe's scores of the task's rows to its list. Most blocks have
 * nothing at or above the floor: that test is the loop that counts. */
static void scan_scores(const search_job *j, const task_rows *task, fct_topk *t, const float *s) {
    const fct_index_row *rows = fct_edition_row(j->v, task->first_row);
    for (size_t i = 0; i < task->n; i += FCT_INDEX_PANEL) {
        size_t m = task->n - i < FCT_INDEX_PANEL ? task->n - i : FCT_INDEX_PANEL;
        if (!fct_rows_allowed(j->mask, task->first_row + i, m)) continue;
        if (m == FCT_INDEX_PANEL) {
            int any = 0;
            for (int r = 0; r < FCT_INDEX_PANEL; r++) any |= s[i + r] >= t->floor;
            if (!any) continue;
        }
        for (size_t r = i; r < i + m; r++)
            if (s[r] >= t->floor && fct_row_allowed(j->mask, task->first_row + r))
                fct_topk_put(t, (fct_hit){rows[r].person_id, rows[r].face_id, s[r]});
    }
}

static void list_task(void *ctx, int index, int worker) {
    const search_job *j = ctx;
    task_rows t = rows_of_task(j->v, index);
    float *tile = j->scores + (size_t)worker * j->n * TASK_ROWS;
    score_panels(j, &t, tile, TASK_ROWS);
    for (int p = 0; p < j->n; p++)
        scan_scores(j, &t, &j->lists[(size_t)worker * j->n + p], tile + (size_t)p * TASK_ROWS);
}

static void score_task(void *ctx, int index, int worker) {
    const search_job *j = ctx;
    task_rows t = rows_of_task(j->v, index);
    score_panels(j, &t, j->scores + t.first_row, j->stride);
}

/* Runs all tasks, on the pool where this search owns it (n_workers > 1). */
static void run_tasks(search_job *j, fct_task_fn *fn, int n_workers) {
    int tasks = (int)((panel_count(j->v) + j->v->of->task_panels - 1) / j->v->of->task_panels);
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

/* k up to LIST_MAX: one list per worker and probe, merged into worker 0's. */
static fct_status search_lists(search_job *j, int n_workers, float threshold, int k, int k_out, fct_hit *out,
                               int *n_found, fct_error *err) {
    size_t n_lists = (size_t)n_workers * j->n;
    fct_hit *hits = fct_realloc_array(NULL, n_lists * k, sizeof *hits);
    j->lists = fct_realloc_array(NULL, n_lists, sizeof *j->lists);
    j->scores = fct_aligned_alloc(n_lists * TASK_ROWS * sizeof(float));
    bool ok = hits && j->lists && j->scores;
    if (ok) {
        for (size_t i = 0; i < n_lists; i++) fct_topk_init(&j->lists[i], hits + i * k, k, threshold, j->faces);
        run_tasks(j, list_task, n_workers);
        for (int p = 0; p < j->n; p++) {
            fct_topk *best = &j->lists[p];
            for (int w = 1; w < n_workers; w++) {
                const fct_topk *l = &j->lists[(size_t)w * j->n + p];
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

static int sort_candidates(const search_job *j, const float *scores, float threshold, fct_hit *all, int k) {
    size_t n = 0, kept = 0;
    for (size_t r = 0; r < j->v->n; r++) {
        if (!fct_row_allowed(j->mask, r) || scores[r] < threshold) continue;
        const fct_index_row *row = fct_edition_row(j->v, r);
        all[n++] = (fct_hit){row->person_id, row->face_id, scores[r]};
    }
    qsort(all, n, sizeof *all, compare_by_person);
    for (size_t i = 0; i < n; i++)
        if (!kept || j->faces || all[i].person_id != all[kept - 1].person_id) all[kept++] = all[i];
    qsort(all, kept, sizeof *all, fct_hit_compare);
    return kept < (size_t)k ? (int)kept : k;
}

/* Long k: all scores of a probe, sorted. */
static fct_status search_sorted(search_job *j, int n_workers, float threshold, int k, int k_out, fct_hit *out,
                                int *n_found, fct_error *err) {
    size_t bytes;
    j->stride = panel_count(j->v) * FCT_INDEX_PANEL;
    bool fits = fct_mul_size(j->stride, (size_t)j->n * sizeof(float), &bytes);
    fct_hit *all = fct_realloc_array(NULL, j->v->n, sizeof *all);
    j->scores = fits ? fct_aligned_alloc(bytes) : NULL;
    bool ok = all && j->scores;
    if (ok) {
        run_tasks(j, score_task, n_workers);
        for (int p = 0; p < j->n; p++)
            n_found[p] = copy_hits(all, sort_candidates(j, j->scores + (size_t)p * j->stride, threshold, all, k),
                                   out + (size_t)p * k_out);
    }
    fct_aligned_free(j->scores);
    fct_free(all);
    return ok ? FCT_OK : fct_fail_nomem(err, "search", 0);
}

static fct_status search_group(search_job *j, float threshold, int k, int k_out, fct_hit *out, int *n_found,
                               fct_error *err) {
    bool large = j->v->n * (size_t)j->v->of->head.dim * j->n >= PARALLEL_MIN;
    int n_workers = large && fct_parallel_begin() ? fct_parallel_width() : 1;
    fct_status s = k <= LIST_MAX ? search_lists(j, n_workers, threshold, k, k_out, out, n_found, err)
                                 : search_sorted(j, n_workers, threshold, k, k_out, out, n_found, err);
    if (large) fct_parallel_end();
    return s;
}

/* The probes in groups. mask: the rows that may be found. */
static fct_status search_all(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask, fct_hit *out,
                             int *n_found, fct_error *err) {
    size_t dim = (size_t)v->of->head.dim;
    int n = q->n, k = q->k, k_list = (size_t)k < v->n ? k : (int)v->n, most = k_list <= LIST_MAX ? GROUP : SORT_GROUP;
    bool fast = q->fast && k > 0 && fct_stages_fit(v, q, mask);
    fct_status s = FCT_OK;
    float *unit = fct_aligned_alloc((size_t)(n < most ? n : most) * dim * sizeof *unit);
    if (!unit) return fct_fail_nomem(err, "search", 0);
    for (int first = 0; first < n && !s; first += most) {
        int m = n - first < most ? n - first : most;
        for (int p = 0; p < m && !s; p++)
            if (!fct_index_normalize(q->probes + (size_t)(first + p) * dim, (int)dim, unit + p * dim, 1))
                s = fct_fail(err, FCT_ERR_ARG, "embedding %d is zero or not finite", first + p);
        search_job job = {.v = v, .probes = unit, .n = m, .faces = q->faces, .mask = mask};
        if (!s && fast) s = fct_stages_search(v, q, mask, unit, m, out + (size_t)first * k, n_found + first, err);
        else if (!s && k_list > 0)
            s = search_group(&job, q->threshold, k_list, k, out + (size_t)first * k, n_found + first, err);
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

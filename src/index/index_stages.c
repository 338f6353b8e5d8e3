/* Searching a staged index. All rows are bounded by 8-bit integers, or, with signs,
 * only those whose signs differ from the probe's in few places, a thousandth of them
 * and at least 1,024. What signs pass over is lost; with these numbers that does not
 * happen in practice: bench/results/0052-search-million.md has the figures.
 *
 * The first stage keeps, per worker and probe, how many rows had each distance, and
 * the smallest distance (limit) within which there are enough rows. The limit only
 * falls, so a row beyond it can be dropped at once; a worker's limit is never below
 * that of all rows together, so the union has all rows that are wanted, whichever
 * worker saw which. */
#include "index/index_stages.h"
#include "base/alloc.h"
#include "base/error.h"
#include "kernels/kernels.h"

#define SIGNS_K    16   /* more results than that are searched without signs */
#define SIGN_ROWS  1024 /* rows that go on, at least, */
#define SIGN_SHARE 1024 /* and one in so many: a face's place among all grows with their number */
#define TASK_ROWS  ((size_t)FCT_INDEX_TASK_PANELS * FCT_INDEX_PANEL)
#define ROOM_FIRST 2048 /* rows that a list has room for at first */

/* A row that a probe wants to look at more closely. */
typedef struct fct_nominee {
    uint32_t row;
    uint16_t distance;
} fct_nominee;

typedef struct shortlist {
    fct_nominee *items; /* [cap] */
    size_t n, cap;
    uint32_t *count;       /* [distances] rows seen at a distance up to limit */
    size_t within, wanted; /* their sum, and how many there should be */
    int limit;
    bool failed; /* out of memory */
} shortlist;

bool fct_signs_fit(const fct_edition *v, const fct_row_mask *mask, int k) {
    return v->staged && k <= SIGNS_K && mask->n >= 4 * SIGN_ROWS;
}

/* ---- The first stage -------------------------------------------------------------------- */

/* Drops what lies beyond the limit; makes room where that is not enough. */
static void make_room(shortlist *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].distance <= l->limit) l->items[kept++] = l->items[i];
    l->n = kept;
    if (kept <= l->cap / 2) return;
    fct_nominee *items = fct_realloc_array(l->items, l->cap * 2, sizeof *items);
    if (!items) {
        l->failed = true;
        return;
    }
    l->items = items;
    l->cap *= 2;
}

static void nominate(shortlist *l, uint32_t row, uint16_t distance) {
    if (l->n == l->cap) make_room(l);
    if (l->failed || distance > l->limit) return;
    l->items[l->n++] = (fct_nominee){row, distance};
    l->count[distance]++;
    l->within++;
    while (l->limit > 0 && l->within - l->count[l->limit] >= l->wanted) l->within -= l->count[l->limit--];
}

/* Most blocks have nothing within the limit: that test is the loop that counts. */
static void scan_distances(shortlist *l, const fct_row_mask *mask, const uint16_t *distance, size_t first, size_t n) {
    for (size_t i = 0; i < n; i += 32) {
        size_t end = i + 32 < n ? i + 32 : n;
        if (end - i == 32) {
            int any = 0;
            for (size_t r = 0; r < 32; r++) any |= distance[i + r] <= l->limit;
            if (!any) continue;
        }
        for (size_t r = i; r < end; r++)
            if (distance[r] <= l->limit && fct_row_allowed(mask, first + r))
                nominate(l, (uint32_t)(first + r), distance[r]);
    }
}

static void nominate_task(void *ctx, int index, int worker) {
    const fct_stage_job *j = ctx;
    const fct_edition *v = j->g->v;
    uint16_t distance[TASK_ROWS];
    fct_task_rows t = fct_rows_of_task(v, index);
    if (!fct_rows_allowed(j->g->mask, t.first, t.n)) return;
    const uint64_t *signs =
        fct_edition_chunk(v, t.first)->bits + t.first % fct_rows_per_chunk(v->of) * (size_t)j->words;
    size_t panels = (t.n + FCT_INDEX_SKETCH_ROWS - 1) / FCT_INDEX_SKETCH_ROWS;
    for (int p = 0; p < j->g->n; p++) {
        fct_kernels()->sketch_hamming(distance, signs, panels, j->signs + (size_t)p * (size_t)j->words, j->words);
        scan_distances(&j->lists[(size_t)worker * (size_t)j->g->n + (size_t)p], j->g->mask, distance, t.first, t.n);
    }
}

/* Gathers what all workers nominated for probe p in worker 0's list. */
static bool merge_lists(const fct_stage_job *j, int p) {
    shortlist *all = &j->lists[p];
    bool good = !all->failed;
    for (int w = 1; w < j->n_workers; w++) {
        const shortlist *l = &j->lists[(size_t)w * (size_t)j->g->n + (size_t)p];
        good &= !l->failed;
        for (size_t i = 0; i < l->n && good; i++) {
            nominate(all, l->items[i].row, l->items[i].distance);
            good = !all->failed;
        }
    }
    return good;
}

/* Bounds the scores of the nominees of probe p. */
static void refine(fct_stage_job *j, int p, int worker) {
    const shortlist *l = &j->lists[p];
    uint32_t rows[FCT_BYTES_ROWS];
    size_t n = 0;
    fct_error err;
    if (!merge_lists(j, p)) {
        fct_stage_fail(j, fct_fail_nomem(&err, "search", 0), &err);
        return;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i].distance <= l->limit) rows[n++] = l->items[i].row;
        if (n < FCT_BYTES_ROWS && i + 1 < l->n) continue;
        fct_bytes_rows(j, p, worker, rows, n);
        n = 0;
    }
}

/* ---- A search ------------------------------------------------------------------------------ */

static void finish_task(void *ctx, int p, int worker) {
    fct_stage_job *j = ctx;
    if (j->lists) refine(j, p, worker);
    fct_exact_scores(j, p, worker);
}

static void run_tasks(fct_stage_job *j, fct_task_fn *fn, int n) {
    if (j->n_workers > 1) fct_parallel(n, fn, j);
    else
        for (int i = 0; i < n; i++) fn(j, i, 0);
}

static bool make_lists(fct_stage_job *j) {
    size_t share = j->g->mask->n / SIGN_SHARE, wanted = share > SIGN_ROWS ? share : SIGN_ROWS;
    size_t n = (size_t)j->n_workers * (size_t)j->g->n;
    int distances = 64 * j->words + 1;
    j->lists = fct_calloc(n, sizeof *j->lists);
    if (!j->lists) return false;
    for (size_t i = 0; i < n; i++) {
        shortlist *l = &j->lists[i];
        *l = (shortlist){.cap = ROOM_FIRST, .limit = distances - 1, .wanted = wanted};
        l->items = fct_realloc_array(NULL, ROOM_FIRST, sizeof *l->items);
        l->count = fct_calloc((size_t)distances, sizeof *l->count);
        if (!l->items || !l->count) return false;
    }
    return true;
}

static void free_lists(fct_stage_job *j) {
    for (size_t i = 0; j->lists && i < (size_t)j->n_workers * (size_t)j->g->n; i++) {
        fct_free(j->lists[i].items);
        fct_free(j->lists[i].count);
    }
    fct_free(j->lists);
}

fct_status fct_stages_search(const fct_search_group *g, bool fast, int k_out, fct_hit *out, int *n_found,
                             fct_error *err) {
    fct_stage_job j = {.g = g, .out = out, .n_found = n_found, .k_out = k_out};
    size_t bytes = (size_t)(fast ? fct_sketch_words(g->v->of->head.dim) * 8 : fct_sketch_bytes(g->v->of->head.dim));
    bool large = g->v->n * bytes * (size_t)g->n >= FCT_INDEX_PARALLEL_MIN;
    j.n_workers = large && fct_parallel_begin() ? fct_parallel_width() : 1;
    bool good = fct_stage_make(&j) && (!fast || make_lists(&j));
    if (good) {
        run_tasks(&j, fast ? nominate_task : fct_bytes_task, fct_count_tasks(g->v));
        if (!j.bad) run_tasks(&j, finish_task, g->n);
    }
    free_lists(&j);
    fct_stage_clear(&j);
    if (large) fct_parallel_end();
    if (good && j.bad && err) *err = j.err;
    return good ? j.bad : fct_fail_nomem(err, "search", 0);
}

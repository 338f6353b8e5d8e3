/* Searching in stages. The first looks at one bit per component (its sign): rows
 * whose signs differ from the probe's in few places go on, at least FAST_ROWS of
 * them. The second compares these with 8-bit integers, the last the best of them
 * exactly, with the same kernel as a full search, so that scores are the same.
 *
 * What the first stage passes over is lost. FAST_ROWS is chosen so that this does
 * not happen in practice: bench/results/0051-search-stages.md has the figures.
 *
 * The first stage keeps, per worker and probe, how many rows had each distance,
 * and the smallest distance (limit) within which there are enough rows. The limit
 * only falls, so a row beyond it can be dropped at once; a worker's limit is never
 * below that of all rows together, so the union has all rows that are wanted,
 * whichever worker saw which. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "index/index_impl.h"
#include "kernels/kernels.h"
#include <float.h>
#include <string.h>

#define GROUP      32 /* probes that share a pass over memory */
#define FAST_ROWS  1024
#define FAST_K     16    /* more results than that are searched exactly */
#define INT8_ERROR 0.02f /* a score of the second stage is this near to the exact one */

/* Less work than this (bytes compared) is done before other threads are awake. */
#define PARALLEL_MIN ((size_t)1 << 19)

/* ---- Rows as the stages see them ------------------------------------------------------ */

int fct_stage_words(int dim) { return (dim + 63) / 64; }
int fct_stage_bytes(int dim) { return (dim + 63) / 64 * 64; }

/* The bits are the signs of the values, the bytes the values scaled to -127 .. 127. Returns what a byte is worth. */
float fct_stage_fill(const float *v, size_t step, int dim, uint64_t *bits, int8_t *bytes) {
    float most = 0;
    memset(bits, 0, (size_t)fct_stage_words(dim) * sizeof *bits);
    memset(bytes, 0, (size_t)fct_stage_bytes(dim));
    for (int i = 0; i < dim; i++) {
        float x = v[(size_t)i * step];
        if (x > 0) bits[i / 64] |= UINT64_C(1) << i % 64;
        if (x > most) most = x;
        if (-x > most) most = -x;
    }
    float scale = most / 127, inverse = most > 0 ? 127 / most : 0;
    for (int i = 0; i < dim; i++) {
        float x = v[(size_t)i * step] * inverse;
        bytes[i] = (int8_t)(x < 0 ? x - 0.5f : x + 0.5f);
    }
    return scale;
}

/* ---- The first stage -------------------------------------------------------------------- */

/* A row that a probe wants to look at more closely. */
typedef struct fct_nominee {
    uint32_t row;
    uint16_t distance;
} fct_nominee;

typedef struct shortlist {
    fct_nominee *items; /* [cap] */
    size_t n, cap;
    uint32_t *count; /* [distances] rows seen at a distance up to limit */
    size_t within;   /* their sum */
    int limit;
    bool failed; /* no memory */
} shortlist;

typedef struct stage_job {
    const fct_edition *v;
    const fct_row_mask *mask;
    int n, words, distances;
    const float *probes; /* [n][dim], unit length */
    uint64_t *bits;      /* [n][words] */
    shortlist *lists;    /* [workers][n] */
} stage_job;

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
    while (l->limit > 0 && l->within - l->count[l->limit] >= FAST_ROWS) l->within -= l->count[l->limit--];
}

/* Most blocks have nothing within the limit: that test is the loop that counts. */
static void scan_distances(shortlist *l, const fct_row_mask *mask, const uint16_t *distance, size_t first, size_t n) {
    for (size_t i = 0; i < n; i += 32) {
        size_t end = i + 32 < n ? i + 32 : n;
        int any = 0;
        if (!fct_rows_allowed(mask, first + i, end - i)) continue;
        for (size_t r = i; r < end; r++) any |= distance[r] <= l->limit;
        if (!any) continue;
        for (size_t r = i; r < end; r++)
            if (distance[r] <= l->limit && fct_row_allowed(mask, first + r))
                nominate(l, (uint32_t)(first + r), distance[r]);
    }
}

static void nominate_task(void *ctx, int index, int worker) {
    const stage_job *j = ctx;
    uint16_t distance[FCT_INDEX_TASK_PANELS * FCT_INDEX_PANEL];
    size_t most = j->v->of->task_panels * FCT_INDEX_PANEL, first = (size_t)index * most, n = j->v->n - first;
    if (n > most) n = most;
    if (!fct_rows_allowed(j->mask, first, n)) return;
    const fct_chunk *c = j->v->chunks[first / fct_rows_per_chunk(j->v->of)];
    const uint64_t *rows = c->bits + first % fct_rows_per_chunk(j->v->of) * (size_t)j->words;
    for (int p = 0; p < j->n; p++) {
        fct_kernels()->sketch_hamming(distance, rows, n, j->bits + (size_t)p * j->words, j->words);
        scan_distances(&j->lists[(size_t)worker * j->n + p], j->mask, distance, first, n);
    }
}

/* Gathers what all workers nominated for probe p in worker 0's list. */
static bool merge_lists(const stage_job *j, int p, int n_workers) {
    shortlist *all = &j->lists[p];
    bool good = !all->failed;
    for (int w = 1; w < n_workers; w++) {
        const shortlist *l = &j->lists[(size_t)w * j->n + p];
        good &= !l->failed;
        for (size_t i = 0; i < l->n && good; i++) {
            nominate(all, l->items[i].row, l->items[i].distance);
            good = !all->failed;
        }
    }
    return good;
}

/* ---- The other stages -------------------------------------------------------------------- */

static float exact_score(const fct_edition *v, const float *probe, size_t row) {
    float scores[FCT_INDEX_PANEL];
    fct_kernels()->score_f32(scores, FCT_INDEX_PANEL, fct_edition_panel(v, row / FCT_INDEX_PANEL), 1, probe, 1,
                             v->of->head.dim);
    return scores[row % FCT_INDEX_PANEL];
}

/* Scores of the nominees by 8-bit integers, and the least that can be among the best k. */
static float coarse_scores(const stage_job *j, int p, const int8_t *bytes, float scale, bool faces, int k,
                           float *scores) {
    fct_hit hits[FAST_K];
    fct_topk best;
    const shortlist *l = &j->lists[p];
    size_t per = fct_rows_per_chunk(j->v->of), size = (size_t)fct_stage_bytes(j->v->of->head.dim);
    fct_topk_init(&best, hits, k, -FLT_MAX, faces);
    for (size_t i = 0; i < l->n; i++) {
        if (l->items[i].distance > l->limit) continue;
        size_t at = l->items[i].row % per;
        const fct_chunk *c = j->v->chunks[l->items[i].row / per];
        scores[i] = (float)fct_kernels()->dot_int8(c->bytes + at * size, bytes, (int)size) * c->scales[at] * scale;
        if (scores[i] >= best.floor)
            fct_topk_put(&best, (fct_hit){c->rows[at].person_id, c->rows[at].face_id, scores[i]});
    }
    return best.n < k ? -FLT_MAX : best.floor - 2 * INT8_ERROR;
}

/* The second and third stage for probe p; returns how many hits there are, -1 = no memory. */
static int finish(const stage_job *j, int p, const fct_index_query *q, fct_hit *out) {
    const shortlist *l = &j->lists[p];
    int dim = j->v->of->head.dim;
    const float *probe = j->probes + (size_t)p * dim;
    uint64_t *bits = fct_realloc_array(NULL, (size_t)fct_stage_words(dim), sizeof *bits);
    int8_t *bytes = fct_alloc((size_t)fct_stage_bytes(dim));
    float *scores = fct_realloc_array(NULL, l->n + 1, sizeof *scores);
    int n = -1;
    if (bits && bytes && scores) {
        float scale = fct_stage_fill(probe, 1, dim, bits, bytes);
        float least = coarse_scores(j, p, bytes, scale, q->faces, q->k, scores);
        fct_topk best;
        fct_topk_init(&best, out, q->k, q->threshold, q->faces);
        for (size_t i = 0; i < l->n; i++) {
            if (l->items[i].distance > l->limit || scores[i] < least) continue;
            const fct_index_row *r = fct_edition_row(j->v, l->items[i].row);
            float score = exact_score(j->v, probe, l->items[i].row);
            if (score >= best.floor) fct_topk_put(&best, (fct_hit){r->person_id, r->face_id, score});
        }
        n = best.n;
        for (int i = 0; i < n; i++) out[i].score = out[i].score > 1 ? 1 : out[i].score < -1 ? -1 : out[i].score;
    }
    fct_free(bits);
    fct_free(bytes);
    fct_free(scores);
    return n;
}

/* ---- A search ------------------------------------------------------------------------------ */

static bool make_lists(stage_job *j, size_t n) {
    j->lists = fct_calloc(n, sizeof *j->lists);
    if (!j->lists) return false;
    for (size_t i = 0; i < n; i++) {
        j->lists[i] = (shortlist){.cap = 4 * FAST_ROWS, .limit = j->distances - 1};
        j->lists[i].items = fct_realloc_array(NULL, 4 * FAST_ROWS, sizeof(fct_nominee));
        j->lists[i].count = fct_calloc((size_t)j->distances, sizeof(uint32_t));
        if (!j->lists[i].items || !j->lists[i].count) return false;
    }
    return true;
}

static void free_lists(stage_job *j, size_t n) {
    for (size_t i = 0; i < n && j->lists; i++) {
        fct_free(j->lists[i].items);
        fct_free(j->lists[i].count);
    }
    fct_free(j->lists);
}

/* First the sketches nominate candidates, on all threads when there are enough rows; then exact scores decide among
 * them. */
static bool search_group(stage_job *j, const fct_index_query *q, fct_hit *out, int *n_found) {
    size_t per_task = j->v->of->task_panels * FCT_INDEX_PANEL;
    bool large = j->v->n * (size_t)j->words * 8 * j->n >= PARALLEL_MIN;
    int n_workers = large && fct_parallel_begin() ? fct_parallel_width() : 1,
        tasks = (int)((j->v->n + per_task - 1) / per_task);
    size_t n_lists = (size_t)n_workers * j->n;
    bool good = make_lists(j, n_lists);
    if (good && n_workers > 1) fct_parallel(tasks, nominate_task, j);
    for (int i = 0; i < tasks && good && n_workers == 1; i++) nominate_task(j, i, 0);
    for (int p = 0; p < j->n && good; p++) {
        int n = merge_lists(j, p, n_workers) ? finish(j, p, q, out + (size_t)p * q->k) : -1;
        good = n >= 0;
        n_found[p] = good ? n : 0;
    }
    free_lists(j, n_lists);
    if (large) fct_parallel_end();
    return good;
}

bool fct_stages_fit(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask) {
    return v->of->staged && q->k <= FAST_K && mask->n >= 4 * FAST_ROWS;
}

fct_status fct_stages_search(const fct_edition *v, const fct_index_query *q, const fct_row_mask *mask,
                             const float *unit, int n, fct_hit *out, int *n_found, fct_error *err) {
    int dim = v->of->head.dim, words = fct_stage_words(dim);
    int8_t *bytes = fct_alloc((size_t)fct_stage_bytes(dim));
    uint64_t *bits = fct_realloc_array(NULL, (size_t)n * (size_t)words, sizeof *bits);
    bool good = bytes && bits;
    for (int p = 0; p < n && good; p++) fct_stage_fill(unit + (size_t)p * dim, 1, dim, bits + (size_t)p * words, bytes);
    for (int first = 0; first < n && good; first += GROUP) {
        stage_job j = {.v = v,
                       .mask = mask,
                       .n = n - first < GROUP ? n - first : GROUP,
                       .words = words,
                       .distances = 64 * words + 1,
                       .probes = unit + (size_t)first * dim,
                       .bits = bits + (size_t)first * words};
        good = search_group(&j, q, out + (size_t)first * q->k, n_found + first);
    }
    fct_free(bytes);
    fct_free(bits);
    return good ? FCT_OK : fct_fail_nomem(err, "search", 0);
}

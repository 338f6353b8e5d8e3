/* Bounds of scores by 8-bit integers, and exact scores: see index_stages.h. */
#include "base/alloc.h"
#include "base/error.h"
#include "index/index_file.h"
#include "index/index_stages.h"
#include "kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

/* ---- Memory ----------------------------------------------------------------------------- */

static bool make_room(const fct_stage_job *j, fct_stage_room *r) {
    size_t dim = (size_t)j->g->v->of->head.dim;
    r->panel = fct_aligned_alloc(dim * FCT_INDEX_PANEL * sizeof(float));
    r->row = fct_aligned_alloc(dim * sizeof(float));
    r->sums = fct_aligned_alloc((size_t)j->g->n * FCT_BYTES_ROWS * sizeof(int32_t));
    r->bytes = fct_aligned_alloc((size_t)FCT_BYTES_ROWS * (size_t)j->size);
    if (r->panel) memset(r->panel, 0, dim * FCT_INDEX_PANEL * sizeof(float));
    return r->panel && r->row && r->sums && r->bytes;
}

/* Makes integers and signs of the probes. */
static void take_probes(fct_stage_job *j) {
    int dim = j->g->v->of->head.dim;
    for (int p = 0; p < j->g->n; p++) {
        float error;
        fct_kernels()->sketch_row(&j->probes[p].scale, &error, j->signs + (size_t)p * (size_t)j->words,
                                  j->bytes + (size_t)p * (size_t)j->size, j->g->unit + (size_t)p * (size_t)dim, dim);
        j->probes[p].share = 1 + error;
        j->probes[p].slack = error + 4e-6f + (float)dim * 1.2e-7f; /* the last: a chain of dim multiply-adds */
    }
}

bool fct_stage_make(fct_stage_job *j) {
    const fct_search_group *g = j->g;
    size_t n = (size_t)g->n, lists = n * (size_t)j->n_workers;
    j->size = fct_sketch_bytes(g->v->of->head.dim);
    j->words = fct_sketch_words(g->v->of->head.dim);
    fct_mutex_init(&j->lock);
    j->probes = fct_realloc_array(NULL, n, sizeof *j->probes);
    j->bytes = fct_aligned_alloc(n * (size_t)j->size);
    j->signs = fct_realloc_array(NULL, n * (size_t)j->words, sizeof *j->signs);
    j->hits = fct_realloc_array(NULL, lists * (size_t)g->k, sizeof *j->hits);
    j->picks = fct_calloc(lists, sizeof *j->picks);
    j->rooms = fct_calloc((size_t)j->n_workers, sizeof *j->rooms);
    bool good = j->probes && j->bytes && j->signs && j->hits && j->picks && j->rooms;
    for (int w = 0; w < j->n_workers && good; w++) good = make_room(j, &j->rooms[w]);
    if (!good) return false;
    for (size_t i = 0; i < lists; i++)
        fct_topk_init(&j->picks[i].sure, j->hits + i * (size_t)g->k, g->k, g->threshold, g->faces);
    take_probes(j);
    return true;
}

void fct_stage_clear(fct_stage_job *j) {
    for (int w = 0; j->rooms && w < j->n_workers; w++) {
        fct_aligned_free(j->rooms[w].panel);
        fct_aligned_free(j->rooms[w].row);
        fct_aligned_free(j->rooms[w].sums);
        fct_aligned_free(j->rooms[w].bytes);
    }
    for (size_t i = 0; j->picks && i < (size_t)j->g->n * (size_t)j->n_workers; i++) fct_free(j->picks[i].items);
    fct_free(j->probes);
    fct_aligned_free(j->bytes);
    fct_free(j->signs);
    fct_free(j->hits);
    fct_free(j->picks);
    fct_free(j->rooms);
    fct_mutex_destroy(&j->lock);
}

void fct_stage_fail(fct_stage_job *j, fct_status s, const fct_error *err) {
    fct_mutex_lock(&j->lock);
    if (!j->bad) {
        j->bad = s;
        j->err = *err;
    }
    fct_mutex_unlock(&j->lock);
}

/* ---- Bounds ------------------------------------------------------------------------------ */

/* Drops candidates that cannot be among the k best any more; makes more room where that is not enough. */
static void tidy(fct_picks *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].upper >= l->sure.floor) l->items[kept++] = l->items[i];
    l->n = kept;
    if (l->cap && kept <= l->cap / 2) return;
    size_t cap = l->cap ? 2 * l->cap : 64;
    fct_index_candidate *items = fct_realloc_array(l->items, cap, sizeof *items);
    l->failed |= !items;
    if (!items) return;
    l->items = items;
    l->cap = cap;
}

/* A row of chunk c whose products with the probe have this sum. */
static void offer(fct_picks *l, const fct_probe *p, const fct_chunk *c, size_t at, size_t row, int32_t sum) {
    float score = (float)sum * c->scales[at] * p->scale, bound = c->errors[at] * p->share + p->slack;
    if (score + bound < l->sure.floor) return;
    if (l->n == l->cap) tidy(l);
    if (l->n == l->cap) return; /* failed */
    l->items[l->n++] = (fct_index_candidate){(uint32_t)row, score + bound};
    if (score - bound >= l->sure.floor)
        fct_topk_put(&l->sure, (fct_hit){c->rows[at].person_id, c->rows[at].face_id, score - bound});
}

/* Offers those of up to FCT_BYTES_ROWS rows whose bound reaches the floor. */
static void offer_block(const fct_stage_job *j, int p, fct_picks *l, const fct_chunk *c, size_t at, size_t row,
                        size_t n, const int32_t *sums) {
    const fct_probe *probe = &j->probes[p];
    uint64_t mask[FCT_BYTES_ROWS / 64];
    fct_kernels()->reach_int8(mask, sums, c->scales + at, c->errors + at, n, probe->share / probe->scale,
                              (l->sure.floor - probe->slack) / probe->scale);
    for (size_t w = 0; w < (n + 63) / 64; w++)
        for (size_t r = 64 * w; mask[w]; r++, mask[w] >>= 1)
            if (mask[w] & 1 && fct_row_allowed(j->g->mask, row + r)) offer(l, probe, c, at + r, row + r, sums[r]);
}

void fct_bytes_task(void *ctx, int index, int worker) {
    fct_stage_job *j = ctx;
    const fct_edition *v = j->g->v;
    fct_task_rows t = fct_rows_of_task(v, index);
    const fct_chunk *c = fct_edition_chunk(v, t.first);
    const int8_t *bytes = c->bytes;
    fct_error err;
    if (!fct_rows_allowed(j->g->mask, t.first, t.n)) return;
    fct_status s = c->file ? fct_index_file_bytes(c->file, c->number, &bytes, &err) : FCT_OK;
    if (s) {
        fct_stage_fail(j, s, &err);
        return;
    }
    int32_t *sums = j->rooms[worker].sums;
    for (size_t i = 0; i < t.n; i += FCT_BYTES_ROWS) {
        size_t row = t.first + i, at = row % fct_rows_per_chunk(v->of), n = t.n - i;
        if (n > FCT_BYTES_ROWS) n = FCT_BYTES_ROWS;
        if (!fct_rows_allowed(j->g->mask, row, n)) continue;
        fct_kernels()->score_int8(sums, FCT_BYTES_ROWS, bytes + at * (size_t)j->size, n, j->bytes, j->g->n, j->size);
        for (int p = 0; p < j->g->n; p++)
            offer_block(j, p, &j->picks[(size_t)worker * (size_t)j->g->n + (size_t)p], c, at, row, n,
                        sums + (size_t)p * FCT_BYTES_ROWS);
    }
}

/* Where the bytes of a row are; NULL after a failure. room: for those of a file. */
static const int8_t *bytes_of(fct_stage_job *j, size_t row, int8_t *room) {
    const fct_edition *v = j->g->v;
    const fct_chunk *c = fct_edition_chunk(v, row);
    size_t at = row % fct_rows_per_chunk(v->of);
    const int8_t *out;
    fct_error err;
    if (!c->file) return c->bytes + at * (size_t)j->size;
    fct_status s = fct_index_file_row(c->file, c->number, at, room, &out, &err);
    if (!s) return out;
    fct_stage_fail(j, s, &err);
    return NULL;
}

void fct_bytes_rows(fct_stage_job *j, int p, int worker, const uint32_t *rows, size_t n) {
    const fct_edition *v = j->g->v;
    fct_stage_room *room = &j->rooms[worker];
    const int8_t *bytes[FCT_BYTES_ROWS];
    size_t per = fct_rows_per_chunk(v->of);
    for (size_t i = 0; i < n; i += FCT_BYTES_ROWS) {
        size_t m = n - i < FCT_BYTES_ROWS ? n - i : FCT_BYTES_ROWS;
        for (size_t r = 0; r < m; r++) {
            bytes[r] = bytes_of(j, rows[i + r], room->bytes + r * (size_t)j->size);
            if (!bytes[r]) return;
        }
        fct_kernels()->dot_int8(room->sums, bytes, m, j->bytes + (size_t)p * (size_t)j->size, j->size);
        for (size_t r = 0; r < m; r++)
            offer(&j->picks[p], &j->probes[p], fct_edition_chunk(v, rows[i + r]), rows[i + r] % per, rows[i + r],
                  room->sums[r]);
    }
}

/* ---- Exact scores -------------------------------------------------------------------------- */

/* The most promising first; then by row, for reading a file in its order. */
static int compare_candidates(const void *pa, const void *pb) {
    const fct_index_candidate *a = pa, *b = pb;
    if (a->upper != b->upper) return a->upper > b->upper ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Puts what all workers picked for probe p into the picks of worker 0. */
static bool gather_picks(fct_stage_job *j, int p) {
    fct_picks *all = &j->picks[p];
    for (int w = 1; w < j->n_workers; w++) {
        const fct_picks *l = &j->picks[(size_t)w * (size_t)j->g->n + (size_t)p];
        for (int i = 0; i < l->sure.n; i++)
            if (l->sure.hits[i].score >= all->sure.floor) fct_topk_put(&all->sure, l->sure.hits[i]);
    }
    bool good = !all->failed;
    for (int w = 1; w < j->n_workers && good; w++) {
        const fct_picks *l = &j->picks[(size_t)w * (size_t)j->g->n + (size_t)p];
        good = !l->failed;
        for (size_t i = 0; i < l->n && good; i++) {
            if (l->items[i].upper < all->sure.floor) continue;
            if (all->n == all->cap) tidy(all);
            good = all->n < all->cap;
            if (good) all->items[all->n++] = l->items[i];
        }
    }
    if (good) tidy(all);
    return good && !all->failed;
}

/* Exact scores of n <= FCT_INDEX_PANEL candidates. */
static fct_status score_candidates(fct_stage_job *j, int p, fct_stage_room *room, const fct_index_candidate *items,
                                   size_t n, float *scores, fct_error *err) {
    const fct_edition *v = j->g->v;
    int dim = v->of->head.dim;
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) {
        const fct_chunk *c = fct_edition_chunk(v, items[i].row);
        size_t at = items[i].row % fct_rows_per_chunk(v->of);
        const float *row = c->file ? room->row : c->vectors + at * (size_t)dim;
        if (c->file) s = fct_chunk_vectors(v->of, c, at, 1, room->row, err);
        if (!s) fct_panel_fill(room->panel, (int)i, row, 1, dim);
    }
    if (!s)
        fct_kernels()->score_f32(scores, FCT_INDEX_PANEL, room->panel, 1, j->g->unit + (size_t)p * (size_t)dim, 1, dim);
    return s;
}

void fct_exact_scores(fct_stage_job *j, int p, int worker) {
    const fct_search_group *g = j->g;
    fct_picks *l = &j->picks[p];
    fct_hit *out = j->out + (size_t)p * (size_t)j->k_out;
    fct_topk best;
    fct_error err;
    fct_status s = gather_picks(j, p) ? FCT_OK : fct_fail_nomem(&err, "search", 0);
    fct_topk_init(&best, out, g->k, g->threshold, g->faces);
    if (!s) qsort(l->items, l->n, sizeof *l->items, compare_candidates);
    for (size_t i = 0; i < l->n && !s && l->items[i].upper >= best.floor; i += FCT_INDEX_PANEL) {
        float scores[FCT_INDEX_PANEL];
        size_t n = l->n - i < FCT_INDEX_PANEL ? l->n - i : FCT_INDEX_PANEL;
        s = score_candidates(j, p, &j->rooms[worker], l->items + i, n, scores, &err);
        for (size_t r = 0; r < n && !s; r++) {
            const fct_index_row *row = fct_edition_row(g->v, l->items[i + r].row);
            if (scores[r] >= best.floor) fct_topk_put(&best, (fct_hit){row->person_id, row->face_id, scores[r]});
        }
    }
    if (s) fct_stage_fail(j, s, &err);
    j->n_found[p] = s ? 0 : best.n;
    for (int i = 0; i < best.n; i++) out[i].score = out[i].score > 1 ? 1 : out[i].score < -1 ? -1 : out[i].score;
}

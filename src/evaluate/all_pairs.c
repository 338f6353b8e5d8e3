/* All pairs of n pictures, in tiles: the scores of some pictures with some others are
 * made by all threads and then looked through by one, which costs a tenth of that. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "evaluate/evaluate_impl.h"

enum { PROBES = 64, PANELS = 512, WIDTH = 16 }; /* a tile of 64 x 8192 scores: 2 MB */

typedef struct pair_loop {
    fct_scores *scores;
    const float *rows;
    const uint32_t *people;
    const bool *good;
    fct_panels panels;
    float *probes, *tile;
} pair_loop;

static float clamp1(float v) { return v > 1 ? 1 : v < -1 ? -1 : v; }

/* Adds the pairs of picture i with pictures from `from` on, of which there are scores. */
static fct_status add_row(pair_loop *l, size_t i, size_t from, size_t end, const float *scores, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t j = from; j < end && !s; j++) {
        bool made = l->good[i] && l->good[j];
        fct_comparison c = {.score = made ? clamp1(scores[j - from]) : NAN,
                            .same = l->people[i] == l->people[j],
                            .a = (uint32_t)j,
                            .b = (uint32_t)i,
                            .person_a = l->people[j],
                            .person_b = l->people[i]};
        fct_kept *k = &l->scores->kept[c.same];
        if (made && fct_kept_is_passed_over(k, c.score, fct_pair_mark(c.a, c.b))) k->n++;
        else s = fct_scores_put(l->scores, &c, err);
    }
    return s;
}

/* Adds the pairs of m pictures from `first` with those of a tile that come before them. */
static fct_status look_through(pair_loop *l, size_t first, int m, size_t panel, size_t count, fct_error *err) {
    size_t from = panel * WIDTH, end = (panel + count) * WIDTH;
    fct_status s = FCT_OK;
    for (int p = 0; p < m && !s; p++) {
        size_t i = first + (size_t)p;
        s = add_row(l, i, from, end < i ? end : i, l->tile + (size_t)p * count * WIDTH, err);
    }
    return s;
}

static fct_status loop(pair_loop *l, size_t n, int dim, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i += PROBES) {
        int m = n - i < PROBES ? (int)(n - i) : PROBES;
        for (int p = 0; p < m; p++) fct_panels_unit(l->rows + (i + p) * dim, dim, l->probes + (size_t)p * dim);
        size_t needed = (i + m + WIDTH - 1) / WIDTH; /* panels with pictures before the last of these */
        for (size_t panel = 0; panel < needed && !s; panel += PANELS) {
            size_t count = needed - panel < PANELS ? needed - panel : PANELS;
            fct_panels_score(&l->panels, panel, count, l->probes, m, l->tile);
            s = look_through(l, i, m, panel, count, err);
        }
    }
    return s;
}

static fct_status check(const fct_scores *s, size_t n, int dim, fct_error *err) {
    if (s->used) return fct_fail(err, FCT_ERR_ARG, "scores: there are some already");
    if (dim < 1 || dim > 65536) return fct_fail(err, FCT_ERR_ARG, "scores: embeddings of %d values", dim);
    if (n > UINT32_MAX) return fct_fail(err, FCT_ERR_LIMIT, "scores: %zu pictures", n);
    return FCT_OK;
}

fct_status fct_scores_add_all(fct_scores *s, const float *rows, const uint32_t *people, size_t n, int dim,
                              fct_error *err) {
    fct_status st = check(s, n, dim, err);
    if (st) return st;
    pair_loop l = {.scores = s, .rows = rows, .people = people};
    s->used = s->all_pairs = true;
    for (size_t i = 0; i < n && !st; i++) st = fct_scores_note_person(s, people[i], err);
    if (!st && !(s->good = fct_calloc(s->cap_people + 1, sizeof *s->good))) st = fct_fail_nomem(err, "people", 0);
    if (!st) st = fct_panels_make(rows, NULL, n, dim, &l.panels, err);
    bool *good = fct_calloc(n + 1, sizeof *good);
    l.probes = fct_aligned_alloc((size_t)PROBES * dim * sizeof *l.probes);
    l.tile = fct_aligned_alloc((size_t)PROBES * PANELS * WIDTH * sizeof *l.tile);
    if (!st && (!good || !l.probes || !l.tile)) st = fct_fail_nomem(err, "scores of pairs", 0);
    for (size_t i = 0; i < n && !st; i++) {
        good[i] = fct_panels_row_good(rows + i * dim, dim);
        s->good[people[i]] += good[i];
    }
    l.good = good;
    fct_parallel_begin();
    if (!st) st = loop(&l, n, dim, err);
    fct_parallel_end();
    fct_panels_clear(&l.panels);
    fct_aligned_free(l.probes);
    fct_aligned_free(l.tile);
    fct_free(good);
    return st;
}

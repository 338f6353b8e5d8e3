#include "measure/eval_measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVE_POINTS = 400 };

static fct_interval_opts intervals(const cli_settings *s) {
    fct_interval_opts o;
    fct_interval_opts_init(&o);
    o.seed = (uint64_t)s->seed;
    return o;
}

/* ---- Scores --------------------------------------------------------------------------- */

static float pair_score(const eval_result *r, const eval_pair *p) {
    if (r->set->kind == EVAL_SCORES) return p->score;
    if (r->faces[p->a] <= 0 || r->faces[p->b] <= 0) return NAN;
    return fct_cosine(r->rows + (size_t)p->a * r->dim, r->rows + (size_t)p->b * r->dim, r->dim);
}

/* Adds the pairs of a group, or all (-1), to scores. */
static fct_status add_pairs(const eval_result *r, int group, fct_scores *scores, fct_error *err) {
    fct_status s = FCT_OK;
    for (size_t i = 0; i < r->set->n_pairs && !s; i++) {
        const eval_pair *p = &r->set->pairs[i];
        if (group >= 0 && p->group != group) continue;
        fct_comparison c = {pair_score(r, p), p->same, p->a, p->b, p->person_a, p->person_b};
        s = fct_scores_add(scores, &c, 1, err);
    }
    return s;
}

/* Gathers the photos of a group, or all (-1): their embeddings [*n][dim] and people, both owned by the caller. */
static void gather(const eval_result *r, int group, float **rows, uint32_t **people, size_t *n) {
    *rows = cli_alloc(r->set->photos.n * (size_t)r->dim, sizeof **rows);
    *people = cli_alloc(r->set->photos.n, sizeof **people);
    *n = 0;
    for (size_t i = 0; i < r->set->photos.n; i++) {
        if (group >= 0 && r->set->of[i].group != group) continue;
        memcpy(*rows + *n * r->dim, r->rows + i * r->dim, (size_t)r->dim * sizeof **rows);
        (*people)[(*n)++] = r->set->of[i].person;
    }
}

static fct_status add_group(const eval_result *r, int group, fct_scores *scores, fct_error *err) {
    if (r->set->kind != EVAL_PEOPLE) return add_pairs(r, group, scores, err);
    float *rows;
    uint32_t *people;
    size_t n;
    gather(r, group, &rows, &people, &n);
    fct_status s = fct_scores_add_all(scores, rows, people, n, r->dim, err);
    free(rows);
    free(people);
    return s;
}

/* ---- Rates of pairs --------------------------------------------------------------------- */

/* The rate for which a threshold is recommended: --far's, else the lowest power of ten at which enough errors are
 * seen, else the highest possible one. */
static double choose_far(const cli_settings *s, const eval_result *r) {
    if (!isnan(s->false_accept)) return s->false_accept;
    double false_accept = NAN;
    for (int i = 0; i < r->n_points; i++)
        if (i == 0 || r->points[i].wanted * (double)r->info.impostor >= EVAL_SURE) false_accept = r->points[i].wanted;
    return false_accept;
}

static fct_status measure_points(const cli_settings *s, eval_result *r, fct_error *err) {
    fct_interval_opts o = intervals(s);
    fct_operating_point wanted;
    double false_accept[EVAL_RATES_MOST];
    for (int i = 0; i < EVAL_RATES_MOST; i++) false_accept[i] = pow(10, -1 - i);
    fct_status st = fct_scores_at_far(r->scores, false_accept, EVAL_RATES_MOST, &o, r->points, err);
    while (!st && r->n_points < EVAL_RATES_MOST && r->points[r->n_points].possible) r->n_points++;
    r->false_accept = choose_far(s, r);
    if (!st && !isnan(r->false_accept)) st = fct_scores_at_far(r->scores, &r->false_accept, 1, &o, &wanted, err);
    if (!st && !isnan(r->false_accept) && !wanted.possible) r->false_accept = NAN;
    if (!st && !isnan(r->false_accept)) st = fct_scores_at_threshold(r->scores, wanted.threshold, &o, &r->use, err);
    if (!st && !isnan(r->pack_threshold)) st = fct_scores_at_threshold(r->scores, r->pack_threshold, &o, &r->own, err);
    return st;
}

/* Shares of scores between evenly spaced thresholds. */
static fct_status measure_distribution(eval_result *r, fct_error *err) {
    fct_interval_opts none;
    fct_interval_opts_init(&none);
    none.replicates = 0;
    r->low = r->n_curve > 1 ? r->curve[r->n_curve - 1].threshold : 0;
    r->high = r->n_curve > 1 ? r->curve[1].threshold : 0;
    fct_status s = FCT_OK;
    double accepts = 0, tar = 0;
    for (int i = EVAL_BINS - 1; i >= 0 && !s; i--) {
        fct_operating_point p;
        s = fct_scores_at_threshold(r->scores, r->low + (r->high - r->low) * (float)i / EVAL_BINS, &none, &p, err);
        r->impostor[i] = p.false_accept.value - accepts;
        r->genuine[i] = p.tar.value - tar;
        accepts = p.false_accept.value;
        tar = p.tar.value;
    }
    return s;
}

static fct_status measure_accuracy(eval_result *r, fct_error *err) {
    const eval_set *set = r->set;
    if (set->kind == EVAL_PEOPLE || set->n_pairs == 0) return FCT_OK;
    float *scores = cli_alloc(set->n_pairs, sizeof *scores);
    bool *same = cli_alloc(set->n_pairs, sizeof *same);
    uint8_t *fold = cli_alloc(set->n_pairs, sizeof *fold);
    for (size_t i = 0; i < set->n_pairs; i++) {
        scores[i] = pair_score(r, &set->pairs[i]);
        same[i] = set->pairs[i].same;
        fold[i] = set->pairs[i].fold;
    }
    fct_status s = fct_pair_accuracy(scores, same, fold, set->n_pairs, set->folds, &r->accuracy, &r->deviation, err);
    free(scores);
    free(same);
    free(fold);
    return s;
}

static fct_status measure_pairs(const cli_settings *s, eval_result *r, fct_error *err) {
    fct_status st = fct_scores_create(NULL, &r->scores, err);
    if (!st) st = add_group(r, -1, r->scores, err);
    if (st) return st;
    fct_scores_stat(r->scores, &r->info);
    st = measure_points(s, r, err);
    bool both = r->info.genuine && r->info.impostor;
    r->equal_error = fct_scores_equal_error(r->scores, &r->equal_at);
    if (!st && both) st = fct_scores_curve(r->scores, CURVE_POINTS, &r->curve, &r->n_curve, err);
    if (!st && both) st = measure_distribution(r, err);
    return st ? st : measure_accuracy(r, err);
}

/* ---- Searches --------------------------------------------------------------------------------- */

static fct_status measure_rates_of_searches(const cli_settings *s, eval_result *r, fct_error *err) {
    static const int ranks[3] = {1, 5, 10};
    static const double fpir[EVAL_FPIRS_MOST] = {1e-1, 1e-2, 1e-3, 1e-4};
    fct_interval_opts o = intervals(s), none = o;
    none.replicates = 0;
    fct_status st = FCT_OK;
    for (int i = 0; i < 3 && !st; i++) st = fct_identification_at_rank(r->searches, ranks[i], &o, &r->ranks[i], err);
    for (int i = 0; i < EVAL_RANKS && !st; i++) {
        fct_rate rate;
        st = fct_identification_at_rank(r->searches, i + 1, &none, &rate, err);
        r->cmc[i] = rate.value;
    }
    if (!st) st = fct_identification_at_fpir(r->searches, fpir, EVAL_FPIRS_MOST, &o, r->fpirs, err);
    while (!st && r->n_fpirs < EVAL_FPIRS_MOST && r->fpirs[r->n_fpirs].possible) r->n_fpirs++;
    if (!st && !isnan(r->false_accept))
        st = fct_identification_at_threshold(r->searches, r->use.threshold, &o, &r->search_use, err);
    if (!st && r->searched.others && r->searched.probes)
        st = fct_identification_curve(r->searches, CURVE_POINTS, &r->search_curve, &r->n_search_curve, err);
    return st;
}

/* Searches need people with two photos; without them there is just no such part. */
static fct_status measure_searches(const cli_settings *s, eval_result *r, fct_error *err) {
    if (r->set->kind != EVAL_PEOPLE) return FCT_OK;
    float *rows;
    uint32_t *people;
    size_t n;
    fct_identification_opts o;
    fct_identification_opts_init(&o);
    o.seed = (uint64_t)s->seed;
    gather(r, -1, &rows, &people, &n);
    fct_status st = fct_identification_run(rows, people, n, r->dim, &o, &r->searches, err);
    free(rows);
    free(people);
    if (st) return st == FCT_ERR_ARG ? FCT_OK : st;
    fct_identification_stat(r->searches, &r->searched);
    return measure_rates_of_searches(s, r, err);
}

/* ---- Groups --------------------------------------------------------------------------------------- */

/* How many photos and people a group has. */
static void count_group(const eval_result *r, int group, eval_group *out) {
    bool *seen = cli_alloc(r->set->people.n, sizeof *seen);
    for (size_t i = 0; i < r->set->photos.n && r->set->kind == EVAL_PEOPLE; i++) {
        if (r->set->of[i].group != group) continue;
        out->photos++;
        out->people += !seen[r->set->of[i].person];
        seen[r->set->of[i].person] = true;
    }
    free(seen);
}

/* Pairs within each group, at the threshold for all. */
static fct_status measure_groups(const cli_settings *s, eval_result *r, fct_error *err) {
    fct_interval_opts o = intervals(s);
    fct_status st = FCT_OK;
    if (isnan(r->false_accept)) return st;
    r->n_groups = r->set->groups.n;
    r->groups = cli_alloc(r->n_groups, sizeof *r->groups);
    for (size_t i = 0; i < r->n_groups && !st; i++) {
        fct_scores *scores = NULL;
        eval_group *g = &r->groups[i];
        g->name = r->set->groups.at[i];
        count_group(r, (int)i, g);
        st = fct_scores_create(NULL, &scores, err);
        if (!st) st = add_group(r, (int)i, scores, err);
        if (!st) fct_scores_stat(scores, &g->info);
        if (!st) st = fct_scores_at_threshold(scores, r->use.threshold, &o, &g->point, err);
        fct_scores_free(scores);
    }
    return st;
}

int eval_measure(const cli_settings *s, eval_result *r) {
    fct_error e;
    fct_status st = measure_pairs(s, r, &e);
    if (!st) st = measure_searches(s, r, &e);
    if (!st) st = measure_groups(s, r, &e);
    return st ? cli_fail(&e) : CLI_DONE;
}

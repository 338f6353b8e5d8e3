/* Thresholds, the rates at them, and their intervals.
 *
 * Comparisons are sorted from the hardest to the easiest, impostors from the highest
 * score and genuine ones from the lowest, so that a threshold's errors of either kind
 * are those before some place. A replicate of the bootstrap gives every person a
 * weight and every comparison the product of its people's; it walks to the same
 * places and, for a FAR that is wanted, to the place where its own threshold is. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "evaluate/evaluate_impl.h"
#include <stdlib.h>

enum { POINTS_MOST = 64, RATES = 4 }; /* rates: FAR, FMR, TAR, FNMR */

/* ---- Weighted walks ------------------------------------------------------------------ */

typedef struct weighted_walk {
    const fct_kept *kept;
    const uint16_t *weights;
    size_t at;  /* items passed */
    double sum; /* of their weights */
} weighted_walk;

static double weight_at(const weighted_walk *w) {
    const fct_kept_item *i = &w->kept->hard[w->at];
    double drawn = w->weights[i->person_a];
    if (i->person_a != i->person_b) drawn *= w->weights[i->person_b];
    return w->at < w->kept->exact ? drawn : drawn * w->kept->scale;
}

static void walk_to(weighted_walk *w, size_t at) {
    for (; w->at < at; w->at++) w->sum += weight_at(w);
}

/* Walks on as long as the sum is at most `most`. Returns the score at which that ends: only higher ones match. */
static float walk_up_to(weighted_walk *w, double most) {
    for (; w->at < w->kept->n_hard; w->at++) {
        double weight = weight_at(w);
        if (w->sum + weight > most) return w->kept->hard[w->at].score;
        w->sum += weight;
    }
    return FCT_FAILED;
}

/* ---- Points ---------------------------------------------------------------------------- */

typedef struct point_job {
    const fct_scores *scores;
    fct_interval_opts o;
    fct_operating_point *points;
    int n;
    int order[POINTS_MOST]; /* of the points that are possible, by rising FAR */
    int n_possible;
    size_t accepts[POINTS_MOST]; /* places of false accepts at the thresholds, among impostors; */
    size_t rejects[POINTS_MOST]; /* of false rejects, among genuine pairs */
    size_t border[2];            /* places between comparisons that could and that could not be made */
    uint32_t *people;            /* [n_people] that occur */
    size_t n_people;
    uint16_t *weights; /* [workers][cap_people] */
    double *values;    /* [n][RATES][replicates] */
} point_job;

static float above(float score) { return nextafterf(score, INFINITY); }

/* The lowest threshold whose FAR is at most wanted. False where not one false accept is allowed. */
static bool choose_threshold(const fct_kept *k, double wanted, float *out) {
    double allowed = floor(wanted * (double)k->n + 1e-9);
    if (allowed < 1) return false;
    size_t i =
        allowed <= (double)k->exact ? (size_t)allowed : k->exact + (size_t)((allowed - (double)k->exact) / k->scale);
    *out = above(i < k->n_hard ? k->hard[i].score : FCT_FAILED);
    return true;
}

static double share(double part, double whole) { return whole > 0 ? part / whole : NAN; }

static void rate_point(point_job *j, int i) {
    const fct_kept *m = &j->scores->kept[0], *g = &j->scores->kept[1];
    fct_operating_point *p = &j->points[i];
    j->accepts[i] = fct_kept_errors(m, p->threshold);
    j->rejects[i] = fct_kept_errors(g, p->threshold);
    double accepts = fct_kept_weight(m, j->accepts[i]), rejects = fct_kept_weight(g, j->rejects[i]);
    p->errors = (uint64_t)(accepts + 0.5);
    p->false_accept.value = share(accepts, (double)m->n);
    p->fmr.value = share(accepts, (double)(m->n - m->failed));
    p->tar.value = 1 - share(rejects, (double)g->n);
    p->fnmr.value = share(fmax(rejects - (double)g->failed, 0), (double)(g->n - g->failed));
}

/* ---- Replicates --------------------------------------------------------------------------- */

/* Weights of all comparisons of a replicate, [0] of impostors and [1] of genuine pairs. */
typedef struct draw_totals {
    double attempts[2], made[2];
} draw_totals;

/* Of all pairs of pictures, from the numbers of pictures alone. */
static void pairs_of(const point_job *j, const uint32_t *pictures, const uint16_t *weights, double out[2]) {
    double sum = 0, squares = 0, genuine = 0;
    for (size_t i = 0; i < j->n_people; i++) {
        double w = weights[j->people[i]], n = pictures[j->people[i]];
        sum += w * n;
        squares += w * n * w * n;
        genuine += w * n * (n - 1) / 2;
    }
    out[0] = (sum * sum - squares) / 2;
    out[1] = genuine;
}

static draw_totals count_draw(const point_job *j, const uint16_t *weights) {
    draw_totals t = {0};
    if (j->scores->all_pairs) {
        pairs_of(j, j->scores->pictures, weights, t.attempts);
        pairs_of(j, j->scores->good, weights, t.made);
        return t;
    }
    for (int kind = 0; kind < 2; kind++) { /* what could not be compared is first among genuine pairs, else last */
        weighted_walk w = {.kept = &j->scores->kept[kind], .weights = weights};
        walk_to(&w, j->border[kind]);
        double first = w.sum;
        walk_to(&w, w.kept->n_hard);
        t.attempts[kind] = w.sum;
        t.made[kind] = kind ? w.sum - first : first;
    }
    return t;
}

static void store(const point_job *j, int point, int rate, int replicate, double value) {
    j->values[((size_t)point * RATES + rate) * j->o.replicates + replicate] = value;
}

/* FAR and FMR of the thresholds, and how far genuine pairs are rejected by the thresholds of this replicate. */
static void walk_impostors(const point_job *j, const uint16_t *weights, const draw_totals *t, int replicate,
                           size_t rejects[POINTS_MOST]) {
    weighted_walk fixed = {.kept = &j->scores->kept[0], .weights = weights}, own = fixed;
    for (int i = 0; i < j->n_possible; i++) {
        int at = j->order[i];
        walk_to(&fixed, j->accepts[at]);
        store(j, at, 0, replicate, share(fixed.sum, t->attempts[0]));
        store(j, at, 1, replicate, share(fixed.sum, t->made[0]));
        rejects[at] = j->rejects[at];
        if (isnan(j->points[at].wanted)) continue;
        float score = walk_up_to(&own, j->points[at].wanted * t->attempts[0] * (1 + 1e-12));
        rejects[at] = fct_kept_errors(&j->scores->kept[1], above(score));
    }
}

/* Genuine pairs from the hardest on. Thresholds fall along the order, and so do the places. */
static void walk_genuine(const point_job *j, const uint16_t *weights, const draw_totals *t, int replicate,
                         const size_t rejects[POINTS_MOST]) {
    weighted_walk w = {.kept = &j->scores->kept[1], .weights = weights};
    walk_to(&w, j->border[1]);
    double failed = w.sum;
    for (int i = j->n_possible - 1; i >= 0; i--) {
        int at = j->order[i];
        walk_to(&w, rejects[at]);
        store(j, at, 2, replicate, 1 - share(w.sum, t->attempts[1]));
        store(j, at, 3, replicate, share(fmax(w.sum - failed, 0), t->made[1]));
    }
}

static void replicate_task(void *ctx, int index, int worker) {
    const point_job *j = ctx;
    uint16_t *weights = j->weights + (size_t)worker * j->scores->cap_people;
    size_t rejects[POINTS_MOST];
    fct_resample_draw(j->people, j->n_people, j->o.seed, (uint64_t)index, weights, j->scores->cap_people);
    draw_totals t = count_draw(j, weights);
    walk_impostors(j, weights, &t, index, rejects);
    walk_genuine(j, weights, &t, index, rejects);
}

/* ---- Intervals ------------------------------------------------------------------------------ */

/* People that have genuine pairs: as many are independent. */
static size_t genuine_people(const point_job *j) {
    const fct_kept *g = &j->scores->kept[1];
    uint16_t *seen = j->weights; /* no replicate runs any more */
    size_t n = 0;
    for (size_t i = 0; i < j->scores->cap_people; i++) seen[i] = 0;
    for (size_t i = 0; i < g->n_hard; i++) n += !seen[g->hard[i].person_a]++;
    return n;
}

/* No error among n: the upper limit is that of the rule of 3 (-ln 0.05 = 3.0). */
static void widen(fct_rate *r, bool errors, double n, double confidence) {
    if (isnan(r->low) || n <= 0) return;
    double limit = fmin(1, -log(1 - confidence) / n);
    if (errors && r->value == 0) r->high = fmax(r->high, limit);
    if (!errors && r->value == 1) r->low = fmin(r->low, 1 - limit);
}

static void read_intervals(point_job *j) {
    const fct_kept *m = &j->scores->kept[0];
    double people = (double)genuine_people(j), impostors = (double)(m->n - m->failed);
    for (int i = 0; i < j->n_possible; i++) {
        fct_operating_point *p = &j->points[j->order[i]];
        fct_rate *rates[RATES] = {&p->false_accept, &p->fmr, &p->tar, &p->fnmr};
        for (int r = 0; r < RATES; r++)
            fct_resample_interval(j->values + ((size_t)j->order[i] * RATES + r) * j->o.replicates,
                                  (size_t)j->o.replicates, j->o.confidence, rates[r]);
        widen(&p->false_accept, true, impostors, j->o.confidence);
        widen(&p->fmr, true, impostors, j->o.confidence);
        widen(&p->tar, false, people, j->o.confidence);
        widen(&p->fnmr, true, people, j->o.confidence);
    }
}

static fct_status run_replicates(point_job *j, fct_error *err) {
    const fct_scores *s = j->scores;
    fct_parallel_begin();
    size_t workers = (size_t)fct_parallel_width();
    j->people = fct_alloc(s->cap_people * sizeof *j->people + 1);
    j->weights = fct_calloc(workers * s->cap_people + 1, sizeof *j->weights);
    j->values = fct_calloc((size_t)j->n * RATES * (size_t)j->o.replicates, sizeof *j->values);
    bool ok = j->people && j->weights && j->values;
    if (ok) {
        for (size_t i = 0; i < s->cap_people; i++)
            if (s->pictures[i]) j->people[j->n_people++] = (uint32_t)i;
        fct_parallel(j->o.replicates, replicate_task, j);
        read_intervals(j);
    }
    fct_parallel_end();
    fct_free(j->people);
    fct_free(j->weights);
    fct_free(j->values);
    return ok ? FCT_OK : fct_fail_nomem(err, "intervals", 0);
}

/* ---- The calls ---------------------------------------------------------------------------------- */

static const fct_rate nothing = {NAN, NAN, NAN};

/* Puts the possible points into order: the FAR rises, the threshold falls. */
static void put_in_order(point_job *j) {
    for (int i = 0; i < j->n; i++) {
        if (!j->points[i].possible) continue;
        int at = j->n_possible++;
        for (; at > 0 && j->points[j->order[at - 1]].wanted > j->points[i].wanted; at--)
            j->order[at] = j->order[at - 1];
        j->order[at] = i;
    }
}

static fct_status run_points(fct_scores *s, const fct_interval_opts *opts, fct_operating_point *points, int n,
                             fct_error *err) {
    point_job j = {.scores = s, .points = points, .n = n};
    fct_status st = fct_interval_check(opts, &j.o, err);
    if (st) return st;
    for (int kind = 0; kind < 2; kind++) j.border[kind] = fct_kept_errors(&s->kept[kind], above(FCT_FAILED));
    put_in_order(&j);
    for (int i = 0; i < j.n_possible; i++) rate_point(&j, j.order[i]);
    return j.o.replicates && j.n_possible ? run_replicates(&j, err) : FCT_OK;
}

fct_status fct_scores_at_far(fct_scores *s, const double *false_accept, int n, const fct_interval_opts *opts,
                             fct_operating_point *out, fct_error *err) {
    if (n < 0 || n > POINTS_MOST) return fct_fail(err, FCT_ERR_ARG, "%d rates, at most %d wanted", n, POINTS_MOST);
    fct_status st = fct_scores_finish(s, err);
    for (int i = 0; i < n && !st; i++) {
        out[i] = (fct_operating_point){false_accept[i], false, NAN, 0, nothing, nothing, nothing, nothing};
        if (!(false_accept[i] >= 0 && false_accept[i] <= 1))
            return fct_fail(err, FCT_ERR_ARG, "a rate of %g, 0 to 1 wanted", false_accept[i]);
        out[i].possible = choose_threshold(&s->kept[0], false_accept[i], &out[i].threshold);
    }
    return st ? st : run_points(s, opts, out, n, err);
}

fct_status fct_scores_at_threshold(fct_scores *s, float threshold, const fct_interval_opts *opts,
                                   fct_operating_point *out, fct_error *err) {
    *out = (fct_operating_point){NAN, true, threshold, 0, nothing, nothing, nothing, nothing};
    if (isnan(threshold)) return fct_fail(err, FCT_ERR_ARG, "the threshold is not a number");
    fct_status st = fct_scores_finish(s, err);
    return st ? st : run_points(s, opts, out, 1, err);
}

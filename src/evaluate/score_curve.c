/* Receiver operating characteristics: both lists of comparisons walked through at
 * once, from the highest score to the lowest. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "evaluate/evaluate_impl.h"

typedef struct curve_walk {
    const fct_kept *impostor, *genuine;
    size_t accepts; /* impostors passed */
    size_t left;    /* genuine pairs not passed, which are the first ones of their list */
} curve_walk;

static curve_walk walk_begin(const fct_scores *s) {
    return (curve_walk){&s->kept[0], &s->kept[1], 0, s->kept[1].n_hard};
}

/* Goes on to the next lower score that occurs; false after the last one. What could not be compared never matches. */
static bool walk_next(curve_walk *w, fct_curve_point *out) {
    float i = w->accepts < w->impostor->n_hard ? w->impostor->hard[w->accepts].score : FCT_FAILED;
    float g = w->left > 0 ? w->genuine->hard[w->left - 1].score : FCT_FAILED, score = i > g ? i : g;
    if (score == FCT_FAILED) return false;
    while (w->accepts < w->impostor->n_hard && w->impostor->hard[w->accepts].score == score) w->accepts++;
    while (w->left > 0 && w->genuine->hard[w->left - 1].score == score) w->left--;
    *out = (fct_curve_point){score, fct_kept_weight(w->impostor, w->accepts) / (double)w->impostor->n,
                             fct_kept_weight(w->genuine, w->left) / (double)w->genuine->n};
    return true;
}

static bool both_kinds(const fct_scores *s) { return s->kept[0].n > 0 && s->kept[1].n > 0; }

/* The distance of two points as a plot shows them: in rates and in decades of both. */
static double step(const fct_curve_point *a, const fct_curve_point *b) {
    static const double least = 1e-9;
    double d = fmax(fabs(a->accepts - b->accepts), fabs(a->rejects - b->rejects));
    d = fmax(d, fabs(log10(fmax(a->accepts, least)) - log10(fmax(b->accepts, least))) / 6);
    return fmax(d, fabs(log10(fmax(a->rejects, least)) - log10(fmax(b->rejects, least))) / 6);
}

typedef struct point_list {
    fct_curve_point *at;
    size_t n, capacity;
} point_list;

static fct_status add_point(point_list *l, const fct_curve_point *p, fct_error *err) {
    fct_curve_point *at = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "curve", 0);
    l->at = at;
    l->at[l->n++] = *p;
    return FCT_OK;
}

/* All points that are at least `apart` from the one before, and the last. */
static fct_status collect(const fct_scores *s, double apart, point_list *l, fct_error *err) {
    curve_walk w = walk_begin(s);
    fct_curve_point p, last = {INFINITY, 0, 1};
    bool more = true;
    l->n = 0;
    fct_status st = add_point(l, &last, err);
    for (bool pending = false; more && !st; last = p) {
        more = walk_next(&w, &p);
        if (pending && (!more || step(&l->at[l->n - 1], &p) > apart)) st = add_point(l, &last, err);
        pending = more;
    }
    return st;
}

fct_status fct_scores_curve(fct_scores *s, size_t most, fct_curve_point **out, size_t *n, fct_error *err) {
    point_list l = {0};
    *out = NULL;
    *n = 0;
    fct_status st = fct_scores_finish(s, err);
    if (!st && !both_kinds(s)) st = fct_fail(err, FCT_ERR_ARG, "curve: comparisons of both kinds are needed");
    double apart = most ? 4.0 / (double)most : -1;
    if (!st) st = collect(s, apart, &l, err);
    for (; !st && most && l.n > most && apart < 1e6; apart *= 1.5) st = collect(s, apart, &l, err);
    if (st) {
        fct_free(l.at);
        return st;
    }
    *out = l.at;
    *n = l.n;
    return FCT_OK;
}

void fct_curve_free(fct_curve_point *p) { fct_free(p); }

double fct_scores_equal_error(fct_scores *s, float *threshold) {
    fct_curve_point p, last = {INFINITY, 0, 1};
    if (threshold) *threshold = NAN;
    if (fct_scores_finish(s, NULL) || !both_kinds(s)) return NAN;
    for (curve_walk w = walk_begin(s); walk_next(&w, &p); last = p) {
        if (p.accepts < p.rejects) continue;
        double before = last.rejects - last.accepts, after = p.accepts - p.rejects; /* linear between the two */
        double part = before + after > 0 ? before / (before + after) : 0;
        if (threshold) *threshold = p.threshold;
        return last.accepts + part * (p.accepts - last.accepts);
    }
    return last.rejects; /* so many failures that they never cross */
}

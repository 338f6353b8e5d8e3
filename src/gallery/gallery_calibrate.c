/* A gallery's own threshold: all pairs of faces of different people in it are
 * impostors, whose scores tell how high a threshold must be for a false accept rate. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "facet/evaluate.h"
#include "gallery/face_pool.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY         "threshold"
#define ERRORS_SURE 30 /* the rule of 30: fewer errors leave a rate uncertain by more than 30 % */

void fct_calibrate_opts_init(fct_calibrate_opts *o) { *o = (fct_calibrate_opts){sizeof *o, 1e-4, 20000, 1, false}; }

/* ---- What follows from the scores ------------------------------------------------------- */

/* The pairs of people that are most alike, each once. */
static void find_nearest(const fct_face_pool *p, fct_scores *scores, fct_calibration *out) {
    const fct_comparison *c;
    size_t n = fct_scores_hardest(scores, false, &c);
    for (size_t i = 0; i < n && out->n_nearest < FCT_CALIBRATION_NEAREST; i++) {
        int64_t a = p->people[p->of[c[i].a]], b = p->people[p->of[c[i].b]];
        bool known = false;
        for (int k = 0; k < out->n_nearest; k++)
            known |= (out->nearest[k].a == a && out->nearest[k].b == b) ||
                     (out->nearest[k].a == b && out->nearest[k].b == a);
        if (!known) out->nearest[out->n_nearest++] = (fct_alike_people){a, b, c[i].score};
    }
}

/* FCT_ERR_NOT_FOUND where the pairs are too few for the rate. */
static fct_status check_pairs(const fct_face_pool *p, const fct_calibrate_opts *o, uint64_t pairs, fct_error *err) {
    if ((double)pairs * o->false_accept >= ERRORS_SURE) return FCT_OK;
    double needed = ceil(ERRORS_SURE / o->false_accept), people = ceil((1 + sqrt(1 + 8 * needed)) / 2);
    if (pairs < 2 * ERRORS_SURE)
        return fct_fail(err, FCT_ERR_NOT_FOUND,
                        "%s: %llu pair%s of different people %s too few to tell any threshold; a FAR of %g takes %.0f "
                        "(%.0f people)",
                        p->place, (unsigned long long)pairs, pairs == 1 ? "" : "s", pairs == 1 ? "is" : "are",
                        o->false_accept, needed, people);
    return fct_fail(
        err, FCT_ERR_NOT_FOUND,
        "%s: %llu pairs of different people are too few for a FAR of %g, which takes %.0f (%.0f people); the "
        "lowest that they tell is %.2g",
        p->place, (unsigned long long)pairs, o->false_accept, needed, people,
        ceil(ERRORS_SURE / (double)pairs * 1e6) / 1e6);
}

/* The threshold that the wanted false-accept rate gives, and what it costs as a fixed number. */
static fct_status measure(const fct_face_pool *p, const fct_calibrate_opts *o, fct_calibration *out, fct_error *err) {
    fct_scores *scores;
    fct_scores_info info;
    fct_operating_point chosen;
    fct_interval_opts i;
    fct_interval_opts_init(&i);
    i.seed = o->seed;
    fct_status s = fct_scores_create(NULL, &scores, err);
    if (s) return s;
    s = fct_scores_add_all(scores, p->rows, p->of, p->n, (int)p->model.dim, err);
    fct_scores_stat(scores, &info);
    out->genuine = info.genuine;
    out->impostor = info.impostor;
    if (!s) s = check_pairs(p, o, info.impostor, err);
    if (!s) s = fct_scores_at_far(scores, &o->false_accept, 1, &i, &chosen, err);
    fct_operating_point fixed = {.threshold = NAN};
    if (!s) s = fct_scores_at_threshold(scores, chosen.threshold, &i, &fixed, err);
    out->threshold = fixed.threshold;
    out->false_accept = fixed.false_accept;
    out->tar = fixed.tar;
    if (!s) find_nearest(p, scores, out);
    fct_scores_free(scores);
    return s;
}

/* Stores the threshold, and how it came about. */
static fct_status keep(fct_gallery *g, const fct_calibrate_opts *o, const fct_calibration *c, fct_error *err) {
    char false_accept[32], pairs[32], value[32];
    snprintf(false_accept, sizeof false_accept, "%g", o->false_accept);
    snprintf(pairs, sizeof pairs, "%llu", (unsigned long long)c->impostor);
    snprintf(value, sizeof value, "%.9g", (double)c->threshold);
    int64_t scope = fct_gallery_home(g);
    fct_status s = fct_gallery_set_setting(g, scope, KEY ".far", false_accept, err);
    if (!s) s = fct_gallery_set_setting(g, scope, KEY ".pairs", pairs, err);
    return s ? s : fct_gallery_set_setting(g, scope, KEY, value, err);
}

fct_status fct_gallery_calibrate(fct_gallery *g, const fct_calibrate_opts *opts, fct_calibration *out, fct_error *err) {
    fct_calibrate_opts o;
    *out = (fct_calibration){.threshold = NAN};
    fct_calibrate_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (!(o.false_accept > 0 && o.false_accept <= 0.5) || o.most_faces < 2)
        return fct_fail(err, FCT_ERR_ARG, "calibration: FAR %g with at most %d faces", o.false_accept, o.most_faces);
    fct_face_pool p = {.seed = o.seed};
    fct_status s = fct_face_pool_load(g, o.most_faces, &p, err);
    out->people = (int)p.n_people;
    out->faces = p.seen;
    out->compared = (int64_t)p.n;
    if (!s && !p.n) s = check_pairs(&p, &o, 0, err);
    if (!s) s = measure(&p, &o, out, err);
    if (!s && o.store) s = keep(g, &o, out, err);
    fct_face_pool_clear(&p);
    return s;
}

/* ---- Another model ------------------------------------------------------------------------- */

/* The collections that have a threshold. */
typedef struct threshold_list {
    fct_store_setting *at; /* [n], key and value static */
    size_t n, capacity;
} threshold_list;

static fct_status note_threshold(void *ctx, const fct_store_setting *x, fct_error *err) {
    static const char *const keys[] = {KEY, KEY ".far", KEY ".pairs"};
    threshold_list *l = ctx;
    for (size_t i = 0; x->key && i < 3; i++) {
        if (strcmp(x->key, keys[i]) != 0) continue;
        fct_store_setting *at = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *at);
        if (!at) return fct_fail_nomem(err, "settings", 0);
        l->at = at;
        l->at[l->n++] = (fct_store_setting){.collection_id = x->collection_id, .key = keys[i]};
    }
    return FCT_OK;
}

fct_status fct_thresholds_clear(fct_store *st, fct_error *err) {
    threshold_list l = {0};
    fct_status s = st->ops->settings(st, note_threshold, &l, err);
    if (!s && l.n) s = st->ops->settings_put(st, l.at, l.n, err);
    fct_free(l.at);
    return s;
}

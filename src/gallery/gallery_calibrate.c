/* A gallery's own threshold: all pairs of faces of different people in it are
 * impostors, whose scores tell how high a threshold must be for a false accept rate. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "facet/evaluate.h"
#include "gallery/gallery_impl.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY         "threshold"
#define ERRORS_SURE 30 /* the rule of 30: fewer errors leave a rate uncertain by more than 30 % */

void fct_calibrate_opts_init(fct_calibrate_opts *o) { *o = (fct_calibrate_opts){sizeof *o, 1e-4, 20000, 1, false}; }

/* The faces that are compared. */
typedef struct face_pool {
    const char *place; /* of the gallery, for messages */
    const fct_store *st;
    fct_store_model model;
    const int64_t *people; /* [n_people] by rising id */
    size_t n_people;
    double part; /* of the faces, that is taken */
    uint64_t seed;
    float *rows;  /* [n][dim] */
    uint32_t *of; /* [n] place in people */
    size_t n, cap_rows, cap_of;
    int64_t seen;
} face_pool;

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whether chance takes a face: by its number and the seed alone (splitmix64), so that a second run takes the same. */
static bool is_taken(const face_pool *p, int64_t face_id) {
    uint64_t x = (uint64_t)face_id * UINT64_C(0x9e3779b97f4a7c15) + p->seed;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0 < p->part;
}

static fct_status take_face(void *ctx, const fct_store_face *f, fct_error *err) {
    face_pool *p = ctx;
    const int64_t *person = bsearch(&f->person_id, p->people, p->n_people, sizeof *p->people, by_id);
    if (!person) return FCT_OK; /* of another collection */
    p->seen++;
    if (!is_taken(p, f->id)) return FCT_OK;
    size_t dim = (size_t)p->model.dim;
    float *rows = fct_grow(p->rows, &p->cap_rows, (p->n + 1) * dim, sizeof *rows);
    if (rows) p->rows = rows;
    uint32_t *of = rows ? fct_grow(p->of, &p->cap_of, p->n + 1, sizeof *of) : NULL;
    if (!of) return fct_fail_nomem(err, "embeddings", p->n * dim * sizeof *rows);
    p->of = of;
    p->of[p->n] = (uint32_t)(person - p->people);
    fct_status s = fct_face_unpack(p->st, f, (int)dim, p->rows + p->n * dim, err);
    p->n += !s;
    return s;
}

static fct_status take_faces(void *ctx, fct_store *st, fct_error *err) {
    face_pool *p = ctx;
    p->st = st;
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING};
    p->n = 0;
    p->seen = 0;
    fct_status s = fct_model_read(st, &p->model, err);
    return s || !p->model.dim ? s : st->ops->faces(st, &q, take_face, p, err);
}

/* The ids of the people that the gallery was opened for, sorted. *out is owned. */
static fct_status list_people(fct_gallery *g, int64_t **out, size_t *n, int *faces, fct_error *err) {
    fct_person *people;
    int count;
    *out = NULL;
    *n = 0;
    *faces = 0;
    fct_status s = fct_gallery_people(g, &people, &count, err);
    if (s) return s;
    int64_t *ids = fct_alloc(((size_t)count + 1) * sizeof *ids);
    for (int i = 0; ids && i < count; i++) {
        ids[i] = people[i].id;
        *faces += people[i].faces;
    }
    fct_gallery_people_free(people);
    if (!ids) return fct_fail_nomem(err, "people", 0);
    qsort(ids, (size_t)count, sizeof *ids, by_id);
    *out = ids;
    *n = (size_t)count;
    return FCT_OK;
}

/* ---- What follows from the scores ------------------------------------------------------- */

/* The pairs of people that are most alike, each once. */
static void find_nearest(const face_pool *p, fct_scores *scores, fct_calibration *out) {
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
static fct_status check_pairs(const face_pool *p, const fct_calibrate_opts *o, uint64_t pairs, fct_error *err) {
    if ((double)pairs * o->false_accept >= ERRORS_SURE) return FCT_OK;
    double needed = ceil(ERRORS_SURE / o->false_accept), people = ceil((1 + sqrt(1 + 8 * needed)) / 2);
    if (pairs < 2 * ERRORS_SURE)
        return fct_fail(err, FCT_ERR_NOT_FOUND,
                        "%s: %llu pairs of different people are too few to tell any threshold; a FAR of %g takes %.0f "
                        "(%.0f people)",
                        p->place, (unsigned long long)pairs, o->false_accept, needed, people);
    return fct_fail(
        err, FCT_ERR_NOT_FOUND,
        "%s: %llu pairs of different people are too few for a FAR of %g, which takes %.0f (%.0f people); the "
        "lowest that they tell is %.2g",
        p->place, (unsigned long long)pairs, o->false_accept, needed, people,
        ceil(ERRORS_SURE / (double)pairs * 1e6) / 1e6);
}

static fct_status measure(const face_pool *p, const fct_calibrate_opts *o, fct_calibration *out, fct_error *err) {
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
    fct_status s = fct_gallery_set_setting(g, fct_gallery_home(g), KEY ".far", false_accept, err);
    if (!s) s = fct_gallery_set_setting(g, fct_gallery_home(g), KEY ".pairs", pairs, err);
    return s ? s : fct_gallery_set_setting(g, fct_gallery_home(g), KEY, value, err);
}

fct_status fct_gallery_calibrate(fct_gallery *g, const fct_calibrate_opts *opts, fct_calibration *out, fct_error *err) {
    fct_calibrate_opts o;
    int64_t *people;
    int faces;
    *out = (fct_calibration){.threshold = NAN};
    fct_calibrate_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (!(o.false_accept > 0 && o.false_accept <= 0.5) || o.most_faces < 2)
        return fct_fail(err, FCT_ERR_ARG, "calibration: FAR %g with at most %d faces", o.false_accept, o.most_faces);
    face_pool p = {.place = g->reader->place, .seed = o.seed};
    fct_status s = list_people(g, &people, &p.n_people, &faces, err);
    if (s) return s;
    p.people = people;
    p.part = faces > o.most_faces ? (double)o.most_faces / faces : 1;
    s = fct_gallery_read_apart(g, take_faces, &p, err);
    out->people = (int)p.n_people;
    out->faces = p.seen;
    out->compared = (int64_t)p.n;
    if (!s && !p.n) s = check_pairs(&p, &o, 0, err);
    if (!s) s = measure(&p, &o, out, err);
    if (!s && o.store) s = keep(g, &o, out, err);
    fct_free(p.rows);
    fct_free(p.of);
    fct_free(people);
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

/* Pairs of people who look alike: the same person under two names, or two who are
 * easily mistaken for each other. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PROBES    256 /* faces that are searched for at once */
#define NEIGHBORS 16  /* people whom a face may be like */

/* Two people and their two most similar faces. */
typedef struct alike {
    int64_t person[2], face[2]; /* the smaller person first */
    float score;
} alike;

typedef struct similar_call {
    fct_gallery *g;
    const fct_store *st;
    fct_search_opts o;
    fct_store_model model;
    float *probes;     /* [PROBES][dim] */
    int64_t (*ids)[2]; /* [PROBES]: person and face */
    fct_match *found;  /* [PROBES][NEIGHBORS + 1] */
    int *n_found;      /* [PROBES] */
    int n_probes;
    alike *pairs;
    size_t n, cap;
} similar_call;

static int by_people(const void *a, const void *b) {
    const alike *x = a, *y = b;
    for (int i = 0; i < 2; i++)
        if (x->person[i] != y->person[i]) return x->person[i] < y->person[i] ? -1 : 1;
    return (x->score < y->score) - (x->score > y->score);
}

static int by_score(const void *a, const void *b) {
    const alike *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : by_people(a, b);
}

/* Keeps the best of each two people's pairs. */
static void keep_best(similar_call *c) {
    size_t kept = 0;
    if (c->n) qsort(c->pairs, c->n, sizeof *c->pairs, by_people);
    for (size_t i = 0; i < c->n; i++)
        if (!kept || memcmp(c->pairs[kept - 1].person, c->pairs[i].person, sizeof c->pairs[i].person) != 0)
            c->pairs[kept++] = c->pairs[i];
    c->n = kept;
}

/* Pairs are kept with the smaller id first, so that those found from both sides are equal. */
static fct_status search_probes(similar_call *c, fct_error *err) {
    int n = c->n_probes;
    c->n_probes = 0;
    fct_status s = n ? fct_gallery_search_with(c->g, c->model.id, c->probes, n, (int)c->model.dim, &c->o, c->found,
                                               c->n_found, err)
                     : FCT_OK;
    for (int i = 0; i < n && !s; i++)
        for (int j = 0; j < c->n_found[i]; j++) {
            const fct_match *m = &c->found[(size_t)i * (size_t)c->o.k + (size_t)j];
            if (m->person_id == c->ids[i][0]) continue;
            alike *pairs = fct_grow(c->pairs, &c->cap, c->n + 1, sizeof *pairs);
            if (!pairs) return fct_fail_nomem(err, "similar people", 0);
            c->pairs = pairs;
            int me = c->ids[i][0] > m->person_id;
            alike *p = &c->pairs[c->n++];
            *p = (alike){.score = m->score};
            p->person[me] = c->ids[i][0], p->face[me] = c->ids[i][1];
            p->person[!me] = m->person_id, p->face[!me] = m->face_id;
        }
    if (c->n > 1 << 16) keep_best(c);
    return s;
}

static fct_status take_face(void *ctx, const fct_store_face *f, fct_error *err) {
    similar_call *c = ctx;
    fct_status s = fct_face_unpack(c->st, f, (int)c->model.dim, c->probes + (size_t)c->n_probes * c->model.dim, err);
    if (s) return s;
    c->ids[c->n_probes][0] = f->person_id;
    c->ids[c->n_probes++][1] = f->id;
    return c->n_probes < PROBES ? FCT_OK : search_probes(c, err);
}

static fct_status compare_all(void *ctx, fct_store *st, fct_error *err) {
    similar_call *c = ctx;
    c->st = st;
    c->n = 0;
    fct_status s = fct_model_read(st, &c->model, err);
    if (s || !c->model.dim) return s;
    size_t dim = (size_t)c->model.dim;
    c->probes = fct_realloc_array(c->probes, PROBES, dim * sizeof *c->probes);
    if (!c->probes) return fct_fail_nomem(err, "similar people", 0);
    fct_faces_query q = {.parts = FCT_FACE_EMBEDDING};
    s = st->ops->faces(st, &q, take_face, c, err);
    return s ? s : search_probes(c, err);
}

/* Gives the pairs names, best first; leaves out people who are gone, or are not in the
 * collection that the gallery was opened for. */
static fct_status show(similar_call *c, fct_similar **out, int *n, fct_error *err) {
    int64_t scope = fct_gallery_home(c->g);
    fct_similar *list = fct_calloc(c->n + 1, sizeof *list);
    if (!list) return fct_fail_nomem(err, "similar people", 0);
    keep_best(c);
    if (c->n) qsort(c->pairs, c->n, sizeof *c->pairs, by_score);
    for (size_t i = 0; i < c->n && *n < INT_MAX; i++) {
        fct_similar *x = &list[*n];
        bool there = true;
        for (int k = 0; k < 2; k++) {
            fct_match m;
            float threshold;
            there = there && fct_mirror_get_person(&c->g->mirror, c->pairs[i].person[k], &m, 0, &threshold) &&
                    (scope ? m.collection_id == scope : !fct_mirror_is_apart(&c->g->mirror, m.collection_id));
            x->person_id[k] = c->pairs[i].person[k];
            x->face_id[k] = c->pairs[i].face[k];
            if (there) memcpy(x->name[k], m.name, sizeof x->name[k]);
        }
        x->score = c->pairs[i].score;
        if (there) ++*n;
    }
    *out = list;
    return FCT_OK;
}

fct_status fct_gallery_similar(fct_gallery *g, float threshold, fct_similar **out, int *n, fct_error *err) {
    similar_call c = {.g = g};
    *out = NULL;
    *n = 0;
    fct_search_opts_init(&c.o);
    c.o.k = NEIGHBORS + 1;
    c.o.threshold = threshold;
    c.o.ignore_negatives = true;
    c.ids = fct_realloc_array(NULL, PROBES, sizeof *c.ids);
    c.found = fct_realloc_array(NULL, PROBES, (NEIGHBORS + 1) * sizeof *c.found);
    c.n_found = fct_realloc_array(NULL, PROBES, sizeof *c.n_found);
    fct_status s = c.ids && c.found && c.n_found ? FCT_OK : fct_fail_nomem(err, "similar people", 0);
    if (!s) s = fct_gallery_read_apart(g, compare_all, &c, err);
    if (!s) s = show(&c, out, n, err);
    fct_free(c.probes);
    fct_free(c.ids);
    fct_free(c.found);
    fct_free(c.n_found);
    fct_free(c.pairs);
    return s;
}

void fct_gallery_similar_free(fct_similar *x) { fct_free(x); }

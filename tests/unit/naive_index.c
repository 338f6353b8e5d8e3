#include "naive_index.h"
#include "base/error.h"
#include "base/thread.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct naive_row {
    fct_hit hit;
    float *v;
} naive_row;

typedef struct naive_index {
    fct_index head;
    naive_row *rows;
    size_t n;
} naive_index;

typedef struct naive_view {
    fct_index_view head;
    int dim;
    naive_row *rows;
    size_t n;
} naive_view;

static fct_mutex lock = FCT_MUTEX_INIT;
static fct_cond changed;
static bool ready, hold, held;

static void init(void) {
    if (!ready) fct_cond_init(&changed);
    ready = true;
}

void naive_index_hold(void) {
    fct_mutex_lock(&lock);
    init();
    hold = true;
    held = false;
    fct_mutex_unlock(&lock);
}

void naive_index_wait_held(void) {
    fct_mutex_lock(&lock);
    while (!held) fct_cond_wait(&changed, &lock);
    fct_mutex_unlock(&lock);
}

void naive_index_release(void) {
    fct_mutex_lock(&lock);
    held = false;
    fct_cond_broadcast(&changed);
    fct_mutex_unlock(&lock);
}

/* The first search after naive_index_hold() stops here. */
static void stop_if_held(void) {
    fct_mutex_lock(&lock);
    if (hold) {
        hold = false;
        held = true;
        fct_cond_broadcast(&changed);
        while (held) fct_cond_wait(&changed, &lock);
    }
    fct_mutex_unlock(&lock);
}

static naive_index *of(fct_index *x) { return (naive_index *)x; }

static void n_free(fct_index *x) {
    for (size_t i = 0; i < of(x)->n; i++) free(of(x)->rows[i].v);
    free(of(x)->rows);
    free(x);
}
static size_t n_count(const fct_index *x) { return ((const naive_index *)x)->n; }

static void remove_at(naive_index *x, size_t i) {
    free(x->rows[i].v);
    x->rows[i] = x->rows[--x->n];
}

static fct_status n_remove(fct_index *x, int64_t face_id, fct_error *err) {
    for (size_t i = of(x)->n; i-- > 0;)
        if (of(x)->rows[i].hit.face_id == face_id) remove_at(of(x), i);
    return FCT_OK;
}
static fct_status n_remove_person(fct_index *x, int64_t person_id, fct_error *err) {
    for (size_t i = of(x)->n; i-- > 0;)
        if (of(x)->rows[i].hit.person_id == person_id) remove_at(of(x), i);
    return FCT_OK;
}

static float *copy(const float *v, int dim) {
    float *c = malloc((size_t)dim * sizeof *c);
    memcpy(c, v, (size_t)dim * sizeof *c);
    return c;
}

static fct_status n_add(fct_index *x, int64_t face_id, int64_t person_id, const float *v, fct_error *err) {
    n_remove(x, face_id, NULL);
    of(x)->rows = realloc(of(x)->rows, (of(x)->n + 1) * sizeof(naive_row));
    of(x)->rows[of(x)->n++] = (naive_row){{person_id, face_id, 0}, copy(v, x->dim)};
    return FCT_OK;
}

static fct_index_view *n_view_begin(fct_index *x) {
    naive_view *v = malloc(sizeof *v);
    *v = (naive_view){{x->ops}, x->dim, malloc((of(x)->n + 1) * sizeof(naive_row)), of(x)->n};
    for (size_t i = 0; i < v->n; i++) v->rows[i] = (naive_row){of(x)->rows[i].hit, copy(of(x)->rows[i].v, x->dim)};
    return &v->head;
}
static void n_view_end(fct_index_view *view) {
    naive_view *v = (naive_view *)view;
    for (size_t i = 0; i < v->n; i++) free(v->rows[i].v);
    free(v->rows);
    free(v);
}

static int compare_hits(const void *pa, const void *pb) {
    const fct_hit *a = pa, *b = pb;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    if (a->person_id != b->person_id) return a->person_id < b->person_id ? -1 : 1;
    return (a->face_id > b->face_id) - (a->face_id < b->face_id);
}

static bool is_listed(const fct_hit *hits, int n, int64_t person_id) {
    for (int i = 0; i < n; i++)
        if (hits[i].person_id == person_id) return true;
    return false;
}

/* Whether the query's filter lets a face through. */
static bool is_allowed(const fct_index_filter *f, const fct_hit *h) {
    if (f && f->people && fct_idset_has(f->people, h->person_id) == f->not_people) return false;
    return !f || !f->faces || fct_idset_has(f->faces, h->face_id) != f->not_faces;
}

static fct_status n_search(const fct_index_view *view, const fct_index_query *q, fct_hit *out, int *n_found,
                           fct_error *err) {
    const naive_view *v = (const naive_view *)view;
    stop_if_held();
    fct_hit *all = malloc((v->n + 1) * sizeof *all);
    for (int p = 0; p < q->n; p++) {
        const float *probe = q->probes + (size_t)p * (size_t)v->dim;
        size_t n = 0;
        for (size_t i = 0; i < v->n; i++) {
            double ab = 0, aa = 0, bb = 0;
            if (!is_allowed(q->filter, &v->rows[i].hit)) continue;
            for (int d = 0; d < v->dim; d++) {
                ab += (double)probe[d] * v->rows[i].v[d];
                aa += (double)probe[d] * probe[d];
                bb += (double)v->rows[i].v[d] * v->rows[i].v[d];
            }
            all[n] = v->rows[i].hit;
            all[n++].score = (float)(ab / sqrt(aa * bb));
        }
        qsort(all, n, sizeof *all, compare_hits);
        fct_hit *mine = out + (size_t)p * (size_t)q->k;
        for (size_t i = 0; i < n && n_found[p] < q->k && all[i].score >= q->threshold; i++)
            if (q->faces || !is_listed(mine, n_found[p], all[i].person_id)) mine[n_found[p]++] = all[i];
    }
    free(all);
    return FCT_OK;
}

fct_status naive_index_create(int dim, fct_index **out, fct_error *err) {
    static const fct_index_ops ops = {.destroy = n_free,
                                      .count = n_count,
                                      .add = n_add,
                                      .remove = n_remove,
                                      .remove_person = n_remove_person,
                                      .view_begin = n_view_begin,
                                      .view_end = n_view_end,
                                      .search = n_search};
    naive_index *x = calloc(1, sizeof *x);
    x->head = (fct_index){&ops, dim};
    *out = &x->head;
    return FCT_OK;
}

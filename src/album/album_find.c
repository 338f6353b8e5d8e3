/* Photos by the people on them, and by likeness. */
#include "album/album_store.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "facet/album_use.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void fct_album_find_query_init(fct_album_find_query *q) {
    *q = (fct_album_find_query){.size = sizeof *q, .from = INT64_MIN, .to = INT64_MAX};
}

/* Leaves those that are in both. */
static void intersect(fct_numbers *a, const fct_numbers *b) {
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        if (fct_numbers_hold(b, a->at[i])) a->at[n++] = a->at[i];
    a->n = n;
}

/* The photos that show all of the people, sorted by number. */
static fct_status photos_of_all(fct_album *a, const fct_album_find_query *q, fct_numbers *out, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < q->n_people && !s; i++) {
        fct_numbers one = {0};
        s = fct_album_person_photos(a, q->people[i], &one, err);
        if (i == 0) {
            *out = one;
            continue;
        }
        intersect(out, &one);
        fct_free(one.at);
    }
    return s;
}

typedef struct photo_filter {
    const fct_album_find_query *q;
    fct_numbers photos;
    fct_album_photo_fn *fn;
    void *user;
} photo_filter;

static fct_status pass_photo(void *user, const fct_album_photo *p, fct_error *err) {
    photo_filter *f = user;
    if (f->q->n_people && !fct_numbers_hold(&f->photos, p->id)) return FCT_OK;
    if (p->taken < f->q->from || p->taken >= f->q->to) return FCT_OK;
    return f->fn(f->user, p, err);
}

fct_status fct_album_find(fct_album *a, const fct_album_find_query *q, fct_album_photo_fn *fn, void *user,
                          fct_error *err) {
    photo_filter f = {.q = q, .fn = fn, .user = user};
    fct_status s = photos_of_all(a, q, &f.photos, err);
    if (!s && (!q->n_people || f.photos.n)) s = fct_album_photos(a, 0, pass_photo, &f, err);
    fct_free(f.photos.at);
    return s;
}

/* ---- Likeness ------------------------------------------------------------------------- */

typedef struct like_search {
    const float *probe; /* of length 1 */
    int dim;
    float least;
    fct_album_likeness *at;
    size_t n, capacity;
} like_search;

static fct_status compare_face(void *user, const fct_album_face *f, fct_error *err) {
    like_search *l = user;
    float sum = 0;
    if (!f->embedding) return FCT_OK;
    for (int i = 0; i < l->dim; i++) sum += l->probe[i] * f->embedding[i];
    if (!(sum >= l->least)) return FCT_OK;
    fct_album_likeness *p = fct_grow(l->at, &l->capacity, l->n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "faces", 0);
    l->at = p;
    p[l->n++] = (fct_album_likeness){f->id, f->photo_id, f->person_id, sum};
    return FCT_OK;
}

static int by_photo(const void *a, const void *b) {
    const fct_album_likeness *x = a, *y = b;
    if (x->photo_id != y->photo_id) return x->photo_id < y->photo_id ? -1 : 1;
    return (x->cosine < y->cosine) - (x->cosine > y->cosine);
}

static int by_cosine(const void *a, const void *b) {
    const fct_album_likeness *x = a, *y = b;
    if (x->cosine != y->cosine) return x->cosine > y->cosine ? -1 : 1;
    return (x->face_id > y->face_id) - (x->face_id < y->face_id);
}

/* Leaves the best face of each photo, the best of all first. */
static size_t choose(fct_album_likeness *at, size_t n, size_t max) {
    size_t kept = 0;
    qsort(at, n, sizeof *at, by_photo);
    for (size_t i = 0; i < n; i++)
        if (!kept || at[kept - 1].photo_id != at[i].photo_id) at[kept++] = at[i];
    qsort(at, kept, sizeof *at, by_cosine);
    return kept < max ? kept : max;
}

/* The probe with length 1; owned. */
static fct_status scale(const float *v, int dim, float **out, fct_error *err) {
    double sum = 0;
    *out = NULL;
    for (int i = 0; i < dim; i++) sum += (double)v[i] * v[i];
    if (!(sum > 0) || !isfinite(sum)) return fct_fail(err, FCT_ERR_ARG, "an embedding must have a finite length");
    *out = fct_alloc((size_t)dim * sizeof **out);
    if (!*out) return fct_fail_nomem(err, "embedding", 0);
    for (int i = 0; i < dim; i++) (*out)[i] = (float)(v[i] / sqrt(sum));
    return FCT_OK;
}

fct_status fct_album_like(fct_album *a, const char *network, const float *embedding, int dim, float least, int max,
                          fct_album_likeness **out, int *n, fct_error *err) {
    fct_album_info info;
    fct_album_face_query q;
    float *probe = NULL;
    *out = NULL;
    *n = 0;
    if (dim < 1 || max < 1) return fct_fail(err, FCT_ERR_ARG, "%d values, %d results", dim, max);
    fct_status s = fct_album_stat(a, &info, err);
    if (!s && (strcmp(info.network, network) || info.dim != dim))
        s = fct_fail(err, FCT_ERR_MISMATCH, "%s: its faces were embedded by another network", info.path);
    if (!s) s = scale(embedding, dim, &probe, err);
    like_search l = {.probe = probe, .dim = dim, .least = least};
    fct_album_face_query_init(&q);
    q.embeddings = true;
    if (!s) s = fct_album_faces(a, &q, compare_face, &l, err);
    fct_free(probe);
    if (s) fct_free(l.at);
    else if (l.n) {
        *n = (int)choose(l.at, l.n, (size_t)max);
        *out = l.at;
    }
    return s;
}

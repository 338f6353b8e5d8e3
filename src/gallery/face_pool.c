#include "gallery/face_pool.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <stdlib.h>

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Whether chance takes a face: by its number and the seed alone (splitmix64), so that a second run takes the same. */
static bool is_taken(const fct_face_pool *p, int64_t face_id) {
    uint64_t x = (uint64_t)face_id * UINT64_C(0x9e3779b97f4a7c15) + p->seed;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0 < p->part;
}

/* Makes room for one more face. */
static bool reserve(fct_face_pool *p) {
    size_t dim = (size_t)p->model.dim;
    float *rows = fct_grow(p->rows, &p->cap_rows, (p->n + 1) * dim, sizeof *rows);
    if (rows) p->rows = rows;
    uint32_t *of = fct_grow(p->of, &p->cap_of, p->n + 1, sizeof *of);
    if (of) p->of = of;
    int64_t *ids = fct_grow(p->ids, &p->cap_ids, p->n + 1, sizeof *ids);
    if (ids) p->ids = ids;
    float *quality = fct_grow(p->quality, &p->cap_quality, p->n + 1, sizeof *quality);
    if (quality) p->quality = quality;
    return rows && of && ids && quality;
}

static fct_status take_face(void *ctx, const fct_store_face *f, fct_error *err) {
    fct_face_pool *p = ctx;
    const int64_t *person = bsearch(&f->person_id, p->people, p->n_people, sizeof *p->people, by_id);
    if (!person) return FCT_OK; /* of another collection */
    p->seen++;
    if (!is_taken(p, f->id)) return FCT_OK;
    size_t dim = (size_t)p->model.dim;
    if (!reserve(p)) return fct_fail_nomem(err, "embeddings", p->n * dim * sizeof *p->rows);
    p->of[p->n] = (uint32_t)(person - p->people);
    p->ids[p->n] = f->id;
    p->quality[p->n] = (float)f->quality;
    fct_status s = fct_face_unpack(p->st, f, (int)dim, p->rows + p->n * dim, err);
    p->n += !s;
    return s;
}

static fct_status take_faces(void *ctx, fct_store *st, fct_error *err) {
    fct_face_pool *p = ctx;
    p->st = st;
    fct_faces_query q = {.parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING};
    p->n = 0;
    p->seen = 0;
    fct_status s = fct_model_read(st, &p->model, err);
    return s || !p->model.dim ? s : st->ops->faces(st, &q, take_face, p, err);
}

/* The ids of the people in scope, sorted. */
static fct_status list_people(fct_gallery *g, fct_face_pool *p, int64_t *faces, fct_error *err) {
    fct_person *people;
    int count;
    *faces = 0;
    fct_status s = fct_gallery_people(g, &people, &count, err);
    if (s) return s;
    p->people = fct_alloc(((size_t)count + 1) * sizeof *p->people);
    for (int i = 0; p->people && i < count; i++) {
        p->people[i] = people[i].id;
        *faces += people[i].faces;
    }
    fct_gallery_people_free(people);
    if (!p->people) return fct_fail_nomem(err, "people", 0);
    qsort(p->people, (size_t)count, sizeof *p->people, by_id);
    p->n_people = (size_t)count;
    return FCT_OK;
}

fct_status fct_face_pool_load(fct_gallery *g, int most, fct_face_pool *p, fct_error *err) {
    int64_t faces;
    p->place = g->reader->place;
    fct_status s = list_people(g, p, &faces, err);
    p->part = faces > most ? (double)most / (double)faces : 1;
    return s ? s : fct_gallery_read_apart(g, take_faces, p, err);
}

void fct_face_pool_clear(fct_face_pool *p) {
    fct_free(p->people);
    fct_free(p->rows);
    fct_free(p->of);
    fct_free(p->ids);
    fct_free(p->quality);
    *p = (fct_face_pool){0};
}

/* Mean templates: one row a person, the mean of the unit vectors of the person's
 * faces, each weighed by its quality. They are made when a search first asks for
 * them, and follow the store from then on by the change feed as the mirror does. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define UNKNOWN_QUALITY 0.5 /* what a face weighs whose quality was not stored */

void fct_means_clear(fct_means *m) {
    fct_index_free(m->index);
    *m = (fct_means){0};
}

/* What a scan over faces carries along; a person's faces come together. */
typedef struct averager {
    const fct_store *st;
    fct_index *index;
    int dim;
    int64_t person; /* whose mean is being made; 0 = nobody's */
    float *face;    /* [dim] */
    float *unit;    /* [dim] */
    float *sum;     /* [dim] */
} averager;

/* Puts the person's mean into the index. Faces that cancel each other out leave none. */
static fct_status finish_person(averager *a, fct_error *err) {
    int64_t person = a->person;
    a->person = 0;
    if (!person || !fct_index_normalize(a->sum, a->dim, a->unit, 1)) return FCT_OK;
    return fct_index_add(a->index, person, person, a->unit, err);
}

static fct_status add_face(void *ctx, const fct_store_face *f, fct_error *err) {
    averager *a = ctx;
    fct_status s = fct_face_unpack(a->st, f, a->dim, a->face, err);
    if (!s && f->person_id != a->person) {
        s = finish_person(a, err);
        memset(a->sum, 0, (size_t)a->dim * sizeof *a->sum);
        a->person = f->person_id;
    }
    if (s || !fct_index_normalize(a->face, a->dim, a->unit, 1)) return s;
    float weight = (float)(f->quality > 0 && f->quality <= 1 ? f->quality : UNKNOWN_QUALITY);
    for (int i = 0; i < a->dim; i++) a->sum[i] += weight * a->unit[i];
    return FCT_OK;
}

/* Makes the means of people [n], or of everybody where people is NULL. */
static fct_status average(fct_store *st, fct_means *m, int dim, const int64_t *people, size_t n, fct_error *err) {
    averager a = {.st = st, .index = m->index, .dim = dim};
    a.face = fct_realloc_array(NULL, 3 * (size_t)dim, sizeof *a.face);
    if (!a.face) return fct_fail_nomem(err, "mean templates", 0);
    a.unit = a.face + dim;
    a.sum = a.unit + dim;
    fct_faces_query q = {.people = people, .n = n, .parts = FCT_FACE_INFO | FCT_FACE_EMBEDDING, .by_person = true};
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) s = fct_index_remove_person(m->index, people[i], err);
    if (!s) s = st->ops->faces(st, &q, add_face, &a, err);
    if (!s) s = finish_person(&a, err);
    fct_free(a.face);
    return s;
}

/* Whose faces have changed. */
typedef struct owner_list {
    int64_t *ids;
    size_t n, cap, seen; /* seen: how many faces are still there */
} owner_list;

static fct_status add_owner(owner_list *l, int64_t id, fct_error *err) {
    for (size_t i = 0; i < l->n; i++)
        if (l->ids[i] == id) return FCT_OK;
    int64_t *ids = fct_grow(l->ids, &l->cap, l->n + 1, sizeof *ids);
    if (!ids) return fct_fail_nomem(err, "mean templates", 0);
    l->ids = ids;
    l->ids[l->n++] = id;
    return FCT_OK;
}

static fct_status note_owner(void *ctx, const fct_store_face *f, fct_error *err) {
    owner_list *l = ctx;
    l->seen++;
    return add_owner(l, f->person_id, err);
}

/* Lists the people whose means must be made anew. *known false: a face is gone, and
 * nothing says any more whose it was. */
static fct_status list_owners(fct_store *st, const fct_store_changes *c, owner_list *l, bool *known, fct_error *err) {
    int64_t *faces = fct_realloc_array(NULL, c->n + 1, sizeof *faces);
    size_t n = 0;
    fct_status s = faces ? FCT_OK : fct_fail_nomem(err, "mean templates", 0);
    for (size_t i = 0; i < c->n && !s; i++)
        if (c->items[i].what == FCT_CHANGE_FACE) faces[n++] = c->items[i].id;
        else if (c->items[i].what == FCT_CHANGE_PERSON) s = add_owner(l, c->items[i].id, err);
    fct_faces_query q = {.ids = faces, .n = n};
    if (!s && n) s = st->ops->faces(st, &q, note_owner, l, err);
    *known = !s && l->seen == n;
    fct_free(faces);
    return s;
}

#define MOST_OWNERS 256 /* more people than that are not looked up one by one */

/* Brings the means up to date. Inside a read transaction. */
static fct_status follow(void *ctx, fct_store *st, fct_error *err) {
    fct_gallery *g = ctx;
    fct_means *m = &g->means;
    fct_store_changes changes = {0};
    owner_list l = {0};
    bool known = false;
    fct_status s = st->ops->changes(st, m->seq, &changes, err);
    if (!s && m->index && changes.newest == m->seq) return fct_free(changes.items), FCT_OK;
    if (!s && m->index && changes.complete && changes.n <= MOST_OWNERS) s = list_owners(st, &changes, &l, &known, err);
    if (!s && known) s = average(st, m, g->mirror.dim, l.ids, l.n, err);
    else if (!s) {
        fct_means_clear(m);
        s = fct_index_create(g->mirror.dim, &m->index, err);
        if (!s) s = average(st, m, g->mirror.dim, NULL, 0, err);
    }
    m->seq = changes.newest;
    fct_free(changes.items);
    fct_free(l.ids);
    if (s) fct_means_clear(m); /* what is half done is done anew next time */
    return s;
}

fct_status fct_gallery_sync_means(fct_gallery *g, fct_index **out, fct_error *err) {
    fct_means *m = &g->means;
    fct_status s = FCT_OK;
    if (m->index && fct_index_dim(m->index) != g->mirror.dim) fct_means_clear(m);
    if (!m->index || m->seq != g->mirror.seq) s = fct_store_run(g->reader, FCT_STORE_READ, follow, g, err);
    *out = s ? NULL : m->index;
    return s;
}

/* Galleries that are too large to be copied into memory, on a server that can search.
 * The mirror then holds a part of the faces: those that the server has named as
 * candidates for the embeddings that were looked for so far. Each search first asks
 * for its candidates and puts those into the mirror that are not in it; all else is as
 * for whole mirrors: exact scores, collections, thresholds, negatives, the change feed,
 * which drops what has changed and takes it up again. A mirror that has grown large
 * begins again. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <string.h>

#define CANDIDATES 1024   /* for each embedding, see docs/decisions/0054 */
#define PER_PERSON 16     /* more of them where many people are wanted */
#define MOST       200000 /* faces in a partial mirror */

fct_status fct_gallery_plan_partial(fct_gallery *g, fct_store *st, fct_error *err) {
    int64_t people, faces;
    int schema;
    g->partial = false;
    fct_idset_clear(&g->fetched);
    if (!st->searches || g->server_from <= 0) return FCT_OK;
    fct_status s = st->ops->describe(st, &people, &faces, &schema, err);
    g->partial = !s && faces >= g->server_from;
    return s;
}

/* Candidates that are not in the mirror yet. */
typedef struct candidate_list {
    fct_gallery *g;
    const float *probes;
    int n, dim;
    size_t wanted;
    int64_t *faces, *people; /* [count] */
    size_t count, cap_faces, cap_people;
} candidate_list;

static fct_status note_candidate(void *ctx, const fct_store_face *f, fct_error *err) {
    candidate_list *l = ctx;
    if (fct_idset_has(&l->g->fetched, f->id)) return FCT_OK;
    int64_t *faces = fct_grow(l->faces, &l->cap_faces, l->count + 1, sizeof *faces);
    if (faces) l->faces = faces;
    int64_t *people = fct_grow(l->people, &l->cap_people, l->count + 1, sizeof *people);
    if (people) l->people = people;
    if (!faces || !people) return fct_fail_nomem(err, "candidates", 0);
    l->faces[l->count] = f->id;
    l->people[l->count++] = f->person_id;
    return FCT_OK;
}

/* Inside a read transaction: asks for the candidates of each embedding, then reads
 * those that are new, with their people. */
static fct_status fetch(void *ctx, fct_store *st, fct_error *err) {
    candidate_list *l = ctx;
    fct_status s = FCT_OK;
    l->count = 0;
    for (int i = 0; i < l->n && !s; i++) {
        fct_nearest_query q = {.probe = l->probes + (size_t)i * (size_t)l->dim,
                               .dim = l->dim,
                               .n = l->wanted,
                               .collection_id = fct_gallery_home(l->g)};
        s = st->ops->nearest(st, &q, note_candidate, l, err);
    }
    if (s || !l->count) return s;
    fct_people_query people = {.ids = l->people, .n = l->count};
    fct_faces_query faces = {.ids = l->faces, .n = l->count};
    return fct_mirror_fill(st, &l->g->mirror, true, &people, &faces, err);
}

static fct_status remember(fct_gallery *g, const candidate_list *l, fct_error *err) {
    for (size_t i = 0; i < l->count; i++)
        if (!fct_idset_add(&g->fetched, l->faces[i])) return fct_fail_nomem(err, "candidates", 0);
    return FCT_OK;
}

fct_status fct_gallery_fetch_nearest(fct_gallery *g, const float *probes, int n, int dim, int k, fct_error *err) {
    fct_mirror *m = &g->mirror;
    candidate_list l = {.g = g, .probes = probes, .n = n, .dim = dim};
    if (!m->index) return FCT_OK;
    size_t more = k > 0 ? (size_t)k * PER_PERSON : 0;
    l.wanted = more > CANDIDATES ? more : CANDIDATES;
    if (fct_index_count(m->index) > MOST) {
        g->whole = g->current = false;
        fct_status s = fct_gallery_sync(g, err);
        if (s || !g->partial || !m->index) return s;
    }
    fct_status s = fct_store_run(g->reader, FCT_STORE_READ, fetch, &l, err);
    if (!s) s = remember(g, &l, err);
    fct_free(l.faces);
    fct_free(l.people);
    return s;
}

fct_status fct_gallery_make_index(fct_gallery *g, fct_error *err) {
    if (g->read_only) return fct_fail(err, FCT_ERR_ARG, "%s: opened for reading only", g->reader->place);
    if (!g->store->searches)
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "%s: searched in memory: an index on the server needs PostgreSQL with pgvector 0.8 or newer",
                        g->store->place);
    fct_mutex_lock(&g->write_lock);
    fct_status s = g->store->ops->make_index(g->store, err);
    fct_mutex_unlock(&g->write_lock);
    return s;
}

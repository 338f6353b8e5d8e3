/* What is worth asking a user, and what becomes of the answers. */
#include "facet/album_people.h"
#include "album/album_snapshot.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <math.h>
#include <stdlib.h>

/* Likelihood that two groups are one person of which the score is below what joins them: a logistic curve fitted on
 * labeled faces, docs/decisions/0081-clusters.md. */
#define LIKELY_SLOPE 30.0f
#define LIKELY_SHIFT 0.3f
#define CLEAR        0.3f /* quality of a face by which a user can judge; grouping joins the others late, too */

/* ---- People ------------------------------------------------------------------------ */

static fct_status add_role(void *user, const fct_album_person *p, fct_error *err) {
    fct_album_cast *c = user;
    struct fct_role *at = fct_grow(c->at, &c->cap, c->n + 1, sizeof *at);
    if (!at) return fct_fail_nomem(err, "people", (c->n + 1) * sizeof *at);
    c->at = at;
    c->at[c->n++] = (struct fct_role){p->id, p->faces, p->name != NULL, p->ignored};
    return FCT_OK;
}

static int compare_roles(const void *a, const void *b) {
    const struct fct_role *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

fct_status fct_album_cast_load(fct_album *a, fct_album_cast *out, fct_error *err) {
    *out = (fct_album_cast){0};
    fct_status s = fct_album_people(a, 0, add_role, out, err);
    if (s) fct_album_cast_free(out);
    else if (out->n) qsort(out->at, out->n, sizeof *out->at, compare_roles);
    return s;
}

const struct fct_role *fct_album_role(const fct_album_cast *c, int64_t person_id) {
    struct fct_role key = {.id = person_id};
    return c->n ? bsearch(&key, c->at, c->n, sizeof *c->at, compare_roles) : NULL;
}

void fct_album_cast_free(fct_album_cast *c) {
    fct_free(c->at);
    *c = (fct_album_cast){0};
}

/* ---- Questions ---------------------------------------------------------------------- */

/* False: the hint is no question, because somebody is to be ignored or nobody is a person yet. */
static bool make_question(const fct_album_snapshot *s, const fct_album_cast *cast, const fct_cluster_hint *h,
                          fct_question *q) {
    size_t a = h->face_a, b = h->face_b;
    const struct fct_role *x = fct_album_role(cast, s->person[a]), *y = fct_album_role(cast, s->person[b]);
    if (!x || (y && !x->named && y->named)) {
        const struct fct_role *t = x;
        x = y;
        y = t;
        a = h->face_b;
        b = h->face_a;
    }
    if (!x || x->ignored || (y && y->ignored)) return false;
    float p = 1 / (1 + expf(-(LIKELY_SLOPE * h->score + LIKELY_SHIFT)));
    *q = (fct_question){x->id, y ? y->id : 0, s->id[a], s->id[b], p};
    return true;
}

/* Whether a user can see in the pictures of both who that is. */
static bool is_clear(const fct_album_snapshot *s, const fct_cluster_hint *h) {
    return fminf(s->quality[h->face_a], s->quality[h->face_b]) >= CLEAR;
}

/* Hints come likeliest first. Those whose faces are a few pixels wide would be the first ones in many albums. */
static fct_status make_questions(fct_album *a, const fct_album_snapshot *s, const fct_clusters *c, fct_question **out,
                                 size_t *n, fct_error *err) {
    fct_album_cast cast;
    fct_question *q = fct_realloc_array(NULL, c->n_hints + 1, sizeof *q);
    if (!q) return fct_fail_nomem(err, "questions", c->n_hints * sizeof *q);
    fct_status st = fct_album_cast_load(a, &cast, err);
    for (int clear = 1; clear >= 0; clear--)
        for (size_t i = 0; i < c->n_hints && !st; i++)
            if (is_clear(s, &c->hints[i]) == clear) *n += make_question(s, &cast, &c->hints[i], &q[*n]);
    fct_album_cast_free(&cast);
    if (st) fct_free(q);
    else *out = q;
    return st;
}

fct_status fct_album_questions(fct_album *a, fct_question **out, size_t *n, fct_error *err) {
    fct_album_snapshot snap;
    fct_clusters c = {0};
    float threshold = 0;
    *out = NULL;
    *n = 0;
    fct_status s = fct_album_group_threshold(a, &threshold, err);
    if (!s) s = fct_snapshot_load(a, false, &snap, err);
    if (s) return s;
    s = fct_snapshot_cluster(&snap, threshold, &c, err);
    if (!s) s = make_questions(a, &snap, &c, out, n, err);
    fct_clusters_free(&c);
    fct_snapshot_free(&snap);
    return s;
}

void fct_questions_free(fct_question *q) { fct_free(q); }

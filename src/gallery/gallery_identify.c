/* Who is who on a picture. */
#include "base/alloc.h"
#include "base/assign.h"
#include "base/error.h"
#include "gallery/gallery_impl.h"
#include <math.h>
#include <string.h>

#define MOST_CANDIDATES 32 /* people per face that an assignment looks at */

/* Candidates of all faces, and who they may be. */
typedef struct picture_faces {
    int n, k;
    fct_match *at;     /* [n][k] */
    int *found;        /* [n] */
    int *chosen;       /* [n]: number of the person, -1 = nobody */
    fct_idmap numbers; /* person id -> number among all candidates */
} picture_faces;

static void free_faces(picture_faces *c) {
    fct_free(c->at);
    fct_free(c->found);
    fct_free(c->chosen);
    fct_idmap_clear(&c->numbers);
}

static bool make_faces(picture_faces *c) {
    size_t n = (size_t)c->n, k = (size_t)c->k;
    c->at = fct_realloc_array(NULL, n, k * sizeof *c->at);
    c->found = fct_calloc(n, sizeof *c->found);
    c->chosen = fct_calloc(n, sizeof *c->chosen);
    return c->at && c->found && c->chosen && fct_idmap_reserve(&c->numbers, n * k);
}

/* Numbers the people among the candidates. */
static void number_people(picture_faces *c) {
    for (int i = 0; i < c->n; i++)
        for (int j = 0; j < c->found[i]; j++) {
            int64_t id = c->at[(size_t)i * (size_t)c->k + (size_t)j].person_id;
            if (fct_idmap_get(&c->numbers, id) == FCT_IDMAP_NONE)
                fct_idmap_put(&c->numbers, id, (uint32_t)c->numbers.n);
        }
}

/* What a name costs a face, by the threshold that holds for the person. */
static float cost_of(fct_gallery *g, const fct_match *m, const fct_search_opts *o) {
    fct_mutex_lock(&g->mirror.names_lock);
    float own = fct_mirror_threshold(&g->mirror, m->collection_id, o->fallback);
    fct_mutex_unlock(&g->mirror.names_lock);
    return fct_assign_cost(m->score - (isnan(o->threshold) ? own : o->threshold));
}

static fct_status assign(fct_gallery *g, picture_faces *c, const fct_search_opts *o, fct_error *err) {
    number_people(c);
    size_t cols = c->numbers.n;
    float *cost = fct_realloc_array(NULL, (size_t)c->n, cols * sizeof *cost + 1);
    if (!cost) return fct_fail_nomem(err, "faces of a picture", 0);
    for (size_t i = 0; i < (size_t)c->n * cols; i++) cost[i] = FCT_ASSIGN_NEVER;
    for (int i = 0; i < c->n; i++)
        for (int j = 0; j < c->found[i]; j++) {
            const fct_match *m = &c->at[(size_t)i * (size_t)c->k + (size_t)j];
            cost[(size_t)i * cols + fct_idmap_get(&c->numbers, m->person_id)] = cost_of(g, m, o);
        }
    fct_status s = fct_assign(cost, c->n, (int)cols, c->chosen, err);
    fct_free(cost);
    return s;
}

static void take_chosen(const picture_faces *c, fct_match *out) {
    for (int i = 0; i < c->n; i++)
        for (int j = 0; j < c->found[i]; j++) {
            const fct_match *m = &c->at[(size_t)i * (size_t)c->k + (size_t)j];
            if (c->chosen[i] >= 0 && fct_idmap_get(&c->numbers, m->person_id) == (uint32_t)c->chosen[i]) out[i] = *m;
        }
}

fct_status fct_gallery_identify(fct_gallery *g, const char *model_id, const float *embeddings, int n, int dim,
                                const fct_search_opts *opts, fct_match *out, fct_error *err) {
    if (n < 0 || n > FCT_IDENTIFY_MAX || (n > 0 && !out))
        return fct_fail(err, n > FCT_IDENTIFY_MAX ? FCT_ERR_LIMIT : FCT_ERR_ARG, "identify: %d faces", n);
    if (n > 0) memset(out, 0, (size_t)n * sizeof *out);
    fct_search_opts o;
    fct_search_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (n == 0) return FCT_OK;
    bool once = !o.repeats;
    picture_faces c = {.n = n, .k = !once ? 1 : n < MOST_CANDIDATES ? n : MOST_CANDIDATES};
    o.k = c.k;
    fct_status s = make_faces(&c) ? FCT_OK : fct_fail_nomem(err, "faces of a picture", 0);
    if (!s) s = fct_gallery_search_with(g, model_id, embeddings, n, dim, &o, c.at, c.found, err);
    if (!s && once) s = assign(g, &c, &o, err);
    if (!s && once) take_chosen(&c, out);
    for (int i = 0; i < n && !s && !once; i++)
        if (c.found[i]) out[i] = c.at[i];
    free_faces(&c);
    return s;
}

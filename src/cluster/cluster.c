/* From faces and links to groups: the order of the work. */
#include "cluster/cluster.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "cluster/cluster_impl.h"
#include "index/index.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SURE        0.20f /* pairs so far above what is needed are joined before strangers are counted */
#define NEAR_FLOOR  0.55f /* of the threshold: faces less alike are not looked at */
#define PEOPLE_NEAR 16    /* people from before whom another may be */

void fct_cluster_opts_init(fct_cluster_opts *o) {
    *o = (fct_cluster_opts){.threshold = 0.40f,
                            .least_quality = 0.30f,
                            .least_faces = 2,
                            .neighbors = 64,
                            .hint = 0.12f,
                            .strictness = 0.04f,
                            .crowd = 1,
                            .growth = 0.06f,
                            .child = 0.08f,
                            .poor = 0.04f};
}

/* ---- The canonical order ------------------------------------------------------------------ */

typedef struct face_key {
    uint64_t hash;
    const float *unit;
    int64_t person, photo;
    float quality;
    uint32_t index;
    int dim;
} face_key;

/* Free faces first, then by what a face is; by its number only where two are the same in everything. */
static int compare_keys(const void *a, const void *b) {
    const face_key *x = a, *y = b;
    if ((x->person > 0) != (y->person > 0)) return x->person > 0 ? 1 : -1;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    int d = memcmp(x->unit, y->unit, (size_t)x->dim * sizeof(float));
    if (d) return d;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    if (x->photo != y->photo) return x->photo < y->photo ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static float quality_of(const fct_cluster_faces *f, size_t i) {
    float q = f->quality ? f->quality[i] : 1;
    return q >= 0 ? q > 1 ? 1 : q : 0; /* not a number: 0 */
}

/* Makes the keys of all faces and sorts them. unit: [n][dim] in the caller's order */
static fct_status sort_faces(const fct_cluster_faces *f, const float *unit, face_key *keys, fct_error *err) {
    for (size_t i = 0; i < f->n; i++) {
        const float *u = unit + i * (size_t)f->dim;
        keys[i] = (face_key){fct_checksum64(u, (size_t)f->dim * sizeof *u),
                             u,
                             f->person ? f->person[i] : 0,
                             f->photo ? f->photo[i] : -1,
                             quality_of(f, i),
                             (uint32_t)i,
                             f->dim};
        if (keys[i].person < 0)
            return fct_fail(err, FCT_ERR_ARG, "face %zu: its person is %lld", i, (long long)keys[i].person);
    }
    qsort(keys, f->n, sizeof *keys, compare_keys);
    return FCT_OK;
}

/* ---- What is given ---------------------------------------------------------------------------- */

/* The work in progress: a grouping, and how its numbers and the caller's correspond. */
typedef struct cluster_job {
    fct_grouping g;
    const fct_cluster_faces *f;
    float *unit;     /* [n][dim] in canonical order */
    uint32_t *order; /* [n] the caller's number of a canonical one */
    uint32_t *place; /* [n] the reverse */
    size_t n_free;
    float floor;
    fct_near_faces faces;
    fct_near_lists lists;
} cluster_job;

/* Takes all memory that grows with the faces alone. */
static bool reserve(cluster_job *j) {
    size_t n = j->f->n, dim = (size_t)j->f->dim, cells;
    if (!fct_mul_size(n, dim, &cells)) return false;
    j->unit = fct_realloc_array(NULL, cells + 1, sizeof(float));
    j->g.sums = fct_realloc_array(NULL, cells + 1, sizeof(float));
    j->order = fct_realloc_array(NULL, n + 1, sizeof(uint32_t));
    j->place = fct_realloc_array(NULL, n + 1, sizeof(uint32_t));
    j->g.weights = fct_realloc_array(NULL, n + 1, sizeof(float));
    j->g.groups = fct_calloc(n + 1, sizeof(fct_group));
    j->g.parent = fct_realloc_array(NULL, n + 1, sizeof(uint32_t));
    j->g.mark = fct_calloc(n + 1, sizeof(uint32_t));
    j->g.scratch = fct_realloc_array(NULL, n + 1, sizeof(fct_near));
    return j->unit && j->g.sums && j->order && j->place && j->g.weights && j->g.groups && j->g.parent && j->g.mark &&
           j->g.scratch;
}

static void release(cluster_job *j) {
    for (size_t i = 0; j->g.groups && i < j->f->n; i++) {
        fct_group *x = &j->g.groups[i];
        fct_free(x->beside.at);
        fct_free(x->photos.at);
        fct_free(x->foes.at);
        fct_free(x->bans.at);
    }
    fct_near_free(&j->lists);
    fct_near_faces_free(&j->faces);
    fct_free(j->unit);
    fct_free(j->g.sums);
    fct_free(j->order);
    fct_free(j->place);
    fct_free(j->g.weights);
    fct_free(j->g.groups);
    fct_free(j->g.parent);
    fct_free(j->g.mark);
    fct_free(j->g.scratch);
}

/* Brings the faces into canonical order, at unit length. */
static fct_status take_faces(cluster_job *j, fct_error *err) {
    const fct_cluster_faces *f = j->f;
    size_t dim = (size_t)f->dim;
    float *plain = j->g.sums; /* not in use yet */
    for (size_t i = 0; i < f->n; i++)
        if (!fct_index_normalize(f->embeddings + i * dim, f->dim, plain + i * dim, 1))
            return fct_fail(err, FCT_ERR_ARG, "face %zu: its embedding is zero or not finite", i);
    face_key *keys = fct_realloc_array(NULL, f->n + 1, sizeof *keys);
    if (!keys) return fct_fail_nomem(err, "sorting faces", f->n * sizeof *keys);
    fct_status s = sort_faces(f, plain, keys, err);
    for (size_t i = 0; i < f->n && !s; i++) {
        j->order[i] = keys[i].index;
        j->place[keys[i].index] = (uint32_t)i;
        memcpy(j->unit + i * dim, keys[i].unit, dim * sizeof(float));
        if (keys[i].person <= 0) j->n_free = i + 1;
    }
    fct_free(keys);
    return s;
}

/* Makes every face a group of its own. */
static bool start_groups(cluster_job *j) {
    fct_grouping *g = &j->g;
    size_t dim = (size_t)g->dim;
    bool good = true;
    memset(g->mark, 0, g->n * sizeof *g->mark);
    for (size_t i = 0; i < g->n && good; i++) {
        size_t from = j->order[i];
        float q = quality_of(j->f, from), w = 0.5f + 0.5f * q;
        bool child = j->f->child && j->f->child[from], poor = q < g->o->least_quality;
        int64_t photo = j->f->photo ? j->f->photo[from] : -1, person = j->f->person ? j->f->person[from] : 0;
        g->parent[i] = (uint32_t)i;
        g->weights[i] = w;
        fct_kernels()->scale_f32(g->sums + i * dim, j->unit + i * dim, w, 0, dim);
        g->groups[i] = (fct_group){.n = 1, .person = person, .weight = w, .length = w};
        g->groups[i].care = w * ((child ? g->o->child : 0) + (poor ? g->o->poor : 0));
        g->groups[i].late = !person && (child || poor);
        if (photo >= 0) good = fct_numbers_add(&g->groups[i].photos, photo);
    }
    return good;
}

/* ---- What is known ------------------------------------------------------------------------- */

static fct_status join_known(cluster_job *j, uint32_t a, uint32_t b, fct_error *err) {
    uint32_t x = fct_group_of(&j->g, a), y = fct_group_of(&j->g, b);
    const fct_group *p = &j->g.groups[x], *q = &j->g.groups[y];
    if (x == y) return FCT_OK;
    if (p->person && q->person && p->person != q->person)
        return fct_fail(err, FCT_ERR_ARG, "faces %u and %u are linked as one person, but are persons %lld and %lld",
                        j->order[a], j->order[b], (long long)p->person, (long long)q->person);
    return fct_group_join(&j->g, x, y, &x) ? FCT_OK : fct_fail_nomem(err, "links of faces", 0);
}

typedef struct known_face {
    int64_t person;
    uint32_t face;
} known_face;

static int compare_known(const void *a, const void *b) {
    const known_face *x = a, *y = b;
    if (x->person != y->person) return x->person < y->person ? -1 : 1;
    return x->face < y->face ? -1 : x->face > y->face;
}

/* Joins the faces of each person that there is. */
static fct_status join_people(cluster_job *j, fct_error *err) {
    size_t n = j->g.n - j->n_free;
    known_face *known = fct_realloc_array(NULL, n + 1, sizeof *known);
    if (!known) return fct_fail_nomem(err, "people", n * sizeof *known);
    for (size_t i = 0; i < n; i++)
        known[i] = (known_face){j->g.groups[j->n_free + i].person, (uint32_t)(j->n_free + i)};
    qsort(known, n, sizeof *known, compare_known);
    fct_status s = FCT_OK;
    for (size_t i = 1; i < n && !s; i++)
        if (known[i].person == known[i - 1].person) s = join_known(j, known[i - 1].face, known[i].face, err);
    fct_free(known);
    return s;
}

static fct_status check_pairs(const fct_face_pair *p, size_t n_pairs, size_t n, fct_error *err) {
    for (size_t i = 0; i < n_pairs; i++)
        if (p[i].a >= n || p[i].b >= n)
            return fct_fail(err, FCT_ERR_ARG, "link %zu names face %zu of %zu", i, p[i].a >= n ? p[i].a : p[i].b, n);
    return FCT_OK;
}

static fct_status note_foes(cluster_job *j, const fct_face_pair *p, fct_error *err) {
    uint32_t a = fct_group_of(&j->g, j->place[p->a]), b = fct_group_of(&j->g, j->place[p->b]);
    if (a == b) return fct_fail(err, FCT_ERR_ARG, "faces %zu and %zu are linked as two people and as one", p->a, p->b);
    return fct_numbers_add(&j->g.groups[a].foes, b) && fct_numbers_add(&j->g.groups[b].foes, a)
               ? FCT_OK
               : fct_fail_nomem(err, "links of faces", 0);
}

static fct_status note_ban(cluster_job *j, const fct_face_ban *ban, fct_error *err) {
    if (ban->face >= j->g.n) return fct_fail(err, FCT_ERR_ARG, "face %zu of %zu is not a person's", ban->face, j->g.n);
    fct_group *x = &j->g.groups[fct_group_of(&j->g, j->place[ban->face])];
    if (x->person && x->person == ban->person)
        return fct_fail(err, FCT_ERR_ARG, "face %zu is linked as person %lld and as not", ban->face,
                        (long long)ban->person);
    return fct_numbers_add(&x->bans, ban->person) ? FCT_OK : fct_fail_nomem(err, "links of faces", 0);
}

static int compare_pairs(const void *a, const void *b) {
    const fct_face_pair *x = a, *y = b;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

/* Joins what is linked, in canonical order: sums of numbers depend on the order in their last bits. */
static fct_status join_same(cluster_job *j, fct_error *err) {
    size_t n = j->f->n_same;
    fct_face_pair *p = fct_realloc_array(NULL, n + 1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "links of faces", n * sizeof *p);
    for (size_t i = 0; i < n; i++) {
        size_t a = j->place[j->f->same[i].a], b = j->place[j->f->same[i].b];
        p[i] = (fct_face_pair){a < b ? a : b, a < b ? b : a};
    }
    qsort(p, n, sizeof *p, compare_pairs);
    fct_status s = FCT_OK;
    for (size_t i = 0; i < n && !s; i++) s = join_known(j, (uint32_t)p[i].a, (uint32_t)p[i].b, err);
    fct_free(p);
    return s;
}

/* People, must-links, then cannot-links. */
static fct_status take_links(cluster_job *j, fct_error *err) {
    const fct_cluster_faces *f = j->f;
    fct_status s = join_people(j, err);
    if (!s) s = check_pairs(f->same, f->n_same, f->n, err);
    if (!s) s = check_pairs(f->differ, f->n_differ, f->n, err);
    if (!s) s = join_same(j, err);
    for (size_t i = 0; i < f->n_differ && !s; i++) s = note_foes(j, &f->differ[i], err);
    for (size_t i = 0; i < f->n_bans && !s; i++) s = note_ban(j, &f->bans[i], err);
    return s;
}

/* ---- Surroundings ------------------------------------------------------------------------------ */

/* Makes the nearest faces known to both groups. */
static bool link_near(cluster_job *j) {
    for (size_t i = 0; i < j->g.n; i++) {
        const fct_near *l = j->lists.list + i * (size_t)j->lists.k;
        for (uint32_t k = 0; k < j->lists.count[i]; k++)
            if (!fct_numbers_add(&j->g.groups[fct_group_of(&j->g, (uint32_t)i)].beside, l[k].face) ||
                !fct_numbers_add(&j->g.groups[fct_group_of(&j->g, l[k].face)].beside, (int64_t)i))
                return false;
    }
    return true;
}

/* People from before are not compared face by face; the means of their faces are, so that two who may be one are seen
 * as near to each other. people: [n] one face of each. */
static bool link_means(cluster_job *j, const uint32_t *people, size_t n, const fct_near_lists *lists) {
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < lists->count[i]; k++) {
            uint32_t other = people[lists->list[i * (size_t)lists->k + k].face];
            if (!fct_numbers_add(&j->g.groups[people[i]].beside, other) ||
                !fct_numbers_add(&j->g.groups[other].beside, people[i]))
                return false;
        }
    return true;
}

/* Finds the people from before whose means are near to each other, and links them. */
static fct_status compare_people(cluster_job *j, fct_error *err) {
    size_t n = 0, dim = (size_t)j->g.dim;
    fct_near_lists lists = {0};
    fct_near_faces faces = {0};
    for (size_t i = j->n_free; i < j->g.n; i++) n += j->g.groups[i].n > 0;
    if (n < 2) return FCT_OK;
    uint32_t *people = fct_realloc_array(NULL, n, sizeof *people);
    float *means = fct_realloc_array(NULL, n, dim * sizeof *means);
    fct_status s = people && means ? FCT_OK : fct_fail_nomem(err, "people", n * dim * sizeof *means);
    n = 0;
    for (size_t i = j->n_free; i < j->g.n && !s; i++) {
        if (!j->g.groups[i].n) continue;
        people[n] = (uint32_t)i;
        fct_kernels()->scale_f32(means + n++ * dim, j->g.sums + i * dim, 1 / j->g.groups[i].length, 0, dim);
    }
    if (!s && !fct_near_faces_make(&faces, means, n, j->g.dim)) s = fct_fail_nomem(err, "people", n * dim);
    if (!s) s = fct_near_find(&faces, n, PEOPLE_NEAR, j->floor, &lists, err);
    if (!s && !link_means(j, people, n, &lists)) s = fct_fail_nomem(err, "neighbors", 0);
    fct_near_free(&lists);
    fct_near_faces_free(&faces);
    fct_free(people);
    fct_free(means);
    return s;
}

/* ---- All of it ------------------------------------------------------------------------------------ */

/* The order of the work; docs/decisions/0081-clusters.md says why. */
static fct_status group_faces(cluster_job *j, fct_clusters *out, fct_error *err) {
    float least = j->g.o->threshold + j->g.o->strictness;
    fct_status s = take_faces(j, err);
    if (!s && !start_groups(j)) s = fct_fail_nomem(err, "faces", 0);
    if (!s) s = take_links(j, err);
    if (!s && !fct_near_faces_make(&j->faces, j->unit, j->g.n, j->g.dim)) s = fct_fail_nomem(err, "faces", 0);
    if (!s) s = fct_near_find(&j->faces, j->n_free, j->g.o->neighbors, j->floor, &j->lists, err);
    if (!s) fct_near_sort(&j->lists);
    if (!s && !link_near(j)) s = fct_fail_nomem(err, "neighbors", 0);
    if (!s) s = compare_people(j, err);
    if (!s) s = fct_groups_merge(&j->g, least + SURE, false, err);
    fct_crowd_work w = {&j->faces, &j->lists, j->n_free, j->floor, least + SURE, least};
    if (!s) s = fct_crowds_add(&j->g, &w, err);
    if (!s) s = fct_groups_merge(&j->g, least, false, err);
    if (!s) s = fct_groups_merge(&j->g, least, true, err);
    return s ? s : fct_groups_result(&j->g, j->unit, j->order, least, out, err);
}

static bool is_share(float v) { return v >= 0 && v <= 1; }

static fct_status check(const fct_cluster_faces *f, const fct_cluster_opts *o, fct_error *err) {
    if (f->n && (f->dim < 1 || f->dim > FCT_INDEX_DIM_MAX))
        return fct_fail(err, FCT_ERR_ARG, "embeddings of %d numbers cannot be grouped", f->dim);
    if (f->n > FCT_CLUSTER_MOST) return fct_fail(err, FCT_ERR_LIMIT, "%zu faces are too many to group", f->n);
    if (o->neighbors < 1 || o->neighbors > 1024 || o->least_faces < 1)
        return fct_fail(err, FCT_ERR_ARG, "%d neighbors, people of %d faces: out of range", o->neighbors,
                        o->least_faces);
    if (!(o->threshold > 0 && o->threshold < 1) || !is_share(o->least_quality) || !is_share(o->hint) ||
        !is_share(o->strictness) || !(o->crowd >= 0 && o->crowd <= 10) || !is_share(o->growth) || !is_share(o->child) ||
        !is_share(o->poor))
        return fct_fail(err, FCT_ERR_ARG, "an option of clustering is out of range (threshold %g)",
                        (double)o->threshold);
    return FCT_OK;
}

fct_status fct_cluster(const fct_cluster_faces *faces, const fct_cluster_opts *opts, fct_clusters *out,
                       fct_error *err) {
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    if (opts) o = *opts;
    *out = (fct_clusters){0};
    fct_status s = check(faces, &o, err);
    if (s) return s;
    cluster_job j = {.f = faces, .floor = NEAR_FLOOR * o.threshold};
    j.g.o = &o;
    j.g.n = faces->n;
    j.g.dim = faces->dim;
    if (!reserve(&j)) s = fct_fail_nomem(err, "clustering", faces->n * (size_t)faces->dim * sizeof(float));
    if (!s) s = group_faces(&j, out, err);
    release(&j);
    if (s) fct_clusters_free(out);
    return s;
}

void fct_clusters_free(fct_clusters *c) {
    fct_free(c->person);
    fct_free(c->score);
    fct_free(c->hints);
    *c = (fct_clusters){0};
}

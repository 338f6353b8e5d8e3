/* How crowded it is around groups: how much strangers resemble their faces.
 *
 * A face's crowd is the mean cosine of its 10th to 40th nearest stranger, one a
 * part. Parts are what was surely one person when nothing doubtful had
 * been joined yet: counted by groups as they end, forty babies who were taken for one person would be one stranger, and
 * the next baby would find it empty around itself. So the faces of people from before are divided into parts again.
 *
 * People from before are not compared with one another. The means of those whom a new
 * face might join are compared with all faces for this. A mean of many who are alike is
 * nearer to all of their kind than they are to one another: it must have more to show
 * than a face, and a person whose faces belong together has. */
#include "base/alloc.h"
#include "base/error.h"
#include "cluster/cluster_impl.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CROWD_FLOOR 0.65f /* of the threshold: strangers who are less alike do not make a crowd */
#define CROWD_FIRST 10    /* the strangers by whose likeness a face's surroundings are judged: these of the nearest, */
#define CROWD_LAST  40    /* one a part */
#define MOST_PARTS  256   /* of a person that further faces are compared with */

static int compare_near(const void *a, const void *b) {
    const fct_near *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->face < y->face ? -1 : x->face > y->face;
}

void fct_near_sort(fct_near_lists *l) {
    for (size_t i = 0; i < l->n; i++) qsort(l->list + i * (size_t)l->k, l->count[i], sizeof *l->list, compare_near);
}

/* ---- Parts ------------------------------------------------------------------------------- */

/* The parts of one person that are known so far. */
typedef struct part_list {
    uint32_t name[MOST_PARTS], n[MOST_PARTS]; /* the number of its first face, how many it has */
    float length[MOST_PARTS];
    float *sums; /* [MOST_PARTS][dim] */
    int count;
} part_list;

/* The part that a face is surely of, the likeliest; -1 = none. */
static int find_part(const fct_grouping *g, const part_list *l, const float *unit, float sure) {
    int best = -1;
    float most = 0;
    for (int i = 0; i < l->count; i++) {
        float dot = fct_kernels()->dot_f32(l->sums + (size_t)i * (size_t)g->dim, unit, (size_t)g->dim);
        float score = dot / l->length[i] - g->o->growth * (1 - 1 / (float)l->n[i]) / 2;
        if (score < sure || (best >= 0 && score <= most)) continue;
        best = i;
        most = score;
    }
    return best;
}

/* Gives a face its part: one of the list, or itself. */
static uint32_t place_face(const fct_grouping *g, part_list *l, uint32_t face, const float *unit, float sure) {
    int at = find_part(g, l, unit, sure);
    size_t dim = (size_t)g->dim;
    if (at < 0) {
        if (l->count == MOST_PARTS) return face;
        at = l->count++;
        l->name[at] = face;
        l->n[at] = 0;
        memset(l->sums + (size_t)at * dim, 0, dim * sizeof *l->sums);
    }
    float *sum = l->sums + (size_t)at * dim;
    fct_kernels()->axpy_f32(sum, unit, g->weights[face], dim);
    l->length[at] = sqrtf(fct_kernels()->dot_f32(sum, sum, dim));
    l->n[at]++;
    return l->name[at];
}

/* The part of each face: its group, or a part of it where that is a person from before. chain: [n] */
static void make_parts(fct_grouping *g, const fct_crowd_work *w, part_list *l, uint32_t *chain, uint32_t *part) {
    for (uint32_t i = 0; i < g->n; i++) part[i] = FCT_NO_FACE; /* of roots: the first of the group's faces */
    for (uint32_t i = (uint32_t)g->n; i--;) {
        uint32_t root = fct_group_of(g, i);
        chain[i] = part[root];
        part[root] = i;
    }
    for (uint32_t root = 0; root < g->n; root++) {
        if (!g->groups[root].n || !g->groups[root].person) continue;
        l->count = 0;
        for (uint32_t i = part[root], next; i != FCT_NO_FACE; i = next) {
            next = chain[i];
            chain[i] = place_face(g, l, i, w->faces->unit + i * (size_t)g->dim, w->sure);
        }
    }
    for (uint32_t i = 0; i < g->n; i++) {
        uint32_t root = fct_group_of(g, i);
        part[i] = g->groups[root].person ? chain[i] : root;
    }
}

/* ---- Crowds --------------------------------------------------------------------------------- */

/* How much the strangers nearest to a face resemble it, one of each other part, on average; where too few are near
 * enough, the rest count as at the floor; where the face's list is full, they are not known and do not count. */
static float crowd_of(fct_grouping *g, const uint32_t *part, uint32_t face, const fct_near_lists *lists, size_t at,
                      float floor) {
    const fct_near *l = lists->list + at * (size_t)lists->k;
    int seen = 0, last = CROWD_LAST < lists->k ? CROWD_LAST : lists->k;
    float sum = 0;
    g->marks++;
    g->mark[part[face]] = g->marks;
    for (uint32_t k = 0; k < lists->count[at] && seen < last; k++) {
        uint32_t b = part[l[k].face];
        if (g->mark[b] == g->marks) continue;
        g->mark[b] = g->marks;
        if (seen++ >= CROWD_FIRST) sum += l[k].score;
    }
    if (lists->count[at] == (uint32_t)lists->k) last = seen;
    if (last <= CROWD_FIRST) return floor;
    for (; seen < last; seen++)
        if (seen >= CROWD_FIRST) sum += floor;
    return sum / (float)(last - CROWD_FIRST);
}

/* What of it is above the usual. */
static float above_usual(fct_grouping *g, const uint32_t *part, uint32_t face, const fct_near_lists *lists, size_t at,
                         float floor) {
    float above = crowd_of(g, part, face, lists, at, floor) - CROWD_FLOOR * g->o->threshold;
    return above > 0 ? above : 0;
}

/* Where the faces of a grouping stand. */
typedef struct crowd_map {
    uint32_t *part;  /* [n] part of each face */
    uint32_t *group; /* [n] and its group */
    uint32_t *which; /* [n] groups of people from before around whom it may be crowded */
    size_t n_which;
} crowd_map;

/* Finds the people from before whom a new face would join if it was not crowded around them. */
static void choose_people(fct_grouping *g, const fct_crowd_work *w, crowd_map *m) {
    memset(m->group, 0, g->n * sizeof *m->group); /* until it is filled in: who was chosen */
    for (uint32_t i = 0; i < w->n_free; i++) {
        if (!g->groups[i].n || g->groups[i].person) continue;
        uint32_t n_near = fct_group_near(g, i);
        for (uint32_t k = 0; k < n_near; k++) {
            uint32_t other = g->scratch[k].face;
            if (!g->groups[other].person || g->scratch[k].score < w->least || m->group[other]) continue;
            m->group[other] = 1;
            m->which[m->n_which++] = other;
        }
    }
    for (uint32_t i = 0; i < g->n; i++) m->group[i] = fct_group_of(g, i);
}

/* Measures how crowded it is around the means of these people. unit: [n_which][dim] */
static fct_status judge_means(fct_grouping *g, const fct_crowd_work *w, const crowd_map *m, float *unit,
                              fct_error *err) {
    fct_near_lists lists = {0};
    fct_near_faces means;
    size_t dim = (size_t)g->dim;
    for (size_t i = 0; i < m->n_which; i++) {
        uint32_t at = m->which[i];
        fct_kernels()->scale_f32(unit + i * dim, g->sums + at * dim, 1 / g->groups[at].length, 0, dim);
    }
    bool good = fct_near_faces_make(&means, unit, m->n_which, g->dim);
    fct_status s = good ? FCT_OK : fct_fail_nomem(err, "people", m->n_which * dim);
    if (!s) s = fct_near_between(&means, w->faces, m->group, m->which, w->lists->k, w->floor, &lists, err);
    if (!s) fct_near_sort(&lists);
    for (size_t i = 0; i < m->n_which && !s; i++) {
        fct_group *x = &g->groups[m->which[i]];
        x->crowd = x->weight * above_usual(g, m->part, m->which[i], &lists, i, w->floor);
        x->judged = x->weight;
    }
    fct_near_free(&lists);
    fct_near_faces_free(&means);
    return s;
}

static fct_status judge_people(fct_grouping *g, const fct_crowd_work *w, const crowd_map *m, fct_error *err) {
    if (!m->n_which) return FCT_OK;
    float *unit = fct_realloc_array(NULL, m->n_which, (size_t)g->dim * sizeof *unit);
    fct_status s = unit ? judge_means(g, w, m, unit, err) : fct_fail_nomem(err, "people", m->n_which);
    fct_free(unit);
    return s;
}

/* The crowds of new faces count for their groups. */
static void judge_faces(fct_grouping *g, const fct_crowd_work *w, const crowd_map *m) {
    for (uint32_t i = 0; i < w->n_free; i++) {
        fct_group *x = &g->groups[m->group[i]];
        x->crowd += g->weights[i] * above_usual(g, m->part, i, w->lists, i, w->floor);
        x->judged += g->weights[i];
    }
}

fct_status fct_crowds_add(fct_grouping *g, const fct_crowd_work *w, fct_error *err) {
    size_t n = g->n + 1;
    crowd_map m = {fct_realloc_array(NULL, n, sizeof *m.part), fct_realloc_array(NULL, n, sizeof *m.group),
                   fct_realloc_array(NULL, n, sizeof *m.which), 0};
    part_list *l = fct_alloc(sizeof *l);
    float *sums = fct_realloc_array(NULL, MOST_PARTS * (size_t)g->dim, sizeof *sums);
    bool good = m.part && m.group && m.which && l && sums;
    fct_status s = good ? FCT_OK : fct_fail_nomem(err, "neighbors", n * sizeof *m.part);
    if (!s) {
        l->sums = sums;
        make_parts(g, w, l, m.which, m.part);
        choose_people(g, w, &m);
        judge_faces(g, w, &m);
        s = judge_people(g, w, &m, err);
    }
    fct_free(m.part);
    fct_free(m.group);
    fct_free(m.which);
    fct_free(l);
    fct_free(sums);
    return s;
}

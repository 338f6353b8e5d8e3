/* From groups to people, and what is worth a question. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "cluster/cluster_impl.h"
#include "kernels/kernels.h"
#include <stdlib.h>

typedef struct new_group {
    uint32_t first, n;
} new_group;

static int compare_new(const void *a, const void *b) {
    const new_group *x = a, *y = b;
    if (x->n != y->n) return x->n > y->n ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Numbers the new people, the largest first; label: [n] by the group's number. */
static bool number_groups(fct_grouping *g, int64_t *label, size_t *n_new) {
    new_group *fresh = fct_realloc_array(NULL, g->n + 1, sizeof *fresh);
    size_t n = 0;
    if (!fresh) return false;
    for (size_t i = 0; i < g->n; i++) {
        const fct_group *x = &g->groups[i];
        label[i] = x->person;
        if (x->n && !x->person && x->n >= (uint32_t)g->o->least_faces) fresh[n++] = (new_group){(uint32_t)i, x->n};
    }
    qsort(fresh, n, sizeof *fresh, compare_new);
    for (size_t i = 0; i < n; i++) label[fresh[i].first] = -(int64_t)i - 1;
    fct_free(fresh);
    *n_new = n;
    return true;
}

/* ---- Hints ----------------------------------------------------------------------------- */

typedef struct group_hint {
    uint32_t a, b;
    float score;
} group_hint;

typedef struct hint_list {
    group_hint *at;
    size_t n, cap;
} hint_list;

static int compare_hints(const void *a, const void *b) {
    const group_hint *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->a != y->a ? (x->a < y->a ? -1 : 1) : x->b < y->b ? -1 : x->b > y->b;
}

static bool add_hint(hint_list *l, group_hint h) {
    group_hint *at = fct_grow(l->at, &l->cap, l->n + 1, sizeof *at);
    if (!at) return false;
    l->at = at;
    l->at[l->n++] = h;
    return true;
}

/* People first, then the larger group, then the lower number. */
static bool goes_first(const fct_grouping *g, uint32_t a, uint32_t b) {
    const fct_group *x = &g->groups[a], *y = &g->groups[b];
    if ((x->person > 0) != (y->person > 0)) return x->person > 0;
    return x->n != y->n ? x->n > y->n : a < b;
}

/* Pairs of which one at least is more than a lone face. */
static bool collect_hints(fct_grouping *g, float least, hint_list *l) {
    for (uint32_t a = 0; a < g->n; a++) {
        if (!g->groups[a].n) continue;
        uint32_t n = fct_group_near(g, a);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t b = g->scratch[i].face;
            if (b > a || g->scratch[i].score < least) continue;
            bool lone = g->groups[a].n + g->groups[b].n == 2 && !g->groups[a].person && !g->groups[b].person;
            if (lone || fct_group_apart(g, a, b)) continue;
            bool first = goes_first(g, a, b);
            if (!add_hint(l, (group_hint){first ? a : b, first ? b : a, g->scratch[i].score})) return false;
        }
    }
    return true;
}

/* ---- All of it ---------------------------------------------------------------------------- */

/* Each face's score, and each group's face with the best; first: [n] by the group's number. */
static void score_faces(fct_grouping *g, const float *unit, const uint32_t *order, const int64_t *label,
                        fct_clusters *out, uint32_t *first) {
    size_t dim = (size_t)g->dim;
    for (size_t i = 0; i < g->n; i++) first[i] = FCT_NO_FACE;
    for (size_t i = 0; i < g->n; i++) {
        uint32_t a = fct_group_of(g, (uint32_t)i);
        float score = fct_kernels()->dot_f32(g->sums + a * dim, unit + i * dim, dim) / g->groups[a].length;
        out->person[order[i]] = label[a];
        out->score[order[i]] = score;
        if (first[a] == FCT_NO_FACE || score > out->score[order[first[a]]]) first[a] = (uint32_t)i;
    }
    for (size_t i = 0; i < g->n; i++)
        if (!out->person[i]) out->score[i] = 0;
}

/* Sorts the hints, and names their groups by faces of the caller. */
static bool write_hints(fct_grouping *g, const uint32_t *order, const uint32_t *first, float least, fct_clusters *out) {
    hint_list l = {0};
    bool good = collect_hints(g, least - g->o->hint, &l);
    if (good && l.n) {
        qsort(l.at, l.n, sizeof *l.at, compare_hints);
        out->hints = fct_realloc_array(NULL, l.n, sizeof *out->hints);
        good = out->hints != NULL;
    }
    for (size_t i = 0; i < l.n && good; i++)
        out->hints[i] = (fct_cluster_hint){order[first[l.at[i].a]], order[first[l.at[i].b]], l.at[i].score - least};
    out->n_hints = good ? l.n : 0;
    fct_free(l.at);
    return good;
}

fct_status fct_groups_result(fct_grouping *g, const float *unit, const uint32_t *order, float least, fct_clusters *out,
                             fct_error *err) {
    int64_t *label = fct_realloc_array(NULL, g->n + 1, sizeof *label);
    uint32_t *first = fct_realloc_array(NULL, g->n + 1, sizeof *first);
    out->person = fct_realloc_array(NULL, g->n + 1, sizeof *out->person);
    out->score = fct_realloc_array(NULL, g->n + 1, sizeof *out->score);
    bool good = label && first && out->person && out->score && number_groups(g, label, &out->n_new);
    if (good) {
        score_faces(g, unit, order, label, out, first);
        good = write_hints(g, order, first, least, out);
    }
    fct_free(label);
    fct_free(first);
    return good ? FCT_OK : fct_fail_nomem(err, "people", 0);
}

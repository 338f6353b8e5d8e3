/* Joining groups of faces, the likeliest pair first.
 *
 * Two groups a and b score
 *     cos(mean a, mean b) - crowd (c_a + c_b) / 2 - growth (2 - 1/n_a - 1/n_b) / 2 - (care_a + care_b) / 2 - least
 * and are joined while that is at least 0. Means are of embeddings of unit length,
 * weighted by quality. Their cosine is the average of all pairs' cosines over the
 * groups' inner agreement: one number says how near two groups are, however
 * scattered each is. c is how much more than usual strangers resemble the group:
 * children and poor pictures have many near strangers, so that they need more.
 * growth: means of many faces are steadier, those of one person agree better, and
 * a wrong joint of large groups costs more.
 *
 * Only groups of which some faces are among each other's nearest are looked at. A
 * heap has the pairs that are good enough; an entry is out of date, and passed
 * over, when a group has changed since: the pairs of a group that has grown enter
 * anew. */
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "cluster/cluster_impl.h"
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

/* Appends all of b to a and empties b; sorted: both ascend, and the result does. */
static bool take_numbers(fct_numbers *a, fct_numbers *b, bool sorted) {
    if (a->n < b->n) {
        fct_numbers t = *a;
        *a = *b;
        *b = t;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (!fct_numbers_add(a, b->at[i])) return false;
        for (size_t j = a->n - 1; sorted && j && a->at[j] < a->at[j - 1]; j--) {
            int64_t t = a->at[j];
            a->at[j] = a->at[j - 1];
            a->at[j - 1] = t;
        }
    }
    fct_free(b->at);
    *b = (fct_numbers){0};
    return true;
}

uint32_t fct_group_of(fct_grouping *g, uint32_t face) {
    while (g->parent[face] != face) face = g->parent[face] = g->parent[g->parent[face]];
    return face;
}

/* ---- Two groups ---------------------------------------------------------------------------- */

/* Sum of two groups' crowds; one that is not known is taken to be as the other's. */
static float crowds(const fct_group *x, const fct_group *y) {
    float a = x->judged > 0 ? x->crowd / x->judged : -1, b = y->judged > 0 ? y->crowd / y->judged : -1;
    if (a < 0 && b < 0) return 0;
    return a < 0 ? 2 * b : b < 0 ? 2 * a : a + b;
}

float fct_group_score(const fct_grouping *g, uint32_t a, uint32_t b) {
    const fct_group *x = &g->groups[a], *y = &g->groups[b];
    size_t dim = (size_t)g->dim;
    float dot = fct_kernels()->dot_f32(g->sums + a * dim, g->sums + b * dim, dim);
    float likeness = dot / (x->length * y->length), size = 2 - 1 / (float)x->n - 1 / (float)y->n;
    float crowd = crowds(x, y), care = x->care / x->weight + y->care / y->weight;
    return likeness - (g->o->crowd * crowd + g->o->growth * size + care) / 2;
}

static bool share_number(const fct_numbers *a, const fct_numbers *b) {
    if (a->n > b->n) return share_number(b, a);
    for (size_t i = 0; i < a->n; i++)
        if (fct_numbers_hold(b, a->at[i])) return true;
    return false;
}

static bool is_banned(const fct_group *a, int64_t person) {
    for (size_t i = 0; person && i < a->bans.n; i++)
        if (a->bans.at[i] == person) return true;
    return false;
}

bool fct_group_apart(fct_grouping *g, uint32_t a, uint32_t b) {
    const fct_group *x = &g->groups[a], *y = &g->groups[b];
    if (is_banned(x, y->person) || is_banned(y, x->person)) return true;
    if (x->foes.n > y->foes.n) { /* each is the other's: the shorter list is enough */
        const fct_group *t = x;
        x = y;
        y = t;
        b = a;
    }
    for (size_t i = 0; i < x->foes.n; i++)
        if (fct_group_of(g, (uint32_t)x->foes.at[i]) == b) return true;
    return share_number(&x->photos, &y->photos);
}

bool fct_group_join(fct_grouping *g, uint32_t a, uint32_t b, uint32_t *joined) {
    if (g->groups[a].n < g->groups[b].n || (g->groups[a].n == g->groups[b].n && b < a)) {
        uint32_t t = a;
        a = b;
        b = t;
    }
    fct_group *x = &g->groups[a], *y = &g->groups[b];
    float *sum = g->sums + a * (size_t)g->dim;
    *joined = a;
    if (!take_numbers(&x->beside, &y->beside, false) || !take_numbers(&x->photos, &y->photos, true) ||
        !take_numbers(&x->foes, &y->foes, false) || !take_numbers(&x->bans, &y->bans, false))
        return false;
    fct_kernels()->axpy_f32(sum, g->sums + b * (size_t)g->dim, 1, (size_t)g->dim);
    x->length = sqrtf(fct_kernels()->dot_f32(sum, sum, (size_t)g->dim));
    if (!(x->length > 0)) x->length = 1; /* opposite faces that a user has linked */
    x->weight += y->weight;
    x->crowd += y->crowd;
    x->judged += y->judged;
    x->care += y->care;
    x->late &= y->late;
    if (!x->person) x->person = y->person;
    x->n += y->n;
    x->version++;
    y->n = 0;
    g->parent[b] = a;
    return true;
}

/* Also shortens the group's list of neighbors to one number each. */
uint32_t fct_group_near(fct_grouping *g, uint32_t a) {
    fct_numbers *l = &g->groups[a].beside;
    uint32_t n = 0;
    g->marks++;
    for (size_t i = 0; i < l->n; i++) {
        uint32_t b = fct_group_of(g, (uint32_t)l->at[i]);
        if (b == a || g->mark[b] == g->marks) continue;
        g->mark[b] = g->marks;
        g->scratch[n] = (fct_near){b, fct_group_score(g, a, b)};
        l->at[n++] = b;
    }
    l->n = n;
    return n;
}

/* ---- The heap ------------------------------------------------------------------------------- */

typedef struct merge_pair {
    float score;
    uint32_t a, b, version_a, version_b;
} merge_pair;

typedef struct merge_heap {
    merge_pair *at;
    size_t n, cap;
} merge_heap;

static bool comes_before(const merge_pair *x, const merge_pair *y) {
    if (x->score != y->score) return x->score > y->score;
    return x->a != y->a ? x->a < y->a : x->b < y->b;
}

static bool push(merge_heap *h, merge_pair p) {
    merge_pair *at = fct_grow(h->at, &h->cap, h->n + 1, sizeof *at);
    if (!at) return false;
    h->at = at;
    size_t i = h->n++;
    for (; i && comes_before(&p, &h->at[(i - 1) / 2]); i = (i - 1) / 2) h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = p;
    return true;
}

static merge_pair pop(merge_heap *h) {
    merge_pair top = h->at[0], last = h->at[--h->n];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < h->n; i = c) {
        if (c + 1 < h->n && comes_before(&h->at[c + 1], &h->at[c])) c++;
        if (!comes_before(&h->at[c], &last)) break;
        h->at[i] = h->at[c];
    }
    h->at[i] = last;
    return top;
}

/* Enters the pairs of a group that are good enough; those with a lower number alone where all groups are entered. */
static bool push_group(fct_grouping *g, merge_heap *h, uint32_t a, float least, bool late, bool all) {
    uint32_t n = fct_group_near(g, a);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = g->scratch[i].face, x = a < b ? a : b, y = a < b ? b : a;
        if (g->scratch[i].score < least || (all && b > a) || (g->groups[b].late && !late)) continue;
        merge_pair p = {g->scratch[i].score, x, y, g->groups[x].version, g->groups[y].version};
        if (!push(h, p)) return false;
    }
    return true;
}

fct_status fct_groups_merge(fct_grouping *g, float least, bool late, fct_error *err) {
    merge_heap h = {0};
    bool good = true;
    for (uint32_t a = 0; a < g->n && good; a++)
        if (g->groups[a].n && (late || !g->groups[a].late)) good = push_group(g, &h, a, least, late, true);
    while (h.n && good) {
        merge_pair p = pop(&h);
        const fct_group *x = &g->groups[p.a], *y = &g->groups[p.b];
        if (!x->n || !y->n || x->version != p.version_a || y->version != p.version_b) continue;
        if ((x->person && y->person) || fct_group_apart(g, p.a, p.b)) continue;
        good = fct_group_join(g, p.a, p.b, &p.a) && push_group(g, &h, p.a, least, late, false);
    }
    fct_free(h.at);
    return good ? FCT_OK : fct_fail_nomem(err, "joining faces", 0);
}

/* Nobody is in a picture twice: of the faces that are found in one frame, one at most
 * has somebody's name. Two rules see to that, the first for what a view says and the
 * second for what is shown.
 *
 * 1. The new embeddings of a frame are named together, as the faces of a photo are
 *    (gallery_identify.c): the names are chosen so that the scores are above the
 *    threshold by the largest sum, and a name that another face of the frame already
 *    has takes part with the similarity that it has it by. So the vote of a face that
 *    is like somebody who is there already goes to the next likely person, or to nobody.
 * 2. Where the votes of two tracks that are seen in one frame chose the same person all
 *    the same, the one that is more like the person is shown with the name, and the
 *    other is in doubt, for as long as that is so.
 *
 * Two boxes in the same place are the same face found twice and do not compete. */
#include "video/tracker_internal.h"
#include "base/alloc.h"
#include "base/assign.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

#define CANDIDATES 4     /* people that a view is compared with */
#define STAYS      0.05f /* what having had the name is worth, so that two faces do not exchange it all the time */
#define SAME_PLACE 0.40f /* overlap from which two boxes are one face */

/* A face of this frame that wants a name: a new view with its candidates, or a track
 * that has a name, with that alone. */
typedef struct claim {
    int seen;
    bool fresh;
    bool again; /* the same face as one before it in the list: takes what it is most like */
    fct_match at[CANDIDATES];
    int found, chosen; /* chosen: place in at, -1 = nobody */
} claim;

typedef struct claims {
    claim *list; /* [n] */
    int n;
    int64_t *people; /* [n_people], each once */
    int n_people;
} claims;

/* Finds the people whom a view may show. The name that its track has is worth more to it, as it is to others. */
static fct_status search(const fct_tracker *t, claim *c, int64_t own, fct_error *err) {
    int k = t->opts.repeats ? 1 : CANDIDATES;
    fct_status s = fct_gallery_search(t->gallery, t->model_id, t->seen[c->seen].embedding, t->dim, t->match_thresh, k,
                                      c->at, &c->found, err);
    c->chosen = s || !c->found ? -1 : 0;
    for (int j = 0; j < c->found; j++)
        if (c->at[j].person_id == own) c->at[j].score += STAYS;
    return s;
}

/* Whether the face of the last claim is that of one before it. */
static bool is_again(const fct_tracker *t, const claims *all) {
    const float *box = t->seen[all->list[all->n - 1].seen].face.box;
    for (int j = 0; j < all->n - 1; j++)
        if (fct_box_iou(box, t->seen[all->list[j].seen].face.box) >= SAME_PLACE) return true;
    return false;
}

static fct_status collect(const fct_tracker *t, claims *all, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < t->n_seen && !s; i++) {
        const fct_seen *d = &t->seen[i];
        const fct_track *k = d->track >= 0 ? &t->tracks[d->track].pub : NULL;
        if (!k || (!d->embedding && !k->person_id)) continue;
        claim *c = &all->list[all->n++];
        *c = (claim){.seen = i, .fresh = d->embedding != NULL};
        if (c->fresh) s = search(t, c, k->person_id, err);
        else {
            c->found = 1;
            c->at[0] = (fct_match){.person_id = k->person_id, .score = k->similarity + STAYS};
        }
        c->again = is_again(t, all);
    }
    return s;
}

static int number_of(claims *all, int64_t person) {
    for (int i = 0; i < all->n_people; i++)
        if (all->people[i] == person) return i;
    all->people[all->n_people] = person;
    return all->n_people++;
}

/* Whether two faces are most like the same person. Where none are, all names are settled. */
static bool is_contested(const claims *all) {
    for (int i = 0; i < all->n; i++)
        for (int j = 0; j < i; j++) {
            const claim *a = &all->list[i], *b = &all->list[j];
            if (!a->again && !b->again && a->found && b->found && a->at[0].person_id == b->at[0].person_id) return true;
        }
    return false;
}

/* Fills [n][n_people], after the people were numbered. */
static void fill_costs(const fct_tracker *t, claims *all, float *cost) {
    int cols = all->n_people;
    for (int i = 0; i < all->n * cols; i++) cost[i] = FCT_ASSIGN_NEVER;
    for (int i = 0; i < all->n; i++) {
        const claim *c = &all->list[i];
        for (int j = 0; j < c->found && !c->again; j++)
            cost[i * cols + number_of(all, c->at[j].person_id)] = fct_assign_cost(c->at[j].score - t->match_thresh);
    }
}

/* Chooses the names of all at once. */
static fct_status assign(const fct_tracker *t, claims *all, fct_error *err) {
    size_t most = (size_t)all->n * CANDIDATES;
    all->people = fct_realloc_array(NULL, most, sizeof *all->people);
    if (!all->people) return fct_fail_nomem(err, "tracker", 0);
    for (int i = 0; i < all->n; i++)
        for (int j = 0; j < all->list[i].found; j++) number_of(all, all->list[i].at[j].person_id);
    float *cost = fct_realloc_array(NULL, (size_t)all->n, (size_t)all->n_people * sizeof *cost);
    int *match = fct_realloc_array(NULL, (size_t)all->n, sizeof *match);
    fct_status s = cost && match ? FCT_OK : fct_fail_nomem(err, "tracker", 0);
    if (!s) fill_costs(t, all, cost);
    if (!s) s = fct_assign(cost, all->n, all->n_people, match, err);
    for (int i = 0; i < all->n && !s; i++) {
        claim *c = &all->list[i];
        if (c->again) continue;
        c->chosen = -1;
        for (int j = 0; j < c->found; j++)
            if (match[i] >= 0 && c->at[j].person_id == all->people[match[i]]) c->chosen = j;
    }
    fct_free(cost);
    fct_free(match);
    fct_free(all->people);
    return s;
}

fct_status fct_tracker_name_views(fct_tracker *t, fct_match *out, fct_error *err) {
    int fresh = 0;
    for (int i = 0; i < t->n_seen; i++) {
        out[i].person_id = 0;
        fresh += t->seen[i].track >= 0 && t->seen[i].embedding;
    }
    if (!fresh || !t->gallery) return FCT_OK;
    claims all = {.list = fct_realloc_array(NULL, (size_t)t->n_seen, sizeof *all.list)};
    if (!all.list) return fct_fail_nomem(err, "tracker", 0);
    fct_status s = collect(t, &all, err);
    if (!s && !t->opts.repeats && is_contested(&all)) s = assign(t, &all, err);
    for (int i = 0; i < all.n && !s; i++) {
        const claim *c = &all.list[i];
        if (!c->fresh || c->chosen < 0) continue;
        fct_match *m = &out[c->seen];
        *m = c->at[c->chosen];
        if (t->tracks[t->seen[c->seen].track].pub.person_id == m->person_id) m->score -= STAYS;
    }
    fct_free(all.list);
    return s;
}

/* ---- What is shown ---------------------------------------------------------------------- */

/* The person whom the votes of a track have chosen, 0 = nobody; in a shot that goes on, as it is shown. */
static int64_t name_of(const fct_tracked *k, bool shot_ends) {
    if (!shot_ends) return k->pub.person_id;
    return k->confirmed && !k->new_shot ? k->votes.chosen : 0;
}

/* How good the right of a track to its name is. One that is not seen in this frame has less than any that is. */
static float right_of(const fct_tracked *k) {
    const fct_candidate *c = fct_votes_chosen(&k->votes);
    float similarity = c ? c->similarity / c->weight : 0;
    return similarity + (c && k->held == c->person_id ? STAYS : 0) + (k->pub.detected ? 4 : 0);
}

void fct_tracker_settle_names(fct_tracker *t, bool shot_ends) {
    for (int i = 0; i < t->n_tracks; i++) t->tracks[i].outdone = false;
    for (int i = 0; i < t->n_tracks && !t->opts.repeats; i++)
        for (int j = i + 1; j < t->n_tracks; j++) {
            fct_tracked *a = &t->tracks[i], *b = &t->tracks[j];
            int64_t name = name_of(a, shot_ends);
            if (!name || name != name_of(b, shot_ends)) continue;
            if (shot_ends && a->pub.last_frame != b->pub.last_frame) continue; /* one after the other */
            if (fct_box_iou(a->pub.box, b->pub.box) >= SAME_PLACE) continue;
            (right_of(b) > right_of(a) ? a : b)->outdone = true;
        }
    for (int i = 0; i < t->n_tracks && !shot_ends; i++)
        if (t->tracks[i].outdone) fct_track_hide_name(&t->tracks[i]);
}

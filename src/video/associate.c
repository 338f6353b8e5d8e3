/* Which detection belongs to which track: ByteTrack's two stages (Zhang et al.
 * 2022, algorithm 1) with embeddings where boxes do not suffice.
 *
 * Stage 1: confident detections and all tracks, also those out of sight. The
 * cost of a pair is 1 - IoU; where both have an embedding, mostly their
 * dissimilarity. A detection is embedded for this purpose when it is contested
 * (several tracks overlap it, or a track has several detections), or when no
 * track is near while somebody is missing: he may have come back elsewhere; and when
 * a track near it is in doubt (evidence.c).
 * Stage 2: weak detections and tracks in sight that are left, by IoU. */
#include "video/tracker_internal.h"
#include "base/assign.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>

#define NEAR      0.20f /* least IoU of a pair in stage 1 */
#define NEAR_WEAK 0.40f /* in stage 2 */
#define CONTESTED 0.12f /* overlap from which tracks compete for a detection */
#define MISSING   0.15  /* seconds out of sight after which a track may be found elsewhere */

fct_status fct_reserve(void **p, int *cap, int n, size_t size, fct_error *err) {
    if (n <= *cap) return FCT_OK;
    int want = n < 8 ? 8 : n + n / 2;
    void *q = fct_realloc_array(*p, (size_t)want, size);
    if (!q) return fct_fail_nomem(err, "tracker", (size_t)want * size);
    *p = q;
    *cap = want;
    return FCT_OK;
}

float fct_track_similarity(const fct_tracker *t, const fct_seen *s, const fct_tracked *k) {
    if (!s->embedding || !k->pub.embedding) return 2;
    return fct_cosine(s->embedding, k->unit, t->dim);
}

static bool is_missing(const fct_tracker *t, const fct_tracked *k) {
    return k->confirmed && (k->new_shot || t->time - k->pub.last_time > MISSING);
}

/* Whether a detection is near a track that it may continue only by its embedding. */
static bool must_prove(const fct_tracker *t, fct_seen *s, float near) {
    for (int j = 0; j < t->n_tracks; j++) {
        const fct_tracked *k = &t->tracks[j];
        if (k->pub.embedding && fct_box_iou(s->face.box, k->pub.box) >= near && fct_tracker_doubts(t, s, k))
            return true;
    }
    return false;
}

/* Whether several tracks overlap a confident detection, or several detections one track. */
static bool is_contested(const fct_tracker *t, int i, float *best) {
    int rivals = 0;
    *best = 0;
    for (int j = 0; j < t->n_tracks; j++) {
        float o = fct_box_iou(t->seen[i].face.box, t->tracks[j].pub.box);
        *best = fmaxf(*best, o);
        rivals += o > CONTESTED;
        for (int k = 0; k < t->n_seen && o > CONTESTED; k++)
            rivals += k != i && t->seen[k].face.score >= t->opts.high_thresh &&
                      fct_box_iou(t->seen[k].face.box, t->tracks[j].pub.box) > CONTESTED;
    }
    return rivals > 1;
}

/* Marks the detections that are to be embedded because their boxes leave a doubt. */
static void mark_contested(fct_tracker *t) {
    bool somebody_missing = false;
    float best;
    for (int j = 0; j < t->n_tracks; j++) somebody_missing |= is_missing(t, &t->tracks[j]);
    for (int i = 0; i < t->n_seen; i++) {
        fct_seen *s = &t->seen[i];
        if (s->face.score < t->opts.high_thresh) s->wanted = must_prove(t, s, NEAR_WEAK);
        else s->wanted = is_contested(t, i, &best) || (best < NEAR && somebody_missing) || must_prove(t, s, NEAR);
    }
}

/* A track in doubt is continued by a detection that agrees with it alone; where it has
 * no embedding, so no name either, until the picture is cut. */
static bool may_continue(const fct_tracker *t, fct_seen *s, const fct_tracked *k) {
    if (!fct_tracker_doubts(t, s, k)) return true;
    if (!k->pub.embedding) return !k->new_shot;
    float sim = fct_track_similarity(t, s, k);
    return sim <= 1 && sim >= fct_track_agreement(t, k);
}

/* Cost of giving detection s to track k in stage 1. */
static float cost_of(const fct_tracker *t, fct_seen *s, const fct_tracked *k) {
    float iou = fct_box_iou(s->face.box, k->pub.box), sim = fct_track_similarity(t, s, k);
    if (!may_continue(t, s, k)) return FCT_ASSIGN_NEVER;
    if (sim > 1.5f) return iou >= NEAR ? 1 - iou : FCT_ASSIGN_NEVER;
    bool same = sim >= t->match_thresh;
    if (iou < NEAR && !(same && is_missing(t, k))) return FCT_ASSIGN_NEVER;
    /* 0.6 is what good views of one person reach, 0.1 what strangers have. */
    float alike = fminf(1, fmaxf(0, (sim - 0.1f) / 0.5f));
    if (k->embeddings >= 3 && alike <= 0 && iou < 0.6f) return FCT_ASSIGN_NEVER;
    return 0.98f * (1 - (0.35f * iou + 0.65f * alike));
}

typedef float cost_fn(const fct_tracker *t, fct_seen *s, const fct_tracked *k);

static float weak_cost_of(const fct_tracker *t, fct_seen *s, const fct_tracked *k) {
    float iou = fct_box_iou(s->face.box, k->pub.box);
    return is_missing(t, k) || iou < NEAR_WEAK || !may_continue(t, s, k) ? FCT_ASSIGN_NEVER : 1 - iou;
}

/* Assigns the detections with score in [low, high) to tracks not yet taken. */
static fct_status assign_stage(fct_tracker *t, float low, float high, cost_fn *cost_of_pair, fct_error *err) {
    size_t n = (size_t)t->n_seen, m = (size_t)t->n_tracks;
    if (!n || !m) return FCT_OK;
    float *cost = fct_calloc(n * m, sizeof *cost);
    int *match = fct_calloc(n, sizeof *match);
    bool *taken = fct_calloc(m, sizeof *taken);
    fct_status s = cost && match && taken ? FCT_OK : fct_fail_nomem(err, "tracker", n * m * sizeof *cost);
    for (size_t i = 0; i < n && !s; i++)
        if (t->seen[i].track >= 0) taken[t->seen[i].track] = true;
    for (size_t i = 0; i < n && !s; i++) {
        fct_seen *d = &t->seen[i];
        bool open = d->track < 0 && d->face.score >= low && d->face.score < high;
        for (size_t j = 0; j < m; j++)
            cost[i * m + j] = open && !taken[j] ? cost_of_pair(t, d, &t->tracks[j]) : FCT_ASSIGN_NEVER;
    }
    if (!s) s = fct_assign(cost, t->n_seen, t->n_tracks, match, err);
    for (size_t i = 0; i < n && !s; i++)
        if (match[i] >= 0) t->seen[i].track = match[i];
    fct_free(cost);
    fct_free(match);
    fct_free(taken);
    return s;
}

fct_status fct_tracker_associate(fct_tracker *t, fct_error *err) {
    mark_contested(t);
    fct_status s = fct_tracker_embed(t, err);
    if (!s) s = assign_stage(t, t->opts.high_thresh, INFINITY, cost_of, err);
    if (!s) s = assign_stage(t, t->opts.low_thresh, t->opts.high_thresh, weak_cost_of, err);
    return s;
}

/* Frames of a file wait for half a second before they are drawn, so that what is seen
 * later can cover what was missed before. Boxes are linked from frame to frame by
 * their overlap alone: no mistake about who somebody is can break such a chain. From
 * its ends a chain goes on for `reach` frames with the speed that it had there, and
 * grows, because the place becomes less certain. Nothing goes across a cut. */
#include "watch/watch_cover.h"

#include "photos/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH_SECONDS 0.4
#define WAIT_SECONDS  0.6
#define MOST_BYTES    400e6 /* for the frames that wait */
#define GROWTH        0.03f /* of a box's sides for each frame without a sighting */
#define LINKED        0.15f /* least overlap of a chain and the next box */
#define LEAD_AT       4     /* sightings after which the speed at the start is known */
#define SAME_FACE     0.3f  /* overlap from which two boxes are one face */

int cli_cover_depth(double fps, int width, int height) {
    double bytes = fmax(1, (double)width * height * 4.5); /* as RGB and as decoded */
    double n = fmin(fmin(60, WAIT_SECONDS * (fps > 0 ? fps : 25)), MOST_BYTES / bytes);
    return (int)fmax(4, ceil(n));
}

void cli_cover_open(cli_cover *c, int depth, double fps) {
    c->depth = depth;
    c->reach = (int)fmax(3, ceil(REACH_SECONDS * (fps > 0 ? fps : 25)));
    c->ring = cli_alloc((size_t)depth + 2, sizeof *c->ring);
    memset(c->ring, 0, ((size_t)depth + 2) * sizeof *c->ring);
}

void cli_cover_free(cli_cover *c) {
    for (int i = 0; c->ring && i < c->depth + 2; i++) {
        free(c->ring[i].tracks);
        free(c->ring[i].boxes);
    }
    free(c->ring);
    free(c->chains);
    *c = (cli_cover){0};
}

static cli_pending *place_of(const cli_cover *c, int64_t n) { return &c->ring[n % (c->depth + 2)]; }

static float area(const float b[4]) { return fmaxf(0, b[2] - b[0]) * fmaxf(0, b[3] - b[1]); }

static float overlap(const float a[4], const float b[4]) {
    float both[4] = {fmaxf(a[0], b[0]), fmaxf(a[1], b[1]), fminf(a[2], b[2]), fminf(a[3], b[3])};
    return both[2] > both[0] && both[3] > both[1] ? area(both) : 0;
}

static float iou(const float a[4], const float b[4]) {
    float both = overlap(a, b);
    return both / fmaxf(1e-3f, area(a) + area(b) - both);
}

static void add_box(cli_pending *p, const float box[4], bool hidden) {
    p->boxes = cli_grow(p->boxes, &p->cap_boxes, p->n_boxes + 1, sizeof *p->boxes);
    cli_cover_box *b = &p->boxes[p->n_boxes++];
    memcpy(b->at, box, sizeof b->at);
    b->hidden = hidden;
}

/* A chain's box n frames after `from`, which may be negative. */
static void moved(const cli_cover_chain *k, const float from[4], int64_t n, float out[4]) {
    float grow = GROWTH * (float)llabs(n);
    float w = (from[2] - from[0]) * grow / 2, h = (from[3] - from[1]) * grow / 2;
    for (int i = 0; i < 4; i++) out[i] = from[i] + k->speed[i] * (float)n + (i < 2 ? -1 : 1) * (i % 2 ? h : w);
}

/* Covers the frames before a chain's first sighting, as far as they still wait. */
static void lead(cli_cover *c, cli_cover_chain *k) {
    float box[4];
    k->led = true;
    for (int64_t n = 1; n <= c->reach && k->begun - n >= c->popped && k->begun - n >= c->shot; n++) {
        moved(k, k->first, -n, box);
        add_box(place_of(c, k->begun - n), box, k->hidden);
    }
}

static void extend(cli_cover_chain *k, const float box[4], int64_t now, bool hidden) {
    float frames = (float)(now - k->seen), weight = k->sightings == 1 ? 1 : 0.4f;
    for (int i = 0; i < 4; i++) k->speed[i] += weight * ((box[i] - k->last[i]) / frames - k->speed[i]);
    memcpy(k->last, box, sizeof k->last);
    k->seen = now;
    k->sightings++;
    k->hidden = hidden;
}

static void start_chain(cli_cover *c, const float box[4], int64_t now, bool hidden) {
    c->chains = cli_grow(c->chains, &c->cap_chains, c->n_chains + 1, sizeof *c->chains);
    cli_cover_chain *k = &c->chains[c->n_chains++];
    *k = (cli_cover_chain){.begun = now, .seen = now, .sightings = 1, .hidden = hidden};
    memcpy(k->first, box, sizeof k->first);
    memcpy(k->last, box, sizeof k->last);
}

/* Gives a box to the chain that leads to it; one that leads to none starts a chain. */
static void link_box(cli_cover *c, const float box[4], int64_t now, bool hidden) {
    cli_cover_chain *best = NULL;
    float most = LINKED;
    for (size_t i = 0; i < c->n_chains; i++) {
        cli_cover_chain *k = &c->chains[i];
        float there[4];
        if (k->seen == now) continue;
        moved(k, k->last, now - k->seen, there);
        float o = fmaxf(iou(there, box), iou(k->last, box));
        if (o > most) most = o, best = k;
    }
    if (best) extend(best, box, now, hidden);
    else start_chain(c, box, now, hidden);
}

/* Chains go on where they were not seen, and end out of reach. */
static void carry_on(cli_cover *c, cli_pending *p, int64_t now) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n_chains; i++) {
        cli_cover_chain *k = &c->chains[i];
        float box[4];
        if (!k->led && (k->sightings >= LEAD_AT || k->seen < now)) lead(c, k);
        if (k->seen < now) {
            moved(k, k->last, now - k->seen, box);
            add_box(p, box, k->hidden);
        }
        if (now - k->seen < c->reach) c->chains[kept++] = *k;
    }
    c->n_chains = kept;
}

/* A weak find on the face of somebody who may be seen is that face. */
static bool is_second_find(const fct_tracker *t, const fct_sighting *s,
                           bool hides(const void *user, const fct_sighting *s), const void *user) {
    for (int i = 0; i < fct_tracker_sighting_count(t); i++) {
        const fct_sighting *o = fct_tracker_sighting(t, i);
        if (o == s || hides(user, o) || o->score <= s->score) continue;
        if (iou(o->box, s->box) > SAME_FACE || overlap(o->box, s->box) > 0.7f * area(s->box)) return true;
    }
    return false;
}

static void end_shot(cli_cover *c, int64_t now) {
    for (size_t i = 0; i < c->n_chains; i++)
        if (!c->chains[i].led) lead(c, &c->chains[i]);
    c->n_chains = 0;
    c->shot = now;
}

void cli_cover_push(cli_cover *c, const fct_frame *f, const fct_tracker *t, bool covering,
                    bool hides(const void *user, const fct_sighting *s), const void *user) {
    int64_t now = c->pushed++;
    cli_pending *p = place_of(c, now);
    p->frame = *f;
    p->n_boxes = p->n_tracks = 0;
    int n = fct_tracker_track_count(t);
    p->tracks = cli_grow(p->tracks, &p->cap_tracks, (size_t)n, sizeof *p->tracks);
    for (int i = 0; i < n; i++) p->tracks[p->n_tracks++] = *fct_tracker_track(t, i);
    if (fct_tracker_is_cut(t)) end_shot(c, now);
    for (int i = 0; i < fct_tracker_sighting_count(t); i++) {
        const fct_sighting *s = fct_tracker_sighting(t, i);
        bool hidden = hides(user, s) && !is_second_find(t, s, hides, user);
        add_box(p, s->box, hidden);
        if (covering) link_box(c, s->box, now, hidden);
    }
    if (covering) carry_on(c, p, now);
}

const cli_pending *cli_cover_pop(cli_cover *c, bool ended) {
    if (c->popped == c->pushed || (!ended && c->pushed - c->popped <= c->depth)) return NULL;
    if (ended) end_shot(c, c->shot);
    return place_of(c, c->popped++);
}

/* A face that comes out from behind somebody is at first half seen: its first
 * embeddings may not be enough to know it again. So while a track is out of
 * sight, a new one is not announced before it is clear that it is somebody else;
 * when it turns out to be the missing one, the two become one. Nothing is lost
 * by the delay: events carry the frame of the first detection. */
#include "video/tracker_internal.h"
#include <math.h>
#include <string.h>

#define STRANGER 0.25f /* cosine below which two means are different people */

/* Whether k, first seen after m was lost, could be m. */
static bool follows(const fct_tracked *m, const fct_tracked *k) {
    bool other = m->votes.chosen && k->votes.chosen && m->votes.chosen != k->votes.chosen;
    return m != k && m->confirmed && m->pub.embedding && !m->pub.detected && !other &&
           m->pub.last_frame < k->pub.first_frame;
}

static float alike(const fct_tracker *t, const fct_tracked *m, const fct_tracked *k) {
    return k->pub.embedding ? fct_cosine(m->unit, k->unit, t->dim) : 2;
}

bool fct_track_is_unclear(const fct_tracker *t, const fct_tracked *k) {
    if (!t->dim) return false;
    for (int i = 0; i < t->n_tracks; i++)
        if (follows(&t->tracks[i], k) && alike(t, &t->tracks[i], k) > STRANGER) return true;
    return false;
}

/* Lets m go on where k is; k becomes noise, which is buried with this frame. After a cut the votes are k's, for they
 * were cast in this shot. */
static void merge(fct_tracker *t, fct_tracked *m, fct_tracked *k) {
    bool new_shot = m->new_shot;
    fct_track_clear_doubt(m);
    if (new_shot) m->votes = k->votes, m->embeddings = k->embeddings;
    m->missed = 0;
    m->away = k->away;
    m->patch = k->patch;
    m->embedded_patch = k->embedded_patch;
    m->motion = k->motion;
    memcpy(m->kps, k->kps, sizeof m->kps);
    memcpy(m->pub.box, k->pub.box, sizeof m->pub.box);
    memcpy(m->pub.kps, k->pub.kps, sizeof m->pub.kps);
    m->pub.has_kps = k->pub.has_kps;
    m->pub.score = k->pub.score;
    m->pub.quality = k->pub.quality;
    m->pub.detected = k->pub.detected;
    m->pub.last_time = k->pub.last_time;
    m->pub.last_frame = k->pub.last_frame;
    m->hits += k->hits;
    for (int i = 0; i < t->n_seen; i++)
        if (t->seen[i].track == (int)(k - t->tracks)) t->seen[i].track = (int)(m - t->tracks);
    k->pub.detected = k->confirmed = false;
}

void fct_tracker_reunite(fct_tracker *t) {
    for (int i = 0; i < t->n_tracks && t->dim; i++) {
        fct_tracked *k = &t->tracks[i], *best = NULL;
        float most = 0;
        if (k->confirmed || !k->pub.embedding || !k->pub.detected) continue;
        for (int j = 0; j < t->n_tracks; j++) {
            float sim = follows(&t->tracks[j], k) ? alike(t, &t->tracks[j], k) : -1;
            if (sim >= fct_track_agreement(t, &t->tracks[j]) && sim >= most) most = sim, best = &t->tracks[j];
        }
        if (best) merge(t, best, k);
    }
}

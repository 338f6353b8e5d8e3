/* Embeddings of tracks: when they are worth their price, and what follows from
 * them. A track gets one when it is new, when it is not decided who it is, when
 * the face looks other than before or is clearly better to see than ever, and every
 * two seconds. */
#include "video/tracker_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <math.h>
#include <string.h>

#define FIRST_VIEWS     3    /* a new track's embeddings in a row */
#define UNDECIDED_PAUSE 0.12 /* seconds between embeddings of an undecided track */
#define REFRESH         2.0  /* seconds */
#define DISAGREES       0.6f /* times the threshold: cosine to the mean below which a view speaks against it */
#define TELLING         0.2f /* quality from which a view can do so */

float fct_seen_quality(const fct_tracker *t, fct_seen *s) {
    fct_quality q;
    if (s->quality < 0) {
        bool measured = t->picture.data && s->face.has_kps && !fct_face_quality(t->picture, &s->face, &q, NULL);
        s->quality = measured ? q.score : t->picture.data ? 0 : s->face.score;
        s->pose = measured ? q.pose_grade : 1;
    }
    return s->quality;
}

float fct_seen_pose(const fct_tracker *t, fct_seen *s) {
    fct_seen_quality(t, s);
    return s->pose;
}

static bool large_enough(const fct_tracker *t, const fct_face *f) {
    return fminf(f->box[2] - f->box[0], f->box[3] - f->box[1]) >= (float)t->opts.min_face;
}

/* Stores a unit copy of an embedding at the detection's place in the scratch. */
static void keep_embedding(fct_tracker *t, fct_seen *s, const float *e) {
    float *to = t->scratch + (size_t)(s - t->seen) * (size_t)t->dim;
    memcpy(to, e, (size_t)t->dim * sizeof *to);
    if (fct_normalize(to, t->dim) > 0) s->embedding = to;
}

/* Runs the embedder over the chosen detections as one batch. */
static fct_status embed_chosen(fct_tracker *t, const int *chosen, int n, fct_error *err) {
    float *kps = fct_calloc((size_t)n * 14, sizeof *kps), *boxes = kps + (size_t)n * 10;
    if (!kps) return fct_fail_nomem(err, "tracker", (size_t)n * 14 * sizeof *kps);
    for (int i = 0; i < n; i++) {
        memcpy(kps + 10 * i, t->seen[chosen[i]].face.kps, 10 * sizeof *kps);
        memcpy(boxes + 4 * i, t->seen[chosen[i]].face.box, 4 * sizeof *kps);
    }
    fct_faces *faces = NULL;
    uint64_t start = fct_time_ns();
    fct_status s = fct_analyze_known(t->embedder, t->picture, n, boxes, kps, &faces, err);
    t->stats.embed_ms += (double)(fct_time_ns() - start) / 1e6;
    t->stats.embeddings += n;
    for (int i = 0; i < n && !s; i++) {
        const fct_face *f = fct_faces_at(faces, i);
        if (f && f->embedding && f->embedding_dim == t->dim) keep_embedding(t, &t->seen[chosen[i]], f->embedding);
    }
    fct_faces_free(faces);
    fct_free(kps);
    return s;
}

/* Embeds all that are wanted in one batch. Without a picture it takes the embeddings that came with the faces. */
fct_status fct_tracker_embed(fct_tracker *t, fct_error *err) {
    int *chosen = fct_calloc((size_t)t->n_seen + 1, sizeof *chosen), n = 0;
    if (!chosen) return fct_fail_nomem(err, "tracker", (size_t)t->n_seen * sizeof *chosen);
    for (int i = 0; i < t->n_seen; i++) {
        fct_seen *s = &t->seen[i];
        if (!s->wanted || s->embedding || !t->dim) continue;
        s->wanted = false;
        if (!t->picture.data) {
            if (s->face.embedding && s->face.embedding_dim == t->dim) keep_embedding(t, s, s->face.embedding);
        } else if (t->embedder && s->face.has_kps && large_enough(t, &s->face)) chosen[n++] = i;
    }
    fct_status s = n ? embed_chosen(t, chosen, n, err) : FCT_OK;
    fct_free(chosen);
    return s;
}

/* How much a track needs an embedding of this view; 0 = not. */
static float need(const fct_tracker *t, const fct_tracked *k, fct_seen *s) {
    double pause = t->time - k->embedded_time;
    float q = fct_seen_quality(t, s);
    if (k->away && k->embeddings) return 0; /* a profile says little about who it is */
    if (k->embeddings < FIRST_VIEWS) return 3 + q;
    if (!k->votes.decided || ((!k->votes.chosen || k->outdone) && k->embeddings < 4 * FIRST_VIEWS))
        return pause >= UNDECIDED_PAUSE ? 2 + q : 0;
    if (fct_track_has_drifted(t, k, s) && pause >= UNDECIDED_PAUSE) return 2 + q;
    if (q > 1.15f * k->embedded_quality + 0.02f) return 1 + q;
    return pause >= REFRESH ? q : 0;
}

/* Spends the frame's budget of embeddings on the tracks that need one most. */
fct_status fct_tracker_refresh(fct_tracker *t, fct_error *err) {
    for (int left = t->opts.embed_per_frame; left > 0; left--) {
        float most = 0;
        int best = -1;
        for (int i = 0; i < t->n_seen; i++) {
            fct_seen *s = &t->seen[i];
            if (s->track < 0 || s->embedding || s->wanted || s->face.score < t->opts.high_thresh) continue;
            if (!large_enough(t, &s->face) && t->picture.data) continue;
            float n = need(t, &t->tracks[s->track], s);
            if (n > most) most = n, best = i;
        }
        if (best < 0) break;
        t->seen[best].wanted = true;
    }
    return fct_tracker_embed(t, err);
}

/* Adds a view to the mean; false where it is so unlike it that it may be somebody
 * else. A good view that is puts the track in doubt. */
static bool add_to_mean(const fct_tracker *t, fct_tracked *k, const fct_seen *s, float quality) {
    if (k->embeddings >= FIRST_VIEWS && fct_track_similarity(t, s, k) < DISAGREES * t->match_thresh) {
        k->doubt |= quality >= TELLING;
        return false;
    }
    for (int i = 0; i < t->dim; i++) k->unit[i] = k->mean[i] += quality * s->embedding[i];
    fct_normalize(k->unit, t->dim);
    return true;
}

void fct_track_hide_name(fct_tracked *k) {
    k->pub.person_id = 0;
    k->pub.similarity = 0;
    k->pub.decided = false;
    k->pub.name[0] = 0;
}

void fct_track_show_name(fct_tracked *k) {
    bool known = !k->doubt && !k->new_shot && !k->away;
    const fct_candidate *c = known ? fct_votes_chosen(&k->votes) : NULL;
    k->pub.person_id = c ? c->person_id : 0;
    k->pub.similarity = c ? c->similarity / c->weight : 0;
    k->pub.decided = known && k->votes.decided;
    if (c) memcpy(k->pub.name, c->name, sizeof k->pub.name);
    else k->pub.name[0] = 0;
}

/* Adds the embedding to the track's mean and lets it vote for m, whom it was found to be. */
static fct_status vote(fct_tracker *t, fct_tracked *k, fct_seen *s, const fct_match *m, fct_error *err) {
    float q = fmaxf(0.05f, fct_seen_quality(t, s));
    if (!k->mean) {
        k->mean = fct_calloc(2 * (size_t)t->dim, sizeof *k->mean);
        if (!k->mean) return fct_fail_nomem(err, "track", 2 * (size_t)t->dim * sizeof *k->mean);
        k->unit = k->mean + t->dim;
    }
    k->embedded_time = t->time;
    k->embedded_patch = s->patch;
    if (!add_to_mean(t, k, s, q)) return FCT_OK;
    k->pub.embedding = k->unit;
    k->pub.embedding_dim = t->dim;
    k->embeddings++;
    k->embedded_quality = fmaxf(k->embedded_quality, q);
    fct_votes_add(&k->votes, m->person_id ? m : NULL, q, t->match_thresh);
    return FCT_OK;
}

fct_status fct_tracker_vote(fct_tracker *t, fct_error *err) {
    fct_match *m = fct_realloc_array(NULL, (size_t)t->n_seen + 1, sizeof *m);
    fct_status s = m ? fct_tracker_name_views(t, m, err) : fct_fail_nomem(err, "tracker", 0);
    for (int i = 0; i < t->n_seen && !s; i++)
        if (t->seen[i].track >= 0 && t->seen[i].embedding)
            s = vote(t, &t->tracks[t->seen[i].track], &t->seen[i], &m[i], err);
    fct_free(m);
    return s;
}

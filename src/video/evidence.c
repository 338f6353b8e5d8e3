/* An identity may never outlive its evidence. A name is a claim about a face; what
 * carries it from one frame to the next is that the face goes on being there without
 * a break. The breaks that are looked for:
 *  - the picture is cut (shot.h), which puts every track in doubt;
 *  - the face was not found for a while, or was turned away so far that it could not
 *    be known;
 *  - its box jumps, or its aligned picture (a patch of 16 x 16 pixels) changes from
 *    one detection to the next by more than movement does;
 *  - an embedding no longer agrees with the track's mean (embed.c).
 * In doubt a track shows no name, and a detection continues it only when its own
 * embedding agrees with the track's mean. One that does not agree begins a new track,
 * and the old one ends with its last detection (docs/decisions/0034-video-identity.md). */
#include "video/tracker_internal.h"
#include <math.h>

#define GAP         0.15  /* seconds without a detection that break a track */
#define JUMP_IOU    0.40f /* least overlap with the predicted box */
#define JUMP_AREA   2.0f  /* greatest ratio of areas */
#define SAME_LOOK   0.80f /* least correlation of the patches of consecutive detections */
#define SAME_LIGHT  40.0f /* greatest difference of their brightness */
#define STILL_THERE 0.60f /* least correlation at the predicted place, which is less exact */
#define DRIFTED     0.75f /* correlation to the last embedded view below which another is wanted */
#define TURNED_AWAY 0.02f /* pose part of the quality at which a face cannot be known */
#define TURNED_TO   0.25f /* and from which it can be again */
#define AFTER_CUT   0.15f /* above the threshold: agreement wanted in a new shot */
#define CROP        112   /* side of the aligned crop that a patch covers */
#define CELL        (CROP / FCT_PATCH_SIDE)

/* ---- Patches ------------------------------------------------------------------------- */

static uint8_t pixel_at(fct_view v, double x, double y) {
    if (!(x >= 0) || !(y >= 0) || x >= v.width || y >= v.height) return 0;
    const uint8_t *p = v.data + (ptrdiff_t)y * v.stride;
    if (v.format == FCT_PIX_GRAY) return p[(int)x];
    p += (ptrdiff_t)x * (v.format == FCT_PIX_RGBA || v.format == FCT_PIX_BGRA ? 4 : 3);
    return (uint8_t)((p[0] + 2 * p[1] + p[2]) / 4);
}

void fct_patch_take(fct_view v, const float kps[5][2], fct_patch *out) {
    double m[6];
    out->known = v.data && !fct_align_matrix(kps, CROP, m, NULL);
    if (!out->known) return;
    /* The matrix is a similarity [a -b c; b a d] from the picture to the crop. */
    double a = m[0], b = m[3], n = a * a + b * b;
    for (int r = 0; r < FCT_PATCH_SIDE; r++)
        for (int c = 0; c < FCT_PATCH_SIDE; c++) {
            int sum = 0;
            for (int i = 0; i < 4; i++) {
                double u = c * CELL + CELL * (0.25 + 0.5 * (i & 1)) - m[2];
                double w = r * CELL + CELL * (0.25 + 0.5 * (i >> 1)) - m[5];
                sum += pixel_at(v, (a * u + b * w) / n, (a * w - b * u) / n);
            }
            out->cell[r * FCT_PATCH_SIDE + c] = (uint8_t)(sum / 4);
        }
}

float fct_patch_correlation(const fct_patch *p, const fct_patch *q, float *light) {
    const int n = FCT_PATCH_SIDE * FCT_PATCH_SIDE;
    double sp = 0, sq = 0, spp = 0, sqq = 0, spq = 0;
    for (int i = 0; i < n; i++) {
        double x = p->cell[i], y = q->cell[i];
        sp += x, sq += y, spp += x * x, sqq += y * y, spq += x * y;
    }
    *light = (float)fabs(sp - sq) / (float)n;
    double vp = spp - sp * sp / n + n, vq = sqq - sq * sq / n + n; /* + n: flat patches are alike */
    return (float)((spq - sp * sq / n + n) / sqrt(vp * vq));
}

static bool looks_alike(const fct_patch *p, const fct_patch *q, float least) {
    float light;
    if (!p->known || !q->known) return true;
    float r = fct_patch_correlation(p, q, &light);
    return r >= least && light <= SAME_LIGHT;
}

const fct_patch *fct_seen_patch(const fct_tracker *t, fct_seen *s) {
    if (!s->patch_taken && t->picture.data && s->face.has_kps) fct_patch_take(t->picture, s->face.kps, &s->patch);
    s->patch_taken = true;
    return &s->patch;
}

/* ---- Doubt ----------------------------------------------------------------------------- */

/* Whether the box of a detection differs from where the track should be by more than movement explains. */
static bool has_jumped(const fct_seen *s, const fct_tracked *k) {
    const float *a = s->face.box, *b = k->pub.box;
    float ratio = (a[2] - a[0]) * (a[3] - a[1]) / fmaxf(1, (b[2] - b[0]) * (b[3] - b[1]));
    return fct_box_iou(a, b) < JUMP_IOU || ratio > JUMP_AREA || ratio < 1 / JUMP_AREA;
}

bool fct_tracker_doubts(const fct_tracker *t, fct_seen *s, const fct_tracked *k) {
    if (k->doubt || k->new_shot || has_jumped(s, k)) return true;
    if (k->missed >= 2 && t->time - k->pub.last_time > GAP) return true;
    if (k->away && fct_seen_pose(t, s) >= TURNED_TO) return true;
    return !looks_alike(fct_seen_patch(t, s), &k->patch, SAME_LOOK);
}

float fct_track_agreement(const fct_tracker *t, const fct_tracked *k) {
    return t->match_thresh + (k->new_shot ? AFTER_CUT : 0);
}

/* A view of the face was taken into the track. Whether the face is turned away is
 * told by the same measure that makes up its quality. */
void fct_track_note_view(const fct_tracker *t, fct_tracked *k, fct_seen *s) {
    if (t->picture.data) {
        float pose = fct_seen_pose(t, s);
        k->away = pose <= TURNED_AWAY || (k->away && pose < TURNED_TO);
        k->patch = *fct_seen_patch(t, s);
    }
    k->missed = 0;
}

bool fct_track_has_drifted(const fct_tracker *t, const fct_tracked *k, fct_seen *s) {
    return !looks_alike(fct_seen_patch(t, s), &k->embedded_patch, DRIFTED);
}

/* A track that was not detected in this frame keeps its name only where its picture
 * goes on looking the same. */
void fct_tracker_doubt_unseen(fct_tracker *t) {
    for (int i = 0; i < t->n_tracks; i++) {
        fct_tracked *k = &t->tracks[i];
        fct_patch now;
        if (k->pub.detected || k->doubt || !k->patch.known || !t->picture.data) continue;
        fct_patch_take(t->picture, k->pub.kps, &now);
        if (!looks_alike(&now, &k->patch, STILL_THERE)) k->doubt = true;
    }
}

void fct_tracker_cut(fct_tracker *t) {
    for (int i = 0; i < t->n_tracks; i++) t->tracks[i].doubt = t->tracks[i].new_shot = true;
    t->shot_searched = 0;
}

/* The detection of a track in doubt agreed with it: it goes on. After a cut its name
 * must be won again in the new shot. */
void fct_track_clear_doubt(fct_tracked *k) {
    if (k->new_shot) {
        k->votes = (fct_votes){.chosen = 0};
        k->embeddings = 0;
    }
    k->doubt = k->new_shot = k->away = false;
}

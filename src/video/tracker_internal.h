/* Inside the tracker: a track's state, and the steps of one frame. */
#ifndef FCT_VIDEO_TRACKER_INTERNAL_H
#define FCT_VIDEO_TRACKER_INTERNAL_H

#include "facet/video.h"
#include "video/kalman.h"
#include "video/frame_detector.h"
#include "video/shot.h"
#include "video/votes.h"

#define FCT_PATCH_SIDE 16

/* A small gray picture of an aligned face: does it go on looking the same? */
typedef struct fct_patch {
    uint8_t cell[FCT_PATCH_SIDE * FCT_PATCH_SIDE];
    bool known;
} fct_patch;

typedef struct fct_tracked {
    fct_track pub;
    fct_motion motion;
    fct_votes votes;
    float kps[5][2];              /* relative to the box: ((x - center) / width, (y - center) / height) */
    float *mean;                  /* [dim] quality-weighted sum of unit embeddings; owned, NULL = none */
    float *unit;                  /* [dim] the same at unit length: pub.embedding */
    float best_quality;           /* of its views so far */
    float embedded_quality;       /* best of those embedded */
    int hits, missed, embeddings; /* detections; searches in a row without one; embeddings */
    double embedded_time;
    fct_patch patch, embedded_patch; /* of its latest detection; of its latest embedding */
    bool confirmed;
    bool doubt;                          /* an embedding must show that it is still the same face */
    bool new_shot;                       /* the picture was cut since: the name must be won anew as well */
    bool away;                           /* turned so far away that it cannot be known */
    bool outdone;                        /* another face of the frame has more right to its name, see once.c */
    int64_t held;                        /* the person whose name it showed in the frame before; 0 = none */
    fct_candidate announced;             /* its latest event's person; person_id 0 = none */
    float candidate_box[4], last_box[4]; /* of its first and its latest detection, for the events */
} fct_tracked;

/* A detection of this frame. */
typedef struct fct_seen {
    fct_face face;
    float quality, pose; /* < 0: not measured; the part that the pose has in the quality */
    fct_patch patch;
    bool patch_taken;
    float *embedding; /* [dim] unit length, in the tracker's scratch; NULL = none */
    int track;        /* index of its track, -1 = none */
    bool wanted;      /* to be embedded now */
} fct_seen;

struct fct_tracker {
    fct_tracker_opts opts;
    const fct_pack *pack;
    fct_gallery *gallery;
    fct_frame_detector search; /* analyzer NULL: without a pack */
    fct_ahead *ahead;          /* of fct_tracker_next(); NULL = not used */
    fct_analyzer *embedder;
    float match_thresh;
    int dim;             /* of embeddings; 0 = not yet known */
    fct_tracked *tracks; /* all alive */
    int n_tracks, cap_tracks;
    int *visible, n_visible; /* indices into tracks */
    int cap_visible;
    fct_seen *seen;
    int n_seen, cap_seen;
    fct_sighting *sightings;
    int n_sightings, cap_sightings;
    float *scratch; /* [n_seen][dim] embeddings of this frame */
    size_t cap_scratch;
    fct_event *events;
    int n_events, cap_events;
    int64_t next_id, frame;
    double time;
    fct_shot shot;
    bool cut;          /* before this frame */
    int shot_searched; /* frames of this shot that were searched */
    fct_view picture;  /* of this frame; data NULL in fct_tracker_update_faces() */
    fct_faces *faces;  /* of this frame's detector */
    fct_tracker_stats stats;
    char model_id[65];
};

/* Room for n elements of a growing array; keeps its contents. */
fct_status fct_reserve(void **p, int *cap, int n, size_t size, fct_error *err);

/* Cosine of a detection's embedding and a track's mean; 2 = one is missing. */
float fct_track_similarity(const fct_tracker *t, const fct_seen *s, const fct_tracked *k);

/* associate.c: gives every detection its track or -1. Asks for embeddings
 * (fct_tracker_embed) where overlap alone cannot tell. */
fct_status fct_tracker_associate(fct_tracker *t, fct_error *err);

/* embed.c: computes the embeddings of the detections that are wanted; those that
 * have one already, and too small faces, are passed over. */
fct_status fct_tracker_embed(fct_tracker *t, fct_error *err);

/* Chooses which tracks need an embedding in this frame, and gets them. */
fct_status fct_tracker_refresh(fct_tracker *t, fct_error *err);

/* Takes the new embeddings into tracks' means and votes; events. */
fct_status fct_tracker_vote(fct_tracker *t, fct_error *err);

/* Measured quality of a detection and the pose's part in it (0 profile .. 1 frontal), computed once. */
float fct_seen_quality(const fct_tracker *t, fct_seen *s);
float fct_seen_pose(const fct_tracker *t, fct_seen *s);

/* The public name from the votes; none in doubt. */
void fct_track_show_name(fct_tracked *k);
/* No name is shown, whatever the votes say. */
void fct_track_hide_name(fct_tracked *k);

/* ---- once.c: nobody is in a picture twice ------------------------------------------------ */

/* Names the views that were embedded in this frame, out: [n_seen]; person_id 0 = nobody known. */
fct_status fct_tracker_name_views(fct_tracker *t, fct_match *out, fct_error *err);
/* Of tracks that are seen together and chose the same person, marks all but one as outdone, and hides their names.
 * shot_ends: goes by what was voted, not by what is shown. */
void fct_tracker_settle_names(fct_tracker *t, bool shot_ends);

/* ---- evidence.c: what keeps an identity alive ------------------------------------------ */

/* Takes the patch of a face by its landmarks; unknown where there is no picture. */
void fct_patch_take(fct_view v, const float kps[5][2], fct_patch *out);
/* Correlation of two known patches, -1..1, and the difference of their mean brightness. */
float fct_patch_correlation(const fct_patch *p, const fct_patch *q, float *light);
const fct_patch *fct_seen_patch(const fct_tracker *t, fct_seen *s); /* taken once; borrowed until the next frame */

/* Cosine to its mean with which a track goes on: after a cut, where nothing else speaks for it, more than the
 * threshold is wanted. */
float fct_track_agreement(const fct_tracker *t, const fct_tracked *k);
/* Whether a detection must be embedded and agree with the track's mean before it may continue the track. */
bool fct_tracker_doubts(const fct_tracker *t, fct_seen *s, const fct_tracked *k);
/* The track took this detection. */
void fct_track_note_view(const fct_tracker *t, fct_tracked *k, fct_seen *s);
/* Whether the face looks different from when it was embedded. */
bool fct_track_has_drifted(const fct_tracker *t, const fct_tracked *k, fct_seen *s);
/* Puts tracks in doubt that were not detected and whose picture is not the same any more. */
void fct_tracker_doubt_unseen(fct_tracker *t);
/* The picture was cut: all tracks are in doubt. */
void fct_tracker_cut(fct_tracker *t);
/* A detection that agreed continues the track. */
void fct_track_clear_doubt(fct_tracked *k);

/* reunite.c: new tracks that turn out to be missing ones become them; and whether
 * a new track may still turn out so. */
void fct_tracker_reunite(fct_tracker *t);
bool fct_track_is_unclear(const fct_tracker *t, const fct_tracked *k);

/* Appends an event about a track, with its name where it has one or, when it leaves, had one. */
fct_status fct_tracker_report(fct_tracker *t, const fct_tracked *k, fct_event_kind kind, int64_t frame, double time,
                              const float box[4], fct_error *err);

#endif

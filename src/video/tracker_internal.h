/* Inside the tracker: a track's state, and the steps of one frame. */
#ifndef FCT_VIDEO_TRACKER_INTERNAL_H
#define FCT_VIDEO_TRACKER_INTERNAL_H

#include "facet/video.h"
#include "video/kalman.h"
#include "video/frame_detector.h"
#include "video/votes.h"

typedef struct fct_tracked {
    fct_track pub;
    fct_motion motion;
    fct_votes votes;
    float kps[5][2];               /* relative to the box: ((x - center) / width, (y - center) / height) */
    float *mean;                   /* [dim] quality-weighted sum of unit embeddings; owned, NULL = none */
    float *unit;                   /* [dim] the same at unit length: pub.embedding */
    float best_quality;            /* of its views so far */
    float embedded_quality;        /* best of those embedded */
    int hits, embeddings, strange; /* detections; embeddings; embeddings in a row unlike the mean */
    double embedded_time;
    bool confirmed;
    int64_t announced;                   /* person of its latest event, 0 = none */
    float candidate_box[4], last_box[4]; /* of its first and its latest detection, for the events */
} fct_tracked;

/* A detection of this frame. */
typedef struct fct_seen {
    fct_face face;
    float quality;    /* < 0: not measured */
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
    float *scratch; /* [n_seen][dim] embeddings of this frame */
    size_t cap_scratch;
    fct_event *events;
    int n_events, cap_events;
    int64_t next_id, frame;
    double time;
    fct_view picture; /* of this frame; data NULL in fct_tracker_update_faces() */
    fct_faces *faces; /* of this frame's detector */
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

/* Measured quality of a detection, computed once. */
float fct_seen_quality(const fct_tracker *t, fct_seen *s);

/* reunite.c: new tracks that turn out to be missing ones become them; and whether
 * a new track may still turn out so. */
void fct_tracker_reunite(fct_tracker *t);
bool fct_track_is_unclear(const fct_tracker *t, const fct_tracked *k);

/* Appends an event about a track. */
fct_status fct_tracker_report(fct_tracker *t, const fct_tracked *k, fct_event_kind kind, int64_t frame, double time,
                              const float box[4], fct_error *err);

#endif

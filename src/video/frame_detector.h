/* The tracker's detector over one picture after another; and the search of a
 * file's frames ahead of their tracking. */
#ifndef FCT_VIDEO_FRAME_DETECTOR_H
#define FCT_VIDEO_FRAME_DETECTOR_H

#include "facet/video.h"
#include "video/shot.h"

typedef struct fct_frame_detector {
    fct_analyzer *analyzer;
    const fct_tracker_opts *opts;
    int width, height; /* of the pictures that its input fits; 0 = none yet */
} fct_frame_detector;

/* opts are borrowed. On failure s is empty. */
fct_status fct_frame_detector_open(fct_frame_detector *s, const fct_pack *pack, const fct_tracker_opts *opts,
                                   fct_error *err);
fct_status fct_frame_detector_run(fct_frame_detector *s, fct_view picture, fct_faces **out, fct_error *err);
void fct_frame_detector_close(fct_frame_detector *s);

/* ---- Ahead (ahead.c) ---------------------------------------------------------------
 * Frames of a file do not depend on each other until they are tracked. Each thread
 * searches a frame of its own, which needs no waiting for one another after every
 * layer; frames are handed out in their order. */
typedef struct fct_ahead fct_ahead;

/* *out is owned. source, pack and opts are borrowed until it is freed. */
fct_status fct_ahead_create(fct_source *source, const fct_pack *pack, const fct_tracker_opts *opts, fct_ahead **out,
                            fct_error *err);
/* Cancels the source where it has not ended. */
void fct_ahead_free(fct_ahead *a);

typedef struct fct_ahead_item {
    fct_frame frame;  /* as fct_source_next() gives it; valid until the next call */
    fct_faces *faces; /* owned by the caller; NULL = a frame that is not to be searched */
    fct_shot_sign sign;
    double ms; /* that the search took */
} fct_ahead_item;
/* The next frame in order, as fct_source_next(); an error of the search comes with its frame. */
fct_status fct_ahead_next(fct_ahead *a, fct_ahead_item *out, fct_error *err);

#endif

/* Which parts of each frame are covered: with --blur everything that looks like a face
 * and is not known to be one that may be seen, also where the detector misses it for
 * some frames. */
#ifndef FACET_CLI_WATCH_COVER_H
#define FACET_CLI_WATCH_COVER_H

#include "facet/video.h"

/* A face, or where one should be. */
typedef struct cli_cover_box {
    float at[4]; /* x1, y1, x2, y2 */
    bool hidden; /* by the rule of --blur; the others are hidden where all are */
} cli_cover_box;

/* A frame that waits to be drawn. */
typedef struct cli_pending {
    fct_frame frame;
    fct_track *tracks; /* as the tracker showed them */
    size_t n_tracks, cap_tracks;
    cli_cover_box *boxes;
    size_t n_boxes, cap_boxes;
} cli_pending;

/* A face that is followed by its box alone, whoever it is. */
typedef struct cli_cover_chain {
    float first[4], last[4];
    float speed[4]; /* of the box's sides, pixels a frame */
    int64_t begun, seen;
    int sightings;
    bool hidden, led; /* led: the frames before it are covered already */
} cli_cover_chain;

/* Zero-initialize, then cli_cover_open(). */
typedef struct cli_cover {
    cli_pending *ring;            /* [depth + 1] the frames that wait and the latest that was drawn */
    int depth;                    /* frames that are kept waiting */
    int reach;                    /* frames before the first and after the last sighting that are covered */
    int64_t pushed, popped, shot; /* frames; the first of this shot */
    cli_cover_chain *chains;
    size_t n_chains, cap_chains;
} cli_cover;

/* How many frames of a file wait while faces are covered: half a second, as far as memory for them is reasonable. */
int cli_cover_depth(double fps, int width, int height);
void cli_cover_open(cli_cover *c, int depth, double fps);
void cli_cover_free(cli_cover *c);

/* Adds the tracker's latest frame. covering: faces are to be covered, else they are only shown. hides: does --blur hide
 * this face? */
void cli_cover_push(cli_cover *c, const fct_frame *f, const fct_tracker *t, bool covering,
                    bool hides(const void *user, const fct_sighting *s), const void *user);
/* The oldest frame where more wait than need to, or where the source has ended any; NULL = none. Borrowed until the
 * next push. */
const cli_pending *cli_cover_pop(cli_cover *c, bool ended);

#endif

/* What 'facet video' and 'facet camera' share: frames are tracked, drawn,
 * recorded and reported. */
#ifndef FACET_CLI_WATCH_H
#define FACET_CLI_WATCH_H

#include "photos/engine.h"
#include "watch/stopper.h"
#include "watch/watch_cover.h"

/* Which faces are made unrecognizable. */
typedef struct cli_blur {
    bool all, unknown;
    const char *name;
} cli_blur;
cli_blur cli_blur_of(const char *text); /* of --blur; NULL = none */
/* A face that may still turn out to be one that must be blurred is blurred. */
bool cli_blur_hides(const cli_blur *b, const fct_track *t);

/* The annotated picture, which is used again for the next frame. */
typedef struct cli_canvas {
    fct_image *image; /* of the frame's size */
    fct_rect *parts;  /* what was drawn upon */
    size_t n, cap;
} cli_canvas;

/* Draws a frame's faces over it; hidden ones, and whatever else is to be covered, are
 * blurred. whole: the image holds all of the frame, else its parts alone (watch_draw.c). */
fct_status cli_watch_draw(cli_canvas *c, const cli_pending *p, bool whole, const cli_blur *blur, fct_error *err);
void cli_canvas_free(cli_canvas *c);

/* ---- Visits: who was there when (watch_visits.c) ------------------------------------ */
typedef struct cli_visit {
    int64_t track;
    char name[201]; /* "" = unknown */
    float score, best_quality;
    double first, last;
    uint8_t *jpeg; /* best picture; owned; NULL = none */
    size_t jpeg_len;
    bool decided; /* it was said who it is, or that it is nobody known */
} cli_visit;

typedef struct cli_visits {
    cli_visit *at;
    size_t n, cap;
} cli_visits;

/* Takes the tracker's state of one frame. */
void cli_visits_update(cli_visits *v, const fct_tracker *t, fct_view frame);
/* Takes an event: who left is known for good, and who was too short there to be shown counts too. */
void cli_visits_event(cli_visits *v, const fct_event *ev);
void cli_visits_free(cli_visits *v);
/* Prints who was there, when and how long, in a few lines for people. */
void cli_visits_print(const cli_visits *v, FILE *out);
/* A page with a row of pictures, but for those of blurred people, and a time bar per person. *size and the text are
 * owned; NULL = out of memory. */
char *cli_visits_html(const cli_visits *v, const cli_blur *blur, const char *title, double duration, size_t *size);

/* ---- The run (watch.c) ------------------------------------------------------------------ */
typedef struct cli_watch {
    const cli_settings *set;
    fct_pack *pack;
    fct_gallery *gallery; /* NULL = nobody to recognize */
    fct_source *source;
    cli_stopper stopper;
    fct_source_info info;
    fct_tracker *tracker;
    fct_writer *writer; /* --record */
    cli_canvas canvas;  /* the annotated picture */
    FILE *events;       /* --events */
    cli_blur blur;
    cli_cover cover;            /* frames that wait to be drawn */
    const cli_pending *drawing; /* the latest that was drawn; the cover's */
    cli_visits visits;
    bool keep_visits; /* for the summary and --sheet */
    int64_t frames, dropped;
    double duration, latency_ms; /* of the source's time; from arrival to drawn, latest */
    uint32_t latencies[2048];    /* of all frames, in classes of a quarter of a millisecond */
    double draw_ms, record_ms;   /* sums */
    uint64_t started, last_cleanup;
} cli_watch;

/* Opens everything as the options say. create_gallery: make the gallery's file
 * where there is none. Returns an exit code. cli_watch_close() in both cases. */
int cli_watch_open(cli_watch *w, const cli_settings *s, const char *source, bool create_gallery);
int cli_watch_close(cli_watch *w); /* completes files; an exit code */

/* One frame: tracks, reports, records. *drawn (may be NULL) is the annotated picture where one was wanted, else NULL;
 * borrowed until the next call; with --blur it is that of a file's earlier frame. *ended tells the end. Returns an exit
 * code. */
int cli_watch_step(cli_watch *w, bool want_picture, fct_frame *frame, fct_image **drawn, bool *ended);
/* Draws the latest drawn frame once more, after the rule of what is blurred has changed. */
void cli_watch_redraw(cli_watch *w);
/* Prints, with --verbose, the frame rate, the latency and the times of the parts. */
void cli_watch_report_speed(const cli_watch *w);
/* The tracks that are there leave; summary and sheet are written. */
int cli_watch_finish(cli_watch *w);

/* An RGB copy of a picture in *into, which is made, or used again where it has the size (watch_draw.c). */
fct_status cli_picture_copy(fct_view v, fct_image **into, fct_error *err);

/* Snapshots (watch_snapshots.c): JPEG files facet-DATE-TIME-TRACK-NAME.jpg. */
int cli_snapshot_save(const cli_watch *w, const fct_track *t, fct_view frame);
/* Removes this program's snapshots that are older than --keep-days. */
void cli_snapshots_expire(cli_watch *w);

/* Cuts out a face with some surroundings, 160 pixels high, as JPEG. data is owned (fct_buffer_free); false where it
 * lies outside the picture. */
bool cli_face_jpeg(fct_view frame, const float box[4], uint8_t **data, size_t *len);

#endif

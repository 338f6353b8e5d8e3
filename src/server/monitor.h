/* Camera monitors: streams that are watched for as long as the server runs, each by a thread of its own. What happens
 * becomes events, which are stored and sent to whoever follows them, and whoever looks gets a preview.
 *
 * The pieces: monitor_config.h (settings), monitor_file.h (where they are stored), monitor_address.h (what may be
 * opened and shown), monitor_events.h (the log), monitor_notice.h (who is told of), monitor_watch.c (the thread of
 * one), monitor_preview.c (pictures), monitor_follow.c (server-sent events), monitor_list.c (the whole), monitor_api.c
 * (requests). docs/decisions/0093 has the reasons.
 *
 * All calls may be made from any thread. */
#ifndef FCT_SERVER_MONITOR_H
#define FCT_SERVER_MONITOR_H

#include "server/core.h"
#include "server/monitor_config.h"
#include "server/monitor_events.h"
#include "server/stream.h"

typedef struct srv_monitors srv_monitors;

enum {
    SRV_FOLLOWERS_MOST = 64,      /* streams of events, all together */
    SRV_VIEWERS_MOST = 24,        /* previews, all together */
    SRV_MONITOR_VIEWERS_MOST = 8, /* of one monitor */
    SRV_MONITOR_FACES_MOST = 32,  /* that are told in a state */
    SRV_MONITOR_REASON = 300
};

typedef enum srv_monitor_status {
    SRV_MONITOR_STOPPED,
    SRV_MONITOR_CONNECTING,
    SRV_MONITOR_RUNNING,
    SRV_MONITOR_RETRYING, /* the connection is lost; it is tried again later */
    SRV_MONITOR_FAILED    /* it cannot be watched, and is not tried again */
} srv_monitor_status;
const char *srv_monitor_status_name(srv_monitor_status s); /* "running"; static */

/* A face that a monitor sees. */
typedef struct srv_monitor_face {
    int64_t track, person; /* 0 = nobody, or not decided */
    bool decided;
    float box[4], score, similarity;
} srv_monitor_face;

/* What a monitor does at this moment. Times in seconds since 1970, 0 = none. */
typedef struct srv_monitor_state {
    srv_monitor_status status;
    bool connected;
    int64_t epoch, started_at, last_frame_at, retry_at;
    char error[SRV_MONITOR_REASON]; /* why it is not connected, or was not; "" = nothing was wrong */
    int width, height;              /* of the stream; 0 = not known */
    double source_fps, actual_fps, processing_ms;
    char codec[32];
    int64_t frames, skipped, inference_errors, reconnects;
    float threshold;
    int viewers;
    srv_monitor_face faces[SRV_MONITOR_FACES_MOST];
    int n_faces;
} srv_monitor_state;

/* A monitor as it is told of: a copy. Free with srv_monitor_config_free(&view->config). */
typedef struct srv_monitor_view {
    srv_monitor_config config; /* without `sealed` */
    srv_monitor_state state;
} srv_monitor_view;

typedef struct srv_monitors_opts {
    srv_core *core;                                 /* borrowed until the stop */
    const char *data;                               /* the server's folder */
    const char *files;                              /* whose files may be watched; NULL = none */
    bool (*is_key)(void *user, const char *key_id); /* whether a key is still there */
    /* Is given faces that are nobody's in the collection; keeps them, or not. source: the monitor's name. */
    void (*keep)(void *user, int64_t collection, fct_view picture, const fct_face *face, const char *source);
    void *user;
} srv_monitors_opts;

/* Reads the stored monitors and starts those that are on. *out is owned. FCT_ERR_FORMAT names what is wrong with the
 * file. */
fct_status srv_monitors_start(const srv_monitors_opts *o, srv_monitors **out, fct_error *err);
/* Ends all streams to clients, and takes no new ones. */
void srv_monitors_hush(srv_monitors *m);
void srv_monitors_stop(srv_monitors *m); /* NULL is harmless */

/* ---- The list ------------------------------------------------------------------------------------ */

/* Adds a monitor; c's id may be "", and id, number and dates are filled in. FCT_ERR_EXISTS: its id is taken,
 * FCT_ERR_LIMIT: there are too many, FCT_ERR_UNSUPPORTED: no FFmpeg, or a file where none may be opened,
 * FCT_ERR_NOT_FOUND: no such file. Stored when it returns. */
fct_status srv_monitors_add(srv_monitors *m, srv_monitor_config *c, fct_error *err);
/* Changes settings by a JSON object (srv_monitor_config_read()); a running one begins anew where need be.
 * FCT_ERR_NOT_FOUND with an empty text: there is no such monitor. */
fct_status srv_monitors_change(srv_monitors *m, const char *id, const fct_json *settings, fct_error *err);
/* Turns it on or off; on: one that has failed or waits begins at once. */
fct_status srv_monitors_switch(srv_monitors *m, const char *id, bool on, fct_error *err);
fct_status srv_monitors_remove(srv_monitors *m, const char *id, fct_error *err);

bool srv_monitors_get(srv_monitors *m, const char *id, srv_monitor_view *out);
/* The first one whose number is above `after`; false = there is none. */
bool srv_monitors_next(srv_monitors *m, int64_t after, srv_monitor_view *out);
/* How many there are, and how many are running. */
void srv_monitors_count(srv_monitors *m, int *all, int *running);

/* ---- Events ---------------------------------------------------------------------------------------- */

/* A page of stored events. */
typedef struct srv_event_page {
    int limit;
    bool newest;                   /* the newest first */
    int64_t after;                 /* number of the last one that was had, 0 = from the beginning */
    int64_t oldest, latest, epoch; /* numbers of those that are there, 0 = none; the monitor's epoch */
    bool more, truncated;
} srv_event_page;
/* out: [page->limit], caller-owned. False: there is no such monitor. */
bool srv_monitors_events(srv_monitors *m, const char *id, srv_event_page *page, srv_monitor_event *out, int *n);

/* A stream of events, "" = of all monitors, that were or will be after a number; -1 = from now on. *out is owned.
 * FCT_ERR_NOT_FOUND: there is no such monitor; FCT_ERR_BUSY: too many streams. */
fct_status srv_monitors_follow(srv_monitors *m, const char *id, int64_t after, const char *key_id, srv_stream **out,
                               fct_error *err);

/* A stream of pictures. FCT_ERR_ARG: there is no preview now, and why; the others as above. */
#define SRV_PREVIEW_TYPE "multipart/x-mixed-replace; boundary=facet"
fct_status srv_monitors_look(srv_monitors *m, const char *id, const char *key_id, srv_stream **out, fct_error *err);

#endif

/* What the files of the monitors share. Everything here is under srv_monitors.lock but what says otherwise. */
#ifndef FCT_SERVER_MONITOR_INTERNAL_H
#define FCT_SERVER_MONITOR_INTERNAL_H

#include "base/thread.h"
#include "facet/video.h"
#include "server/monitor.h"

#include <stdatomic.h>

/* A client that follows events. Only the feeder takes one out of the list. */
typedef struct srv_follower {
    struct srv_follower *next;
    srv_stream *stream;           /* a reference of its own */
    char monitor[SRV_MONITOR_ID]; /* "" = all */
    char key_id[17];
    int64_t sent;    /* number of the last event that it took */
    int64_t dropped; /* of the last one of which it was told that it is gone */
    uint64_t spoke;  /* ns: when it was last sent something */
} srv_follower;

/* A client that looks at a preview. */
typedef struct srv_viewer {
    srv_stream *stream; /* a reference of its own */
    char key_id[17];
} srv_viewer;

typedef struct srv_monitor {
    srv_monitors *all;
    struct srv_monitor *next;
    srv_monitor_config config;
    srv_event_log log;
    srv_monitor_state state;
    srv_viewer viewers[SRV_MONITOR_VIEWERS_MOST];
    int n_viewers;
    atomic_uint version; /* grows with every change for which the watching begins anew; written under the lock */
    fct_cond wake;       /* for its thread: the version has changed, or the end has come */
    fct_source *source;  /* while it is open, so that it can be cancelled */
    fct_thread thread;
    bool gone, ended; /* it was removed; its thread has ended */
} srv_monitor;

struct srv_monitors {
    srv_monitors_opts opts;
    char *path, *folder, *files; /* owned: of monitors.json, of the events, of videos (NULL = none); not changed */
    fct_mutex change;            /* held while the list is changed and written; taken before the lock */
    fct_mutex lock;
    fct_cond changed;     /* for the feeder: there are events, or the end has come */
    srv_monitor *first;   /* by number */
    srv_monitor *leaving; /* removed ones whose threads have not been joined */
    int n, n_followers, n_viewers;
    int64_t last_number, last_seq;
    srv_follower *followers;
    bool dirty; /* a monitor turned itself off: the file is to be written */
    bool news;  /* something happened since the feeder looked */
    bool hushed, stopping;
    fct_thread feeder;
    bool fed; /* the feeder runs */
};

/* ---- monitor_list.c ---------------------------------------------------------------------------------- */

/* Wakes the feeder. */
void srv_monitors_wake(srv_monitors *all);
srv_monitor *srv_monitor_find(srv_monitors *all, const char *id); /* NULL = there is none */
/* Gives an event its number and time, keeps it and wakes the feeder. */
void srv_monitor_emit(srv_monitor *m, srv_monitor_event *e);
/* Writes the file of monitors; with `change` held, and without the lock. */
fct_status srv_monitors_save(srv_monitors *all, fct_error *err);

/* ---- monitor_watch.c ---------------------------------------------------------------------------------- */

/* A monitor's thread; arg is the srv_monitor. */
void srv_monitor_watch(void *arg);
/* Has the thread begin anew, or end. */
void srv_monitor_interrupt(srv_monitor *m);

/* ---- monitor_preview.c --------------------------------------------------------------------------------- */

/* Draws the tracks' boxes and names into a copy of the picture, of at most 960 pixels' width, as JPEG of at most
 * SRV_PREVIEW_BYTES. *jpeg is owned: fct_buffer_free(). Without the lock. */
enum { SRV_PREVIEW_BYTES = 192 * 1024 };
fct_status srv_preview_make(fct_view picture, const fct_tracker *t, uint8_t **jpeg, size_t *n, fct_error *err);
/* Offers a picture to all who look; who has not taken the one before misses it. */
void srv_preview_show(srv_monitor *m, const uint8_t *jpeg, size_t n);
void srv_preview_end(srv_monitor *m); /* ends all of a monitor's previews */
/* Ends previews whose key is gone. */
void srv_preview_check(srv_monitor *m);

/* ---- monitor_follow.c ---------------------------------------------------------------------------------- */

/* The feeder's thread, which also removes old events and joins threads of removed monitors; arg is srv_monitors. */
void srv_monitors_feed(void *arg);
void srv_followers_end(srv_monitors *all);
void srv_monitor_free(srv_monitor *m); /* its thread has been joined, or was never started; without the lock */

#endif

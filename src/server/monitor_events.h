/* The events of one monitor: the latest ones in memory, and a file that holds them over a restart. Bounded in number
 * and age. Events name people by number, so that forgetting somebody leaves no name here.
 *
 * DIR/monitors/ID.events has a line of JSON for each event, appended as it happens:
 *   {"seq":1,"type":"recognized","time":0,"epoch":1,"track":3,"person":7,"face":9,"similarity":0.7,"threshold":0.4,
 *    "score":0.9,"box":[1,2,3,4],"size":[640,480]}
 * Members that say nothing are left out. A last line that was cut off, when the process was killed, is dropped.
 * One thread at a time. */
#ifndef FCT_SERVER_MONITOR_EVENTS_H
#define FCT_SERVER_MONITOR_EVENTS_H

#include "facet/base.h"
#include <stdio.h>

typedef enum srv_event_type {
    SRV_EVENT_STARTED,    /* the stream was opened */
    SRV_EVENT_LOST,       /* the connection is lost, or could not be made */
    SRV_EVENT_ENDED,      /* a file has come to its end */
    SRV_EVENT_FAILED,     /* it cannot be watched, and is not tried again */
    SRV_EVENT_STOPPED,    /* it was turned off */
    SRV_EVENT_RECOGNIZED, /* somebody of the gallery */
    SRV_EVENT_UNKNOWN     /* a face that is nobody's in the gallery */
} srv_event_type;
enum { SRV_EVENT_TYPES = 7, SRV_EVENT_ERROR = 160 };

const char *srv_event_type_name(srv_event_type t); /* "recognized"; static */

typedef struct srv_monitor_event {
    int64_t seq;  /* ascends, in a file and over all monitors */
    int64_t time; /* seconds since 1970 */
    int64_t epoch;
    int64_t track, person, face; /* 0 = none */
    float similarity, threshold; /* 0 = none */
    float score, box[4];         /* of the face; score 0 = there is none */
    int width, height;           /* of the picture */
    srv_event_type type;
    char error[SRV_EVENT_ERROR]; /* "" = none */
} srv_monitor_event;

typedef struct srv_event_log {
    char *path;             /* owned */
    FILE *file;             /* appended to; NULL = it could not be opened, and events are in memory alone */
    srv_monitor_event *at;  /* [capacity] a ring; owned */
    int first, n, capacity; /* capacity: events that are kept */
    int lines;              /* in the file */
    int64_t dropped;        /* number of the latest event that was dropped; 0 = none */
} srv_event_log;

/* Opens the log at path for so many events. Lines that are no events are passed over; *bad (may be NULL): how many,
 * but for a cut last one. FCT_ERR_IO, FCT_ERR_NOMEM. Free it in both cases. */
fct_status srv_event_log_open(srv_event_log *l, const char *path, int capacity, int *bad, fct_error *err);
void srv_event_log_free(srv_event_log *l); /* the file stays */

/* Keeps an event, and drops the oldest one where there is no room. Fails never: a file that cannot be written to is
 * told to the log. */
void srv_event_log_add(srv_event_log *l, const srv_monitor_event *e);
/* Keeps so many from now on. FCT_ERR_NOMEM: as many as before. */
fct_status srv_event_log_resize(srv_event_log *l, int capacity, fct_error *err);
/* Drops those from before a time, in the file too. */
void srv_event_log_expire(srv_event_log *l, int64_t before);

/* The i-th, 0 = the oldest. */
const srv_monitor_event *srv_event_log_at(const srv_event_log *l, int i);
/* How many have a number of at most seq: the index of the first one behind it. */
int srv_event_log_after(const srv_event_log *l, int64_t seq);

/* Reads one line, which is changed. False: it is no event. */
bool srv_event_parse(char *line, size_t n, srv_monitor_event *out);

#endif

/* The people that Frigate follows now, and what their snapshots have told so far: which
 * visit is to be looked at next, and when who it is has been decided. Knows nothing of
 * networks and clocks: times are given, in milliseconds. Of one thread at a time. */
#ifndef FCT_BRIDGE_VISITS_H
#define FCT_BRIDGE_VISITS_H

#include "bridge/frigate_event.h"

#include <stdint.h>

enum {
    BRG_VISITS_MOST = 256,      /* at once; of more, the one that was silent longest is given up */
    BRG_CANDIDATES = 8,         /* names for one visit */
    BRG_LOOKS_MOST = 30,        /* snapshots of one visit */
    BRG_LOOK_EVERY_MS = 1000,   /* between two snapshots of one visit */
    BRG_FAILURES_MOST = 8,      /* tries to say who somebody is */
    BRG_SILENT_MS = 15 * 60000, /* a visit of which nothing is heard for so long has ended */
    BRG_NAME = 201
};

/* A name that snapshots have given, and how often. */
typedef struct brg_candidate {
    char name[BRG_NAME];
    int hits;
    double score; /* the best, 0..1 */
} brg_candidate;

typedef struct brg_visit {
    char id[BRG_ID]; /* "" = free */
    char camera[BRG_CAMERA];
    bool has_snapshot;
    bool changed;            /* since it was looked at */
    bool ended;              /* no more messages will come */
    bool looked_end;         /* and it was looked at since */
    bool begun, begun_ended; /* a look goes on; the visit had ended when it began */
    bool closed;             /* answered, or named by somebody else, or given up */
    int looks, faces;        /* snapshots, and those with a face */
    uint64_t heard, look_at; /* last message; earliest next snapshot */
    uint64_t answer_at;      /* earliest next try to say who it is */
    int failures;            /* of such tries */
    brg_candidate names[BRG_CANDIDATES];
    int n_names;
} brg_visit;

typedef struct brg_visits {
    int needed; /* snapshots that must agree before the end */
    brg_visit at[BRG_VISITS_MOST];
} brg_visits;

/* Notes a message. */
void brg_visits_hear(brg_visits *v, const brg_event *e, uint64_t now);
/* The visit whose snapshot is to be looked at now; NULL = none. Borrowed until the next call of brg_visits_hear(). */
brg_visit *brg_visits_due(brg_visits *v, uint64_t now);
/* Notes that a look begins. What is heard meanwhile is a reason for another one. */
void brg_visit_begin(brg_visit *x);
/* Notes what a snapshot has told: a name with its score (0..1), NULL = nobody known. face: there was one. */
void brg_visit_saw(brg_visit *x, bool face, const char *name, double score, uint64_t now);
/* Notes that there was no snapshot to be had; it is tried again unless the visit has ended. */
void brg_visit_missed(brg_visit *x, uint64_t now);

typedef enum brg_verdict { BRG_WAIT, BRG_NAMED, BRG_UNKNOWN } brg_verdict;
/* Who it is, as far as that can be said. BRG_NAMED: *who. BRG_UNKNOWN: the visit has ended without a name. */
brg_verdict brg_visit_decide(const brg_visits *v, const brg_visit *x, const brg_candidate **who);
/* A visit of which it can be said now who it is, or that nobody knows. NULL = none. */
brg_visit *brg_visits_decided(brg_visits *v, uint64_t now);
/* Notes that it could not be said; it is tried again later and later. False: no more. */
bool brg_visit_failed(brg_visit *x, uint64_t now);
/* The visit with this id; NULL = it is gone. */
brg_visit *brg_visits_find(brg_visits *v, const char *id);
/* Frees what is over: those that were closed and have ended, and those of which nothing is heard. */
void brg_visits_sweep(brg_visits *v, uint64_t now);
int brg_visits_open(const brg_visits *v);

#endif

/* Who a monitor tells of: somebody once per appearance, and not again who was seen a moment ago. Strangers are
 * remembered by their embeddings, in memory alone. Of one thread. */
#ifndef FCT_SERVER_MONITOR_NOTICE_H
#define FCT_SERVER_MONITOR_NOTICE_H

#include "facet/video.h"
#include "server/monitor_config.h"

enum { SRV_NOTICE_PEOPLE = 256, SRV_NOTICE_STRANGERS = 32, SRV_NOTICE_TOLD = 128 };

typedef struct srv_stranger {
    int64_t track;    /* as which the face was seen last */
    double seen;      /* seconds */
    float *embedding; /* [dim], unit length; owned; NULL = a free place */
    int dim;
} srv_stranger;

/* The tracks that something was done about: the last ones, in a ring. */
typedef struct srv_track_ring {
    int64_t ids[SRV_NOTICE_TOLD];
    int next;
} srv_track_ring;

typedef struct srv_notice {
    srv_monitor_policy policy;
    float threshold; /* cosine from which two strangers are one */
    struct {
        int64_t id; /* 0 = a free place */
        double seen;
    } people[SRV_NOTICE_PEOPLE];
    srv_stranger strangers[SRV_NOTICE_STRANGERS];
    srv_track_ring told; /* tracks that were told of as strangers */
    srv_track_ring kept; /* tracks of which a face was given to those who keep unknown ones */
} srv_notice;

void srv_notice_init(srv_notice *n, const srv_monitor_policy *policy, float threshold);
void srv_notice_free(srv_notice *n);
/* Other settings, and numbers of tracks begin anew. Who was seen stays. */
void srv_notice_restart(srv_notice *n, const srv_monitor_policy *policy, float threshold);

/* A person was recognized: whether that is to be told. now: seconds that ascend. */
bool srv_notice_person(srv_notice *n, int64_t person, double now);
/* A track is decided to be nobody's: whether that is to be told, at most once for a track. */
bool srv_notice_stranger(srv_notice *n, const fct_track *t, double now);
/* The gallery has changed: who is nobody may be told again. */
void srv_notice_renew(srv_notice *n);
/* Whether this face, of a track that is decided to be nobody's, is the one of the track to be kept: true once a track,
 * for a face that is the track's and shows well who it is. */
bool srv_notice_keep(srv_notice *n, const fct_track *t, const fct_face *face);
/* A track is visible. To be called after the two above, for every visible track of the frame. */
void srv_notice_seen(srv_notice *n, const fct_track *t, double now);

#endif

#include "server/monitor_notice.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static const float SAME_BOX = 0.5f;

void srv_notice_init(srv_notice *n, const srv_monitor_policy *policy, float threshold) {
    memset(n, 0, sizeof *n);
    srv_notice_restart(n, policy, threshold);
}

void srv_notice_free(srv_notice *n) {
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++) fct_free(n->strangers[i].embedding);
    memset(n, 0, sizeof *n);
}

void srv_notice_restart(srv_notice *n, const srv_monitor_policy *policy, float threshold) {
    n->policy = *policy;
    n->threshold = threshold;
    n->told = n->kept = (srv_track_ring){0};
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++) n->strangers[i].track = 0;
}

void srv_notice_renew(srv_notice *n) { n->told = (srv_track_ring){0}; }

static bool is_in(const srv_track_ring *r, int64_t track) {
    for (int i = 0; i < SRV_NOTICE_TOLD; i++)
        if (r->ids[i] == track) return true;
    return false;
}

static void put_in(srv_track_ring *r, int64_t track) {
    r->ids[r->next] = track;
    r->next = (r->next + 1) % SRV_NOTICE_TOLD;
}

/* Notes that a person is seen. True where it was seen within the time in which nobody is told of again. */
static bool note_person(srv_notice *n, int64_t person, double now) {
    int at = 0;
    for (int i = 0; i < SRV_NOTICE_PEOPLE; i++) {
        if (n->people[i].id == person) {
            at = i;
            break;
        }
        /* Else a free place, or that of whoever was not seen for longest. */
        if (n->people[at].id && (!n->people[i].id || n->people[i].seen < n->people[at].seen)) at = i;
    }
    bool recently = n->people[at].id == person && now - n->people[at].seen <= n->policy.cooldown;
    n->people[at].id = person;
    n->people[at].seen = now;
    return recently;
}

bool srv_notice_person(srv_notice *n, int64_t person, double now) { return !note_person(n, person, now); }

/* The stranger with this face; NULL = nobody remembered. */
static srv_stranger *find_stranger(srv_notice *n, const fct_track *t) {
    srv_stranger *best = NULL;
    float most = n->threshold;
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++) {
        srv_stranger *s = &n->strangers[i];
        if (!s->embedding || !t->embedding || s->dim != t->embedding_dim) continue;
        float cosine = fct_cosine(s->embedding, t->embedding, s->dim);
        if (cosine < most) continue;
        most = cosine;
        best = s;
    }
    return best;
}

/* Remembers a face in a free place, or in that of whoever was not seen for longest. */
static void remember(srv_notice *n, const fct_track *t, double now) {
    srv_stranger *at = &n->strangers[0];
    for (int i = 1; i < SRV_NOTICE_STRANGERS && at->embedding; i++)
        if (!n->strangers[i].embedding || n->strangers[i].seen < at->seen) at = &n->strangers[i];
    float *copy = fct_alloc((size_t)t->embedding_dim * sizeof *copy);
    if (!copy) return; /* it may be told of twice */
    memcpy(copy, t->embedding, (size_t)t->embedding_dim * sizeof *copy);
    fct_free(at->embedding);
    *at = (srv_stranger){t->id, now, copy, t->embedding_dim};
}

bool srv_notice_stranger(srv_notice *n, const fct_track *t, double now) {
    if (!n->policy.unknown || !t->embedding || !t->id || is_in(&n->told, t->id)) return false;
    put_in(&n->told, t->id);
    srv_stranger *s = find_stranger(n, t);
    bool recently = s && now - s->seen <= n->policy.cooldown;
    if (!s) remember(n, t, now);
    else {
        s->track = t->id;
        s->seen = now;
    }
    return !recently;
}

/* How much two boxes are one: the area that they share, of all that they cover. */
static float overlap(const float a[4], const float b[4]) {
    float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]), h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    float all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h;
    return all > 0 ? w * h / all : 0;
}

bool srv_notice_keep(srv_notice *n, const fct_track *t, const fct_face *face) {
    bool same = face->embedding && t->embedding && face->embedding_dim == t->embedding_dim && t->detected &&
                overlap(t->box, face->box) >= SAME_BOX;
    if (!same || !t->id || is_in(&n->kept, t->id)) return false;
    if (fct_cosine(t->embedding, face->embedding, t->embedding_dim) < n->threshold) return false;
    put_in(&n->kept, t->id);
    return true;
}

void srv_notice_seen(srv_notice *n, const fct_track *t, double now) {
    if (t->person_id) note_person(n, t->person_id, now);
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++)
        if (n->strangers[i].embedding && n->strangers[i].track == t->id) n->strangers[i].seen = now;
}

#include "server/monitor_notice.h"

#include "base/alloc.h"

#include <string.h>

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
    memset(n->told, 0, sizeof n->told);
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++) n->strangers[i].track = 0;
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
    if (!n->policy.unknown || !t->embedding || !t->id) return false;
    for (int i = 0; i < SRV_NOTICE_TOLD; i++)
        if (n->told[i] == t->id) return false;
    n->told[n->next_told] = t->id;
    n->next_told = (n->next_told + 1) % SRV_NOTICE_TOLD;
    srv_stranger *s = find_stranger(n, t);
    bool recently = s && now - s->seen <= n->policy.cooldown;
    if (!s) remember(n, t, now);
    else {
        s->track = t->id;
        s->seen = now;
    }
    return !recently;
}

void srv_notice_seen(srv_notice *n, const fct_track *t, double now) {
    if (t->person_id) note_person(n, t->person_id, now);
    for (int i = 0; i < SRV_NOTICE_STRANGERS; i++)
        if (n->strangers[i].embedding && n->strangers[i].track == t->id) n->strangers[i].seen = now;
}

#include "server/rate.h"

#include <math.h>
#include <string.h>

void srv_rate_init(srv_rate *r, double per_second, double burst) {
    memset(r->at, 0, sizeof r->at);
    r->per_second = per_second;
    r->burst = burst;
    fct_mutex_init(&r->lock);
}

void srv_rate_set(srv_rate *r, double per_second) {
    fct_mutex_lock(&r->lock);
    r->per_second = per_second;
    r->burst = per_second * 2 > 1 ? per_second * 2 : 1;
    fct_mutex_unlock(&r->lock);
}

double srv_rate_get(srv_rate *r) {
    fct_mutex_lock(&r->lock);
    double per_second = r->per_second;
    fct_mutex_unlock(&r->lock);
    return per_second;
}

void srv_rate_free(srv_rate *r) { fct_mutex_destroy(&r->lock); }

/* FNV-1a. Somebody who makes two names of one hash shares a limit with himself. */
static uint64_t hash(const char *text) {
    uint64_t h = 14695981039346656037u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h | 1;
}

static srv_bucket *bucket_of(srv_rate *r, const char *who, uint64_t now) {
    uint64_t h = hash(who);
    srv_bucket *set = r->at[(h >> 32) % SRV_RATE_SETS], *oldest = set;
    for (int i = 0; i < SRV_RATE_WAYS; i++) {
        if (set[i].who == h) return &set[i];
        if (set[i].at < oldest->at) oldest = &set[i];
    }
    *oldest = (srv_bucket){.who = h, .at = now, .tokens = r->burst};
    return oldest;
}

int srv_rate_take(srv_rate *r, const char *who, uint64_t now) {
    int wait = 0;
    fct_mutex_lock(&r->lock);
    if (r->per_second <= 0) {
        fct_mutex_unlock(&r->lock);
        return 0;
    }
    srv_bucket *b = bucket_of(r, who, now);
    double passed = now > b->at ? (double)(now - b->at) / 1e9 : 0;
    b->tokens = fmin(r->burst, b->tokens + passed * r->per_second);
    b->at = now;
    if (b->tokens >= 1) b->tokens -= 1;
    else wait = (int)ceil((1 - b->tokens) / r->per_second);
    fct_mutex_unlock(&r->lock);
    return wait < 0 || wait > 3600 ? 3600 : wait;
}

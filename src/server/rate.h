/* How often somebody may ask: a bucket of tokens for each key or address. */
#ifndef FCT_SERVER_RATE_H
#define FCT_SERVER_RATE_H

#include "base/thread.h"

enum { SRV_RATE_SETS = 1024, SRV_RATE_WAYS = 4 };

typedef struct srv_bucket {
    uint64_t who; /* hash of the key's id or the address */
    uint64_t at;  /* ns: when tokens were counted */
    double tokens;
} srv_bucket;

/* A table of fixed size: where four others share a place, the one that has been
 * quiet longest is forgotten, which means full again. */
typedef struct srv_rate {
    double per_second, burst; /* per_second 0 = no limit */
    fct_mutex lock;
    srv_bucket at[SRV_RATE_SETS][SRV_RATE_WAYS];
} srv_rate;

void srv_rate_init(srv_rate *r, double per_second, double burst);
void srv_rate_free(srv_rate *r);

/* Another limit from now on, and what it is. */
void srv_rate_set(srv_rate *r, double per_second);
double srv_rate_get(srv_rate *r);

/* Takes a token of this one's at time now (ns). Returns 0, or after how many seconds there is one again. */
int srv_rate_take(srv_rate *r, const char *who, uint64_t now);

#endif

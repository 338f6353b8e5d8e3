/* Signatures that were used: who overhears a signed request must not be able to send
 * it again.
 *
 * A client that asks the same twice in one second signs alike, since a signature's
 * time is in whole seconds. So the same signature is taken again for
 * SRV_REPLAY_AGAIN seconds, and refused from then on until it has expired. */
#ifndef FCT_SERVER_SIGNATURE_TABLE_H
#define FCT_SERVER_SIGNATURE_TABLE_H

#include "base/thread.h"

enum { SRV_REPLAY_AGAIN = 5, SRV_REPLAY_SETS = 4096, SRV_REPLAY_WAYS = 8 };

typedef struct srv_used {
    uint64_t signature; /* the first 64 bits */
    int64_t first;      /* when it came first, seconds since 1970; 0 = free */
} srv_used;

/* A table of fixed size, 512 KiB. Where eight others of one place have been used since, the
 * oldest is forgotten, which takes about fifty requests a second for ten minutes. It is lost with
 * the process: a signature of less than five minutes before a restart can be used again. */
typedef struct srv_replay {
    fct_mutex lock;
    srv_used *at; /* [SRV_REPLAY_SETS * SRV_REPLAY_WAYS], owned; NULL = not in use */
} srv_replay;

fct_status srv_replay_init(srv_replay *t, fct_error *err);
void srv_replay_free(srv_replay *t);

/* Notes a signature of 64 hexadecimal digits at the time now. False: it was used before, and too long ago. */
bool srv_replay_take(srv_replay *t, const char *signature, int64_t now);

#endif

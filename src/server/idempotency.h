/* Requests that are sent again: with the header Idempotency-Key a request is carried
 * out once, and whoever repeats it gets the first one's answer. 1024 of them are kept for a
 * day, and, once srv_idempotency_keep() was called, in a log (once_log.h) too, so that they are
 * known after a restart. A request that had begun when the server ended, and whose answer
 * is not known, is carried out again, with srv_request.again: what it has made before is then
 * found and no fault. */
#ifndef FCT_SERVER_IDEMPOTENCY_H
#define FCT_SERVER_IDEMPOTENCY_H

#include "base/thread.h"
#include "server/request.h"

#include <stdio.h>

enum { SRV_IDEMPOTENCY_MOST = 1024 };

typedef struct srv_idempotent {
    char scope[65], print[65]; /* SHA-256 of who and the header's text, and of the request itself; "" = free */
    bool running;              /* its answer is being made */
    bool unanswered;           /* it had begun when the server ended */
    uint64_t at;               /* ns */
    bool secret;               /* its answer may lie in no file */
    int status;
    const char *type;
    char location[160];
    char *body; /* owned */
    size_t size;
} srv_idempotent;

typedef struct srv_idempotency {
    fct_mutex lock;
    srv_idempotent *at; /* [SRV_IDEMPOTENCY_MOST], owned */
    FILE *log;          /* owned; NULL = none */
    char *path;         /* its; owned */
    bool bodies;        /* answers are kept in the log */
} srv_idempotency;

fct_status srv_idempotency_init(srv_idempotency *d, fct_error *err);
void srv_idempotency_free(srv_idempotency *d);
/* Reads the log, and writes it from now on. bodies: with answers, which hold names. */
fct_status srv_idempotency_keep(srv_idempotency *d, const char *path, bool bodies, fct_error *err);

typedef enum srv_idempotency_result {
    SRV_ONCE_GO,       /* carry it out, then srv_idempotency_end() */
    SRV_ONCE_AGAIN,    /* the same, and it had begun before */
    SRV_ONCE_REPLAYED, /* *out holds the answer to the earlier one */
    SRV_ONCE_RUNS,     /* the earlier one is not answered yet */
    SRV_ONCE_OTHER,    /* the earlier one was another request */
    SRV_ONCE_BAD       /* the header's text is not 1 to 255 visible characters */
} srv_idempotency_result;

/* slot: for srv_idempotency_end(); NULL where the request has no such header, or too many run. */
srv_idempotency_result srv_idempotency_begin(srv_idempotency *d, const srv_request *r, srv_reply *out,
                                             srv_idempotent **slot);
/* Keeps the answer. One with a status of 500 or more is forgotten: it may be tried again. */
void srv_idempotency_end(srv_idempotency *d, srv_idempotent *slot, const srv_reply *reply);

#endif

/* A request and its answer as the dialects see them: whole, in memory, and without
 * a word of the library that carries them. */
#ifndef FCT_SERVER_REQUEST_H
#define FCT_SERVER_REQUEST_H

#include "base/buffer.h"
#include "facet/base.h"
#include "server/keys.h"

struct srv_dialect;
struct srv_route;
struct srv_stream;

enum { SRV_PARAMS = 4, SRV_PAIRS = 128 };

typedef enum srv_method { SRV_GET = 1, SRV_POST = 2, SRV_PUT = 4, SRV_PATCH = 8, SRV_DELETE = 16 } srv_method;

/* A header field or a member of the query; both owned. */
typedef struct srv_pair {
    char *name, *value;
} srv_pair;

typedef struct srv_request {
    char id[65]; /* X-Request-Id: the client's, where it is a harmless word, or a new one */
    srv_method method;
    char *path;                        /* as it was sent, without the query; owned */
    const struct srv_dialect *dialect; /* whose path this is; NULL = nobody's */
    const struct srv_route *route;     /* static; NULL = none */
    char *params[SRV_PARAMS];          /* what stands in place of each {} of the route; owned */
    srv_pair fields[SRV_PAIRS], query[SRV_PAIRS];
    int n_fields, n_query;
    fct_buf body;
    char peer[46]; /* the client's address */
    bool loopback; /* it is this machine */
    srv_role role; /* of the key that came with it */
    char key_id[17];
    char collection[SRV_KEY_COLLECTION + 1]; /* the only one that the key may use; "" = all */
    int64_t collection_id;                   /* that its dialect works in; 0 = the path or the body says */
    bool again; /* it began before the server ended, and comes again: what it made may be there (idempotency.h) */
    uint64_t began, deadline; /* fct_time_ns(): later than the deadline nobody waits for the answer */
} srv_request;

typedef struct srv_reply {
    int status;
    const char *type; /* of the content; static; NULL where there is none */
    fct_buf body;
    int retry_after;           /* seconds, 0 = not said */
    const char *allow;         /* for 405: methods; static */
    char location[160];        /* "" = none */
    const char *id_field;      /* where else its clients look for the request's id; static; NULL = nowhere */
    bool challenge;            /* 401: WWW-Authenticate: Bearer */
    bool secret;               /* it holds what may lie in no file */
    bool replayed;             /* the answer to an earlier request with the same Idempotency-Key */
    struct srv_stream *stream; /* instead of a body; owned (stream.h) */
    char stream_type[128];     /* its content type */
    /* For files of the web page: Content-Security-Policy and Cache-Control in place of those that forbid all (static,
     * NULL = these), ETag ("" = none), Content-Encoding: gzip, Vary: Accept-Encoding. */
    const char *policy, *cache;
    char etag[24];
    bool gzip, varies;
} srv_reply;

void srv_request_free(srv_request *r);
void srv_reply_free(srv_reply *r);

/* The value of a header field, whatever its name's case; NULL = none. Borrowed. */
const char *srv_request_field(const srv_request *r, const char *name);
/* The decoded value of a member of the query; NULL = none. Borrowed. */
const char *srv_request_query(const srv_request *r, const char *name);

/* Adds a pair (copied); false where there is no room or no memory. */
bool srv_pair_add(srv_pair *pairs, int *n, const char *name, const char *value);

/* Decodes %XX in place. False for a bad one, a NUL, or what is not UTF-8 then. */
bool srv_percent_decode(char *text);

#endif

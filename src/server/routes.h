/* Which function answers which request. A dialect is a table of routes and its own
 * way to say what went wrong; all dialects share one space of paths. */
#ifndef FCT_SERVER_ROUTE_H
#define FCT_SERVER_ROUTE_H

#include "server/request.h"

struct srv_app;

typedef void srv_handler(struct srv_app *app, srv_request *r, srv_reply *out);

/* One operation. path: "/v1/persons/{}/faces"; {} stands for one segment of the
 * path. A trailing '/' makes no difference. */
typedef struct srv_route {
    srv_method method;
    const char *path;
    srv_role role;    /* the least that the key must have; SRV_ROLE_NONE = no key is needed */
    const char *name; /* in metrics and logs */
    srv_handler *handle;
} srv_route;

/* How one kind of client speaks. */
typedef struct srv_dialect {
    const char *name;
    const srv_route *routes; /* ends with a NULL path */
    /* Fills in the answer to a request that failed. code: a word of facet's own API. */
    void (*fail)(srv_reply *out, int status, const char *code, const char *text, const char *request_id);
    /* The key that came in the header; NULL = none. Borrowed from the request. */
    const char *(*key)(const srv_request *r);
    /* The key that came in the body, for dialects that have it there; else NULL. *owned: fct_free(). */
    char *(*body_key)(const srv_request *r);
    /* For dialects whose requests are signed, in place of keys: gives the request the rights of who signed it, and
     * its route where the path does not tell. First with the head alone, then (whole) with the body. False: *out
     * says why not. */
    bool (*check)(struct srv_app *app, srv_request *r, bool whole, srv_reply *out);
    /* Whether a route takes a ticket in place of a key (ticket.h); NULL = none does. */
    bool (*takes_ticket)(const srv_route *route);
    bool one_collection; /* knows of no collections: works in the key's, or the default one */
    bool trusts_address; /* needs no key: the client's address decides (srv_app_opts.allow) */
} srv_dialect;

typedef enum srv_route_result {
    SRV_ROUTE_FOUND,
    SRV_ROUTE_NONE,
    SRV_ROUTE_OTHER_METHOD,
    SRV_ROUTE_BAD_PATH
} srv_route_result;

/* Finds the route of a path among the dialects; fills the request's route and params.
 * methods: with SRV_ROUTE_OTHER_METHOD, bits of those that the path has. *dialect is
 * set when any of its paths fits. */
srv_route_result srv_route_find(const srv_dialect *const *dialects, srv_request *r, const srv_dialect **dialect,
                                int *methods);

#endif

/* The glue to libmicrohttpd: it turns what comes over a local connection into whole
 * requests, lets workers answer them, and sends the answers. */
#ifndef FCT_SERVER_HTTP_H
#define FCT_SERVER_HTTP_H

#include "server/request.h"

struct sockaddr;

typedef struct srv_http srv_http;

typedef struct srv_http_opts {
    int workers;        /* threads that answer requests */
    int queue;          /* whole requests that may wait for a worker; more are answered 503 */
    uint64_t most_body; /* bytes of one body */
    uint64_t most_held; /* bytes of all bodies together; more are answered 503 */
    int timeout_ms;     /* from the end of the head to the deadline of the answer */
    /* Looks at a request before its body is read. False: *reply refuses it. */
    bool (*begin)(void *user, srv_request *r, srv_reply *reply);
    /* Answers a whole request; in a worker. */
    void (*handle)(void *user, srv_request *r, srv_reply *reply);
    /* Refuses one that cannot be answered now; in the connection's thread. */
    void (*refuse)(void *user, srv_request *r, srv_reply *reply, int status, const char *code, const char *text);
    /* After the answer was sent, or could not be. */
    void (*done)(void *user, const srv_request *r, const srv_reply *reply);
    /* After that, from libmicrohttpd's thread: srv_http_answered() has grown. */
    void (*answered)(void *user);
    void *user;
} srv_http_opts;

/* Loads what srv_http_start() needs, so that it takes less time. Not beside that. */
void srv_http_prepare(void);

/* *out is owned. FCT_ERR_UNSUPPORTED where libmicrohttpd is not installed. */
fct_status srv_http_start(const srv_http_opts *o, srv_http **out, fct_error *err);

/* Takes a local connection; fd is taken in every case. From any thread. */
bool srv_http_connect(srv_http *h, int fd, const struct sockaddr *from, unsigned from_size);

/* How many requests of the local connection with this fd are answered completely. From any thread. */
unsigned srv_http_answered(srv_http *h, int fd);

int srv_http_active(srv_http *h);  /* requests that have begun and are not answered */
int srv_http_waiting(srv_http *h); /* whole requests that wait for a worker */
void srv_http_drain(srv_http *h);  /* every answer from now on ends its connection */
/* Finishes what workers have begun or will begin, then ends all threads. */
void srv_http_stop(srv_http *h);

#endif

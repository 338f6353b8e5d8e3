/* What the gate is told, and its connections with it. */
#ifndef FCT_SERVER_GATE_OPTS_H
#define FCT_SERVER_GATE_OPTS_H

#include "server/net/listen.h"
#include "server/net/tls.h"

struct sockaddr;

typedef struct srv_gate_opts {
    srv_listen *listen; /* taken over */
    srv_cert *cert;     /* NULL = no TLS; taken over */
    uint64_t most_body; /* bytes of a request's body */
    int connections;    /* at most so many at once */
    int head_ms, idle_ms, body_ms, write_ms;
    /* Hands a local connection over: fd is taken in every case. Of the gate's thread. */
    bool (*connect)(void *user, int fd, const struct sockaddr *from, unsigned from_size);
    /* How many requests of the local connection that had this fd are answered completely. */
    unsigned (*answered)(void *user, int fd);
    void (*refused)(void *user, int status); /* the gate answered a request itself */
    void *user;
} srv_gate_opts;

#endif

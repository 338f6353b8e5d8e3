/* One client's connection as the gate sees it: bytes that came, bytes that go, and
 * what it is allowed to take time for. Of the gate's thread alone. */
#ifndef FCT_SERVER_CONN_H
#define FCT_SERVER_CONN_H

#include "server/net/gate_opts.h"
#include "server/net/guard.h"

#include <stdatomic.h>
#include <sys/socket.h>

enum { SRV_CONN_BUFFER = 65536 }; /* bytes held in each direction, at most; must hold a whole head */

typedef enum srv_phase {
    SRV_PHASE_IDLE,   /* nothing was asked, or all was answered */
    SRV_PHASE_HEAD,   /* part of a head has come */
    SRV_PHASE_BODY,   /* part of a body has come */
    SRV_PHASE_ANSWER, /* a whole request was passed on and is not answered completely */
    SRV_PHASE_LINGER  /* the last was said; what still comes is thrown away, so that the client can read that */
} srv_phase;

typedef struct srv_conn srv_conn;

/* What epoll gives back: which end of which connection. */
typedef struct srv_end {
    srv_conn *conn;
    bool inner;
    int fd;           /* -1 = closed */
    bool known;       /* epoll watches it */
    uint32_t watched; /* for these events */
} srv_end;

struct srv_conn {
    srv_conn *prev, *next;
    srv_end client, inner; /* the socket, and the local connection to libmicrohttpd */
    srv_tls *tls;          /* NULL = none */
    srv_guard guard;
    char *in, *out;                       /* owned, grown as needed, NULL while empty */
    size_t in_size, in_capacity, allowed; /* bytes that came; how many of them the guard let through */
    size_t out_from, out_size, out_capacity;
    bool ended;     /* the client sends no more */
    bool told_end;  /* and libmicrohttpd knows */
    bool last;      /* to be closed when all in `out` is sent */
    bool dead;      /* to be freed */
    bool blocked;   /* the next request waits until the one before is answered */
    int peer;       /* libmicrohttpd's end of the local connection */
    unsigned asked; /* requests that were passed on */
    srv_phase phase;
    uint64_t began;    /* ns: when this phase did */
    uint64_t deadline; /* ns */
    struct sockaddr_storage from;
    unsigned from_size;
};

/* What the connections share. */
typedef struct srv_conn_env {
    const srv_gate_opts *opts;
    uint64_t now; /* ns */
    bool draining;
    atomic_int *blocked; /* how many connections are */
} srv_conn_env;

/* Moves bytes in all directions until nothing moves any more; sets c->dead at the end. */
void srv_conn_step(srv_conn *c, const srv_conn_env *e);
/* Which events (EPOLLIN, EPOLLOUT) each end waits for. */
void srv_conn_watch(const srv_conn *c, const srv_conn_env *e, uint32_t *client, uint32_t *inner);
/* Enters a phase, with its deadline. */
void srv_conn_enter(srv_conn *c, const srv_conn_env *e, srv_phase phase);
/* Answers with a problem, after which the connection ends. */
void srv_conn_refuse(srv_conn *c, const srv_conn_env *e, int status, const char *why);
/* The connection's time is up. */
void srv_conn_expire(srv_conn *c, const srv_conn_env *e);
/* Closes both ends and frees what it holds, but not c. */
void srv_conn_close(srv_conn *c, const srv_conn_env *e);
/* Gives the local connection up; the next request makes a new one. Only when idle. */
void srv_conn_let_go(srv_conn *c);
/* Enters SRV_PHASE_IDLE if all is answered. */
void srv_conn_rest(srv_conn *c, const srv_conn_env *e);

#endif

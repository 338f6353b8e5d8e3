/* The gate owns the sockets of all clients. It takes connections, speaks TLS, lets
 * the guard look at what comes (guard.h), and passes it on to libmicrohttpd through a
 * local connection that exists only once a client has sent a whole, proper head. So
 * a client that is slow, silent or hostile costs one file descriptor and some bytes,
 * and never a worker.
 *
 *   client ==TLS== gate --guard--> local socket --> libmicrohttpd
 *
 * One thread does it all with epoll. A connection has a time for each thing it does:
 * to send a head, to send a body (longer for a longer one), to take an answer, to be
 * idle. When there are too many connections, the one that has been waiting longest
 * without a request is closed for the newcomer. */
#ifndef FCT_SERVER_GATE_H
#define FCT_SERVER_GATE_H

#include "facet/base.h"
#include "server/net/gate_opts.h"

typedef struct srv_gate srv_gate;

/* Begins to take connections, in a thread of its own. *out is owned. */
fct_status srv_gate_start(const srv_gate_opts *o, srv_gate **out, fct_error *err);

/* Some request is answered: its connection's next one may go on. From any thread; cheap. */
void srv_gate_answered(srv_gate *g);

int srv_gate_connections(srv_gate *g);            /* how many are open; from any thread */
void srv_gate_set_cert(srv_gate *g, srv_cert *c); /* for connections from now on; taken over */

/* Takes no more connections and no more requests; what was taken goes on. */
void srv_gate_drain(srv_gate *g);
/* After that: no connection has anything on its way to its client or to us. */
bool srv_gate_is_quiet(srv_gate *g);
/* Closes all connections and ends the thread. */
void srv_gate_stop(srv_gate *g);
void srv_gate_free(srv_gate *g); /* after that, and when nobody calls srv_gate_answered() any more */

#endif

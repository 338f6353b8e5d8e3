/* Where the server listens, and what it tells the service manager (systemd), both
 * without libsystemd: the protocol is an environment variable and a datagram. */
#ifndef FCT_SERVER_LISTEN_H
#define FCT_SERVER_LISTEN_H

#include "facet/base.h"

enum { SRV_LISTEN_MOST = 16 };

/* Sockets that listen; they do not block. */
typedef struct srv_listen {
    int fds[SRV_LISTEN_MOST];
    int n;
    int port;       /* of the first, also where the system chose it */
    bool inherited; /* the service manager opened them */
} srv_listen;

/* Takes the sockets that systemd hands over (LISTEN_FDS), or opens one for each
 * address of host (a name, an address, or "*" for all). Port 0: the system chooses.
 * On failure nothing is open. */
fct_status srv_listen_open(const char *host, int port, srv_listen *out, fct_error *err);
void srv_listen_close(srv_listen *l);

/* Sends one state ("READY=1") to the service manager; does nothing without one. */
void srv_notify(const char *state);

/* Raises the number of files that this process may have open to the most that it is
 * allowed; returns it. */
int srv_raise_files(void);

/* The two ends of a local connection that do not block; false where none are left. */
bool srv_socket_pair(int fds[2]);

#endif

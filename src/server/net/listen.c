#include "server/net/listen.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_INHERITED = 3, BACKLOG = 1024 }; /* systemd's SD_LISTEN_FDS_START */

static void set_flags(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The port that a socket listens on; 0 for one that has none. */
static int port_of(int fd) {
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n)) return 0;
    if (a.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&a)->sin_port);
    if (a.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&a)->sin6_port);
    return 0;
}

static void add(srv_listen *l, int fd) {
    set_flags(fd);
    if (!l->n) l->port = port_of(fd);
    l->fds[l->n++] = fd;
}

/* Takes the sockets of the environment, if they are meant for this process. Removes the variables, which no child
 * should see. */
static fct_status inherit(srv_listen *l, fct_error *err) {
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    if (!pid || !fds || strtol(pid, NULL, 10) != (long)getpid()) return FCT_OK;
    long n = strtol(fds, NULL, 10);
    if (n < 1 || n > SRV_LISTEN_MOST)
        return fct_fail(err, FCT_ERR_LIMIT, "LISTEN_FDS: %ld sockets, 1 to %d can be used", n, SRV_LISTEN_MOST);
    for (int fd = FIRST_INHERITED; fd < FIRST_INHERITED + (int)n; fd++) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens)
            return fct_fail(err, FCT_ERR_IO, "LISTEN_FDS: file descriptor %d is no socket that listens", fd);
        add(l, fd);
    }
    l->inherited = true;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    return FCT_OK;
}

/* Opens a socket at one address; returns an errno value. An address that the machine does not have is one. */
static int open_at(srv_listen *l, const struct addrinfo *a, int port) {
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        ((struct sockaddr_in6 *)a->ai_addr)->sin6_port = htons((uint16_t)port);
    } else ((struct sockaddr_in *)a->ai_addr)->sin_port = htons((uint16_t)port);
    if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, BACKLOG)) {
        add(l, fd);
        return 0;
    }
    int e = errno;
    close(fd);
    return e;
}

/* Opens all addresses of a name. Enough that one can be listened on, unless the port is taken on another. */
static fct_status open_all(srv_listen *l, const char *host, const struct addrinfo *list, int port, fct_error *err) {
    int e = 0;
    for (const struct addrinfo *a = list; a && l->n < SRV_LISTEN_MOST; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
        int failed = open_at(l, a, port ? port : l->port); /* a chosen port is the same for all addresses */
        if (!e || failed == EADDRINUSE) e = failed;
    }
    if (l->n && e != EADDRINUSE) return FCT_OK;
    return fct_fail(err, FCT_ERR_NETWORK, "%s port %d: cannot listen: %s", host, port,
                    e ? strerror(e) : "no usable address");
}

fct_status srv_listen_open(const char *host, int port, srv_listen *out, fct_error *err) {
    memset(out, 0, sizeof *out);
    fct_status s = inherit(out, err);
    if (s || out->n) return s;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    int e = getaddrinfo(strcmp(host, "*") ? host : NULL, "0", &hints, &list);
    if (e) return fct_fail(err, FCT_ERR_NETWORK, "%s: no such host: %s", host, gai_strerror(e));
    s = open_all(out, host, list, port, err);
    freeaddrinfo(list);
    if (s) srv_listen_close(out);
    return s;
}

void srv_listen_close(srv_listen *l) {
    for (int i = 0; i < l->n; i++) close(l->fds[i]);
    l->n = 0;
}

void srv_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof a.sun_path) return;
    memcpy(a.sun_path, path, strlen(path));
    if (path[0] == '@') a.sun_path[0] = 0; /* a name outside the file system */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a, size) < 0) {
        /* A manager that is gone is no fault of the server. */
    }
    close(fd);
}

int srv_raise_files(void) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r)) return 1024;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r)) getrlimit(RLIMIT_NOFILE, &r);
    return r.rlim_cur > 1000000 ? 1000000 : (int)r.rlim_cur;
}

bool srv_socket_pair(int fds[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0;
}

#include "server/net/gate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "server/net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 256, SWEEP_MS = 200, ACCEPT_AT_ONCE = 64, EVICTABLE_MS = 500, LET_GO_MS = 1000 };

struct srv_gate {
    srv_gate_opts opts;
    srv_listen listen;
    int poll, wake;           /* epoll, and an eventfd that ends its waiting */
    srv_conn *conns, *graves; /* open ones, the newest first; those that are freed after this round of events */
    srv_conn_env env;
    bool deaf; /* new connections wait: there are too many files */
    fct_mutex lock;
    srv_cert *cert; /* under the lock */
    atomic_int count, blocked;
    atomic_bool draining, stopping, quiet;
    fct_thread thread;
};

/* ---- Connections -------------------------------------------------------------------- */

/* Tells epoll what an end waits for, if that has changed. An end that waits for nothing is taken out: epoll would
 * report again and again that it is broken. */
static void watch_end(srv_gate *g, srv_end *end, uint32_t events) {
    if (end->fd < 0 || (end->known ? end->watched == events : !events)) return;
    struct epoll_event ev = {.events = events, .data.ptr = end};
    epoll_ctl(g->poll, !events ? EPOLL_CTL_DEL : end->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, end->fd, &ev);
    end->known = events != 0;
    end->watched = events;
}

static void unlink_conn(srv_gate *g, srv_conn *c) {
    if (c->prev) c->prev->next = c->next;
    else g->conns = c->next;
    if (c->next) c->next->prev = c->prev;
}

/* Closes a connection. Its memory stays until the events that were fetched together are all handled. */
static void bury(srv_gate *g, srv_conn *c) {
    srv_conn_close(c, &g->env);
    unlink_conn(g, c);
    c->dead = true;
    c->next = g->graves;
    g->graves = c;
    atomic_fetch_sub(&g->count, 1);
}

static void free_graves(srv_gate *g) {
    while (g->graves) {
        srv_conn *c = g->graves;
        g->graves = c->next;
        fct_free(c);
    }
}

/* After anything was done with a connection: buries it or watches what it waits for now. */
static void settle(srv_gate *g, srv_conn *c) {
    uint32_t client, inner;
    if (c->dead) {
        bury(g, c);
        return;
    }
    srv_conn_watch(c, &g->env, &client, &inner);
    watch_end(g, &c->client, client);
    watch_end(g, &c->inner, inner);
}

/* The last bytes of an answer may have been sent before it was known to be the last. */
static void rest(srv_gate *g, srv_conn *c) {
    if (c->phase == SRV_PHASE_ANSWER && !c->out_size) srv_conn_rest(c, &g->env);
}

/* Closes the connection that has been without a request longest, the oldest of those that are equal. False where all
 * are busy, or too young for it to be fair. */
static bool evict(srv_gate *g) {
    srv_conn *oldest = NULL;
    for (srv_conn *c = g->conns; c; c = c->next) {
        rest(g, c);
        bool waits = c->phase == SRV_PHASE_IDLE || c->phase == SRV_PHASE_HEAD || c->phase == SRV_PHASE_LINGER;
        if (waits && !c->out_size && (!oldest || c->began <= oldest->began)) oldest = c;
    }
    if (!oldest || g->env.now - oldest->began < EVICTABLE_MS * (uint64_t)1000000) return false;
    oldest->dead = true;
    bury(g, oldest);
    return true;
}

/* The session of a new connection; NULL without TLS or where none can be made (*failed). */
static srv_tls *new_session(srv_gate *g, int fd, bool *failed) {
    srv_tls *t = NULL;
    fct_mutex_lock(&g->lock);
    *failed = g->cert && srv_tls_create(g->cert, fd, &t, NULL);
    fct_mutex_unlock(&g->lock);
    return t;
}

static void add_conn(srv_gate *g, int fd, const struct sockaddr_storage *from, socklen_t size) {
    bool failed = false, full = atomic_load(&g->count) >= g->opts.connections && !evict(g);
    int on = 1;
    srv_conn *c = fct_calloc(1, sizeof *c);
    srv_tls *tls = c ? new_session(g, fd, &failed) : NULL;
    if (!c || failed) {
        fct_free(c);
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *c =
        (srv_conn){.client = {c, false, fd, false, 0}, .inner = {c, true, -1, false, 0}, .tls = tls, .from_size = size};
    c->from = *from;
    srv_guard_init(&c->guard, g->opts.most_body);
    c->next = g->conns;
    if (c->next) c->next->prev = c;
    g->conns = c;
    atomic_fetch_add(&g->count, 1);
    srv_conn_enter(c, &g->env, SRV_PHASE_IDLE);
    if (full) srv_conn_refuse(c, &g->env, 503, "there are too many connections");
    srv_conn_step(c, &g->env);
    settle(g, c);
}

/* Stops or resumes listening to the sockets that listen. */
static void listen_again(srv_gate *g, bool on) {
    for (int i = 0; i < g->listen.n; i++) {
        struct epoll_event ev = {.events = on ? EPOLLIN : 0, .data.ptr = &g->listen.fds[i]};
        epoll_ctl(g->poll, EPOLL_CTL_MOD, g->listen.fds[i], &ev);
    }
    g->deaf = !on;
}

static void accept_some(srv_gate *g, int fd) {
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int client = accept4(fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client >= 0) add_conn(g, client, &from, size);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            if (!evict(g)) listen_again(g, false);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) return;
    }
}

/* ---- The thread ----------------------------------------------------------------------- */

/* True where a connection has nothing to finish: no request, no answer on its way. */
static bool is_idle(const srv_conn *c) { return c->phase == SRV_PHASE_IDLE && !c->out_size && !c->allowed; }

/* Goes on with connections whose next request had to wait. */
static void unblock(srv_gate *g) {
    for (srv_conn *c = g->conns, *next; c && atomic_load(&g->blocked); c = next) {
        next = c->next;
        if (!c->blocked) continue;
        srv_conn_step(c, &g->env);
        settle(g, c);
    }
}

/* Ends what is over: times that are up and, while draining, connections without a request. */
static void sweep(srv_gate *g) {
    bool quiet = true;
    if (g->env.draining && g->listen.n) srv_listen_close(&g->listen);
    if (g->deaf && g->listen.n) listen_again(g, true);
    for (srv_conn *c = g->conns, *next; c; c = next) {
        next = c->next;
        rest(g, c);
        bool resting = is_idle(c) && c->inner.fd >= 0 && !c->last && !c->ended;
        if (resting && g->env.now - c->began > LET_GO_MS * (uint64_t)1000000) srv_conn_let_go(c);
        if (g->env.now >= c->deadline) srv_conn_expire(c, &g->env);
        else if (g->env.draining && is_idle(c)) c->dead = true;
        quiet &= c->dead || c->phase == SRV_PHASE_LINGER;
        settle(g, c);
    }
    free_graves(g);
    atomic_store(&g->quiet, g->env.draining && quiet);
}

static void handle(srv_gate *g, void *what) {
    char *at = what, *first = (char *)g->listen.fds, *behind = (char *)(g->listen.fds + SRV_LISTEN_MOST);
    if (what == &g->wake) {
        uint64_t times;
        if (read(g->wake, &times, sizeof times) > 0) unblock(g);
    } else if (at >= first && at < behind) {
        if (!g->env.draining) accept_some(g, *(int *)what);
    } else {
        srv_end *end = what;
        if (end->conn->dead) return;
        srv_conn_step(end->conn, &g->env);
        settle(g, end->conn);
    }
}

static void run(void *arg) {
    srv_gate *g = arg;
    struct epoll_event events[EVENTS];
    uint64_t swept = 0;
    while (!atomic_load(&g->stopping)) {
        int n = epoll_wait(g->poll, events, EVENTS, SWEEP_MS);
        g->env.now = fct_time_ns();
        g->env.draining = atomic_load(&g->draining);
        for (int i = 0; i < n; i++) handle(g, events[i].data.ptr);
        free_graves(g);
        if (g->env.now - swept < SWEEP_MS * (uint64_t)1000000) continue;
        swept = g->env.now;
        sweep(g);
    }
    while (g->conns) bury(g, g->conns);
    free_graves(g);
}

/* ---- From outside ----------------------------------------------------------------------- */

static void free_gate(srv_gate *g) {
    srv_listen_close(&g->listen);
    if (g->poll >= 0) close(g->poll);
    if (g->wake >= 0) close(g->wake);
    srv_cert_release(g->cert);
    fct_mutex_destroy(&g->lock);
    fct_free(g);
}

static bool watch_own(srv_gate *g) {
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &g->wake};
    if (g->poll < 0 || g->wake < 0 || epoll_ctl(g->poll, EPOLL_CTL_ADD, g->wake, &ev)) return false;
    for (int i = 0; i < g->listen.n; i++) {
        ev.data.ptr = &g->listen.fds[i];
        if (epoll_ctl(g->poll, EPOLL_CTL_ADD, g->listen.fds[i], &ev)) return false;
    }
    return true;
}

fct_status srv_gate_start(const srv_gate_opts *o, srv_gate **out, fct_error *err) {
    *out = NULL;
    srv_gate *g = fct_calloc(1, sizeof *g);
    if (!g) {
        srv_cert_release(o->cert);
        srv_listen_close(o->listen);
        return fct_fail_nomem(err, "gate", 0);
    }
    g->opts = *o;
    g->listen = *o->listen;
    o->listen->n = 0;
    g->cert = o->cert;
    g->env = (srv_conn_env){.opts = &g->opts, .now = fct_time_ns(), .blocked = &g->blocked};
    fct_mutex_init(&g->lock);
    g->poll = epoll_create1(EPOLL_CLOEXEC);
    g->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    fct_status s = watch_own(g) ? FCT_OK : fct_fail(err, FCT_ERR_IO, "epoll: %s", strerror(errno));
    if (!s) s = fct_thread_start(&g->thread, run, g, err);
    if (s) free_gate(g);
    else *out = g;
    return s;
}

static void wake(srv_gate *g) {
    uint64_t one = 1;
    if (write(g->wake, &one, sizeof one) < 0) { /* It is awake already, or will be after the next sweep. */
    }
}

void srv_gate_answered(srv_gate *g) {
    if (atomic_load(&g->blocked)) wake(g);
}

int srv_gate_connections(srv_gate *g) { return atomic_load(&g->count); }

void srv_gate_set_cert(srv_gate *g, srv_cert *c) {
    fct_mutex_lock(&g->lock);
    srv_cert *old = g->cert;
    g->cert = c;
    fct_mutex_unlock(&g->lock);
    srv_cert_release(old);
}

void srv_gate_drain(srv_gate *g) {
    atomic_store(&g->draining, true);
    wake(g);
}

bool srv_gate_is_quiet(srv_gate *g) { return atomic_load(&g->quiet); }

void srv_gate_stop(srv_gate *g) {
    if (!g) return;
    atomic_store(&g->stopping, true);
    wake(g);
    fct_thread_join(&g->thread);
}

void srv_gate_free(srv_gate *g) {
    if (g) free_gate(g);
}

#include "server/net/conn.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "server/problem.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BODY_BYTES_PER_MS = 32, LINGER_MS = 1000 };

/* How long a connection may stay in its phase, in milliseconds. */
static uint64_t time_for(const srv_conn *c, const srv_gate_opts *o) {
    switch (c->phase) {
    case SRV_PHASE_HEAD:
        return (uint64_t)o->head_ms;
    case SRV_PHASE_BODY:
        return (uint64_t)o->body_ms + c->guard.body / BODY_BYTES_PER_MS;
    case SRV_PHASE_LINGER:
        return LINGER_MS;
    default:
        return (uint64_t)(c->out_size ? o->write_ms : o->idle_ms);
    }
}

void srv_conn_enter(srv_conn *c, const srv_conn_env *e, srv_phase phase) {
    if (phase != c->phase || phase == SRV_PHASE_IDLE) c->began = e->now;
    c->phase = phase;
    /* An answer takes what the workers' own deadline allows; only taking it must go on. */
    c->deadline = phase == SRV_PHASE_ANSWER && !c->out_size ? UINT64_MAX : c->began + time_for(c, e->opts) * 1000000;
}

/* While an answer is sent each step of the client's has a time of its own: one that takes nothing for `write_ms`, with
 * bytes waiting for it, is given up, and one that takes a stream for hours is not. Where nothing waits there is no end:
 * the workers have their own deadline. */
static void pace(srv_conn *c, const srv_conn_env *e) {
    if (c->phase != SRV_PHASE_ANSWER) return;
    c->deadline = c->out_size ? e->now + (uint64_t)e->opts->write_ms * 1000000 : UINT64_MAX;
}

static void close_end(srv_end *end) {
    if (end->fd >= 0) close(end->fd);
    end->fd = -1;
    end->known = false;
}

void srv_conn_close(srv_conn *c, const srv_conn_env *e) {
    if (c->blocked) atomic_fetch_sub(e->blocked, 1);
    c->blocked = false;
    srv_tls_free(c->tls);
    c->tls = NULL;
    close_end(&c->client);
    close_end(&c->inner);
    fct_free(c->in);
    fct_free(c->out);
    c->in = c->out = NULL;
    c->in_size = c->out_size = c->out_from = 0;
}

/* Room for more in a buffer that holds `size` bytes; 0 when it is full or memory is out. */
static size_t room(char **buffer, size_t *capacity, size_t size) {
    if (size == SRV_CONN_BUFFER) return 0;
    if (size == *capacity) {
        char *p = fct_grow(*buffer, capacity, size + 1024 < SRV_CONN_BUFFER ? size + 1024 : SRV_CONN_BUFFER, 1);
        if (!p) return 0;
        *buffer = p;
    }
    size_t most = *capacity < SRV_CONN_BUFFER ? *capacity : SRV_CONN_BUFFER;
    return most - size;
}

static void forget(char **buffer, size_t *capacity) {
    fct_free(*buffer);
    *buffer = NULL;
    *capacity = 0;
}

/* Reads from the client like recv(), through TLS where there is some. */
static ptrdiff_t read_client(srv_conn *c, void *data, size_t n) {
    if (c->tls) return srv_tls_read(c->tls, data, n);
    ssize_t got = recv(c->client.fd, data, n, 0);
    if (got >= 0) return got;
    return errno == EAGAIN || errno == EINTR ? SRV_TLS_LATER : SRV_TLS_FAILED;
}

static ptrdiff_t write_client(srv_conn *c, const void *data, size_t n) {
    if (c->tls) return srv_tls_write(c->tls, data, n);
    ssize_t sent = send(c->client.fd, data, n, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EINTR ? SRV_TLS_LATER : SRV_TLS_FAILED;
}

static bool between_requests(const srv_conn *c) { return c->guard.state == SRV_GUARD_HEAD && c->in_size == 0; }

static bool may_read(const srv_conn *c, const srv_conn_env *e) {
    if (c->ended || (c->last && c->phase != SRV_PHASE_LINGER)) return false;
    if (e->draining && between_requests(c) && c->phase != SRV_PHASE_LINGER) return false;
    return c->phase == SRV_PHASE_LINGER || c->in_size < SRV_CONN_BUFFER;
}

/* Takes what the client has sent; true where there was something. */
static bool pull_client(srv_conn *c, const srv_conn_env *e) {
    char thrown_away[4096];
    if (!may_read(c, e)) return false;
    bool linger = c->phase == SRV_PHASE_LINGER;
    size_t n = linger ? sizeof thrown_away : room(&c->in, &c->in_capacity, c->in_size);
    if (!n) return false;
    ptrdiff_t got = read_client(c, linger ? thrown_away : c->in + c->in_size, n);
    if (got == SRV_TLS_LATER) return false;
    if (got == SRV_TLS_FAILED) c->dead = true;
    else if (got == SRV_TLS_END) c->ended = true;
    else if (!linger) c->in_size += (size_t)got;
    return !c->dead;
}

/* Makes the local connection, for a client's first request. */
static bool open_inner(srv_conn *c, const srv_conn_env *e) {
    int pair[2];
    if (c->inner.fd >= 0) return true;
    if (!srv_socket_pair(pair)) return false;
    c->inner.fd = pair[0];
    c->peer = pair[1];
    return e->opts->connect(e->opts->user, pair[1], (struct sockaddr *)&c->from, c->from_size);
}

/* Whether the last request is answered completely. */
static bool all_answered(const srv_conn *c, const srv_conn_env *e) {
    return c->inner.fd < 0 || e->opts->answered(e->opts->user, c->peer) == c->asked;
}

/* libmicrohttpd gets one request at a time. Says so first and looks again then: whoever answers looks at the number
 * after that (srv_gate_answered()). */
static bool must_wait(srv_conn *c, const srv_conn_env *e) {
    bool wait = c->guard.state == SRV_GUARD_HEAD && !all_answered(c, e);
    if (wait != c->blocked) atomic_fetch_add(e->blocked, wait ? 1 : -1);
    c->blocked = wait;
    return wait && !all_answered(c, e);
}

/* Asks the guard about bytes that came. True where some may go on. */
static bool ask_guard(srv_conn *c, const srv_conn_env *e) {
    srv_guard_fault fault;
    bool head = c->guard.state == SRV_GUARD_HEAD;
    if (c->in_size == 0 || must_wait(c, e)) return false;
    c->allowed = srv_guard_feed(&c->guard, c->in, c->in_size, &fault);
    if (fault.status) {
        srv_conn_refuse(c, e, fault.status, fault.why);
        return false;
    }
    if (!c->allowed) {
        if (head && c->phase != SRV_PHASE_HEAD) srv_conn_enter(c, e, SRV_PHASE_HEAD);
        return false;
    }
    if (head && !open_inner(c, e)) {
        c->allowed = 0;
        srv_conn_refuse(c, e, 503, "the server has no room for another connection");
        return false;
    }
    c->asked += head;
    srv_conn_enter(c, e, c->guard.state == SRV_GUARD_HEAD ? SRV_PHASE_ANSWER : SRV_PHASE_BODY);
    return true;
}

/* Hands on what the guard has allowed. */
static bool pass_on(srv_conn *c, const srv_conn_env *e) {
    if (c->dead || c->last || (!c->allowed && !ask_guard(c, e))) return false;
    ssize_t sent = send(c->inner.fd, c->in, c->allowed, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    /* Where libmicrohttpd has closed its side, its last answer is still to be read, and nothing else counts. */
    if (sent < 0) sent = (ssize_t)c->allowed;
    c->in_size -= (size_t)sent;
    c->allowed -= (size_t)sent;
    memmove(c->in, c->in + sent, c->in_size);
    if (!c->in_size) forget(&c->in, &c->in_capacity);
    return true;
}

/* Takes what libmicrohttpd answers. */
static bool pull_inner(srv_conn *c, const srv_conn_env *e) {
    if (c->dead || c->inner.fd < 0) return false;
    size_t n = c->out_from == 0 ? room(&c->out, &c->out_capacity, c->out_size) : 0;
    if (!n) return false;
    ssize_t got = recv(c->inner.fd, c->out + c->out_size, n, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        if (!c->out_size) forget(&c->out, &c->out_capacity);
        return false;
    }
    if (got <= 0) {
        close_end(&c->inner);
        c->last = true;
        return true;
    }
    bool was_empty = c->out_size == 0;
    c->out_size += (size_t)got;
    if (was_empty) pace(c, e);
    return true;
}

void srv_conn_rest(srv_conn *c, const srv_conn_env *e) {
    if (c->phase == SRV_PHASE_IDLE || (c->phase == SRV_PHASE_ANSWER && all_answered(c, e)))
        srv_conn_enter(c, e, SRV_PHASE_IDLE);
}

void srv_conn_let_go(srv_conn *c) {
    close_end(&c->inner);
    c->asked = 0;
}

/* All was said: ends the connection, at once where the client has nothing more to say either. */
static void say_goodbye(srv_conn *c, const srv_conn_env *e) {
    if (c->tls) srv_tls_end(c->tls);
    if (c->ended || shutdown(c->client.fd, SHUT_WR)) c->dead = true;
    else srv_conn_enter(c, e, SRV_PHASE_LINGER);
}

/* Sends the client what there is for it. */
static bool push_client(srv_conn *c, const srv_conn_env *e) {
    if (c->dead || c->phase == SRV_PHASE_LINGER) return false;
    if (c->out_size == c->out_from) {
        if (c->last) say_goodbye(c, e);
        else if (c->ended && c->inner.fd < 0) c->dead = true;
        return false;
    }
    ptrdiff_t sent = write_client(c, c->out + c->out_from, c->out_size - c->out_from);
    if (sent == SRV_TLS_LATER) return false;
    if (sent < 0) {
        c->dead = true;
        return false;
    }
    c->out_from += (size_t)sent;
    if (c->out_from == c->out_size) {
        c->out_from = c->out_size = 0;
        forget(&c->out, &c->out_capacity);
    }
    pace(c, e);
    srv_conn_rest(c, e);
    return true;
}

/* The client has closed its side, and all that it sent is passed on. In the middle of a request that is the end; else
 * what it asked is still answered. */
static void end_of_client(srv_conn *c) {
    if (c->inner.fd < 0) c->dead = c->out_size == 0;
    else if (c->guard.state != SRV_GUARD_HEAD) c->dead = true;
    else if (!c->told_end) shutdown(c->inner.fd, SHUT_WR);
    c->told_end = true;
    if (c->phase == SRV_PHASE_LINGER) c->dead = true;
}

void srv_conn_step(srv_conn *c, const srv_conn_env *e) {
    bool moved = true;
    while (moved && !c->dead) {
        moved = pull_client(c, e);
        moved |= pass_on(c, e);
        moved |= pull_inner(c, e);
        moved |= push_client(c, e);
    }
    if (!c->in_size && c->in) forget(&c->in, &c->in_capacity);
    if (c->ended && !c->in_size && !c->dead) end_of_client(c);
}

void srv_conn_watch(const srv_conn *c, const srv_conn_env *e, uint32_t *client, uint32_t *inner) {
    bool unsent = c->out_size > c->out_from && c->phase != SRV_PHASE_LINGER;
    *client = (may_read(c, e) ? EPOLLIN : 0) | (unsent ? EPOLLOUT : 0);
    if (c->tls && srv_tls_wants_write(c->tls)) *client |= EPOLLOUT;
    *inner = (c->out_size < SRV_CONN_BUFFER && c->out_from == 0 ? EPOLLIN : 0) | (c->allowed ? EPOLLOUT : 0);
}

void srv_conn_refuse(srv_conn *c, const srv_conn_env *e, int status, const char *why) {
    fct_buf text = {0};
    srv_problem_response(&text, status, why);
    close_end(&c->inner);
    c->in_size = c->allowed = 0;
    c->last = true;
    if (e->opts->refused) e->opts->refused(e->opts->user, status);
    if (text.failed || c->out_size)
        c->dead = true; /* in the middle of another answer this one would not be understood */
    else {
        c->out = fct_buf_take(&text, &c->out_size);
        c->out_capacity = c->out_size;
        srv_conn_enter(c, e, SRV_PHASE_IDLE);
    }
    fct_buf_free(&text);
}

void srv_conn_expire(srv_conn *c, const srv_conn_env *e) {
    bool asks = c->phase == SRV_PHASE_HEAD || c->phase == SRV_PHASE_BODY;
    if (!asks || c->last) {
        c->dead = true;
        return;
    }
    srv_conn_refuse(c, e, 408,
                    c->phase == SRV_PHASE_HEAD ? "the header did not come in time" : "the body did not come in time");
    if (!c->dead) srv_conn_step(c, e);
}

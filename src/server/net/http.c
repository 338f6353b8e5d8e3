#include "server/http.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "server/net/mhd_load.h"
#include "server/problem.h"
#include "server/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTION_MEMORY = 96 * 1024, WORKERS_MOST = 64, STREAM_BLOCK = 16384, FILES_MOST = 1 << 20 };

/* How far a request has come. */
typedef enum call_state { CALL_READS, CALL_REFUSED, CALL_WORKS, CALL_ANSWERED } call_state;

typedef struct http_call {
    srv_http *http;
    struct MHD_Connection *connection;
    srv_request req;
    srv_reply reply;
    call_state state;
    bool has_body, sent;
    uint64_t held; /* bytes of `most_held` that this one has */
    struct http_call *next;
} http_call;

struct srv_http {
    srv_http_opts opts;
    struct MHD_Daemon *daemon;
    fct_mutex lock;
    fct_cond work;
    http_call *first, *last; /* whole requests that wait */
    int waiting;
    bool stopping;
    atomic_int active;
    atomic_bool draining;
    _Atomic uint64_t held;
    atomic_uint *answered; /* [FILES_MOST], owned: by file descriptor */
    fct_thread workers[WORKERS_MOST];
    int n_workers;
};

/* ---- What came ---------------------------------------------------------------------------- */

/* Where pairs go; `bad` when one of them could not be taken. */
typedef struct pair_reader {
    srv_request *r;
    bool bad;
} pair_reader;

static enum MHD_Result add_field(void *user, enum MHD_ValueKind kind, const char *name, const char *value) {
    pair_reader *p = user;
    if (!srv_pair_add(p->r->fields, &p->r->n_fields, name, value ? value : "")) p->bad = true;
    return p->bad ? MHD_NO : MHD_YES;
}

/* Decodes one in place; '+' is a blank there, as forms and most HTTP clients have it. */
static bool decode_query(char *text) {
    for (char *p = text; *p; p++)
        if (*p == '+') *p = ' ';
    return srv_percent_decode(text);
}

/* Adds a member of the query, decoded. libmicrohttpd was told to leave that to us (keep_escapes()). */
static enum MHD_Result add_query(void *user, enum MHD_ValueKind kind, const char *name, const char *value) {
    pair_reader *p = user;
    if (!srv_pair_add(p->r->query, &p->r->n_query, name, value ? value : "")) p->bad = true;
    else {
        srv_pair *pair = &p->r->query[p->r->n_query - 1];
        p->bad = !decode_query(pair->name) || !decode_query(pair->value);
    }
    return p->bad ? MHD_NO : MHD_YES;
}

/* Paths are decoded segment by segment, so that an encoded '/' is part of its segment. */
static size_t keep_escapes(void *user, struct MHD_Connection *c, char *text) { return strlen(text); }

static void read_peer(const struct sockaddr *a, srv_request *r) {
    if (a && a->sa_family == AF_INET) {
        const struct in_addr *in = &((const struct sockaddr_in *)a)->sin_addr;
        inet_ntop(AF_INET, in, r->peer, sizeof r->peer);
        r->loopback = ntohl(in->s_addr) >> 24 == 127;
    } else if (a && a->sa_family == AF_INET6) {
        const struct in6_addr *in = &((const struct sockaddr_in6 *)a)->sin6_addr;
        inet_ntop(AF_INET6, in, r->peer, sizeof r->peer);
        r->loopback = IN6_IS_ADDR_LOOPBACK(in);
    } else {
        strcpy(r->peer, "local");
        r->loopback = true; /* a socket of this machine */
    }
}

/* An id that the client chose is kept if it can do no harm in a header or a log. */
static void choose_id(srv_request *r) {
    const char *given = srv_request_field(r, "X-Request-Id");
    size_t n = given ? strlen(given) : 0;
    bool fine = n > 0 && n < sizeof r->id;
    for (size_t i = 0; i < n && fine; i++)
        fine = (given[i] >= '0' && given[i] <= '9') || (given[i] >= 'a' && given[i] <= 'z') ||
               (given[i] >= 'A' && given[i] <= 'Z') || strchr("._-", given[i]);
    if (fine) strcpy(r->id, given);
    else srv_new_id(r->id);
}

static srv_method find_method(const char *name) {
    static const struct {
        const char *name;
        srv_method method;
    } methods[] = {{"GET", SRV_GET}, {"HEAD", SRV_GET},    {"POST", SRV_POST},
                   {"PUT", SRV_PUT}, {"PATCH", SRV_PATCH}, {"DELETE", SRV_DELETE}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(name, methods[i].name) == 0) return methods[i].method;
    return 0;
}

/* Copies the head into the request. False where its query is faulty or there is no memory. */
static bool read_head(http_call *c, const char *url, const char *method) {
    srv_request *r = &c->req;
    const union MHD_ConnectionInfo *from = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    r->began = fct_time_ns();
    r->deadline = r->began + (uint64_t)c->http->opts.timeout_ms * 1000000;
    r->method = find_method(method);
    r->path = fct_strdup(url);
    read_peer(from ? from->client_addr : NULL, r);
    pair_reader p = {.r = r};
    MHD_get_connection_values(c->connection, MHD_HEADER_KIND, add_field, &p);
    choose_id(r);
    if (!p.bad) MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, add_query, &p);
    const char *length = srv_request_field(r, "Content-Length");
    c->has_body = (length && strcmp(length, "0") != 0) || srv_request_field(r, "Transfer-Encoding");
    return r->path && !p.bad;
}

/* Takes n bytes of the common room for bodies, if there are so many left. */
static bool hold(http_call *c, uint64_t n) {
    srv_http *h = c->http;
    if (atomic_fetch_add(&h->held, n) + n > h->opts.most_held) {
        atomic_fetch_sub(&h->held, n);
        return false;
    }
    c->held += n;
    return true;
}

/* ---- Answers ---------------------------------------------------------------------------------- */

static void add_to_response(void *response, const char *name, const char *value) {
    MHD_add_response_header(response, name, value);
}

static void suspend(void *connection) { MHD_suspend_connection(connection); }
static void resume(void *connection) { MHD_resume_connection(connection); }

/* libmicrohttpd asks for more of an answer that is made while it is sent. */
static ssize_t read_stream(void *call, uint64_t at, char *data, size_t n) {
    http_call *c = call;
    ptrdiff_t got = srv_stream_read(c->reply.stream, data, n, suspend, resume, c->connection);
    if (got == SRV_STREAM_END) return MHD_CONTENT_READER_END_OF_STREAM;
    return got == SRV_STREAM_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)got;
}

/* The response that libmicrohttpd sends; the body's memory goes over to it. */
static struct MHD_Response *make_response(http_call *c) {
    srv_reply *out = &c->reply;
    if (out->stream) return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, c, NULL);
    size_t size = 0;
    char *data = fct_buf_take(&out->body, &size);
    if (!data) return NULL;
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(size, data, fct_free);
    if (!r) fct_free(data);
    return r;
}

static void add_fields(http_call *c, struct MHD_Response *r) {
    const srv_reply *out = &c->reply;
    char seconds[16];
    const char *type = out->stream ? out->stream_type : out->type;
    srv_security_fields(add_to_response, r, out->policy, out->cache);
    MHD_add_response_header(r, "X-Request-Id", c->req.id);
    if (out->id_field) MHD_add_response_header(r, out->id_field, c->req.id);
    if (type && *type) MHD_add_response_header(r, "Content-Type", type);
    if (*out->etag) MHD_add_response_header(r, "ETag", out->etag);
    if (out->gzip) MHD_add_response_header(r, "Content-Encoding", "gzip");
    if (out->varies) MHD_add_response_header(r, "Vary", "Accept-Encoding");
    if (out->allow) MHD_add_response_header(r, "Allow", out->allow);
    if (*out->location) MHD_add_response_header(r, "Location", out->location);
    if (out->challenge) MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
    if (out->replayed) MHD_add_response_header(r, "Idempotency-Replayed", "true");
    if (out->retry_after) {
        snprintf(seconds, sizeof seconds, "%d", out->retry_after);
        MHD_add_response_header(r, "Retry-After", seconds);
    }
    /* A request whose body was not read must be the connection's last: the rest of it is no request. */
    if (atomic_load(&c->http->draining) || (c->state == CALL_REFUSED && c->has_body))
        MHD_add_response_header(r, "Connection", "close");
}

static enum MHD_Result send_reply(http_call *c) {
    struct MHD_Response *r = make_response(c);
    if (!r) return MHD_NO;
    c->sent = true;
    add_fields(c, r);
    enum MHD_Result sent = MHD_queue_response(c->connection, (unsigned)c->reply.status, r);
    MHD_destroy_response(r);
    return sent;
}

/* The answer is a refusal. One that comes before a body has been read ends the connection; where there is none, the
 * answer waits for the library's next call, after which the connection goes on. */
static enum MHD_Result answer_refusal(http_call *c) {
    c->state = CALL_REFUSED;
    return c->has_body ? send_reply(c) : MHD_YES;
}

static enum MHD_Result refuse(http_call *c, int status, const char *code, const char *text) {
    c->http->opts.refuse(c->http->opts.user, &c->req, &c->reply, status, code, text);
    return answer_refusal(c);
}

/* ---- Calls -------------------------------------------------------------------------------------- */

static http_call *next_call(srv_http *h) {
    fct_mutex_lock(&h->lock);
    while (!h->first && !h->stopping) fct_cond_wait(&h->work, &h->lock);
    http_call *c = h->first;
    if (c) {
        h->first = c->next;
        if (!h->first) h->last = NULL;
        h->waiting--;
    }
    fct_mutex_unlock(&h->lock);
    return c;
}

/* Answers one request after the other; at the end of the server those that still wait, too. */
static void work(void *arg) {
    srv_http *h = arg;
    for (http_call *c; (c = next_call(h));) {
        if (fct_time_ns() > c->req.deadline)
            h->opts.refuse(h->opts.user, &c->req, &c->reply, 503, "request_timeout", "the request waited too long");
        else h->opts.handle(h->opts.user, &c->req, &c->reply);
        srv_stream *stream = c->reply.stream;
        if (stream) srv_stream_retain(stream);
        c->state = CALL_ANSWERED;
        MHD_resume_connection(c->connection); /* from here on c belongs to the connection's thread */
        if (stream) srv_stream_pump(stream);
        srv_stream_release(stream);
    }
}

/* Leaves a whole request to the workers, or refuses it where too many wait. The connection sleeps before a worker can
 * see the request, since that one wakes it. */
static enum MHD_Result enqueue(http_call *c) {
    srv_http *h = c->http;
    fct_mutex_lock(&h->lock);
    bool full = h->waiting >= h->opts.queue || h->stopping;
    if (!full) {
        c->state = CALL_WORKS;
        MHD_suspend_connection(c->connection);
        if (h->last) h->last->next = c;
        else h->first = c;
        h->last = c;
        h->waiting++;
        fct_cond_signal(&h->work);
    }
    fct_mutex_unlock(&h->lock);
    if (!full) return MHD_YES;
    c->has_body = false; /* it was read: the connection may go on */
    refuse(c, 503, "not_ready", "too many requests wait for an answer");
    return send_reply(c);
}

static enum MHD_Result begin_call(srv_http *h, struct MHD_Connection *connection, const char *url, const char *method,
                                  void **state) {
    http_call *c = fct_calloc(1, sizeof *c);
    if (!c) return MHD_NO;
    *state = c;
    c->http = h;
    c->connection = connection;
    atomic_fetch_add(&h->active, 1);
    if (!read_head(c, url, method)) return refuse(c, 400, "invalid_request", "the query or the header is faulty");
    if (!h->opts.begin(h->opts.user, &c->req, &c->reply)) return answer_refusal(c);
    const char *length = srv_request_field(&c->req, "Content-Length");
    if (length && !hold(c, strtoull(length, NULL, 10)))
        return refuse(c, 503, "not_ready", "the bodies of other requests take all the room there is");
    return MHD_YES;
}

/* Keeps a piece of the body. */
static enum MHD_Result add_body(http_call *c, const char *data, size_t *n) {
    fct_buf *b = &c->req.body;
    if (c->state != CALL_READS) {
        *n = 0; /* refused already; the rest is thrown away */
        return MHD_YES;
    }
    uint64_t need = (uint64_t)b->size + *n;
    if (need > c->http->opts.most_body) return MHD_NO; /* the gate has let too much through */
    if (need > c->held && !hold(c, need - c->held)) return MHD_NO;
    fct_buf_add(b, data, *n);
    *n = 0;
    return b->failed ? MHD_NO : MHD_YES;
}

/* libmicrohttpd's callback: for a head, for each piece of its body, at the end of that, and after a worker is done. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **state) {
    http_call *c = *state;
    if (!c) return begin_call(user, connection, url, method, state);
    if (c->state == CALL_ANSWERED) return send_reply(c);
    if (*size) return add_body(c, data, size);
    if (c->state == CALL_REFUSED && !c->sent) return send_reply(c);
    return c->state == CALL_READS ? enqueue(c) : MHD_YES;
}

static void on_done(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why) {
    http_call *c = *state;
    srv_http *h = user;
    if (!c) return;
    h->opts.done(h->opts.user, &c->req, &c->reply);
    if (c->reply.stream) srv_stream_abandon(c->reply.stream);
    atomic_fetch_sub(&h->held, c->held);
    srv_request_free(&c->req);
    srv_reply_free(&c->reply);
    fct_free(c);
    *state = NULL;
    atomic_fetch_sub(&h->active, 1);
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (fd && fd->connect_fd >= 0 && fd->connect_fd < FILES_MOST) atomic_fetch_add(&h->answered[fd->connect_fd], 1);
    h->opts.answered(h->opts.user);
}

/* ---- The whole ----------------------------------------------------------------------------------- */

static void end_workers(srv_http *h) {
    fct_mutex_lock(&h->lock);
    h->stopping = true;
    fct_cond_broadcast(&h->work);
    fct_mutex_unlock(&h->lock);
    for (int i = 0; i < h->n_workers; i++) fct_thread_join(&h->workers[i]);
}

void srv_http_stop(srv_http *h) {
    if (!h) return;
    end_workers(h);
    if (h->daemon) MHD_stop_daemon(h->daemon);
    fct_cond_destroy(&h->work);
    fct_mutex_destroy(&h->lock);
    fct_free(h->answered);
    fct_free(h);
}

/* Starts libmicrohttpd without a socket of its own: connections come by srv_http_connect(). */
static struct MHD_Daemon *start_daemon(srv_http *h) {
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, h, MHD_OPTION_NOTIFY_COMPLETED, on_done, h,
                            MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, 1000000u, MHD_OPTION_END);
}

void srv_http_prepare(void) { srv_mhd_load(); }

fct_status srv_http_start(const srv_http_opts *o, srv_http **out, fct_error *err) {
    *out = NULL;
    if (!srv_mhd_load())
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "libmicrohttpd is not installed (libmicrohttpd12): no server without it");
    srv_http *h = fct_calloc(1, sizeof *h);
    if (!h) return fct_fail_nomem(err, "server", 0);
    h->opts = *o;
    fct_mutex_init(&h->lock);
    fct_cond_init(&h->work);
    h->answered = fct_calloc(FILES_MOST, sizeof *h->answered);
    h->daemon = h->answered ? start_daemon(h) : NULL;
    fct_status s = h->daemon ? FCT_OK : fct_fail(err, FCT_ERR_INTERNAL, "libmicrohttpd does not start");
    int n = o->workers < WORKERS_MOST ? o->workers : WORKERS_MOST;
    while (!s && h->n_workers < n) {
        s = fct_thread_start(&h->workers[h->n_workers], work, h, err);
        h->n_workers += !s;
    }
    if (s) srv_http_stop(h);
    else *out = h;
    return s;
}

bool srv_http_connect(srv_http *h, int fd, const struct sockaddr *from, unsigned from_size) {
    if (fd >= 0 && fd < FILES_MOST) atomic_store(&h->answered[fd], 0);
    return MHD_add_connection(h->daemon, fd, from, from_size) == MHD_YES; /* closes fd where it fails */
}

unsigned srv_http_answered(srv_http *h, int fd) {
    return fd >= 0 && fd < FILES_MOST ? atomic_load(&h->answered[fd]) : 0;
}

int srv_http_active(srv_http *h) { return atomic_load(&h->active); }

int srv_http_waiting(srv_http *h) {
    fct_mutex_lock(&h->lock);
    int n = h->waiting;
    fct_mutex_unlock(&h->lock);
    return n;
}

void srv_http_drain(srv_http *h) { atomic_store(&h->draining, true); }

#include "server/idempotency.h"

#include "base/alloc.h"
#include "base/draft.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "server/multipart.h"
#include "server/once_log.h"
#include "server/problem.h"

#include <string.h>

static const uint64_t day_ns = (uint64_t)86400 * 1000000000;

fct_status srv_idempotency_init(srv_idempotency *d, fct_error *err) {
    *d = (srv_idempotency){0};
    fct_mutex_init(&d->lock);
    d->at = fct_calloc(SRV_IDEMPOTENCY_MOST, sizeof *d->at);
    return d->at ? FCT_OK : fct_fail_nomem(err, "answers", 0);
}

void srv_idempotency_free(srv_idempotency *d) {
    for (int i = 0; d->at && i < SRV_IDEMPOTENCY_MOST; i++) fct_free(d->at[i].body);
    fct_free(d->at);
    if (d->log) fclose(d->log);
    fct_free(d->path);
    fct_mutex_destroy(&d->lock);
}

static void add_text(fct_sha256 *h, const char *text) { fct_sha256_update(h, text, strlen(text) + 1); }

/* Form data has a new boundary each time it is sent: the body counts without it. */
static void add_body(fct_sha256 *h, const srv_request *r) {
    char boundary[71];
    const char *p = r->body.data, *end = p + r->body.size;
    if (!r->body.size) return;
    if (srv_multipart_boundary(srv_request_field(r, "Content-Type"), boundary)) {
        size_t n = strlen(boundary);
        for (const char *at; (at = memmem(p, (size_t)(end - p), boundary, n)); p = at + n)
            fct_sha256_update(h, p, (size_t)(at - p));
    }
    fct_sha256_update(h, p, (size_t)(end - p));
}

/* What the request asks for: method, path, query and body. */
static void fingerprint(const srv_request *r, char out[65]) {
    fct_sha256 h;
    fct_sha256_init(&h);
    fct_sha256_update(&h, &r->method, sizeof r->method);
    add_text(&h, r->path);
    for (int i = 0; i < r->n_query; i++) {
        add_text(&h, r->query[i].name);
        add_text(&h, r->query[i].value);
    }
    add_body(&h, r);
    fct_sha256_final_hex(&h, out);
}

/* The place of an earlier request, or a free one, or that of the oldest answer; NULL where all are running. */
static srv_idempotent *find(srv_idempotency *d, const char *scope, uint64_t now) {
    srv_idempotent *best = NULL;
    for (int i = 0; i < SRV_IDEMPOTENCY_MOST; i++) {
        srv_idempotent *x = &d->at[i];
        if (x->scope[0] && !x->running && now - x->at > day_ns) x->scope[0] = 0;
        if (strcmp(x->scope, scope) == 0) return x;
        if (x->running) continue;
        if (!best || !x->scope[0] || (best->scope[0] && x->at < best->at)) best = x;
    }
    return best;
}

static srv_idempotency_result replay(const srv_idempotent *x, const char *print, srv_reply *out) {
    if (strcmp(x->print, print) != 0) return SRV_ONCE_OTHER;
    if (x->running) return SRV_ONCE_RUNS;
    if (x->unanswered) return SRV_ONCE_AGAIN;
    out->status = x->status;
    out->type = x->type;
    strcpy(out->location, x->location);
    out->replayed = true;
    fct_buf_add(&out->body, x->body, x->size);
    return SRV_ONCE_REPLAYED;
}

/* ---- The log ------------------------------------------------------------------------------------- */

enum { LOG_MOST = 32 << 20 }; /* bytes; of more, what is of no use any more is dropped */

static bool write_begin(FILE *f, const srv_idempotent *x, bool flush) {
    srv_once_line line = {.at = fct_time_unix() - (int64_t)((fct_time_ns() - x->at) / 1000000000)};
    memcpy(line.scope, x->scope, sizeof line.scope);
    memcpy(line.print, x->print, sizeof line.print);
    return srv_once_write(f, &line, flush);
}

static bool write_end(const srv_idempotency *d, FILE *f, const char *scope, const srv_reply *reply, bool flush) {
    srv_once_line line = {.end = true, .status = reply->status};
    memcpy(line.scope, scope, sizeof line.scope);
    memcpy(line.location, reply->location, sizeof line.location);
    bool text = reply->body.size && reply->type && reply->body.size <= SRV_ONCE_BODY;
    line.withheld = reply->body.size && (!d->bodies || !text || reply->secret);
    line.body = reply->body.size && !line.withheld ? reply->body.data : NULL; /* borrowed */
    return srv_once_write(f, &line, flush);
}

/* Writes all that is of use into a new file, which takes the old one's place. */
static fct_status shorten(srv_idempotency *d, fct_error *err) {
    fct_draft *draft;
    bool good = true;
    fct_status s = fct_draft_open(d->path, FCT_DRAFT_PRIVATE, &draft, err);
    if (s) return s;
    for (int i = 0; i < SRV_IDEMPOTENCY_MOST && good; i++) {
        const srv_idempotent *x = &d->at[i];
        srv_reply reply = {.status = x->status, .type = x->type, .secret = x->secret};
        if (!x->scope[0]) continue;
        strcpy(reply.location, x->location);
        fct_buf_add(&reply.body, x->body ? x->body : "", x->size);
        good = !reply.body.failed && write_begin(fct_draft_file(draft), x, false) &&
               (x->running || x->unanswered || write_end(d, fct_draft_file(draft), x->scope, &reply, false));
        fct_buf_free(&reply.body);
    }
    s = good ? fct_draft_commit(draft, err) : fct_fail(err, FCT_ERR_IO, "%s: cannot be written", d->path);
    if (!good) fct_draft_discard(draft);
    FILE *f = s ? NULL : fct_fopen(d->path, "ab");
    if (!s && !f) s = fct_fail(err, FCT_ERR_IO, "%s: cannot be written", d->path);
    if (!f) return s;
    fclose(d->log);
    d->log = f;
    return FCT_OK;
}

/* Notes that a request begins, or its answer. What cannot be written is not known after a restart. */
static void note(srv_idempotency *d, const srv_idempotent *x, const srv_reply *reply) {
    fct_error e = {0};
    if (!d->log) return;
    bool good = reply ? write_end(d, d->log, x->scope, reply, true) : write_begin(d->log, x, true);
    if (good && ftell(d->log) > LOG_MOST) good = !shorten(d, &e);
    if (!good) fct_log(FCT_LOG_WARN, "the log of requests cannot be written %s", e.text);
}

/* Takes a line of the log: what is older than a day, or failed, is forgotten. */
static void take_line(void *user, srv_once_line *line) {
    srv_idempotency *d = user;
    uint64_t now = fct_time_ns();
    int64_t age = fct_time_unix() - line->at;
    srv_idempotent *x = find(d, line->scope, now);
    bool known = x && strcmp(x->scope, line->scope) == 0;
    if (!line->end && x && age >= 0 && age < 86400) {
        uint64_t past = (uint64_t)age * 1000000000;
        fct_free(x->body);
        *x = (srv_idempotent){.unanswered = true, .at = now > past ? now - past : 0};
        memcpy(x->scope, line->scope, sizeof x->scope);
        memcpy(x->print, line->print, sizeof x->print);
    } else if (line->end && known && line->status >= 500) x->scope[0] = 0;
    else if (line->end && known && !line->withheld) {
        x->unanswered = false;
        x->status = line->status;
        x->type = line->body ? line->status < 400 ? "application/json" : SRV_PROBLEM_TYPE : NULL;
        strcpy(x->location, line->location);
        fct_free(x->body);
        x->body = line->body;
        x->size = line->body ? strlen(line->body) : 0;
        line->body = NULL;
    }
}

fct_status srv_idempotency_keep(srv_idempotency *d, const char *path, bool bodies, fct_error *err) {
    d->bodies = bodies;
    d->path = fct_strdup(path);
    if (!d->path) return fct_fail_nomem(err, "requests", 0);
    fct_status s = srv_once_open(path, take_line, d, &d->log, err);
    return s || ftell(d->log) < LOG_MOST / 4 ? s : shorten(d, err);
}

/* ---- Requests ------------------------------------------------------------------------------------ */

srv_idempotency_result srv_idempotency_begin(srv_idempotency *d, const srv_request *r, srv_reply *out,
                                             srv_idempotent **slot) {
    const char *key = srv_request_field(r, "Idempotency-Key");
    char scope[65], print[65];
    fct_sha256 h;
    *slot = NULL;
    if (!key) return SRV_ONCE_GO;
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)key[i] < 33 || (unsigned char)key[i] > 126) return SRV_ONCE_BAD;
    if (n < 1 || n > 255) return SRV_ONCE_BAD;
    fct_sha256_init(&h);
    add_text(&h, r->key_id);
    add_text(&h, key);
    fct_sha256_final_hex(&h, scope);
    fingerprint(r, print);
    fct_mutex_lock(&d->lock);
    uint64_t now = fct_time_ns();
    srv_idempotent *x = find(d, scope, now);
    srv_idempotency_result result = SRV_ONCE_GO;
    if (x && strcmp(x->scope, scope) == 0) result = replay(x, print, out);
    else if (x) {
        fct_free(x->body);
        *x = (srv_idempotent){.running = true, .at = now};
        strcpy(x->scope, scope);
        strcpy(x->print, print);
        *slot = x;
        note(d, x, NULL);
    }
    if (result == SRV_ONCE_AGAIN) {
        x->running = true;
        x->unanswered = false;
        *slot = x;
    }
    fct_mutex_unlock(&d->lock);
    return result;
}

void srv_idempotency_end(srv_idempotency *d, srv_idempotent *x, const srv_reply *reply) {
    if (!x) return;
    fct_mutex_lock(&d->lock);
    x->running = false;
    x->status = reply->status;
    x->type = reply->type;
    x->size = reply->body.size;
    strcpy(x->location, reply->location);
    fct_free(x->body);
    x->body = fct_alloc(x->size);
    if (x->body && x->size) memcpy(x->body, reply->body.data, x->size);
    x->secret = reply->secret;
    note(d, x, reply);
    if (!x->body || reply->status >= 500 || reply->stream) x->scope[0] = 0;
    fct_mutex_unlock(&d->lock);
}

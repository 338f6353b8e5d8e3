#include "server/idempotency.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "server/multipart.h"

#include <string.h>

static const uint64_t day_ns = (uint64_t)86400 * 1000000000;

fct_status srv_idempotency_init(srv_idempotency *d, fct_error *err) {
    fct_mutex_init(&d->lock);
    d->at = fct_calloc(SRV_IDEMPOTENCY_MOST, sizeof *d->at);
    return d->at ? FCT_OK : fct_fail_nomem(err, "answers", 0);
}

void srv_idempotency_free(srv_idempotency *d) {
    for (int i = 0; d->at && i < SRV_IDEMPOTENCY_MOST; i++) fct_free(d->at[i].body);
    fct_free(d->at);
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
    out->status = x->status;
    out->type = x->type;
    strcpy(out->location, x->location);
    out->replayed = true;
    fct_buf_add(&out->body, x->body, x->size);
    return SRV_ONCE_REPLAYED;
}

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
    x->body = fct_alloc(x->size);
    if (x->body && x->size) memcpy(x->body, reply->body.data, x->size);
    if (!x->body || reply->status >= 500 || reply->stream) x->scope[0] = 0;
    fct_mutex_unlock(&d->lock);
}

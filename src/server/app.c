#include "server/app.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "facet/privacy.h"
#include "server/collections.h"
#include "server/problem.h"

#include <stdio.h>
#include <string.h>

/* ---- Saying no ------------------------------------------------------------------------------------- */

void srv_fail(const srv_request *r, srv_reply *out, int status, const char *code, const char *text) {
    const srv_dialect *d = r->dialect ? r->dialect : &srv_facet_dialect;
    fct_buf_clear(&out->body);
    out->location[0] = 0;
    out->challenge = status == 401;
    if (status == 503 && !out->retry_after) out->retry_after = 1;
    d->fail(out, status, code, text, r->id);
}

void srv_app_refuse(void *user, srv_request *r, srv_reply *out, int status, const char *code, const char *text) {
    srv_fail(r, out, status, code, text);
}

void srv_fail_form(const srv_request *r, srv_reply *out, const fct_error *e) {
    if (e->code == FCT_ERR_UNSUPPORTED) srv_fail(r, out, 415, "invalid_request", e->text);
    else if (e->code == FCT_ERR_LIMIT) srv_fail(r, out, 413, "request_too_large", e->text);
    else if (e->code == FCT_ERR_NOMEM) srv_fail(r, out, 503, "not_ready", e->text);
    else srv_fail(r, out, 400, "invalid_request", e->text);
}

void srv_fail_call(const srv_request *r, srv_reply *out, const fct_error *e) {
    static const struct {
        fct_status s;
        int status;
        const char *code;
    } map[] = {
        {FCT_ERR_ARG, 400, "invalid_request"},
        {FCT_ERR_NOT_FOUND, 404, "resource_not_found"},
        {FCT_ERR_EXISTS, 409, "person_exists"},
        {FCT_ERR_MISMATCH, 409, "collection_model_mismatch"},
        {FCT_ERR_BUSY, 503, "not_ready"},
        {FCT_ERR_NOMEM, 503, "not_ready"},
        {FCT_ERR_CANCELLED, 503, "request_timeout"},
        {FCT_ERR_LIMIT, 413, "request_too_large"},
        {FCT_ERR_NETWORK, 502, "stream_unavailable"},
    };
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (map[i].s == e->code) {
            srv_fail(r, out, map[i].status, map[i].code, e->text);
            return;
        }
    /* What is wrong inside is for the log, not for a stranger. */
    fct_log(FCT_LOG_ERROR, "request %s: %s", r->id, e->text);
    srv_fail(r, out, 500, "internal_error", "the server could not do this; its log says why");
}

void srv_fail_picture(const srv_request *r, srv_reply *out, const fct_error *e) {
    if (e->code == FCT_ERR_FORMAT || e->code == FCT_ERR_UNSUPPORTED) srv_fail(r, out, 422, "invalid_image", e->text);
    else if (e->code == FCT_ERR_LIMIT) srv_fail(r, out, 413, "image_too_large", e->text);
    else srv_fail_call(r, out, e);
}

void srv_reply_json(srv_reply *out, int status, fct_json_writer *j) {
    fct_buf_clear(&out->body);
    out->status = status;
    out->type = "application/json";
    fct_json_to_buf(j, &out->body);
}

bool srv_reply_names(srv_app *app, const srv_request *r, const char *key, srv_reply *out, fct_json_writer *j, int *n) {
    fct_person *people;
    fct_error e;
    if (fct_gallery_people(app->core.gallery, &people, n, &e)) {
        srv_fail_call(r, out, &e);
        return false;
    }
    srv_reply_json(out, 200, j);
    fct_json_object(j, NULL);
    fct_json_array(j, key);
    for (int i = 0; i < *n; i++) fct_json_text(j, NULL, people[i].name);
    fct_json_close_array(j);
    fct_gallery_people_free(people);
    return true;
}

double srv_elapsed_ms(const srv_request *r) { return (double)(fct_time_ns() - r->began) / 1e6; }

/* ---- Keys -------------------------------------------------------------------------------------------- */

fct_status srv_app_read_keys(srv_app *app, fct_error *err) {
    srv_keys keys;
    fct_status s = srv_keys_read(app->keys_path, &keys, err);
    if (s) return s;
    fct_mutex_lock(&app->keys_lock);
    srv_keys old = app->keys;
    app->keys = keys;
    fct_mutex_unlock(&app->keys_lock);
    srv_keys_free(&old);
    return FCT_OK;
}

/* Gives the request what its key may do. */
static void take_rights(srv_request *r, const srv_key *k) {
    r->role = k->role;
    strcpy(r->key_id, k->id);
    strcpy(r->collection, k->collection);
}

/* The same of the key with this text. False where there is no such key. */
static bool use_key(srv_app *app, srv_request *r, const char *text) {
    fct_mutex_lock(&app->keys_lock);
    const srv_key *k = srv_keys_check(&app->keys, text);
    if (k) take_rights(r, k);
    fct_mutex_unlock(&app->keys_lock);
    return k != NULL;
}

/* The key with this id; under the keys' lock. NULL = there is none. */
static const srv_key *key_by_id(const srv_app *app, const char *id) {
    for (size_t i = 0; i < app->keys.n; i++)
        if (strcmp(app->keys.at[i].id, id) == 0) return &app->keys.at[i];
    return NULL;
}

bool srv_app_is_key(void *user, const char *key_id) {
    srv_app *app = user;
    fct_mutex_lock(&app->keys_lock);
    bool is = !app->auth || key_by_id(app, key_id);
    fct_mutex_unlock(&app->keys_lock);
    return is;
}

static bool too_often(srv_request *r, srv_reply *out, int seconds, const char *text) {
    out->retry_after = seconds;
    srv_fail(r, out, 429, "too_many_requests", text);
    return false;
}

bool srv_app_wrong(srv_app *app, srv_request *r, srv_reply *out, const char *code, const char *text) {
    int wait = srv_rate_take(&app->failures, r->peer, fct_time_ns());
    if (wait) return too_often(r, out, wait, "too many wrong API keys came from this address");
    srv_fail(r, out, 401, code, text);
    return false;
}

static bool wrong_key(srv_app *app, srv_request *r, srv_reply *out) {
    return srv_app_wrong(app, r, out, "unauthorized", "there is no such API key");
}

/* Whether a key that is limited to a collection may use a route of facet's own interface: one that works in this
 * collection, or in none. In other dialects the key chooses the collection. */
static bool has_collection(const srv_request *r) {
    static const char *const without[] = {"/v1/health", "/v1/openapi.json", "/v1/system",  "/v1/models",
                                          "/v1/detect", "/v1/embeddings",   "/v1/compare", "/v1/keys/current"};
    const char *path = r->route->path, head[] = "/v1/collections/{}";
    if (!*r->collection || r->dialect != &srv_facet_dialect) return true;
    if (strncmp(path, head, sizeof head - 1) == 0) return strcmp(r->params[0], r->collection) == 0;
    if (strncmp(path, "/v1/jobs", 8) == 0) return true; /* they look at the collection themselves */
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
        if (strcmp(path, without[i]) == 0) return true;
    return false;
}

static bool has_role(srv_request *r, srv_reply *out) {
    if (r->role >= r->route->role && has_collection(r)) return true;
    srv_fail(r, out, 403, "forbidden", "this API key may not do that");
    return false;
}

bool srv_app_take_signer(srv_app *app, srv_request *r, const char *access_id, char secret[SRV_KEY_TEXT],
                         srv_reply *out) {
    fct_mutex_lock(&app->keys_lock);
    const srv_key *k = srv_keys_signing(&app->keys, access_id);
    if (k) take_rights(r, k);
    if (k && secret) strcpy(secret, k->secret);
    fct_mutex_unlock(&app->keys_lock);
    return k ? has_role(r, out) : srv_app_wrong(app, r, out, "unauthorized", "there is no such access key");
}

/* Gives the request the rights of a reader, for a ticket in place of a key. The key that it was made for must still be
 * there. A ticket that is over is no attempt to guess one. */
static bool use_ticket(srv_app *app, srv_request *r, const char *text, srv_reply *out) {
    char id[17];
    srv_ticket_state state = srv_ticket_check(app->ticket_secret, text, fct_time_unix(), id);
    if (state == SRV_TICKET_WRONG) return wrong_key(app, r, out);
    fct_mutex_lock(&app->keys_lock);
    const srv_key *k = state == SRV_TICKET_GOOD ? key_by_id(app, id) : NULL;
    if (k) take_rights(r, k);
    r->role = k ? SRV_ROLE_READER : SRV_ROLE_NONE;
    fct_mutex_unlock(&app->keys_lock);
    if (k) return has_role(r, out);
    srv_fail(r, out, 401, "unauthorized", "this ticket is over");
    return false;
}

/* Whether whoever sent the request may do what it asks for, as far as its head tells. */
static bool may(srv_app *app, srv_request *r, srv_reply *out) {
    if (r->dialect->trusts_address) {
        if (r->loopback || srv_ranges_hold(app->allow, app->n_allow, r->peer)) return true;
        srv_fail(r, out, 403, "forbidden", "this address may not use this interface, which knows no keys");
        return false;
    }
    if (r->dialect->check) return r->dialect->check(app, r, false, out);
    if (!app->auth) {
        r->role = SRV_ROLE_ADMIN;
        return true;
    }
    if (r->route->role == SRV_ROLE_NONE) return true;
    const char *key = r->dialect->key(r);
    if (!key && r->dialect->body_key) return true; /* it may still come */
    if (key) return use_key(app, r, key) ? has_role(r, out) : wrong_key(app, r, out);
    bool takes_ticket = r->dialect->takes_ticket && r->dialect->takes_ticket(r->route);
    const char *ticket = takes_ticket ? srv_request_query(r, "ticket") : NULL;
    if (ticket) return use_ticket(app, r, ticket, out);
    srv_fail(r, out, 401, "key_needed", "an API key is needed");
    return false;
}

/* The same once the body is there, for dialects that have the key in it. */
static bool may_at_last(srv_app *app, srv_request *r, srv_reply *out) {
    if (r->dialect->check) return r->dialect->check(app, r, true, out);
    if (r->role >= r->route->role || r->dialect->trusts_address) return true;
    char *key = r->dialect->body_key ? r->dialect->body_key(r) : NULL;
    bool known = key && use_key(app, r, key);
    fct_free(key);
    if (known) return has_role(r, out);
    if (key) return wrong_key(app, r, out);
    srv_fail(r, out, 401, "key_needed", "an API key is needed");
    return false;
}

/* ---- Requests ------------------------------------------------------------------------------------------ */

static bool no_route(srv_request *r, srv_reply *out, srv_route_result found, int methods) {
    static const char *const allow[32] = {
        [SRV_GET] = "GET",
        [SRV_POST] = "POST",
        [SRV_DELETE] = "DELETE",
        [SRV_GET | SRV_POST] = "GET, POST",
        [SRV_GET | SRV_DELETE] = "GET, DELETE",
        [SRV_PUT | SRV_DELETE] = "PUT, DELETE",
        [SRV_GET | SRV_POST | SRV_DELETE] = "GET, POST, DELETE",
        [SRV_GET | SRV_PATCH] = "GET, PATCH",
        [SRV_GET | SRV_PATCH | SRV_DELETE] = "GET, PATCH, DELETE",
    };
    if (found == SRV_ROUTE_BAD_PATH) srv_fail(r, out, 400, "invalid_request", "the path is faulty");
    else if (found == SRV_ROUTE_NONE) srv_fail(r, out, 404, "resource_not_found", "there is nothing at this path");
    else {
        out->allow = allow[methods & 31] ? allow[methods & 31] : "GET, POST, PUT, PATCH, DELETE";
        srv_fail(r, out, 405, "method_not_allowed", "this path does not take this method");
    }
    return false;
}

bool srv_app_begin(void *user, srv_request *r, srv_reply *out) {
    srv_app *app = user;
    int methods;
    srv_route_result found = srv_route_find(app->dialects, r, &r->dialect, &methods);
    if (found != SRV_ROUTE_FOUND) return no_route(r, out, found, methods);
    if (!may(app, r, out)) return false;
    if (r->route->role == SRV_ROLE_NONE && !r->dialect->trusts_address) return true;
    int wait = srv_rate_take(&app->rate, *r->key_id ? r->key_id : r->peer, fct_time_ns());
    return wait ? too_often(r, out, wait, "more requests than this server takes from one client") : true;
}

/* Carries a request out that may come again: see idempotency.h. */
static void handle_once(srv_app *app, srv_request *r, srv_reply *out) {
    srv_idempotent *slot;
    srv_idempotency_result once = srv_idempotency_begin(&app->once, r, out, &slot);
    switch (once) {
    case SRV_ONCE_GO:
    case SRV_ONCE_AGAIN:
        r->again = once == SRV_ONCE_AGAIN;
        r->route->handle(app, r, out);
        srv_idempotency_end(&app->once, slot, out);
        break;
    case SRV_ONCE_REPLAYED:
        break;
    case SRV_ONCE_RUNS:
        srv_fail(r, out, 409, "request_in_progress", "the request with this Idempotency-Key is not answered yet");
        break;
    case SRV_ONCE_OTHER:
        srv_fail(r, out, 422, "idempotency_key_reused", "another request has come with this Idempotency-Key");
        break;
    default:
        srv_fail(r, out, 400, "invalid_request", "Idempotency-Key is not 1 to 255 visible characters");
    }
}

/* Whom the gallery's audit log names: the key, or the address where there is none. */
static void name_actor(const srv_request *r, char *out, size_t size) {
    if (*r->key_id) snprintf(out, size, "key %s from %s", r->key_id, r->peer);
    else snprintf(out, size, "address %s", r->peer);
}

/* Works in the collection of the key in dialects that know none themselves; it is made where it is missing and the
 * key may do that. */
static bool choose_collection(srv_app *app, srv_request *r, srv_reply *out) {
    fct_error e;
    int64_t id = SRV_COLLECTION_DEFAULT;
    if (!r->dialect->one_collection) return true;
    r->collection_id = 0;
    if (*r->collection) {
        fct_status s = srv_collection_find(&app->core, r->collection, &id, &e);
        if (s == FCT_ERR_NOT_FOUND && *r->collection != '.' && r->role >= SRV_ROLE_ENROLLER)
            s = fct_gallery_add_collection(app->core.gallery, r->collection, &id, &e);
        if (s) {
            srv_fail_call(r, out, &e);
            return false;
        }
    }
    r->collection_id = id;
    srv_work_in(id);
    return true;
}

bool srv_app_take_key(srv_app *app, srv_request *r, const char *key, srv_reply *out) {
    if (!app->auth) return true;
    if (use_key(app, r, key)) return choose_collection(app, r, out);
    return wrong_key(app, r, out);
}

void srv_app_handle(void *user, srv_request *r, srv_reply *out) {
    srv_app *app = user;
    char actor[100];
    if (!may_at_last(app, r, out)) return;
    name_actor(r, actor, sizeof actor);
    fct_gallery_act_for(actor);
    srv_work_in(SRV_COLLECTION_DEFAULT);
    bool changes = r->method != SRV_GET && r->route->role >= SRV_ROLE_ENROLLER, ready = choose_collection(app, r, out);
    if (ready && changes) handle_once(app, r, out);
    else if (ready) r->route->handle(app, r, out);
    fct_gallery_act_for(NULL);
    srv_work_in(0);
    if (out->body.failed) {
        fct_buf_free(&out->body);
        srv_fail(r, out, 503, "not_ready", "out of memory");
    }
}

void srv_app_done(void *user, const srv_request *r, const srv_reply *out) {
    srv_app *app = user;
    double seconds = (double)(fct_time_ns() - r->began) / 1e9;
    srv_metrics_add(&app->metrics, r->route ? r->route->name : "other", out->status, seconds);
    fct_log(FCT_LOG_INFO, "%s %s %d %.1f ms key %s request %s", r->peer, r->route ? r->route->name : "other",
            out->status, seconds * 1000, *r->key_id ? r->key_id : "-", r->id);
}

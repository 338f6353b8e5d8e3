#include "server/server.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include "base/log.h"
#include "server/app.h"
#include "server/collections.h"
#include "server/forward.h"
#include "server/http.h"
#include "server/job_kinds.h"
#include "server/net/gate.h"
#include "server/net/hmac.h"
#include "server/unknown.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { BATCH = 8, FAILURES_BURST = 20, FILES_KEPT = 512, CONNECTIONS_USUAL = 1024, CONNECTIONS_LEAST = 64 };

struct srv_server {
    srv_app app;
    srv_http *http;
    srv_gate *gate;
    srv_gate *_Atomic told; /* the gate, for libmicrohttpd's thread; NULL while there is none */
    char *cert, *key;       /* owned; NULL = no TLS */
    char new_key[SRV_KEY_TEXT];
    int port;
};

void srv_server_opts_init(srv_server_opts *o) {
    *o = (srv_server_opts){.size = sizeof *o,
                           .host = "127.0.0.1",
                           .port = 8100,
                           .apis = "web,immich,compreface,deepstack",
                           .threshold = NAN,
                           .queue = 64,
                           .max_body = 64 << 20,
                           .max_pixels = 40000000,
                           .timeout_ms = 30000,
                           .head_ms = 10000,
                           .body_ms = 30000,
                           .idle_ms = 75000};
}

char *srv_keys_path(const char *data) { return fct_path_join(data, "keys.json"); }
void srv_server_notify(const char *state) { srv_notify(state); }

/* ---- Starting ----------------------------------------------------------------------------------------- */

/* Adds a dialect to the app's list, unless it is there, with what it needs. */
static fct_status add_dialect(srv_app *app, const srv_dialect *d, int *n, fct_error *err) {
    for (int i = 0; i < *n; i++)
        if (app->dialects[i] == d) return FCT_OK; /* named twice */
    app->dialects[(*n)++] = d;
    if (d == &srv_web_dialect && *n > 2) { /* its "/" comes before Immich's */
        memmove(app->dialects + 2, app->dialects + 1, (size_t)(*n - 2) * sizeof *app->dialects);
        app->dialects[1] = d;
    }
    if (!d->check) return FCT_OK;
    if (srv_hmac_load()) return srv_replay_init(&app->replay, err);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "GnuTLS is not installed: %s checks signatures by it", d->name);
}

/* Puts the dialects that were asked for into the app's list. */
static fct_status choose_dialects(srv_app *app, const char *names, fct_error *err) {
    static const srv_dialect *const others[] = {&srv_web_dialect, &srv_immich_dialect, &srv_deepstack_dialect,
                                                &srv_compreface_dialect, &srv_rekognition_dialect};
    enum { N = sizeof others / sizeof *others };
    int n = 0;
    fct_status s = FCT_OK;
    app->dialects[n++] = &srv_facet_dialect;
    for (const char *p = names; *p && !s;) {
        size_t length = strcspn(p, ",");
        const srv_dialect *found = NULL;
        for (int i = 0; i < N; i++)
            if (strlen(others[i]->name) == length && strncmp(others[i]->name, p, length) == 0) found = others[i];
        bool own = length == 5 && strncmp(p, "facet", 5) == 0;
        if (!found && !own && !(length == 4 && strncmp(p, "none", 4) == 0))
            return fct_fail(err, FCT_ERR_ARG,
                            "%.*s: no such interface; there are facet, web, immich, compreface, deepstack and "
                            "rekognition",
                            (int)length, p);
        if (found) s = add_dialect(app, found, &n, err);
        p += length + (p[length] == ',');
    }
    return s;
}

/* Makes the first key where there is none, so that somebody can make others. */
static fct_status first_key(srv_server *s, fct_error *err) {
    srv_app *app = &s->app;
    if (!app->auth || app->keys.n) return FCT_OK;
    fct_status st = srv_keys_add(&app->keys, "first", SRV_ROLE_ADMIN, s->new_key, err);
    return st ? st : srv_keys_write(app->keys_path, &app->keys, err);
}

/* A key that nobody was shown, since the server did not start, would keep everybody out from then on. */
static void forget_first_key(const srv_server *s) {
    if (*s->new_key) (void)fct_file_remove(s->app.keys_path, NULL);
}

/* The limit that somebody has set while a server ran. */
static fct_status use_stored_rate(srv_app *app, fct_error *err) {
    int thousandths;
    fct_status s = srv_setting_int(&app->core, 0, SRV_SETTING_RATE, 0, &thousandths, err);
    if (!s && thousandths) srv_rate_set(&app->rate, thousandths / 1000.0);
    return s;
}

static void prepare_http(void *unused) { srv_http_prepare(); }

/* Opens the core while another thread loads the dozen libraries that HTTP brings along. */
static fct_status open_core(const srv_core_opts *o, srv_core *core, fct_error *err) {
    fct_thread loader;
    fct_status st = fct_thread_start(&loader, prepare_http, NULL, err);
    if (st) return st;
    st = srv_core_open(o, core, err);
    fct_thread_join(&loader);
    return st;
}

/* Requests that come again are known after a restart. Beside an encrypted gallery no answers are kept. */
static fct_status keep_requests(srv_app *app, fct_error *err) {
    fct_gallery_info info;
    char *path = fct_path_join(app->data_dir, "requests.jsonl");
    fct_status s = path ? fct_gallery_stat(app->core.gallery, &info, err) : fct_fail_nomem(err, "server", 0);
    if (!s) s = srv_idempotency_keep(&app->once, path, !info.encrypted, err);
    fct_free(path);
    return s;
}

/* What waits for the disk, while the pack is being loaded. */
static fct_status make_files(void *user, fct_error *err) {
    srv_server *s = user;
    fct_status st = keep_requests(&s->app, err);
    return st ? st : first_key(s, err);
}

static fct_status open_app(srv_server *s, const srv_server_opts *o, fct_error *err) {
    srv_app *app = &s->app;
    app->auth = !o->no_auth;
    app->started = fct_time_ns();
    fct_status st = choose_dialects(app, o->apis, err);
    if (!st && o->allow) st = srv_ranges_parse(o->allow, app->allow, SRV_ALLOW_MOST, &app->n_allow, err);
    if (!st && o->immich_upstream) st = srv_forward_setup(o->immich_upstream, err);
    if (!st) st = fct_dir_make_private(o->data, err);
    if (st) return st;
    app->data_dir = fct_strdup(o->data);
    app->keys_path = srv_keys_path(o->data);
    app->immich_upstream = o->immich_upstream ? fct_strdup(o->immich_upstream) : NULL;
    char *gallery = o->gallery ? fct_strdup(o->gallery) : fct_path_join(o->data, "gallery.db");
    bool full = !app->data_dir || !app->keys_path || !gallery || (o->immich_upstream && !app->immich_upstream);
    st = full ? fct_fail_nomem(err, "server", 0) : srv_app_read_keys(app, err);
    srv_core_opts co = {.pack = o->pack,
                        .cache_dir = o->cache_dir,
                        .gallery = gallery,
                        .threads = fct_threads(),
                        .batch = BATCH,
                        .max_pixels = o->max_pixels,
                        .threshold = o->threshold,
                        .audit = o->audit,
                        .beside = make_files,
                        .user = s};
    if (!st) st = open_core(&co, &app->core, err);
    fct_free(gallery);
    app->max_body = o->max_body;
    if (!st && o->rate == 0) st = use_stored_rate(app, err);
    if (!st && fct_sys_random(app->ticket_secret, sizeof app->ticket_secret))
        st = fct_fail(err, FCT_ERR_IO, "the system gives no random numbers");
    return st ? st : srv_app_start_jobs(app, err);
}

/* Keeps a face that a monitor has seen, where the collection keeps unknown ones. */
static void keep_unknown(void *user, int64_t collection, fct_view picture, const fct_face *face, const char *source) {
    int64_t group;
    fct_error e;
    if (srv_unknown_see(user, collection, picture, face, source, &group, &e))
        fct_log(FCT_LOG_WARN, "an unknown face that %s has seen: %s", source, e.text);
}

/* The monitors that were on when the server ended begin again. */
static fct_status start_monitors(srv_server *s, const srv_server_opts *o, fct_error *err) {
    srv_monitors_opts m = {.core = &s->app.core,
                           .data = o->data,
                           .files = o->monitor_files,
                           .is_key = srv_app_is_key,
                           .keep = keep_unknown,
                           .user = &s->app};
    return srv_monitors_start(&m, &s->app.monitors, err);
}

/* ---- What the parts call ---------------------------------------------------------------------------------- */

static bool connect_local(void *user, int fd, const struct sockaddr *from, unsigned size) {
    return srv_http_connect(((srv_server *)user)->http, fd, from, size);
}

static unsigned answered(void *user, int fd) { return srv_http_answered(((srv_server *)user)->http, fd); }

/* Of libmicrohttpd's thread: there may be no gate yet, or none any more. */
static void tell_gate(void *app) {
    srv_server *s = ((srv_app *)app)->user;
    srv_gate *g = atomic_load(&s->told);
    if (g) srv_gate_answered(g);
}

static void count_refused(void *user, int status) { srv_metrics_refused(&((srv_server *)user)->app.metrics); }
static int count_connections(void *user) { return srv_gate_connections(((srv_server *)user)->gate); }
static int count_waiting(void *user) { return srv_http_waiting(((srv_server *)user)->http); }

static fct_status start_http(srv_server *s, const srv_server_opts *o, fct_error *err) {
    srv_http_opts h = {.workers = 4 * fct_threads() + 4,
                       .queue = o->queue,
                       .most_body = (uint64_t)o->max_body,
                       .most_held = (uint64_t)o->max_body * 4,
                       .timeout_ms = o->timeout_ms,
                       .begin = srv_app_begin,
                       .handle = srv_app_handle,
                       .refuse = srv_app_refuse,
                       .done = srv_app_done,
                       .answered = tell_gate,
                       .user = &s->app};
    s->app.connections = count_connections;
    s->app.waiting = count_waiting;
    s->app.user = s;
    return srv_http_start(&h, &s->http, err);
}

/* A connection takes one file; one that asks something takes two more for the local connection, and is answered 503
 * where there are none left. Where no number of connections was asked for, a system that allows few files gets fewer.
 */
static fct_status count_connections_allowed(const srv_server_opts *o, int *out, fct_error *err) {
    const int files = srv_raise_files(), most = files - FILES_KEPT;
    *out = o->connections ? o->connections : CONNECTIONS_USUAL;
    if (*out <= most) return FCT_OK;
    if (o->connections || most < CONNECTIONS_LEAST)
        return fct_fail(err, FCT_ERR_LIMIT, "%d connections need %d open files, and the system allows %d (ulimit -n)",
                        *out, *out + FILES_KEPT, files);
    fct_log(FCT_LOG_WARN, "%d connections at once instead of %d: the system allows %d open files (ulimit -n)", most,
            *out, files);
    *out = most;
    return FCT_OK;
}

static fct_status start_gate(srv_server *s, const srv_server_opts *o, fct_error *err) {
    srv_listen listen;
    srv_cert *cert = NULL;
    int connections;
    fct_status st = count_connections_allowed(o, &connections, err);
    if (!st && o->cert) st = srv_cert_open(o->cert, o->key, &cert, err);
    if (!st && (st = srv_listen_open(o->host, o->port, &listen, err))) srv_cert_release(cert);
    if (st) return st;
    s->port = listen.port;
    srv_gate_opts g = {.listen = &listen,
                       .cert = cert,
                       .most_body = (uint64_t)o->max_body,
                       .connections = connections,
                       .head_ms = o->head_ms,
                       .idle_ms = o->idle_ms,
                       .body_ms = o->body_ms,
                       .write_ms = o->timeout_ms,
                       .connect = connect_local,
                       .answered = answered,
                       .refused = count_refused,
                       .user = s};
    st = srv_gate_start(&g, &s->gate, err);
    atomic_store(&s->told, s->gate);
    return st;
}

static fct_status check_opts(const srv_server_opts *o, fct_error *err) {
    if (!o->data || !*o->data) return fct_fail(err, FCT_ERR_ARG, "a data folder is needed");
    if (!o->cert != !o->key)
        return fct_fail(err, FCT_ERR_ARG, "a certificate needs its key, and a key its certificate");
    return FCT_OK;
}

fct_status srv_server_start(const srv_server_opts *o, srv_server **out, fct_error *err) {
    *out = NULL;
    fct_status st = check_opts(o, err);
    if (st) return st;
    srv_server *s = fct_calloc(1, sizeof *s);
    if (!s) return fct_fail_nomem(err, "server", 0);
    fct_mutex_init(&s->app.keys_lock);
    fct_mutex_init(&s->app.change_lock);
    srv_metrics_init(&s->app.metrics);
    srv_rate_init(&s->app.rate, o->rate, o->rate * 2 > 1 ? o->rate * 2 : 1);
    srv_rate_init(&s->app.failures, 1.0 / 6, FAILURES_BURST);
    st = srv_idempotency_init(&s->app.once, err);
    if (!st && o->cert && (!(s->cert = fct_strdup(o->cert)) || !(s->key = fct_strdup(o->key))))
        st = fct_fail_nomem(err, "server", 0);
    if (!st) st = open_app(s, o, err);
    if (!st) st = start_monitors(s, o, err);
    if (!st) st = start_http(s, o, err);
    if (!st) st = start_gate(s, o, err);
    if (st) {
        forget_first_key(s);
        srv_server_stop(s, 0);
    } else *out = s;
    return st;
}

/* ---- Running ------------------------------------------------------------------------------------------------ */

int srv_server_port(const srv_server *s) { return s->port; }
const char *srv_server_new_key(const srv_server *s) { return s->new_key; }

fct_status srv_server_reload(srv_server *s, fct_error *err) {
    srv_cert *cert;
    fct_status st = srv_app_read_keys(&s->app, err);
    if (st || !s->cert) return st;
    st = srv_cert_open(s->cert, s->key, &cert, err);
    if (!st) srv_gate_set_cert(s->gate, cert);
    return st;
}

/* Waits until all that was accepted is answered and sent, at most so long. */
static void finish(srv_server *s, int grace_ms) {
    uint64_t end = fct_time_ns() + (uint64_t)grace_ms * 1000000;
    srv_http_drain(s->http);
    srv_monitors_hush(s->app.monitors); /* their streams would never end by themselves */
    srv_gate_drain(s->gate);
    while (fct_time_ns() < end && !(srv_http_active(s->http) == 0 && srv_gate_is_quiet(s->gate))) fct_sleep_ms(20);
}

void srv_server_stop(srv_server *s, int grace_ms) {
    if (!s) return;
    if (s->gate && grace_ms > 0) finish(s, grace_ms);
    srv_gate_stop(s->gate);
    srv_monitors_hush(s->app.monitors);
    srv_http_stop(s->http);
    srv_gate_free(s->gate);
    srv_monitors_stop(s->app.monitors);
    srv_jobs_stop(&s->app.jobs);
    srv_core_close(&s->app.core);
    srv_keys_free(&s->app.keys);
    srv_idempotency_free(&s->app.once);
    srv_replay_free(&s->app.replay);
    srv_rate_free(&s->app.rate);
    srv_rate_free(&s->app.failures);
    srv_metrics_free(&s->app.metrics);
    fct_mutex_destroy(&s->app.keys_lock);
    fct_mutex_destroy(&s->app.change_lock);
    fct_free(s->app.keys_path);
    fct_free(s->app.data_dir);
    fct_free(s->app.immich_upstream);
    fct_free(s->cert);
    fct_free(s->key);
    fct_free(s);
}

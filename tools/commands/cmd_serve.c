/* facet serve: a face-recognition server, and its keys. */
#include "photos/engine.h"
#include "shell/json.h"

#include "base/alloc.h"
#include "base/file.h"
#include "server/server.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef CLI_HAVE_SERVER

enum { GRACE_MS = 30000, LOOK_MS = 100 };

/* ---- Keys ---------------------------------------------------------------------------------- */

static void list_keys(const cli_settings *s, const srv_keys *keys) {
    fct_json_writer j;
    for (size_t i = 0; i < keys->n; i++) {
        const srv_key *k = &keys->at[i];
        if (!s->json) {
            cli_print("%s  %-8s  %s%s%s%s\n", k->id, srv_role_name(k->role), k->name, *k->collection ? "  in " : "",
                      k->collection, *k->secret ? "  (signs)" : "");
            continue;
        }
        cli_json_line(&j, stdout);
        fct_json_text(&j, "id", k->id);
        fct_json_text(&j, "name", k->name);
        fct_json_text(&j, "role", srv_role_name(k->role));
        fct_json_date(&j, "created", k->created);
        fct_json_text(&j, "collection", *k->collection ? k->collection : NULL);
        fct_json_bool(&j, "signs", *k->secret != 0);
        fct_json_close_object(&j);
        fct_json_end(&j);
    }
}

/* The key goes to standard output alone, so that a script can take it; it is shown this once. */
static void show_key(const cli_settings *s, const srv_key *key, const char *text) {
    fct_json_writer j;
    char access[SRV_KEY_ACCESS];
    srv_key_access_id(key, access);
    if (!s->json) {
        cli_note("key '%s'; it is not shown again:", key->name);
        if (*key->secret) printf("aws_access_key_id=%s\naws_secret_access_key=%s\n", access, text);
        else puts(text);
        return;
    }
    cli_json_line(&j, stdout);
    fct_json_text(&j, "name", key->name);
    fct_json_text(&j, "key", text);
    if (*key->secret) fct_json_text(&j, "access_key_id", access);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static int add_key(cli_args *a, srv_keys *keys, const char *path) {
    static const srv_role roles[] = {SRV_ROLE_READER, SRV_ROLE_ENROLLER, SRV_ROLE_ADMIN};
    char text[SRV_KEY_TEXT];
    fct_error e;
    const char *name = a->words[2];
    if (fct_dir_make_private(a->set.data, &e) || srv_keys_add(keys, name, roles[a->set.role], text, &e) ||
        (a->set.collection && srv_keys_bind(keys, name, a->set.collection, &e)) ||
        (a->set.aws && srv_keys_let_sign(keys, name, text, &e)) || srv_keys_write(path, keys, &e))
        return cli_fail(&e);
    show_key(&a->set, &keys->at[keys->n - 1], text);
    return CLI_DONE;
}

static int remove_key(cli_args *a, srv_keys *keys, const char *path) {
    fct_error e;
    if (srv_keys_remove(keys, a->words[2], &e) || srv_keys_write(path, keys, &e)) return cli_fail(&e);
    cli_note("removed key '%s'; a running server notices when it gets SIGHUP", a->words[2]);
    return CLI_DONE;
}

static int run_keys(cli_args *a) {
    const char *action = a->n_words > 1 ? a->words[1] : "list";
    bool list = strcmp(action, "list") == 0, add = strcmp(action, "add") == 0, remove = strcmp(action, "remove") == 0;
    if (a->n_words != (list ? a->n_words > 1 ? 2 : 1 : 3) || (!list && !add && !remove)) {
        cli_error("serve: usage: facet serve keys list | add NAME --role ROLE | remove NAME");
        return CLI_USE;
    }
    srv_keys keys;
    fct_error e;
    char *path = srv_keys_path(a->set.data);
    int code = path && !srv_keys_read(path, &keys, &e) ? CLI_DONE : CLI_INPUT;
    if (code) cli_fail(&e);
    else if (list) list_keys(&a->set, &keys);
    else code = add ? add_key(a, &keys, path) : remove_key(a, &keys, path);
    if (path) srv_keys_free(&keys);
    fct_free(path);
    return code;
}

/* ---- The server -------------------------------------------------------------------------------- */

static void fill_opts(const cli_settings *s, const char *cache, srv_server_opts *o) {
    srv_server_opts_init(o);
    o->data = s->data;
    o->pack = s->models;
    o->gallery = s->gallery;
    o->cache_dir = cache;
    o->cert = s->tls_cert;
    o->key = s->tls_key;
    o->allow = s->allow;
    o->immich_upstream = s->immich_upstream;
    o->monitor_files = s->monitor_files;
    o->no_auth = s->no_auth;
    o->audit = s->audit;
    o->threshold = (float)s->threshold;
    if (s->host) o->host = s->host;
    if (s->api) o->apis = s->api;
    if (s->port >= 0) o->port = s->port;
    if (s->rate > 0) o->rate = s->rate;
    if (s->queue) o->queue = s->queue;
    if (s->connections) o->connections = s->connections;
    if (s->max_body) o->max_body = s->max_body;
    if (s->max_pixels) o->max_pixels = s->max_pixels;
    if (s->timeout > 0) o->timeout_ms = (int)(s->timeout * 1000);
    if (o->head_ms > o->timeout_ms) o->head_ms = o->timeout_ms;
    if (o->body_ms > o->timeout_ms) o->body_ms = o->timeout_ms;
}

static void announce(const cli_settings *s, const srv_server *server, const srv_server_opts *o) {
    fct_json_writer j;
    const char *scheme = o->cert ? "https" : "http", *key = srv_server_new_key(server);
    if (s->json) {
        cli_json_line(&j, stdout);
        fct_json_text(&j, "status", "ready");
        fct_json_int(&j, "port", srv_server_port(server));
        if (*key) fct_json_text(&j, "admin_key", key);
        fct_json_close_object(&j);
        fct_json_end(&j);
        return;
    }
    if (*key) cli_print("the admin key, which is not shown again: %s\n", key);
    cli_print("ready: %s://%s:%d/v1/health\n", scheme, o->host, srv_server_port(server));
    fflush(stdout);
}

/* Waits for the end, and reads keys and certificate anew whenever SIGHUP asks for it. */
static void wait_for_end(srv_server *server) {
    fct_error e;
    while (!cli_interrupted()) {
        if (cli_reload_asked()) {
            srv_server_notify("RELOADING=1");
            if (srv_server_reload(server, &e)) cli_error("%s; the old keys and certificate stay", e.text);
            else cli_note("keys and certificate read again");
            srv_server_notify("READY=1");
        }
        fct_sleep_ms(LOOK_MS);
    }
}

static int run_server(cli_args *a) {
    srv_server *server;
    srv_server_opts o;
    fct_error e;
    char *cache = cli_cache_dir(&a->set);
    cli_catch_interrupt();
    cli_catch_reload();
    fill_opts(&a->set, cache, &o);
    fct_status s = srv_server_start(&o, &server, &e);
    fct_free(cache);
    if (s) return cli_fail(&e);
    if (o.no_auth) cli_warn("--no-auth: whoever reaches this server may do everything");
    announce(&a->set, server, &o);
    srv_server_notify("READY=1");
    wait_for_end(server);
    srv_server_notify("STOPPING=1");
    cli_note("stopping: finishing what was accepted");
    srv_server_stop(server, GRACE_MS);
    return CLI_DONE;
}

static int run_serve(cli_args *a) {
    if (!a->set.data) {
        cli_error("serve: --data DIR is needed: the folder for gallery and keys");
        return CLI_USE;
    }
    if (a->n_words && strcmp(a->words[0], "keys") == 0) return run_keys(a);
    if (!a->n_words) return run_server(a);
    cli_error("serve: unknown action '%s'; there is 'keys'", a->words[0]);
    return CLI_USE;
}

#else

static int run_serve(cli_args *a) {
    cli_error("serve: this build of facet has no server (built without libmicrohttpd and GnuTLS)");
    return CLI_INPUT;
}

#endif

const cli_command cmd_serve = {
    .name = "serve",
    .synopsis = "--data DIR [keys list|add NAME|remove NAME]",
    .actions = "keys",
    .summary = "answer over HTTP: detect, enroll, search",
    .description =
        "Serves facet's own interface (/v1, described by /v1/openapi.json) and those of Immich's machine learning, "
        "CompreFace, DeepStack and CodeProject.AI, whose clients need no change. DIR holds the gallery and the keys; "
        "it "
        "is made where it is missing.\n\n"
        "Requests need an API key. The first start makes an admin key and prints it. 'serve keys add NAME --role ROLE' "
        "makes others: a reader searches, an enroller also changes people, an admin may do everything. With "
        "--collection a "
        "key is for one collection; with --aws it signs requests to Rekognition's interface (--api rekognition). "
        "Immich's interface knows no keys: this machine and --allow may use it.\n\n"
        "SIGHUP reads keys and certificate again. SIGTERM ends the server after it has answered what it has "
        "accepted. Under systemd it says when it is ready and takes its sockets.",
    .options = {CLI_PACK_OPTIONS,           CLI_OPT(OPT_DATA),     CLI_OPT(OPT_PORT),
                CLI_OPT(OPT_HOST),          CLI_OPT(OPT_TLS_CERT), CLI_OPT(OPT_TLS_KEY),
                CLI_OPT(OPT_API),           CLI_OPT(OPT_ALLOW),    CLI_OPT(OPT_IMMICH_UPSTREAM),
                CLI_OPT(OPT_MONITOR_FILES), CLI_OPT(OPT_NO_AUTH),  CLI_OPT(OPT_AUDIT),
                CLI_OPT(OPT_GALLERY),       CLI_OPT(OPT_RATE),     CLI_OPT(OPT_CONNECTIONS),
                CLI_OPT(OPT_QUEUE),         CLI_OPT(OPT_MAX_BODY), CLI_OPT(OPT_MAX_PIXELS),
                CLI_OPT(OPT_TIMEOUT),       CLI_OPT(OPT_ROLE),     CLI_OPT(OPT_AWS),
                CLI_OPT(OPT_COLLECTION),    CLI_OPT(OPT_THRESHOLD)},
    .examples = "facet serve --data /var/lib/facet\n"
                "For the network, encrypted\n"
                "facet serve --data /var/lib/facet --host '*' --tls-cert cert.pem --tls-key key.pem\n"
                "A key for a program that only searches\n"
                "facet serve --data /var/lib/facet keys add doorbell --role reader",
    .max_words = 3,
    .run = run_serve,
};

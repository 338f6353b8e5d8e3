/* The web page: its files, which are part of the program (embed_web.py). They need no key, since they hold nothing that
 * is not public; what the page shows it asks for over facet's own interface, with the key of whoever uses it. */
#include "server/app.h"

#include "server/problem.h"
#include "server/web_files.h"

#include <stdio.h>
#include <string.h>

/* All that the page may load comes from this server; no script or style may stand in the page itself, and no text can
 * become markup. blob: are pictures that the page has fetched or made. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
                             "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
                             "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/* Whether a list in a header names a word. */
static bool names(const char *list, const char *word) { return list && strstr(list, word); }

static void send_file(const srv_request *r, srv_reply *out, const srv_web_file *f) {
    bool gzip = names(srv_request_field(r, "Accept-Encoding"), "gzip");
    out->status = 200;
    out->type = f->type;
    out->policy = policy;
    out->gzip = gzip;
    out->varies = true;
    fct_buf_add(&out->body, gzip ? f->packed : f->plain, gzip ? f->packed_size : f->plain_size);
}

/* Programs that look for Immich's service at this address ask for no page. */
static bool is_for_immich(const srv_app *app, const srv_request *r) {
    if (names(srv_request_field(r, "Accept"), "text/html")) return false;
    if (!r->loopback && !srv_ranges_hold(app->allow, app->n_allow, r->peer)) return false;
    for (int i = 0; app->dialects[i]; i++)
        if (app->dialects[i] == &srv_immich_dialect) return true;
    return false;
}

/* The page itself: a browser asks each time whether it has changed. */
static void do_page(srv_app *app, srv_request *r, srv_reply *out) {
    if (is_for_immich(app, r)) {
        srv_do_immich_root(app, r, out);
        return;
    }
    send_file(r, out, &srv_web_files[0]);
    out->cache = "no-cache";
    snprintf(out->etag, sizeof out->etag, "W/\"%s\"", srv_web_stamp);
    if (!names(srv_request_field(r, "If-None-Match"), srv_web_stamp)) return;
    fct_buf_clear(&out->body);
    out->status = 304;
    out->type = NULL;
    out->gzip = false;
}

/* A file of the page. Its address changes with its content, so that it may be kept for ever. */
static void do_file(srv_app *app, srv_request *r, srv_reply *out) {
    if (strcmp(r->params[0], srv_web_stamp) == 0)
        for (const srv_web_file *f = srv_web_files + 1; f->name; f++)
            if (strcmp(r->params[1], f->name) == 0) {
                send_file(r, out, f);
                out->cache = "public, max-age=31536000, immutable";
                return;
            }
    srv_fail(r, out, 404, "resource_not_found", "the page has no such file; load it again");
}

static void fail(srv_reply *out, int status, const char *code, const char *text, const char *request_id) {
    srv_facet_dialect.fail(out, status, code, text, request_id);
}

static const char *no_key(const srv_request *r) { return NULL; }

static const srv_route routes[] = {
    {SRV_GET, "/", SRV_ROLE_NONE, "page", do_page},
    {SRV_GET, "/web/{}/{}", SRV_ROLE_NONE, "page_file", do_file},
    {0},
};

const srv_dialect srv_web_dialect = {.name = "web", .routes = routes, .fail = fail, .key = no_key};

#include "server/forward.h"

#include "base/error.h"

#ifdef FCT_HAVE_CURL
#include "base/alloc.h"
#include "base/library.h"
#include "server/stream.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { CONNECT_S = 5, SILENT_S = 120, POLL_MS = 1000 };

/* libcurl's functions, looked up when a server with an upstream starts. */
static struct {
    FCT_TYPE_OF(curl_global_init) * global_init;
    FCT_TYPE_OF(curl_easy_init) * easy_init;
    FCT_TYPE_OF(curl_easy_setopt) * easy_setopt;
    FCT_TYPE_OF(curl_easy_getinfo) * easy_getinfo;
    FCT_TYPE_OF(curl_easy_strerror) * easy_strerror;
    FCT_TYPE_OF(curl_easy_cleanup) * easy_cleanup;
    FCT_TYPE_OF(curl_multi_init) * multi_init;
    FCT_TYPE_OF(curl_multi_add_handle) * multi_add_handle;
    FCT_TYPE_OF(curl_multi_perform) * multi_perform;
    FCT_TYPE_OF(curl_multi_poll) * multi_poll;
    FCT_TYPE_OF(curl_multi_info_read) * multi_info_read;
    FCT_TYPE_OF(curl_multi_remove_handle) * multi_remove_handle;
    FCT_TYPE_OF(curl_multi_cleanup) * multi_cleanup;
    FCT_TYPE_OF(curl_slist_append) * slist_append;
    FCT_TYPE_OF(curl_slist_free_all) * slist_free_all;
} api;

static bool load_curl(void) {
    static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};
#define SYMBOL(f)                                                                                                      \
    { "curl_" #f, (void (**)(void)) & api.f }
    static const fct_symbol symbols[] = {
        SYMBOL(global_init),   SYMBOL(easy_init),    SYMBOL(easy_setopt),     SYMBOL(easy_getinfo),
        SYMBOL(easy_strerror), SYMBOL(easy_cleanup), SYMBOL(multi_init),      SYMBOL(multi_add_handle),
        SYMBOL(multi_perform), SYMBOL(multi_poll),   SYMBOL(multi_info_read), SYMBOL(multi_remove_handle),
        SYMBOL(multi_cleanup), SYMBOL(slist_append), SYMBOL(slist_free_all),
    };
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols) &&
           api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

fct_status srv_forward_setup(const char *url, fct_error *err) {
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return fct_fail(err, FCT_ERR_ARG, "%s: an address of http or https is needed", url);
    if (load_curl()) return FCT_OK;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "libcurl is not installed: nothing can be handed on to %s", url);
}

/* One request on its way. */
typedef struct forwarding {
    CURL *curl;
    CURLM *multi;
    struct curl_slist *fields;
    fct_buf body;       /* what is sent */
    fct_buf early;      /* what came before there was a stream */
    srv_stream *stream; /* borrowed while it is pumped; NULL before */
    bool begun;         /* some of the answer's body is there */
    bool ended;
    CURLcode result;
} forwarding;

static void free_forwarding(void *user) {
    forwarding *t = user;
    if (t->multi && t->curl) api.multi_remove_handle(t->multi, t->curl);
    if (t->curl) api.easy_cleanup(t->curl);
    if (t->multi) api.multi_cleanup(t->multi);
    api.slist_free_all(t->fields);
    fct_buf_free(&t->body);
    fct_buf_free(&t->early);
    fct_free(t);
}

/* libcurl's callback for the answer's body. Another number than all bytes ends the transfer. */
static size_t on_data(char *data, size_t size, size_t n, void *user) {
    forwarding *t = user;
    t->begun = true;
    if (t->stream) return srv_stream_write(t->stream, data, size * n) ? size * n : 0;
    fct_buf_add(&t->early, data, size * n);
    return t->early.failed ? 0 : size * n;
}

static bool set_up(forwarding *t, const char *url, const char *type) {
    char field[300];
    snprintf(field, sizeof field, "Content-Type: %s", type ? type : "application/octet-stream");
    t->fields = api.slist_append(NULL, field);
    struct curl_slist *more = t->fields ? api.slist_append(t->fields, "Expect:") : NULL;
    if (!more || !(t->curl = api.easy_init()) || !(t->multi = api.multi_init())) return false;
    CURL *c = t->curl;
    api.easy_setopt(c, CURLOPT_URL, url);
    api.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    api.easy_setopt(c, CURLOPT_HTTPHEADER, t->fields);
    api.easy_setopt(c, CURLOPT_POST, 1L);
    api.easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.size);
    api.easy_setopt(c, CURLOPT_POSTFIELDS, t->body.data ? t->body.data : "");
    api.easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    api.easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    api.easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
    api.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    api.easy_setopt(c, CURLOPT_WRITEDATA, t);
    return api.multi_add_handle(t->multi, c) == CURLM_OK;
}

/* Goes on until the answer begins or, once there is a stream, until it ends. */
static void run(forwarding *t) {
    int running = 1, left;
    while (!t->ended && (t->stream || !t->begun)) {
        if (api.multi_perform(t->multi, &running) != CURLM_OK) {
            t->ended = true;
            t->result = CURLE_FAILED_INIT;
            return;
        }
        CURLMsg *m = running ? NULL : api.multi_info_read(t->multi, &left);
        if (!running) {
            t->ended = true;
            t->result = m ? m->data.result : CURLE_FAILED_INIT;
        } else if (t->stream || !t->begun) api.multi_poll(t->multi, NULL, 0, POLL_MS, NULL);
    }
}

/* Writes the answer into the stream: what has come already, then what comes. */
static void pump(srv_stream *s, void *source) {
    forwarding *t = source;
    bool read = !t->early.size || srv_stream_write(s, t->early.data, t->early.size);
    t->stream = s;
    if (read) run(t);
    srv_stream_end(s, t->ended && t->result == CURLE_OK);
}

fct_status srv_forward(const char *url, srv_request *r, srv_reply *out, fct_error *err) {
    forwarding *t = fct_calloc(1, sizeof *t);
    if (!t) return fct_fail_nomem(err, "request", 0);
    t->body = r->body;
    r->body = (fct_buf){0};
    if (!set_up(t, url, srv_request_field(r, "Content-Type"))) {
        free_forwarding(t);
        return fct_fail_nomem(err, "request", 0);
    }
    run(t);
    if (t->ended && t->result) {
        fct_status s = fct_fail(err, FCT_ERR_NETWORK, "%s: %s", url, api.easy_strerror(t->result));
        free_forwarding(t);
        return s;
    }
    long status = 502;
    char *type = NULL;
    api.easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    api.easy_getinfo(t->curl, CURLINFO_CONTENT_TYPE, &type);
    if (!(out->stream = srv_stream_create(pump, free_forwarding, t))) {
        free_forwarding(t);
        return fct_fail_nomem(err, "answer", 0);
    }
    out->status = status >= 200 && status < 600 ? (int)status : 502;
    snprintf(out->stream_type, sizeof out->stream_type, "%s", type && !strpbrk(type, "\r\n") ? type : "");
    return FCT_OK;
}

#else
fct_status srv_forward_setup(const char *url, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build hands nothing on to %s (built without libcurl)", url);
}

fct_status srv_forward(const char *url, srv_request *r, srv_reply *out, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "built without libcurl");
}
#endif

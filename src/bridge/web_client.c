#include "bridge/web_client.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/library.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { CONNECT_S = 5 };

struct brg_web {
    CURL *curl;
    bool insecure;
};

static struct {
    FCT_TYPE_OF(curl_global_init) * global_init;
    FCT_TYPE_OF(curl_easy_init) * easy_init;
    FCT_TYPE_OF(curl_easy_reset) * easy_reset;
    FCT_TYPE_OF(curl_easy_setopt) * easy_setopt;
    FCT_TYPE_OF(curl_easy_getinfo) * easy_getinfo;
    FCT_TYPE_OF(curl_easy_perform) * easy_perform;
    FCT_TYPE_OF(curl_easy_strerror) * easy_strerror;
    FCT_TYPE_OF(curl_easy_cleanup) * easy_cleanup;
    FCT_TYPE_OF(curl_slist_append) * slist_append;
    FCT_TYPE_OF(curl_slist_free_all) * slist_free_all;
} api;

static bool load_curl(void) {
    static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib", NULL};
#define SYMBOL(f)                                                                                                      \
    { "curl_" #f, (void (**)(void)) & api.f }
    static const fct_symbol symbols[] = {SYMBOL(global_init),   SYMBOL(easy_init),    SYMBOL(easy_reset),
                                         SYMBOL(easy_setopt),   SYMBOL(easy_getinfo), SYMBOL(easy_perform),
                                         SYMBOL(easy_strerror), SYMBOL(easy_cleanup), SYMBOL(slist_append),
                                         SYMBOL(slist_free_all)};
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols) &&
           api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

fct_status brg_web_check(const char *url, const char *what, fct_error *err) {
    const char *host = strstr(url, "://");
    bool http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!http || !host[3]) return fct_fail(err, FCT_ERR_ARG, "%s: an address of http or https is needed", what);
    if (memchr(host + 3, '@', strcspn(host + 3, "/?#")))
        return fct_fail(err, FCT_ERR_ARG, "%s: a password in an address is seen by everybody who lists processes",
                        what);
    if (strpbrk(url, "?# \r\n")) return fct_fail(err, FCT_ERR_ARG, "%s: a bare address is needed", what);
    return FCT_OK;
}

fct_status brg_web_open(bool insecure, brg_web **out, fct_error *err) {
    *out = NULL;
    if (!load_curl()) return fct_fail(err, FCT_ERR_UNSUPPORTED, "libcurl is not installed (libcurl4)");
    brg_web *w = fct_calloc(1, sizeof *w);
    if (!w || !(w->curl = api.easy_init())) {
        fct_free(w);
        return fct_fail_nomem(err, "HTTP client", 0);
    }
    w->insecure = insecure;
    *out = w;
    return FCT_OK;
}

void brg_web_close(brg_web *w) {
    if (!w) return;
    api.easy_cleanup(w->curl);
    fct_free(w);
}

/* libcurl's callback for the answer's body. Another number than all bytes ends the transfer. */
static size_t on_data(char *data, size_t size, size_t n, void *user) {
    fct_buf *b = user;
    if (b->size + size * n > BRG_ANSWER_MOST) return 0;
    fct_buf_add(b, data, size * n);
    return b->failed ? 0 : size * n;
}

/* The header fields of a request; NULL: out of memory, or there are none. */
static struct curl_slist *make_fields(const brg_ask *ask) {
    char line[2048];
    struct curl_slist *list = api.slist_append(NULL, "Expect:"), *more;
    if (ask->token && snprintf(line, sizeof line, "Authorization: Bearer %s", ask->token) < (int)sizeof line) {
        more = list ? api.slist_append(list, line) : NULL;
        if (!more) api.slist_free_all(list);
        list = more;
    }
    if (ask->body && snprintf(line, sizeof line, "Content-Type: %s", ask->type) < (int)sizeof line) {
        more = list ? api.slist_append(list, line) : NULL;
        if (!more) api.slist_free_all(list);
        list = more;
    }
    return list;
}

fct_status brg_web_ask(brg_web *w, const brg_ask *ask, int *status, fct_buf *answer, fct_error *err) {
    CURL *c = w->curl;
    long code = 0;
    struct curl_slist *fields = make_fields(ask);
    *status = 0;
    fct_buf_clear(answer);
    if (!fields) return fct_fail_nomem(err, "request", 0);
    api.easy_reset(c);
    api.easy_setopt(c, CURLOPT_URL, ask->url);
    api.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    api.easy_setopt(c, CURLOPT_HTTPHEADER, fields);
    api.easy_setopt(c, CURLOPT_USERAGENT, "facet/" FCT_VERSION);
    api.easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    api.easy_setopt(c, CURLOPT_TIMEOUT, (long)BRG_WEB_SECONDS);
    api.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(c, CURLOPT_SSL_VERIFYPEER, w->insecure ? 0L : 1L);
    api.easy_setopt(c, CURLOPT_SSL_VERIFYHOST, w->insecure ? 0L : 2L);
    api.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    api.easy_setopt(c, CURLOPT_WRITEDATA, answer);
    if (ask->body) {
        api.easy_setopt(c, CURLOPT_POST, 1L);
        api.easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_size);
        api.easy_setopt(c, CURLOPT_POSTFIELDS, ask->body);
    }
    CURLcode done = api.easy_perform(c);
    api.easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    api.slist_free_all(fields);
    if (answer->failed) return fct_fail_nomem(err, "answer", 0);
    if (done != CURLE_OK) return fct_fail(err, FCT_ERR_NETWORK, "%s: %s", ask->url, api.easy_strerror(done));
    *status = (int)code;
    return FCT_OK;
}

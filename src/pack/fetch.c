/* Downloads: one file, resumed, retried. */
#include "pack/store.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/file_sys.h"
#include <string.h>

const char *fct_url_shown(const char *url, char out[FCT_SHOWN_URL]) {
    const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    size_t n = strcspn(host, "/?#");
    for (const char *p = host; p < host + n; p++)
        if (*p == '@') n -= (size_t)(p + 1 - host), host = p + 1; /* the last one divides */
    size_t rest = strcspn(host, "?#");
    snprintf(out, FCT_SHOWN_URL, "%.*s%.*s%s", scheme ? (int)(scheme + 3 - url) : 0, url, (int)rest, host,
             host[rest] ? "?..." : "");
    return out;
}

#ifdef FCT_HAVE_CURL
#include "base/library.h"
#include "base/thread.h"
#include <curl/curl.h>
#include <errno.h>

/* No pack comes near this; a server must not fill the disk. */
#define MAX_DOWNLOAD ((uint64_t)4 << 30)

typedef struct transfer {
    const char *url, *path;
    const fct_store_opts *opts;
    fct_error *err;
    char shown[FCT_SHOWN_URL]; /* the URL without what is secret in it, for messages */
    fct_status status;         /* of the callbacks */
    FILE *f;
    uint64_t start; /* bytes that were there when the attempt began */
    uint64_t done;  /* bytes that are there now */
    CURL *curl;
} transfer;

/* libcurl's functions, looked up at the first download. */
static struct {
    CURLcode (*global_init)(long);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *);
    void (*easy_reset)(CURL *);
    CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
    CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*easy_perform)(CURL *);
    const char *(*easy_strerror)(CURLcode);
} api;

/* Finds libcurl at run time, so that facet starts on machines that lack it. */
static bool load_curl(void) {
    static const char *const files[] = {"libcurl.so.4",
                                        "libcurl-gnutls.so.4",
                                        "libcurl.4.dylib",
                                        "libcurl.dll",
                                        "libcurl-x64.dll",
                                        "libcurl-4.dll",
                                        NULL};
#define SYMBOL(f)                                                                                                      \
    { "curl_" #f, (void (**)(void)) & api.f }
    const fct_symbol symbols[] = {SYMBOL(global_init),  SYMBOL(easy_init),    SYMBOL(easy_cleanup),
                                  SYMBOL(easy_reset),   SYMBOL(easy_setopt),  SYMBOL(easy_getinfo),
                                  SYMBOL(easy_perform), SYMBOL(easy_strerror)};
#undef SYMBOL
    return fct_library_load(files, symbols, sizeof symbols / sizeof *symbols) &&
           api.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* Loads the library at the first download; later calls use the same one. */
static bool have_curl(void) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    static bool loaded;
    fct_mutex_lock(&lock);
    if (!loaded) loaded = load_curl();
    bool ok = loaded;
    fct_mutex_unlock(&lock);
    return ok;
}

/* libcurl's callback for data: writes it to the file. A return value other than the number of bytes ends the
 * transfer. */
static size_t on_data(char *data, size_t size, size_t n, void *user) {
    transfer *t = user;
    size_t bytes = size * n;
    if (t->done + bytes > MAX_DOWNLOAD)
        t->status =
            fct_fail(t->err, FCT_ERR_LIMIT, "%s: larger than %llu bytes", t->shown, (unsigned long long)MAX_DOWNLOAD);
    else if (fwrite(data, 1, bytes, t->f) != bytes) t->status = fct_fail_errno(t->err, t->path, errno);
    if (t->status) return 0;
    t->done += bytes;
    return bytes;
}

/* libcurl's callback for progress, which also lets the caller cancel. */
static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now) {
    transfer *t = user;
    (void)now, (void)up_total, (void)up_now;
    uint64_t all = total > 0 ? (uint64_t)total + t->start : 0;
    if (!t->status) t->status = fct_store_tell(t->opts, "download", t->done, all, t->err);
    return t->status != FCT_OK;
}

/* A transfer that begins with https stays there: a redirection to http is refused. It is given up when nothing
 * comes for a while, however long it takes as a whole. */
static void set_options(transfer *t) {
    CURL *c = t->curl;
    const fct_store_opts *o = t->opts;
    bool secure = strncmp(t->url, "https:", 6) == 0;
    api.easy_reset(c);
    api.easy_setopt(c, CURLOPT_URL, t->url);
    api.easy_setopt(c, CURLOPT_USERAGENT, "facet/" FCT_VERSION);
    api.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    api.easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    api.easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    api.easy_setopt(c, CURLOPT_MAXREDIRS, 10L);
    api.easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    api.easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
    api.easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    api.easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)o->stall_seconds);
    api.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    api.easy_setopt(c, CURLOPT_WRITEDATA, t);
    api.easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    api.easy_setopt(c, CURLOPT_XFERINFODATA, t);
    api.easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    if (t->start) api.easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->start);
    if (o->proxy) api.easy_setopt(c, CURLOPT_PROXY, o->proxy);
}

/* Opens the partial file to append to it, or empties it for a new start. A link in its place is not ours:
 * it goes, and what it leads to is not written to. */
static fct_status open_part(transfer *t, bool restart) {
    fct_file_stat st;
    fct_file_get_stat(t->path, &st);
    if (st.is_symlink) {
        fct_status s = fct_file_remove(t->path, t->err);
        if (s) return s;
    }
    t->start = t->done = st.is_file && !st.is_symlink && !restart ? st.size : 0;
    t->f = fct_fopen(t->path, t->start ? "ab" : "wb");
    return t->f ? FCT_OK : fct_fail_errno(t->err, t->path, errno);
}

typedef enum fetch_verdict { DONE, AGAIN, RESTART, FAILED } fetch_verdict;

static fetch_verdict judge(transfer *t, CURLcode rc) {
    long http = 0;
    api.easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &http);
    if (t->status) return FAILED;
    if (rc == CURLE_OK) return DONE;
    /* The server cannot resume, or the file here already holds all of it or more. */
    if (t->start && (rc == CURLE_RANGE_ERROR || http == 416)) return RESTART;
    bool passing = http == 0 || (http >= 200 && http < 300) || http == 408 || http == 429 || http >= 500;
    switch (rc) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        passing = false;
        break;
    default:
        break;
    }
    bool absent = http == 404 || http == 410;
    t->status = http >= 400 ? fct_fail(t->err, absent ? FCT_ERR_NOT_FOUND : FCT_ERR_NETWORK,
                                       "%s: the server answers %ld", t->shown, http)
                            : fct_fail(t->err, FCT_ERR_NETWORK, "%s: %s", t->shown, api.easy_strerror(rc));
    return passing ? AGAIN : FAILED;
}

/* Makes one request and writes what arrives to the disk before it judges how the request ended. */
static fetch_verdict attempt(transfer *t, bool restart) {
    t->status = open_part(t, restart);
    if (t->status) return FAILED;
    set_options(t);
    CURLcode rc = api.easy_perform(t->curl);
    int e = fct_sys_flush(t->f);
    if (fclose(t->f) && !e) e = errno;
    if (e && !t->status) t->status = fct_fail_errno(t->err, t->path, e);
    return judge(t, rc);
}

/* Waits between attempts, in steps so that it can be stopped. */
static fct_status pause_for(const transfer *t, int ms) {
    for (; ms > 0; ms -= 100) {
        fct_status s = fct_store_tell(t->opts, "download", t->done, 0, t->err);
        if (s) return s;
        fct_sleep_ms(100);
    }
    return FCT_OK;
}

static fct_status run(transfer *t) {
    bool restart = false, restarted = false;
    for (int idle = 0;;) {
        fetch_verdict v = attempt(t, restart);
        restart = false;
        if (v == DONE) return FCT_OK;
        if (v == RESTART && !restarted) {
            restart = restarted = true;
            continue;
        }
        if (v == RESTART)
            return fct_fail(t->err, FCT_ERR_NETWORK, "%s: the server cannot be read from the start", t->shown);
        /* A partial file is kept for the next call, but not on a full disk. */
        if (v == FAILED && t->status == FCT_ERR_IO) (void)fct_file_remove(t->path, NULL);
        if (v == FAILED) return t->status;
        idle = t->done > t->start ? 0 : idle + 1;
        if (idle > t->opts->retries) return t->status;
        fct_status s = pause_for(t, 250 << (idle < 6 ? idle : 6));
        if (s) return s;
    }
}

fct_status fct_fetch(const char *url, const char *path, const fct_store_opts *o, fct_error *err) {
    transfer t = {.url = url, .path = path, .opts = o, .err = err};
    fct_url_shown(url, t.shown);
    if (!have_curl())
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "libcurl is not installed: fetch %s yourself and import it",
                        fct_url_shown(url, t.shown));
    if (!(t.curl = api.easy_init())) return fct_fail_nomem(err, "download", 0);
    fct_status s = run(&t);
    api.easy_cleanup(t.curl);
    return s;
}

#else

fct_status fct_fetch(const char *url, const char *path, const fct_store_opts *o, fct_error *err) {
    char shown[FCT_SHOWN_URL];
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "this build of facet downloads nothing (built without libcurl): fetch %s yourself and import it",
                    fct_url_shown(url, shown));
}

#endif

/* Routes, keys, rates, addresses, repeated requests, streams. */
#include "test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "server/app.h"
#include "server/stream.h"

static fct_error e;

/* ---- Routes ------------------------------------------------------------------------------ */

static void nothing(srv_app *app, srv_request *r, srv_reply *out) { out->status = 1; }
static const srv_route routes[] = {
    {SRV_GET, "/a", SRV_ROLE_NONE, "a", nothing},         {SRV_GET, "/a/{}/b/{}", SRV_ROLE_NONE, "two", nothing},
    {SRV_DELETE, "/a/{}", SRV_ROLE_NONE, "del", nothing}, {SRV_PUT, "/a/{}", SRV_ROLE_NONE, "put", nothing},
    {SRV_GET, "/", SRV_ROLE_NONE, "root", nothing},       {0},
};
static const srv_dialect dialect = {.name = "test", .routes = routes};

/* "NAME first second", or "-" and the result's number. */
static const char *route(srv_method method, const char *path) {
    static char text[300];
    const srv_dialect *const list[] = {&dialect, NULL}, *found;
    srv_request r = {.method = method, .path = fct_strdup(path)};
    int methods;
    srv_route_result result = srv_route_find(list, &r, &found, &methods);
    if (result == SRV_ROUTE_FOUND)
        snprintf(text, sizeof text, "%s %s %s", r.route->name, r.params[0] ? r.params[0] : "-",
                 r.params[1] ? r.params[1] : "-");
    else snprintf(text, sizeof text, "-%d %d", (int)result, methods);
    srv_request_free(&r);
    return text;
}

TEST(paths_and_routes) {
    static const struct {
        srv_method method;
        const char *path, *result;
    } cases[] = {
        {SRV_GET, "/a", "a - -"},
        {SRV_GET, "/a/", "a - -"},
        {SRV_GET, "/", "root - -"},
        {SRV_GET, "/a/x%20y/b/%C3%A9", "two x y \xc3\xa9"},
        {SRV_GET, "/a/..%2f/b/%2e", "-3 0"},
        {SRV_GET, "/a/x%2fy/b/z", "two x/y z"},
        {SRV_PUT, "/a/1", "put 1 -"},
        {SRV_POST, "/a/1", "-2 20"},
        {SRV_GET, "/b", "-1 0"},
        {SRV_GET, "/a/b/c", "-1 0"},
        {SRV_GET, "/A", "-1 0"},
        {SRV_GET, "//", "-3 0"},
        {SRV_GET, "/a//b", "-3 0"},
        {SRV_GET, "a", "-3 0"},
        {SRV_GET, "*", "-3 0"},
        {SRV_GET, "/a/%", "-3 0"},
        {SRV_GET, "/a/%4", "-3 0"},
        {SRV_GET, "/a/%00", "-3 0"},
        {SRV_GET, "/a/%ff", "-3 0"},
        {SRV_GET, "/a/%7f", "-3 0"},
        {SRV_GET, "/..", "-3 0"},
        {SRV_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13", "-3 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = route(cases[i].method, cases[i].path);
        CHECK_MSG(strcmp(got, cases[i].result) == 0, "%s: %s", cases[i].path, got);
    }
}

/* ---- Keys --------------------------------------------------------------------------------- */

TEST(keys_survive_and_are_hashed) {
    srv_keys k = {0};
    char path[1000], reader[SRV_KEY_TEXT], admin[SRV_KEY_TEXT], sum[65];
    snprintf(path, sizeof path, "%s/keys-%p.json", getenv("FCT_TEST_DIR") ? getenv("FCT_TEST_DIR") : "/tmp",
             (void *)&k);
    CHECK(!srv_keys_read(path, &k, &e) && k.n == 0);
    REQUIRE(!srv_keys_add(&k, "door", SRV_ROLE_READER, reader, &e) &&
            !srv_keys_add(&k, "\xc3\xa9", SRV_ROLE_ADMIN, admin, &e));
    CHECK(strlen(reader) == 47 && strcmp(reader, admin) != 0);
    CHECK(srv_keys_add(&k, "door", SRV_ROLE_READER, sum, &e) == FCT_ERR_EXISTS);
    CHECK(srv_keys_add(&k, "a\nb", SRV_ROLE_READER, sum, &e) == FCT_ERR_ARG &&
          srv_keys_add(&k, "", SRV_ROLE_READER, sum, &e));
    REQUIRE(!srv_keys_write(path, &k, &e));
    srv_keys_free(&k);
    REQUIRE(!srv_keys_read(path, &k, &e) && k.n == 2);
    fct_sha256_hex(reader, strlen(reader), sum);
    const srv_key *found = srv_keys_check(&k, reader);
    CHECK(found && found->role == SRV_ROLE_READER && strcmp(found->name, "door") == 0 &&
          strcmp(found->sha256, sum) == 0);
    found = srv_keys_check(&k, admin);
    CHECK(found && found->role == SRV_ROLE_ADMIN);
    reader[5] ^= 1;
    CHECK(!srv_keys_check(&k, reader) && !srv_keys_check(&k, "") && !srv_keys_check(&k, sum));
    CHECK(srv_keys_remove(&k, "nobody", &e) == FCT_ERR_NOT_FOUND && !srv_keys_remove(&k, "door", &e) && k.n == 1);
    CHECK(srv_keys_check(&k, admin));
    srv_keys_free(&k);
    static const char no_role[] = "{\"version\":1,\"keys\":[{\"id\":\"0123456789abcdef\",\"name\":\"x\","
                                  "\"role\":\"king\",\"created\":1,\"sha256\":\"\"}]}";
    static const char *const bad[] = {
        "{", "[]", "{\"version\":1}", "{\"version\":2,\"keys\":[]}", "{\"version\":1,\"keys\":[{}]}", no_role};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REQUIRE(!fct_file_write_private(path, bad[i], strlen(bad[i]), &e));
        CHECK_MSG(srv_keys_read(path, &k, &e) && strstr(e.text, "keys-") && k.n == 0, "case %zu", i);
    }
    fct_file_remove(path, NULL);
}

TEST(keys_of_a_collection_and_keys_that_sign) {
    srv_keys k = {0};
    char path[1000], text[SRV_KEY_TEXT], other[SRV_KEY_TEXT], access[SRV_KEY_ACCESS];
    snprintf(path, sizeof path, "%s/signing-%p.json", getenv("FCT_TEST_DIR") ? getenv("FCT_TEST_DIR") : "/tmp",
             (void *)&k);
    REQUIRE(!srv_keys_add(&k, "aws", SRV_ROLE_READER, text, &e) &&
            !srv_keys_add(&k, "door", SRV_ROLE_READER, other, &e));
    CHECK(srv_keys_let_sign(&k, "aws", other, &e) == FCT_ERR_ARG && !srv_keys_let_sign(&k, "aws", text, &e));
    CHECK(srv_keys_bind(&k, "nobody", "staff", &e) == FCT_ERR_NOT_FOUND);
    CHECK(srv_keys_bind(&k, "door", "", &e) == FCT_ERR_ARG && srv_keys_bind(&k, "door", "a\nb", &e) == FCT_ERR_ARG);
    CHECK(!srv_keys_bind(&k, "door", "staff", &e));
    REQUIRE(!srv_keys_write(path, &k, &e));
    srv_keys_free(&k);
    REQUIRE(!srv_keys_read(path, &k, &e) && k.n == 2);
    srv_key_access_id(&k.at[0], access);
    CHECK(strlen(access) == 20 && strncmp(access, "FCTK", 4) == 0);
    const srv_key *found = srv_keys_signing(&k, access);
    CHECK(found == &k.at[0] && strcmp(found->secret, text) == 0 && !*found->collection);
    CHECK(strcmp(k.at[1].collection, "staff") == 0 && !*k.at[1].secret);
    srv_key_access_id(&k.at[1], access);
    CHECK(!srv_keys_signing(&k, access) && !srv_keys_signing(&k, "")); /* it does not sign */
    strcpy(k.at[0].secret, other);
    REQUIRE(!srv_keys_write(path, &k, &e));
    srv_keys_free(&k);
    CHECK(srv_keys_read(path, &k, &e) == FCT_ERR_FORMAT && strstr(e.text, "\"secret\""));
    fct_file_remove(path, NULL);
}

/* ---- Rates ----------------------------------------------------------------------------------- */

TEST(rates) {
    static srv_rate r;
    const uint64_t s = 1000000000;
    srv_rate_init(&r, 2, 4);
    for (int i = 0; i < 4; i++) CHECK(srv_rate_take(&r, "a", s) == 0);
    CHECK(srv_rate_take(&r, "a", s) == 1 && srv_rate_take(&r, "b", s) == 0);
    CHECK(srv_rate_take(&r, "a", s + s / 4) == 1); /* half a token */
    CHECK(srv_rate_take(&r, "a", s + s / 2) == 0 && srv_rate_take(&r, "a", s + s / 2) == 1);
    for (int i = 0; i < 4; i++) CHECK(srv_rate_take(&r, "a", 100 * s) == 0); /* no more than four are saved up */
    CHECK(srv_rate_take(&r, "a", 100 * s) == 1);
    srv_rate_free(&r);
    srv_rate_init(&r, 0, 1);
    for (int i = 0; i < 9; i++) CHECK(srv_rate_take(&r, "a", s) == 0);
    srv_rate_free(&r);
}

TEST(addresses) {
    srv_range r[4];
    int n;
    REQUIRE(!srv_ranges_parse("10.0.0.0/8,192.168.1.7,fd00::/12", r, 4, &n, &e) && n == 3);
    static const char *const in[] = {"10.255.0.1", "192.168.1.7", "fd0f::1", "::ffff:10.1.2.3"};
    static const char *const out[] = {"11.0.0.1", "192.168.1.6", "fe00::1", "::1", "x", "::ffff:11.1.2.3"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) CHECK_MSG(srv_ranges_hold(r, n, in[i]), "%s", in[i]);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) CHECK_MSG(!srv_ranges_hold(r, n, out[i]), "%s", out[i]);
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "a", "10.0.0.0/",
                                      "10.0.0.0/x",  "::/129",   ",", "1.1.1.1,,2.2.2.2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(srv_ranges_parse(bad[i], r, 4, &n, &e) == FCT_ERR_ARG, "%s", bad[i]);
    REQUIRE(!srv_ranges_parse("0.0.0.0/0", r, 4, &n, &e));
    CHECK(srv_ranges_hold(r, n, "1.2.3.4") && !srv_ranges_hold(r, n, "::1"));
}

/* ---- Repeated requests ------------------------------------------------------------------------- */

static void set_request(srv_request *r, const char *key, const char *boundary, const char *text) {
    char type[100];
    srv_request_free(r);
    *r = (srv_request){.method = SRV_POST, .path = fct_strdup("/x")};
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    srv_pair_add(r->fields, &r->n_fields, "idempotency-key", key);
    srv_pair_add(r->fields, &r->n_fields, "content-type", type);
    fct_buf_printf(&r->body, "--%s\r\n%s\r\n--%s--", boundary, text, boundary);
}

TEST(a_repeated_request_is_known_by_what_it_asks) {
    srv_idempotency d;
    srv_request r = {0};
    srv_reply first = {.status = 201, .type = "text/plain"}, again = {0};
    srv_idempotent *slot, *none;
    REQUIRE(!srv_idempotency_init(&d, &e));
    fct_buf_text(&first.body, "answer");
    set_request(&r, "k", "aaa", "same");
    CHECK(srv_idempotency_begin(&d, &r, &again, &slot) == SRV_ONCE_GO && slot);
    CHECK(srv_idempotency_begin(&d, &r, &again, &none) == SRV_ONCE_RUNS && !none);
    srv_idempotency_end(&d, slot, &first);
    set_request(&r, "k", "bbb", "same"); /* another boundary is no other request */
    CHECK(srv_idempotency_begin(&d, &r, &again, &none) == SRV_ONCE_REPLAYED && again.status == 201 &&
          again.body.size == 6);
    set_request(&r, "k", "aaa", "other");
    CHECK(srv_idempotency_begin(&d, &r, &again, &none) == SRV_ONCE_OTHER);
    strcpy(r.key_id, "somebody"); /* whose keys are his own */
    CHECK(srv_idempotency_begin(&d, &r, &again, &slot) == SRV_ONCE_GO && slot);
    first.status = 503;
    srv_idempotency_end(&d, slot, &first);
    CHECK(srv_idempotency_begin(&d, &r, &again, &slot) == SRV_ONCE_GO && slot);
    srv_idempotency_end(&d, slot, &first);
    srv_reply_free(&first);
    srv_reply_free(&again);
    srv_request_free(&r);
    srv_idempotency_free(&d);
}

/* ---- Streams ---------------------------------------------------------------------------------------- */

enum { STREAMED = 3000000 };

static void pump(srv_stream *s, void *source) {
    unsigned char block[7001];
    size_t sent = 0;
    while (sent < STREAMED) {
        size_t n = STREAMED - sent < sizeof block ? STREAMED - sent : sizeof block;
        for (size_t i = 0; i < n; i++) block[i] = (unsigned char)((sent + i) % 251);
        if (!srv_stream_write(s, block, n)) break;
        sent += n;
    }
    *(size_t *)source = sent;
    srv_stream_end(s, true);
}

static void freed(void *source) {}

/* A reader as libmicrohttpd is one: it sleeps until it is woken. */
typedef struct stream_reader {
    fct_mutex lock;
    fct_cond cond;
    bool awake;
} stream_reader;
static void sleep_now(void *user) { ((stream_reader *)user)->awake = false; }
static void wake_up(void *user) {
    stream_reader *r = user;
    fct_mutex_lock(&r->lock);
    r->awake = true;
    fct_cond_signal(&r->cond);
    fct_mutex_unlock(&r->lock);
}
static void run_pump(void *s) { srv_stream_pump(s); }

static size_t read_all(srv_stream *s, size_t stop_after) {
    stream_reader r = {.awake = true};
    char data[9973];
    size_t got = 0;
    fct_mutex_init(&r.lock);
    fct_cond_init(&r.cond);
    for (;;) {
        ptrdiff_t n = srv_stream_read(s, data, sizeof data, sleep_now, wake_up, &r);
        if (n < 0) break;
        for (ptrdiff_t i = 0; i < n; i++) REQUIRE((unsigned char)data[i] == (got + (size_t)i) % 251);
        got += (size_t)n;
        if (stop_after && got >= stop_after) break;
        fct_mutex_lock(&r.lock);
        while (!n && !r.awake) fct_cond_wait(&r.cond, &r.lock);
        fct_mutex_unlock(&r.lock);
    }
    return got;
}

TEST(streams) {
    fct_thread t;
    for (int early = 0; early < 2; early++) {
        size_t sent = 0;
        srv_stream *s = srv_stream_create(pump, freed, &sent);
        REQUIRE(s && !fct_thread_start(&t, run_pump, s, &e));
        size_t got = read_all(s, early ? 100000 : 0);
        if (early) srv_stream_abandon(s);
        fct_thread_join(&t);
        CHECK(early ? sent < STREAMED && got >= 100000 : sent == STREAMED && got == STREAMED);
        srv_stream_release(s);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

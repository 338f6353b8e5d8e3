/* What the server reads of a request itself: heads and chunks (the guard), bodies of
 * forms, paths. The first byte chooses. Whatever the pieces are in which a request
 * comes, the guard lets the same bytes through; what it lets through as one request is
 * one for a naive reader of HTTP too. */
#include "fuzz.h"

#include "base/buffer.h"
#include "server/form.h"
#include "server/net/guard.h"
#include "server/routes.h"

enum { MOST_BODY = 4096 };

/* What became of a stream of requests: bytes let through, requests ended, the fault's status. */
typedef struct guard_run {
    size_t passed;
    int ended, status;
} guard_run;

static guard_run run_guard(const char *data, size_t size, size_t step) {
    guard_run run = {0};
    srv_guard g;
    srv_guard_fault fault = {0};
    srv_guard_init(&g, MOST_BODY);
    for (size_t have = 0; !fault.status;) {
        have = have + step < size ? have + step : size;
        for (size_t n = 1; n && !fault.status && run.passed < have; run.passed += n) {
            bool head = g.state == SRV_GUARD_HEAD;
            n = srv_guard_feed(&g, data + run.passed, have - run.passed, &fault);
            FUZZ_REQUIRE(n <= have - run.passed && (!fault.status || n == 0));
            FUZZ_REQUIRE(g.body <= MOST_BODY);
            if (n && g.state == SRV_GUARD_HEAD) run.ended++;
            if (head && n) FUZZ_REQUIRE(n >= 16 && memcmp(data + run.passed + n - 4, "\r\n\r\n", 4) == 0);
        }
        if (have == size) break;
    }
    run.status = fault.status;
    return run;
}

/* The same bytes at once, one by one, and in pieces of seven. Faults may show at other places, so only what was let
 * through before them is compared, by whole requests. */
static void use_guard(const char *data, size_t size) {
    guard_run whole = run_guard(data, size, size ? size : 1), single = run_guard(data, size, 1),
              seven = run_guard(data, size, 7);
    FUZZ_REQUIRE(whole.ended == single.ended && whole.ended == seven.ended);
    FUZZ_REQUIRE((whole.status != 0) == (single.status != 0) && (whole.status != 0) == (seven.status != 0));
    if (!whole.status) FUZZ_REQUIRE(whole.passed == single.passed && whole.passed == seven.passed);
}

/* Reads a body as a form: whatever was found lies inside it. */
static void use_form(const char *type, const char *data, size_t size) {
    srv_request r = {0};
    srv_form form;
    fct_error e;
    const uint8_t *picture;
    size_t n;
    double number = 0.5;
    FUZZ_REQUIRE(srv_pair_add(r.fields, &r.n_fields, "Content-Type", type));
    fct_buf_add(&r.body, data, size);
    fct_status s = srv_form_read(&r, &form, &e);
    if (s) FUZZ_REQUIRE(e.code == s && e.text[0]);
    else {
        for (int i = 0; i < form.n_parts; i++) {
            const srv_multipart_part *p = &form.parts[i];
            FUZZ_REQUIRE(memchr(p->name, 0, sizeof p->name) && memchr(p->type, 0, sizeof p->type));
            if (p->is_file)
                FUZZ_REQUIRE((const char *)p->data >= r.body.data &&
                             (const char *)p->data + p->size <= r.body.data + size);
            const char *text = srv_form_text(&form, p->name);
            if (text) FUZZ_REQUIRE(strlen(text) <= size);
        }
        srv_form_text(&form, "a");
        srv_form_only(&form, "a|b|image", &e);
        FUZZ_REQUIRE(srv_form_number(&form, "a", 0, 1, &number, &e) || (number >= 0 && number <= 1));
        for (int i = 0; i < 3; i++)
            if (!srv_form_picture(&form, "image", i, &picture, &n, &e)) FUZZ_REQUIRE(picture && n && n <= size);
        if (!srv_form_picture(&form, NULL, 0, &picture, &n, &e)) FUZZ_REQUIRE(picture && n <= size);
    }
    srv_form_free(&form);
    srv_request_free(&r);
}

static const srv_route routes[] = {
    {SRV_GET, "/a/{}/b/{}", SRV_ROLE_NONE, "a", NULL}, {SRV_GET, "/{}", SRV_ROLE_NONE, "b", NULL}, {0}};
static const srv_dialect dialect = {.name = "fuzz", .routes = routes};

static void use_path(const char *text) {
    const srv_dialect *const list[] = {&dialect, NULL}, *found;
    srv_request r = {.method = SRV_GET, .path = fct_strdup(text)};
    int methods;
    FUZZ_REQUIRE(r.path);
    if (srv_route_find(list, &r, &found, &methods) == SRV_ROUTE_FOUND)
        for (int i = 0; i < SRV_PARAMS && r.params[i]; i++)
            FUZZ_REQUIRE(strcmp(r.params[i], "..") && strcmp(r.params[i], ".") && !strchr(r.params[i], '\n'));
    srv_request_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    long live = fct_alloc_live();
    char *text = malloc(size);
    FUZZ_REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    switch (data[0]) {
    case 'g':
        use_guard(text, size - 1);
        break;
    case 'm':
        use_form("multipart/form-data; boundary=b", text, size - 1);
        break;
    case 'u':
        use_form("application/x-www-form-urlencoded", text, size - 1);
        break;
    case 'j':
        use_form("application/json", text, size - 1);
        break;
    case 't':
        use_form(text, "--b\r\n\r\n--b--", 12);
        break;
    default:
        use_path(text);
    }
    free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

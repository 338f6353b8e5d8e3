/* The guard against request smuggling: what it lets through, and that it finds the same
 * ends whatever the pieces are in which a request comes. What it refuses is tested over
 * sockets (transport_test.py). */
#include "test.h"

#include "server/net/guard.h"

/* Feeds text [n] in pieces of `step` bytes. Returns the bytes let through; *fault: what was wrong at the end. */
static size_t feed(srv_guard *g, const char *text, size_t n, size_t step, srv_guard_fault *fault) {
    size_t from = 0, have = 0;
    *fault = (srv_guard_fault){0};
    while (have < n || from < have) {
        have = have + step < n ? have + step : n;
        size_t taken = srv_guard_feed(g, text + from, have - from, fault);
        if (fault->status) return from;
        REQUIRE(taken <= have - from);
        from += taken;
        if (!taken && have == n) break;
    }
    return from;
}

#define HEAD "POST /v1/detect HTTP/1.1\r\nHost: a\r\n"

/* Requests that are whole: all of them is let through, and the guard waits for the next head. */
static const char *const whole[] = {
    "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "GET /a?b=c%20d HTTP/1.0\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    HEAD "Content-Length: 0\r\n\r\n",
    HEAD "Content-Length:\t5 \r\n\r\nab\r\nc",
    HEAD "content-LENGTH: 005\r\n\r\nGET /",
    HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD "transfer-encoding:CHUNKED\r\n\r\n5\r\nabcde\r\n0A\r\n0123456789\r\n000\r\n\r\n",
    HEAD "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
    HEAD "X-Latin: caf\xe9\r\nX-Tab: a\tb\r\nX-Empty:\r\n\r\n",
};

TEST(whole_requests_in_all_pieces) {
    srv_guard_fault fault;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        for (size_t step = 1; step <= strlen(whole[i]); step++) {
            srv_guard g;
            srv_guard_init(&g, 1000);
            size_t n = feed(&g, whole[i], strlen(whole[i]), step, &fault);
            CHECK_MSG(n == strlen(whole[i]) && !fault.status && g.state == SRV_GUARD_HEAD, "%zu by %zu: %zu, %s", i,
                      step, n, fault.why ? fault.why : "");
        }
}

TEST(several_requests_are_cut_where_they_end) {
    char all[2000] = "";
    size_t n = sizeof whole / sizeof *whole;
    for (size_t i = 0; i < n; i++) strcat(all, whole[i]);
    srv_guard g;
    srv_guard_init(&g, 1000);
    const char *at = all;
    for (size_t i = 0; i < n; i++) {
        size_t taken = 0;
        srv_guard_fault fault;
        do taken += srv_guard_feed(&g, at + taken, strlen(at + taken), &fault);
        while (!fault.status && g.state != SRV_GUARD_HEAD);
        CHECK_MSG(taken == strlen(whole[i]) && !fault.status, "request %zu: %zu", i, taken);
        at += taken;
    }
    CHECK(*at == 0);
}

/* Nothing of a head is let through before all of it is there and proper. */
TEST(nothing_of_a_part) {
    const char *text = HEAD "Content-Length: 5\r\n\r\n";
    srv_guard_fault fault;
    for (size_t n = 1; n < strlen(text); n++) {
        srv_guard g;
        srv_guard_init(&g, 1000);
        CHECK(srv_guard_feed(&g, text, n, &fault) == 0 && !fault.status);
    }
}

TEST(limits_to_the_byte) {
    srv_guard g;
    srv_guard_fault fault;
    static char head[SRV_HEAD_MOST + 100];
    for (int more = 0; more < 2; more++) {
        size_t size = SRV_HEAD_MOST + (size_t)more;
        int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        memset(head + n, 'x', size - (size_t)n - 4);
        memcpy(head + size - 4, "\r\n\r\n", 4);
        srv_guard_init(&g, 10);
        size_t taken = srv_guard_feed(&g, head, size, &fault);
        CHECK_MSG(more ? fault.status == 431 : taken == size, "%zu: %zu, %d", size, taken, fault.status);
    }
    srv_guard_init(&g, 10);
    const char *ten = HEAD "Content-Length: 10\r\n\r\n", *eleven = HEAD "Content-Length: 11\r\n\r\n";
    CHECK(feed(&g, ten, strlen(ten), 99, &fault) == strlen(ten) && !fault.status);
    srv_guard_init(&g, 10);
    feed(&g, eleven, strlen(eleven), 99, &fault);
    CHECK(fault.status == 413);
    const char *fits = HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n6\r\nabcdef\r\n0\r\n\r\n";
    srv_guard_init(&g, 10);
    CHECK(feed(&g, fits, strlen(fits), 3, &fault) == strlen(fits) && !fault.status);
    const char *over = HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n7\r\n";
    srv_guard_init(&g, 10);
    feed(&g, over, strlen(over), 3, &fault);
    CHECK(fault.status == 413);
    const char *wraps = HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nfffffffffffffff\r\n";
    srv_guard_init(&g, UINT64_MAX);
    feed(&g, wraps, strlen(wraps), 99, &fault);
    CHECK(!fault.status); /* fifteen digits fit into 64 bits, with four more too */
}

int main(int argc, char **argv) { return test_main(argc, argv); }

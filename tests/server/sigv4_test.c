/* Signed requests: the published examples of AWS Signature Version 4, fields that are none,
 * times, and signatures that come again. */
#include "test.h"

#include "base/alloc.h"
#include "server/net/hmac.h"
#include "server/signature_table.h"
#include "server/sigv4.h"

/* The key and scope of AWS's test suite. */
#define SECRET     "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define CREDENTIAL "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "

static fct_error e;

/* A request to example.amazonaws.com as the suite has it, with one more field where name is given. */
static void make(srv_request *r, srv_method method, const char *name, const char *value) {
    *r = (srv_request){.method = method, .path = fct_strdup("/")};
    srv_pair_add(r->fields, &r->n_fields, "Host", "example.amazonaws.com");
    srv_pair_add(r->fields, &r->n_fields, "X-Amz-Date", "20150830T123600Z");
    if (name) srv_pair_add(r->fields, &r->n_fields, name, value);
}

static srv_sigv4_result verify(const srv_request *r, const char *headers, const char *signature, const char *secret) {
    char field[1000];
    const char *why;
    srv_sigv4 sig;
    snprintf(field, sizeof field, CREDENTIAL "SignedHeaders=%s, Signature=%s", headers, signature);
    REQUIRE(srv_sigv4_parse(field, &sig, &why));
    CHECK(!strcmp(sig.access_id, "AKIDEXAMPLE") && !strcmp(sig.region, "us-east-1") && !strcmp(sig.service, "service"));
    return srv_sigv4_verify(&sig, r, secret);
}

/* "get-vanilla" and "post-vanilla" of the suite. */
TEST(published_signatures) {
    static const char get[] = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    static const char post[] = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    static const char names[] = "host;x-amz-date";
    srv_request r;
    REQUIRE(srv_hmac_load());
    make(&r, SRV_GET, NULL, NULL);
    CHECK(verify(&r, names, get, SECRET) == SRV_SIGV4_GOOD);
    CHECK(verify(&r, names, post, SECRET) == SRV_SIGV4_WRONG);
    CHECK(verify(&r, names, get, "another") == SRV_SIGV4_WRONG);
    srv_request_free(&r);
    make(&r, SRV_POST, NULL, NULL);
    CHECK(verify(&r, names, post, SECRET) == SRV_SIGV4_GOOD);
    fct_buf_text(&r.body, "x");
    CHECK(verify(&r, names, post, SECRET) == SRV_SIGV4_WRONG);
    srv_request_free(&r);
}

/* The derived key that AWS's description gives for one day, region and service. */
TEST(published_key) {
    static const uint8_t wanted[32] = {0xf4, 0x78, 0x0e, 0x2d, 0x9f, 0x65, 0xfa, 0x89, 0x5f, 0x9c, 0x67,
                                       0xb3, 0x2c, 0xe1, 0xba, 0xf0, 0xb0, 0xd8, 0xa4, 0x35, 0x05, 0xa0,
                                       0x00, 0xa1, 0xa9, 0xe0, 0x90, 0xd4, 0x14, 0xdb, 0x40, 0x4d};
    uint8_t key[32];
    static const char *const parts[] = {"us-east-1", "iam", "aws4_request"};
    REQUIRE(srv_hmac_load() && srv_hmac_sha256("AWS4" SECRET, strlen("AWS4" SECRET), "20120215", 8, key));
    for (int i = 0; i < 3; i++) REQUIRE(srv_hmac_sha256(key, 32, parts[i], strlen(parts[i]), key));
    CHECK(memcmp(key, wanted, 32) == 0);
}

TEST(fields_that_are_none) {
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const bad[] = {
        "",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA512 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS "0",
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=F" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host;host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=x;host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=hosts;host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=Host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host;,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/2015083/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_requests,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/aws4_request,SignedHeaders=host,Signature=" ZEROS,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request,SignedHeaders=host,Signature=" ZEROS ",a=b",
    };
    srv_sigv4 sig;
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(!srv_sigv4_parse(bad[i], &sig, &why) && why && *why, "%s", bad[i]);
    CHECK(srv_sigv4_parse("AWS4-HMAC-SHA256 \t Signature=" ZEROS ",SignedHeaders=host;hosts;x , "
                          "Credential=a/20150830/r/s/aws4_request",
                          &sig, &why));
    CHECK(!strcmp(sig.headers, "host;hosts;x") && !strcmp(sig.date, "20150830"));
}

TEST(times) {
    CHECK(srv_sigv4_time("19700101T000000Z") == 0);
    CHECK(srv_sigv4_time("20150830T123600Z") == 1440938160); /* date -ud 2015-08-30T12:36:00 +%s */
    CHECK(srv_sigv4_time("20000229T235959Z") == 951868799);
    CHECK(srv_sigv4_time("20991231T235959Z") == 4102444799);
    static const char *const bad[] = {"",
                                      "20150830T123600",
                                      "2015-08-30T123600Z",
                                      "20151330T123600Z",
                                      "20150830T243600Z",
                                      "20150830 123600Z",
                                      "20150830T1236-1Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_MSG(srv_sigv4_time(bad[i]) == -1, "%s", bad[i]);
}

/* What the head alone tells, at the suite's time. */
TEST(heads) {
    const int64_t now = 1440938160;
    srv_request r;
    srv_sigv4 sig;
    const char *why;
    int64_t at;
    make(&r, SRV_POST, "x-amz-target", "A.B");
    REQUIRE(srv_sigv4_parse(CREDENTIAL "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" ZEROS, &sig, &why));
    CHECK(srv_sigv4_check_head(&sig, &r, "service", now, &at, &why) && at == now);
    CHECK(srv_sigv4_check_head(&sig, &r, "service", now + SRV_SIGV4_SKEW, &at, &why));
    CHECK(srv_sigv4_check_head(&sig, &r, "service", now - SRV_SIGV4_SKEW, &at, &why));
    CHECK(!srv_sigv4_check_head(&sig, &r, "service", now + SRV_SIGV4_SKEW + 1, &at, &why) && strstr(why, "expired"));
    CHECK(!srv_sigv4_check_head(&sig, &r, "service", now - SRV_SIGV4_SKEW - 1, &at, &why) && strstr(why, "current"));
    CHECK(!srv_sigv4_check_head(&sig, &r, "rekognition", now, &at, &why) && strstr(why, "service"));
    srv_pair_add(r.query, &r.n_query, "a", "b");
    CHECK(!srv_sigv4_check_head(&sig, &r, "service", now, &at, &why) && strstr(why, "query"));
    r.n_query = 0;
    fct_free(r.query[0].name);
    fct_free(r.query[0].value);
    srv_pair_add(r.fields, &r.n_fields, "X-AMZ-Meta", "1");
    CHECK(!srv_sigv4_check_head(&sig, &r, "service", now, &at, &why) && strstr(why, "signed"));
    srv_request_free(&r);
}

/* Number i as a signature; all of them fall into one place of the table. */
static const char *number(int i) {
    static char text[65];
    snprintf(text, sizeof text, "%016llx%048d", (unsigned long long)i * SRV_REPLAY_SETS, 0);
    return text;
}

TEST(signatures_that_come_again) {
    srv_replay t = {0};
    REQUIRE(!srv_replay_init(&t, &e));
    CHECK(srv_replay_take(&t, number(1), 1000) && srv_replay_take(&t, number(1), 1000 + SRV_REPLAY_AGAIN));
    CHECK(!srv_replay_take(&t, number(1), 1001 + SRV_REPLAY_AGAIN) && !srv_replay_take(&t, number(1), 1300));
    CHECK(srv_replay_take(&t, number(2), 1300));
    for (int i = 3; i < 3 + SRV_REPLAY_WAYS - 2; i++) CHECK(srv_replay_take(&t, number(i), 1300 + i));
    CHECK(!srv_replay_take(&t, number(1), 1400)); /* still there */
    CHECK(srv_replay_take(&t, number(99), 1400)); /* takes the oldest one's place */
    CHECK(srv_replay_take(&t, number(1), 1400) && !srv_replay_take(&t, number(3), 1400));
    srv_replay_free(&t);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* The parts of the bridge to Frigate: events, visits, addresses, secrets, a server's answers; and memory running out in
 * what reads them. */
#include "test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "bridge/bridge.h"

#include <math.h>

static fct_error e;

/* ---- Events ------------------------------------------------------------------------------------ */

#define EVENT(type, more)                                                                                              \
    "{\"type\":\"" type "\",\"before\":null,\"after\":{\"id\":\"1700000000.123456-abc\",\"camera\":\"door\","          \
    "\"label\":\"person\"" more "}}"

static fct_status read_event(const char *text, brg_event *out) { return brg_event_read(text, strlen(text), out, &e); }

TEST(events) {
    brg_event x;
    REQUIRE(!read_event(EVENT("new", ",\"sub_label\":null,\"has_snapshot\":true,\"false_positive\":false"), &x));
    CHECK(x.type == BRG_NEW && x.is_person && x.has_snapshot && !x.has_sub_label);
    CHECK(!strcmp(x.id, "1700000000.123456-abc") && !strcmp(x.camera, "door"));
    REQUIRE(!read_event(EVENT("end", ",\"sub_label\":[\"Ann\",0.9]"), &x));
    CHECK(x.type == BRG_END && x.has_sub_label && !x.has_snapshot);
    REQUIRE(!read_event(EVENT("update", ",\"sub_label\":\"Ann\",\"false_positive\":true"), &x));
    CHECK(x.type == BRG_UPDATE && x.has_sub_label && !x.is_person);
    REQUIRE(!read_event("{\"type\":\"new\",\"after\":{\"id\":\"a\",\"label\":\"car\",\"camera\":\"a\\nb\\u001b[1m\"}}",
                        &x));
    CHECK(!x.is_person && !strcmp(x.camera, "a?b?[1m"));
}

TEST(what_is_no_event) {
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "5",
        "null",
        "{}",
        "{\"type\":\"new\"}",
        "{\"type\":\"gone\",\"after\":{\"id\":\"a\",\"label\":\"person\"}}",
        "{\"type\":5,\"after\":{\"id\":\"a\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":[]}",
        "{\"type\":\"new\",\"after\":{\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"..\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\".a\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"a/b\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"a?b\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"a b\",\"label\":\"person\"}}",
        "{\"type\":\"new\",\"after\":{\"id\":\"a\"}}",
    };
    brg_event x;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_MSG(read_event(bad[i], &x) == FCT_ERR_FORMAT, "%s: %d", bad[i], (int)e.code);
        CHECK(!x.id[0] && e.text[0]);
    }
    char *large = fct_calloc(1, BRG_PAYLOAD_MOST + 2);
    REQUIRE(large);
    CHECK(brg_event_read(large, BRG_PAYLOAD_MOST + 1, &x, &e) == FCT_ERR_LIMIT);
    fct_free(large);
}

/* ---- Visits -------------------------------------------------------------------------------------- */

static brg_visits v;

static void hear(const char *id, brg_event_type type, uint64_t now) {
    brg_event x = {.type = type, .is_person = true, .has_snapshot = true};
    snprintf(x.id, sizeof x.id, "%s", id);
    brg_visits_hear(&v, &x, now);
}

static void begin(int needed) {
    memset(&v, 0, sizeof v);
    v.needed = needed;
}

TEST(a_visit_is_named_once_snapshots_agree) {
    const brg_candidate *who;
    begin(2);
    hear("a", BRG_NEW, 1000);
    brg_visit *x = brg_visits_due(&v, 1000);
    REQUIRE(x && !strcmp(x->id, "a"));
    brg_visit_saw(x, true, "Ann", 0.8, 1000);
    CHECK(brg_visit_decide(&v, x, &who) == BRG_WAIT && !brg_visits_due(&v, 5000)); /* nothing has changed */
    hear("a", BRG_UPDATE, 1100);
    CHECK(!brg_visits_due(&v, 1100 + BRG_LOOK_EVERY_MS - 200) && brg_visits_due(&v, 1000 + BRG_LOOK_EVERY_MS) == x);
    brg_visit_saw(x, true, "Ann", 0.9, 2000);
    CHECK(brg_visits_decided(&v, 2000) == x && brg_visit_decide(&v, x, &who) == BRG_NAMED);
    CHECK(who && !strcmp(who->name, "Ann") && who->hits == 2 && who->score == 0.9);
    x->closed = true;
    hear("a", BRG_UPDATE, 4000);
    CHECK(!brg_visits_due(&v, 9000) && !brg_visits_decided(&v, 9000) && brg_visits_open(&v) == 0);
    hear("a", BRG_END, 5000);
    brg_visits_sweep(&v, 5000);
    CHECK(!brg_visits_find(&v, "a"));
}

TEST(what_is_heard_during_a_look_is_looked_at) {
    begin(2);
    hear("a", BRG_NEW, 0);
    brg_visit *x = brg_visits_due(&v, 0);
    REQUIRE(x);
    brg_visit_begin(x);
    hear("a", BRG_UPDATE, 10);
    brg_visit_saw(x, true, "Ann", 0.9, 20);
    CHECK(brg_visits_due(&v, 20 + BRG_LOOK_EVERY_MS) == x);
    brg_visit_begin(x);
    hear("a", BRG_END, 2000); /* its last snapshot may be another one */
    brg_visit_saw(x, true, NULL, 0, 2010);
    CHECK(!x->looked_end && brg_visits_due(&v, 2010 + BRG_LOOK_EVERY_MS) == x);
}

TEST(the_best_name_wins_at_the_end) {
    const brg_candidate *who;
    begin(3);
    hear("a", BRG_NEW, 0);
    brg_visit *x = brg_visits_due(&v, 0);
    REQUIRE(x);
    brg_visit_saw(x, true, "Ann", 0.95, 0);
    brg_visit_saw(x, true, "Bob", 0.85, 0);
    brg_visit_saw(x, true, "Bob", 0.86, 0);
    brg_visit_saw(x, false, NULL, 0, 0);
    CHECK(brg_visit_decide(&v, x, &who) == BRG_WAIT);
    brg_visit_saw(x, true, "Bob", 0.81, 0); /* three times as often as Ann */
    CHECK(brg_visit_decide(&v, x, &who) == BRG_NAMED && !strcmp(who->name, "Bob") && who->score == 0.86);
    brg_visit_saw(x, true, "Ann", 0.95, 0);
    CHECK(brg_visit_decide(&v, x, &who) == BRG_WAIT); /* not so sure any more */
    hear("a", BRG_END, 100);
    CHECK(brg_visit_decide(&v, x, &who) == BRG_WAIT && brg_visits_due(&v, 2000) == x); /* the last snapshot first */
    brg_visit_missed(x, 2000);
    CHECK(brg_visits_decided(&v, 2000) == x && brg_visit_decide(&v, x, &who) == BRG_NAMED);
    CHECK(!strcmp(who->name, "Bob") && x->looks == 7 && x->faces == 5);
}

TEST(visits_nobody_is_told_of) {
    const brg_candidate *who;
    brg_event car = {.type = BRG_NEW, .id = "car"}, named = {.id = "named", .is_person = true, .has_sub_label = true};
    begin(2);
    brg_visits_hear(&v, &car, 0);
    brg_visits_hear(&v, &named, 0);
    CHECK(brg_visits_open(&v) == 0);
    hear("a", BRG_NEW, 0);
    brg_event taken = {.type = BRG_UPDATE, .id = "a", .is_person = true, .has_sub_label = true};
    brg_visits_hear(&v, &taken, 10); /* somebody else has named it */
    CHECK(!brg_visits_due(&v, 10) && brg_visits_open(&v) == 0);
    hear("b", BRG_NEW, 0);
    hear("b", BRG_END, 10);
    brg_visit *x = brg_visits_due(&v, 10);
    REQUIRE(x);
    brg_visit_saw(x, true, NULL, 0, 10);
    CHECK(brg_visits_decided(&v, 10) == x && brg_visit_decide(&v, x, &who) == BRG_UNKNOWN && !who);
    brg_event bare = {.type = BRG_END, .id = "c", .is_person = true};
    brg_visits_hear(&v, &bare, 10); /* over, and without a snapshot */
    x = brg_visits_find(&v, "c");
    CHECK(x && brg_visit_decide(&v, x, &who) == BRG_UNKNOWN && brg_visits_due(&v, 99) != x);
}

TEST(answers_are_tried_again_and_given_up) {
    begin(1);
    hear("a", BRG_END, 0);
    brg_visit *x = brg_visits_due(&v, 0);
    REQUIRE(x);
    brg_visit_saw(x, true, "Ann", 0.9, 0);
    uint64_t now = 0, pause = 0;
    int tries = 0;
    while (brg_visits_decided(&v, now) == x) {
        tries++;
        bool again = brg_visit_failed(x, now);
        if (again) CHECK(x->answer_at - now > pause && !brg_visits_decided(&v, now));
        pause = x->answer_at - now;
        now = x->answer_at;
    }
    CHECK(tries == BRG_FAILURES_MOST && x->closed);
}

TEST(silence_and_crowds) {
    begin(2);
    hear("old", BRG_NEW, 0);
    brg_visits_sweep(&v, BRG_SILENT_MS + 1);
    brg_visit *x = brg_visits_find(&v, "old");
    CHECK(x && x->ended && brg_visits_due(&v, BRG_SILENT_MS + 1) == x);
    brg_visits_sweep(&v, 2 * BRG_SILENT_MS + 2);
    CHECK(!brg_visits_find(&v, "old"));
    char id[16];
    for (int i = 0; i < BRG_VISITS_MOST + 10; i++) {
        snprintf(id, sizeof id, "v%d", i);
        hear(id, BRG_NEW, (uint64_t)i);
    }
    CHECK(brg_visits_open(&v) == BRG_VISITS_MOST && !brg_visits_find(&v, "v9") && brg_visits_find(&v, "v10"));
    begin(2);
    hear("a", BRG_NEW, 0);
    x = brg_visits_find(&v, "a");
    for (int i = 0; i < 2 * BRG_LOOKS_MOST; i++) {
        hear("a", BRG_UPDATE, (uint64_t)i * 10000);
        if (brg_visits_due(&v, (uint64_t)i * 10000)) {
            snprintf(id, sizeof id, "name %d", i);
            brg_visit_saw(x, true, id, 0.9, (uint64_t)i * 10000);
        }
    }
    CHECK(x->looks == BRG_LOOKS_MOST && x->n_names == BRG_CANDIDATES);
}

/* ---- Addresses, secrets, answers ------------------------------------------------------------------- */

TEST(addresses_of_brokers) {
    static const struct {
        const char *url, *host;
        int port;
        bool tls;
    } good[] = {{"mqtt://broker", "broker", 1883, false},
                {"mqtts://broker/", "broker", 8883, true},
                {"mqtt://10.0.0.1:1884", "10.0.0.1", 1884, false},
                {"mqtts://[::1]:8884", "::1", 8884, true},
                {"mqtt://[fe80::1]", "fe80::1", 1883, false}};
    static const char *const bad[] = {"broker",
                                      "http://broker",
                                      "mqtt://",
                                      "mqtt://:1883",
                                      "mqtt://me:secret@broker",
                                      "mqtt://broker:0",
                                      "mqtt://broker:65536",
                                      "mqtt://broker:x",
                                      "mqtt://broker/topic",
                                      "mqtt://a b",
                                      "mqtt://broker:1883x",
                                      "mqtt://[::1"};
    char host[256];
    int port;
    bool tls;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_MSG(!brg_mqtt_parse(good[i].url, host, &port, &tls, &e), "%s: %s", good[i].url, e.text);
        CHECK_MSG(!strcmp(host, good[i].host) && port == good[i].port && tls == good[i].tls, "%s: %s %d", good[i].url,
                  host, port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(brg_mqtt_parse(bad[i], host, &port, &tls, &e) == FCT_ERR_ARG && !strstr(e.text, "secret"), "%s",
                  bad[i]);
    CHECK(!brg_web_check("http://frigate:5000", "x", &e) && !brg_web_check("https://frigate/base", "x", &e));
    CHECK(brg_web_check("frigate", "x", &e) && brg_web_check("http://a:b@c", "x", &e) &&
          brg_web_check("http://", "x", &e));
    CHECK(brg_web_check("http://a/?b", "x", &e) && brg_web_check("file:///etc/passwd", "x", &e));
}

static char path[1000];

static fct_status read_secrets(const char *text, brg_secrets *out) {
    REQUIRE(!fct_file_write_private(path, text, strlen(text), NULL));
    return brg_secrets_read(path, out, &e);
}

TEST(secrets) {
    brg_secrets s;
    snprintf(path, sizeof path, "%s/bridge-%p.conf", getenv("FCT_TEST_DIR") ? getenv("FCT_TEST_DIR") : "/tmp",
             (void *)&s);
    setenv("FCT_MQTT_USER", "other", 1);
    setenv("FCT_SERVER_KEY", "key", 1);
    CHECK(!read_secrets("# of the porch\n\nmqtt_user=me\r\nmqtt_password=a=b \nfrigate_token=t", &s));
    CHECK(!strcmp(s.mqtt_user, "me") && !strcmp(s.mqtt_password, "a=b ") && !strcmp(s.frigate_token, "t"));
    CHECK(s.server_key && !strcmp(s.server_key, "key"));
    brg_secrets_free(&s);
    CHECK(!brg_secrets_read(NULL, &s, &e) && !strcmp(s.mqtt_user, "other") && !s.mqtt_password);
    brg_secrets_free(&s);
    static const char *const bad[] = {"x=1", "mqtt_user", "mqtt_user=a\nb", "mqtt_password=\x1b[1m", "mqtt_user =a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_MSG(read_secrets(bad[i], &s) == FCT_ERR_FORMAT && strstr(e.text, "line "), "%s: %s", bad[i], e.text);
        brg_secrets_free(&s);
    }
    fct_file_remove(path, NULL);
    CHECK(brg_secrets_read(path, &s, &e) && strstr(e.text, path));
    brg_secrets_free(&s);
    unsetenv("FCT_MQTT_USER");
    unsetenv("FCT_SERVER_KEY");
}

/* Reads a copy: reading changes it. */
static fct_status read_answer(const char *text, brg_face *out) {
    char copy[1000];
    snprintf(copy, sizeof copy, "%s", text);
    return brg_read_identify(copy, strlen(copy), out, &e);
}

TEST(answers_of_a_server) {
    brg_face f;
    CHECK(!read_answer("{\"faces\":[],\"threshold\":0.4}", &f) && !f.found);
    CHECK(!read_answer("{\"faces\":[{\"face\":{},\"matches\":[]}],\"threshold\":0.4}", &f) && f.found && !f.name[0]);
    CHECK(!read_answer("{\"faces\":[{\"matches\":[{\"person\":{\"name\":\"Ann\"},\"similarity\":0.4}]},"
                       "{\"matches\":[{\"person\":{\"name\":\"Bob\"},\"similarity\":0.9}]}],\"threshold\":0.4}",
                       &f));
    CHECK(f.found && !strcmp(f.name, "Ann") && fabs(f.score - 0.8) < 1e-9); /* 0.8 at the threshold */
    CHECK(!read_answer("{\"faces\":[{\"matches\":[{\"person\":{},\"similarity\":\"x\"}]}],\"threshold\":0}", &f));
    CHECK(f.found && !f.name[0]);
    static const char *const bad[] = {"", "{}", "[]", "{\"faces\":5,\"threshold\":1}", "{\"faces\":[]}", "<html>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(read_answer(bad[i], &f) == FCT_ERR_FORMAT && !f.found, "%s", bad[i]);
}

TEST(memory_runs_out) {
    static const char event[] = EVENT("new", ",\"has_snapshot\":true");
    static const char answer[] =
        "{\"faces\":[{\"matches\":[{\"person\":{\"name\":\"A\"},\"similarity\":1}]}],\"threshold\":0}";
    brg_event x;
    brg_face f;
    brg_secrets s;
    REQUIRE(!read_secrets("mqtt_user=me\nmqtt_password=x\n", &s));
    brg_secrets_free(&s);
    long live = fct_alloc_live();
    bool failed = true;
    for (long n = 1; failed; n++) {
        fct_alloc_fail_at(n);
        fct_status a = brg_event_read(event, strlen(event), &x, &e), b = read_answer(answer, &f);
        fct_status c = brg_secrets_read(path, &s, &e);
        failed = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        brg_secrets_free(&s);
        CHECK_MSG(failed == (a || b || c), "allocation %ld: %d %d %d", n, (int)a, (int)b, (int)c);
        CHECK((!a || a == FCT_ERR_NOMEM) && (!b || b == FCT_ERR_NOMEM) && (!c || c == FCT_ERR_NOMEM));
        CHECK(fct_alloc_live() == live);
    }
    fct_file_remove(path, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

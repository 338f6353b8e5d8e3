/* The parts of monitors alone: addresses, settings, their file, the log of events, tickets, who is told of. */
#include "test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "facet/image.h"
#include "facet/privacy.h"
#include "server/monitor_events.h"
#include "server/monitor_file.h"
#include "server/monitor_notice.h"
#include "server/ticket.h"

#include <math.h>
#include <stdlib.h>

static fct_error e;
static char folder[600];

static const char *path_of(const char *name) {
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- Addresses --------------------------------------------------------------------------------- */

TEST(what_is_shown_of_an_address) {
    static const struct {
        const char *address, *shown; /* NULL = refused */
    } cases[] = {
        {"rtsp://viewer:secret@10.0.0.5:554/stream1", "rtsp://10.0.0.5:554/stream1"},
        {"RTSP://10.0.0.5/a", "RTSP://10.0.0.5/a"},
        {"http://[fe80::1]:80/v?token=x#y", "http://[fe80::1]:80/v"},
        {"https://cam/user=admin&password=x/1", "https://cam/..."},
        {"rtsp://user@cam", "rtsp://cam"},
        {"/dev/video0", "/dev/video0"},
        {"camera:12", "camera:12"},
        {"clips/a b.mp4", "clips/a b.mp4"},
        {"file:///etc/passwd", NULL},
        {"rtsps://cam/x", NULL},
        {"udp://cam:5", NULL},
        {"rtsp://u:a/b@cam/x", NULL},
        {"rtsp://u:a@b@cam/x", NULL},
        {"rtsp://cam:0/x", NULL},
        {"rtsp://cam:123456/x", NULL},
        {"rtsp://ca m/x", NULL},
        {"rtsp://cam/\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        srv_source_kind kind;
        char shown[SRV_ADDRESS_SHOWN] = "";
        fct_status s = srv_address_check(cases[i].address, &kind, &e);
        if (!s) srv_address_show(cases[i].address, shown);
        CHECK_MSG(!s == (cases[i].shown != NULL), "%s", cases[i].address);
        if (cases[i].shown) CHECK_MSG(strcmp(shown, cases[i].shown) == 0, "%s: %s", cases[i].address, shown);
    }
}

TEST(errors_lose_what_is_secret) {
    e = (fct_error){FCT_ERR_NETWORK, "http://h/user=a&pass=b: cannot open this video: refused"};
    srv_address_scrub("http://h/user=a&pass=b", &e);
    CHECK_MSG(strcmp(e.text, "http://h/...: cannot open this video: refused") == 0, "%s", e.text);
    e = (fct_error){FCT_ERR_NETWORK, "rtsp://h/x: cannot open this video: bad key geheim"};
    srv_address_scrub("rtsp://anna:geheim@h/x", &e);
    CHECK_MSG(!strstr(e.text, "geheim"), "%s", e.text);
    e = (fct_error){FCT_ERR_NOMEM, "out of memory"};
    srv_address_scrub("rtsp://anna:geheim@h/x", &e);
    CHECK(strcmp(e.text, "rtsp://h/x: cannot be read") == 0);
}

/* ---- The file ------------------------------------------------------------------------------------- */

static srv_monitor_config sample(const char *id, int64_t number, const char *address) {
    srv_monitor_config c;
    srv_monitor_config_init(&c);
    snprintf(c.id, sizeof c.id, "%s", id);
    snprintf(c.name, sizeof c.name, "Name of %s", id);
    snprintf(c.address, sizeof c.address, "%s", address);
    srv_address_check(address, &c.kind, NULL);
    c.number = number;
    c.threshold = 0.25f;
    c.policy.cooldown = 1.5;
    return c;
}

/* Writes two monitors and reads them again. */
static void there_and_back(srv_monitor_list *back) {
    srv_monitor_list l = {.last_number = 9};
    srv_monitor_config a = sample("a", 2, "rtsp://u:secret@h/x"), b = sample("b", 7, "film.mp4");
    b.loop = true;
    CHECK(!srv_monitor_list_add(&l, &a, &e) && !srv_monitor_list_add(&l, &b, &e));
    CHECK_MSG(!srv_monitor_file_write(path_of("m.json"), &l, &e), "%s", e.text);
    srv_monitor_list_free(&l);
    CHECK_MSG(!srv_monitor_file_read(path_of("m.json"), back, &e), "%s", e.text);
}

static bool file_holds(const char *text) {
    uint8_t *data;
    size_t n;
    if (fct_file_read(path_of("m.json"), 1 << 20, &data, &n, &e)) return false;
    bool holds = strstr((char *)data, text) != NULL;
    fct_free(data);
    return holds;
}

TEST(the_file_in_the_clear) {
    srv_monitor_list l;
    unsetenv("FCT_GALLERY_KEY");
    there_and_back(&l);
    CHECK(l.n == 2 && l.last_number == 9 && l.plain);
    if (l.n == 2) {
        CHECK(strcmp(l.at[0].address, "rtsp://u:secret@h/x") == 0 && l.at[0].kind == SRV_SOURCE_RTSP);
        CHECK(l.at[1].loop && l.at[1].kind == SRV_SOURCE_FILE && l.at[1].number == 7);
        CHECK(l.at[0].threshold == 0.25f && l.at[0].policy.cooldown == 1.5 && l.at[0].enabled);
    }
    CHECK(file_holds("secret"));
    srv_monitor_list_free(&l);
}

TEST(the_file_with_a_key) {
    srv_monitor_list l;
    char *sealed = NULL;
    setenv("FCT_GALLERY_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
    fct_status s = fct_secret_seal(NULL, "x", "y", &sealed, &e);
    fct_buffer_free(sealed);
    if (s == FCT_ERR_UNSUPPORTED) SKIP("built without libsodium");
    there_and_back(&l);
    CHECK(l.n == 2 && !l.plain && strcmp(l.at[0].address, "rtsp://u:secret@h/x") == 0);
    CHECK(!file_holds("secret") && !file_holds("film.mp4"));
    srv_monitor_list_free(&l);
    /* Another key, then none: the addresses stay sealed, and are written as they were. */
    for (int i = 0; i < 2; i++) {
        if (i) unsetenv("FCT_GALLERY_KEY");
        else setenv("FCT_GALLERY_KEY", "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
        CHECK(!srv_monitor_file_read(path_of("m.json"), &l, &e));
        CHECK(l.n == 2 && l.at[0].sealed && !*l.at[0].address && srv_monitor_sealed_reason(&l.at[0], &e));
        CHECK(!srv_monitor_file_write(path_of("m.json"), &l, &e));
        srv_monitor_list_free(&l);
    }
    setenv("FCT_GALLERY_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
    CHECK(!srv_monitor_file_read(path_of("m.json"), &l, &e) && l.n == 2 && !l.at[0].sealed);
    srv_monitor_list_free(&l);
    unsetenv("FCT_GALLERY_KEY");
}

/* ---- Events ------------------------------------------------------------------------------------------ */

static void add(srv_event_log *l, int64_t seq) {
    srv_monitor_event v = {.seq = seq, .time = 1000 + seq, .type = SRV_EVENT_UNKNOWN, .score = 0.5f, .track = seq};
    v.box[2] = 10;
    snprintf(v.error, sizeof v.error, "e%d", (int)seq);
    srv_event_log_add(l, &v);
}

TEST(the_log_of_events) {
    srv_event_log l;
    int bad;
    CHECK(!srv_event_log_open(&l, path_of("x.events"), 10, &bad, &e) && bad == 0 && l.n == 0);
    for (int i = 1; i <= 200; i++) add(&l, i);
    CHECK(l.n == 10 && l.dropped == 190 && srv_event_log_at(&l, 0)->seq == 191 && l.lines <= 84);
    CHECK(srv_event_log_after(&l, 0) == 0 && srv_event_log_after(&l, 195) == 5 && srv_event_log_after(&l, 999) == 10);
    srv_event_log_free(&l);
    FILE *f = fct_fopen(path_of("x.events"), "ab");
    fputs("no event\n{\"seq\":5,\"type\":\"unknown\",\"time\":1,\"epoch\":1}\n{\"seq\":300,\"ty", f);
    fclose(f);
    CHECK(!srv_event_log_open(&l, path_of("x.events"), 10, &bad, &e));
    CHECK_MSG(l.n == 10 && bad == 2, "%d events, %d bad", l.n, bad);
    const srv_monitor_event *last = srv_event_log_at(&l, 9);
    CHECK(last->seq == 200 && last->track == 200 && last->box[2] == 10 && strcmp(last->error, "e200") == 0);
    add(&l, 201);
    CHECK(!srv_event_log_resize(&l, 4, &e) && l.n == 4 && srv_event_log_at(&l, 0)->seq == 198);
    srv_event_log_expire(&l, 1000 + 200);
    CHECK(l.n == 2 && l.dropped == 199);
    srv_event_log_free(&l);
    CHECK(!srv_event_log_open(&l, path_of("x.events"), 10, &bad, &e) && l.n == 2 && bad == 0);
    srv_event_log_free(&l);
}

/* ---- Tickets ------------------------------------------------------------------------------------------- */

TEST(tickets) {
    unsigned char secret[SRV_TICKET_SECRET], other[SRV_TICKET_SECRET] = {1};
    char text[SRV_TICKET_TEXT], id[17];
    for (int i = 0; i < SRV_TICKET_SECRET; i++) secret[i] = (unsigned char)i;
    srv_ticket_make(secret, "0123456789abcdef", 1000, text);
    /* Python: hmac.new(bytes(range(32)), b"0123456789abcdef.1000", "sha256").hexdigest() */
    CHECK_MSG(strcmp(text, "0123456789abcdef.1000."
                           "488dce7dffd5795e2191c6f0b977c3c7e7f886338e0fdaeab772dffcbbc5120f") == 0,
              "%s", text);
    CHECK(srv_ticket_check(secret, text, 1000, id) == SRV_TICKET_GOOD && strcmp(id, "0123456789abcdef") == 0);
    CHECK(srv_ticket_check(secret, text, 1001, id) == SRV_TICKET_OVER);
    CHECK(srv_ticket_check(other, text, 0, id) == SRV_TICKET_WRONG && !*id);
    text[18] = '9';
    CHECK(srv_ticket_check(secret, text, 0, id) == SRV_TICKET_WRONG);
    static const char *const bad[] = {"", ".", "..", "a.b", "a.1.", "00000000000000000.1.x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(srv_ticket_check(secret, bad[i], 0, id) == SRV_TICKET_WRONG);
}

/* ---- Who is told of --------------------------------------------------------------------------------------- */

TEST(nobody_is_told_of_twice) {
    static srv_notice n;
    srv_monitor_policy p = {.confirm = 1, .absence = 3, .cooldown = 10, .unknown = true};
    const float one[4] = {1, 0, 0, 0}, like[4] = {0.8f, 0.6f, 0, 0}, other[4] = {0, 0, 1, 0};
    srv_notice_init(&n, &p, 0.5f);
    CHECK(srv_notice_person(&n, 7, 100) && !srv_notice_person(&n, 7, 105) && srv_notice_person(&n, 8, 105));
    CHECK(srv_notice_person(&n, 7, 116));
    fct_track seen = {.id = 3, .person_id = 7};
    srv_notice_seen(&n, &seen, 125);
    CHECK(!srv_notice_person(&n, 7, 134));
    fct_track t = {.id = 5, .decided = true, .embedding = one, .embedding_dim = 4};
    CHECK(srv_notice_stranger(&n, &t, 200) && !srv_notice_stranger(&n, &t, 300));
    t.id = 6;
    t.embedding = like;
    CHECK(!srv_notice_stranger(&n, &t, 205)); /* the same face again */
    srv_notice_seen(&n, &t, 209);
    t.id = 7;
    CHECK(!srv_notice_stranger(&n, &t, 218));
    t.id = 8;
    CHECK(srv_notice_stranger(&n, &t, 240));
    t.id = 9;
    t.embedding = other;
    CHECK(srv_notice_stranger(&n, &t, 241));
    p.unknown = false;
    srv_notice_restart(&n, &p, 0.5f);
    t.id = 10;
    CHECK(!srv_notice_stranger(&n, &t, 500));
    srv_notice_free(&n);
}

TEST(one_face_of_a_stranger_is_kept) {
    static srv_notice n;
    srv_monitor_policy p = {.confirm = 1, .absence = 3, .cooldown = 10, .unknown = false};
    const float one[4] = {1, 0, 0, 0}, like[4] = {0.8f, 0.6f, 0, 0}, other[4] = {0, 0, 1, 0};
    fct_track t = {.id = 5, .box = {10, 10, 50, 50}, .decided = true, .embedding = one, .embedding_dim = 4};
    fct_face f = {.box = {12, 10, 52, 50}, .embedding = like, .embedding_dim = 4};
    srv_notice_init(&n, &p, 0.5f);
    CHECK(!srv_notice_keep(&n, &t, &f)); /* where it is was guessed */
    t.detected = true;
    fct_face bad = f, away = f, bare = f;
    bad.embedding = other;
    away.box[0] = away.box[2] = 90;
    bare.embedding = NULL;
    CHECK(!srv_notice_keep(&n, &t, &bad) && !srv_notice_keep(&n, &t, &away) && !srv_notice_keep(&n, &t, &bare));
    CHECK(srv_notice_keep(&n, &t, &f) && !srv_notice_keep(&n, &t, &f));
    srv_notice_renew(&n);
    CHECK(!srv_notice_keep(&n, &t, &f));
    t.id = 6;
    CHECK(srv_notice_keep(&n, &t, &f));
    srv_notice_restart(&n, &p, 0.5f); /* numbers of tracks begin anew */
    CHECK(srv_notice_keep(&n, &t, &f));
    srv_notice_free(&n);
}

int main(int argc, char **argv) {
    const char *in = getenv("FCT_TEST_DIR");
    snprintf(folder, sizeof folder, "%s/monitor_parts", in ? in : ".");
    fct_dir_remove(folder, NULL);
    if (fct_dir_make(folder, &e)) return 1;
    int code = test_main(argc, argv);
    fct_dir_remove(folder, NULL);
    return code;
}

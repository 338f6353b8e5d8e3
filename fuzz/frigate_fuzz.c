/* What the bridge to Frigate reads of strangers: MQTT messages, a server's answers, addresses. The first byte
 * chooses. */
#include "fuzz.h"

#include "bridge/bridge.h"

/* A message is an event whose id can stand in an address, or a fault that says so. */
static void use_event(const char *data, size_t size) {
    brg_event x;
    fct_error e = {0};
    fct_status s = brg_event_read(data, size, &x, &e);
    fuzz_check_result(s, &e, s ? NULL : &x);
    if (s) {
        FUZZ_REQUIRE(!x.id[0]);
        return;
    }
    FUZZ_REQUIRE(x.id[0] && memchr(x.id, 0, sizeof x.id) && memchr(x.camera, 0, sizeof x.camera));
    FUZZ_REQUIRE(!strpbrk(x.id, "/?#%\\ \r\n") && x.id[0] != '.');
    for (const char *p = x.camera; *p; p++) FUZZ_REQUIRE((unsigned char)*p >= 32 && *p != 127);
}

/* Visits by a random course of events: what is due or decided is never closed, and all of it ends. */
static void use_visits(const uint8_t *data, size_t size) {
    static brg_visits v;
    const brg_candidate *who;
    uint64_t now = 1;
    memset(&v, 0, sizeof v);
    v.needed = 2;
    for (size_t i = 0; i + 2 < size; i += 3) {
        brg_event x = {.type = (brg_event_type)(data[i] % 3), .is_person = data[i] % 16 != 15};
        x.has_snapshot = data[i] & 16;
        x.has_sub_label = data[i] >> 5 == 7;
        snprintf(x.id, sizeof x.id, "%d", data[i + 1]);
        now += (uint64_t)data[i + 2] * 97;
        brg_visits_hear(&v, &x, now);
        brg_visit *d = brg_visits_due(&v, now);
        if (d) {
            FUZZ_REQUIRE(!d->closed && d->has_snapshot && d->looks <= BRG_LOOKS_MOST);
            char name[8];
            snprintf(name, sizeof name, "%d", data[i + 2] % 11);
            if (data[i + 1] % 5 == 0) brg_visit_missed(d, now);
            else brg_visit_saw(d, true, data[i + 2] % 11 ? name : NULL, data[i + 2] / 255.0, now);
        }
        d = brg_visits_decided(&v, now);
        if (!d) continue;
        brg_verdict verdict = brg_visit_decide(&v, d, &who);
        FUZZ_REQUIRE(!d->closed && verdict != BRG_WAIT && (verdict == BRG_NAMED) == (who != NULL));
        if (data[i] % 7) d->closed = true;
        else brg_visit_failed(d, now);
    }
    brg_visits_sweep(&v, now + BRG_SILENT_MS + 1);
    brg_visits_sweep(&v, now + 2 * (uint64_t)BRG_SILENT_MS + 2);
    for (int i = 0; i < BRG_VISITS_MOST; i++) FUZZ_REQUIRE(!v.at[i].id[0]);
}

static void use_answer(char *text, size_t size) {
    brg_face f;
    fct_error e = {0};
    fct_status s = brg_read_identify(text, size, &f, &e);
    fuzz_check_result(s, &e, s ? NULL : &f);
    FUZZ_REQUIRE(memchr(f.name, 0, sizeof f.name) && (!s || !f.found) && f.score >= 0 && f.score <= 1);
}

static void use_address(const char *text) {
    char host[256] = "";
    int port = 0;
    bool tls;
    fct_error e = {0};
    if (!brg_mqtt_parse(text, host, &port, &tls, &e)) FUZZ_REQUIRE(*host && port >= 1 && port <= 65535);
    if (!brg_web_check(text, "x", &e)) FUZZ_REQUIRE(!strpbrk(text, " \r\n?#"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    long live = fct_alloc_live();
    char *text = malloc(size);
    FUZZ_REQUIRE(text);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] == 'v') use_visits(data + 1, size - 1);
    else if (data[0] == 'r') use_answer(text, size - 1);
    else if (data[0] == 'u') use_address(text);
    else use_event(text, size - 1);
    free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

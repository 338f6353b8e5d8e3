/* What the server reads of monitors: their file, a line of their events, an address. The first byte chooses. What is
 * shown of an address holds none of its user, password or query. */
#include "fuzz.h"

#include "base/alloc.h"
#include "server/monitor_events.h"
#include "server/monitor_file.h"

static void read_file(char *text, size_t size) {
    srv_monitor_list l;
    fct_error e = {0};
    fct_status s = srv_monitor_file_parse(text, size, "file", &l, &e);
    fuzz_check_result(s, &e, s ? NULL : &l);
    for (size_t i = 0; i < l.n; i++) {
        const srv_monitor_config *c = &l.at[i];
        FUZZ_REQUIRE(srv_monitor_id_is_good(c->id) && *c->name && (*c->address || c->sealed));
        FUZZ_REQUIRE(c->fps >= 0.1 && c->fps <= 30 && c->buffer >= 10 && c->buffer <= 10000);
    }
    srv_monitor_list_free(&l);
}

static void read_line(char *text, size_t size) {
    srv_monitor_event e;
    if (!srv_event_parse(text, size, &e)) return;
    FUZZ_REQUIRE(e.seq > 0 && e.time >= 0 && e.score >= 0 && e.score <= 1);
    FUZZ_REQUIRE((int)e.type < SRV_EVENT_TYPES && strlen(e.error) < SRV_EVENT_ERROR);
}

static void read_address(const char *text) {
    srv_source_kind kind;
    fct_error e = {0};
    char shown[SRV_ADDRESS_SHOWN];
    if (srv_address_check(text, &kind, &e)) return;
    srv_address_show(text, shown);
    if (kind != SRV_SOURCE_FILE && kind != SRV_SOURCE_CAMERA) FUZZ_REQUIRE(!strpbrk(shown, "@?#"));
    e.code = FCT_ERR_NETWORK;
    snprintf(e.text, sizeof e.text, "%.300s: cannot open this video: %.100s", text, text);
    srv_address_scrub(text, &e);
    FUZZ_REQUIRE(strlen(e.text) < sizeof e.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long live = fct_alloc_live();
    char *text = size ? fct_alloc(size) : NULL;
    if (!text) return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] % 3 == 0) read_file(text, size - 1);
    else if (data[0] % 3 == 1) read_line(text, size - 1);
    else read_address(text);
    fct_free(text);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

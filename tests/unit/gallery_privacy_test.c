/* Details of people, retention dates, forgetting, and the audit log, on the chosen store. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "store_choice.h"
#include <sqlite3.h>

static fct_error e;

static fct_gallery *open_file(const char *name, const char *actor) {
    fct_gallery *g;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.actor = actor;
    o.cache_from = 300;
    if (store_open(name, &o, &g, &e)) printf("%s\n", e.text);
    REQUIRE(g);
    return g;
}

static int64_t id_of(fct_gallery *g, const char *name) {
    fct_person p;
    REQUIRE(!fct_gallery_find(g, name, &p, &e));
    return p.id;
}

/* ---- Details ---------------------------------------------------------------------------- */

static void check_metadata(fct_gallery *g, int64_t id, const char *want) {
    fct_details d;
    REQUIRE(!fct_gallery_details(g, id, &d, &e));
    CHECK_MSG(!strcmp(d.metadata, want), "%s, not %s", d.metadata, want);
    fct_details_clear(&d);
}

TEST(metadata) {
    store_erase("details.db");
    fct_gallery *g = open_file("details.db", NULL);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e));
    int64_t id = id_of(g, "Ada");
    check_metadata(g, id, "{}");
    REQUIRE(!fct_gallery_set_metadata(g, id, "badge", "1234", &e));
    REQUIRE(!fct_gallery_set_metadata(g, id, "team", "\"research \\u00e9\"", &e));
    REQUIRE(!fct_gallery_set_metadata(g, id, "x", " {\"a\": [1.5, null, true], \"b\": {}} ", &e));
    check_metadata(g, id,
                   "{\"badge\": 1234, \"team\": \"research \xc3\xa9\", \"x\": {\"a\": [1.5, null, true], \"b\": {}}}");
    REQUIRE(!fct_gallery_set_metadata(g, id, "badge", "99", &e) && !fct_gallery_set_metadata(g, id, "x", NULL, &e));
    check_metadata(g, id, "{\"team\": \"research \xc3\xa9\", \"badge\": 99}");
    static const char *const bad[] = {"", "{", "x", "[1,]", "1 2", "{\"a\":1,\"a\":2}", "\"\xff\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(fct_gallery_set_metadata(g, id, "k", bad[i], &e) == FCT_ERR_ARG && *e.text, "%zu: %s", i, e.text);
    CHECK(fct_gallery_set_metadata(g, id, "", "1", &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_set_metadata(g, id, "a\nb", "1", &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_set_metadata(g, 99, "k", "1", &e) == FCT_ERR_NOT_FOUND);
    char deep[200];
    memset(deep, '[', 30);
    memset(deep + 30, ']', 30);
    deep[60] = 0;
    CHECK(fct_gallery_set_metadata(g, id, "k", deep, &e) == FCT_ERR_LIMIT);
    char *large = malloc(70000);
    memset(large, 'x', 69999);
    large[0] = large[65000] = '"';
    large[65001] = 0;
    CHECK(!fct_gallery_set_metadata(g, id, "large", large, &e));
    CHECK(fct_gallery_set_metadata(g, id, "more", large, &e) == FCT_ERR_LIMIT);
    free(large);
    CHECK_MSG(!fct_gallery_check(g, &e), "%s", e.text);
    fct_gallery_free(g);
}

TEST(consent_and_retention) {
    store_erase("consent.db");
    fct_gallery *g = open_file("consent.db", NULL);
    fct_details d;
    fct_person *people;
    int n;
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, NULL, &e));
    int64_t ada = id_of(g, "Ada"), bob = id_of(g, "Bob");
    REQUIRE(!fct_gallery_set_metadata(g, ada, "a", "1", &e));
    REQUIRE(!fct_gallery_details(g, ada, &d, &e));
    CHECK(!d.consented && !d.consent_by && !d.consent_text);
    fct_details_clear(&d);
    REQUIRE(!fct_gallery_set_consent(g, ada, "Grace", "paper of 2026-05-01, folder 7", 1777000000, &e));
    REQUIRE(!fct_gallery_details(g, ada, &d, &e));
    CHECK(d.consented && !strcmp(d.consent_by, "Grace") && !strcmp(d.consent_text, "paper of 2026-05-01, folder 7"));
    CHECK(d.consent_time == 1777000000 && !strcmp(d.metadata, "{\"a\": 1}"));
    fct_details_clear(&d);
    CHECK(fct_gallery_set_consent(g, ada, "Grace", "two\nlines", 1, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_set_consent(g, ada, NULL, NULL, 0, &e) && !fct_gallery_details(g, ada, &d, &e));
    CHECK(!d.consented && !strcmp(d.metadata, "{\"a\": 1}"));
    fct_details_clear(&d);
    CHECK(fct_gallery_set_expires(g, ada, -1, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_set_expires(g, 99, 5, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_set_expires(g, bob, 1000, &e));
    CHECK(!fct_gallery_expired(g, 999, &people, &n, &e) && n == 0);
    REQUIRE(!fct_gallery_expired(g, 1000, &people, &n, &e) && n == 1);
    CHECK(people[0].id == bob && people[0].expires == 1000 && people[0].faces == 1 && !strcmp(people[0].name, "Bob"));
    fct_gallery_people_free(people);
    fct_gallery_free(g);
}

/* What is exported is what is imported, in another order as well, and what is there stays. */
TEST(exchange_of_details) {
    fct_gallery_opts o;
    store_erase("from.db");
    store_erase("to.db");
    fct_gallery *g = open_file("from.db", NULL), *staff, *to = open_file("to.db", NULL);
    fct_person p;
    fct_details d;
    char path[400];
    int added;
    fct_gallery_opts_init(&o);
    o.collection = "stu\xc3\xa9 \"a\"";
    REQUIRE(!store_open("from.db", &o, &staff, &e));
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(staff, "Ada", 2, NULL, &e));
    REQUIRE(!util_enroll(staff, "Bob", 3, NULL, &e));
    REQUIRE(!fct_gallery_set_metadata(g, 2, "k", "{\"a\":[1,\"\\\"\\n\"]}", &e));
    REQUIRE(!fct_gallery_set_consent(g, 2, "me", "yes", 77, &e) && !fct_gallery_set_expires(g, 3, 99, &e));
    snprintf(path, sizeof path, "%s", util_path("details.jsonl"));
    REQUIRE(!fct_gallery_export(g, path, true, &e));
    REQUIRE(!fct_gallery_import(to, path, &added, &e));
    CHECK(added == 3);
    fct_gallery_free(staff);
    REQUIRE(!store_open("to.db", &o, &staff, &e) && !fct_gallery_find(staff, "Ada", &p, &e));
    CHECK(p.faces == 1 && !strcmp(util_who(staff, 2), "Ada") && !strcmp(util_who(staff, 1), ""));
    REQUIRE(!fct_gallery_details(staff, p.id, &d, &e));
    CHECK(d.consented && d.consent_time == 77 && !strcmp(d.consent_text, "yes") && !strcmp(d.consent_by, "me"));
    CHECK_MSG(!strcmp(d.metadata, "{\"k\": {\"a\": [1, \"\\\"\\n\"]}}"), "%s", d.metadata);
    fct_details_clear(&d);
    REQUIRE(!fct_gallery_find(staff, "Bob", &p, &e));
    CHECK(p.expires == 99);
    REQUIRE(!fct_gallery_set_expires(staff, p.id, 5, &e) && !fct_gallery_import(to, path, &added, &e) && added == 0);
    REQUIRE(!fct_gallery_find(staff, "Bob", &p, &e));
    CHECK(p.expires == 5);
    REQUIRE(!fct_gallery_export(staff, path, true, &e)); /* of one collection */
    uint8_t *text;
    size_t size;
    REQUIRE(!fct_file_read(path, 100000, &text, &size, &e));
    int lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    CHECK_MSG(lines == 5, "%d lines", lines);
    fct_free(text);
    static const char *const bad[] = {"{\"name\":\"A\",\"metadata\":[1]}", "{\"name\":\"A\",\"expires\":-1}",
                                      "{\"name\":\"A\",\"consent\":{\"by\":1}}",
                                      "{\"name\":\"A\",\"collection\":\"\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *f = fct_fopen(path, "wb");
        fprintf(f, "{\"facet_gallery\":1}\n%s\n", bad[i]);
        fclose(f);
        CHECK_MSG(fct_gallery_import(to, path, &added, &e) == FCT_ERR_FORMAT && strstr(e.text, "line 2"), "%zu: %s", i,
                  e.text);
    }
    CHECK(!fct_gallery_check(to, &e));
    fct_gallery_free(staff);
    fct_gallery_free(g);
    fct_gallery_free(to);
}

/* ---- Forgetting --------------------------------------------------------------------------- */

/* How many files beside the gallery, with the gallery itself, hold these bytes. */
static int files_with(const void *needle, size_t n) {
    char folder[400];
    char **names;
    size_t count;
    int found = 0;
    snprintf(folder, sizeof folder, "%s", util_path("forget"));
    REQUIRE(!fct_dir_list(folder, &names, &count, &e));
    for (size_t i = 0; i < count; i++) {
        char path[700];
        uint8_t *data;
        size_t size;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        REQUIRE(!fct_file_read(path, (size_t)1 << 30, &data, &size, &e));
        bool here = false;
        for (size_t at = 0; at + n <= size && !here; at++) here = memcmp(data + at, needle, n) == 0;
        found += here;
        fct_free(data);
    }
    fct_dir_list_free(names, count);
    return found;
}

static void enroll_secret(fct_gallery *g, const char *name, uint64_t seed, float v[UTIL_DIM], char crop[64]) {
    char source[40];
    util_embedding(seed, UTIL_DIM, v);
    snprintf(crop, 64, "a picture of %s, number %d", name, (int)seed);
    snprintf(source, sizeof source, "/photos/%s.jpg", name);
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM, .source = source, .crop = crop};
    f.crop_len = strlen(crop);
    REQUIRE(!fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e));
}

TEST(forgetting_leaves_nothing) {
    float secret[UTIL_DIM], other[UTIL_DIM];
    char crop[64], filler[64];
    if (!store_is("sqlite")) return; /* what a server's tables hold then is in a test of its own */
    fct_dir_make(util_path("forget"), NULL);
    float unit[UTIL_DIM];
    fct_gallery *g = open_file("forget/g.db", "tester"), *second = open_file("forget/g.db", NULL);
    REQUIRE(!fct_gallery_set_setting(g, 0, "audit", "changes", &e));
    for (int i = 0; i < 300; i++) {
        char name[20];
        snprintf(name, sizeof name, "Person %d", i);
        enroll_secret(g, i == 150 ? "Wilhelmina" : name, (uint64_t)i, i == 150 ? secret : other,
                      i == 150 ? crop : filler);
    }
    fct_gallery_free(g); /* opened anew, it makes the cache file of the index */
    g = open_file("forget/g.db", "tester");
    int64_t id = id_of(g, "Wilhelmina");
    fct_file_stat cache;
    fct_file_get_stat(util_path("forget/g.db.index"), &cache);
    CHECK(cache.exists && cache.size > 300 * sizeof unit);
    fct_index_normalize(secret, UTIL_DIM, unit, 1);
    REQUIRE(!fct_gallery_set_metadata(g, id, "note", "\"left-handed violinist\"", &e));
    REQUIRE(!fct_gallery_reject_face(g, id, 3, NULL, &e));
    REQUIRE(!fct_gallery_rename(g, id, "Wilhelmine", &e) && !fct_gallery_rename(g, id, "Wilhelmina", &e));
    CHECK(!strcmp(util_who(second, 150), "Wilhelmina"));
    CHECK(files_with(secret, sizeof secret) && files_with("Wilhelmin", 9) && files_with(crop, strlen(crop)));
    CHECK(files_with("violinist", 9));
    int n;
    int64_t both[] = {id, 99999};
    CHECK_MSG(!fct_gallery_forget(g, both, 2, &n, &e) && n == 1, "%s", e.text);
    CHECK_MSG(!files_with(secret, sizeof secret), "the embedding is still there");
    CHECK_MSG(!files_with(secret, 32), "a part of the embedding is still there");
    CHECK(!files_with(unit, sizeof *unit));
    CHECK_MSG(!files_with("Wilhelmin", 9), "the name is still there");
    CHECK_MSG(!files_with(crop, strlen(crop)), "the picture is still there");
    CHECK_MSG(!files_with("violinist", 9), "the metadata are still there");
    CHECK(files_with(other, sizeof other) && files_with("Person 299", 10)); /* others are */
    CHECK(!strcmp(util_who(second, 150), "") && !strcmp(util_who(second, 151), "Person 151"));
    CHECK_MSG(!fct_gallery_check(second, &e) && !fct_gallery_verify_audit(g, NULL, NULL, &e), "%s", e.text);
    fct_gallery_free(second);
    fct_gallery_free(g);
    CHECK(!files_with(secret, 32) && !files_with("Wilhelmin", 9));
}

/* No table of a server holds anything of somebody who is forgotten. */
TEST(forgetting_empties_a_servers_tables) {
    float secret[UTIL_DIM], other[UTIL_DIM];
    char crop[64], filler[64];
    if (!store_is("postgresql")) return;
    store_erase("forget.db");
    fct_gallery *g = open_file("forget.db", "tester");
    REQUIRE(!fct_gallery_set_setting(g, 0, "audit", "changes", &e));
    enroll_secret(g, "Wilhelmina", 150, secret, crop);
    enroll_secret(g, "Bob", 2, other, filler);
    int64_t id = id_of(g, "Wilhelmina");
    REQUIRE(!fct_gallery_set_metadata(g, id, "note", "\"violinist\"", &e));
    REQUIRE(!fct_gallery_reject_face(g, id, 2, NULL, &e));
    CHECK(store_holds("forget.db", secret, 32) && store_holds("forget.db", "violinist", 9));
    CHECK(store_holds("forget.db", "Wilhelm", 7) && store_holds("forget.db", other, 32));
    CHECK_MSG(!fct_gallery_forget(g, &id, 1, NULL, &e), "%s", e.text);
    CHECK(!store_holds("forget.db", secret, 32) && !store_holds("forget.db", "violinist", 9));
    CHECK(!store_holds("forget.db", "Wilhelm", 7) && !store_holds("forget.db", crop, strlen(crop)));
    int vectors = store_count("forget.db", "face_vector");
    CHECK_MSG(vectors < 0 || vectors == store_count("forget.db", "face"), "%d vectors", vectors);
    fct_gallery_free(g);
}

/* Somebody who reads an earlier state keeps it from being overwritten: that is said. */
TEST(forgetting_waits_for_readers) {
    fct_gallery_opts o;
    fct_gallery *g;
    sqlite3 *h;
    if (!store_is("sqlite")) return; /* a server's readers keep nobody from anything */
    fct_gallery_opts_init(&o);
    o.busy_ms = 30;
    REQUIRE(!fct_gallery_open(util_path("read.db"), &o, &g, &e) && !util_enroll(g, "Ada", 1, NULL, &e));
    REQUIRE(sqlite3_open(util_path("read.db"), &h) == SQLITE_OK);
    REQUIRE(!sqlite3_exec(h, "BEGIN; SELECT count(*) FROM person", NULL, NULL, NULL));
    int64_t id = 1;
    int n = 0;
    CHECK(fct_gallery_forget(g, &id, 1, &n, &e) == FCT_ERR_BUSY && n == 1 && strstr(e.text, "read.db"));
    CHECK(!strcmp(util_who(g, 1), ""));
    sqlite3_close(h);
    CHECK_MSG(!fct_gallery_forget(g, &id, 1, &n, &e) && n == 0, "%s", e.text);
    fct_gallery_free(g);
}

/* ---- The audit log ---------------------------------------------------------------------------- */

typedef struct shown_log {
    char text[4000];
    size_t size;
    int64_t first_time;
} shown_log;

static fct_status show(const fct_audit_entry *x, void *user, fct_error *err) {
    shown_log *l = user;
    l->size += (size_t)snprintf(l->text + l->size, sizeof l->text - l->size, "%d %s %s %s\n", (int)x->seq, x->actor,
                                x->what, x->detail);
    if (!l->first_time) l->first_time = x->time;
    return FCT_OK;
}

static void make_log(fct_gallery *g) {
    float v[UTIL_DIM];
    fct_match m;
    int n;
    REQUIRE(!util_enroll(g, "Before", 9, NULL, &e)); /* the log is off yet */
    REQUIRE(!fct_gallery_set_setting(g, 0, "audit", "searches", &e));
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e) && !util_enroll(g, "Bob", 2, NULL, &e));
    REQUIRE(!fct_gallery_rename(g, 2, "Countess", &e) && !fct_gallery_merge(g, 3, 2, &e));
    util_embedding(2, UTIL_DIM, v);
    REQUIRE(!fct_gallery_search(g, UTIL_MODEL, v, UTIL_DIM, 0.5f, 1, &m, &n, &e) && n == 1);
    REQUIRE(!fct_gallery_note(g, "door-opened", "{\"door\":3}", &e));
    CHECK(fct_gallery_note(g, "Door", "{}", &e) == FCT_ERR_ARG && fct_gallery_note(g, "door", "[]", &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_set_setting(g, 0, "audit", "off", &e) && !util_enroll(g, "After", 5, NULL, &e));
}

TEST(the_audit_log_tells_who_did_what) {
    store_erase("audit.db");
    fct_gallery *g = open_file("audit.db", store_is("memory") ? "tes?ter" : "tes\nter");
    make_log(g);
    shown_log l = {.size = 0};
    REQUIRE(!fct_gallery_audit(g, 0, show, &l, &e));
    static const char want[] = "1 tes?ter setting {\"collection\":0,\"key\":\"audit\"}\n"
                               "2 tes?ter enroll {\"person\":2,\"faces\":[2]}\n"
                               "3 tes?ter enroll {\"person\":3,\"faces\":[3]}\n"
                               "4 tes?ter rename {\"person\":2}\n"
                               "5 tes?ter merge {\"person\":2,\"faces\":[3]}\n"
                               "6 tes?ter remove {\"person\":3}\n"
                               "7 tes?ter search {\"faces\":1,\"found\":[{\"face\":1,\"person\":2,\"score\":1.000}]}\n"
                               "8 tes?ter door-opened {\"door\":3}\n"
                               "9 tes?ter setting {\"collection\":0,\"key\":\"audit\"}\n";
    CHECK_MSG(!strcmp(l.text, want), "%s", l.text);
    CHECK(l.first_time > 1700000000);
    int64_t n;
    char hash[65];
    CHECK(!fct_gallery_verify_audit(g, &n, hash, &e) && n == 9 && strlen(hash) == 64);
    fct_gallery_free(g);
}

TEST(a_broken_chain_is_found) {
    static const struct {
        const char *sql, *says;
    } damage[] = {{"UPDATE audit SET detail = '{\"person\":9}' WHERE seq = 4", "entry 4"},
                  {"UPDATE audit SET actor = 'x' WHERE seq = 1", "entry 1"},
                  {"UPDATE audit SET at = at + 1 WHERE seq = 9", "entry 9"},
                  {"UPDATE audit SET what = 'enrol', detail = 'l' || detail WHERE seq = 3", "entry 3"},
                  {"UPDATE audit SET hash = zeroblob(32) WHERE seq = 2", "entry 2"},
                  {"UPDATE audit SET hash = x'00' WHERE seq = 2", "entry 2"},
                  {"DELETE FROM audit WHERE seq = 5", "entry 5"},
                  {"DELETE FROM audit WHERE seq = 1", "entry 1"},
                  {"UPDATE audit SET seq = 50 WHERE seq = 6; UPDATE audit SET seq = 6 WHERE seq = 7; "
                   "UPDATE audit SET seq = 7 WHERE seq = 50",
                   "entry 6"}};
    for (size_t i = 0; store_is("sqlite") && i < sizeof damage / sizeof *damage; i++) {
        sqlite3 *h;
        util_remove(util_path("broken.db"));
        fct_gallery *g = open_file("broken.db", "me");
        make_log(g);
        fct_gallery_free(g);
        REQUIRE(sqlite3_open(util_path("broken.db"), &h) == SQLITE_OK);
        REQUIRE(sqlite3_exec(h, damage[i].sql, NULL, NULL, NULL) == SQLITE_OK);
        sqlite3_close(h);
        g = open_file("broken.db", "me");
        CHECK_MSG(fct_gallery_verify_audit(g, NULL, NULL, &e) == FCT_ERR_FORMAT && strstr(e.text, damage[i].says),
                  "%s: %s", damage[i].sql, e.text);
        fct_gallery_free(g);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

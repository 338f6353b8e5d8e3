/* Copies between galleries of all kinds: complete, stopped and begun again, repeated. The chosen store is the source
 * in one direction and the target in the other; the other side is a file. */
#include "test.h"
#include "base/file.h"
#include "base/alloc.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "store_choice.h"

static fct_error e;

static fct_gallery *open_file(const char *name) {
    fct_gallery *g;
    util_remove(util_path(name));
    REQUIRE(!fct_gallery_open(util_path(name), NULL, &g, &e));
    return g;
}

static fct_gallery *open_chosen(const char *name) {
    fct_gallery *g;
    store_erase(name);
    REQUIRE(!store_open(name, NULL, &g, &e));
    return g;
}

static fct_status fill(void *ctx, fct_store *st, fct_error *err) {
    uint8_t bytes[4 * UTIL_DIM];
    float v[UTIL_DIM];
    util_embedding(5000, UTIL_DIM, v);
    fct_embedding_pack(v, UTIL_DIM, bytes);
    fct_store_collection c = {.name = "visitors", .created = 7};
    fct_status s = st->ops->collections_add(st, &c, 1, err);
    fct_store_person p[2] = {{.name = "P1", .collection_id = c.id, .created = 9, .expires = 99, .details = "{}"},
                             {.name = "Nobody's face", .collection_id = FCT_COLLECTION_DEFAULT, .created = 11}};
    p[0].details_size = 2;
    if (!s) s = st->ops->people_add(st, p, 2, err);
    fct_store_setting x[2] = {{0, "threshold", "0.5"}, {c.id, "threshold", "0.6"}};
    if (!s) s = st->ops->settings_put(st, x, 2, err);
    fct_store_negative n = {.person_id = p[0].id, .created = 3, .embedding = bytes, .embedding_size = sizeof bytes};
    return s ? s : st->ops->negatives_add(st, &n, 1, err);
}

static void fill_gallery(fct_gallery *g, int people, int faces) {
    static float v[200][UTIL_DIM];
    static fct_enrollment f[200];
    for (int p = 0; p < people; p++) {
        char name[20], source[40];
        snprintf(name, sizeof name, "P%d", p);
        snprintf(source, sizeof source, "photos/%d.jpg", p);
        for (int i = 0; i < faces; i++) {
            util_embedding((uint64_t)(p * faces + i), UTIL_DIM, v[i]);
            f[i] = (fct_enrollment){.model_id = UTIL_MODEL,
                                    .embedding = v[i],
                                    .dim = UTIL_DIM,
                                    .source = i % 3 ? source : NULL,
                                    .box = {1, 2, 3, 4},
                                    .score = 0.5f,
                                    .quality = 0.25f,
                                    .crop = i % 2 ? "JPEG" : NULL,
                                    .crop_len = i % 2 ? 4 : 0,
                                    .crop_cut = i % 2 ? FCT_CROP_ALIGNED : FCT_CROP_UNKNOWN};
        }
        REQUIRE(!fct_gallery_enroll(g, name, f, faces, NULL, NULL, &e));
    }
    REQUIRE(!fct_gallery_write(g, fill, NULL, &e));
}

static void *export_of(fct_gallery *g, size_t *size) {
    uint8_t *data;
    REQUIRE(!fct_gallery_export(g, util_path("copy.jsonl"), true, &e));
    REQUIRE(!fct_file_read(util_path("copy.jsonl"), (size_t)1 << 26, &data, size, &e));
    return data;
}

/* What the export does not tell. */
typedef struct rest {
    int expires, details, negatives, settings;
    int64_t collection;
} rest;

static fct_status see_person(void *ctx, const fct_store_person *p, fct_error *err) {
    rest *r = ctx;
    if (p->expires != 99) return FCT_OK;
    r->expires++;
    r->collection = p->collection_id;
    r->details += p->details_size == 2 && !memcmp(p->details, "{}", 2) && p->created == 9 && !strcmp(p->name, "P1");
    return FCT_OK;
}
static fct_status see_negative(void *ctx, const fct_store_negative *x, fct_error *err) {
    float v[UTIL_DIM], want[UTIL_DIM];
    util_embedding(5000, UTIL_DIM, want);
    if (x->created == 3 && fct_embedding_unpack(x->embedding, x->embedding_size, UTIL_DIM, v))
        ((rest *)ctx)->negatives += !memcmp(v, want, sizeof v);
    return FCT_OK;
}
static fct_status see_setting(void *ctx, const fct_store_setting *x, fct_error *err) {
    rest *r = ctx;
    r->settings += x->collection_id == 0 && !strcmp(x->value, "0.5");
    r->settings += x->collection_id == r->collection && !strcmp(x->value, "0.6");
    return FCT_OK;
}
static fct_status look(void *ctx, fct_store *st, fct_error *err) {
    fct_people_query q = {.parts = FCT_PERSON_DETAILS};
    fct_status s = st->ops->people(st, &q, see_person, ctx, err);
    if (!s) s = st->ops->negatives(st, NULL, 0, 0, see_negative, ctx, err);
    return s ? s : st->ops->settings(st, see_setting, ctx, err);
}

static void check_same(fct_gallery *a, fct_gallery *b) {
    size_t na, nb;
    void *x = export_of(a, &na), *y = export_of(b, &nb);
    CHECK(na == nb && !memcmp(x, y, na));
    fct_free(x);
    fct_free(y);
    rest r = {0};
    CHECK(!fct_gallery_read(b, look, &r, &e));
    CHECK_MSG(r.expires == 1 && r.details == 1 && r.negatives == 1 && r.settings == 2, "%d %d %d %d", r.expires,
              r.details, r.negatives, r.settings);
    CHECK_MSG(!fct_gallery_check(b, &e), "%s", e.text);
}

static fct_status stop_at(const fct_gallery_copied *done, void *user, fct_error *err) {
    return --*(int *)user < 0 ? FCT_ERR_CANCELLED : FCT_OK;
}

/* Stopped after each batch in turn, then to the end, then once more for nothing. */
static void copy_in_pieces(fct_gallery *from, fct_gallery *to) {
    fct_gallery_copied done;
    int sum = 0, rounds = 0, batches = 1;
    fct_status s;
    do {
        int left = batches++;
        s = fct_gallery_copy(from, to, stop_at, &left, &done, &e);
        sum += done.faces;
    } while (s == FCT_ERR_CANCELLED && ++rounds < 50);
    CHECK_MSG(!s, "%s", e.text);
    CHECK_MSG(rounds >= 2 && sum == 12 * 150, "%d rounds, %d faces", rounds, sum);
    check_same(from, to);
    CHECK(!fct_gallery_copy(from, to, NULL, NULL, &done, &e) && !done.faces && !done.people && done.seen == 12 * 150);
    check_same(from, to);
}

TEST(from_the_chosen_store_to_a_file) {
    fct_gallery *from = open_chosen("copy.db"), *to = open_file("copied.db");
    fill_gallery(from, 12, 150);
    copy_in_pieces(from, to);
    fct_gallery_free(from);
    fct_gallery_free(to);
}

TEST(from_a_file_to_the_chosen_store) {
    fct_gallery *from = open_file("source.db"), *to = open_chosen("target.db");
    fill_gallery(from, 12, 150);
    copy_in_pieces(from, to);
    fct_gallery_free(from);
    fct_gallery_free(to);
}

/* ---- Encrypted galleries --------------------------------------------------------------------- */

static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_b[] = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

static fct_gallery *open_key(const char *place, const char *key) {
    fct_gallery *g;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.key = key;
    if (fct_gallery_open(place, &o, &g, &e)) printf("%s: %s\n", place, e.text);
    return g;
}

/* An empty gallery that is encrypted with the key; place is what opens it. */
static void make_encrypted(const char *place, const char *key) {
    fct_gallery *g;
    REQUIRE(!fct_gallery_open(place, NULL, &g, &e));
    fct_gallery_free(g);
    REQUIRE(!fct_gallery_encrypt(place, key, &e));
}

/* Metadata and consent of a person; a collection of its own. */
static void add_notes(fct_gallery *g) {
    fct_person p;
    REQUIRE(!fct_gallery_find(g, "P3", &p, &e));
    REQUIRE(!fct_gallery_set_metadata(g, p.id, "badge", "\"violinist\"", &e));
    REQUIRE(!fct_gallery_set_consent(g, p.id, "Grace", "paper of May", 1777000000, &e));
}

static void check_notes(fct_gallery *g) {
    fct_person p;
    fct_details d;
    REQUIRE(!fct_gallery_find(g, "P3", &p, &e) && !fct_gallery_details(g, p.id, &d, &e));
    CHECK_MSG(!strcmp(d.metadata, "{\"badge\": \"violinist\"}"), "%s", d.metadata);
    CHECK(d.consented && d.consent_time == 1777000000 && !strcmp(d.consent_by, "Grace"));
    CHECK(d.consented && !strcmp(d.consent_text, "paper of May"));
    fct_details_clear(&d);
}

/* One copy after another: from the clear into an encrypted gallery of the chosen store, from that into an encrypted
 * file with another key, and back into the clear. Nothing is lost, and nobody takes over how another one is encrypted.
 */
TEST(encrypted_and_back) {
    char places[3][600];
    fct_gallery_info info;
    if (store_is("memory")) return; /* has no key */
    fct_status sodium = fct_gallery_make_key(util_path("probe.key"), &e);
    if (sodium == FCT_ERR_UNSUPPORTED) return;
    fct_gallery *plain = open_file("clear.db");
    fill_gallery(plain, 5, 20);
    add_notes(plain);
    store_erase("enc.db");
    util_remove(util_path("enc2.db"));
    util_remove(util_path("clear2.db"));
    snprintf(places[0], sizeof places[0], "%s", store_place("enc.db"));
    snprintf(places[1], sizeof places[1], "%s", util_path("enc2.db"));
    snprintf(places[2], sizeof places[2], "%s", util_path("clear2.db"));
    make_encrypted(places[0], key_a);
    make_encrypted(places[1], key_b);
    const char *keys[3] = {key_a, key_b, NULL};
    fct_gallery *from = plain;
    for (int i = 0; i < 3; i++) {
        fct_gallery *to = open_key(places[i], keys[i]);
        REQUIRE(to);
        for (int twice = 0; twice < 2; twice++) {
            fct_gallery_copied done;
            CHECK_MSG(!fct_gallery_copy(from, to, NULL, NULL, &done, &e), "step %d: %s", i, e.text);
            CHECK_MSG(done.faces == (twice ? 0 : 100), "step %d: %d faces", i, done.faces);
        }
        fct_gallery_free(to);
        to = open_key(places[i], keys[i]); /* as whoever comes later sees it */
        REQUIRE(to && !fct_gallery_stat(to, &info, &e));
        CHECK(info.encrypted == (keys[i] != NULL));
        check_same(plain, to);
        check_notes(to);
        if (from != plain) fct_gallery_free(from);
        from = to;
    }
    fct_gallery_free(from);
    fct_gallery_free(plain);
    CHECK(!store_holds("enc.db", "violinist", 9) && !store_holds("enc.db", "paper of May", 12));
}

/* Into a gallery that has people of its own: those of the same name become one. */
TEST(into_one_that_is_not_empty) {
    fct_gallery *from = open_file("a.db"), *to = open_chosen("b.db");
    fct_gallery_copied done;
    fct_person p;
    REQUIRE(!util_enroll(from, "Ada", 1, NULL, &e) && !util_enroll(from, "Ada", 2, NULL, &e));
    REQUIRE(!util_enroll(to, "Ada", 2, NULL, &e) && !util_enroll(to, "Bob", 3, NULL, &e));
    REQUIRE(!fct_gallery_copy(from, to, NULL, NULL, &done, &e));
    CHECK(done.people == 0 && done.faces == 1);
    CHECK(!fct_gallery_find(to, "Ada", &p, &e) && p.faces == 2 && !strcmp(util_who(to, 1), "Ada"));
    CHECK(fct_gallery_copy(to, to, NULL, NULL, &done, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_gallery_remove_person(from, 1, &e));
    float v[UTIL_DIM];
    util_embedding(9, UTIL_DIM, v);
    fct_enrollment f = {.model_id = "other", .embedding = v, .dim = UTIL_DIM};
    REQUIRE(!fct_gallery_enroll(from, "Eve", &f, 1, NULL, NULL, &e));
    CHECK(fct_gallery_copy(from, to, NULL, NULL, &done, &e) == FCT_ERR_MISMATCH && strstr(e.text, "other"));
    fct_gallery_free(from);
    fct_gallery_free(to);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

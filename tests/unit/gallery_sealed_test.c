/* Encrypted galleries, on the chosen store: a file, or a server. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/image.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery/sealed_store.h"
#include "gallery_util.h"
#include "memory_store.h"
#include "store_choice.h"
#include <sqlite3.h>

static fct_error e;
static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_b[] = "FF0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF";

static fct_gallery *open_with(const char *name, const char *key) {
    fct_gallery *g;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.key = key;
    if (fct_gallery_open(store_place(name), &o, &g, &e)) printf("%s\n", e.text);
    return g;
}

static int64_t id_of(fct_gallery *g, const char *name) {
    fct_person p;
    REQUIRE(!fct_gallery_find(g, name, &p, &e));
    return p.id;
}

static void put_secret(fct_gallery *g, const char *name, uint64_t seed, float v[UTIL_DIM]) {
    char crop[64], source[64];
    util_embedding(seed, UTIL_DIM, v);
    snprintf(crop, sizeof crop, "picture of %s %d", name, (int)seed);
    snprintf(source, sizeof source, "/home/photos/%s.jpg", name);
    fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM, .source = source, .crop = crop};
    f.crop_len = strlen(crop);
    f.crop_cut = FCT_CROP_ALIGNED;
    REQUIRE(!fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e));
}

/* ---- The sealed store behaves as any other ------------------------------------------------- */

static fct_gallery *open_memory(memory_db *db, const fct_seal *seal) {
    fct_store *st[2];
    fct_gallery *g;
    char text[FCT_SEAL_TEXT] = "";
    for (int i = 0; i < 2; i++) {
        st[i] = memory_store_open(db);
        if (!seal) continue;
        if (i == 0) {
            fct_seal_write(seal, text);
            fct_store_setting x = {.key = FCT_SETTING_SEAL, .value = text};
            REQUIRE(!st[0]->ops->begin(st[0], FCT_STORE_WRITE, &e) && !st[0]->ops->settings_put(st[0], &x, 1, &e));
            REQUIRE(!st[0]->ops->end(st[0], FCT_OK, &e));
        }
        REQUIRE(!fct_sealed_store_create(st[i], seal, text, &st[i], &e));
    }
    REQUIRE(!fct_gallery_create(st[0], st[1], fct_index_create, &g, &e));
    return g;
}

static fct_status append(const void *data, size_t size, void *user, fct_error *err) {
    char *text = user;
    size_t n = strlen(text);
    REQUIRE(n + size < 400000);
    memcpy(text + n, data, size);
    text[n + size] = 0;
    return FCT_OK;
}

static fct_status work(fct_gallery *g, uint64_t seed) {
    char name[20], other[20];
    fct_person p, q;
    uint64_t rnd = seed;
    snprintf(name, sizeof name, "P%d", (int)(util_random(&rnd) % 9));
    snprintf(other, sizeof other, "P%d", (int)(util_random(&rnd) % 9));
    bool here = !fct_gallery_find(g, name, &p, NULL), both = here && !fct_gallery_find(g, other, &q, NULL);
    float v[UTIL_DIM];
    switch (util_random(&rnd) % 9) {
    case 0:
        return here ? fct_gallery_rename(g, p.id, other, &e) : FCT_OK;
    case 1:
        return both && p.id != q.id ? fct_gallery_merge(g, p.id, q.id, &e) : FCT_OK;
    case 2:
        return here && seed % 3 == 0 ? fct_gallery_remove_person(g, p.id, &e) : FCT_OK;
    case 3:
        util_embedding(seed, UTIL_DIM, v);
        return here && p.faces ? fct_gallery_reject(g, p.id, UTIL_MODEL, v, UTIL_DIM, NULL, &e) : FCT_OK;
    case 4:
        return here ? fct_gallery_set_metadata(g, p.id, other, "[1,\"two\"]", &e) : FCT_OK;
    case 5:
        return here ? fct_gallery_set_expires(g, p.id, (int64_t)seed, &e) : FCT_OK;
    case 6:
        return fct_gallery_remove_face(g, (int64_t)(seed % 50), &e);
    default:
        put_secret(g, name, seed, v);
        return FCT_OK;
    }
}

static char *all_of(fct_gallery *g) {
    char *text = calloc(1, 400000);
    fct_person *people;
    int n;
    REQUIRE(text && !fct_gallery_export_to(g, append, text, true, &e) && !fct_gallery_people(g, &people, &n, &e));
    for (int i = 0; i < n; i++) {
        fct_details d;
        fct_negative *neg;
        int n_neg;
        REQUIRE(!fct_gallery_details(g, people[i].id, &d, &e));
        REQUIRE(!fct_gallery_negatives(g, people[i].id, &neg, &n_neg, &e));
        char line[600];
        snprintf(line, sizeof line, "%s %d %d %d %s %d\n", people[i].name, (int)people[i].id, people[i].faces,
                 (int)people[i].expires, d.metadata, n_neg);
        append(line, strlen(line), text, NULL);
        fct_details_clear(&d);
        fct_gallery_negatives_free(neg);
    }
    fct_gallery_people_free(people);
    return text;
}

/* Times differ where a second passes between the two. */
static void hide_times(char *text) {
    for (char *p = text; (p = strstr(p, "\"created\":")); p += 10)
        for (char *d = p + 10; *d >= '0' && *d <= '9'; d++) *d = '0';
}

TEST(a_sealed_store_does_what_a_plain_one_does) {
    fct_seal seal;
    uint8_t key[FCT_SEAL_KEY];
    REQUIRE(!fct_seal_read_key(key_a, key, &e));
    fct_seal_make(&seal, key);
    memory_db *db[2] = {memory_db_create(), memory_db_create()};
    fct_gallery *g[2] = {open_memory(db[0], NULL), open_memory(db[1], &seal)};
    int good = 0;
    for (uint64_t step = 1; step < 400 && !test_failures; step++) {
        fct_status s[2] = {work(g[0], step), work(g[1], step)};
        CHECK_MSG(s[0] == s[1], "step %d: %d and %d: %s", (int)step, s[0], s[1], e.text);
        good += !s[0];
        char who[201];
        snprintf(who, sizeof who, "%s", util_who(g[0], step / 2));
        CHECK_MSG(!strcmp(who, util_who(g[1], step / 2)), "step %d", (int)step);
        if (step % 20) continue;
        char *a = all_of(g[0]), *b = all_of(g[1]);
        hide_times(a), hide_times(b);
        CHECK_MSG(!strcmp(a, b), "step %d:\n%.2000s\n---\n%.2000s", (int)step, a, b);
        free(a), free(b);
        CHECK_MSG(!fct_gallery_check(g[1], &e), "%s", e.text);
    }
    CHECK_MSG(good > 250, "%d", good);
    for (int i = 0; i < 2; i++) {
        fct_gallery_free(g[i]);
        memory_db_free(db[i]);
    }
}

/* ---- Files and servers ------------------------------------------------------------------------ */

TEST(nothing_is_readable_without_the_key) {
    float v[UTIL_DIM], w[UTIL_DIM];
    fct_gallery_info info;
    store_erase("sealed.db");
    fct_gallery *g = open_with("sealed.db", NULL), *stale;
    put_secret(g, "Wilhelmina", 1, v);
    put_secret(g, "Bob", 2, w);
    int64_t id = id_of(g, "Wilhelmina");
    REQUIRE(!fct_gallery_set_metadata(g, id, "note", "\"violinist\"", &e));
    REQUIRE(!fct_gallery_reject(g, id, UTIL_MODEL, w, UTIL_DIM, NULL, &e));
    char *before = all_of(g);
    fct_gallery_free(g);
    stale = open_with("sealed.db", NULL);
    char path[600];
    snprintf(path, sizeof path, "%s", store_place("sealed.db"));
    CHECK(store_holds("sealed.db", v, 32) && store_holds("sealed.db", "Wilhelmina", 10));
    REQUIRE(!fct_gallery_encrypt(path, key_a, &e));
    CHECK(!store_holds("sealed.db", v, 32) && !store_holds("sealed.db", w, 32));
    CHECK(!store_holds("sealed.db", "Wilhelmina", 10));
    CHECK(!store_holds("sealed.db", "picture of", 10) && !store_holds("sealed.db", "/home/photos", 12));
    CHECK(!store_holds("sealed.db", "violinist", 9) && !store_holds("sealed.db", "Bob", 3));
    CHECK(store_count("sealed.db", "face_vector") <= 0 && store_count("sealed.db", "face_bits") <= 0);
    CHECK(fct_gallery_encrypt(path, key_a, &e) == FCT_ERR_EXISTS);
    /* Who had it open may neither write in the clear nor take what is sealed for damage. */
    CHECK(util_enroll(stale, "Eve", 5, NULL, &e) == FCT_ERR_MISMATCH && strstr(e.text, "open it again"));
    CHECK(!util_who(stale, 1));
    fct_gallery_free(stale);
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_MISMATCH && !g && strstr(e.text, "--key-file"));
    o.key = key_b;
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_MISMATCH && !g && strstr(e.text, "is not its key"));
    o.key = "/nonexistent";
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_NOT_FOUND && !g);
    g = open_with("sealed.db", key_a);
    REQUIRE(g && !fct_gallery_stat(g, &info, &e));
    CHECK(info.encrypted && info.people == 2 && info.faces == 2);
    char *after = all_of(g);
    CHECK_MSG(!strcmp(before, after), "%s---\n%s", before, after);
    CHECK(!strcmp(util_who(g, 1), "Wilhelmina"));
    put_secret(g, "Carl", 3, w); /* and what is added later */
    CHECK(!store_holds("sealed.db", w, 32) && !store_holds("sealed.db", "Carl", 4));
    CHECK_MSG(!fct_gallery_check(g, &e), "%s", e.text);
    REQUIRE(!fct_gallery_remove_person(g, id_of(g, "Carl"), &e));
    fct_gallery_free(g);
    /* Another key. */
    REQUIRE(!fct_gallery_rekey(path, key_a, key_b, &e));
    o.key = key_a;
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_MISMATCH);
    CHECK(fct_gallery_rekey(path, key_a, key_b, &e) == FCT_ERR_MISMATCH);
    g = open_with("sealed.db", key_b);
    REQUIRE(g);
    free(after);
    after = all_of(g);
    CHECK(!strcmp(before, after));
    fct_gallery_free(g);
    /* And none. */
    CHECK(fct_gallery_decrypt(path, key_a, &e) == FCT_ERR_MISMATCH);
    REQUIRE(!fct_gallery_decrypt(path, key_b, &e));
    CHECK(fct_gallery_decrypt(path, key_b, &e) == FCT_ERR_ARG && store_holds("sealed.db", v, 32));
    int vectors = store_count("sealed.db", "face_vector"); /* the server may search again */
    CHECK_MSG(vectors < 0 || vectors == 2, "%d vectors", vectors);
    g = open_with("sealed.db", NULL);
    REQUIRE(g);
    free(after);
    after = all_of(g);
    CHECK_MSG(!strcmp(before, after), "%s---\n%s", before, after);
    CHECK_MSG(!fct_gallery_check(g, &e), "%s", e.text);
    fct_gallery_free(g);
    free(before);
    free(after);
}

/* What is sealed belongs to its place. */
TEST(rows_cannot_be_exchanged) {
    static const char *const sqls[] = {
        "UPDATE face SET embedding = (SELECT embedding FROM face WHERE id = 1) WHERE id = 2",
        "UPDATE face SET embedding = (SELECT embedding FROM face WHERE id = 1) WHERE id = 3",
        "UPDATE face SET person_id = 2 WHERE id = 1",
        "UPDATE crop SET jpeg = (SELECT jpeg FROM crop WHERE face_id = 1) WHERE face_id = 2",
        "UPDATE face SET source = (SELECT source FROM face WHERE id = 1) WHERE id = 2",
        "UPDATE person_key SET sealed = (SELECT sealed FROM person_key WHERE person_id = 1) WHERE person_id = 2",
        "UPDATE person SET label = (SELECT label FROM person WHERE id = 1) WHERE id = 2",
        "UPDATE person SET name = 'x' WHERE id = 1; UPDATE person SET name = (SELECT name FROM person WHERE id = 2) || "
        "'y' "
        "WHERE id = 2",
        "UPDATE person SET details = (SELECT details FROM person WHERE id = 1) WHERE id = 2",
        "UPDATE negative SET person_id = 2",
        "UPDATE face SET embedding = substr(embedding, 1, 50) WHERE id = 1",
        "UPDATE face SET embedding = x'' WHERE id = 1",
        "UPDATE face SET source = 'plain text' WHERE id = 1",
        "UPDATE person SET label = x'01' WHERE id = 1",
        "UPDATE person SET label = NULL WHERE id = 1",
        "UPDATE crop SET jpeg = cast(x'02' || substr(jpeg, 2) AS blob) WHERE face_id = 1"};
    float v[UTIL_DIM];
    if (!store_is("sqlite")) return; /* the rows are exchanged in a file */
    fct_gallery *g = open_with("place.db", NULL);
    put_secret(g, "Ada", 1, v);
    put_secret(g, "Bob", 2, v);
    put_secret(g, "Ada", 3, v);
    REQUIRE(!fct_gallery_set_metadata(g, 1, "a", "1", &e) && !fct_gallery_set_metadata(g, 2, "b", "2", &e));
    REQUIRE(!fct_gallery_reject(g, 1, UTIL_MODEL, v, UTIL_DIM, NULL, &e));
    fct_gallery_free(g);
    REQUIRE(!fct_gallery_encrypt(util_path("place.db"), key_a, &e));
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        sqlite3 *h;
        fct_gallery_opts o;
        fct_details d = {0};
        fct_gallery_opts_init(&o);
        o.key = key_a;
        util_remove(util_path("swapped.db"));
        util_copy(util_path("place.db"), util_path("swapped.db"));
        REQUIRE(sqlite3_open(util_path("swapped.db"), &h) == SQLITE_OK);
        if (sqlite3_exec(h, sqls[i], NULL, NULL, NULL)) CHECK_MSG(0, "%s: %s", sqls[i], sqlite3_errmsg(h));
        sqlite3_close(h);
        fct_status s = fct_gallery_open(util_path("swapped.db"), &o, &g, &e);
        if (!s) s = fct_gallery_check(g, &e);
        for (int64_t id = 1; id < 3 && !s; id++) {
            s = fct_gallery_details(g, id, &d, &e);
            fct_details_clear(&d);
        }
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "swapped.db"), "%s: %d %s", sqls[i], s, s ? e.text : "");
        fct_gallery_free(g);
    }
}

TEST(keys_are_digits_or_files) {
    uint8_t key[FCT_SEAL_KEY];
    FILE *f = fct_fopen(util_path("raw.key"), "wb");
    for (int i = 0; i < 32; i++) fputc(i, f);
    fclose(f);
    CHECK(!fct_seal_read_key(util_path("raw.key"), key, &e) && key[31] == 31);
    REQUIRE(!fct_gallery_make_key(util_path("new.key"), &e));
    CHECK(fct_gallery_make_key(util_path("new.key"), &e) == FCT_ERR_EXISTS);
    CHECK(!fct_seal_read_key(util_path("new.key"), key, &e));
    f = fct_fopen(util_path("bad.key"), "wb");
    fputs("secret\n", f);
    fclose(f);
    CHECK(fct_seal_read_key(util_path("bad.key"), key, &e) == FCT_ERR_FORMAT && strstr(e.text, "bad.key"));
    CHECK(fct_seal_read_key(NULL, key, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_encrypt(util_path("missing.db"), key_a, &e) == FCT_ERR_NOT_FOUND);
}

/* ---- Copies and the keys of people ---------------------------------------------------------------- */

TEST(who_is_forgotten_is_gone_from_copies) {
    float v[UTIL_DIM];
    int restored, removed;
    if (!store_is("sqlite")) return; /* copies are files */
    fct_gallery *g = open_with("keys.db", NULL);
    put_secret(g, "Ada", 1, v);
    put_secret(g, "Bob", 2, v);
    fct_gallery_free(g);
    REQUIRE(!fct_gallery_encrypt(util_path("keys.db"), key_a, &e));
    g = open_with("keys.db", key_a);
    REQUIRE(g && !fct_gallery_backup(g, util_path("copy.db"), &e) && !fct_gallery_save_keys(g, util_path("k1"), &e));
    fct_gallery *copy = open_with("copy.db", key_a);
    fct_person *people;
    int n = -1;
    REQUIRE(copy && !fct_gallery_people(copy, &people, &n, &e));
    CHECK(n == 0 && !strcmp(util_who(copy, 1), "")); /* no key, nobody */
    fct_gallery_people_free(people);
    fct_gallery_free(copy);
    int64_t bob = id_of(g, "Bob");
    REQUIRE(!fct_gallery_forget(g, &bob, 1, NULL, &e) && !fct_gallery_save_keys(g, util_path("k2"), &e));
    put_secret(g, "Carl", 3, v);
    REQUIRE(!fct_gallery_save_keys(g, util_path("k2"), &e)); /* the newest replaces the one before */
    fct_gallery_free(g);
    util_copy(util_path("copy.db"), util_path("copy1.db"));
    char path[400], file[400];
    snprintf(path, sizeof path, "%s", util_path("copy.db"));
    snprintf(file, sizeof file, "%s", util_path("k2"));
    REQUIRE(!fct_gallery_restore_keys(path, key_a, file, &restored, &removed, &e));
    CHECK(restored == 1 && removed == 1);
    copy = open_with("copy.db", key_a);
    REQUIRE(copy);
    CHECK(!strcmp(util_who(copy, 1), "Ada") && !strcmp(util_who(copy, 2), "") && !fct_gallery_check(copy, &e));
    fct_gallery_free(copy);
    snprintf(path, sizeof path, "%s", util_path("copy1.db")); /* with the keys of then, all are there */
    REQUIRE(!fct_gallery_restore_keys(path, key_a, util_path("k1"), &restored, &removed, &e));
    CHECK(restored == 2 && removed == 0);
    /* Files that are none. */
    static const struct {
        const char *text;
        fct_status want;
    } bad[] = {{"", FCT_ERR_FORMAT},
               {"{}", FCT_ERR_FORMAT},
               {"x", FCT_ERR_FORMAT},
               {"{\"facet_keys\":2,\"gallery\":\"00\"}", FCT_ERR_UNSUPPORTED},
               {"{\"facet_keys\":1,\"gallery\":\"00000000000000000000000000000000\"}\n", FCT_ERR_MISMATCH}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *f = fct_fopen(util_path("bad.keys"), "wb");
        fputs(bad[i].text, f);
        fclose(f);
        snprintf(file, sizeof file, "%s", util_path("bad.keys"));
        CHECK_MSG(fct_gallery_restore_keys(path, key_a, file, &restored, &removed, &e) == bad[i].want, "%zu: %s", i,
                  e.text);
    }
    uint8_t *text;
    size_t size;
    REQUIRE(!fct_file_read(util_path("k1"), 10000, &text, &size, &e));
    for (size_t at = size / 2; at < size; at += 13) { /* any changed digit is found */
        uint8_t was = text[at];
        text[at] = was == 'A' ? 'B' : 'A';
        FILE *f = fct_fopen(file, "wb");
        fwrite(text, 1, size, f);
        fclose(f);
        fct_status s = fct_gallery_restore_keys(path, key_a, file, &restored, &removed, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "line"), "%d: %d %s", (int)at, s, s ? e.text : "");
        text[at] = was;
    }
    fct_free(text);
}

int main(int argc, char **argv) {
    if (fct_seal_prepare(&e)) {
        printf("SKIP gallery_sealed: %s\n0 passed, 0 failed, 1 skipped\n", e.text);
        return 77;
    }
#ifndef _WIN32
    unsetenv("FCT_GALLERY_KEY");
#endif
    return test_main(argc, argv);
}

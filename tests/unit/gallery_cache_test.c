/* The cache file of a gallery: it spares reading, and never changes an answer. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/gallery.h"
#include "facet/privacy.h"
#include "gallery_util.h"
#include <math.h>
#include <sqlite3.h>

enum { PEOPLE = 60, EACH = 8, FROM = 100 };

static fct_error e;

static fct_gallery *open_with(const char *name, int cache_from, bool read_only) {
    fct_gallery_opts o;
    fct_gallery *g;
    fct_gallery_opts_init(&o);
    o.cache_from = cache_from;
    o.read_only = read_only;
    CHECK_MSG(!fct_gallery_open(util_path(name), &o, &g, &e), "%s", e.text);
    return g;
}

static bool is_cached(fct_gallery *g) {
    fct_gallery_info info;
    REQUIRE(!fct_gallery_stat(g, &info, &e));
    return info.cached;
}

static const char *cache_of(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s.index", util_path(name));
    return path;
}

static bool is_there(const char *path) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    return st.exists;
}

/* A gallery of PEOPLE with EACH faces each, and its cache file. */
static void make(const char *name) {
    util_remove(util_path(name));
    (void)fct_file_remove(cache_of(name), NULL);
    fct_gallery *g = open_with(name, FROM, false);
    for (int i = 0; i < PEOPLE * EACH; i++) {
        char who[20];
        snprintf(who, sizeof who, "P%d", i / EACH);
        REQUIRE(!util_enroll(g, who, (uint64_t)i, NULL, &e));
    }
    CHECK(!is_cached(g) && !is_there(cache_of(name)));
    fct_gallery_free(g);
    g = open_with(name, FROM, false);
    CHECK(is_cached(g) && is_there(cache_of(name)));
    fct_gallery_free(g);
}

/* Every face is found under its person's name, and those from..to-1 under none. */
static void check_all(fct_gallery *g, int from, int to) {
    for (int i = 0; i < PEOPLE * EACH; i++) {
        char who[20] = "";
        if (i < from || i >= to) snprintf(who, sizeof who, "P%d", i / EACH);
        const char *found = util_who(g, (uint64_t)i);
        CHECK_MSG(found && strcmp(found, who) == 0, "face %d: %s, not %s", i, found ? found : "failed", who);
    }
}

TEST(cache_is_used_and_followed) {
    make("followed.db");
    fct_gallery *reader = open_with("followed.db", FROM, true), *writer = open_with("followed.db", FROM, false);
    CHECK(is_cached(reader) && is_cached(writer));
    check_all(reader, 0, 0);
    fct_person p;
    REQUIRE(!fct_gallery_find(writer, "P7", &p, &e) && !fct_gallery_remove_person(writer, p.id, &e));
    REQUIRE(!util_enroll(writer, "new", 100000, NULL, &e));
    check_all(reader, 7 * EACH, 8 * EACH);
    CHECK(strcmp(util_who(reader, 100000), "new") == 0);
    fct_gallery_free(reader);
    fct_gallery_free(writer);
    reader = open_with("followed.db", FROM, true); /* the file is older than the gallery */
    CHECK(is_cached(reader));
    check_all(reader, 7 * EACH, 8 * EACH);
    CHECK(strcmp(util_who(reader, 100000), "new") == 0);
    fct_gallery_free(reader);
}

/* Files that are damaged, shortened or gone, before and after they are opened. */
TEST(bad_cache_files_do_no_harm) {
    make("bad.db");
    uint8_t *data;
    size_t size;
    REQUIRE(!fct_file_read(cache_of("bad.db"), (size_t)1 << 28, &data, &size, &e));
    uint64_t rnd = 4;
    for (int c = 0; c < 24; c++) {
        size_t at = (size_t)(util_random(&rnd) % size), n = c % 4 ? size : at;
        data[at] ^= 1;
        REQUIRE(!fct_file_write_private(cache_of("bad.db"), data, n, &e));
        fct_gallery *g = open_with("bad.db", FROM, true);
        check_all(g, 0, 0);
        fct_gallery_free(g);
        data[at] ^= 1;
    }
    REQUIRE(!fct_file_write_private(cache_of("bad.db"), data, size, &e));
    fct_gallery *g = open_with("bad.db", FROM, false);
    CHECK(is_cached(g));
    FILE *f = fct_fopen(cache_of("bad.db"), "wb"); /* shortened to nothing */
    fclose(f);
    fct_person p;
    REQUIRE(!fct_gallery_find(g, "P3", &p, &e) && !fct_gallery_remove_person(g, p.id, &e));
    check_all(g, 3 * EACH, 4 * EACH);
    CHECK(!is_cached(g));
    fct_gallery_free(g);
    g = open_with("bad.db", FROM, false); /* which makes it again */
    CHECK(is_cached(g));
    check_all(g, 3 * EACH, 4 * EACH);
    fct_gallery_free(g);
    fct_free(data);
}

static int64_t newest_entry(const char *name) {
    sqlite3 *db;
    sqlite3_stmt *q;
    REQUIRE(sqlite3_open(util_path(name), &db) == SQLITE_OK);
    REQUIRE(sqlite3_prepare_v2(db, "SELECT max(seq) FROM change", -1, &q, NULL) == SQLITE_OK);
    REQUIRE(sqlite3_step(q) == SQLITE_ROW);
    int64_t seq = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return seq;
}

/* A copy of the gallery is put back and goes on in another way, to the same entry of its feed. */
TEST(cache_of_another_history_is_not_used) {
    make("history.db");
    util_copy(util_path("history.db"), util_path("kept.db"));
    fct_gallery *g = open_with("history.db", FROM, false);
    for (int i = 0; i < 10; i++) REQUIRE(!util_enroll(g, "Jekyll", 7000 + (uint64_t)i, NULL, &e));
    fct_gallery_free(g);
    (void)fct_file_remove(cache_of("history.db"), NULL);
    fct_gallery_free(open_with("history.db", FROM, false)); /* a file with the ten faces */
    int64_t end = newest_entry("history.db");
    util_remove(util_path("history.db"));
    util_copy(util_path("kept.db"), util_path("history.db"));
    g = open_with("history.db", 1000000, false); /* which makes no file */
    for (int i = 0; newest_entry("history.db") < end; i++)
        REQUIRE(!util_enroll(g, "Hyde", 8000 + (uint64_t)i, NULL, &e));
    fct_gallery_free(g);
    g = open_with("history.db", FROM, true);
    CHECK(!is_cached(g));
    CHECK(strcmp(util_who(g, 7000), "") == 0 && strcmp(util_who(g, 8000), "Hyde") == 0);
    check_all(g, 0, 0);
    fct_gallery_free(g);
}

TEST(no_file_where_none_is_wanted) {
    make("none.db");
    fct_gallery *g = open_with("none.db", 0, false);
    CHECK(!is_cached(g) && !is_there(cache_of("none.db")));
    check_all(g, 0, 0);
    char *value;
    CHECK(fct_gallery_get_setting(g, 0, "index", &value, &e) == FCT_ERR_ARG); /* the gallery's own */
    fct_gallery_free(g);
    g = open_with("none.db", FROM, true);
    CHECK(!is_cached(g) && !is_there(cache_of("none.db"))); /* a reader makes none */
    fct_gallery_free(g);
}

/* Whether a file has these bytes. */
static bool has_bytes(const char *path, const void *what, size_t n) {
    uint8_t *data;
    size_t size;
    bool found = false;
    REQUIRE(!fct_file_read(path, (size_t)1 << 28, &data, &size, &e));
    for (size_t i = 0; i + n <= size && !found; i++) found = memcmp(data + i, what, n) == 0;
    fct_free(data);
    return found;
}

/* Forgetting takes a person out of the file, and away from others who use it. */
TEST(forgotten_people_leave_the_file) {
    float v[UTIL_DIM], unit[UTIL_DIM];
    double sum = 0;
    make("forgotten.db");
    util_embedding(5 * EACH + 3, UTIL_DIM, v);
    for (int i = 0; i < UTIL_DIM; i++) sum += (double)v[i] * v[i];
    for (int i = 0; i < UTIL_DIM; i++) unit[i] = (float)(v[i] * (1 / sqrt(sum)));
    CHECK(has_bytes(cache_of("forgotten.db"), unit, sizeof unit));
    fct_gallery *g = open_with("forgotten.db", FROM, false), *reader = open_with("forgotten.db", FROM, true);
    fct_person p;
    int n;
    REQUIRE(is_cached(reader) && !fct_gallery_find(g, "P5", &p, &e));
    fct_status s = fct_gallery_forget(g, &p.id, 1, &n, &e);
    CHECK_MSG((!s || s == FCT_ERR_BUSY) && n == 1, "%s", e.text);
    CHECK(!has_bytes(cache_of("forgotten.db"), unit, sizeof unit));
#ifndef _WIN32 /* there the name is free for a new file only when the last reader of the old one is gone */
    CHECK(is_cached(g));
#endif
    check_all(g, 5 * EACH, 6 * EACH);
    check_all(reader, 5 * EACH, 6 * EACH);
    fct_gallery_free(g);
    fct_gallery_free(reader);
}

/* An encrypted gallery keeps nothing in the open, not even what was there before. */
TEST(sealed_galleries_have_no_file) {
    static const char key[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    fct_gallery_opts o;
    fct_gallery *g;
    make("sealed.db");
    fct_status s = fct_gallery_encrypt(util_path("sealed.db"), key, &e);
    if (s == FCT_ERR_UNSUPPORTED) SKIP("built without encryption");
    CHECK_MSG(!s && !is_there(cache_of("sealed.db")), "%s", e.text);
    REQUIRE(!fct_file_write_private(cache_of("sealed.db"), "left over", 9, &e));
    fct_gallery_opts_init(&o);
    o.cache_from = FROM;
    o.key = key;
    REQUIRE(!fct_gallery_open(util_path("sealed.db"), &o, &g, &e));
    CHECK(!is_cached(g) && !is_there(cache_of("sealed.db")));
    check_all(g, 0, 0);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Damaged, foreign and malicious files: every call answers with a status, and
 * whatever the check passes is as it was stored. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "gallery_util.h"
#include <sqlite3.h>

static fct_error e;
static uint8_t *good; /* a sound gallery of 12 faces of 4 people */
static size_t good_size;
static char target[400];
static bool sound; /* whether the last file passed the check */

static void make_good(void) {
    fct_gallery *g;
    char name[20];
    const char *path = util_path("good.db");
    util_remove(path);
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
    for (int i = 0; i < 12; i++) {
        float v[UTIL_DIM];
        fct_enrollment f = {.model_id = UTIL_MODEL,
                            .embedding = v,
                            .dim = UTIL_DIM,
                            .source = "x.jpg",
                            .crop = "not really a JPEG",
                            .crop_len = 17};
        util_embedding((uint64_t)i, UTIL_DIM, v);
        snprintf(name, sizeof name, "Person %d", i % 4);
        REQUIRE(!fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e));
    }
    fct_gallery_free(g);
    REQUIRE(!fct_file_read(path, 1 << 20, &good, &good_size, &e));
    snprintf(target, sizeof target, "%s", util_path("target.db"));
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(data, 1, size, f) == size);
    fclose(f);
}

static bool is_fair(fct_status s) {
    return s == FCT_OK || s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_MISMATCH ||
           s == FCT_ERR_NOT_FOUND || s == FCT_ERR_LIMIT || s == FCT_ERR_IO || s == FCT_ERR_EXISTS;
}

/* Whether all that was stored is found under its name. */
static bool is_complete(fct_gallery *g) {
    char name[20];
    for (int i = 0; i < 12; i++) {
        const char *who = util_who(g, (uint64_t)i);
        snprintf(name, sizeof name, "Person %d", i % 4);
        if (!who || strcmp(who, name) != 0) return false;
    }
    return true;
}

/* Opens the target and makes every call. The status of opening. */
static fct_status exercise(const char *what, long n) {
    fct_gallery *g;
    fct_gallery_opts o;
    fct_person *people;
    fct_stored_face *faces;
    fct_gallery_info info;
    int count;
    sound = false;
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    fct_status s = fct_gallery_open(target, &o, &g, &e), opened = s;
    CHECK_MSG(is_fair(s), "%s %ld: %d %s", what, n, s, e.text);
    if (s) {
        CHECK_MSG(strstr(e.text, "target.db"), "%s %ld: %s", what, n, e.text);
        return s;
    }
    sound = fct_gallery_check(g, &e) == FCT_OK;
    if (sound) CHECK_MSG(!fct_gallery_stat(g, &info, &e), "%s %ld: %s", what, n, e.text);
    if (sound && strcmp(info.model_id, UTIL_MODEL) == 0) CHECK_MSG(is_complete(g), "%s %ld: passed the check", what, n);
    s = fct_gallery_people(g, &people, &count, &e);
    CHECK_MSG(is_fair(s), "%s %ld: %d %s", what, n, s, e.text);
    for (int i = 0; !s && i < count; i++) {
        fct_status t = fct_gallery_faces(g, people[i].id, &faces, &(int){0}, &e);
        CHECK_MSG(is_fair(t), "%s %ld: %d %s", what, n, t, e.text);
        fct_gallery_faces_free(faces);
    }
    fct_gallery_people_free(people);
    CHECK_MSG(is_fair(util_enroll(g, "Person 1", 100, NULL, &e)), "%s %ld: %s", what, n, e.text);
    CHECK_MSG(is_fair(util_enroll(g, "New", 101, NULL, &e)), "%s %ld: %s", what, n, e.text);
    CHECK_MSG(is_fair(fct_gallery_rename(g, 2, "Other", &e)), "%s %ld: %s", what, n, e.text);
    CHECK_MSG(is_fair(fct_gallery_remove_person(g, 1, &e)), "%s %ld: %s", what, n, e.text);
    CHECK_MSG(is_fair(fct_gallery_remove_face(g, 3, &e)), "%s %ld: %s", what, n, e.text);
    fct_gallery_free(g);
    return opened;
}

TEST(sound_file) {
    util_remove(target);
    write_file(target, good, good_size);
    CHECK(exercise("sound", 0) == FCT_OK);
}

TEST(flipped_bits) {
    uint64_t rnd = 21;
    uint8_t *copy = malloc(good_size);
    REQUIRE(copy);
    long refused = 0;
    for (long n = 0; n < 1500 && !test_failures; n++) {
        memcpy(copy, good, good_size);
        /* Half of them in page headers and the first page, where they do most harm. */
        size_t at = util_random(&rnd) % good_size;
        if (n % 4 == 0) at = util_random(&rnd) % 100;
        if (n % 4 == 1) at = util_random(&rnd) % (good_size / 4096) * 4096 + util_random(&rnd) % 64;
        for (size_t i = 0; i < 1 + (size_t)n % 3; i++)
            copy[(at + i * 5) % good_size] ^= (uint8_t)(1u << util_random(&rnd) % 8);
        util_remove(target);
        write_file(target, copy, good_size);
        refused += exercise("flip", n) != FCT_OK;
    }
    CHECK_MSG(refused > 50, "only %ld of the damaged files were refused", refused);
    free(copy);
}

TEST(truncated) {
    uint64_t rnd = 22;
    for (size_t size = 0; size < good_size && !test_failures; size += 1 + util_random(&rnd) % 700) {
        util_remove(target);
        write_file(target, good, size);
        /* SQLite reads a last page that is there in part with zeros for the rest. Where there
         * were zeros, nothing is lost: exercise() compares what passes the check. */
        fct_status s = exercise("cut at", (long)size);
        CHECK_MSG(s == FCT_ERR_FORMAT || size % 4096, "cut at %zu: %s", size, e.text);
    }
}

/* A write-ahead log of noise beside a sound file is not the file's. */
TEST(noise_in_companions) {
    uint64_t rnd = 23;
    uint8_t noise[9000];
    for (int n = 0; n < 40; n++) {
        char path[420];
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)util_random(&rnd);
        util_remove(target);
        write_file(target, good, good_size);
        snprintf(path, sizeof path, "%s%s", target, n % 2 ? "-wal" : "-journal");
        if (n % 4 == 1) memcpy(noise, "\x37\x7f\x06\x82\x00\x2d\xe2\x18\x00\x00\x10\x00", 12);
        write_file(path, noise, sizeof noise);
        CHECK_MSG(exercise("noise", n) == FCT_OK, "%d: %s", n, e.text);
    }
}

TEST(not_a_database) {
    static const char *const texts[] = {"x", "hello world\n", "\xff\xd8\xff\xe0 JFIF", "SQLite format 3"};
    uint8_t big[5000];
    memset(big, 0, sizeof big);
    for (int i = 0; i < 6; i++) {
        util_remove(target);
        if (i == 4) memcpy(big, "SQLite format 3", 16);
        if (i < 4) write_file(target, texts[i], strlen(texts[i]));
        else write_file(target, big, sizeof big);
        CHECK_MSG(exercise("text", i) == FCT_ERR_FORMAT, "%d: %s", i, e.text);
    }
    /* Neither is it overwritten when creating is allowed. */
    fct_gallery *g;
    util_remove(target);
    write_file(target, "precious text", 13);
    CHECK(fct_gallery_open(target, NULL, &g, &e) == FCT_ERR_FORMAT && !g);
    fct_file_stat st;
    fct_file_get_stat(target, &st);
    CHECK(st.size == 13);
}

/* Databases made with SQLite itself: SQL that runs on a sound gallery, and what
 * opening must answer. */
static const struct {
    const char *sql;
    fct_status want;
} made[] = {
    {"PRAGMA user_version=4", FCT_ERR_UNSUPPORTED},
    {"PRAGMA user_version=0", FCT_ERR_FORMAT},
    {"PRAGMA user_version=-5", FCT_ERR_FORMAT},
    {"PRAGMA application_id=0", FCT_ERR_FORMAT},
    {"PRAGMA application_id=252006674", FCT_ERR_FORMAT},
    {"CREATE TRIGGER t AFTER INSERT ON face BEGIN DELETE FROM person; END", FCT_ERR_FORMAT},
    {"CREATE VIEW v AS SELECT * FROM person", FCT_ERR_FORMAT},
    {"ALTER TABLE person ADD COLUMN x INT GENERATED ALWAYS AS (length(hex(zeroblob(400000000))))", FCT_ERR_FORMAT},
    {"DROP TABLE person; CREATE VIEW person AS SELECT 1 AS id, 'x' AS name, 2 AS created", FCT_ERR_FORMAT},
    {"DROP TABLE crop", FCT_ERR_FORMAT},
    {"DROP INDEX face_person", FCT_ERR_FORMAT},
    {"CREATE TABLE extra(x)", FCT_ERR_FORMAT},
    {"UPDATE face SET embedding = x'0000803f' WHERE id = 5", FCT_ERR_FORMAT},
    {"UPDATE face SET embedding = zeroblob(128) WHERE id = 5", FCT_ERR_FORMAT},
    {"UPDATE face SET embedding = cast(substr(embedding, 1, 124) || x'0000c07f' AS blob) WHERE id = 5", FCT_ERR_FORMAT},
    {"UPDATE person SET name = '' WHERE id = 2", FCT_ERR_FORMAT},
    {"UPDATE person SET name = cast(x'610a62' AS text) WHERE id = 2", FCT_ERR_FORMAT},
    {"UPDATE person SET name = cast(x'610062' AS text) WHERE id = 2", FCT_ERR_FORMAT},
    {"UPDATE person SET name = cast(x'ff' AS text) WHERE id = 2", FCT_ERR_FORMAT},
    {"UPDATE person SET name = printf('%.300c', 'x') WHERE id = 2", FCT_ERR_FORMAT},
    {"DELETE FROM person WHERE id = 3", FCT_ERR_FORMAT}, /* foreign keys are off here */
    {"DELETE FROM model", FCT_ERR_FORMAT},
    {"UPDATE model SET dim = 0", FCT_ERR_FORMAT},
    {"UPDATE model SET dim = 1000000000000", FCT_ERR_FORMAT},
    {"UPDATE model SET dim = 16", FCT_ERR_FORMAT},
    {"UPDATE model SET model_id = printf('%.100c', 'm')", FCT_ERR_FORMAT},
    {"INSERT INTO change(seq, what, id) VALUES(9223372036854775807, 1, 1)", FCT_OK}, /* no more changes fit */
    {"INSERT INTO change(seq, what, id) VALUES(-9223372036854775807, 9, 1)", FCT_OK},
    {"UPDATE sqlite_sequence SET seq = 'x'", FCT_OK},
    {"ANALYZE", FCT_OK},
    {"VACUUM", FCT_OK},
    {"PRAGMA journal_mode=DELETE", FCT_OK},
    {"PRAGMA journal_mode=DELETE; PRAGMA page_size=512; VACUUM", FCT_OK},
};

TEST(made_with_sqlite) {
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        sqlite3 *h;
        util_remove(target);
        write_file(target, good, good_size);
        REQUIRE(sqlite3_open(target, &h) == SQLITE_OK);
        char *message = NULL;
        if (sqlite3_exec(h, made[i].sql, NULL, NULL, &message)) CHECK_MSG(0, "%s: %s", made[i].sql, message);
        sqlite3_close(h);
        CHECK_MSG(exercise(made[i].sql, 0) == made[i].want, "%s: %s", made[i].sql, e.text);
    }
}

/* Damage that opening does not look for is found by the check. */
TEST(check_finds) {
    static const char *const sqls[] = {
        "UPDATE face SET embedding = cast(substr(embedding, 1, 124) || x'0000803f' AS blob) WHERE id = 5",
        "UPDATE crop SET jpeg = x'00' WHERE face_id = 7", "DELETE FROM crop WHERE face_id = 7",
        "INSERT INTO crop VALUES(999, 0, x'00')", "UPDATE face SET checksum = 1 WHERE id = 1"};
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        sqlite3 *h;
        fct_gallery *g;
        util_remove(target);
        write_file(target, good, good_size);
        REQUIRE(sqlite3_open(target, &h) == SQLITE_OK);
        REQUIRE(sqlite3_exec(h, sqls[i], NULL, NULL, NULL) == SQLITE_OK);
        sqlite3_close(h);
        REQUIRE(!fct_gallery_open(target, NULL, &g, &e));
        CHECK_MSG(fct_gallery_check(g, &e) == FCT_ERR_FORMAT && strstr(e.text, "target.db"), "%s: %s", sqls[i], e.text);
        fct_gallery_free(g);
    }
}

/* Another application's lock is waited for, then reported. */
TEST(locked_by_another) {
    sqlite3 *h;
    fct_gallery *g;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.busy_ms = 20;
    util_remove(target);
    write_file(target, good, good_size);
    REQUIRE(!fct_gallery_open(target, &o, &g, &e));
    REQUIRE(sqlite3_open(target, &h) == SQLITE_OK && sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(util_enroll(g, "New", 50, NULL, &e) == FCT_ERR_BUSY && strstr(e.text, "locked"));
    CHECK(strcmp(util_who(g, 1), "Person 1") == 0); /* readers do not wait */
    sqlite3_close(h);
    CHECK(!util_enroll(g, "New", 50, NULL, &e));
    fct_gallery_free(g);
}

int main(int argc, char **argv) {
    if (setjmp(test_exit)) return 1;
    make_good();
    int rc = test_main(argc, argv);
    fct_free(good);
    return rc;
}

/* Processes killed while they forget people, bring an old gallery up to date, and
 * encrypt; and every page of a gallery damaged in turn. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/privacy.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

static fct_error e;
static const char key_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char key_b[] = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

/* Runs work in a child, which is killed after at most so many microseconds. Whether it ended by itself. */
static bool killed_within(void (*work)(const char *path, int out), const char *path, unsigned most, int *in) {
    static uint64_t rnd = 77;
    int ends[2], status;
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        work(path, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    usleep((useconds_t)(util_random(&rnd) % most));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    CHECK_MSG(WIFSIGNALED(status) || WEXITSTATUS(status) == 0, "the child failed: %d", WEXITSTATUS(status));
    *in = ends[0];
    return !WIFSIGNALED(status);
}

/* ---- Forgetting ------------------------------------------------------------------------- */

enum { ROUND = 1000 };
static int first; /* number of the first person of this life */

/* Enrolls people and forgets each second one; tells each step after it is done. */
static void enroll_and_forget(const char *path, int out) {
    fct_gallery *g;
    if (fct_gallery_open(path, NULL, &g, NULL)) _exit(3);
    for (int i = first; i < first + ROUND; i++) {
        char name[20];
        fct_person p;
        snprintf(name, sizeof name, "P%d", i);
        if (util_enroll(g, name, (uint64_t)i, NULL, NULL) || write(out, &(int){i}, sizeof i) != sizeof i) _exit(4);
        if (i % 2) continue;
        int forgotten = -i;
        if (fct_gallery_find(g, name, &p, NULL) || fct_gallery_forget(g, &p.id, 1, NULL, NULL)) _exit(5);
        if (write(out, &forgotten, sizeof i) != sizeof i) _exit(6);
    }
}

TEST(killed_while_forgetting) {
    if (getenv("FCT_EMULATED")) SKIP("too slow here");
    enum { LIVES = 50 };
    static bool here[ROUND * (LIVES + 1)], gone[ROUND * (LIVES + 1)];
    char path[400];
    int all = 0;
    snprintf(path, sizeof path, "%s", util_path("forget.db"));
    for (int life = 0; life < LIVES && !test_failures; life++) {
        int in, step;
        fct_gallery *g;
        first = 2 + life * ROUND;
        killed_within(enroll_and_forget, path, 60000, &in);
        while (read(in, &step, sizeof step) == sizeof step) {
            if (step > 0) here[step] = true;
            else gone[-step] = true;
            all++;
        }
        close(in);
        REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
        CHECK_MSG(!fct_gallery_check(g, &e), "life %d: %s", life, e.text);
        for (int i = 2; i < first + ROUND; i++) {
            if (!here[i] || (!gone[i] && i % 2 == 0)) continue; /* one whose forgetting had begun may be either */
            const char *who = util_who(g, (uint64_t)i);
            CHECK_MSG(who && (*who != 0) == !gone[i], "life %d: person %d is %s", life, i, who ? who : "?");
        }
        fct_gallery_free(g);
    }
    CHECK_MSG(all > LIVES, "%d steps", all);
}

/* ---- Bringing up to date ------------------------------------------------------------------ */

enum { OLD_PEOPLE = 400 };

static void run_sql(sqlite3 *h, const char *sql) {
    if (sqlite3_exec(h, sql, NULL, NULL, NULL)) CHECK_MSG(0, "%s: %s", sql, sqlite3_errmsg(h));
}

/* A gallery of schema 2, made with SQLite itself. The last person and face are gone. */
static void make_schema_2(const char *path) {
    static const char *const sqls[] = {
        "CREATE TABLE change(seq INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL, id INTEGER NOT NULL) STRICT",
        "CREATE TABLE crop(face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, cut INTEGER NOT NULL, "
        "jpeg BLOB NOT NULL) STRICT",
        "CREATE TABLE face(id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES person(id) ON "
        "DELETE CASCADE, created INTEGER NOT NULL, x1 REAL NOT NULL, y1 REAL NOT NULL, x2 REAL NOT NULL, y2 REAL NOT "
        "NULL, score REAL NOT NULL, quality REAL NOT NULL, source TEXT, embedding BLOB NOT NULL, checksum INTEGER NOT "
        "NULL) STRICT",
        "CREATE TABLE model(id INTEGER PRIMARY KEY CHECK(id = 1), model_id TEXT NOT NULL, dim INTEGER NOT NULL) STRICT",
        "CREATE TABLE person(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created INTEGER NOT "
        "NULL) STRICT",
        "CREATE INDEX face_person ON face(person_id)",
        "INSERT INTO model VALUES(1, '" UTIL_MODEL "', 32)",
        "PRAGMA application_id=1178817607",
        "PRAGMA user_version=2"};
    sqlite3 *h;
    sqlite3_stmt *q;
    REQUIRE(sqlite3_open(path, &h) == SQLITE_OK);
    run_sql(h, "PRAGMA journal_mode=WAL"); /* as facet leaves it */
    run_sql(h, "BEGIN");
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) run_sql(h, sqls[i]);
    REQUIRE(!sqlite3_prepare_v2(h, "INSERT INTO face VALUES(?1, ?1, 6, 1, 2, 3, 4, 0.5, 0, 'a.jpg', ?2, ?3)", -1, &q,
                                NULL));
    for (int i = 1; i <= OLD_PEOPLE + 1; i++) {
        float v[UTIL_DIM];
        uint8_t blob[4 * UTIL_DIM];
        char sql[80];
        snprintf(sql, sizeof sql, "INSERT INTO person VALUES(%d, 'P%d', %d)", i, i, i);
        run_sql(h, sql);
        util_embedding((uint64_t)i, UTIL_DIM, v);
        fct_embedding_pack(v, UTIL_DIM, blob);
        sqlite3_reset(q);
        sqlite3_bind_int(q, 1, i);
        sqlite3_bind_blob(q, 2, blob, sizeof blob, SQLITE_STATIC);
        sqlite3_bind_int64(q, 3, fct_face_checksum(blob, sizeof blob, NULL, 0));
        CHECK(sqlite3_step(q) == SQLITE_DONE);
    }
    sqlite3_finalize(q);
    run_sql(h, "DELETE FROM face WHERE id > 400; DELETE FROM person WHERE id > 400; COMMIT");
    sqlite3_close(h);
}

static void open_once(const char *path, int out) {
    fct_gallery *g;
    if (fct_gallery_open(path, NULL, &g, NULL)) _exit(3);
    fct_gallery_free(g);
}

TEST(killed_while_it_is_brought_up_to_date) {
    if (getenv("FCT_EMULATED")) SKIP("too slow here");
    enum { LIVES = 60 };
    char old[400], path[400];
    int done = 0, undone = 0;
    double limit = 400; /* microseconds: from far less than it takes to far more, however slow the machine */
    snprintf(old, sizeof old, "%s", util_path("old.db"));
    snprintf(path, sizeof path, "%s", util_path("migrated.db"));
    make_schema_2(old);
    for (int life = 0; life < LIVES && !test_failures; life++) {
        fct_gallery *g;
        fct_gallery_opts o;
        fct_gallery_info info;
        int64_t id;
        int in;
        util_remove(path);
        util_copy(old, path);
        killed_within(open_once, path, limit, &in);
        limit = limit * 1.15 < 400000 ? limit * 1.15 : 400000;
        close(in);
        fct_gallery_opts_init(&o);
        o.read_only = true;
        for (int round = 0; round < 2; round++, o.read_only = false) {
            if (fct_gallery_open(path, &o, &g, &e)) CHECK_MSG(0, "life %d: %s", life, e.text);
            REQUIRE(g && !fct_gallery_stat(g, &info, &e));
            CHECK_MSG(info.people == OLD_PEOPLE && info.faces == OLD_PEOPLE, "life %d: %d people", life, info.people);
            if (!round) *(info.schema == 2 ? &undone : &done) += 1;
            else CHECK(info.schema == 3);
            for (int i = 1; i <= OLD_PEOPLE; i += 37) {
                char name[20];
                snprintf(name, sizeof name, "P%d", i);
                CHECK_MSG(!strcmp(util_who(g, (uint64_t)i), name), "life %d: person %d", life, i);
            }
            CHECK_MSG(!fct_gallery_check(g, &e), "life %d: %s", life, e.text);
            if (round) { /* numbers that were given away are not used again */
                fct_person p;
                CHECK(!util_enroll(g, "New", 9000, &id, &e) && id == OLD_PEOPLE + 2);
                CHECK(!fct_gallery_find(g, "New", &p, &e) && p.id == OLD_PEOPLE + 2 && p.collection_id == 1);
            }
            fct_gallery_free(g);
        }
    }
    CHECK_MSG(done && undone, "%d were done, %d not", done, undone);
}

/* ---- Encrypting --------------------------------------------------------------------------- */

static void turn(const char *path, int out) {
    if (fct_gallery_encrypt(path, key_a, NULL)) _exit(3);
    if (fct_gallery_rekey(path, key_a, key_b, NULL)) _exit(4);
    if (fct_gallery_decrypt(path, key_b, NULL)) _exit(5);
}

TEST(killed_while_encrypting) {
    if (getenv("FCT_EMULATED")) SKIP("too slow here");
    if (fct_gallery_encrypt("/nonexistent", key_a, &e) == FCT_ERR_UNSUPPORTED) SKIP("built without libsodium");
    enum { LIVES = 60 };
    char old[400], path[400];
    int seen[3] = {0};
    snprintf(old, sizeof old, "%s", util_path("old2.db"));
    snprintf(path, sizeof path, "%s", util_path("turned.db"));
    make_schema_2(old);
    open_once(old, 0);
    util_copy(old, path);
    uint64_t start = fct_time_ns();
    turn(path, 0);
    unsigned whole = (unsigned)((fct_time_ns() - start) / 1000);
    for (int life = 0; life < LIVES && !test_failures; life++) {
        static const char *const keys[] = {NULL, key_a, key_b};
        fct_gallery *g = NULL;
        fct_gallery_opts o;
        fct_gallery_info info;
        int in, k;
        util_remove(path);
        util_copy(old, path);
        killed_within(turn, path, whole, &in);
        close(in);
        fct_gallery_opts_init(&o);
        for (k = 0; k < 3 && !g; k++) {
            o.key = keys[k];
            fct_gallery_open(path, &o, &g, &e);
        }
        CHECK_MSG(g, "life %d: %s", life, e.text);
        REQUIRE(g && !fct_gallery_stat(g, &info, &e));
        seen[k - 1]++;
        CHECK_MSG(info.people == OLD_PEOPLE && info.faces == OLD_PEOPLE && !strcmp(util_who(g, 38), "P38"), "life %d",
                  life);
        CHECK_MSG(!fct_gallery_check(g, &e), "life %d: %s", life, e.text);
        fct_gallery_free(g);
    }
    CHECK_MSG(seen[0] && seen[1] && seen[2], "%d plain, %d and %d encrypted", seen[0], seen[1], seen[2]);
}

/* ---- Pages -------------------------------------------------------------------------------------- */

static uint32_t number_at(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whether a page (from 1) is a leaf of the list of free pages: what it holds is nobody's. */
static bool is_free(const uint8_t *data, size_t side, uint32_t page) {
    for (uint32_t trunk = number_at(data + 32); trunk; trunk = number_at(data + (trunk - 1) * side)) {
        const uint8_t *t = data + (trunk - 1) * side;
        for (uint32_t i = 0; i < number_at(t + 4); i++)
            if (number_at(t + 8 + 4 * i) == page) return true;
    }
    return false;
}

/* Kinds of pages by their first byte; those without one are overflow and free pages. */
static int kind_of(const uint8_t *page, size_t number) {
    int at = number == 0 ? 100 : 0;
    return page[at] == 2 || page[at] == 5 || page[at] == 10 || page[at] == 13 ? page[at] : 0;
}

TEST(every_page_damaged_in_turn) {
    char path[400], good[400];
    uint8_t *data, was[32768];
    size_t size, seen[14] = {0};
    fct_gallery *g;
    snprintf(good, sizeof good, "%s", util_path("good.db"));
    snprintf(path, sizeof path, "%s", util_path("page.db"));
    REQUIRE(!fct_gallery_open(good, NULL, &g, &e));
    for (int i = 0; i < 1200; i++) {
        float v[UTIL_DIM];
        char name[40], crop[9000];
        util_embedding((uint64_t)i, UTIL_DIM, v);
        snprintf(name, sizeof name, "A name of some length, number %d", i);
        memset(crop, i, sizeof crop);
        fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM, .crop = i % 30 ? NULL : crop};
        f.crop_len = f.crop ? sizeof crop : 0;
        REQUIRE(!fct_gallery_enroll(g, name, &f, 1, NULL, NULL, &e));
    }
    for (int64_t id = 1; id < 90; id++) REQUIRE(!fct_gallery_remove_person(g, id, &e)); /* leaves free pages */
    fct_gallery_free(g);
    REQUIRE(!fct_file_read(good, (size_t)1 << 30, &data, &size, &e));
    size_t side = (size_t)data[16] << 8 | data[17]; /* of a page */
    REQUIRE(side >= 512 && side <= sizeof was && size % side == 0);
    for (size_t page = 0; page < size / side && !test_failures; page++) {
        int kind = kind_of(data + page * side, page);
        if (seen[kind]++ > 25 || is_free(data, side, (uint32_t)page + 1)) continue;
        memcpy(was, data + page * side, side);
        for (size_t i = page ? 0 : 100; i < side; i++) data[page * side + i] ^= (uint8_t)(0x5a + i % 7);
        util_remove(path);
        FILE *f = fct_fopen(path, "wb");
        REQUIRE(f && fwrite(data, 1, size, f) == size && !fclose(f));
        memcpy(data + page * side, was, side);
        fct_status s = fct_gallery_open(path, NULL, &g, &e);
        if (!s) s = fct_gallery_check(g, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "page.db") && strstr(e.text, "restore it from a copy"),
                  "page %d of kind %d: %d %s", (int)page, kind, s, s ? e.text : "");
        fct_gallery_free(g);
    }
    CHECK_MSG(seen[2] && seen[5] && seen[10] && seen[13] && seen[0], "%d %d %d %d %d", (int)seen[2], (int)seen[5],
              (int)seen[10], (int)seen[13], (int)seen[0]);
    fct_free(data);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Memory running out at every allocation in turn, the gallery's and SQLite's:
 * each call succeeds or says so, nothing leaks, and what was reported as stored
 * is there. */
#include "test.h"
#include "base/alloc.h"
#include "facet/privacy.h"
#include "gallery_util.h"
#include <sqlite3.h>

static fct_error e;
static long sqlite_fail_at, sqlite_live;
static bool sqlite_failed;
static sqlite3_mem_methods real;

static bool fails_now(void) {
    bool now = sqlite_fail_at && --sqlite_fail_at == 0;
    sqlite_failed |= now;
    return now;
}
static void *t_malloc(int n) {
    void *p = fails_now() ? NULL : real.xMalloc(n);
    sqlite_live += p != NULL;
    return p;
}
static void t_free(void *p) {
    sqlite_live -= p != NULL;
    real.xFree(p);
}
static void *t_realloc(void *p, int n) { return fails_now() ? NULL : real.xRealloc(p, n); }

/* Migrates to the model that the gallery has: its faces' sources tell their numbers. */
static fct_status same_embedding(const fct_stored_face *face, const void *crop, size_t crop_len, float *embedding,
                                 int dim, void *user, fct_error *err) {
    util_embedding((uint64_t)atoll(face->source), dim, embedding);
    return FCT_OK;
}

static fct_status pass_over(const fct_audit_entry *x, void *user, fct_error *err) { return FCT_OK; }

/* What a gallery knows of people besides their faces. */
static fct_status know(fct_gallery *g, int64_t id, const float v[UTIL_DIM]) {
    fct_match m[2];
    fct_negative *negatives = NULL;
    fct_collection *collections = NULL;
    fct_person *people = NULL;
    fct_stored_face *faces = NULL;
    fct_details d = {0};
    fct_search_opts o;
    int n, found[2];
    int64_t negative = 0, other;
    fct_search_opts_init(&o);
    fct_status s = fct_gallery_set_setting(g, 0, "audit", "changes", &e);
    if (!s) s = fct_gallery_set_metadata(g, id, "k", "[1,{\"a\":null}]", &e);
    if (!s) s = fct_gallery_set_consent(g, id, "me", "yes", 5, &e);
    if (!s) s = fct_gallery_details(g, id, &d, &e);
    if (!s) s = fct_gallery_reject(g, id, UTIL_MODEL, v, UTIL_DIM, &negative, &e);
    if (!s) s = fct_gallery_identify(g, UTIL_MODEL, v, 1, UTIL_DIM, &o, m, &e);
    o.templates = FCT_TEMPLATE_MEAN;
    if (!s) s = fct_gallery_search_with(g, UTIL_MODEL, v, 1, UTIL_DIM, &o, m, found, &e);
    if (!s) s = fct_gallery_negatives(g, 0, &negatives, &n, &e);
    if (!s) s = fct_gallery_remove_negative(g, negative, &e);
    if (!s) s = fct_gallery_add_collection(g, "other", &other, &e);
    if (!s) s = fct_gallery_find_collection(g, "other", &other, &e);
    if (!s) s = fct_gallery_move_person(g, id, other, NULL, &e);
    if (!s) s = fct_gallery_move_person(g, id, 1, NULL, &e);
    if (!s) s = fct_gallery_faces(g, id, &faces, &n, &e);
    if (!s && n) s = fct_gallery_move_face(g, faces[0].id, id, NULL, &e);
    if (!s) s = fct_gallery_collections(g, &collections, &n, &e);
    if (!s) s = fct_gallery_set_expires(g, id, 5, &e);
    if (!s) s = fct_gallery_expired(g, 5, &people, &n, &e);
    if (!s) s = fct_gallery_forget(g, &(int64_t){999}, 1, NULL, &e);
    if (!s) s = fct_gallery_audit(g, 0, pass_over, NULL, &e);
    if (!s) s = fct_gallery_verify_audit(g, NULL, NULL, &e);
    fct_details_clear(&d);
    fct_gallery_negatives_free(negatives);
    fct_gallery_collections_free(collections);
    fct_gallery_people_free(people);
    fct_gallery_faces_free(faces);
    return s;
}

/* A life of a gallery; everything stored with success goes into *stored. */
static fct_status life(const char *path, uint64_t round, int *stored) {
    fct_gallery *g;
    fct_person *people = NULL, p;
    fct_stored_face *faces = NULL;
    fct_match m[2];
    fct_gallery_info info;
    float v[UTIL_DIM];
    int n, found;
    fct_status s = fct_gallery_open(path, NULL, &g, &e);
    for (int i = 0; i < 3 && !s; i++) {
        s = util_enroll(g, i ? "Ada" : "Bob", round * 4 + (uint64_t)i, NULL, &e);
        if (!s) ++*stored;
    }
    util_embedding(round * 4, UTIL_DIM, v);
    if (!s) s = fct_gallery_search(g, UTIL_MODEL, v, UTIL_DIM, 0.99f, 2, m, &found, &e);
    if (!s) CHECK_MSG(found == 1 && strcmp(m[0].name, "Bob") == 0, "round %d: %d found", (int)round, found);
    if (!s) s = fct_gallery_people(g, &people, &n, &e);
    if (!s) s = fct_gallery_find(g, "Ada", &p, &e);
    if (!s) s = fct_gallery_faces(g, p.id, &faces, &n, &e);
    if (!s) s = fct_gallery_rename(g, p.id, "Eve", &e);
    if (!s) s = fct_gallery_rename(g, p.id, "Ada", &e);
    if (!s) s = fct_gallery_stat(g, &info, &e);
    if (!s) s = know(g, p.id, v);
    if (!s) s = fct_gallery_check(g, &e);
    if (!s) s = fct_gallery_export(g, util_path("oom.jsonl"), true, &e);
    if (!s) s = fct_gallery_import(g, util_path("oom.jsonl"), &n, &e);
    util_remove(util_path("oom-copy.db"));
    if (!s) s = fct_gallery_backup(g, util_path("oom-copy.db"), &e);
    if (!s) s = fct_gallery_migrate(g, UTIL_MODEL, UTIL_DIM, same_embedding, g, false, &n, &e);
    fct_gallery_people_free(people);
    fct_gallery_faces_free(faces);
    fct_gallery_free(g);
    return s;
}

/* Runs lives with the n-th allocation failing until none fails: each one of ours,
 * and of SQLite's, which has such tests of its own, the first 200 and then every
 * seventh. */
static void run(const char *name, bool of_sqlite, const char *template) {
    char path[400];
    snprintf(path, sizeof path, "%s", util_path(name));
    util_remove(path);
    long fct_before = fct_alloc_live(), rounds = 0;
    for (long n = 1;; n += of_sqlite && n > 200 ? 7 : 1, rounds++) {
        int stored = 0;
        util_remove(path);
        if (template) util_copy(util_path(template), path);
        sqlite_failed = false;
        if (of_sqlite) sqlite_fail_at = n;
        else fct_alloc_fail_at(n);
        fct_status s = life(path, (uint64_t)n, &stored);
        sqlite_fail_at = 0;
        fct_alloc_fail_at(0);
        CHECK_MSG(!s || s == FCT_ERR_NOMEM, "allocation %ld: %d %s", n, s, e.text);
        CHECK_MSG(fct_alloc_live() == fct_before, "allocation %ld: %ld blocks leak", n, fct_alloc_live() - fct_before);
        fct_gallery *g;
        REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
        for (int i = 0; i < stored; i++) {
            const char *who = util_who(g, (uint64_t)n * 4 + (uint64_t)i);
            CHECK_MSG(who && *who, "allocation %ld: face %d is lost", n, i);
        }
        CHECK_MSG(!fct_gallery_check(g, &e), "allocation %ld: %s", n, e.text);
        fct_gallery_free(g);
        if (test_failures) return;
        if (!s && (of_sqlite ? !sqlite_failed : n > 5)) {
            if (of_sqlite || rounds > 20) break;
        }
    }
    CHECK_MSG(rounds > 20, "only %ld allocations were failed", rounds);
}

TEST(allocations_of_the_gallery) { run("oom1.db", false, NULL); }
TEST(allocations_of_an_encrypted_gallery) {
    static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    fct_gallery *g;
    REQUIRE(!fct_gallery_open(util_path("template.db"), NULL, &g, &e));
    fct_gallery_free(g);
    fct_status s = fct_gallery_encrypt(util_path("template.db"), key, &e);
    if (s == FCT_ERR_UNSUPPORTED) SKIP("built without libsodium");
    REQUIRE(!s);
#ifdef _WIN32
    _putenv_s("FCT_GALLERY_KEY", key);
#else
    setenv("FCT_GALLERY_KEY", key, 1);
#endif
    run("oom3.db", false, "template.db");
#ifdef _WIN32
    _putenv_s("FCT_GALLERY_KEY", "");
#else
    unsetenv("FCT_GALLERY_KEY");
#endif
}

/* Either done or not begun. */
TEST(allocations_of_encrypting) {
    static const char key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    char path[400];
    fct_gallery *g;
    snprintf(path, sizeof path, "%s", util_path("turn.db"));
    util_remove(path);
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e) && !util_enroll(g, "Ada", 1, NULL, &e));
    REQUIRE(!util_enroll(g, "Ada", 2, NULL, &e) && !fct_gallery_reject_face(g, 1, 1, NULL, &e));
    fct_gallery_free(g);
    long before = fct_alloc_live();
    int turns = 0;
    for (long n = 1; turns < 3 && !test_failures; n++) {
        fct_alloc_fail_at(n);
        fct_status s = turns == 0   ? fct_gallery_encrypt(path, key, &e)
                       : turns == 1 ? fct_gallery_rekey(path, key, key, &e)
                                    : fct_gallery_decrypt(path, key, &e);
        fct_alloc_fail_at(0);
        if (s == FCT_ERR_UNSUPPORTED) SKIP("built without libsodium");
        CHECK_MSG(!s || s == FCT_ERR_NOMEM, "turn %d, allocation %ld: %d %s", turns, n, s, e.text);
        CHECK_MSG(fct_alloc_live() == before, "turn %d, allocation %ld: leak", turns, n);
        if (!s) turns++, n = 0;
    }
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
    CHECK(!strcmp(util_who(g, 2), "Ada") && !fct_gallery_check(g, &e));
    fct_gallery_free(g);
}
TEST(allocations_of_sqlite) {
    long before = sqlite_live;
    run("oom2.db", true, NULL);
    sqlite3_release_memory(1 << 30);
    CHECK_MSG(sqlite_live <= before + 8, "%ld blocks", sqlite_live - before); /* one-time tables of SQLite itself */
}

static int skip(void) {
    puts("SKIP gallery_oom: this SQLite takes no memory functions of the test's");
    return 77;
}

int main(int argc, char **argv) {
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real)) return skip();
    sqlite3_mem_methods mine = real;
    mine.xMalloc = t_malloc;
    mine.xFree = t_free;
    mine.xRealloc = t_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) || sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0)) return skip();
    fct_set_threads(1, NULL);
    sqlite3_initialize();
    return test_main(argc, argv);
}

/* The gallery on another store: what stands above gallery/gallery_store.h knows nothing
 * of SQLite, and works with any store that keeps the contract. */
#include "test.h"
#include "base/file.h"
#include "base/thread.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "memory_store.h"
#include "naive_index.h"
#include "text/names.h"
#include <math.h>

static fct_error e;

static fct_gallery *open_memory(memory_db *db) {
    fct_gallery *g;
    REQUIRE(!fct_gallery_create(memory_store_open(db), memory_store_open(db), fct_index_create, &g, &e));
    return g;
}

static int count_people(fct_gallery *g) {
    fct_gallery_info info;
    REQUIRE(!fct_gallery_stat(g, &info, &e));
    return info.people;
}

TEST(people_and_faces) {
    memory_db *db = memory_db_create();
    fct_gallery *g = open_memory(db);
    fct_person p;
    fct_stored_face *faces;
    int64_t id;
    int n;
    CHECK(!strcmp(util_who(g, 1), ""));
    REQUIRE(!util_enroll(g, "Ada", 1, &id, &e) && !util_enroll(g, "Ada", 2, NULL, &e) &&
            !util_enroll(g, "Bob", 3, NULL, &e));
    CHECK(!strcmp(util_who(g, 1), "Ada") && !strcmp(util_who(g, 3), "Bob"));
    int64_t again;
    CHECK(!util_enroll(g, "Ada", 1, &again, &e) && again == id); /* a duplicate */
    REQUIRE(!fct_gallery_find(g, "Ada", &p, &e));
    CHECK(p.faces == 2);
    REQUIRE(!fct_gallery_faces(g, p.id, &faces, &n, &e));
    CHECK(n == 2 && faces[0].id == id);
    fct_gallery_faces_free(faces);
    CHECK(!fct_gallery_rename(g, p.id, "Countess", &e) && !strcmp(util_who(g, 1), "Countess"));
    CHECK(fct_gallery_rename(g, p.id, "Bob", &e) == FCT_ERR_EXISTS);
    CHECK(fct_gallery_rename(g, 99, "Eve", &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_gallery_remove_face(g, id, &e) && !strcmp(util_who(g, 1), ""));
    CHECK(fct_gallery_remove_face(g, id, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_find(g, "Bob", &p, &e));
    int64_t bob = p.id;
    REQUIRE(!fct_gallery_find(g, "Countess", &p, &e));
    CHECK(!fct_gallery_merge(g, p.id, bob, &e) && !strcmp(util_who(g, 2), "Bob") && count_people(g) == 1);
    CHECK(!fct_gallery_check(g, &e));
    CHECK(fct_gallery_backup(g, "x", &e) == FCT_ERR_UNSUPPORTED);
    CHECK(!fct_gallery_remove_person(g, bob, &e) && !strcmp(util_who(g, 2), "") && count_people(g) == 0);
    fct_gallery_free(g);
    memory_db_free(db);
}

/* A store that asks for another try gets it, and nothing happens twice. */
TEST(transactions_are_tried_again) {
    memory_db *db = memory_db_create();
    fct_gallery *g = open_memory(db);
    int added;
    float v[2][UTIL_DIM];
    fct_enrollment f[2];
    for (int i = 0; i < 2; i++) {
        util_embedding((uint64_t)i, UTIL_DIM, v[i]);
        f[i] = (fct_enrollment){.model_id = UTIL_MODEL, .embedding = v[i], .dim = UTIL_DIM};
    }
    memory_db_disturb(db, 3);
    int64_t ids[2];
    REQUIRE(!fct_gallery_enroll(g, "Ada", f, 2, ids, &added, &e));
    CHECK(added == 2 && ids[0] == 1 && ids[1] == 2 && count_people(g) == 1);
    REQUIRE(!fct_gallery_export(g, util_path("memory.jsonl"), false, &e));
    REQUIRE(!fct_gallery_remove_person(g, 1, &e));
    memory_db_disturb(db, 2);
    REQUIRE(!fct_gallery_import(g, util_path("memory.jsonl"), &added, &e));
    CHECK(added == 2 && !strcmp(util_who(g, 0), "Ada") && !strcmp(util_who(g, 1), "Ada"));
    memory_db_disturb(db, 1000);
    CHECK(util_enroll(g, "Bob", 7, NULL, &e) == FCT_ERR_BUSY && count_people(g) == 1); /* not for ever */
    fct_gallery_free(g);
    memory_db_free(db);
}

static fct_status double_length(const fct_stored_face *face, const void *crop, size_t crop_len, float *embedding,
                                int dim, void *user, fct_error *err) {
    if (face->id % 3 == 0) return FCT_ERR_NOT_FOUND;
    util_embedding((uint64_t)face->id + 500, dim, embedding);
    return FCT_OK;
}

/* Thousands of faces take few questions: nothing goes row by row. */
TEST(bulk_work_in_batches) {
    enum { FACES = 1500 };
    memory_db *db = memory_db_create();
    fct_gallery *g = open_memory(db);
    FILE *f = fct_fopen(util_path("bulk.csv"), "wb");
    REQUIRE(f);
    for (int i = 0; i < FACES; i++) fprintf(f, "P%d\n", i % 40);
    fclose(f);
    f = fct_fopen(util_path("bulk.npy"), "wb");
    char head[128];
    memset(head, ' ', sizeof head);
    memcpy(head, "\x93NUMPY\x01\x00\x76\x00", 10);
    int len =
        snprintf(head + 10, 100, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", FACES, UTIL_DIM);
    head[10 + len] = ' ';
    head[127] = '\n';
    fwrite(head, 1, sizeof head, f);
    for (int i = 0; i < FACES; i++) {
        float v[UTIL_DIM];
        util_embedding((uint64_t)i, UTIL_DIM, v);
        fwrite(v, sizeof v, 1, f);
    }
    fclose(f);
    char npy[300];
    snprintf(npy, sizeof npy, "%s", util_path("bulk.npy"));
    int added = 0, dropped;
    long before = memory_db_calls(db);
    REQUIRE(!fct_gallery_import_npy(g, UTIL_MODEL, npy, util_path("bulk.csv"), &added, &e));
    CHECK_MSG(added == FACES, "%d", added);
    CHECK_MSG(memory_db_calls(db) - before < FACES / 20, "%ld questions", memory_db_calls(db) - before);
    for (int i = 0; i < FACES; i += 77) {
        char name[10];
        snprintf(name, sizeof name, "P%d", i % 40);
        CHECK_MSG(!strcmp(util_who(g, (uint64_t)i), name), "face %d", i);
    }
    REQUIRE(!fct_gallery_import_npy(g, UTIL_MODEL, npy, util_path("bulk.csv"), &added, &e)); /* duplicates all */
    CHECK(added == 0);
    before = memory_db_calls(db);
    REQUIRE(!fct_gallery_migrate(g, "other", UTIL_DIM / 2, double_length, NULL, true, &dropped, &e));
    CHECK_MSG(dropped == FACES / 3 && memory_db_calls(db) - before < FACES / 20, "%d dropped, %ld questions", dropped,
              memory_db_calls(db) - before);
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
    memory_db_free(db);
}

/* A gallery of before: names as its store was given them. */
static void put_person(memory_db *db, const char *name, uint64_t seed) {
    float v[UTIL_DIM];
    uint8_t blob[4 * UTIL_DIM];
    fct_store *st = memory_store_open(db);
    fct_store_person p = {.name = name, .collection_id = FCT_COLLECTION_DEFAULT};
    fct_store_model m = {.id = UTIL_MODEL, .dim = UTIL_DIM};
    util_embedding(seed, UTIL_DIM, v);
    fct_embedding_pack(v, UTIL_DIM, blob);
    REQUIRE(!st->ops->begin(st, FCT_STORE_WRITE, &e) && !st->ops->people_add(st, &p, 1, &e));
    fct_store_face f = {.person_id = p.id, .embedding = blob, .embedding_size = sizeof blob};
    f.checksum = fct_face_checksum(blob, sizeof blob, NULL, 0);
    REQUIRE(!st->ops->set_model(st, &m, &e) && !st->ops->faces_add(st, &f, 1, &e) && !st->ops->end(st, FCT_OK, &e));
    fct_store_close(st);
}

#define COMPOSED   "Mumm\xc3\xa9"
#define DECOMPOSED "Mumme\xcc\x81"

TEST(names_have_one_spelling) {
    if (!fct_text_has_nfc()) SKIP("built without utf8proc");
    memory_db *db = memory_db_create();
    fct_gallery *g = open_memory(db);
    fct_person p;
    REQUIRE(!util_enroll(g, DECOMPOSED, 1, NULL, &e) && !util_enroll(g, "  " COMPOSED "\xc2\xa0", 2, NULL, &e));
    CHECK(count_people(g) == 1 && !strcmp(util_who(g, 1), COMPOSED) && !strcmp(util_who(g, 2), COMPOSED));
    CHECK(!fct_gallery_find(g, DECOMPOSED, &p, &e) && !strcmp(p.name, COMPOSED));
    CHECK(!fct_gallery_rename(g, p.id, " Ada ", &e) && !strcmp(util_who(g, 1), "Ada"));
    static const char *const bad[] = {"", " ", "\xe2\x80\x83", "\t"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_MSG(util_enroll(g, bad[i], 3, NULL, &e) == FCT_ERR_ARG, "name %zu", i);
        CHECK_MSG(fct_gallery_rename(g, p.id, bad[i], &e) == FCT_ERR_ARG, "name %zu", i);
    }
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
    memory_db_free(db);
}

TEST(names_of_before) {
    if (!fct_text_has_nfc()) SKIP("built without utf8proc");
    memory_db *db = memory_db_create();
    fct_person p;
    put_person(db, DECOMPOSED, 1);
    put_person(db, " Ada ", 2);
    fct_gallery *g;
    REQUIRE(!fct_gallery_create(NULL, memory_store_open(db), fct_index_create, &g, &e)); /* cannot respell, but finds */
    CHECK(!strcmp(util_who(g, 1), DECOMPOSED) && !fct_gallery_find(g, COMPOSED, &p, &e));
    fct_gallery_free(g);
    g = open_memory(db);
    CHECK(!strcmp(util_who(g, 1), COMPOSED) && !strcmp(util_who(g, 2), "Ada") && !fct_gallery_check(g, &e));
    fct_gallery_free(g);

    put_person(db, DECOMPOSED, 3); /* another one: whether it is the same person is not ours to say */
    put_person(db, " ", 4);
    g = open_memory(db);
    CHECK(!strcmp(util_who(g, 3), DECOMPOSED) && !strcmp(util_who(g, 1), COMPOSED) && !strcmp(util_who(g, 4), " "));
    CHECK(fct_gallery_check(g, &e) == FCT_ERR_UNSUPPORTED && strstr(e.text, "two spellings"));
    REQUIRE(!fct_gallery_find(g, DECOMPOSED, &p, &e));
    int64_t other = p.id;
    CHECK(!strcmp(p.name, DECOMPOSED));
    REQUIRE(!fct_gallery_find(g, COMPOSED, &p, &e));
    CHECK(p.id != other && !fct_gallery_merge(g, other, p.id, &e) && !strcmp(util_who(g, 3), COMPOSED));
    CHECK(fct_gallery_check(g, &e) == FCT_ERR_UNSUPPORTED && strstr(e.text, "blank"));
    REQUIRE(!fct_gallery_find(g, " ", &p, &e));
    CHECK(!fct_gallery_rename(g, p.id, "Eve", &e) && !fct_gallery_check(g, &e));
    fct_gallery_free(g);
    memory_db_free(db);
}

/* ---- The index exchanged ---------------------------------------------------------- */

static fct_gallery *open_naive(memory_db *db) {
    fct_gallery *g;
    REQUIRE(!fct_gallery_create(memory_store_open(db), memory_store_open(db), naive_index_create, &g, &e));
    return g;
}

TEST(another_index) {
    enum { K = 5 };
    memory_db *db = memory_db_create();
    fct_gallery *naive = open_naive(db), *g = open_memory(db);
    uint64_t rnd = 3;
    for (int step = 0; step < 300; step++) {
        char name[10];
        fct_person p;
        snprintf(name, sizeof name, "P%d", (int)(util_random(&rnd) % 30));
        if (util_random(&rnd) % 6 == 0 && !fct_gallery_find(naive, name, &p, &e))
            CHECK(!fct_gallery_remove_person(step % 2 ? g : naive, p.id, &e));
        else CHECK(!util_enroll(step % 2 ? g : naive, name, (uint64_t)step, NULL, &e));
        float v[UTIL_DIM];
        fct_match a[K], b[K];
        int n, m;
        for (int i = 0; i < UTIL_DIM; i++) v[i] = util_uniform(&rnd);
        REQUIRE(!fct_gallery_search(naive, UTIL_MODEL, v, UTIL_DIM, -1, K, a, &n, &e));
        REQUIRE(!fct_gallery_search(g, UTIL_MODEL, v, UTIL_DIM, -1, K, b, &m, &e));
        CHECK(n == m);
        for (int i = 0; i < n && i < m; i++)
            CHECK(a[i].face_id == b[i].face_id && !strcmp(a[i].name, b[i].name) &&
                  fabsf(a[i].score - b[i].score) < 1e-5f);
    }
    fct_gallery_free(naive);
    fct_gallery_free(g);
    memory_db_free(db);
}

typedef struct searcher {
    fct_gallery *g;
    char found[201];
} searcher;

static void search_one(void *arg) {
    searcher *s = arg;
    float v[UTIL_DIM];
    fct_match m;
    int n = 0;
    util_embedding(1, UTIL_DIM, v);
    fct_gallery_search(s->g, UTIL_MODEL, v, UTIL_DIM, 0.999f, 1, &m, &n, NULL);
    snprintf(s->found, sizeof s->found, "%s", n ? m.name : "");
}

/* A search that takes long, a write, and searches that must not wait for it: they
 * would for ever, since the long one ends after them. */
TEST(nobody_waits_for_a_long_search) {
    memory_db *db = memory_db_create();
    searcher slow = {.g = open_naive(db)};
    fct_thread t;
    REQUIRE(!util_enroll(slow.g, "Ada", 1, NULL, &e));
    naive_index_hold();
    REQUIRE(!fct_thread_start(&t, search_one, &slow, &e));
    naive_index_wait_held();
    CHECK(!util_enroll(slow.g, "Bob", 2, NULL, &e));
    CHECK(!strcmp(util_who(slow.g, 2), "Bob") && !strcmp(util_who(slow.g, 1), "Ada"));
    CHECK(!fct_gallery_rename(slow.g, 1, "Countess", &e) && !strcmp(util_who(slow.g, 1), "Countess"));
    naive_index_release();
    fct_thread_join(&t);
    CHECK_MSG(!strcmp(slow.found, "Countess"), "%s", slow.found);

    naive_index_hold(); /* the person is removed while she is being found */
    REQUIRE(!fct_thread_start(&t, search_one, &slow, &e));
    naive_index_wait_held();
    CHECK(!fct_gallery_remove_person(slow.g, 1, &e) && !strcmp(util_who(slow.g, 1), ""));
    naive_index_release();
    fct_thread_join(&t);
    CHECK_MSG(!*slow.found, "%s", slow.found);
    fct_gallery_free(slow.g);
    memory_db_free(db);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

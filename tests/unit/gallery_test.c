/* What gallery.h promises, call by call. */
#include "test.h"
#include "gallery_util.h"
#include "store_choice.h"
#include "base/file.h"
#include <math.h>

static fct_error e;

static fct_gallery *open_new(const char *name) {
    fct_gallery *g;
    store_erase(name);
    if (store_open(name, NULL, &g, &e)) printf("%s\n", e.text);
    REQUIRE(g);
    return g;
}

static fct_gallery *reopen(fct_gallery *g, const char *name) {
    fct_gallery_opts o;
    fct_gallery_free(g);
    fct_gallery_opts_init(&o);
    o.must_exist = true;
    REQUIRE(store_open(name, &o, &g, &e) == FCT_OK);
    return g;
}

TEST(enroll_search_reopen) {
    fct_gallery *g = open_new("a.db");
    fct_gallery_info info;
    int64_t id[4];
    CHECK(!fct_gallery_stat(g, &info, &e) && info.people == 0 && info.faces == 0 && !info.model_id[0] && info.dim == 0);
    CHECK(strcmp(util_who(g, 1), "") == 0); /* empty: finds nothing, whatever the model */
    REQUIRE(!util_enroll(g, "Ada", 1, &id[0], &e));
    REQUIRE(!util_enroll(g, "Ada", 2, &id[1], &e));
    REQUIRE(!util_enroll(g, "Zo\xc3\xab", 3, &id[2], &e));
    REQUIRE(!util_enroll(g, "Ada", 1, &id[3], &e));
    CHECK(id[3] == id[0] && id[1] != id[0] && id[2] != id[1]); /* the same face is not stored again */
    for (int round = 0; round < 2; round++) {
        CHECK(strcmp(util_who(g, 1), "Ada") == 0 && strcmp(util_who(g, 2), "Ada") == 0);
        CHECK(strcmp(util_who(g, 3), "Zo\xc3\xab") == 0 && strcmp(util_who(g, 4), "") == 0);
        CHECK(!fct_gallery_stat(g, &info, &e) && info.people == 2 && info.faces == 3 && info.schema == 3);
        CHECK(strcmp(info.model_id, UTIL_MODEL) == 0 && info.dim == UTIL_DIM &&
              (!store_is("sqlite") || strstr(info.path, "a.db")));
        CHECK(!fct_gallery_check(g, &e));
        g = reopen(g, "a.db");
    }
    fct_gallery_free(g);
    fct_gallery_free(NULL);
}

TEST(several_faces_are_one_transaction) {
    fct_gallery *g = open_new("b.db");
    float v[4][UTIL_DIM];
    fct_enrollment f[4];
    int64_t ids[4];
    int added = -1;
    for (int i = 0; i < 4; i++) {
        util_embedding(i == 3 ? 1 : i, UTIL_DIM, v[i]);
        f[i] = (fct_enrollment){.model_id = UTIL_MODEL,
                                .embedding = v[i],
                                .dim = UTIL_DIM,
                                .box = {1, 2, 3, 4},
                                .score = 0.5f,
                                .quality = 0.25f,
                                .source = "a/b\n\xff.jpg",
                                .crop = "JPEG",
                                .crop_len = 4};
    }
    for (int i = 0; i < UTIL_DIM; i++) v[3][i] *= 3; /* a duplicate has the same direction, not the same length */
    REQUIRE(!fct_gallery_enroll(g, "Eve", f, 4, ids, &added, &e));
    CHECK(added == 3 && ids[3] == ids[1]);
    f[2].dim--;
    CHECK(fct_gallery_enroll(g, "Eve", f, 4, ids, &added, &e) == FCT_ERR_MISMATCH && added == 0 && ids[0] == 0);
    f[2].dim++;
    v[2][5] = NAN;
    CHECK(fct_gallery_enroll(g, "Max", f, 3, ids, &added, &e) == FCT_ERR_ARG);
    fct_stored_face *faces;
    fct_person p;
    int n;
    CHECK(fct_gallery_find(g, "Max", &p, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_find(g, "Eve", &p, &e) && p.faces == 3 && p.created > 1600000000);
    REQUIRE(!fct_gallery_faces(g, p.id, &faces, &n, &e) && n == 3);
    CHECK(faces[0].person_id == p.id && faces[0].box[3] == 4 && faces[0].score == 0.5f && faces[0].quality == 0.25f);
    CHECK(strcmp(faces[0].source, "a/b??.jpg") == 0);
    fct_gallery_faces_free(faces);
    CHECK(fct_gallery_faces(g, 999, &faces, &n, &e) == FCT_ERR_NOT_FOUND && !faces && n == 0);
    fct_gallery_free(g);
}

TEST(models_are_not_mixed) {
    fct_gallery *g = open_new("c.db");
    float v[2 * UTIL_DIM];
    fct_enrollment f = {.model_id = "other-model", .embedding = v, .dim = UTIL_DIM};
    fct_match m;
    fct_person p;
    int n;
    util_embedding(9, 2 * UTIL_DIM, v);
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e));
    CHECK(fct_gallery_enroll(g, "Bob", &f, 1, NULL, NULL, &e) == FCT_ERR_MISMATCH && strstr(e.text, "other-model"));
    CHECK(fct_gallery_search(g, "other-model", v, UTIL_DIM, 0, 1, &m, &n, &e) == FCT_ERR_MISMATCH && n == 0);
    CHECK(fct_gallery_search(g, UTIL_MODEL, v, 2 * UTIL_DIM, 0, 1, &m, &n, &e) == FCT_ERR_MISMATCH);
    f.model_id = UTIL_MODEL;
    f.dim = 2 * UTIL_DIM;
    CHECK(fct_gallery_enroll(g, "Bob", &f, 1, NULL, NULL, &e) == FCT_ERR_MISMATCH);
    CHECK(fct_gallery_find(g, "Bob", &p, &e) == FCT_ERR_NOT_FOUND); /* nothing of it was stored */
    REQUIRE(!fct_gallery_find(g, "Ada", &p, &e) && !fct_gallery_remove_person(g, p.id, &e));
    f.model_id = "other-model"; /* nothing left to mix with */
    CHECK(!fct_gallery_enroll(g, "Bob", &f, 1, NULL, NULL, &e));
    CHECK(!fct_gallery_search(g, "other-model", v, 2 * UTIL_DIM, 0.9f, 1, &m, &n, &e) && n == 1);
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

TEST(names_are_checked) {
    fct_gallery *g = open_new("d.db");
    char longest[202];
    static const char *const bad[] = {"",         "a\nb",          "\x7f",         "\xc2\x85",
                                      "\xff",     "\xc0\x80",      "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xe2\x82", "x\xe2\x80\xa8y"};
    static const char *const good[] = {"O'Brien; DROP TABLE face", "\xf0\x9f\x98\x80", "\xe7\x8e\x8b", "%s%n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_MSG(util_enroll(g, bad[i], i, NULL, &e) == FCT_ERR_ARG, "name %zu", i);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK(!util_enroll(g, good[i], 100 + i, NULL, &e));
        CHECK(strcmp(util_who(g, 100 + i), good[i]) == 0);
    }
    memset(longest, 'n', 201);
    longest[201] = 0;
    CHECK(util_enroll(g, longest, 50, NULL, &e) == FCT_ERR_ARG);
    longest[200] = 0;
    CHECK(!util_enroll(g, longest, 50, NULL, &e) && strcmp(util_who(g, 50), longest) == 0);
    CHECK(util_enroll(g, NULL, 50, NULL, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
}

TEST(rename_remove_list) {
    fct_gallery *g = open_new("e.db");
    fct_person *people, p;
    fct_gallery_info info;
    int64_t face[3];
    int n;
    for (int i = 0; i < 3; i++) REQUIRE(!util_enroll(g, i < 2 ? "Bob" : "Ada", i, &face[i], &e));
    REQUIRE(!fct_gallery_people(g, &people, &n, &e) && n == 2);
    CHECK(strcmp(people[0].name, "Ada") == 0 && people[0].faces == 1 && people[1].faces == 2);
    int64_t ada = people[0].id, bob = people[1].id;
    fct_gallery_people_free(people);
    CHECK(fct_gallery_rename(g, ada, "Bob", &e) == FCT_ERR_EXISTS);
    CHECK(fct_gallery_rename(g, 77, "Carl", &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_gallery_rename(g, ada, "a\tb", &e) == FCT_ERR_ARG);
    CHECK(!fct_gallery_rename(g, ada, "Ada", &e) && !fct_gallery_rename(g, ada, "Carl", &e));
    CHECK(strcmp(util_who(g, 2), "Carl") == 0 && fct_gallery_find(g, "Ada", &p, &e) == FCT_ERR_NOT_FOUND);
    CHECK(!fct_gallery_remove_face(g, face[0], &e) && fct_gallery_remove_face(g, face[0], &e) == FCT_ERR_NOT_FOUND);
    CHECK(strcmp(util_who(g, 0), "") == 0 && strcmp(util_who(g, 1), "Bob") == 0);
    CHECK(!fct_gallery_remove_person(g, bob, &e) && fct_gallery_remove_person(g, bob, &e) == FCT_ERR_NOT_FOUND);
    CHECK(strcmp(util_who(g, 1), "") == 0 && !fct_gallery_check(g, &e));
    CHECK(!fct_gallery_remove_face(g, face[2], &e)); /* the last face: its person stays, the model is forgotten */
    CHECK(!fct_gallery_stat(g, &info, &e) && info.people == 1 && info.faces == 0 && !info.model_id[0]);
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

TEST(one_by_id) {
    fct_gallery *g = open_new("byid.db");
    int64_t id[3];
    fct_person p, *people;
    fct_stored_face f;
    int n;
    REQUIRE(!util_enroll(g, "Ada", 1, &id[0], &e) && !util_enroll(g, "Ada", 2, &id[1], &e));
    REQUIRE(!util_enroll(g, "Zoe", 3, &id[2], &e) && !fct_gallery_people(g, &people, &n, &e) && n == 2);
    for (int i = 0; i < 2; i++)
        CHECK(!fct_gallery_person(g, people[i].id, &p, &e) && memcmp(&p, &people[i], sizeof p) == 0);
    CHECK(!fct_gallery_face(g, id[1], &f, &e) && f.id == id[1] && f.person_id == people[0].id);
    CHECK(!fct_gallery_face(g, id[2], &f, &e) && f.id == id[2] && f.person_id == people[1].id);
    int64_t nobody;
    CHECK(!fct_gallery_add_person(g, " Eve ", &nobody, &e) && !fct_gallery_person(g, nobody, &p, &e));
    CHECK(strcmp(p.name, "Eve") == 0 && p.faces == 0);
    CHECK(fct_gallery_add_person(g, "Ada", &nobody, &e) == FCT_ERR_EXISTS && !nobody);
    CHECK(fct_gallery_add_person(g, "a\tb", &nobody, &e) == FCT_ERR_ARG && !fct_gallery_check(g, &e));
    CHECK(fct_gallery_person(g, 99, &p, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "no person 99") && !p.id);
    CHECK(fct_gallery_face(g, 99, &f, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "no face 99") && !f.id);
    fct_gallery_people_free(people);
    fct_gallery_free(g);
}

TEST(nearest_face_of_each_person) {
    fct_gallery *g = open_new("f.db");
    float base[UTIL_DIM], v[UTIL_DIM];
    int64_t ids[3][3];
    util_embedding(1, UTIL_DIM, base);
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < 3; i++) { /* person p's face i is turned from base by an angle that grows with 3 i + p */
            fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM};
            char name[8];
            snprintf(name, sizeof name, "P%d", p);
            util_embedding(2, UTIL_DIM, v);
            for (int j = 0; j < UTIL_DIM; j++) v[j] = base[j] + 0.1f * (3 * i + p + 1) * v[j];
            REQUIRE(!fct_gallery_enroll(g, name, &f, 1, &ids[p][i], NULL, &e));
        }
    fct_match m[2][5];
    float two[2 * UTIL_DIM];
    int n[2];
    memcpy(two, base, sizeof base);
    util_embedding(3, UTIL_DIM, two + UTIL_DIM);
    REQUIRE(!fct_gallery_search_batch(g, UTIL_MODEL, two, 2, UTIL_DIM, 0.7f, 5, m[0], n, &e));
    CHECK(n[0] == 3 && n[1] == 0);
    for (int p = 0; p < 3; p++) {
        CHECK(m[0][p].name[1] == '0' + p && m[0][p].face_id == ids[p][0]);
        CHECK(p == 0 || m[0][p].score < m[0][p - 1].score);
    }
    REQUIRE(!fct_gallery_search(g, UTIL_MODEL, base, UTIL_DIM, -1, 1, m[0], n, &e) && n[0] == 1);
    CHECK(fct_gallery_search(g, UTIL_MODEL, base, UTIL_DIM, NAN, 1, m[0], n, &e) == FCT_ERR_ARG);
    CHECK(fct_gallery_search(g, UTIL_MODEL, base, UTIL_DIM, 0, -1, m[0], n, &e) == FCT_ERR_ARG);
    fct_gallery_free(g);
}

TEST(opening) {
    if (!store_is("sqlite")) SKIP("about files");
    fct_gallery *g, *r;
    fct_gallery_opts o;
    const char *path = util_path("sub/folder/g.db");
    fct_gallery_opts_init(&o);
    CHECK(fct_gallery_open(NULL, NULL, &g, &e) == FCT_ERR_ARG && !g);
    CHECK(fct_gallery_open("", NULL, &g, &e) == FCT_ERR_ARG);
    o.must_exist = true;
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "g.db"));
    o.must_exist = false, o.read_only = true;
    CHECK(fct_gallery_open(path, &o, &g, &e) == FCT_ERR_NOT_FOUND);
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e)); /* makes the folders */
    CHECK(fct_gallery_open(util_path("sub"), NULL, &r, &e) == FCT_ERR_IO && strstr(e.text, "directory"));
    REQUIRE(!fct_gallery_open(util_path("sub/folder/g.db"), &o, &r, &e));
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e));
    CHECK(util_enroll(r, "Bob", 2, NULL, &e) == FCT_ERR_ARG && strstr(e.text, "reading only"));
    CHECK(strcmp(util_who(r, 1), "Ada") == 0); /* a reader follows */
    fct_gallery_free(g);
    fct_gallery_free(r);
    REQUIRE(!fct_gallery_open(util_path("sub/folder/g.db"), &o, &r, &e)); /* nobody else has it open */
    CHECK(strcmp(util_who(r, 1), "Ada") == 0 && !fct_gallery_check(r, &e));
    fct_gallery_free(r);
    o.size = 0;
    CHECK(fct_gallery_open(util_path("x.db"), &o, &r, &e) == FCT_ERR_ARG);
}

#ifdef _WIN32
#define DATA_FOLDER "LOCALAPPDATA"
static void set_variable(const char *name, const char *value) { _putenv_s(name, value ? value : ""); }
#else
#define DATA_FOLDER "XDG_DATA_HOME"
static void set_variable(const char *name, const char *value) {
    if (value) setenv(name, value, 1);
    else unsetenv(name);
}
#endif

TEST(default_path) {
    char buf[1024];
    set_variable("FCT_GALLERY", "/some/where.db");
    CHECK(!fct_gallery_default_path(buf, sizeof buf, &e) && strcmp(buf, "/some/where.db") == 0);
    CHECK(fct_gallery_default_path(buf, 5, &e) == FCT_ERR_LIMIT);
    set_variable("FCT_GALLERY", NULL);
    set_variable(DATA_FOLDER, "/data");
    CHECK(!fct_gallery_default_path(buf, sizeof buf, &e) && strcmp(buf, "/data/facet/gallery.db") == 0);
}

/* Two handles stand for two processes: each has its own connection and mirror. */
TEST(changes_of_others_are_followed) {
    fct_gallery *a = open_new("h.db"), *b;
    fct_person p;
    char name[16];
    uint64_t rnd = 5;
    REQUIRE(!store_open("h.db", NULL, &b, &e));
    CHECK(strcmp(util_who(b, 0), "") == 0);
    for (int i = 0; i < 60; i++) {
        fct_gallery *from = util_random(&rnd) % 2 ? a : b, *to = from == a ? b : a;
        snprintf(name, sizeof name, "P%d", i);
        REQUIRE(!util_enroll(from, name, (uint64_t)i, NULL, &e));
        CHECK(strcmp(util_who(to, (uint64_t)i), name) == 0 && strcmp(util_who(from, (uint64_t)i), name) == 0);
        if (i % 3 == 1) {
            REQUIRE(!fct_gallery_find(to, name, &p, &e) && !fct_gallery_rename(from, p.id, "renamed", &e));
            CHECK(strcmp(util_who(to, (uint64_t)i), "renamed") == 0);
            REQUIRE(!fct_gallery_remove_person(to, p.id, &e));
            CHECK(strcmp(util_who(from, (uint64_t)i), "") == 0);
        }
    }
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "P%d", i);
        CHECK(strcmp(util_who(a, (uint64_t)i), i % 3 == 1 ? "" : name) == 0);
        CHECK(strcmp(util_who(b, (uint64_t)i), i % 3 == 1 ? "" : name) == 0);
    }
    fct_gallery_free(a);
    fct_gallery_free(b);
}

/* More changes than the log keeps: whoever slept reads everything anew. */
TEST(long_absence) {
    enum { N = 5000 };
    fct_gallery *a = open_new("i.db"), *b;
    static float v[N][UTIL_DIM];
    static fct_enrollment f[N];
    REQUIRE(!util_enroll(a, "Ada", 1000000, NULL, &e) && !store_open("i.db", NULL, &b, &e));
    CHECK(strcmp(util_who(b, 1000000), "Ada") == 0);
    for (int i = 0; i < N; i++) {
        util_embedding((uint64_t)i, UTIL_DIM, v[i]);
        f[i] = (fct_enrollment){.model_id = UTIL_MODEL, .embedding = v[i], .dim = UTIL_DIM};
    }
    int added;
    REQUIRE(!fct_gallery_enroll(a, "Crowd", f, N, NULL, &added, &e) && added == N);
    for (uint64_t i = 0; i < N; i += 617) CHECK(strcmp(util_who(b, i), "Crowd") == 0);
    CHECK(strcmp(util_who(b, 1000000), "Ada") == 0);
    fct_gallery_free(a);
    fct_gallery_free(b);
}

/* A gallery that is large enough to be searched in stages finds what a full search finds. */
TEST(fast_search) {
    enum { N = 6000, PROBES = 50, K = 1 };
    static float v[N][UTIL_DIM];
    static fct_enrollment f[N];
    fct_gallery *exact = open_new("fast.db"), *fast;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.read_only = true;
    o.search = FCT_SEARCH_FAST;
    for (int i = 0; i < N; i++) {
        util_embedding((uint64_t)i, UTIL_DIM, v[i]);
        f[i] = (fct_enrollment){.model_id = UTIL_MODEL, .embedding = v[i], .dim = UTIL_DIM};
    }
    for (int p = 0; p < 3; p++) {
        char name[8];
        snprintf(name, sizeof name, "P%d", p);
        REQUIRE(!fct_gallery_enroll(exact, name, f + p * (N / 3), N / 3, NULL, NULL, &e));
    }
    REQUIRE(!store_open("fast.db", &o, &fast, &e));
    fct_match a[PROBES][K], b[PROBES][K];
    int n[PROBES], m[PROBES];
    REQUIRE(!fct_gallery_search_batch(exact, UTIL_MODEL, v[100], PROBES, UTIL_DIM, 0.5f, K, a[0], n, &e));
    REQUIRE(!fct_gallery_search_batch(fast, UTIL_MODEL, v[100], PROBES, UTIL_DIM, 0.5f, K, b[0], m, &e));
    for (int p = 0; p < PROBES; p++)
        CHECK(n[p] == 1 && m[p] == 1 && a[p][0].face_id == b[p][0].face_id && a[p][0].score == b[p][0].score);
    fct_gallery_free(fast);
    fct_gallery_free(exact);
}

static bool is_there(const char *path, const char *end) {
    char name[500];
    fct_file_stat st;
    snprintf(name, sizeof name, "%s%s", path, end);
    fct_file_get_stat(name, &st);
    return st.exists;
}

/* A reader that closes last leaves one file, and a copy of that file has everybody. */
TEST(the_last_reader_leaves_one_file) {
    if (!store_is("sqlite")) SKIP("about files");
    fct_gallery *writer, *reader, *copied;
    fct_gallery_opts o;
    char path[400], copy[400];
    fct_gallery_opts_init(&o);
    o.read_only = true;
    snprintf(path, sizeof path, "%s", util_path("last.db"));
    snprintf(copy, sizeof copy, "%s", util_path("last-copy.db"));
    util_remove(path);
    REQUIRE(!fct_gallery_open(path, NULL, &writer, &e) && !util_enroll(writer, "Ada", 1, NULL, &e));
    REQUIRE(!fct_gallery_open(path, &o, &reader, &e));
    REQUIRE(!util_enroll(writer, "Bob", 2, NULL, &e));
    fct_gallery_free(writer);
    CHECK(!strcmp(util_who(reader, 2), "Bob"));
    fct_gallery_free(reader);
    CHECK(is_there(path, "") && !is_there(path, "-wal") && !is_there(path, "-shm"));
    util_copy(path, copy);
    REQUIRE(!fct_gallery_open(copy, &o, &copied, &e));
    CHECK(!strcmp(util_who(copied, 1), "Ada") && !strcmp(util_who(copied, 2), "Bob"));
    fct_gallery_free(copied);
}

static void write_text(const char *path, const char *end, const char *text) {
    char name[500];
    snprintf(name, sizeof name, "%s%s", path, end);
    FILE *f = fct_fopen(name, "wb");
    REQUIRE(f);
    fputs(text, f);
    fclose(f);
}

/* What readers leave beside a file that was removed does not stop a backup. */
TEST(backup_over_leftovers) {
    if (!store_is("sqlite")) SKIP("about files");
    fct_gallery *g;
    char path[400], copy[400];
    snprintf(path, sizeof path, "%s", util_path("left.db"));
    snprintf(copy, sizeof copy, "%s", util_path("left-copy.db"));
    util_remove(path);
    util_remove(copy);
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e) && !util_enroll(g, "Ada", 1, NULL, &e));
    write_text(copy, "-wal", "");
    write_text(copy, "-shm", "shared memory");
    CHECK_MSG(!fct_gallery_backup(g, copy, &e), "%s", e.text);
    util_remove(copy);
    write_text(copy, "-wal", "somebody's people");
    CHECK(fct_gallery_backup(g, copy, &e) == FCT_ERR_EXISTS && strstr(e.text, "-wal"));
    util_remove(copy);
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

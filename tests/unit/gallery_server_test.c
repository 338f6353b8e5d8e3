/* A gallery that its server searches finds what one in memory finds. On PostgreSQL with pgvector alone. */
#include "test.h"
#include "gallery/gallery_impl.h"
#include "gallery_util.h"
#include "store_choice.h"
#include <math.h>

static fct_error e;

enum { PEOPLE = 600, PER = 5 };

static fct_gallery *open_as(int64_t server_from, const char *collection) {
    fct_gallery *g;
    fct_gallery_opts o;
    fct_gallery_opts_init(&o);
    o.server_from = server_from;
    o.collection = collection;
    if (store_open("server.db", &o, &g, &e)) printf("%s\n", e.text);
    REQUIRE(g);
    return g;
}

/* A face of a person: near to the person's own direction. */
static void face_of(int person, uint64_t seed, float noise, float *out) {
    uint64_t state = seed * 31 + 7;
    util_embedding((uint64_t)person, UTIL_DIM, out);
    for (int i = 0; i < UTIL_DIM; i++) out[i] += 20 * noise * util_uniform(&state);
}

static void fill(fct_gallery *g) {
    static float v[PER][UTIL_DIM];
    for (int p = 0; p < PEOPLE; p++) {
        char name[20];
        fct_enrollment f[PER];
        snprintf(name, sizeof name, "P%d", p);
        for (int i = 0; i < PER; i++) {
            face_of(p, (uint64_t)(p * PER + i), 0.5f, v[i]);
            f[i] = (fct_enrollment){.model_id = UTIL_MODEL, .embedding = v[i], .dim = UTIL_DIM};
        }
        REQUIRE(!fct_gallery_enroll(g, name, f, PER, NULL, NULL, &e));
    }
}

static bool can_search(fct_gallery *g) { return g->store->searches; }

/* The same people with the same scores, for probes of every difficulty. */
static void compare(fct_gallery *here, fct_gallery *there, int rounds) {
    enum { K = 3, N = 20 };
    static float probes[N][UTIL_DIM];
    fct_match a[N][K], b[N][K];
    int n[N], m[N];
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            face_of((r * N + i) * 7 % PEOPLE, (uint64_t)(r * N + i) + 9000, 0.2f * (float)(i % 6), probes[i]);
        REQUIRE(!fct_gallery_search_batch(here, UTIL_MODEL, probes[0], N, UTIL_DIM, 0.3f, K, a[0], n, &e));
        if (fct_gallery_search_batch(there, UTIL_MODEL, probes[0], N, UTIL_DIM, 0.3f, K, b[0], m, &e))
            CHECK_MSG(0, "%s", e.text);
        for (int i = 0; i < N; i++) {
            CHECK(n[i] == m[i]);
            for (int k = 0; k < n[i] && k < m[i]; k++)
                CHECK(a[i][k].person_id == b[i][k].person_id && a[i][k].face_id == b[i][k].face_id &&
                      fabsf(a[i][k].score - b[i][k].score) < 1e-6f && !strcmp(a[i][k].name, b[i][k].name));
        }
    }
}

TEST(the_server_finds_what_memory_finds) {
    store_erase("server.db");
    fct_gallery *here = open_as(0, NULL);
    fct_gallery_info info;
    if (!can_search(here)) { /* then it is searched in memory, and says so where somebody asks for more */
        CHECK(fct_gallery_make_index(here, &e) == FCT_ERR_UNSUPPORTED && strstr(e.text, "pgvector 0.8"));
        fct_gallery_free(here);
        fct_gallery *memory = open_as(1, NULL);
        CHECK(!util_enroll(memory, "Ada", 1, NULL, &e) && !strcmp(util_who(memory, 1), "Ada"));
        CHECK(!fct_gallery_stat(memory, &info, &e) && !info.by_server);
        fct_gallery_free(memory);
        return;
    }
    fill(here);
    fct_gallery *there = open_as(100, NULL);
    CHECK(!fct_gallery_stat(there, &info, &e) && info.by_server && info.faces == PEOPLE * PER);
    CHECK(!fct_gallery_stat(here, &info, &e) && !info.by_server);
    compare(here, there, 5);
    CHECK_MSG(!fct_gallery_make_index(there, &e), "%s", e.text);
    fct_gallery *graph = open_as(100, NULL);
    compare(here, graph, 5);
    CHECK(!fct_gallery_make_index(there, &e)); /* it is there */
    CHECK_MSG(!fct_gallery_check(there, &e), "%s", e.text);

    /* Changes by somebody else, of people that were candidates and of others. */
    fct_person p;
    float v[UTIL_DIM];
    for (int i = 0; i < 60; i += 3) {
        char name[20], other[20];
        snprintf(name, sizeof name, "P%d", i * 7 % PEOPLE);
        snprintf(other, sizeof other, "Q%d", i);
        if (fct_gallery_find(here, name, &p, &e)) continue;
        if (i % 2) CHECK(!fct_gallery_rename(here, p.id, other, &e));
        else CHECK(!fct_gallery_remove_person(here, p.id, &e));
        face_of(i, 12345, 0.3f, v);
        fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM};
        CHECK(!fct_gallery_enroll(there, "Newcomer", &f, 1, NULL, NULL, &e));
    }
    compare(here, there, 5);
    compare(here, graph, 5);
    fct_match m;
    int n;
    fct_search_opts so;
    fct_search_opts_init(&so);
    so.templates = FCT_TEMPLATE_MEAN;
    CHECK(fct_gallery_search_with(there, UTIL_MODEL, v, 1, UTIL_DIM, &so, &m, &n, &e) == FCT_ERR_UNSUPPORTED);
    fct_gallery_free(graph);
    fct_gallery_free(there);

    /* In one collection of several. */
    int64_t id;
    CHECK_MSG(!fct_gallery_add_collection(here, "visitors", &id, &e), "%s", e.text);
    fct_gallery *in = open_as(0, "visitors"), *by = open_as(1, "visitors");
    for (int i = 0; i < 40; i++) {
        char name[20];
        snprintf(name, sizeof name, "V%d", i);
        face_of(i * 7 % PEOPLE, (uint64_t)i + 77, 0.3f, v);
        fct_enrollment f = {.model_id = UTIL_MODEL, .embedding = v, .dim = UTIL_DIM};
        CHECK(!fct_gallery_enroll(in, name, &f, 1, NULL, NULL, &e));
    }
    compare(in, by, 3);
    fct_gallery_free(in);
    fct_gallery_free(by);
    fct_gallery_free(here);
}

static fct_status other_model(const fct_stored_face *face, const void *crop, size_t crop_len, float *embedding, int dim,
                              void *user, fct_error *err) {
    util_embedding((uint64_t)face->id + 5000, dim, embedding);
    return FCT_OK;
}

/* Vectors of the old model go, and those of the new one are searched. */
TEST(another_model) {
    store_erase("server.db");
    fct_gallery *here = open_as(0, NULL);
    if (!can_search(here)) {
        fct_gallery_free(here);
        SKIP("this server has no pgvector");
    }
    fill(here);
    CHECK(!fct_gallery_make_index(here, &e));
    CHECK_MSG(!fct_gallery_migrate(here, "other", 2 * UTIL_DIM, other_model, NULL, true, NULL, &e), "%s", e.text);
    fct_gallery *there = open_as(1, NULL);
    float v[2 * UTIL_DIM];
    fct_match m;
    int n;
    for (int64_t id = 1; id < 100; id += 7) {
        util_embedding((uint64_t)id + 5000, 2 * UTIL_DIM, v);
        CHECK(!fct_gallery_search(there, "other", v, 2 * UTIL_DIM, 0.99f, 1, &m, &n, &e) && n == 1 && m.face_id == id);
    }
    CHECK(!fct_gallery_make_index(there, &e));
    fct_gallery_free(there);
    fct_gallery_free(here);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

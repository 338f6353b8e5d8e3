/* Staged indexes against ones that score everything, to the last bit; and cache files:
 * read back, changed afterwards, damaged, shortened, of somebody else. */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"
#include "gallery_util.h"
#include "index/index.h"
#include <math.h>

enum { PROBES = 12, MOST_K = 200 };

typedef struct answer {
    fct_hit hits[PROBES * MOST_K];
    int n[PROBES];
} answer;

static fct_status ask(fct_index *x, const float *probes, int k, bool faces, bool fast, const fct_index_filter *f,
                      answer *out) {
    fct_index_query q = {
        .probes = probes, .n = PROBES, .threshold = 0.01f, .k = k, .faces = faces, .fast = fast, .filter = f};
    fct_index_view *v = fct_index_view_begin(x);
    fct_status s = fct_index_view_search(v, &q, out->hits, out->n, NULL);
    fct_index_view_end(v);
    return s;
}

static bool same(const answer *a, const answer *b, int k) {
    for (int p = 0; p < PROBES; p++) {
        if (a->n[p] != b->n[p]) return false;
        for (int i = 0; i < a->n[p]; i++) {
            const fct_hit *x = &a->hits[p * k + i], *y = &b->hits[p * k + i];
            if (x->face_id != y->face_id || x->person_id != y->person_id || x->score != y->score) return false;
        }
    }
    return true;
}

/* Embeddings around a center for each person, some of them twice, some with one large component, which integers of
 * 8 bits represent badly. */
static void make_row(int64_t id, int dim, float *out) {
    uint64_t rnd = (uint64_t)(id / 10 * 977 + 5);
    for (int i = 0; i < dim; i++) out[i] = util_uniform(&rnd);
    rnd = (uint64_t)(id % 7 ? id : id - id % 14) + 77;
    for (int i = 0; i < dim; i++) out[i] += util_uniform(&rnd);
    if (id % 23 == 0) out[id % dim] += 40;
}

static void make_probes(int dim, float *out) {
    uint64_t rnd = 3;
    for (int p = 0; p < PROBES; p++) {
        make_row(p * 311, dim, out + p * dim);
        for (int i = 0; i < dim; i++) out[p * dim + i] += 1.5f * util_uniform(&rnd);
    }
}

static answer a, b;
static const int ks[] = {1, 3, 16, 17, 64, 65, MOST_K};

static void check_same(fct_index *x, fct_index *y, const float *probes, const char *what) {
    fct_idset odd = {0};
    for (int64_t i = 1; i < 2000; i += 2) REQUIRE(fct_idset_add(&odd, i));
    fct_index_filter f = {.people = &odd}, g = {.faces = &odd, .not_faces = true};
    const fct_index_filter *filters[] = {NULL, &f, &g};
    for (int c = 0; c < 42; c++) {
        int k = ks[c % 7];
        REQUIRE(!ask(x, probes, k, c / 7 % 2, false, filters[c / 14], &a));
        REQUIRE(!ask(y, probes, k, c / 7 % 2, false, filters[c / 14], &b));
        CHECK_MSG(same(&a, &b, k), "%s: k %d, case %d", what, k, c);
    }
    fct_idset_clear(&odd);
}

TEST(staged_is_exact) {
    static const int dims[] = {1, 24, 130, 512};
    for (int d = 0; d < 4; d++) {
        int dim = dims[d], n = 5003;
        fct_index *x, *y;
        float *v = malloc(sizeof(float) * (size_t)dim), *probes = malloc(sizeof(float) * (size_t)dim * PROBES);
        REQUIRE(!fct_index_create(dim, &x, NULL) && !fct_index_create_staged(dim, &y, NULL));
        for (int64_t i = 0; i < n; i++) {
            make_row(i, dim, v);
            REQUIRE(!fct_index_add(x, i, i / 10, v, NULL) && !fct_index_append(y, i, i / 10, v, NULL));
        }
        make_probes(dim, probes);
        check_same(x, y, probes, "staged");
        for (int64_t i = 3; i < n; i += 17) REQUIRE(!fct_index_remove(x, i, NULL) && !fct_index_remove(y, i, NULL));
        for (int64_t p = 0; p < 400; p += 9)
            REQUIRE(!fct_index_remove_person(x, p, NULL) && !fct_index_remove_person(y, p, NULL));
        CHECK(fct_index_count(x) == fct_index_count(y));
        fct_set_threads(1 + d % 2 * 3, NULL);
        check_same(x, y, probes, "after removals");
        fct_set_threads(0, NULL);
        fct_index_free(x);
        fct_index_free(y);
        free(v);
        free(probes);
    }
}

/* An index that becomes staged while somebody looks: the view stays as it was. */
TEST(growing_beyond_the_first_stage) {
    enum { DIM = 24, N = FCT_INDEX_STAGE_ROWS + 700 };
    static answer first;
    fct_index *x, *y;
    float v[DIM], probes[DIM * PROBES];
    int n[PROBES];
    make_probes(DIM, probes);
    REQUIRE(!fct_index_create(DIM, &x, NULL) && !fct_index_create_staged(DIM, &y, NULL));
    fct_index_view *old = NULL;
    for (int64_t i = 0; i < N; i++) {
        if (i == FCT_INDEX_STAGE_ROWS - 5) {
            REQUIRE(!ask(x, probes, 5, true, false, NULL, &first));
            old = fct_index_view_begin(x);
        }
        make_row(i, DIM, v);
        REQUIRE(!fct_index_add(x, i, i / 10, v, NULL) && !fct_index_add(y, i, i / 10, v, NULL));
    }
    fct_index_query q = {.probes = probes, .n = PROBES, .threshold = 0.01f, .k = 5, .faces = true};
    REQUIRE(!fct_index_view_search(old, &q, b.hits, n, NULL));
    memcpy(b.n, n, sizeof n);
    CHECK(same(&first, &b, 5));
    check_same(x, y, probes, "grown");
    fct_index_free(x);
    CHECK(!fct_index_view_search(old, &q, b.hits, b.n, NULL) && same(&first, &b, 5));
    fct_index_view_end(old);
    fct_index_free(y);
}

/* ---- Cache files ------------------------------------------------------------------------ */

enum { CACHE_DIM = 40, CACHE_ROWS = 60011 }; /* more than two chunks */

static fct_index_key make_key(const char *name) {
    fct_index_key k;
    memset(&k, 0, sizeof k);
    snprintf(k.database, sizeof k.database, "%s", name);
    snprintf(k.model, sizeof k.model, "%s", UTIL_MODEL);
    return k;
}

static void write_cache(const char *path, fct_index **x) {
    float v[CACHE_DIM];
    fct_index_key key = make_key("ours");
    REQUIRE(!fct_index_create_staged(CACHE_DIM, x, NULL) && !fct_index_cache_begin(*x, path, NULL));
    for (int64_t i = 0; i < CACHE_ROWS; i++) {
        make_row(i, CACHE_DIM, v);
        REQUIRE(!fct_index_append(*x, i, i / 10, v, NULL));
    }
    fct_error e;
    CHECK_MSG(!fct_index_cache_end(*x, &key, 4711, &e), "%s", e.text);
}

static fct_index *plain_index(void) {
    fct_index *y;
    float v[CACHE_DIM];
    REQUIRE(!fct_index_create_staged(CACHE_DIM, &y, NULL));
    for (int64_t i = 0; i < CACHE_ROWS; i++) {
        make_row(i, CACHE_DIM, v);
        REQUIRE(!fct_index_append(y, i, i / 10, v, NULL));
    }
    return y;
}

TEST(cache_gives_the_same_index) {
    const char *path = util_path("same.index");
    float probes[CACHE_DIM * PROBES], v[CACHE_DIM];
    fct_index *x, *z, *y = plain_index();
    fct_index_key key = make_key("ours"), other = make_key("another");
    int64_t seq = 0;
    fct_error e;
    make_probes(CACHE_DIM, probes);
    write_cache(path, &x);
    check_same(x, y, probes, "written");
    CHECK(fct_index_cache_open(path, &other, &z, &seq, &e) == FCT_ERR_FORMAT && !z);
    CHECK_MSG(strstr(e.text, "another state"), "%s", e.text);
    REQUIRE(!fct_index_cache_open(path, &key, &z, &seq, &e));
    CHECK(seq == 4711 && fct_index_count(z) == CACHE_ROWS);
    REQUIRE(!ask(z, probes, 1, false, true, NULL, &a) && !ask(y, probes, 1, false, true, NULL, &b));
    CHECK(same(&a, &b, 1)); /* with signs, before any chunk was read */
    check_same(z, y, probes, "opened");
    fct_index_view *old = fct_index_view_begin(z);
    for (int64_t i = 0; i < 300; i++) { /* rows of the file change, move and go, and new ones come */
        make_row(i + 5, CACHE_DIM, v);
        int64_t at = i * 199 % CACHE_ROWS;
        REQUIRE(!fct_index_add(z, at, i, v, &e) && !fct_index_add(y, at, i, v, &e));
        REQUIRE(!fct_index_remove(z, at + 1, &e) && !fct_index_remove(y, at + 1, &e));
        if (i % 3 == 0) REQUIRE(!fct_index_add(z, 90000 + i, i, v, &e) && !fct_index_add(y, 90000 + i, i, v, &e));
        if (i % 50 == 0) REQUIRE(!fct_index_remove_person(z, i * 7, &e) && !fct_index_remove_person(y, i * 7, &e));
    }
    CHECK(fct_index_count(z) == fct_index_count(y));
    check_same(z, y, probes, "changed");
    fct_index_query q = {.probes = probes, .n = PROBES, .threshold = 0.01f, .k = 3};
    REQUIRE(!fct_index_view_search(old, &q, a.hits, a.n, &e) && !ask(x, probes, 3, false, false, NULL, &b));
    CHECK(same(&a, &b, 3));
    fct_index_free(z);
    REQUIRE(!fct_index_view_search(old, &q, a.hits, a.n, &e));
    fct_index_view_end(old);
    fct_index_free(x);
    fct_index_free(y);
    CHECK(!fct_index_cache_remove(path, &e) && !fct_index_cache_remove(path, &e));
    CHECK(fct_index_cache_open(path, &key, &z, &seq, &e) == FCT_ERR_NOT_FOUND);
}

/* An emulator tries each fifth case: each writes and reads a whole file. */
static int step(void) { return getenv("FCT_EMULATED") ? 5 : 1; }

/* Every kind of damage is noticed: when the file is opened, or by the search that needs the damaged row. */
TEST(damaged_caches_are_refused) {
    const char *path = util_path("bad.index");
    float probes[CACHE_DIM * PROBES];
    fct_index *x;
    fct_index_key key = make_key("ours");
    uint8_t *data;
    size_t size;
    int64_t seq;
    fct_error e;
    make_probes(CACHE_DIM, probes);
    write_cache(path, &x);
    REQUIRE(!ask(x, probes, 2, false, false, NULL, &b));
    fct_index_free(x);
    REQUIRE(!fct_file_read(path, (size_t)1 << 30, &data, &size, NULL));
    uint64_t rnd = 1;
    int late = 0;
    for (int c = 0; c < 60; c += step()) {
        size_t at = c < 20 ? (size_t)c * 9 : (size_t)(util_random(&rnd) % size);
        data[at] ^= 0x40;
        REQUIRE(!fct_file_write_private(path, data, c + step() >= 60 ? size - 1 : size, NULL));
        fct_status s = fct_index_cache_open(path, &key, &x, &seq, &e);
        CHECK_MSG(!s || (s == FCT_ERR_FORMAT && strstr(e.text, "bad.index")), "byte %zu: %s", at, e.text);
        CHECK(c >= 20 || s); /* the header has a checksum */
        if (!s) {
            s = ask(x, probes, 2, false, false, NULL, &a);
            CHECK_MSG(s == FCT_ERR_FORMAT || (!s && same(&a, &b, 2)), "byte %zu is not noticed", at);
            late += s != FCT_OK;
        }
        fct_index_free(x);
        data[at] ^= 0x40;
    }
    CHECK(late > 5 / step());
    fct_free(data);
}

/* Somebody shortens the file, or writes to it, while it is in use. */
TEST(caches_that_change_meanwhile) {
    const char *path = util_path("moving.index");
    float probes[CACHE_DIM * PROBES];
    fct_index *x;
    fct_index_key key = make_key("ours");
    int64_t seq;
    fct_error e;
    make_probes(CACHE_DIM, probes);
    write_cache(path, &x);
    fct_index_free(x);
    REQUIRE(!fct_index_cache_open(path, &key, &x, &seq, &e));
    CHECK(!fct_index_cache_remove(path, &e));
    fct_index_query q = {.probes = probes, .n = PROBES, .threshold = 0.01f, .k = 3};
    fct_index_view *v = fct_index_view_begin(x);
    CHECK(fct_index_view_search(v, &q, a.hits, a.n, &e) == FCT_ERR_FORMAT && strstr(e.text, "shorter"));
    q.fast = true;
    CHECK(fct_index_view_search(v, &q, a.hits, a.n, &e) == FCT_ERR_FORMAT);
    q.k = 100; /* all scores, sorted */
    CHECK(fct_index_view_search(v, &q, a.hits, a.n, &e) == FCT_ERR_FORMAT);
    fct_index_view_end(v);
    CHECK(fct_index_remove(x, 5, &e) == FCT_ERR_FORMAT && fct_index_count(x) == CACHE_ROWS);
    fct_index_free(x);
}

/* Memory runs out anywhere in writing, opening and searching: an error, and nothing is left behind. */
TEST(cache_without_memory) {
    const char *path = util_path("oom.index");
    float v[CACHE_DIM], probes[CACHE_DIM * PROBES];
    fct_index_key key = make_key("ours");
    int64_t seq;
    fct_error e;
    make_probes(CACHE_DIM, probes);
    fct_set_threads(1, NULL);
    long live = fct_alloc_live();
    for (long n = 1;; n += step()) {
        fct_index *x = NULL;
        fct_alloc_fail_at(n);
        fct_status s = fct_index_create_staged(CACHE_DIM, &x, &e);
        if (!s) s = fct_index_cache_begin(x, path, &e);
        for (int64_t i = 0; i < 5000 && !s; i++) {
            make_row(i, CACHE_DIM, v);
            s = fct_index_append(x, i, i / 10, v, &e);
        }
        if (!s) s = fct_index_cache_end(x, &key, 1, &e);
        fct_index_free(x);
        x = NULL;
        if (!s) s = fct_index_cache_open(path, &key, &x, &seq, &e);
        for (int way = 0; way < 3 && !s; way++) s = ask(x, probes, way < 2 ? 3 : 100, false, way == 1, NULL, &a);
        if (!s) s = fct_index_remove(x, 3, &e);
        bool failed = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        fct_index_free(x);
        CHECK_MSG(fct_alloc_live() == live, "allocation %ld: %ld blocks are left", n, fct_alloc_live() - live);
        CHECK_MSG(!s || s == FCT_ERR_NOMEM, "allocation %ld: %s", n, e.text);
        if (!failed) {
            CHECK(!s && n > 30);
            break;
        }
    }
    fct_set_threads(0, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* The index against brute force in double precision, written here. */
#include "test.h"
#include "base/thread.h"
#include "gallery_util.h"
#include "index/idmap.h"
#include "index/index.h"
#include "naive_index.h"
#include <math.h>

TEST(idmap_against_array) {
    enum { KEYS = 300 };
    uint32_t plain[KEYS];
    uint64_t rnd = 1;
    fct_idmap m = {0};
    memset(plain, 0xff, sizeof plain);
    CHECK(fct_idmap_get(&m, 5) == FCT_IDMAP_NONE);
    fct_idmap_remove(&m, 5);
    for (int step = 0; step < 20000; step++) {
        int key = (int)(util_random(&rnd) % KEYS);
        if (util_random(&rnd) % 2) {
            REQUIRE(fct_idmap_reserve(&m, 1));
            plain[key] = (uint32_t)step;
            fct_idmap_put(&m, key * INT64_C(1000003) - 7, (uint32_t)step);
        } else {
            plain[key] = FCT_IDMAP_NONE;
            fct_idmap_remove(&m, key * INT64_C(1000003) - 7);
        }
        key = (int)(util_random(&rnd) % KEYS);
        REQUIRE(fct_idmap_get(&m, key * INT64_C(1000003) - 7) == plain[key]);
    }
    size_t live = 0;
    for (int i = 0; i < KEYS; i++) live += plain[i] != FCT_IDMAP_NONE;
    CHECK(m.n == live);
    fct_idmap_clear(&m);
}

/* ---- Brute force --------------------------------------------------------------- */

typedef struct plain_face {
    int64_t id, person;
    float *v;
} plain_face;
typedef struct plain {
    int dim, n;
    plain_face faces[4000];
} plain;

static double cosine(const float *a, const float *b, int dim) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < dim; i++) ab += (double)a[i] * b[i], aa += (double)a[i] * a[i], bb += (double)b[i] * b[i];
    return ab / sqrt(aa * bb);
}

/* A person's best score; persons are numbered 0..99. */
static void plain_scores(const plain *p, const float *probe, double best[100]) {
    for (int i = 0; i < 100; i++) best[i] = -2;
    for (int i = 0; i < p->n; i++) {
        double c = cosine(p->faces[i].v, probe, p->dim);
        if (c > best[p->faces[i].person]) best[p->faces[i].person] = c;
    }
}

/* Hits are right when each is its person's best score, they descend, nobody
 * comes twice, and everybody left out is below the last or the threshold. */
static void check_hits(const plain *p, const float *probe, float threshold, int k, const fct_hit *h, int n) {
    double best[100];
    bool listed[100] = {0};
    plain_scores(p, probe, best);
    REQUIRE(n >= 0 && n <= k);
    for (int i = 0; i < n; i++) {
        REQUIRE(h[i].person_id >= 0 && h[i].person_id < 100);
        CHECK(!listed[h[i].person_id]);
        listed[h[i].person_id] = true;
        CHECK_MSG(fabs(h[i].score - best[h[i].person_id]) < 2e-6, "%g, not %g", h[i].score, best[h[i].person_id]);
        CHECK(h[i].score >= threshold && h[i].score <= 1);
        CHECK(i == 0 || h[i].score <= h[i - 1].score);
    }
    double bar = n == k && n ? h[n - 1].score : threshold;
    for (int i = 0; i < 100; i++)
        if (!listed[i] && (n < k || k > 0)) CHECK_MSG(best[i] < bar + 2e-6, "person %d has %g", i, best[i]);
}

static void fill(plain *p, fct_index *x, int n, int dim, uint64_t *rnd) {
    p->dim = dim;
    p->n = n;
    for (int i = 0; i < n; i++) {
        p->faces[i] = (plain_face){1000 + i, (int64_t)(util_random(rnd) % 100), malloc(sizeof(float) * dim)};
        util_embedding(util_random(rnd), dim, p->faces[i].v);
        REQUIRE(fct_index_add(x, p->faces[i].id, p->faces[i].person, p->faces[i].v, NULL) == FCT_OK);
    }
}

static void drop(plain *p, int i) {
    free(p->faces[i].v);
    p->faces[i] = p->faces[--p->n];
}

static plain world;

TEST(search_against_brute_force) {
    static const int dims[] = {1, 3, 31, 128, 512}, counts[] = {1, 15, 16, 17, 513, 3000}, ks[] = {1, 5, 64, 65, 200};
    uint64_t rnd = 2;
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 6; b++) {
            fct_index *x;
            enum { PROBES = 3 };
            REQUIRE(fct_index_create(dims[a], &x, NULL) == FCT_OK);
            fill(&world, x, counts[b], dims[a], &rnd);
            float probes[PROBES * 512];
            for (int i = 0; i < PROBES * dims[a]; i++) probes[i] = util_uniform(&rnd);
            for (int c = 0; c < 5; c++)
                for (int t = 0; t < 2; t++) {
                    fct_hit hits[PROBES * 200];
                    int found[PROBES];
                    float threshold = t ? 0.05f : -1;
                    REQUIRE(!fct_index_search(x, probes, PROBES, threshold, ks[c], hits, found, NULL));
                    for (int p = 0; p < PROBES; p++)
                        check_hits(&world, probes + p * dims[a], threshold, ks[c], hits + p * ks[c], found[p]);
                }
            fct_index_free(x);
            while (world.n) drop(&world, world.n - 1);
        }
}

TEST(changes_against_brute_force) {
    uint64_t rnd = 3;
    fct_index *x;
    float probe[40], v[40];
    REQUIRE(fct_index_create(40, &x, NULL) == FCT_OK);
    fill(&world, x, 700, 40, &rnd);
    for (int step = 0; step < 300; step++) {
        int i = (int)(util_random(&rnd) % world.n), what = (int)(util_random(&rnd) % 8);
        if (what == 0 && step % 9 == 0) { /* a whole person */
            int64_t person = world.faces[i].person;
            fct_index_remove_person(x, person, NULL);
            for (int f = world.n; f-- > 0;)
                if (world.faces[f].person == person) drop(&world, f);
        } else if (what < 5) {
            fct_index_remove(x, world.faces[i].id, NULL);
            drop(&world, i);
        } else { /* another embedding for the same face */
            util_embedding(util_random(&rnd), 40, world.faces[i].v);
            world.faces[i].person = (int64_t)(util_random(&rnd) % 100);
            REQUIRE(!fct_index_add(x, world.faces[i].id, world.faces[i].person, world.faces[i].v, NULL));
        }
        REQUIRE(fct_index_count(x) == (size_t)world.n);
        util_embedding(util_random(&rnd), 40, probe);
        fct_hit hits[7];
        int found;
        REQUIRE(!fct_index_search(x, probe, 1, -1, 7, hits, &found, NULL));
        check_hits(&world, probe, -1, 7, hits, found);
    }
    fct_index_remove(x, 999999, NULL);
    util_embedding(1, 40, v);
    fct_index_free(x);
    while (world.n) drop(&world, world.n - 1);
}

/* The same answer, to the last bit, for every batch size, order of rows, length
 * of the list and number of threads. */
TEST(results_do_not_depend_on_how) {
    enum { N = 2500, DIM = 64, PROBES = 70, K = 10 };
    static float rows[N][DIM], probes[PROBES][DIM];
    static fct_hit one[PROBES][K], all[PROBES][K], longer[PROBES][100];
    int found_one[PROBES], found_all[PROBES], found_longer[PROBES];
    fct_index *x, *y;
    uint64_t rnd = 4;
    REQUIRE(!fct_index_create(DIM, &x, NULL) && !fct_index_create(DIM, &y, NULL));
    for (int i = 0; i < N; i++) util_embedding(util_random(&rnd) % 1500, DIM, rows[i]); /* many equal rows */
    for (int i = 0; i < PROBES; i++) util_embedding(util_random(&rnd) % 1500, DIM, probes[i]);
    for (int i = 0; i < N; i++) REQUIRE(!fct_index_add(x, i, i % 300, rows[i], NULL));
    for (int i = N; i-- > 0;) REQUIRE(!fct_index_add(y, i, i % 300, rows[i], NULL));
    for (int threads = 1; threads <= 4; threads += 3) {
        REQUIRE(!fct_set_threads(threads, NULL));
        REQUIRE(!fct_index_search(x, probes[0], PROBES, -1, K, all[0], found_all, NULL));
        REQUIRE(!fct_index_search(x, probes[0], PROBES, -1, 100, longer[0], found_longer, NULL));
        for (int i = 0; i < PROBES; i++) {
            REQUIRE(!fct_index_search(y, probes[i], 1, -1, K, one[i], &found_one[i], NULL));
            CHECK(found_all[i] == K && found_one[i] == K && found_longer[i] == 100);
            for (int j = 0; j < K; j++) {
                CHECK(one[i][j].face_id == all[i][j].face_id && one[i][j].score == all[i][j].score);
                CHECK(longer[i][j].face_id == all[i][j].face_id && longer[i][j].score == all[i][j].score);
            }
        }
    }
    fct_set_threads(0, NULL);
    fct_index_free(x);
    fct_index_free(y);
}

TEST(ties_come_in_order_of_ids) {
    fct_index *x;
    float v[2] = {3, 4};
    fct_hit h[3];
    int found;
    REQUIRE(!fct_index_create(2, &x, NULL));
    static const int64_t faces[][2] = {{9, 5}, {4, 2}, {7, 2}, {3, 8}, {2, 5}};
    for (int i = 0; i < 5; i++) REQUIRE(!fct_index_add(x, faces[i][0], faces[i][1], v, NULL));
    REQUIRE(!fct_index_search(x, v, 1, 0.5f, 3, h, &found, NULL));
    CHECK(found == 3);
    CHECK(h[0].person_id == 2 && h[0].face_id == 4);
    CHECK(h[1].person_id == 5 && h[1].face_id == 2);
    CHECK(h[2].person_id == 8 && h[2].face_id == 3);
    fct_index_free(x);
}

TEST(bad_values_are_refused) {
    fct_index *x;
    fct_error e;
    fct_hit h[2];
    int found[2];
    float good[3] = {1, 2, 3}, nan_[3] = {1, NAN, 3}, inf[3] = {1, INFINITY, 3}, zero[3] = {0};
    float huge[3] = {3e38f, 3e38f, 0}, tiny[3] = {1e-45f, 0, 0}, two[6] = {1, 2, 3, 0, 0, 0};
    CHECK(fct_index_create(0, &x, &e) == FCT_ERR_ARG && !x);
    CHECK(fct_index_create(FCT_INDEX_DIM_MAX + 1, &x, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_index_create(3, &x, NULL));
    CHECK(!fct_index_search(x, good, 1, -1, 2, h, found, &e) && found[0] == 0); /* empty */
    CHECK(fct_index_add(x, 1, 1, nan_, &e) == FCT_ERR_ARG);
    CHECK(fct_index_add(x, 1, 1, inf, &e) == FCT_ERR_ARG);
    CHECK(fct_index_add(x, 1, 1, zero, &e) == FCT_ERR_ARG);
    CHECK(fct_index_count(x) == 0);
    CHECK(!fct_index_add(x, 1, 1, huge, &e) && !fct_index_add(x, 2, 2, tiny, &e) && !fct_index_add(x, 3, 3, good, &e));
    CHECK(fct_index_add(x, 3, 3, nan_, &e) == FCT_ERR_ARG && fct_index_count(x) == 3);
    CHECK(!fct_index_search(x, huge, 1, -1, 2, h, found, &e) && found[0] == 2 && fabsf(h[0].score - 1) < 1e-6f);
    CHECK(!fct_index_search(x, tiny, 1, 0.9f, 2, h, found, &e) && found[0] == 1 && h[0].person_id == 2);
    CHECK(fct_index_search(x, nan_, 1, -1, 2, h, found, &e) == FCT_ERR_ARG && found[0] == 0);
    CHECK(fct_index_search(x, two, 2, -1, 1, h, found, &e) == FCT_ERR_ARG && found[0] == 0 && found[1] == 0);
    CHECK(fct_index_search(x, good, 1, NAN, 2, h, found, &e) == FCT_ERR_ARG);
    CHECK(fct_index_search(x, good, -1, 0, 2, h, found, &e) == FCT_ERR_ARG);
    CHECK(fct_index_search(x, good, 1, 0, -1, h, found, &e) == FCT_ERR_ARG);
    CHECK(!fct_index_search(x, good, 1, -1, 0, h, found, &e) && found[0] == 0);
    CHECK(!fct_index_search(x, good, 1, 1.5f, 2, h, found, &e) && found[0] == 0);
    fct_index_free(x);
    fct_index_free(NULL);
}

/* ---- Views --------------------------------------------------------------------------- */

enum { VIEW_DIM = 24, VIEW_K = 6, VIEWS = 5 };

static bool same_hits(const fct_index_view *a, const fct_index_view *b, const float *probe, bool faces) {
    fct_hit x[VIEW_K], y[VIEW_K];
    int n = 0, m = 0;
    fct_index_query q = {.probes = probe, .n = 1, .threshold = -1, .k = VIEW_K, .faces = faces};
    REQUIRE(!fct_index_view_search(a, &q, x, &n, NULL) && !fct_index_view_search(b, &q, y, &m, NULL));
    bool same = n == m;
    for (int i = 0; i < n && same; i++)
        same =
            x[i].face_id == y[i].face_id && x[i].person_id == y[i].person_id && fabsf(x[i].score - y[i].score) < 1e-5f;
    return same;
}

/* Random changes while views of different ages are in use: each view goes on to
 * show what it showed when it was begun, by person and by face. */
TEST(views_do_not_change) {
    fct_index *x, *naive;
    fct_index_view *views[VIEWS] = {0}, *copies[VIEWS] = {0};
    float v[VIEW_DIM];
    uint64_t rnd = 9;
    REQUIRE(!fct_index_create(VIEW_DIM, &x, NULL) && !naive_index_create(VIEW_DIM, &naive, NULL));
    for (int step = 0; step < 6000 && !test_failures; step++) {
        int64_t face = (int64_t)(util_random(&rnd) % 3000), person = face % 211;
        for (int i = 0; i < VIEW_DIM; i++) v[i] = util_uniform(&rnd);
        switch (util_random(&rnd) % 12) {
        case 0:
            CHECK(!fct_index_remove_person(x, person, NULL) && !fct_index_remove_person(naive, person, NULL));
            break;
        case 1:
        case 2:
            CHECK(!fct_index_remove(x, face, NULL) && !fct_index_remove(naive, face, NULL));
            break;
        default:
            CHECK(!fct_index_add(x, face, person, v, NULL) && !fct_index_add(naive, face, person, v, NULL));
        }
        CHECK(fct_index_count(x) == fct_index_count(naive));
        if (step % 50) continue;
        int slot = (int)(util_random(&rnd) % VIEWS);
        fct_index_view_end(views[slot]);
        fct_index_view_end(copies[slot]);
        views[slot] = fct_index_view_begin(x);
        copies[slot] = fct_index_view_begin(naive);
        for (int i = 0; i < VIEWS; i++)
            if (views[i]) CHECK_MSG(same_hits(views[i], copies[i], v, step % 100 == 0), "step %d, view %d", step, i);
    }
    fct_index_free(x); /* before the views */
    for (int i = 0; i < VIEWS; i++) {
        if (views[i]) CHECK(same_hits(views[i], copies[i], v, true));
        fct_index_view_end(views[i]);
        fct_index_view_end(copies[i]);
    }
    fct_index_free(naive);
}

/* ---- Stages -------------------------------------------------------------------------- */

/* Rows in groups of ten around random centers, and probes halfway to one: the
 * stages find what the full search finds, to the last bit of the score, whatever
 * was removed before and however many threads there are. */
static void check_stages(int dim, bool faces) {
    enum { GROUPS = 900, PER = 10, PROBES = 40, K = 3 };
    fct_index *x;
    uint64_t rnd = 17 + (uint64_t)dim;
    float *center = malloc(sizeof(float) * GROUPS * (size_t)dim), *v = malloc(sizeof(float) * (size_t)dim);
    float *probes = malloc(sizeof(float) * PROBES * (size_t)dim);
    REQUIRE(!fct_index_create_staged(dim, &x, NULL));
    for (int i = 0; i < GROUPS * dim; i++) center[i] = util_uniform(&rnd);
    for (int r = 0; r < GROUPS * PER; r++) {
        for (int i = 0; i < dim; i++) v[i] = center[r / PER * dim + i] + util_uniform(&rnd);
        REQUIRE(!fct_index_add(x, r, r / PER, v, NULL));
    }
    for (int g = 0; g < GROUPS; g += 7) fct_index_remove_person(x, g, NULL); /* rows change places */
    for (int r = 0; r < GROUPS * PER; r += 11) fct_index_remove(x, r, NULL);
    for (int p = 0; p < PROBES; p++)
        for (int i = 0; i < dim; i++)
            probes[p * dim + i] = center[(p * 22 + 1) * dim + i] * (dim < 200 ? 1 : 0.6f) + util_uniform(&rnd);
    fct_hit fast[PROBES][K], exact[PROBES][K];
    int n[PROBES], m[PROBES];
    fct_index_query q = {.probes = probes, .n = PROBES, .threshold = -1, .k = K, .faces = faces};
    fct_index_view *view = fct_index_view_begin(x);
    REQUIRE(!fct_index_view_search(view, &q, exact[0], m, NULL));
    q.fast = true;
    REQUIRE(!fct_index_view_search(view, &q, fast[0], n, NULL));
    for (int p = 0; p < PROBES; p++)
        CHECK_MSG(n[p] == m[p] && fast[p][0].face_id == exact[p][0].face_id && fast[p][0].score == exact[p][0].score,
                  "dim %d, probe %d", dim, p);
    fct_index_view_end(view);
    fct_index_free(x);
    free(center);
    free(v);
    free(probes);
}

TEST(stages_against_full_search) {
    check_stages(512, false);
    check_stages(130, false);
    check_stages(512, true);
    fct_set_threads(1, NULL);
    check_stages(512, false);
    fct_set_threads(0, NULL);
}

/* Rows that are all alike: the first stage cannot choose, and must not run out of room. */
TEST(stages_of_equal_rows) {
    fct_index *x;
    float v[64];
    uint64_t rnd = 2;
    fct_hit hits[2];
    int n;
    REQUIRE(!fct_index_create_staged(64, &x, NULL));
    for (int i = 0; i < 64; i++) v[i] = util_uniform(&rnd);
    for (int r = 0; r < 20000; r++) REQUIRE(!fct_index_add(x, r, r / 2, v, NULL));
    fct_index_query q = {.probes = v, .n = 1, .threshold = 0.5f, .k = 2, .fast = true};
    fct_index_view *view = fct_index_view_begin(x);
    REQUIRE(!fct_index_view_search(view, &q, hits, &n, NULL));
    CHECK(n == 2 && hits[0].face_id == 0 && hits[1].face_id == 2);
    fct_index_view_end(view);
    fct_index_free(x);
}

typedef struct viewer {
    fct_index *x;
    fct_mutex *lock;
    int wrong;
} viewer;

/* Rows come and go in pairs: a search that sees an odd number has seen half of a change. */
static void search_pairs(void *arg) {
    viewer *w = arg;
    float probe[2] = {1, 0};
    for (int i = 0; i < 400; i++) {
        fct_hit hits[512];
        int n = 0;
        fct_index_query q = {.probes = probe, .n = 1, .threshold = -1, .k = 512, .faces = true};
        fct_mutex_lock(w->lock);
        fct_index_view *v = fct_index_view_begin(w->x);
        fct_mutex_unlock(w->lock);
        if (fct_index_view_search(v, &q, hits, &n, NULL)) w->wrong++;
        fct_index_view_end(v);
        w->wrong += n % 2;
    }
}

TEST(searches_beside_a_writer) {
    enum { THREADS = 3 };
    fct_index *x;
    fct_mutex lock = FCT_MUTEX_INIT;
    fct_thread threads[THREADS];
    viewer w[THREADS];
    uint64_t rnd = 4;
    REQUIRE(!fct_index_create(2, &x, NULL));
    for (int t = 0; t < THREADS; t++) {
        w[t] = (viewer){x, &lock, 0};
        REQUIRE(!fct_thread_start(&threads[t], search_pairs, &w[t], NULL));
    }
    for (int i = 0; i < 3000; i++) {
        int64_t pair = (int64_t)(util_random(&rnd) % 200);
        float v[2] = {util_uniform(&rnd), 1};
        fct_mutex_lock(&lock);
        if (util_random(&rnd) % 3 == 0) fct_index_remove_person(x, pair, NULL);
        else {
            fct_index_add(x, 2 * pair, pair, v, NULL);
            fct_index_add(x, 2 * pair + 1, pair, v, NULL);
        }
        fct_mutex_unlock(&lock);
    }
    for (int t = 0; t < THREADS; t++) {
        fct_thread_join(&threads[t]);
        CHECK_MSG(!w[t].wrong, "thread %d: %d searches saw half of a pair", t, w[t].wrong);
    }
    fct_index_free(x);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

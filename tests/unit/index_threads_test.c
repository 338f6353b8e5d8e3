/* Random changes and searches from several threads: what each search finds is what a
 * naive search over a copy of the rows finds, taken in the moment when the view was. */
#include "test.h"
#include "base/thread.h"
#include "gallery_util.h"
#include "index/index.h"
#include <math.h>

enum { THREADS = 4, STEPS = 25000, DIM = 32, IDS = 1500, PEOPLE = 97, K = 5 };

typedef struct plain_row {
    int64_t id; /* -1: free */
    float v[DIM];
} plain_row;

static struct {
    fct_mutex lock;
    fct_index *x;
    plain_row rows[IDS];
    long searches, wrong, failed;
} world;

static void make_vector(uint64_t *rnd, float *v) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) {
        v[i] = util_uniform(rnd);
        sum += (double)v[i] * v[i];
    }
    for (int i = 0; i < DIM; i++) v[i] = (float)(v[i] / sqrt(sum));
}

static void change(uint64_t *rnd) {
    int64_t id = (int64_t)(util_random(rnd) % IDS);
    fct_status s;
    if (util_random(rnd) % 200 == 0) {
        s = fct_index_remove_person(world.x, id % PEOPLE, NULL);
        for (int64_t i = id % PEOPLE; i < IDS; i += PEOPLE) world.rows[i].id = -1;
    } else if (util_random(rnd) % 3 == 0) {
        s = fct_index_remove(world.x, id, NULL);
        world.rows[id].id = -1;
    } else {
        make_vector(rnd, world.rows[id].v);
        world.rows[id].id = id;
        s = fct_index_add(world.x, id, id % PEOPLE, world.rows[id].v, NULL);
    }
    world.failed += s != FCT_OK;
}

/* Whether the k-th hit is right: nobody better was left out. */
static bool is_right(const plain_row *rows, const float *probe, const fct_hit *hits, int n) {
    double best[PEOPLE];
    for (int p = 0; p < PEOPLE; p++) best[p] = -2;
    for (int i = 0; i < IDS; i++) {
        double sum = 0;
        if (rows[i].id < 0) continue;
        for (int d = 0; d < DIM; d++) sum += (double)rows[i].v[d] * probe[d];
        if (sum > best[i % PEOPLE]) best[i % PEOPLE] = sum;
    }
    for (int i = 0; i < n; i++) {
        double *b = &best[hits[i].person_id];
        if (fabs(*b - hits[i].score) > 1e-5 || (i && hits[i].score > hits[i - 1].score)) return false;
        *b = -3; /* nobody twice */
    }
    for (int p = 0; p < PEOPLE; p++)
        if (best[p] > -2 && (n < K || best[p] > hits[n - 1].score + 1e-5)) return false;
    return true;
}

static void search(uint64_t *rnd) {
    plain_row *copy = malloc(sizeof world.rows);
    fct_hit hits[K];
    float probe[DIM];
    int n = 0;
    make_vector(rnd, probe);
    fct_index_query q = {.probes = probe, .n = 1, .threshold = -1, .k = K};
    fct_mutex_lock(&world.lock);
    memcpy(copy, world.rows, sizeof world.rows);
    fct_index_view *v = fct_index_view_begin(world.x);
    fct_mutex_unlock(&world.lock);
    fct_status s = fct_index_view_search(v, &q, hits, &n, NULL);
    bool right = !s && is_right(copy, probe, hits, n);
    fct_index_view_end(v);
    fct_mutex_lock(&world.lock);
    world.searches++;
    world.wrong += !right;
    fct_mutex_unlock(&world.lock);
    free(copy);
}

static void work(void *arg) {
    uint64_t rnd = (uint64_t)(intptr_t)arg + 31;
    for (int i = 0; i < STEPS; i++) {
        if (util_random(&rnd) % 16 == 0) {
            search(&rnd);
            continue;
        }
        fct_mutex_lock(&world.lock);
        change(&rnd);
        fct_mutex_unlock(&world.lock);
    }
}

static void run_threads(fct_index *x) {
    fct_thread t[THREADS];
    world.x = x;
    world.searches = world.wrong = world.failed = 0;
    fct_mutex_init(&world.lock);
    for (int i = 0; i < THREADS; i++) REQUIRE(!fct_thread_start(&t[i], work, (void *)(intptr_t)i, NULL));
    for (int i = 0; i < THREADS; i++) fct_thread_join(&t[i]);
    bool good = !world.wrong && !world.failed && world.searches > STEPS / 8;
    CHECK_MSG(good, "%ld searches, %ld wrong, %ld changes failed", world.searches, world.wrong, world.failed);
    size_t n = 0;
    for (int i = 0; i < IDS; i++) n += world.rows[i].id >= 0;
    CHECK(fct_index_count(x) == n);
    fct_index_free(x);
    fct_mutex_destroy(&world.lock);
}

static void clear_rows(void) {
    for (int i = 0; i < IDS; i++) world.rows[i].id = -1;
}

TEST(a_hundred_thousand_changes_and_searches) {
    fct_index *x;
    clear_rows();
    REQUIRE(!fct_index_create(DIM, &x, NULL));
    run_threads(x);
}

TEST(the_same_with_sketches) {
    fct_index *x;
    clear_rows();
    REQUIRE(!fct_index_create_staged(DIM, &x, NULL));
    run_threads(x);
}

/* Rows that begin in a cache file. */
TEST(the_same_from_a_file) {
    fct_index *x;
    fct_index_key key;
    int64_t seq;
    uint64_t rnd = 1;
    memset(&key, 0, sizeof key);
    clear_rows();
    REQUIRE(!fct_index_create_staged(DIM, &x, NULL));
    REQUIRE(!fct_index_cache_begin(x, util_path("threads.index"), NULL));
    for (int64_t i = 0; i < IDS; i++) {
        make_vector(&rnd, world.rows[i].v);
        world.rows[i].id = i;
        REQUIRE(!fct_index_append(x, i, i % PEOPLE, world.rows[i].v, NULL));
    }
    REQUIRE(!fct_index_cache_end(x, &key, 1, NULL));
    fct_index_free(x);
    REQUIRE(!fct_index_cache_open(util_path("threads.index"), &key, &x, &seq, NULL));
    run_threads(x);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

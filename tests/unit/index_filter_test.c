/* Searches that may find some of the faces only, against a naive index; sets of ids against an array. */
#include "test.h"
#include "base/thread.h"
#include "gallery_util.h"
#include "index/index.h"
#include "naive_index.h"
#include <math.h>

TEST(idset_against_array) {
    enum { IDS = 3000 };
    static bool plain[IDS];
    fct_idset s = {0};
    uint64_t rnd = 5;
    CHECK(!fct_idset_has(&s, 0));
    fct_idset_remove(&s, 7);
    for (int step = 0; step < 20000; step++) {
        int at = (int)(util_random(&rnd) % IDS);
        int64_t id = at < IDS / 2 ? at - 100 : at * INT64_C(100000007); /* neighbors, negative ones, and far apart */
        plain[at] = util_random(&rnd) % 2;
        if (plain[at]) REQUIRE(fct_idset_add(&s, id));
        else fct_idset_remove(&s, id);
    }
    int64_t ids[IDS];
    uint64_t mask[(IDS + 63) / 64];
    size_t n = 0;
    for (int at = 0; at < IDS; at++) {
        ids[at] = at < IDS / 2 ? at - 100 : at * INT64_C(100000007);
        CHECK(fct_idset_has(&s, ids[at]) == plain[at]);
        n += plain[at];
    }
    CHECK(s.n == n);
    fct_idset_mask(&s, ids, 3, IDS / 3, mask);
    for (int i = 0; i < IDS / 3; i++) CHECK((mask[i / 64] >> i % 64 & 1) == plain[3 * i]);
    CHECK(mask[IDS / 3 / 64] >> IDS / 3 % 64 == 0);
    fct_idset_clear(&s);
    CHECK(!s.n && !fct_idset_has(&s, -100));
}

enum { DIM = 40, PEOPLE = 500, FACES = 9000, PROBES = 20, K = 8 };

/* What both find for one filter; the stages need not find the last ones. */
static void compare(fct_index *x, fct_index *naive, const float *probes, const fct_index_filter *f, int k) {
    static fct_hit a[PROBES * 100], b[PROBES * 100];
    int n[PROBES], m[PROBES];
    for (int way = 0; way < 4; way++) {
        fct_index_query q = {.probes = probes, .n = PROBES, .threshold = 0.02f, .k = k, .filter = f};
        q.faces = way % 2;
        q.fast = way / 2;
        fct_index_view *v = fct_index_view_begin(x), *w = fct_index_view_begin(naive);
        REQUIRE(!fct_index_view_search(v, &q, a, n, NULL) && !fct_index_view_search(w, &q, b, m, NULL));
        fct_index_view_end(v);
        fct_index_view_end(w);
        for (int p = 0; p < PROBES; p++) {
            CHECK_MSG(q.fast || n[p] == m[p], "way %d, k %d: %d hits, not %d", way, k, n[p], m[p]);
            for (int i = 0; i < n[p]; i++) {
                const fct_hit *h = &a[p * k + i];
                if (f->people) CHECK(fct_idset_has(f->people, h->person_id) != f->not_people);
                if (f->faces) CHECK(fct_idset_has(f->faces, h->face_id) != f->not_faces);
                if (!q.fast || !i) CHECK_MSG(fabsf(h->score - b[p * k + i].score) < 2e-6f, "way %d, hit %d", way, i);
            }
        }
    }
}

/* Adds some of the numbers 0..n-1, one in `of`. */
static void choose(fct_idset *s, int n, int of, uint64_t *rnd) {
    fct_idset_clear(s);
    for (int i = 0; i < n; i++)
        if (util_random(rnd) % (uint64_t)of == 0) REQUIRE(fct_idset_add(s, i));
}

static void check_filters(bool staged) {
    fct_index *x, *naive;
    fct_idset people = {0}, faces = {0};
    static float probes[PROBES][DIM], v[DIM];
    uint64_t rnd = 6;
    REQUIRE(!(staged ? fct_index_create_staged : fct_index_create)(DIM, &x, NULL));
    REQUIRE(!naive_index_create(DIM, &naive, NULL));
    for (int i = 0; i < FACES; i++) {
        util_embedding(util_random(&rnd), DIM, v);
        int64_t person = (int64_t)(util_random(&rnd) % PEOPLE);
        REQUIRE(!fct_index_add(x, i, person, v, NULL) && !fct_index_add(naive, i, person, v, NULL));
    }
    for (int p = 0; p < PROBES; p++) util_embedding(util_random(&rnd), DIM, probes[p]);
    static const int parts[] = {1, 2, 30, 5000};
    for (int i = 0; i < 16; i++) {
        choose(&people, PEOPLE, parts[i % 4], &rnd);
        choose(&faces, FACES, parts[i / 4], &rnd);
        fct_index_filter f = {i % 3 ? &people : NULL, i % 5 ? &faces : NULL, i % 2, i / 2 % 2};
        compare(x, naive, probes[0], &f, i % 7 ? K : 100);
    }
    fct_idset_clear(&people);
    fct_idset_clear(&faces);
    compare(x, naive, probes[0], &(fct_index_filter){.people = &people}, K); /* nobody */
    compare(x, naive, probes[0], &(fct_index_filter){.people = &people, .not_people = true}, K);
    fct_index_free(x);
    fct_index_free(naive);
}

TEST(filters_against_naive_search) {
    check_filters(false);
    check_filters(true);
    fct_set_threads(1, NULL);
    check_filters(true);
    fct_set_threads(0, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

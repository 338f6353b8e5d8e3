/* Grouping faces: against the method done naively, whatever the order and the
 * number of threads; links hold, and people from before keep their faces. */
#include "base/alloc.h"
#include "cluster/cluster.h"
#include "facet/face.h"
#include <math.h>

#include "test.h"

#define MOST 2000
#define DIM  24

static fct_error e;
static float vectors[MOST][DIM], quality[MOST];
static int64_t photo[MOST], person[MOST];
static bool child[MOST];
static int who[MOST];
static uint32_t state;

static uint32_t draw(uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)state * n) >> 32);
}

static float noise(void) { return (float)(draw(2001) + draw(2001) + draw(2001)) / 1500 - 2; }

/* Makes n faces of n / 6 people, some in common photos, some poor, some children. */
static fct_cluster_faces make(uint32_t seed, size_t n) {
    static float centers[MOST][DIM];
    size_t people = n / 6;
    state = seed;
    for (size_t i = 0; i < people; i++)
        for (int k = 0; k < DIM; k++) centers[i][k] = noise();
    for (size_t i = 0; i < n; i++) {
        who[i] = (int)draw((uint32_t)people);
        quality[i] = (float)draw(1000) / 999;
        photo[i] = draw(4) ? (int64_t)i : (int64_t)draw((uint32_t)n);
        child[i] = who[i] % 5 == 0;
        person[i] = 0;
        for (int k = 0; k < DIM; k++) vectors[i][k] = centers[who[i]][k] + 0.75f * noise();
    }
    return (fct_cluster_faces){.n = n,
                               .dim = DIM,
                               .embeddings = vectors[0],
                               .quality = quality,
                               .photo = photo,
                               .child = child,
                               .person = person};
}

static fct_clusters run(const fct_cluster_faces *f, const fct_cluster_opts *o) {
    fct_clusters c;
    fct_status s = fct_cluster(f, o, &c, &e);
    CHECK_MSG(s == FCT_OK, "%s", e.text);
    REQUIRE(s == FCT_OK);
    return c;
}

static bool together(const fct_clusters *c, size_t a, size_t b) { return c->person[a] && c->person[a] == c->person[b]; }

/* ---- The method, naively --------------------------------------------------------------- */

#define SMALL 150
static double cosine[SMALL][SMALL], crowd[SMALL];
static int group[SMALL];

/* The groups' likeness beyond what is needed, from the definition in cluster_merge.c: all by sums over the faces. */
static double naive_score(const fct_cluster_faces *f, const fct_cluster_opts *o, int a, int b) {
    double sum[2][DIM] = {{0}}, weight[2] = {0}, crowds[2] = {0}, care[2] = {0}, dot = 0, norm[2] = {0};
    int n[2] = {0};
    for (size_t i = 0; i < f->n; i++) {
        if (group[i] != a && group[i] != b) continue;
        int side = group[i] == b;
        double w = 0.5 + 0.5 * quality[i], length = 0;
        for (int k = 0; k < DIM; k++) length += (double)vectors[i][k] * vectors[i][k];
        for (int k = 0; k < DIM; k++) sum[side][k] += w * vectors[i][k] / sqrt(length);
        weight[side] += w;
        crowds[side] += w * crowd[i];
        care[side] += w * ((child[i] ? o->child : 0) + (quality[i] < o->least_quality ? o->poor : 0));
        n[side]++;
    }
    for (int k = 0; k < DIM; k++) {
        dot += sum[0][k] * sum[1][k];
        norm[0] += sum[0][k] * sum[0][k];
        norm[1] += sum[1][k] * sum[1][k];
    }
    double less = o->crowd * (crowds[0] / weight[0] + crowds[1] / weight[1]) + o->growth * (2 - 1. / n[0] - 1. / n[1]) +
                  care[0] / weight[0] + care[1] / weight[1];
    return dot / sqrt(norm[0] * norm[1]) - less / 2;
}

static bool naive_allowed(const fct_cluster_faces *f, int a, int b, bool late, double floor, double least_quality) {
    bool near = false;
    for (size_t i = 0; i < f->n; i++)
        for (size_t j = 0; j < f->n; j++) {
            if (group[i] != a || group[j] != b) continue;
            if (photo[i] == photo[j]) return false;
            near |= cosine[i][j] >= floor;
        }
    for (int side = 0; side < 2 && !late; side++) {
        bool all_late = true;
        for (size_t i = 0; i < f->n; i++)
            if (group[i] == (side ? b : a)) all_late &= child[i] || quality[i] < least_quality;
        if (all_late) return false;
    }
    return near;
}

static void naive_merge(const fct_cluster_faces *f, const fct_cluster_opts *o, double least, bool late) {
    for (;;) {
        double best = least;
        int a = -1, b = -1;
        for (int x = 0; x < (int)f->n; x++)
            for (int y = 0; y < x; y++) {
                if (group[x] != x || group[y] != y) continue;
                double score = naive_score(f, o, x, y);
                if (score < best || !naive_allowed(f, x, y, late, 0.55 * o->threshold, o->least_quality)) continue;
                best = score, a = x, b = y;
            }
        if (a < 0) return;
        for (size_t i = 0; i < f->n; i++)
            if (group[i] == a) group[i] = b;
    }
}

static double naive_crowd(const fct_cluster_faces *f, const fct_cluster_opts *o, size_t i) {
    bool seen[SMALL] = {false};
    double sum = 0, floor = 0.55 * o->threshold;
    int n = 0;
    seen[group[i]] = true;
    while (n < 40) {
        int best = -1;
        for (size_t j = 0; j < f->n; j++)
            if (!seen[group[j]] && cosine[i][j] >= floor && (best < 0 || cosine[i][j] > cosine[i][best])) best = (int)j;
        if (best >= 0) seen[group[best]] = true;
        if (n++ >= 10) sum += best < 0 ? floor : cosine[i][best];
    }
    return fmax(0, sum / 30 - 0.65 * o->threshold);
}

static void naive(const fct_cluster_faces *f, const fct_cluster_opts *o) {
    double crowds[SMALL] = {0}, least = (double)o->threshold + o->strictness;
    for (size_t i = 0; i < f->n; i++) {
        group[i] = (int)i;
        crowd[i] = 0;
        for (size_t j = 0; j < f->n; j++) cosine[i][j] = fct_cosine(vectors[i], vectors[j], DIM);
    }
    naive_merge(f, o, least + 0.2, false);
    for (size_t i = 0; i < f->n; i++) crowds[i] = naive_crowd(f, o, i);
    memcpy(crowd, crowds, sizeof crowd);
    naive_merge(f, o, least, false);
    naive_merge(f, o, least, true);
}

TEST(equals_the_naive_method) {
    for (uint32_t seed = 1; seed <= 6; seed++) {
        fct_cluster_faces f = make(seed, 100 + 10 * seed > SMALL ? SMALL : 100 + 10 * seed);
        fct_cluster_opts o;
        fct_cluster_opts_init(&o);
        o.neighbors = 1024;
        fct_clusters c = run(&f, &o);
        naive(&f, &o);
        size_t pairs = 0, joined = 0;
        for (size_t i = 0; i < f.n; i++)
            for (size_t j = 0; j < i; j++) {
                pairs += together(&c, i, j) != (group[i] == group[j]);
                joined += group[i] == group[j];
            }
        CHECK_MSG(pairs == 0, "seed %u: %zu pairs differ", seed, pairs);
        CHECK_MSG(joined > 50, "seed %u: %zu pairs are joined, too few to tell", seed, joined);
        fct_clusters_free(&c);
    }
}

/* ---- Order and threads ------------------------------------------------------------------- */

/* Copies the faces in another order; map[i] is where face i has gone. */
static fct_cluster_faces shuffled(const fct_cluster_faces *f, size_t *map) {
    static float v[MOST][DIM], q[MOST];
    static int64_t p[MOST], of[MOST];
    static bool c[MOST];
    for (size_t i = 0; i < f->n; i++) map[i] = i;
    for (size_t i = f->n - 1; i; i--) {
        size_t j = draw((uint32_t)i + 1), t = map[i];
        map[i] = map[j];
        map[j] = t;
    }
    for (size_t i = 0; i < f->n; i++) {
        memcpy(v[map[i]], f->embeddings + i * DIM, sizeof v[0]);
        q[map[i]] = f->quality[i];
        p[map[i]] = f->photo[i];
        c[map[i]] = f->child[i];
        of[map[i]] = f->person[i];
    }
    return (fct_cluster_faces){
        .n = f->n, .dim = DIM, .embeddings = v[0], .quality = q, .photo = p, .child = c, .person = of};
}

TEST(order_and_threads_do_not_matter) {
    static size_t map[MOST];
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    o.neighbors = 16; /* lists that are full */
    fct_cluster_faces f = make(7, MOST);
    fct_set_threads(1, NULL);
    fct_clusters one = run(&f, &o);
    CHECK(one.n_new > 50);
    for (int threads = 1; threads <= 5; threads += 2) {
        fct_cluster_faces g = shuffled(&f, map);
        fct_set_threads(threads, NULL);
        fct_clusters two = run(&g, &o);
        CHECK(one.n_new == two.n_new && one.n_hints == two.n_hints);
        size_t wrong = 0;
        for (size_t i = 0; i < f.n; i++)
            wrong += one.person[i] != two.person[map[i]] || one.score[i] != two.score[map[i]];
        CHECK_MSG(wrong == 0, "%d threads: %zu faces are somebody else's", threads, wrong);
        for (size_t i = 0; i < one.n_hints && i < two.n_hints; i++)
            wrong += map[one.hints[i].face_a] != two.hints[i].face_a || one.hints[i].score != two.hints[i].score;
        CHECK_MSG(wrong == 0, "%d threads: other hints", threads);
        fct_clusters_free(&two);
    }
    fct_clusters_free(&one);
    fct_set_threads(0, NULL);
}

/* ---- Links ---------------------------------------------------------------------------------- */

TEST(links_hold) {
    static fct_face_pair same[40], differ[40];
    for (uint32_t seed = 20; seed < 26; seed++) {
        fct_cluster_faces f = make(seed, 400);
        for (size_t i = 0; i < 40; i++) {
            same[i] = (fct_face_pair){4 * i, 4 * i + 1}; /* mostly strangers */
            size_t a = 170 + 5 * i, b = a + 1;           /* one of the same person, where there is one */
            while (b < f.n && who[b] != who[a]) b++;
            differ[i] = (fct_face_pair){a, b < f.n ? b : a + 1};
        }
        photo[0] = photo[1]; /* a mirror */
        f.same = same, f.n_same = 40, f.differ = differ, f.n_differ = 40;
        fct_clusters c = run(&f, NULL);
        for (size_t i = 0; i < 40; i++) {
            CHECK(together(&c, same[i].a, same[i].b));
            CHECK(!together(&c, differ[i].a, differ[i].b));
        }
        for (size_t i = 161; i < f.n; i++)
            for (size_t j = 161; j < i; j++)
                if (photo[i] == photo[j])
                    CHECK_MSG(!together(&c, i, j), "faces %zu and %zu of photo %d", i, j, (int)photo[i]);
        for (size_t i = 0; i < c.n_hints; i++)
            for (size_t k = 0; k < 40; k++) CHECK(c.hints[i].face_a != differ[k].a || c.hints[i].face_b != differ[k].b);
        fct_clusters_free(&c);
    }
}

TEST(people_keep_their_faces_and_new_ones_join) {
    fct_cluster_faces f = make(31, 900);
    fct_clusters first = run(&f, NULL);
    size_t joined = 0, wrong = 0;
    for (size_t i = 0; i < 600; i++) person[i] = first.person[i] < 0 ? 1000 - first.person[i] : 0;
    fct_clusters second = run(&f, NULL);
    for (size_t i = 0; i < 900; i++) {
        if (person[i]) CHECK(second.person[i] == person[i]);
        else if (second.person[i] > 0) {
            joined++;
            wrong += first.person[i] != 1000 - second.person[i];
        }
    }
    CHECK_MSG(joined > 100 && wrong < joined / 10, "%zu joined, %zu of them others than at once", joined, wrong);
    fct_clusters_free(&first);
    fct_clusters_free(&second);
}

TEST(a_banned_face_does_not_join) {
    fct_cluster_faces f = make(32, 300);
    fct_clusters first = run(&f, NULL);
    size_t last = f.n;
    for (size_t i = 0; i < f.n; i++) /* a person whose last face is free again */
        if (first.person[i] == -1) person[i] = 5, last = i;
    REQUIRE(last < f.n);
    person[last] = 0;
    fct_clusters second = run(&f, NULL);
    CHECK(second.person[last] == 5);
    fct_face_ban ban = {last, 5};
    f.bans = &ban, f.n_bans = 1;
    fct_clusters third = run(&f, NULL);
    CHECK(third.person[last] != 5);
    fct_clusters_free(&first);
    fct_clusters_free(&second);
    fct_clusters_free(&third);
}

TEST(contradictions_are_named) {
    fct_cluster_faces f = make(33, 50);
    fct_clusters c;
    fct_face_pair same[] = {{1, 2}, {2, 3}}, differ[] = {{3, 1}}, beyond[] = {{3, 50}};
    f.same = same, f.n_same = 2, f.differ = differ, f.n_differ = 1;
    CHECK(fct_cluster(&f, NULL, &c, &e) == FCT_ERR_ARG && !c.person);
    CHECK_MSG(strstr(e.text, "faces 3 and 1 are linked as two people and as one"), "%s", e.text);
    f.differ = beyond;
    CHECK(fct_cluster(&f, NULL, &c, &e) == FCT_ERR_ARG && strstr(e.text, "face 50 of 50"));
    f.n_differ = 0;
    person[1] = 8, person[3] = 9;
    CHECK(fct_cluster(&f, NULL, &c, &e) == FCT_ERR_ARG && strstr(e.text, "persons"));
    fct_face_ban ban = {2, 8};
    f.n_same = 1, f.bans = &ban, f.n_bans = 1;
    CHECK(fct_cluster(&f, NULL, &c, &e) == FCT_ERR_ARG && strstr(e.text, "person 8"));
    f.n_bans = 0;
    vectors[7][3] = NAN;
    CHECK(fct_cluster(&f, NULL, &c, &e) == FCT_ERR_ARG && strstr(e.text, "face 7"));
    vectors[7][3] = 0;
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    o.threshold = NAN;
    CHECK(fct_cluster(&f, &o, &c, &e) == FCT_ERR_ARG);
}

/* Face 0 is at a cosine of 0.57 to a person of forty faces, and of 0.5 to each of twenty-two strangers who are unlike
 * each other: in such a crowd 0.57 says little. The person's faces fill most of its list; strangers whom the list cuts
 * off must not count as far away. */
TEST(a_large_group_does_not_hide_a_crowd) {
    fct_cluster_faces f = make(40, 66);
    fct_cluster_opts o;
    fct_cluster_opts_init(&o);
    o.neighbors = 60;
    f.n = 63;
    memset(vectors, 0, sizeof vectors);
    for (size_t i = 0; i < f.n; i++) photo[i] = (int64_t)i, quality[i] = 1, child[i] = false, person[i] = 0;
    vectors[0][0] = 1;
    for (size_t i = 1; i <= 40; i++) vectors[i][0] = 0.57f, vectors[i][1] = 0.82164f, person[i] = 7;
    for (size_t i = 41; i < 63; i++) vectors[i][0] = 0.5f, vectors[i][i - 39] = 0.8660254f;
    fct_clusters c = run(&f, &o);
    CHECK(c.person[0] == 0);
    fct_clusters_free(&c);
    f.n = 41; /* without the crowd it is enough */
    c = run(&f, &o);
    CHECK(c.person[0] == 7);
    fct_clusters_free(&c);
}

/* Strangers at a cosine of 0.45 to nearly all others, as small children are. Fourteen of them were taken for one
 * person long ago, whose mean is at 0.64 to every other such child. Counted as one they are little of a crowd; yet no
 * other child may join them. */
TEST(a_wrong_person_does_not_grow) {
    fct_cluster_faces f = make(41, 66);
    f.n = 2 * (DIM - 1);
    memset(vectors, 0, sizeof vectors);
    for (size_t i = 0; i < f.n; i++) {
        vectors[i][0] = 0.6708204f;
        vectors[i][1 + i % (DIM - 1)] = i < DIM - 1 ? 0.7416198f : -0.7416198f;
        photo[i] = (int64_t)i, quality[i] = 1, child[i] = false, person[i] = i < 14 ? 7 : 0;
    }
    fct_clusters c = run(&f, NULL);
    for (size_t i = 14; i < f.n; i++) CHECK_MSG(c.person[i] != 7, "face %zu has joined at %g", i, (double)c.score[i]);
    fct_clusters_free(&c);
}

TEST(few_faces) {
    fct_cluster_faces none = {.n = 0, .dim = DIM};
    fct_clusters c = run(&none, NULL);
    CHECK(c.n_new == 0 && c.n_hints == 0);
    fct_clusters_free(&c);
    fct_cluster_faces f = make(1, 60);
    f.n = 1;
    c = run(&f, NULL);
    CHECK(c.person[0] == 0 && c.n_new == 0);
    fct_clusters_free(&c);
    memcpy(vectors[1], vectors[0], sizeof vectors[0]);
    f.n = 2, photo[0] = 1, photo[1] = 2;
    c = run(&f, NULL);
    CHECK(c.person[0] == -1 && c.person[1] == -1 && c.score[0] > 0.999f);
    fct_clusters_free(&c);
    photo[1] = 1; /* twice in one photo: two people */
    c = run(&f, NULL);
    CHECK(c.person[0] == 0 && c.person[1] == 0);
    fct_clusters_free(&c);
}

TEST(out_of_memory) {
    static fct_face_pair same[] = {{1, 2}}, differ[] = {{3, 4}};
    fct_face_ban ban = {5, 77};
    fct_cluster_faces f = make(34, 120);
    for (size_t i = 0; i < 20; i++) person[100 + i] = 77 + (int64_t)(i % 3);
    f.same = same, f.n_same = 1, f.differ = differ, f.n_differ = 1, f.bans = &ban, f.n_bans = 1;
    fct_clusters c = run(&f, NULL);
    fct_clusters_free(&c);
    long live = fct_alloc_live();
    for (long n = 1;; n++) {
        fct_alloc_fail_at(n);
        fct_status s = fct_cluster(&f, NULL, &c, &e);
        bool reached = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK_MSG(s == (reached ? FCT_ERR_NOMEM : FCT_OK), "allocation %ld: %d", n, s);
        if (s) CHECK(!c.person && !c.hints);
        fct_clusters_free(&c);
        REQUIRE(fct_alloc_live() == live);
        if (!reached) break;
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Rates of pairs and searches against definitions written out plainly, on scores with
 * ties, failures and several people. */
#include "evaluate/evaluate_impl.h"
#include "facet/evaluate.h"
#include "facet/face.h"
#include "test.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 240, DIM = 19, PEOPLE = 120 };

static uint64_t state = 7;
static double uniform(void) { return (double)((state = fct_mix(state)) >> 11) / 9007199254740992.0; }
static double normal(void) { return sqrt(-2 * log(uniform() + 1e-300)) * cos(6.283185307179586 * uniform()); }

/* Pictures of people around a direction of each; every 40th has no face. */
static void make_rows(float rows[N][DIM], uint32_t people[N]) {
    float own[PEOPLE][DIM];
    state = 7;
    for (int p = 0; p < PEOPLE; p++)
        for (int k = 0; k < DIM; k++) own[p][k] = (float)normal();
    for (int i = 0; i < N; i++) {
        people[i] = (uint32_t)(uniform() * uniform() * PEOPLE);
        double length = 0.5 + 3 * uniform();
        for (int k = 0; k < DIM; k++)
            rows[i][k] = i % 40 == 39 ? 0 : (float)(length * (own[people[i]][k] + 0.8 * normal()));
    }
}

static bool has_face(int i) { return i % 40 != 39; }

/* ---- All pairs, written out ------------------------------------------------------------- */

typedef struct plain_pairs {
    float genuine[N * N], impostor[N * N]; /* -INFINITY: failed */
    int n_genuine, n_impostor;
} plain_pairs;

static plain_pairs plain;

static void make_plain(float rows[N][DIM], const uint32_t people[N]) {
    plain.n_genuine = plain.n_impostor = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++) {
            float s = has_face(i) && has_face(j) ? fct_cosine(rows[i], rows[j], DIM) : -INFINITY;
            if (people[i] == people[j]) plain.genuine[plain.n_genuine++] = s;
            else plain.impostor[plain.n_impostor++] = s;
        }
}

static int count_from(const float *scores, int n, float threshold) {
    int count = 0;
    for (int i = 0; i < n; i++) count += scores[i] >= threshold;
    return count;
}

/* The lowest of all scores as a threshold whose FAR is at most far; where the next lower score does not fit. */
static bool far_fits(float threshold, double false_accept) {
    return count_from(plain.impostor, plain.n_impostor, threshold) <= false_accept * plain.n_impostor + 1e-9;
}

static float below(float threshold) { /* the next lower score of an impostor */
    float next = -INFINITY;
    for (int i = 0; i < plain.n_impostor; i++)
        if (plain.impostor[i] < threshold && plain.impostor[i] > next) next = plain.impostor[i];
    return next;
}

TEST(all_pairs_give_the_rates_of_their_definitions) {
    static float rows[N][DIM];
    uint32_t people[N];
    static const double false_accept[] = {0.1, 1e-2, 1e-3, 1e-4, 1e-6};
    fct_operating_point p[5];
    fct_scores *s;
    fct_scores_info info;
    fct_error e;
    make_rows(rows, people);
    make_plain(rows, people);
    CHECK(!fct_scores_create(NULL, &s, &e));
    CHECK(!fct_scores_add_all(s, rows[0], people, N, DIM, &e));
    fct_scores_stat(s, &info);
    CHECK((long long)(info.genuine) == (long long)(plain.n_genuine));
    CHECK((long long)(info.impostor) == (long long)(plain.n_impostor));
    CHECK((long long)(info.failed_impostor) ==
          (long long)(plain.n_impostor - count_from(plain.impostor, plain.n_impostor, -2)));
    CHECK((long long)(info.failed_genuine) ==
          (long long)(plain.n_genuine - count_from(plain.genuine, plain.n_genuine, -2)));
    CHECK(!info.sampled);
    CHECK(!fct_scores_at_far(s, false_accept, 5, NULL, p, &e));
    for (int i = 0; i < 5; i++) {
        CHECK(p[i].possible == (false_accept[i] * plain.n_impostor >= 1));
        if (!p[i].possible) continue;
        float t = p[i].threshold + 2e-6f; /* sums are rounded in another order here */
        CHECK(far_fits(t, false_accept[i]));
        CHECK(!far_fits(below(t), false_accept[i]));
        int fa = count_from(plain.impostor, plain.n_impostor, t), ta = count_from(plain.genuine, plain.n_genuine, t);
        CHECK((long long)(p[i].errors) == (long long)(fa));
        CHECK(fabs(p[i].false_accept.value - (double)fa / plain.n_impostor) < 1e-12);
        CHECK(fabs(p[i].tar.value - (double)ta / plain.n_genuine) < 1e-12);
        double made = (double)(info.genuine - info.failed_genuine);
        CHECK(fabs(p[i].fnmr.value - (made - ta) / made) < 1e-12);
        CHECK(fabs(p[i].fmr.value - fa / (double)(info.impostor - info.failed_impostor)) < 1e-12);
        CHECK(p[i].tar.low < p[i].tar.value && p[i].tar.value < p[i].tar.high);
        CHECK(p[i].false_accept.low < p[i].false_accept.value && p[i].false_accept.value < p[i].false_accept.high);
    }
    fct_operating_point one;
    CHECK(!fct_scores_at_threshold(s, p[1].threshold, NULL, &one, &e));
    CHECK(one.false_accept.value == p[1].false_accept.value && one.tar.value == p[1].tar.value &&
          one.false_accept.low == p[1].false_accept.low);
    fct_scores_free(s);
}

TEST(the_hardest_pairs_are_the_extremes) {
    static float rows[N][DIM];
    uint32_t people[N];
    fct_scores *s;
    make_rows(rows, people);
    make_plain(rows, people);
    CHECK(!fct_scores_create(NULL, &s, NULL));
    CHECK(!fct_scores_add_all(s, rows[0], people, N, DIM, NULL));
    for (int same = 0; same < 2; same++) {
        const fct_comparison *c;
        size_t n = fct_scores_hardest(s, same, &c);
        const float *all = same ? plain.genuine : plain.impostor;
        int n_all = same ? plain.n_genuine : plain.n_impostor;
        CHECK((long long)(n) == (long long)(48));
        for (size_t i = 0; i < n; i++) {
            CHECK((people[c[i].a] == people[c[i].b]) == (same == 1));
            CHECK(fabsf(c[i].score - fct_cosine(rows[c[i].a], rows[c[i].b], DIM)) < 1e-5);
            int harder = 0;
            for (int k = 0; k < n_all; k++)
                harder += same ? all[k] < c[i].score - 1e-5 && all[k] > -2 : all[k] > c[i].score + 1e-5;
            CHECK(harder <= (int)i);
        }
    }
    fct_scores_free(s);
}

/* With fewer places than comparisons the rare errors stay exact and the others come near. */
TEST(a_sample_keeps_the_tail_exact) {
    static float rows[N][DIM];
    uint32_t people[N];
    static const double false_accept[] = {0.3, 1e-2, 1e-3};
    fct_scores *whole, *few;
    fct_operating_point a[3], b[3];
    fct_scores_opts o;
    fct_scores_info info;
    fct_interval_opts none;
    fct_interval_opts_init(&none);
    none.replicates = 0;
    fct_scores_opts_init(&o);
    o.keep = 4000;
    make_rows(rows, people);
    REQUIRE(!fct_scores_create(NULL, &whole, NULL));
    REQUIRE(!fct_scores_create(&o, &few, NULL));
    CHECK(!fct_scores_add_all(whole, rows[0], people, N, DIM, NULL));
    CHECK(!fct_scores_add_all(few, rows[0], people, N, DIM, NULL));
    fct_scores_stat(few, &info);
    CHECK(info.sampled);
    REQUIRE(!fct_scores_at_far(whole, false_accept, 3, &none, a, NULL));
    REQUIRE(!fct_scores_at_far(few, false_accept, 3, &none, b, NULL));
    for (int i = 1; i < 3; i++)
        CHECK(a[i].threshold == b[i].threshold && a[i].false_accept.value == b[i].false_accept.value);
    CHECK(fabs(a[0].threshold - b[0].threshold) < 0.02);
    CHECK(isnan(a[0].tar.low));
    fct_scores_free(whole);
    fct_scores_free(few);
}

/* The order in which comparisons come changes nothing, nor does a second run. */
TEST(results_do_not_depend_on_the_order) {
    enum { M = 3000 };
    static fct_comparison c[M];
    fct_operating_point p[2];
    const double false_accept = 0.01;
    for (int turn = 0; turn < 2; turn++) {
        fct_scores *s;
        fct_scores_opts o;
        fct_scores_opts_init(&o);
        o.keep = 500;
        state = 3;
        for (int i = 0; i < M; i++) {
            int at = turn ? M - 1 - i : i;
            bool same = i % 3 == 0;
            c[at] = (fct_comparison){
                (float)round(100 * (normal() + (same ? 2 : 0))) / 100, same, i, i + M, i % 50, i % 50 + !same};
        }
        CHECK(!fct_scores_create(&o, &s, NULL));
        CHECK(!fct_scores_add(s, c, M, NULL));
        CHECK(!fct_scores_at_far(s, &false_accept, 1, NULL, &p[turn], NULL));
        CHECK(fct_scores_add(s, c, 1, NULL) == FCT_ERR_ARG); /* it has been asked */
        fct_scores_free(s);
    }
    CHECK(p[0].threshold == p[1].threshold && p[0].tar.value == p[1].tar.value && p[0].tar.low == p[1].tar.low);
    CHECK(p[0].false_accept.high == p[1].false_accept.high && p[0].errors == p[1].errors);
}

/* ---- Intervals -------------------------------------------------------------------------------- */

/* Independent pairs, each a person of its own: the interval is about that of a binomial share. */
TEST(intervals_are_as_wide_as_they_should_be) {
    enum { M = 1600 };
    static fct_comparison c[M];
    fct_scores *s;
    fct_operating_point p;
    state = 11;
    for (int i = 0; i < M; i++) c[i] = (fct_comparison){i % 10 ? 1 : 0, i < M / 2, i, i, i, i};
    REQUIRE(!fct_scores_create(NULL, &s, NULL));
    REQUIRE(!fct_scores_add(s, c, M, NULL));
    CHECK(!fct_scores_at_threshold(s, 0.5f, NULL, &p, NULL));
    double wide = 1.96 * sqrt(0.9 * 0.1 / (M / 2));
    CHECK(fabs(p.tar.value - 0.9) < 1e-12 && fabs(p.false_accept.value - 0.9) < 1e-12);
    CHECK(fabs(p.tar.high - p.tar.low - 2 * wide) < 0.25 * 2 * wide);
    CHECK(fabs(p.false_accept.high - p.false_accept.low - 2 * wide) < 0.25 * 2 * wide);
    CHECK(!fct_scores_at_threshold(s, 2, NULL, &p, NULL)); /* no false accept: the rule of 3 */
    CHECK(p.false_accept.value == 0 && p.false_accept.low == 0 && fabs(p.false_accept.high - 3.0 / (M / 2)) < 1e-4);
    fct_scores_free(s);
}

/* ---- Curves ------------------------------------------------------------------------------------ */

TEST(the_curve_goes_through_every_score) {
    static const float g[] = {0.9f, 0.8f, 0.8f, 0.3f, NAN}, m[] = {0.8f, 0.5f, 0.3f, 0.1f};
    static const fct_curve_point want[] = {{INFINITY, 0, 1}, {0.9f, 0, 0.8},    {0.8f, 0.25, 0.4},
                                           {0.5f, 0.5, 0.4}, {0.3f, 0.75, 0.2}, {0.1f, 1, 0.2}};
    fct_scores *s;
    fct_curve_point *p;
    size_t n;
    CHECK(!fct_scores_create(NULL, &s, NULL));
    for (int i = 0; i < 5; i++) CHECK(!fct_scores_add(s, &(fct_comparison){g[i], true, 0, 0, 1, 1}, 1, NULL));
    for (int i = 0; i < 4; i++) CHECK(!fct_scores_add(s, &(fct_comparison){m[i], false, 0, 0, 1, 2}, 1, NULL));
    CHECK(!fct_scores_curve(s, 0, &p, &n, NULL));
    CHECK((long long)(n) == (long long)(6));
    for (size_t i = 0; i < 6 && i < n; i++)
        CHECK(p[i].threshold == want[i].threshold && fabs(p[i].accepts - want[i].accepts) < 1e-12 &&
              fabs(p[i].rejects - want[i].rejects) < 1e-12);
    fct_curve_free(p);
    float at;
    CHECK(fabs(fct_scores_equal_error(s, &at) - 0.4) < 1e-9); /* rejects stay 0.4 while accepts go from 0.25 to 0.5 */
    CHECK(at == 0.5f);
    fct_scores_free(s);
}

TEST(a_thin_curve_keeps_its_ends) {
    static float rows[N][DIM];
    uint32_t people[N];
    fct_scores *s;
    fct_curve_point *p, *all;
    size_t n, n_all;
    make_rows(rows, people);
    REQUIRE(!fct_scores_create(NULL, &s, NULL));
    REQUIRE(!fct_scores_add_all(s, rows[0], people, N, DIM, NULL));
    REQUIRE(!fct_scores_curve(s, 0, &all, &n_all, NULL));
    REQUIRE(!fct_scores_curve(s, 200, &p, &n, NULL));
    CHECK(n_all > 10000 && n <= 200 && n > 60);
    CHECK(isinf(p[0].threshold) && p[n - 1].threshold == all[n_all - 1].threshold);
    for (size_t i = 0, k = 0; i < n; i++) {
        while (k < n_all && all[k].threshold != p[i].threshold) k++;
        CHECK(k < n_all);
    }
    fct_curve_free(p);
    fct_curve_free(all);
    fct_scores_free(s);
    CHECK(!fct_scores_create(NULL, &s, NULL));
    CHECK(fct_scores_curve(s, 0, &p, &n, NULL) == FCT_ERR_ARG && p == NULL);
    fct_scores_free(s);
}

TEST(accuracy_uses_the_threshold_of_the_other_folds) {
    enum { M = 400 };
    float scores[M];
    bool same[M];
    uint8_t fold[M];
    double mean, deviation, sum = 0;
    state = 5;
    for (int i = 0; i < M; i++) {
        same[i] = i % 2;
        fold[i] = (uint8_t)(i / 2 % 10);
        scores[i] = i % 97 == 0 ? NAN : (float)(round(20 * (normal() + 1.8 * same[i])) / 20);
    }
    for (int f = 0; f < 10; f++) { /* the same, tried out */
        int best = -1, right = 0, of = 0;
        float t = 0;
        for (int k = 0; k < M; k++) {
            int r = 0;
            if (fold[k] == f || isnan(scores[k])) continue;
            for (int i = 0; i < M; i++) r += fold[i] != f && !isnan(scores[i]) && (scores[i] >= scores[k]) == same[i];
            if (r > best || (r == best && scores[k] < t)) best = r, t = scores[k];
        }
        for (int i = 0; i < M; i++) {
            of += fold[i] == f;
            right += fold[i] == f && !isnan(scores[i]) && (scores[i] >= t) == same[i];
        }
        sum += (double)right / of;
    }
    CHECK(!fct_pair_accuracy(scores, same, fold, M, 10, &mean, &deviation, NULL));
    CHECK(fabs(mean - sum / 10) < 1e-12);
    CHECK(deviation > 0 && deviation < 0.2);
    fold[3] = 10;
    CHECK(fct_pair_accuracy(scores, same, fold, M, 10, &mean, &deviation, NULL) == FCT_ERR_ARG);
}

/* ---- Searches ------------------------------------------------------------------------------------ */

/* The same split, found out from the outside: the first picture with a face of everybody who is known. */
static void check_searches(float rows[N][DIM], const uint32_t people[N], const bool known[PEOPLE],
                           fct_identification *x) {
    int enrolled[PEOPLE], probes = 0, first = 0, others = 0;
    static float alarms[N];
    for (int p = 0; p < PEOPLE; p++) enrolled[p] = -1;
    for (int i = N - 1; i >= 0; i--)
        if (known[people[i]] && has_face(i)) enrolled[people[i]] = i;
    for (int i = 0; i < N; i++) {
        float own = -2, top = -2;
        if (i == enrolled[people[i]]) continue;
        for (int p = 0; p < PEOPLE && has_face(i); p++) {
            if (enrolled[p] < 0) continue;
            float s = fct_cosine(rows[i], rows[enrolled[p]], DIM);
            if (p == (int)people[i]) own = s;
            else if (s > top) top = s;
        }
        if (known[people[i]]) probes++, first += own > top;
        else if (has_face(i)) alarms[others++] = top;
    }
    fct_rate r;
    fct_operating_point p;
    fct_identification_info info;
    fct_identification_stat(x, &info);
    CHECK((long long)(info.probes) == (long long)(probes));
    CHECK((long long)(info.others - info.failed_others) == (long long)(others));
    CHECK(!fct_identification_at_rank(x, 1, NULL, &r, NULL));
    CHECK(fabs(r.value - (double)first / probes) < 1e-12);
    CHECK(r.low <= r.value && r.value <= r.high);
    CHECK(!fct_identification_at_rank(x, PEOPLE, NULL, &r, NULL));
    CHECK(fabs(r.value - (double)(info.probes - info.failed_probes) / probes) < 1e-12);
    const double fpir = 0.1;
    CHECK(!fct_identification_at_fpir(x, &fpir, 1, NULL, &p, NULL));
    int above = 0;
    for (int i = 0; i < others; i++) above += alarms[i] >= p.threshold + 2e-6f;
    CHECK((long long)(p.errors) == (long long)(above));
    CHECK(p.false_accept.value <= 0.1 && (above + 1) / (double)info.others > 0.1);
}

TEST(searches_are_counted_as_they_go) {
    static float rows[N][DIM];
    uint32_t people[N];
    int pictures[PEOPLE] = {0}, single = 0, present = 0;
    bool known[PEOPLE];
    fct_identification *x;
    fct_identification_opts o;
    make_rows(rows, people);
    for (int i = 0; i < N; i++) pictures[people[i]]++;
    for (int p = 0; p < PEOPLE; p++) known[p] = pictures[p] > 1, single += pictures[p] == 1, present += pictures[p] > 0;
    fct_identification_opts_init(&o);
    o.stranger_share = 0; /* only who has one picture is a stranger */
    CHECK(!fct_identification_run(rows[0], people, N, DIM, &o, &x, NULL));
    fct_identification_info info;
    fct_identification_stat(x, &info);
    CHECK((long long)(info.strangers) == (long long)(single));
    CHECK((long long)(info.known) == (long long)(present - single));
    check_searches(rows, people, known, x);
    fct_identification_free(x);
    o.stranger_share = 0.5;
    CHECK(!fct_identification_run(rows[0], people, N, DIM, &o, &x, NULL));
    fct_identification_stat(x, &info);
    CHECK((long long)(info.strangers) == (long long)((present + 1) / 2));
    CHECK((long long)(info.known + info.strangers) == (long long)(present));
    CHECK((long long)(info.enrolled + info.probes + info.others) == (long long)(N));
    fct_identification_free(x);
}

TEST(wrong_calls_are_refused) {
    fct_scores *s;
    fct_error e;
    float row[2] = {1, 0};
    uint32_t far_away = 1u << 24, person = 0;
    fct_identification *x;
    fct_operating_point p;
    const double false_accept = 2;
    CHECK(!fct_scores_create(NULL, &s, &e));
    CHECK(fct_scores_add_all(s, row, &far_away, 1, 2, &e) == FCT_ERR_ARG);
    CHECK(fct_scores_at_far(s, &false_accept, 1, NULL, &p, &e) == FCT_ERR_ARG);
    CHECK(isnan(fct_scores_equal_error(s, NULL)));
    fct_scores_free(s);
    CHECK(fct_identification_run(row, &person, 1, 2, NULL, &x, &e) == FCT_ERR_ARG && !x);
    fct_scores_opts o;
    fct_scores_opts_init(&o);
    o.keep = 1;
    CHECK(fct_scores_create(&o, &s, &e) == FCT_ERR_ARG && !s);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

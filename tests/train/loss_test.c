/* Losses: gradients against central differences in double precision, and values
 * against the formulas written out. */
#include "train/loss.h"
#include "train/optim.h"
#include "../test.h"
#include <math.h>

enum { N = 7, DIM = 21, LD = 32, CLASSES = 9 };

static void random_rows(fct_rng *r, int n, int dim, int ld, double *p) {
    memset(p, 0, (size_t)n * ld * sizeof *p);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < dim; k++) p[i * ld + k] = fct_rng_normal(r);
}

/* ---- Distillation ---- */

typedef struct distill_rig {
    double z[N * LD], t[N * LD], grad[N * LD];
    fct_distill o;
} distill_rig;

static double distill(distill_rig *r, bool gradient) {
    double u[N * LD], norm[N], g[N * LD] = {0}, parts[2];
    bool used[N];
    fct_unit_rows(N, DIM, LD, r->z, u, norm);
    double loss = fct_loss_distill(&r->o, N, DIM, LD, u, r->t, g, parts, used);
    if (gradient) fct_unit_rows_back(N, DIM, LD, u, norm, g, r->grad);
    return loss;
}

TEST(distillation_gradient) {
    fct_rng rng = {1};
    distill_rig r = {.o = {3, 2}};
    double norm[N];
    random_rows(&rng, N, DIM, LD, r.z);
    random_rows(&rng, N, DIM, LD, r.t);
    memset(r.t + 2 * LD, 0, LD * sizeof *r.t); /* a sample without a teacher */
    fct_unit_rows(N, DIM, LD, r.t, r.t, norm);
    distill(&r, true);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < DIM; k++) {
            double keep = r.z[i * LD + k], eps = 1e-5;
            r.z[i * LD + k] = keep + eps;
            double up = distill(&r, false);
            r.z[i * LD + k] = keep - eps;
            double down = distill(&r, false);
            r.z[i * LD + k] = keep;
            double want = (up - down) / (2 * eps);
            CHECK_MSG(fabs(want - r.grad[i * LD + k]) < 1e-8 * (1 + fabs(want)), "row %d: %g, difference %g", i,
                      r.grad[i * LD + k], want);
            if (i == 2) CHECK(r.grad[i * LD + k] == 0);
        }
}

TEST(distillation_value) {
    /* Student equal to the teacher: nothing to lose. At right angles: 1. */
    double u[2 * LD] = {0}, t[2 * LD] = {0}, g[2 * LD] = {0}, parts[2];
    bool used[2];
    u[0] = 1, u[LD + 1] = 1, t[0] = 1, t[LD + 1] = 1;
    CHECK(fabs(fct_loss_distill(&(fct_distill){1, 1}, 2, DIM, LD, u, t, g, parts, used)) < 1e-15);
    t[LD] = 1, t[LD + 1] = 0; /* the teacher sees two equal rows, the student orthogonal ones */
    double loss = fct_loss_distill(&(fct_distill){1, 10}, 2, DIM, LD, u, t, g, parts, used);
    CHECK(fabs(parts[0] - 0.5) < 1e-15 && fabs(parts[1] - 1) < 1e-15 && fabs(loss - 10.5) < 1e-14);
}

/* ---- Margins ---- */

typedef struct margin_rig {
    fct_margin *m;
    double z[N * LD], grad[N * LD], centers[CLASSES * 3 * DIM], grad_centers[CLASSES * 3 * DIM];
    double picture[N * LD], classes[CLASSES * DIM]; /* what a teacher says */
    fct_margin_like alike, *like;                   /* like: &alike, or NULL */
    int label[N], n_chosen;
} margin_rig;

/* Makes a teacher's answers: class j is like pictures j and j + 1, but for chance. */
static void make_like(margin_rig *r, fct_rng *rng) {
    double norm[CLASSES];
    random_rows(rng, N, DIM, LD, r->picture);
    random_rows(rng, CLASSES, DIM, DIM, r->classes);
    fct_unit_rows(N, DIM, LD, r->picture, r->picture, norm);
    for (int j = 0; j < CLASSES; j++)
        for (int d = 0; d < DIM; d++)
            r->classes[j * DIM + d] =
                0.02 * r->classes[j * DIM + d] + r->picture[j % N * LD + d] + r->picture[(j + 1) % N * LD + d];
    fct_unit_rows(CLASSES, DIM, DIM, r->classes, r->classes, norm);
    r->alike = (fct_margin_like){r->picture, r->classes};
    r->like = &r->alike;
}

static double margin_loss(margin_rig *r, bool gradient) {
    double u[N * LD], norm[N], g[N * LD] = {0}, gc[CLASSES * 3 * DIM] = {0};
    fct_rng rng = {5};
    const int *chosen;
    fct_unit_rows(N, DIM, LD, r->z, u, norm);
    double loss =
        fct_loss_margin(r->m, 0.7, N, LD, u, r->label, r->like, r->centers, g, gc, &rng, &chosen, &r->n_chosen);
    if (gradient) {
        fct_unit_rows_back(N, DIM, LD, u, norm, g, r->grad);
        memcpy(r->grad_centers, gc, sizeof gc);
    }
    return loss;
}

static double derivative(margin_rig *r, double *x) {
    double keep = *x, eps = 1e-6;
    *x = keep + eps;
    double up = margin_loss(r, false);
    *x = keep - eps;
    double down = margin_loss(r, false);
    *x = keep;
    return (up - down) / (2 * eps);
}

static void check_margin(const char *what, fct_margin_opts o) {
    fct_rng rng = {3};
    margin_rig r = {0};
    int k = o.subcenters, wrong = 0;
    REQUIRE(fct_margin_create(&o, CLASSES, DIM, N, &r.m, NULL) == FCT_OK);
    random_rows(&rng, N, DIM, LD, r.z);
    random_rows(&rng, CLASSES * k, DIM, DIM, r.centers);
    if (o.alike < 1) make_like(&r, &rng);
    for (int i = 0; i < N; i++) r.label[i] = i == 4 ? -1 : (i * 5) % CLASSES;
    margin_loss(&r, true);
    for (int i = 0; i < N * DIM; i++) {
        double *x = &r.z[i / DIM * LD + i % DIM], got = r.grad[i / DIM * LD + i % DIM], want = derivative(&r, x);
        wrong += fabs(want - got) > 1e-6 * (1 + fabs(want));
    }
    for (int i = 0; i < CLASSES * k * DIM; i++) {
        double want = derivative(&r, &r.centers[i]);
        wrong += fabs(want - r.grad_centers[i]) > 1e-6 * (1 + fabs(want));
    }
    CHECK_MSG(wrong == 0, "%s: %d derivatives differ", what, wrong);
    CHECK_MSG(o.sample == 1 ? r.n_chosen == CLASSES : r.n_chosen < CLASSES, "%s: %d classes", what, r.n_chosen);
    fct_margin_free(r.m);
}

TEST(margin_gradients) {
    fct_margin_opts o = {.scale = 8, .m1 = 1, .branch = FCT_MARGIN_PLAIN, .subcenters = 1, .sample = 1, .alike = 1};
    check_margin("softmax", o);
    check_margin("cosface", (o.m3 = 0.35, o));
    check_margin("arcface", (o.m3 = 0, o.m2 = 0.5, o.branch = FCT_MARGIN_LINEAR, o));
    check_margin("arcface, easy", (o.branch = FCT_MARGIN_EASY, o));
    check_margin("combined", (o.m2 = 0.3, o.m3 = 0.2, o.branch = FCT_MARGIN_MONOTONIC, o));
    check_margin("sphereface", (o.m1 = 4, o.m2 = 0, o.m3 = 0, o));
    check_margin("sub-centers", (o.m1 = 1, o.m2 = 0.5, o.subcenters = 3, o));
    check_margin("partial fc", (o.subcenters = 1, o.sample = 0.8, o));
    check_margin("alike classes", (o.sample = 1, o.subcenters = 2, o.alike = 0.5, o));
}

/* psi by the papers' words, for the settings below. */
static double plain_psi(const fct_margin_opts *o, double c) {
    double t = acos(c);
    if (o->branch == FCT_MARGIN_EASY) return c > 0 ? cos(t + o->m2) : c;
    if (o->branch == FCT_MARGIN_LINEAR)
        return t + o->m2 <= acos(-1) ? cos(t + o->m2) - o->m3 : c - o->m2 * sin(o->m2) - o->m3;
    return cos(o->m1 * t + o->m2) - o->m3;
}

static double cosine_of(const double *a, const double *b) {
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < DIM; k++) ab += a[k] * b[k], aa += a[k] * a[k], bb += b[k] * b[k];
    return ab / sqrt(aa * bb);
}

/* The loss by plain loops over all centers of the classes in the softmax. */
static double plain_loss(const margin_rig *r, const fct_margin_opts *o, const int *chosen, int n_chosen) {
    double loss = 0;
    int labeled = 0;
    for (int i = 0; i < N; i++) {
        double sum = 0, target = 0;
        if (r->label[i] < 0) continue;
        labeled++;
        for (int j = 0; j < n_chosen; j++) {
            double best = -2, logit;
            if (o->alike < 1 && chosen[j] != r->label[i] &&
                cosine_of(r->picture + i * LD, r->classes + chosen[j] * DIM) > o->alike)
                continue;
            for (int q = 0; q < o->subcenters; q++)
                best = fmax(best, cosine_of(r->z + i * LD, r->centers + (chosen[j] * o->subcenters + q) * DIM));
            logit = o->scale * (chosen[j] == r->label[i] ? plain_psi(o, best) : best);
            if (chosen[j] == r->label[i]) target = logit;
            sum += exp(logit);
        }
        loss += log(sum) - target;
    }
    return loss / labeled;
}

static void check_value(const char *what, fct_margin_opts o) {
    fct_rng rng = {8}, sampling = {5};
    margin_rig r = {0};
    double u[N * LD], norm[N], g[N * LD] = {0}, gc[CLASSES * 3 * DIM] = {0};
    int seen[CLASSES] = {0};
    const int *chosen;
    REQUIRE(fct_margin_create(&o, CLASSES, DIM, N, &r.m, NULL) == FCT_OK);
    random_rows(&rng, N, DIM, LD, r.z);
    random_rows(&rng, CLASSES * o.subcenters, DIM, DIM, r.centers);
    if (o.alike < 1) make_like(&r, &rng);
    for (int i = 0; i < N; i++) r.label[i] = i == 4 ? -1 : (i * 5) % 6;
    fct_unit_rows(N, DIM, LD, r.z, u, norm);
    double got =
        fct_loss_margin(r.m, 0.7, N, LD, u, r.label, r.like, r.centers, g, gc, &sampling, &chosen, &r.n_chosen);
    double want = 0.7 * plain_loss(&r, &o, chosen, r.n_chosen);
    CHECK_MSG(fabs(got - want) < 1e-10 * want, "%s: %.12g, plain loops %.12g", what, got, want);
    CHECK_MSG(r.n_chosen == (int)(o.sample * CLASSES + 0.5), "%s: %d classes in the softmax", what, r.n_chosen);
    for (int j = 0; j < r.n_chosen; j++) CHECK_MSG(!seen[chosen[j]]++, "%s: class %d twice", what, chosen[j]);
    for (int i = 0; i < N; i++)
        CHECK_MSG(r.label[i] < 0 || seen[r.label[i]], "%s: a sample's class was left out", what);
    fct_margin_free(r.m);
}

TEST(margin_values) {
    fct_margin_opts o = {.scale = 8, .m1 = 1, .branch = FCT_MARGIN_PLAIN, .subcenters = 1, .sample = 1, .alike = 1};
    check_value("softmax", o);
    check_value("cosface", (o.m3 = 0.35, o));
    check_value("arcface", (o.m3 = 0, o.m2 = 0.5, o.branch = FCT_MARGIN_LINEAR, o));
    check_value("arcface, angles beyond pi", (o.m2 = 1.4, o));
    check_value("easy margin", (o.m2 = 0.5, o.branch = FCT_MARGIN_EASY, o));
    check_value("sub-centers", (o.branch = FCT_MARGIN_LINEAR, o.subcenters = 3, o));
    check_value("partial fc", (o.subcenters = 1, o.sample = 0.8, o));
    check_value("partial fc with sub-centers", (o.subcenters = 2, o));
    check_value("alike classes", (o.sample = 1, o.subcenters = 1, o.alike = 0.5, o));
    check_value("alike classes, partial fc, sub-centers", (o.sample = 0.8, o.subcenters = 2, o));
}

TEST(psi) {
    fct_margin_opts o;
    double d;
    fct_margin_opts_init(&o); /* ArcFace, m = 0.5 */
    CHECK(fabs(fct_margin_psi(&o, cos(1.0), &d) - cos(1.5)) < 1e-12);
    CHECK(fabs(d - sin(1.5) / sin(1.0)) < 1e-12);
    /* Past pi the order is kept: psi falls as the angle grows. */
    o.branch = FCT_MARGIN_MONOTONIC;
    for (double a = 0.01, before = 2; a < 3.1; a += 0.01) {
        double p = fct_margin_psi(&o, cos(a), &d);
        CHECK(p < before);
        before = p;
    }
    o.branch = FCT_MARGIN_LINEAR;
    CHECK(fabs(fct_margin_psi(&o, -1, &d) - (-1 - 0.5 * sin(0.5))) < 1e-9 && d == 1);
    o.surrogate = true;
    fct_margin_psi(&o, 0.3, &d);
    CHECK(d == 1);
    /* SphereFace, eq. 7: (-1)^k cos(4 theta) - 2k. */
    o = (fct_margin_opts){.m1 = 4, .branch = FCT_MARGIN_MONOTONIC};
    CHECK(fabs(fct_margin_psi(&o, cos(2.0), &d) - (cos(8.0) - 4)) < 1e-12);
}

/* Mean loss at the start: embeddings at right angles to all centers but with
 * the loss's own margin; 2,900 classes as the default pack has. */
TEST(initial_values) {
    fct_margin_opts o;
    double d;
    fct_margin_opts_init(&o);
    double arc = log(2899 + exp(64 * fct_margin_psi(&o, 0, &d))) - 64 * fct_margin_psi(&o, 0, &d);
    CHECK_MSG(fabs(arc - 38.7) < 0.1, "ArcFace %g", arc);
    o.scale = 32, o.m2 = 0, o.m3 = 0.2;
    double cosface = log(2899 + exp(32 * fct_margin_psi(&o, 0, &d))) - 32 * fct_margin_psi(&o, 0, &d);
    CHECK_MSG(fabs(cosface - 14.4) < 0.1, "CosFace %g", cosface);
}

/* ---- Optimizer ---- */

TEST(momentum_by_hand) {
    fct_optim o = {.momentum = 0.9};
    double g[1] = {2}, w[1] = {1}, v[1] = {0.5};
    fct_sgd_step(&o, 0.1, 0.01, 0.5, 1, g, w, v); /* g = 1 + 0.01; v = 0.45 + 1.01 */
    CHECK(fabs(v[0] - 1.46) < 1e-12 && fabs(w[0] - (1 - 0.146)) < 1e-12);
    o.nesterov = true;
    w[0] = 1, v[0] = 0.5;
    fct_sgd_step(&o, 0.1, 0.01, 0.5, 1, g, w, v);
    CHECK(fabs(w[0] - (1 - 0.1 * (1.01 + 0.9 * 1.46))) < 1e-12);
}

TEST(schedules) {
    fct_optim o = {.lr = 1, .warmup = 10, .total = 110, .power = 2};
    CHECK(fabs(fct_optim_lr(&o, 0) - 0.1) < 1e-12 && fabs(fct_optim_lr(&o, 9) - 1) < 1e-12);
    CHECK(fabs(fct_optim_lr(&o, 60) - 0.5) < 1e-12 && fabs(fct_optim_lr(&o, 110)) < 1e-12);
    o.schedule = FCT_SCHEDULE_POLY;
    CHECK(fabs(fct_optim_lr(&o, 60) - 0.25) < 1e-12);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

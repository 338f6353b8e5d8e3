/* Every algorithm of fct_conv, at every CPU level, against plain sums in double
 * on unblocked arrays. */
#include "../test.h"
#include "conv_case.h"

static const fct_cpu_level levels[] = {FCT_CPU_C,          FCT_CPU_SSE41,        FCT_CPU_AVX2, FCT_CPU_AVX512,
                                       FCT_CPU_AVX512VNNI, FCT_CPU_AVX512POPCNT, FCT_CPU_NEON};
#define LEVELS ((int)(sizeof levels / sizeof *levels))

static void run_level(const conv_case *t, const fct_kernel_table *k, fct_precision precision) {
    const char *names[16];
    fct_conv *c = conv_case_create(t, k, precision);
    REQUIRE(c);
    int n = fct_conv_algorithms(c, names, 16);
    CHECK(n >= 1);
    fct_conv_free(c);
    for (int i = 0; i <= n; i++) { /* the last round takes the choice of the library */
        double e = conv_case_error(t, k, precision, i < n ? names[i] : NULL);
        double limit = precision == FCT_PRECISION_EXACT ? 1e-5 : 1e-4;
        if (i < n && strstr(names[i], "half")) limit = 2e-3;
        if (i < n && strstr(names[i], "int16")) limit = 5e-4;
        if (i == n && precision == FCT_PRECISION_FAST) limit = 2e-3;
        CHECK_MSG(e < limit, "%s, level %s, algorithm %s: error %g", conv_case_name(t), fct_cpu_level_name(k->level),
                  i < n ? names[i] : "chosen", e);
    }
}

static void run_cases(const conv_case *cases, int n) {
    for (int l = 0; l < LEVELS; l++) {
        const fct_kernel_table *k = fct_kernels_at(levels[l]);
        if (!k) continue;
        for (int i = 0; i < n; i++) {
            run_level(&cases[i], k, FCT_PRECISION_FAST);
            run_level(&cases[i], k, FCT_PRECISION_EXACT);
        }
    }
}

#define RUN(cases) run_cases(cases, (int)(sizeof(cases) / sizeof *(cases)))

/* n, ic, oc, groups, kernel, stride, dilation, pad, ih, iw, act, add, flags */
TEST(pointwise) {
    static const conv_case cases[] = {
        {1, 8, 8, 1, 1, 1, 1, 0, 5, 7, FCT_ACT_NONE, 0, 0},
        {1, 28, 56, 1, 1, 1, 1, 0, 9, 9, FCT_ACT_RELU, FCT_ADD_BEFORE_ACT, 0},
        {1, 64, 40, 1, 1, 2, 1, 0, 13, 15, FCT_ACT_NONE, 0, CASE_SCALE},
        {3, 130, 33, 1, 1, 1, 1, 0, 7, 7, FCT_ACT_PRELU, FCT_ADD_AFTER_ACT, 0},
        {2, 600, 72, 1, 1, 1, 1, 0, 1, 1, FCT_ACT_CLIP, 0, 0},
        {1, 16, 56, 1, 1, 1, 1, 0, 20, 22, FCT_ACT_NONE, FCT_ADD_AFTER_ACT, CASE_UP2},
        {1, 5, 3, 1, 1, 1, 1, 0, 3, 1, FCT_ACT_SIGMOID, 0, 0},
        {2, 16, 90, 1, 1, 1, 1, 0, 9, 5, FCT_ACT_LEAKY, FCT_ADD_BEFORE_ACT, CASE_UP2},
        {1, 700, 8, 1, 1, 1, 1, 0, 11, 13, FCT_ACT_PRELU, FCT_ADD_BEFORE_ACT, CASE_SCALE},
    };
    RUN(cases);
}

TEST(spatial) {
    static const conv_case cases[] = {
        {1, 8, 16, 1, 3, 1, 1, 1, 6, 6, FCT_ACT_RELU, 0, 0},
        {1, 12, 12, 1, 3, 1, 1, 1, 17, 19, FCT_ACT_RELU, FCT_ADD_BEFORE_ACT, 0},
        {1, 56, 88, 1, 3, 2, 1, 1, 16, 18, FCT_ACT_RELU, 0, 0},
        {2, 32, 24, 1, 3, 1, 1, 1, 14, 14, FCT_ACT_PRELU, FCT_ADD_AFTER_ACT, CASE_SCALE},
        {5, 24, 40, 1, 3, 1, 1, 1, 7, 7, FCT_ACT_NONE, FCT_ADD_AFTER_ACT, CASE_SCALE},
        {1, 20, 30, 1, 3, 1, 1, 0, 9, 31, FCT_ACT_CLIP, 0, 0},
        {1, 9, 10, 1, 5, 2, 1, 2, 11, 10, FCT_ACT_LEAKY, 0, 0},
        {1, 16, 8, 1, 3, 1, 2, 2, 12, 13, FCT_ACT_SIGMOID, 0, 0},
        {1, 40, 16, 1, 3, 3, 1, 1, 10, 10, FCT_ACT_NONE, 0, CASE_SCALE},
        {3, 16, 70, 1, 7, 1, 1, 0, 7, 7, FCT_ACT_NONE, 0, 0},
        {2, 17, 19, 1, 3, 1, 1, 1, 5, 6, FCT_ACT_RELU, FCT_ADD_AFTER_ACT, CASE_UP2},
        {1, 8, 8, 1, 3, 1, 1, 1, 1, 1, FCT_ACT_NONE, 0, 0},
        {1, 8, 8, 1, 3, 1, 1, 1, 2, 3, FCT_ACT_NONE, 0, 0},
        {1, 30, 17, 1, 3, 1, 1, 1, 13, 26, FCT_ACT_PRELU, FCT_ADD_BEFORE_ACT, CASE_SCALE},
        {1, 33, 64, 1, 3, 1, 1, 1, 25, 21, FCT_ACT_RELU, FCT_ADD_BEFORE_ACT, 0},
        /* half a block of channels, with an even and an odd number of tiles */
        {1, 24, 24, 1, 3, 1, 1, 1, 16, 24, FCT_ACT_RELU, 0, 0},
        {1, 24, 20, 1, 3, 1, 1, 1, 12, 12, FCT_ACT_NONE, FCT_ADD_AFTER_ACT, CASE_SCALE},
        {3, 4, 40, 1, 3, 1, 1, 0, 15, 17, FCT_ACT_CLIP, FCT_ADD_BEFORE_ACT, CASE_UP2},
    };
    RUN(cases);
}

/* Wide enough for weights in fp16. */
TEST(wide) {
    static const conv_case cases[] = {
        {1, 256, 272, 1, 3, 1, 1, 1, 7, 7, FCT_ACT_PRELU, FCT_ADD_AFTER_ACT, CASE_SCALE},
        {2, 260, 256, 1, 3, 2, 1, 1, 9, 8, FCT_ACT_RELU, 0, 0},
        {1, 256, 256, 1, 1, 1, 1, 0, 5, 5, FCT_ACT_NONE, FCT_ADD_BEFORE_ACT, 0},
    };
    RUN(cases);
}

TEST(stem) {
    static const conv_case cases[] = {
        {1, 3, 16, 1, 3, 2, 1, 1, 20, 34, FCT_ACT_RELU, 0, CASE_PLANAR},
        {2, 3, 64, 1, 3, 1, 1, 1, 9, 11, FCT_ACT_PRELU, 0, CASE_PLANAR | CASE_SCALE},
        {1, 3, 33, 1, 7, 2, 1, 3, 23, 25, FCT_ACT_RELU, 0, CASE_PLANAR | CASE_SCALE},
        {1, 1, 5, 1, 3, 1, 1, 1, 4, 4, FCT_ACT_NONE, 0, CASE_PLANAR},
        {1, 4, 12, 1, 1, 1, 1, 0, 6, 7, FCT_ACT_NONE, FCT_ADD_AFTER_ACT, CASE_PLANAR},
        {1, 3, 130, 1, 3, 2, 1, 1, 17, 13, FCT_ACT_LEAKY, FCT_ADD_BEFORE_ACT, CASE_PLANAR},
        {1, 3, 8, 1, 3, 3, 2, 2, 17, 13, FCT_ACT_NONE, 0, CASE_PLANAR},
        {1, 3, 40, 1, 16, 16, 1, 0, 33, 48, FCT_ACT_NONE, 0, CASE_PLANAR},            /* a transformer's patches */
        {1, 3, 2, 1, 19, 8, 1, 9, 31, 40, FCT_ACT_NONE, 0, CASE_PLANAR | CASE_SCALE}, /* a template */
        {1, 4, 9, 1, 18, 5, 1, 3, 30, 27, FCT_ACT_RELU, 0, CASE_PLANAR},              /* too deep for a stem */
    };
    RUN(cases);
}

TEST(grouped) {
    static const conv_case cases[] = {
        {1, 16, 16, 16, 3, 1, 1, 1, 7, 9, FCT_ACT_PRELU, 0, 0},
        {2, 40, 40, 40, 3, 2, 1, 1, 14, 15, FCT_ACT_RELU, FCT_ADD_BEFORE_ACT, 0},
        {1, 24, 24, 24, 5, 1, 1, 2, 9, 8, FCT_ACT_CLIP, 0, 0},
        {2, 72, 72, 72, 7, 1, 1, 0, 7, 7, FCT_ACT_NONE, 0, 0},
        {1, 19, 19, 19, 3, 1, 1, 1, 1, 3, FCT_ACT_NONE, FCT_ADD_AFTER_ACT, CASE_SCALE},
        {1, 17, 17, 17, 3, 1, 2, 2, 12, 11, FCT_ACT_SIGMOID, 0, 0},
        {1, 16, 16, 16, 7, 2, 1, 3, 12, 21, FCT_ACT_LEAKY, 0, 0},
        {1, 32, 32, 16, 3, 1, 1, 1, 8, 8, FCT_ACT_PRELU, 0, 0},
        {2, 38, 38, 19, 3, 1, 1, 1, 9, 21, FCT_ACT_PRELU, FCT_ADD_BEFORE_ACT, 0},
        {1, 20, 20, 10, 3, 2, 1, 1, 9, 8, FCT_ACT_RELU, 0, 0},
        {1, 28, 28, 7, 3, 1, 1, 1, 11, 13, FCT_ACT_PRELU, FCT_ADD_AFTER_ACT, 0},
        {2, 36, 36, 9, 5, 2, 1, 2, 10, 9, FCT_ACT_CLIP, 0, 0},
        {1, 4, 4, 1, 3, 1, 1, 1, 6, 5, FCT_ACT_NONE, 0, 0},
        {2, 128, 128, 64, 3, 1, 1, 1, 6, 9, FCT_ACT_PRELU, FCT_ADD_AFTER_ACT, 0},
        {1, 12, 24, 3, 3, 1, 1, 1, 8, 8, FCT_ACT_NONE, 0, 0},
        {1, 64, 96, 2, 3, 2, 1, 1, 8, 8, FCT_ACT_RELU, 0, 0},
        {1, 8, 16, 8, 3, 1, 1, 1, 8, 8, FCT_ACT_RELU, 0, 0},
    };
    RUN(cases);
}

/* A few hundred shapes that nobody thought of; the seed makes them the same everywhere. */
TEST(random) {
    uint32_t seed = 12345;
    for (int i = 0; i < 150; i++) {
        conv_case t = conv_case_random(&seed);
        for (int l = 0; l < LEVELS; l++) {
            const fct_kernel_table *k = fct_kernels_at(levels[l]);
            if (k) run_level(&t, k, i & 1 ? FCT_PRECISION_FAST : FCT_PRECISION_EXACT);
        }
    }
}

TEST(refuses) {
    static const float w[64] = {0};
    fct_error err;
    fct_conv *c = NULL;
    fct_conv_spec s = {
        .name = "x", .ic = 4, .oc = 4, .groups = 3, .kh = 1, .kw = 1, .sh = 1, .sw = 1, .dh = 1, .dw = 1, .weight = w};
    CHECK(fct_conv_create(&s, &c, &err) == FCT_ERR_UNSUPPORTED && !c);
    s.groups = 1;
    REQUIRE(fct_conv_create(&s, &c, &err) == FCT_OK);
    fct_conv_plan *p = NULL;
    CHECK(fct_conv_plan_create(c, 1, 1 << 20, 1 << 20, NULL, &p, &err) == FCT_ERR_UNSUPPORTED && !p);
    CHECK(fct_conv_plan_create(c, 1, 4, 4, "no-such", &p, &err) == FCT_ERR_UNSUPPORTED && !p);
    CHECK(fct_conv_plan_create(c, 0, 4, 4, NULL, &p, &err) == FCT_ERR_UNSUPPORTED && !p);
    fct_conv_free(c);
    s.kh = s.kw = 4;
    s.ic = 1, s.oc = 4;
    REQUIRE(fct_conv_create(&s, &c, &err) == FCT_OK);
    CHECK(fct_conv_plan_create(c, 1, 3, 9, NULL, &p, &err) == FCT_ERR_UNSUPPORTED && !p);
    fct_conv_free(c);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Products of 16-bit integers on the values that come nearest to overflowing, at
 * every CPU level: weights parallel to the pixel, single large values, nothing at
 * all, and what is not finite. */
#include "../test.h"
#include "kernels/kernels.h"
#include "ops/int16.h"
#include "base/alloc.h"
#include <math.h>

static const fct_cpu_level levels[] = {FCT_CPU_C,          FCT_CPU_SSE41,        FCT_CPU_AVX2, FCT_CPU_AVX512,
                                       FCT_CPU_AVX512VNNI, FCT_CPU_AVX512POPCNT, FCT_CPU_NEON};
#define LEVELS ((int)(sizeof levels / sizeof *levels))

enum { PIXELS = 75, K_MOST = 200, LANES = 2 * FCT_CB_MAX };

typedef enum filling { PARALLEL, OPPOSITE, ONE_LARGE, CONSTANT, RANDOM, FILLINGS } filling;

static uint32_t seed = 7;
static float noise(void) { return (float)((seed = seed * 1664525u + 1013904223u) >> 8) / 8388608.0f - 1; }

/* x[pixel][k], w[lane][k]; lane l is meant for pixel l % PIXELS. */
static void fill(filling how, int k, float x[PIXELS][K_MOST], float w[LANES][K_MOST]) {
    for (int p = 0; p < PIXELS; p++)
        for (int i = 0; i < k; i++) {
            x[p][i] = noise() * (p == 4 ? 1e12f : 1);
            /* Small, but above 1e-15: a row of weights below that is taken for nothing. */
            if (p == 3) x[p][i] = copysignf(0.1f + fabsf(x[p][i]), x[p][i]) * 1e-12f;
            if (how == CONSTANT) x[p][i] = 3;
            if (how == ONE_LARGE) x[p][i] = i == p % k ? 1000 : noise() * .01f;
            if (p == 5) x[p][i] = 0;
        }
    for (int l = 0; l < LANES; l++)
        for (int i = 0; i < k; i++) {
            const float v = x[l % PIXELS][i];
            w[l][i] = how == RANDOM ? noise() : how == OPPOSITE ? -v : v;
        }
}

typedef struct buffers {
    float *wide, *src, *scale, *out, w_scale[LANES];
    int16_t *rows, *weights;
} buffers;

/* out[block][pixel][cb] of level k's kernels. */
static void run(const fct_kernel_table *t, int k, bool one_tap, float x[PIXELS][K_MOST], float w[LANES][K_MOST],
                buffers *b) {
    const int cb = t->cb, mv = 2, lanes = mv * cb, blocks = (k + cb - 1) / cb;
    const fct_int16_depth d = {cb, k / cb, k % cb != 0, k % cb, fct_int16_group(cb, (size_t)k, one_tap)};
    for (int i = 0; i < k; i++)
        for (int l = 0; l < lanes; l++) b->wide[i * lanes + l] = w[l][i];
    fct_int16_weights(t, &d, b->wide, lanes, (size_t)lanes, b->weights, lanes, b->w_scale);
    for (int i = 0; i < blocks * cb; i++)
        for (int p = 0; p < PIXELS; p++) b->src[(i / cb * PIXELS + p) * cb + i % cb] = i < k ? x[p][i] : 1e3f;
    t->conv_quantize(&(fct_k_quantize){.cb = cb,
                                       .src = b->src,
                                       .src_stride = (size_t)PIXELS * cb,
                                       .n = PIXELS,
                                       .full = d.full,
                                       .tail_blocks = d.tail_blocks,
                                       .tail = d.tail,
                                       .group = d.group,
                                       .dst = b->rows,
                                       .dst_stride = (size_t)PIXELS * cb,
                                       .scale = b->scale});
    t->conv_gemm_int16(&(fct_k_gemm){.cb = cb,
                                     .w16 = b->weights,
                                     .b16 = b->rows,
                                     .w_scale = b->w_scale,
                                     .b_scale = b->scale,
                                     .b_stride = (size_t)PIXELS * cb,
                                     .full = d.full,
                                     .tail_blocks = d.tail_blocks,
                                     .tail = d.tail,
                                     .group = d.group,
                                     .mv = mv,
                                     .n = PIXELS,
                                     .c = b->out,
                                     .c_stride = (size_t)PIXELS * cb});
}

static void check(const fct_kernel_table *t, int k, filling how, float x[PIXELS][K_MOST], float w[LANES][K_MOST],
                  const buffers *b) {
    for (int l = 0; l < 2 * t->cb; l++)
        for (int p = 0; p < PIXELS; p++) {
            double sum = 0, xx = 0, ww = 0;
            for (int i = 0; i < k; i++) {
                sum += (double)x[p][i] * w[l][i];
                xx += (double)x[p][i] * x[p][i];
                ww += (double)w[l][i] * w[l][i];
            }
            const double got = b->out[(l / t->cb * PIXELS + p) * t->cb + l % t->cb], size = sqrt(xx * ww);
            CHECK_MSG(fabs(got - sum) <= 2e-4 * size, "level %s, k %d, filling %d, lane %d, pixel %d: %g, not %g (%g)",
                      fct_cpu_level_name(t->level), k, how, l, p, got, sum, size);
        }
}

static void all_levels(void (*each)(const fct_kernel_table *t, buffers *b)) {
    buffers b = {.wide = fct_aligned_alloc(K_MOST * LANES * sizeof(float)),
                 .src = fct_aligned_alloc((K_MOST + FCT_CB_MAX) * PIXELS * sizeof(float)),
                 .scale = fct_aligned_alloc(PIXELS * sizeof(float)),
                 .out = fct_aligned_alloc(LANES * PIXELS * sizeof(float)),
                 .rows = fct_aligned_alloc((K_MOST + FCT_CB_MAX) * PIXELS * sizeof(int16_t)),
                 .weights = fct_aligned_alloc((K_MOST + 2) * LANES * sizeof(int16_t))};
    REQUIRE(b.wide && b.src && b.scale && b.out && b.rows && b.weights);
    for (int l = 0; l < LEVELS; l++)
        if (fct_kernels_at(levels[l])) each(fct_kernels_at(levels[l]), &b);
    fct_aligned_free(b.wide), fct_aligned_free(b.src), fct_aligned_free(b.scale), fct_aligned_free(b.out);
    fct_aligned_free(b.rows), fct_aligned_free(b.weights);
}

static void extremes(const fct_kernel_table *t, buffers *b) {
    static const int depths[] = {1, 2, 3, 15, 16, 31, 32, 33, 56, 64, 65, 96, 100, 128, 177, 200};
    static float x[PIXELS][K_MOST], w[LANES][K_MOST];
    for (int i = 0; i < (int)(sizeof depths / sizeof *depths); i++)
        for (int how = 0; how < 2 * FILLINGS; how++) {
            fill(how % FILLINGS, depths[i], x, w);
            run(t, depths[i], how >= FILLINGS, x, w, b);
            check(t, depths[i], how % FILLINGS, x, w, b);
        }
}
TEST(no_sum_overflows) { all_levels(extremes); }

/* A bad pixel or channel spoils its own sums, never silently. */
static void not_finite(const fct_kernel_table *t, buffers *b) {
    static float x[PIXELS][K_MOST], w[LANES][K_MOST];
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        fill(RANDOM, 70, x, w);
        x[2][i * 20] = bad[i];
        w[1][40] = bad[i];
        run(t, 70, false, x, w, b);
        for (int p = 0; p < PIXELS; p++) {
            const float *lane = b->out + (size_t)p * t->cb;
            CHECK_MSG(p != 2 || !isfinite(lane[0]), "level %s: %g", fct_cpu_level_name(t->level), (double)lane[0]);
            CHECK_MSG(!isfinite(lane[1]), "level %s: %g", fct_cpu_level_name(t->level), (double)lane[1]);
            CHECK(p / 8 == 0 || isfinite(lane[0])); /* pixels are read eight at a time */
        }
    }
}
TEST(what_is_not_finite_shows) { all_levels(not_finite); }

/* Each level's integers against those of the C version: a block of a wider panel, odd tails, a lane of nothing, one of
 * a single large weight and one that is not finite. Nothing beside the block is written. */
static void weights(const fct_kernel_table *t, buffers *b) {
    enum { STEP = 5 * FCT_CB_MAX / 2 + 1, PANEL = 3 * FCT_CB_MAX, ROOM = (K_MOST + 2) / 2 * PANEL * 2 };
    static float w[K_MOST * STEP], scales[2][FCT_CB_MAX];
    static int16_t got[ROOM], want[ROOM];
    const int depths[] = {1, 2, 15, 16, 17, 64, 99, 200}, cb = t->cb;
    for (int i = 0; i < (int)(sizeof depths / sizeof *depths); i++) {
        const int k = depths[i];
        for (int n = 0; n < k * STEP; n++) {
            const int lane = n % STEP - 1;
            w[n] = lane == 2                        ? 0
                   : lane == 3                      ? (n / STEP == k / 2 ? 1e6f : 0)
                   : lane == 4 && n / STEP == k - 1 ? NAN
                                                    : noise();
        }
        memset(got, 0x55, sizeof got), memset(want, 0x55, sizeof want);
        fct_k_int16_weights a = {cb,    k / cb, k % cb != 0,   k % cb,    32 / cb,  cb,
                                 w + 1, STEP,   want + 2 * cb, 2 * PANEL, scales[0]};
        fct_kernels_at(FCT_CPU_C)->conv_int16_weights(&a);
        a.dst = got + 2 * cb, a.scale = scales[1];
        t->conv_int16_weights(&a);
        for (int n = 0; n < ROOM; n++) {
            const int lane = n / 2 % PANEL - cb;
            CHECK_MSG(lane == 4 || abs(got[n] - want[n]) <= 1, "level %s, k %d, integer %d: %d, not %d",
                      fct_cpu_level_name(t->level), k, n, got[n], want[n]);
        }
        for (int l = 0; l < cb; l++)
            CHECK(l == 4 ? !isfinite(scales[1][l]) : fabsf(scales[1][l] - scales[0][l]) <= 1e-6f * scales[0][l]);
        CHECK(scales[1][2] == 0);
    }
}
TEST(weights_of_all_levels) { all_levels(weights); }

int main(int argc, char **argv) { return test_main(argc, argv); }

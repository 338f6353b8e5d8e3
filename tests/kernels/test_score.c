/* score_f32 of every level against sums in double precision, the levels against
 * each other, and against writing where they should not. */
#include "test.h"
#include "base/alloc.h"
#include "kernels/kernels.h"
#include <math.h>

#define MAX_PANELS 9
#define MAX_PROBES 19
#define MAX_DIM    515
#define GUARD      -12345.0f

static float *rows, probes[MAX_PROBES * MAX_DIM], out[MAX_PROBES * (MAX_PANELS * 16 + 3)];
static float first[MAX_PROBES * (MAX_PANELS * 16 + 3)];

static uint32_t state = 1;
static float random_float(void) {
    state = state * 1664525 + 1013904223;
    return (float)(state >> 8) / (1 << 23) - 1;
}

static void check_case(const fct_kernel_table *t, int panels, int n_probes, int dim) {
    ptrdiff_t stride = panels * 16 + 3;
    for (int i = 0; i < n_probes * stride; i++) out[i] = GUARD;
    t->score_f32(out, stride, rows, panels, probes, n_probes, dim);
    for (int p = 0; p < n_probes; p++) {
        for (int r = 0; r < panels * 16; r++) {
            double sum = 0, size = 0;
            for (int i = 0; i < dim; i++) {
                double x = (double)rows[(r / 16 * dim + i) * 16 + r % 16] * probes[p * dim + i];
                sum += x;
                size += fabs(x);
            }
            float got = out[p * stride + r];
            CHECK_MSG(fabs(got - sum) <= 1e-6 + size * 2e-6, "level %d, %d panels, %d probes, dim %d: %g, not %g",
                      t->level, panels, n_probes, dim, got, sum);
        }
        for (int r = panels * 16; r < stride; r++) CHECK(out[p * stride + r] == GUARD);
    }
}

TEST(score) {
    static const int panels[] = {1, 2, 3, 4, 5, 9}, n_probes[] = {1, 2, 3, 5, 6, 7, 8, 13, 19},
                     dims[] = {1, 2, 7, 128, 515};
    rows = fct_aligned_alloc(sizeof(float) * MAX_PANELS * 16 * MAX_DIM);
    REQUIRE(rows);
    for (int i = 0; i < MAX_PANELS * 16 * MAX_DIM; i++) rows[i] = random_float();
    for (int i = 0; i < MAX_PROBES * MAX_DIM; i++) probes[i] = random_float();
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 9; b++)
            for (int c = 0; c < 5; c++) {
                bool fused = false;
                for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
                    const fct_kernel_table *t = fct_kernels_at(level);
                    if (!t) continue;
                    check_case(t, panels[a], n_probes[b], dims[c]);
                    if (level < FCT_CPU_AVX2) continue;
                    size_t size = sizeof(float) * n_probes[b] * (panels[a] * 16 + 3);
                    if (fused) CHECK(memcmp(out, first, size) == 0);
                    memcpy(first, out, size);
                    fused = true;
                }
            }
    fct_aligned_free(rows);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Sketches and products of bytes at every level, against sums made one by one in
 * the test: misaligned, at odd sizes, at the ends of their ranges, and against
 * writing where they should not. */
#include "test.h"
#include "kernels/kernels.h"
#include <float.h>
#include <math.h>

#define MAX_PANELS 9
#define MAX_WORDS  70
#define GUARD      0xabcd

static uint32_t state = 1;
static uint64_t random_bits(void) {
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        state = state * 1664525 + 1013904223;
        v = v << 8 | state >> 24;
    }
    return v;
}

TEST(hamming) {
    static uint64_t panels[MAX_PANELS * MAX_WORDS * 8 + 1], probe[MAX_WORDS];
    uint16_t out[MAX_PANELS * 8 + 1];
    for (int words = 1; words <= MAX_WORDS; words += words < 12 ? 1 : 19)
        for (int n = 0; n <= MAX_PANELS; n += n < 3 ? 1 : 6) {
            for (int i = 0; i < n * words * 8; i++) panels[i + 1] = i % 5 ? random_bits() : i % 2 ? 0 : UINT64_MAX;
            for (int i = 0; i < words; i++) probe[i] = i % 3 ? random_bits() : 0;
            if (n == 2) /* everything differs */
                for (int i = 0; i < n * words * 8; i++) panels[i + 1] = ~probe[i / 8 % words];
            for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
                const fct_kernel_table *t = fct_kernels_at(level);
                if (!t) continue;
                for (int i = 0; i <= MAX_PANELS * 8; i++) out[i] = GUARD;
                t->sketch_hamming(out, panels + 1, (size_t)n, probe, words);
                for (int r = 0; r < 8 * n; r++) {
                    int sum = 0;
                    for (int b = 0; b < 64 * words; b++)
                        sum += (panels[1 + r / 8 * words * 8 + b / 64 * 8 + r % 8] ^ probe[b / 64]) >> b % 64 & 1;
                    CHECK_MSG(out[r] == sum, "level %d, %d words, row %d: %d, not %d", level, words, r, out[r], sum);
                }
                CHECK(out[8 * n] == GUARD);
            }
        }
}

/* Integers are the nearest ones, signs right, and the error is the length of the rest, at every level. */
TEST(sketch_of_a_row) {
    enum { MOST = 700, ROOM = 704 };
    static const int dims[] = {1, 2, 15, 63, 64, 65, 128, 500, 512, MOST};
    static float v[MOST + 1];
    uint64_t bits[ROOM / 64 + 1];
    int8_t bytes[ROOM + 1];
    for (int c = 0; c < 30; c++)
        for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
            const fct_kernel_table *t = fct_kernels_at(level);
            int dim = dims[c % 10], size = (dim + 63) / 64 * 64;
            if (!t) continue;
            double most = 0, sum = 0;
            for (int i = 0; i < dim; i++) {
                v[i + 1] = c < 10 ? 0 : (float)(int64_t)random_bits() * 1e-20f * (i % 7 ? 1 : c < 20 ? 0 : 5);
                most = fmax(most, fabs(v[i + 1]));
            }
            float scale, error;
            memset(bits, 0xa5, sizeof bits);
            memset(bytes, 0x55, sizeof bytes);
            t->sketch_row(&scale, &error, bits, bytes, v + 1, dim);
            CHECK(fabs(scale - most / 127) <= most * 1e-6);
            for (int i = 0; i < size; i++) {
                float x = i < dim ? v[i + 1] : 0;
                CHECK((bits[i / 64] >> i % 64 & 1) == (x > 0));
                CHECK_MSG(fabs(x - (double)scale * bytes[i]) <= scale * 0.5001, "level %d: %g is %d", level, x,
                          bytes[i]);
                CHECK(i < dim || bytes[i] == 0);
                sum += pow(x - (double)scale * bytes[i], 2);
            }
            CHECK_MSG(fabs(error - sqrt(sum)) <= 1e-5 * sqrt(sum) + 1e-6 * most, "level %d: %g", level, error);
            CHECK(bytes[size] == 0x55 && bits[size / 64] == UINT64_C(0xa5a5a5a5a5a5a5a5));
        }
}

/* A cache file may hold any numbers. Products of bytes take none below -127. */
TEST(sketch_of_numbers_that_are_none) {
    enum { DIM = 131, ROOM = 192 };
    static const float odd[] = {INFINITY, -INFINITY, NAN, -NAN, 1e-44f, -1e-44f, FLT_MAX, 0};
    float v[DIM], scale, error;
    uint64_t bits[ROOM / 64];
    int8_t want[ROOM], bytes[ROOM];
    for (int c = 0; c < 256; c++)
        for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
            const fct_kernel_table *t = fct_kernels_at(level);
            if (!t) continue;
            for (int i = 0; i < DIM; i++) v[i] = c >> i % 8 & 1 ? odd[i % 8] : c & 4 ? 1 : 0;
            t->sketch_row(&scale, &error, bits, level == FCT_CPU_C ? want : bytes, v, DIM);
            for (int i = 0; i < DIM && level != FCT_CPU_C; i++)
                CHECK_MSG(bytes[i] == want[i] && bytes[i] >= -127, "level %d, case %d, %d: %d, not %d", level, c, i,
                          bytes[i], want[i]);
        }
}

static int8_t random_byte(int kind) {
    int v = (int)(random_bits() % 255) - 127;
    return (int8_t)(kind == 0 ? v : kind == 1 ? 127 : -127);
}

static int32_t product(const int8_t *a, const int8_t *b, int size) {
    int32_t sum = 0;
    for (int i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

TEST(products_of_bytes) {
    enum { ROWS = 45, PROBES = 11, MOST = 1088 };
    static int8_t rows[ROWS * MOST + 1], probes[PROBES * MOST + 3];
    static int32_t out[PROBES * (ROWS + 2)];
    static const int sizes[] = {64, 128, 512, 576, MOST}, counts[] = {0, 1, 3, 4, 7, 31, ROWS},
                     n_probes[] = {0, 1, 2, 3, 4, 5, PROBES};
    for (int c = 0; c < 5 * 7 * 7; c++) {
        int size = sizes[c % 5], n = counts[c / 5 % 7], m = n_probes[c / 35], stride = n + 2;
        for (int i = 0; i < n * size; i++) rows[i + 1] = random_byte(c % 4);
        for (int i = 0; i < m * size; i++) probes[i + 3] = random_byte(c % 3);
        for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
            const fct_kernel_table *t = fct_kernels_at(level);
            if (!t) continue;
            for (int i = 0; i < m * stride; i++) out[i] = GUARD;
            t->score_int8(out, stride, rows + 1, (size_t)n, probes + 3, m, size);
            for (int i = 0; i < m * stride; i++) {
                int p = i / stride, r = i % stride;
                int32_t want = r < n ? product(rows + 1 + r * size, probes + 3 + p * size, size) : GUARD;
                CHECK_MSG(out[i] == want, "level %d, size %d, %d rows, %d probes: [%d][%d] %d, not %d", level, size, n,
                          m, p, r, out[i], want);
            }
            if (!m) continue;
            const int8_t *at[ROWS];
            for (int r = 0; r < n; r++) at[r] = rows + 1 + (r * 7 % n) * size;
            out[n] = GUARD;
            t->dot_int8(out, at, (size_t)n, probes + 3, size);
            for (int r = 0; r < n; r++) CHECK(out[r] == product(at[r], probes + 3, size));
            CHECK(out[n] == GUARD);
        }
    }
}

/* The longest rows there are, with the largest products. */
TEST(longest_rows) {
    enum { MOST = 16384 };
    static int8_t a[MOST], b[MOST];
    const int8_t *at[1] = {a};
    for (int sign = 0; sign < 2; sign++) {
        memset(a, sign ? 0x81 : 0x7f, MOST);
        memset(b, 0x7f, MOST);
        for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
            const fct_kernel_table *t = fct_kernels_at(level);
            int32_t out[2];
            if (!t) continue;
            t->dot_int8(&out[0], at, 1, b, MOST);
            t->score_int8(&out[1], 1, a, 1, b, 1, MOST);
            CHECK(out[0] == (sign ? -1 : 1) * 127 * 127 * MOST && out[1] == out[0]);
        }
    }
}

TEST(reach) {
    enum { MOST = 200 };
    static int32_t sums[MOST];
    static float scale[MOST], error[MOST];
    uint64_t mask[MOST / 64 + 2];
    for (int n = 0; n <= MOST; n += n < 3 ? 1 : 61) {
        for (int i = 0; i < n; i++) {
            sums[i] = (int32_t)(random_bits() % 2000000) - 1000000;
            scale[i] = (float)(random_bits() % 1000) * 1e-6f;
            error[i] = (float)(random_bits() % 1000) * 1e-3f;
        }
        for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
            const fct_kernel_table *t = fct_kernels_at(level);
            if (!t) continue;
            memset(mask, 0xff, sizeof mask);
            t->reach_int8(mask, sums, scale, error, (size_t)n, 50, 100);
            for (int i = 0; i < (n + 63) / 64 * 64; i++) {
                double score = i < n ? (double)sums[i] * scale[i] + 50.0 * error[i] : 0;
                if (fabs(score - 100) > 1e-3) CHECK((mask[i / 64] >> i % 64 & 1) == (i < n && score >= 100));
            }
            CHECK(mask[(n + 63) / 64] == UINT64_MAX);
        }
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

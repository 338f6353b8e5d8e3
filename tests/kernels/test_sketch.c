/* sketch_hamming and dot_int8 of every level against bits counted and products
 * added one by one, misaligned and at the ends of their ranges. */
#include "test.h"
#include "kernels/kernels.h"

#define MAX_ROWS  67
#define MAX_WORDS 17
#define GUARD     0xabcd

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
    static uint64_t rows[MAX_ROWS * MAX_WORDS + 1], probe[MAX_WORDS];
    uint16_t out[MAX_ROWS + 1];
    for (int words = 1; words <= MAX_WORDS; words++)
        for (int n = 0; n <= MAX_ROWS; n += n < 5 ? 1 : 31) {
            for (int i = 0; i < n * words; i++) rows[i + 1] = i % 5 ? random_bits() : i % 2 ? 0 : UINT64_MAX;
            for (int i = 0; i < words; i++) probe[i] = i % 3 ? random_bits() : 0;
            for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
                const fct_kernel_table *t = fct_kernels_at(level);
                if (!t) continue;
                for (int i = 0; i <= MAX_ROWS; i++) out[i] = GUARD;
                t->sketch_hamming(out, rows + 1, (size_t)n, probe, words);
                for (int r = 0; r < n; r++) {
                    int sum = 0;
                    for (int b = 0; b < 64 * words; b++)
                        sum += (rows[1 + r * words + b / 64] ^ probe[b / 64]) >> b % 64 & 1;
                    CHECK_MSG(out[r] == sum, "level %d, %d words, row %d: %d, not %d", level, words, r, out[r], sum);
                }
                CHECK(out[n] == GUARD);
            }
        }
}

TEST(bytes) {
    enum { MOST = 16384 };
    static int8_t a[MOST + 1], b[MOST + 3];
    static const int sizes[] = {0, 64, 128, 512, 576, MOST};
    for (int kind = 0; kind < 3; kind++)
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
            int32_t sum = 0;
            for (int i = 0; i < MOST; i++) {
                a[i + 1] = kind == 0 ? (int8_t)random_bits() : kind == 1 ? -128 : 127;
                b[i + 3] = kind == 0 ? (int8_t)random_bits() : -128;
            }
            for (int i = 0; i < sizes[c]; i++) sum += a[i + 1] * b[i + 3];
            for (int level = FCT_CPU_C; level <= FCT_CPU_NEON; level++) {
                const fct_kernel_table *t = fct_kernels_at(level);
                if (!t) continue;
                int32_t got = t->dot_int8(a + 1, b + 3, sizes[c]);
                CHECK_MSG(got == sum, "level %d, %d values: %d, not %d", level, sizes[c], got, sum);
            }
        }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

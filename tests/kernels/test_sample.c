/* The kernels that resize rows, at every level, against the plain ones: widths from one pixel on, enlarged and
 * reduced, pixels of one, three and four bytes, in the last bytes of their memory. */
#include "../test.h"
#include "kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

static const fct_cpu_level levels[] = {FCT_CPU_SSE41,      FCT_CPU_AVX2,         FCT_CPU_AVX512,
                                       FCT_CPU_AVX512VNNI, FCT_CPU_AVX512POPCNT, FCT_CPU_NEON};
enum { LEVELS = sizeof levels / sizeof *levels, GUARD = 8, MARK = -7777 };

static uint32_t state = 1;
static int pick(int n) {
    state = state * 1664525u + 1013904223u;
    return (int)((state >> 8) % (uint32_t)n);
}

/* Columns as the letterbox has them. */
static void make_columns(int n, int width, int32_t *index, int16_t *weight) {
    for (int x = 0; x < n; x++) {
        double f = (x + 0.5) * width / n - 0.5;
        int i = f < 0 ? 0 : (int)f;
        if (i > width - 2) i = width > 1 ? width - 2 : 0;
        index[x] = i;
        weight[x] = (int16_t)pick(FCT_K_SAMPLE_ONE + 1);
    }
}

static void check_across(const fct_kernel_table *k, int width, int n, int bytes, bool reversed) {
    const size_t size = (size_t)width * bytes, room = (size_t)n + GUARD;
    uint8_t *row = malloc(size); /* of its own, so that a sanitizer sees what is read behind it */
    int32_t *index = malloc((size_t)n * sizeof *index);
    int16_t *weight = malloc((size_t)n * sizeof *weight), *out = malloc(6 * room * sizeof *out);
    uint16_t *planes = malloc(3 * ((size_t)width + FCT_K_SAMPLE_PAD) * sizeof *planes);
    for (size_t i = 0; i < size; i++) row[i] = (uint8_t)(pick(5) ? pick(256) : 255);
    for (size_t i = 0; i < 6 * room; i++) out[i] = MARK;
    make_columns(n, width, index, weight);
    const int last = bytes == 1 ? 0 : 2, middle = bytes == 1 ? 0 : 1;
    for (int way = 0; way < 2; way++) {
        int16_t *to = out + 3 * room * way;
        const fct_k_across a = {.row = row,
                                .width = width,
                                .bytes = bytes,
                                .at = {reversed ? last : 0, middle, reversed ? 0 : last},
                                .index = index,
                                .weight = weight,
                                .n = n,
                                .next = width > 1,
                                .out = {to, to + room, to + 2 * room},
                                .planes = planes};
        (way ? k : fct_kernels_at(FCT_CPU_C))->sample_across(&a);
    }
    CHECK_MSG(!memcmp(out, out + 3 * room, 3 * room * sizeof *out), "level %s: %d pixels of %d bytes to %d",
              fct_cpu_level_name(k->level), width, bytes, n);
    CHECK(out[n] == MARK && out[3 * room - 1] == MARK);
    free(row), free(index), free(weight), free(out), free(planes);
}

TEST(across) {
    static const int widths[][2] = {{1, 1},     {1, 40},    {2, 33},    {16, 32},    {21, 64},    {22, 64},   {97, 161},
                                    {384, 640}, {640, 640}, {700, 641}, {1000, 640}, {1290, 640}, {3000, 200}};
    for (int l = 0; l < LEVELS; l++) {
        const fct_kernel_table *k = fct_kernels_at(levels[l]);
        for (int i = 0; k && i < (int)(sizeof widths / sizeof *widths); i++)
            for (int bytes = 1; bytes <= 4; bytes += bytes == 1 ? 2 : 1)
                for (int reversed = 0; reversed < 2; reversed++)
                    check_across(k, widths[i][0], widths[i][1], bytes, reversed);
    }
}

TEST(down) {
    enum { MOST = 131 };
    int16_t upper[MOST], lower[MOST];
    float want[MOST + GUARD], got[MOST + GUARD];
    for (int l = 0; l < LEVELS; l++) {
        const fct_kernel_table *k = fct_kernels_at(levels[l]);
        for (int n = 0; k && n <= MOST; n += n < 70 ? 1 : 7) {
            const int weight = n % 3 ? pick(FCT_K_SAMPLE_ONE + 1) : n % 2 ? FCT_K_SAMPLE_ONE : 0;
            for (int i = 0; i < n; i++) upper[i] = (int16_t)pick(32641), lower[i] = (int16_t)pick(32641);
            for (int i = 0; i < MOST + GUARD; i++) want[i] = got[i] = MARK;
            fct_kernels_at(FCT_CPU_C)->sample_down(upper, lower, n, weight, 1 / 57.3f, -1.7f, want);
            k->sample_down(upper, lower, n, weight, 1 / 57.3f, -1.7f, got);
            CHECK_MSG(!memcmp(want, got, sizeof want), "level %s: %d numbers", fct_cpu_level_name(k->level), n);
        }
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Conversions between fp32 and fp16: every half value, and rounding, at every level. */
#include "../test.h"
#include "kernels/kernels.h"
#include <math.h>

static const fct_cpu_level levels[] = {FCT_CPU_C,          FCT_CPU_SSE41,        FCT_CPU_AVX2, FCT_CPU_AVX512,
                                       FCT_CPU_AVX512VNNI, FCT_CPU_AVX512POPCNT, FCT_CPU_NEON};

/* Value of a half by its definition. */
static float value(uint16_t h) {
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return (float)(h & 0x8000 ? -v : v);
}

TEST(all_halves) {
    static uint16_t all[1 << 16], back[1 << 16];
    static float wide[1 << 16];
    int n = 0;
    for (int h = 0; h < 1 << 16; h++)
        if ((h >> 10 & 31) != 31) all[n++] = (uint16_t)h;
    for (int l = 0; l < (int)(sizeof levels / sizeof *levels); l++) {
        const fct_kernel_table *k = fct_kernels_at(levels[l]);
        if (!k) continue;
        k->half_to_float(wide, all, (size_t)n);
        k->float_to_half(back, wide, (size_t)n);
        int wrong = 0;
        for (int i = 0; i < n; i++) wrong += wide[i] != value(all[i]) || back[i] != all[i];
        CHECK_MSG(wrong == 0, "level %s: %d of %d", fct_cpu_level_name(levels[l]), wrong, n);
    }
}

TEST(rounds_to_nearest_even) {
    static const float in[] = {1.00048828125f, 1.00146484375f, 1.0006f,       65519.f,
                               65520.f,        5.9604645e-8f,  2.9802322e-8f, 1e30f};
    static const uint16_t want[] = {0x3c00, 0x3c02, 0x3c01, 0x7bff, 0x7c00, 0x0001, 0x0000, 0x7c00};
    for (int l = 0; l < (int)(sizeof levels / sizeof *levels); l++) {
        const fct_kernel_table *k = fct_kernels_at(levels[l]);
        uint16_t out[8];
        if (!k) continue;
        k->float_to_half(out, in, 8);
        for (int i = 0; i < 8; i++)
            CHECK_MSG(out[i] == want[i], "level %s: %g gives %04x, not %04x", fct_cpu_level_name(levels[l]), in[i],
                      out[i], want[i]);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

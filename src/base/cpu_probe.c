#include "base/cpu_probe.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

static bool bits(unsigned v, unsigned mask) { return (v & mask) == mask; }

/* Register state that the system saves on a task switch (XCR0). */
static unsigned saved_state(void) {
    unsigned a, d;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

fct_cpu_level fct_probe_level(void) {
    unsigned a, b, c, d, b7 = 0, c7 = 0, state = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bits(c, bit_SSE4_1 | bit_SSSE3)) return FCT_CPU_C;
    unsigned c1 = c;
    if (bits(c1, bit_OSXSAVE)) state = saved_state();
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) b7 = b, c7 = c;
    bool avx2 = bits(c1, bit_AVX | bit_FMA | bit_F16C | bit_POPCNT) && bits(b7, bit_AVX2 | bit_BMI | bit_BMI2) &&
                bits(state, 0x06); /* XMM and YMM */
    if (!avx2) return FCT_CPU_SSE41;
    bool avx512 = bits(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL) &&
                  bits(state, 0xE6); /* and mask registers, ZMM 0-15, ZMM 16-31 */
    if (!avx512) return FCT_CPU_AVX2;
    if (!bits(c7, bit_AVX512VNNI)) return FCT_CPU_AVX512;
    return bits(c7, bit_AVX512VPOPCNTDQ) ? FCT_CPU_AVX512POPCNT : FCT_CPU_AVX512VNNI;
}

bool fct_probe_amd(void) {
    unsigned v[4];
    if (!__get_cpuid(0, &v[0], &v[1], &v[2], &v[3])) return false;
    const unsigned name[3] = {v[1], v[3], v[2]};
    return !memcmp(name, "AuthenticAMD", 12) || !memcmp(name, "HygonGenuine", 12);
}

void fct_probe_brand(char out[64]) {
    unsigned v[12], top = 0, b, c, d;
    out[0] = 0;
    if (!__get_cpuid(0x80000000u, &top, &b, &c, &d) || top < 0x80000004u) return;
    for (unsigned i = 0; i < 3; i++)
        if (!__get_cpuid(0x80000002u + i, &v[4 * i], &v[4 * i + 1], &v[4 * i + 2], &v[4 * i + 3])) return;
    char text[49] = {0};
    memcpy(text, v, 48);
    const char *p = text + strspn(text, " ");
    size_t n = strlen(p);
    while (n && p[n - 1] == ' ') n--;
    memcpy(out, p, n);
    out[n] = 0;
}

/* Leaf 4 (Intel) and 0x8000001D (AMD) list the caches in the same form: type in
 * bits 0-4, level in 5-7; size = ways * partitions * line * sets. */
static void caches_of_leaf(unsigned leaf, fct_cpu_caches *out) {
    for (unsigned i = 0; i < 16; i++) {
        unsigned a, b, c, d;
        if (!__get_cpuid_count(leaf, i, &a, &b, &c, &d) || (a & 31) == 0) return;
        size_t size = (size_t)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((size_t)c + 1);
        unsigned type = a & 31, level = a >> 5 & 7;
        if (type == 2) continue; /* instructions */
        if (level == 1) out->l1d = size;
        if (level == 2) out->l2 = size;
        if (level == 3) out->l3 = size;
    }
}

fct_cpu_caches fct_probe_caches(void) {
    fct_cpu_caches out = {0, 0, 0};
    caches_of_leaf(4, &out);
    if (!out.l1d) caches_of_leaf(0x8000001Du, &out);
    return out;
}

#else /* not x86 */

fct_cpu_level fct_probe_level(void) {
#if defined(__aarch64__)
    return FCT_CPU_NEON; /* Advanced SIMD is part of the base architecture */
#else
    return FCT_CPU_C;
#endif
}

void fct_probe_brand(char out[64]) { out[0] = 0; }
bool fct_probe_amd(void) { return false; }

/* Linux lists the caches of a CPU in sysfs. */
fct_cpu_caches fct_probe_caches(void) {
    fct_cpu_caches out = {0, 0, 0};
    for (int i = 0; i < 8; i++) {
        static const char *const names[3] = {"level", "type", "size"};
        char text[3][32] = {{0}};
        for (int k = 0; k < 3; k++) {
            char path[96];
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", i, names[k]);
            FILE *f = fopen(path, "r");
            if (!f) return out;
            if (!fgets(text[k], sizeof text[k], f)) text[k][0] = 0;
            fclose(f);
        }
        unsigned long kib = 0;
        if (text[1][0] == 'I' || sscanf(text[2], "%luK", &kib) != 1) continue;
        if (text[0][0] == '1') out.l1d = kib << 10;
        if (text[0][0] == '2') out.l2 = kib << 10;
        if (text[0][0] == '3') out.l3 = kib << 10;
    }
    return out;
}

#endif

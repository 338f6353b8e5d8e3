#include "base/cpu.h"

#include "base/cgroup.h"
#include "base/cpu_probe.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define ARCH "x86_64"
#elif defined(__aarch64__)
#define ARCH "aarch64"
#elif defined(__i386__)
#define ARCH "i386"
#else
#define ARCH "other"
#endif

static const char *const level_names[] = {"c", "sse41", "avx2", "avx512", "avx512vnni", "avx512popcnt", "neon"};

const char *fct_cpu_level_name(fct_cpu_level l) {
    return (unsigned)l < sizeof level_names / sizeof level_names[0] ? level_names[l] : "unknown";
}

/* Why the level is what it is. */
typedef enum reason { REASON_CPU, REASON_CAPPED, REASON_CAP_ABOVE, REASON_CAP_UNKNOWN } reason;

/* Level after the cap of FCT_CPU, of which only those of this CPU's own ladder count. */
static fct_cpu_level cap_level(fct_cpu_level best, const char *cap, reason *why) {
    *why = REASON_CPU;
    if (!cap || !*cap) return best;
    *why = REASON_CAP_UNKNOWN;
    for (int l = FCT_CPU_C; l <= FCT_CPU_NEON; l++) {
        if (strcmp(cap, level_names[l]) != 0) continue;
        if (l == FCT_CPU_NEON && best != FCT_CPU_NEON) return best;
        if (best == FCT_CPU_NEON && l != FCT_CPU_C && l != FCT_CPU_NEON) return best;
        *why = l < (int)best ? REASON_CAPPED : l > (int)best ? REASON_CAP_ABOVE : REASON_CPU;
        return l < (int)best ? (fct_cpu_level)l : best;
    }
    return best;
}

/* Level and reason, found once. Two threads that race find the same. */
static fct_cpu_level get_level(reason *why) {
    static atomic_int found; /* 1 + level + 16 * reason */
    int v = atomic_load(&found);
    if (!v) {
        reason r;
        fct_cpu_level l = cap_level(fct_probe_level(), getenv("FCT_CPU"), &r);
        v = 1 + (int)l + 16 * (int)r;
        atomic_store(&found, v);
    }
    if (why) *why = (reason)((v - 1) / 16);
    return (fct_cpu_level)((v - 1) % 16);
}

fct_cpu_level fct_cpu_get_level(void) { return get_level(NULL); }

/* AMD's Zen 4 does 512 bits in two halves. */
double fct_cpu_mac_rate(fct_cpu_level l) {
    if (l >= FCT_CPU_AVX512 && l <= FCT_CPU_AVX512POPCNT) return fct_probe_amd() ? 52e9 : 82e9;
    return 43e9;
}

/* The ratio follows from the units that do the work: AMD's cores since Zen 2 multiply and add integers in different
 * units, two of each a cycle; Intel's share theirs; VNNI does both at once. */
double fct_cpu_int16_rate(fct_cpu_level l) {
    switch (l) {
    case FCT_CPU_AVX512VNNI:
    case FCT_CPU_AVX512POPCNT:
        return 2;
    case FCT_CPU_AVX2:
        return fct_probe_amd() ? 2 : 1.33;
    case FCT_CPU_SSE41:
        return 1.5;
    default:
        return 0;
    }
}

/* Best level at or below l for which this build has kernels: all of an
 * architecture's or none. */
static fct_cpu_level built_level(fct_cpu_level l) {
#if defined(FCT_KERNELS_X86) || defined(FCT_KERNELS_NEON)
    return l;
#else
    (void)l;
    return FCT_CPU_C;
#endif
}

/* Asked for by every plan of a convolution; in a virtual machine each CPUID is a
 * trip to the hypervisor, so the answer is kept. */
fct_cpu_caches fct_cpu_get_caches(void) {
    static atomic_size_t kept[3];
    fct_cpu_caches c = {atomic_load(&kept[0]), atomic_load(&kept[1]), atomic_load(&kept[2])};
    if (c.l1d && c.l2 && c.l3) return c;
    c = fct_probe_caches();
    if (!c.l1d) c.l1d = (size_t)32 << 10;
    if (!c.l2) c.l2 = (size_t)256 << 10;
    if (!c.l3) c.l3 = (size_t)2 << 20;
    atomic_store(&kept[0], c.l1d);
    atomic_store(&kept[1], c.l2);
    atomic_store(&kept[2], c.l3);
    return c;
}

static double cgroup_cpus(void) { return fct_cgroup_cpus("/proc/self", "/sys/fs/cgroup"); }

int fct_cpu_usable(void) {
    int n = fct_probe_affinity();
    double quota = cgroup_cpus();
    if (quota > 0 && ceil(quota) < n) n = (int)ceil(quota);
    return n < 1 ? 1 : n;
}

static const char *why_text(reason why, bool lacking_kernels) {
    switch (why) {
    case REASON_CAPPED:
        return "capped by FCT_CPU";
    case REASON_CAP_ABOVE:
        return "FCT_CPU asks for more than this CPU has";
    case REASON_CAP_UNKNOWN:
        return "FCT_CPU names no level of this CPU and is ignored";
    case REASON_CPU:
        break;
    }
    return lacking_kernels ? "best level this build has kernels for" : "best level this CPU has";
}

void fct_cpu(fct_cpu_info *out) {
    static char brand[64];
    static atomic_int brand_ready; /* 0 no, 1 being written, 2 yes */
    int expected = 0;
    if (atomic_compare_exchange_strong(&brand_ready, &expected, 1)) {
        fct_probe_brand(brand);
        atomic_store(&brand_ready, 2);
    }
    while (atomic_load(&brand_ready) != 2) {}
    reason why;
    fct_cpu_level l = get_level(&why), max = fct_probe_level();
    out->arch = ARCH;
    out->brand = brand;
    out->level = level_names[built_level(l)];
    out->level_max = level_names[built_level(max)];
    out->level_why = why_text(why, built_level(l) != l);
    out->cpus_online = fct_probe_online();
    out->cpus_affinity = fct_probe_affinity();
    out->cpus_cgroup = cgroup_cpus();
}

/* The kernel tables, one per level, filled on first use. */
#include "kernels/decl.h"
#include "base/thread.h"

#define LEVELS (FCT_CPU_NEON + 1)

static fct_kernel_table tables[LEVELS];
static bool present[LEVELS];
static int best;
static fct_mutex lock = FCT_MUTEX_INIT;
static bool ready;

void fct_kernels_fill_c(fct_kernel_table *t) {
    t->cb = 8;
    t->gemm_mv = 4;
    t->wino_half = true;
    for (int i = 0; i < 5; i++) t->gemm_nr[i] = 8;
#define K(name, type, params) t->name = fct_k_##name##_c;
#include "kernels/all.inc"
#undef K
}

static void add_level(fct_cpu_level cap, fct_cpu_level level, fct_cpu_level below, void (*fill)(fct_kernel_table *)) {
    if (cap < level) return;
    tables[level] = tables[below];
    fill(&tables[level]);
    tables[level].level = level;
    tables[level].mac_rate = fct_cpu_mac_rate(level);
    tables[level].int16_rate = fct_cpu_int16_rate(level);
    present[level] = true;
    best = level;
}

static void fill_all(void) {
    fct_cpu_level cap = fct_cpu_get_level();
    add_level(cap, FCT_CPU_C, FCT_CPU_C, fct_kernels_fill_c);
#ifdef FCT_KERNELS_X86
    add_level(cap, FCT_CPU_SSE41, FCT_CPU_C, fct_kernels_fill_sse41);
    add_level(cap, FCT_CPU_AVX2, FCT_CPU_SSE41, fct_kernels_fill_avx2);
    add_level(cap, FCT_CPU_AVX512, FCT_CPU_AVX2, fct_kernels_fill_avx512);
    add_level(cap, FCT_CPU_AVX512VNNI, FCT_CPU_AVX512, fct_kernels_fill_avx512vnni);
    add_level(cap, FCT_CPU_AVX512POPCNT, FCT_CPU_AVX512VNNI, fct_kernels_fill_avx512popcnt);
#endif
#ifdef FCT_KERNELS_NEON
    add_level(cap, FCT_CPU_NEON, FCT_CPU_C, fct_kernels_fill_neon);
#endif
}

static void once(void) {
    if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) return;
    fct_mutex_lock(&lock);
    if (!ready) {
        fill_all();
        __atomic_store_n(&ready, true, __ATOMIC_RELEASE);
    }
    fct_mutex_unlock(&lock);
}

const fct_kernel_table *fct_kernels(void) {
    once();
    return &tables[best];
}

const fct_kernel_table *fct_kernels_at(fct_cpu_level level) {
    once();
    return level >= 0 && level < LEVELS && present[level] ? &tables[level] : NULL;
}

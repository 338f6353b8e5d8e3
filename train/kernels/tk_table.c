#include "tk.h"
#include "base/cpu.h"

extern const fct_tk fct_tk_c;
#ifdef FCT_TRAIN_X86
extern const fct_tk fct_tk_avx2, fct_tk_avx512;
#endif

int fct_tk_all(const fct_tk **out, int cap) {
    int n = 0;
    if (n < cap) out[n++] = &fct_tk_c;
#ifdef FCT_TRAIN_X86
    fct_cpu_level l = fct_cpu_get_level();
    if (n < cap && l >= FCT_CPU_AVX2 && l != FCT_CPU_NEON) out[n++] = &fct_tk_avx2;
    if (n < cap && l >= FCT_CPU_AVX512 && l <= FCT_CPU_AVX512POPCNT) out[n++] = &fct_tk_avx512;
#endif
    return n;
}

const fct_tk *fct_tk_get(void) {
    const fct_tk *t[8];
    return t[fct_tk_all(t, 8) - 1];
}

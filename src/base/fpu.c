/* Denormals to zero: numbers below 1e-38 cost a hundred cycles each and mean
 * nothing to a network. */
#include "base/cpu.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

#define FTZ_DAZ 0x8040u

unsigned fct_fpu_enter(void) {
    unsigned old = _mm_getcsr();
    _mm_setcsr(old | FTZ_DAZ);
    return old;
}

void fct_fpu_leave(unsigned state) { _mm_setcsr(state); }
#elif defined(__aarch64__)
#define FZ ((uint64_t)1 << 24)

unsigned fct_fpu_enter(void) {
    uint64_t old;
    __asm__ volatile("mrs %0, fpcr" : "=r"(old));
    __asm__ volatile("msr fpcr, %0" ::"r"(old | FZ));
    return (unsigned)old;
}

void fct_fpu_leave(unsigned state) { __asm__ volatile("msr fpcr, %0" ::"r"((uint64_t)state)); }
#else
unsigned fct_fpu_enter(void) { return 0; }
void fct_fpu_leave(unsigned state) { (void)state; }
#endif

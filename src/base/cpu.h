/* CPU features, as far as kernels ask for them. */
#ifndef FCT_BASE_CPU_H
#define FCT_BASE_CPU_H

#include "base/cpu_types.h"

/* Highest level of this CPU, capped by FCT_CPU; constant in a process. */
fct_cpu_level fct_cpu_get_level(void);
const char *fct_cpu_level_name(fct_cpu_level l); /* static */

/* Makes the calling thread treat denormal floats as zero until fct_fpu_leave()
 * gets the state that this returned. Workers of the pool always do. */
unsigned fct_fpu_enter(void);
void fct_fpu_leave(unsigned state);

/* Multiply-adds of floats that convolutions of a level do in a second on one core of this CPU, roughly. */
double fct_cpu_mac_rate(fct_cpu_level l);

/* Multiply-adds of 16-bit integers for one of floats that this CPU can do in the
 * same time at a level; 0 where nobody should try. */
double fct_cpu_int16_rate(fct_cpu_level l);

fct_cpu_caches fct_cpu_get_caches(void);

/* CPUs this process may use: min(affinity, ceil(cgroup quota)), at least 1. */
int fct_cpu_usable(void);

#endif

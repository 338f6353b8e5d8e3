/* What the processor and the system say about themselves; cpu.c makes sense of it. */
#ifndef FCT_BASE_CPU_PROBE_H
#define FCT_BASE_CPU_PROBE_H

#include "base/cpu_types.h"

/* Highest level that the processor and the system support. */
fct_cpu_level fct_probe_level(void);

/* A processor of AMD, or built after one. */
bool fct_probe_amd(void);

/* The processor's own name, or "". Writes at most 64 bytes. */
void fct_probe_brand(char out[64]);

/* Sizes found, 0 = unknown. */
fct_cpu_caches fct_probe_caches(void);

int fct_probe_online(void);   /* CPUs of the machine; >= 1 */
int fct_probe_affinity(void); /* CPUs in this process's affinity mask; >= 1 */

#endif

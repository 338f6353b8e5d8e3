/* What library.c builds on; one version for POSIX, one for Windows. */
#ifndef FCT_BASE_LIBRARY_SYS_H
#define FCT_BASE_LIBRARY_SYS_H

#include <stddef.h>

void *fct_sys_library_open(const char *file);                          /* NULL where it is missing or cannot be used */
void (*fct_sys_library_find(void *library, const char *symbol))(void); /* NULL where there is no such function */

extern const char fct_sys_library_suffix[]; /* in the name of each library of this system */

/* How a missing library gets onto this system; returns out. package: Debian's. */
const char *fct_sys_library_remedy(const char *package, char *out, size_t cap);

#endif

/* The two calls that library.c builds on; one version for POSIX, one for Windows. */
#ifndef FCT_BASE_LIBRARY_SYS_H
#define FCT_BASE_LIBRARY_SYS_H

void *fct_sys_library_open(const char *file);                          /* NULL where it is missing or cannot be used */
void (*fct_sys_library_find(void *library, const char *symbol))(void); /* NULL where there is no such function */

#endif

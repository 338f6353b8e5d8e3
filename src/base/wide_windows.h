/* UTF-8 to and from the UTF-16 of the Windows calls. */
#ifndef FCT_BASE_WIDE_WINDOWS_H
#define FCT_BASE_WIDE_WINDOWS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/* Owned (fct_free); NULL = out of memory. Invalid sequences become U+FFFD. */
wchar_t *fct_wide(const char *utf8);
char *fct_narrow(const wchar_t *wide);

#endif

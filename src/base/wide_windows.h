/* UTF-8 to and from the UTF-16 of the Windows calls. */
#ifndef FCT_BASE_WIDE_WINDOWS_H
#define FCT_BASE_WIDE_WINDOWS_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <stdbool.h>
#include <windows.h>

/* Owned (fct_free); NULL = out of memory. Invalid sequences become U+FFFD. */
wchar_t *fct_wide(const char *utf8);
char *fct_narrow(const wchar_t *wide);

/* The same for a path. One that would be too long for the calls' plain form (260 characters, in a
 * folder with its later files 248) is written in full behind \\?\, where the limit is 32,767. */
wchar_t *fct_wide_path(const char *utf8);

/* The plain form without memory of its own; false where the path is too long for it. */
enum { PLAIN_PATH = 300 };
bool fct_plain_path(const char *utf8, wchar_t out[PLAIN_PATH]);

/* errno value for a Windows error. */
int fct_errno_of(DWORD e);

/* What the system says of an open file, is_symlink aside. */
struct fct_file_stat;
void fct_stat_of_handle(const BY_HANDLE_FILE_INFORMATION *d, struct fct_file_stat *out);

#endif

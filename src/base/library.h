/* Libraries loaded when they are first needed. libcurl and libzip bring some
 * forty others with them, FFmpeg and SDL2 two hundred: 60 ms and 40 MB that a
 * program which only analyzes pictures should not pay at every start. */
#ifndef FCT_BASE_LIBRARY_H
#define FCT_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* One function to look up: its name and where its address goes. */
typedef struct fct_symbol {
    const char *name;
    void (**address)(void);
} fct_symbol;

/* Loads the first of the files (a NULL-terminated list) that is there and looks
 * all symbols up. Never unloaded. False where no file or a symbol is missing. */
bool fct_library_load(const char *const *files, const fct_symbol *symbols, int n);

/* For a message about a library that is missing: the first of the files that is a name of this system ("libheif.so.1",
 * "libheif.dll"), and how it gets there, "Debian package libheif1" or "it belongs beside facet.exe". */
const char *fct_library_name(const char *const *files);
const char *fct_library_remedy(const char *package, char *out, size_t cap);

#endif

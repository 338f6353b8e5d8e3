#include "base/library.h"

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

static void *open_file(const char *name) { return (void *)LoadLibraryA(name); }
static void (*find(void *library, const char *name))(void) {
    return (void (*)(void))GetProcAddress((HMODULE)library, name);
}
#else
#include <dlfcn.h>
#include <string.h>

static void *open_file(const char *name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }

/* ISO C has no cast between data and function pointers; POSIX says their bits agree. */
static void (*find(void *library, const char *name))(void) {
    void *p = dlsym(library, name);
    void (*f)(void);
    memcpy(&f, &p, sizeof f);
    return f;
}
#endif

bool fct_library_load(const char *const *files, const fct_symbol *symbols, int n) {
    void *library = 0;
    while (!library && *files) library = open_file(*files++);
    for (int i = 0; library && i < n; i++)
        if (!(*symbols[i].address = find(library, symbols[i].name))) return false;
    return library != 0;
}

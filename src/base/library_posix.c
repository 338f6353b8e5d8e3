#include "base/library_sys.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const char fct_sys_library_suffix[] = ".so";

void *fct_sys_library_open(const char *file) { return dlopen(file, RTLD_NOW | RTLD_LOCAL); }

/* ISO C has no cast between data and function pointers; POSIX says their bits agree. */
void (*fct_sys_library_find(void *library, const char *symbol))(void) {
    void *p = dlsym(library, symbol);
    void (*f)(void);
    memcpy(&f, &p, sizeof f);
    return f;
}

const char *fct_sys_library_remedy(const char *package, char *out, size_t cap) {
    snprintf(out, cap, "Debian package %s", package);
    return out;
}

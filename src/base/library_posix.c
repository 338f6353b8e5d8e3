#include "base/library_sys.h"

#include <dlfcn.h>
#include <string.h>

void *fct_sys_library_open(const char *file) { return dlopen(file, RTLD_NOW | RTLD_LOCAL); }

/* ISO C has no cast between data and function pointers; POSIX says their bits agree. */
void (*fct_sys_library_find(void *library, const char *symbol))(void) {
    void *p = dlsym(library, symbol);
    void (*f)(void);
    memcpy(&f, &p, sizeof f);
    return f;
}

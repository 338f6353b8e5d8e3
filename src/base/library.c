#include "base/library.h"
#include "base/library_sys.h"

#include <string.h>

bool fct_library_load(const char *const *files, const fct_symbol *symbols, int n) {
    void *library = 0;
    while (!library && *files) library = fct_sys_library_open(*files++);
    for (int i = 0; library && i < n; i++)
        if (!(*symbols[i].address = fct_sys_library_find(library, symbols[i].name))) return false;
    return library != 0;
}

const char *fct_library_name(const char *const *files) {
    const char *first = *files;
    for (; *files; files++)
        if (strstr(*files, fct_sys_library_suffix)) return *files;
    return first;
}

const char *fct_library_remedy(const char *package, char *out, size_t cap) {
    return fct_sys_library_remedy(package, out, cap);
}

#include "base/library.h"
#include "base/library_sys.h"

bool fct_library_load(const char *const *files, const fct_symbol *symbols, int n) {
    void *library = 0;
    while (!library && *files) library = fct_sys_library_open(*files++);
    for (int i = 0; library && i < n; i++)
        if (!(*symbols[i].address = fct_sys_library_find(library, symbols[i].name))) return false;
    return library != 0;
}

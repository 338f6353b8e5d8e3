/* A library is looked for beside the program or the library that this code is part of, then where the system
 * keeps its own. Never in the current folder or in PATH, where somebody else may have put one. */
#include "base/library_sys.h"

#include "base/alloc.h"
#include "base/wide_windows.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

const char fct_sys_library_suffix[] = ".dll";

enum { LONGEST = 32768 };

/* The folder of this code with its last separator, and room for a name behind it; owned, NULL = cannot be told. */
static wchar_t *own_folder(size_t room) {
    HMODULE self;
    const DWORD how = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(how, (const wchar_t *)(uintptr_t)fct_sys_library_open, &self)) return NULL;
    wchar_t *path = fct_alloc((LONGEST + room) * sizeof *path);
    DWORD n = path ? GetModuleFileNameW(self, path, LONGEST) : 0;
    wchar_t *last = n && n < LONGEST ? wcsrchr(path, L'\\') : NULL;
    if (last) last[1] = 0;
    else {
        fct_free(path);
        path = NULL;
    }
    return path;
}

void *fct_sys_library_open(const char *file) {
    DWORD before;
    HMODULE found = NULL;
    wchar_t *name = fct_wide(file), *path = name ? own_folder(wcslen(name) + 1) : NULL;
    /* No window may open to say that something is missing. */
    bool quiet = SetThreadErrorMode(SEM_FAILCRITICALERRORS, &before);
    if (path) {
        wcscat(path, name);
        found = LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
    }
    if (!found && name) found = LoadLibraryExW(name, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (quiet) SetThreadErrorMode(before, NULL);
    fct_free(path);
    fct_free(name);
    return found;
}

void (*fct_sys_library_find(void *library, const char *symbol))(void) {
    return (void (*)(void))GetProcAddress((HMODULE)library, symbol);
}

const char *fct_sys_library_remedy(const char *package, char *out, size_t cap) {
    snprintf(out, cap, "it belongs beside facet.exe");
    return out;
}

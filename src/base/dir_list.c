#include "base/dir_list.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <stdlib.h>
#include <string.h>

bool fct_dir_names_add(fct_dir_names *d, const char *name) {
    if (!strcmp(name, ".") || !strcmp(name, "..")) return true;
    char **p = fct_grow(d->names, &d->cap, d->n + 1, sizeof *p);
    if (!p) return false;
    d->names = p;
    d->names[d->n] = fct_strdup(name);
    if (!d->names[d->n]) return false;
    d->n++;
    return true;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void fct_dir_names_sort(fct_dir_names *d) {
    if (d->n) qsort(d->names, d->n, sizeof *d->names, by_bytes);
}

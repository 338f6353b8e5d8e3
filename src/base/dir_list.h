/* Collecting names for fct_dir_list(). */
#ifndef FCT_BASE_DIR_LIST_H
#define FCT_BASE_DIR_LIST_H

#include "base/file.h"

typedef struct fct_dir_names {
    char **names;
    size_t n, cap;
} fct_dir_names;

/* Appends a copy of name, "." and ".." left out; false when out of memory. */
bool fct_dir_names_add(fct_dir_names *d, const char *name);
void fct_dir_names_sort(fct_dir_names *d);

#endif

/* On which store the gallery's tests run: FCT_TEST_STORE is "sqlite" (the default: files), "memory" or "postgresql"
 * (then FCT_TEST_POSTGRESQL is the address of a server of the tests' own, tests/postgres/with_cluster.py). */
#ifndef FCT_STORE_CHOICE_H
#define FCT_STORE_CHOICE_H

#include "facet/gallery.h"

bool store_is(const char *kind);

/* What to open for the gallery called name: a path or an address. Static, overwritten by the call after the next. */
const char *store_place(const char *name);
/* What a message calls it by. Static, overwritten by the next call. */
const char *store_mark(const char *name);
/* How many files or tables of the gallery called name hold these bytes, as they are or as the server shows them. Of a
 * gallery in memory 0. */
int store_holds(const char *name, const void *needle, size_t n);
/* Rows of a table of the gallery called name; -1 where the store is no server, or has no such table. */
int store_count(const char *name, const char *table);
/* Forgets the gallery called name. */
void store_erase(const char *name);
/* Opens the gallery called name, as fct_gallery_open() does. */
fct_status store_open(const char *name, const fct_gallery_opts *o, fct_gallery **out, fct_error *err);

#endif

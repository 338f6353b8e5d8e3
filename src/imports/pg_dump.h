/* Plain dumps of PostgreSQL (pg_dump, pg_dumpall), one row at a time.
 *
 * A dump is SQL, of which only the tables' data matter:
 *     COPY public.subject (id, api_key, subject_name) FROM stdin;
 *     0c1f...<tab>00000000-...<tab>Ada
 *     \.
 * Fields are divided by tabs; \N is NULL, \t \n \\ and the like stand for characters. */
#ifndef FCT_IMPORTS_PG_DUMP_H
#define FCT_IMPORTS_PG_DUMP_H

#include "facet/base.h"
#include <stdio.h>

enum { FCT_DUMP_FIELDS = 64 };

typedef struct fct_dump fct_dump;

/* *out is owned. FCT_ERR_UNSUPPORTED for the other forms of a dump, with the command that makes this one. */
fct_status fct_dump_open(const char *path, fct_dump **out, fct_error *err);
/* The same of an open file, which is taken over. */
fct_status fct_dump_from(FILE *f, const char *path, fct_dump **out, fct_error *err);
void fct_dump_close(fct_dump *d);

/* Goes on to the next table of one of these names (without schema; NULL ends the list). *which: its place in the list,
 * -1 = the dump is at its end. The rest of the current table is passed over. */
fct_status fct_dump_next_table(fct_dump *d, const char *const *names, int *which, fct_error *err);
/* Place of a column of the current table, -1 = it has none of this name. */
int fct_dump_column(const fct_dump *d, const char *name);
/* The next row of the table into field[0..columns-1], NULL for NULL, borrowed until the next call; *more false at its
 * end. */
fct_status fct_dump_next_row(fct_dump *d, char **field[], bool *more, fct_error *err);
/* For messages: "PATH: line N". */
fct_status fct_dump_bad(const fct_dump *d, const char *what, fct_error *err);

#endif

/* Comma-separated values (RFC 4180), one record at a time. */
#ifndef FCT_TEXT_CSV_READER_H
#define FCT_TEXT_CSV_READER_H

#include <stdbool.h>
#include <stddef.h>

#define FCT_CSV_FIELDS 32

typedef struct fct_csv {
    char *p, *end;
    char delimiter;              /* between fields; 0 = a comma */
    long line;                   /* of the record read last, from 1 */
    long next;                   /* starts as 1 */
    char *field[FCT_CSV_FIELDS]; /* its fields; further ones are passed over */
    int n;
} fct_csv;

/* The delimiter that a text seems to have by its first line: a comma, or, where there is none, a semicolon, which
 * spreadsheets write in countries with a decimal comma, or a tab. */
char fct_csv_guess_delimiter(const char *p, const char *end);

/* Reads the next record into field[0..n-1], decoded in place. False at the end,
 * or with *why (static) set when it is not CSV or holds a NUL. The text must have
 * a NUL behind its end. Empty lines are passed over. */
bool fct_csv_next(fct_csv *c, const char **why);

#endif

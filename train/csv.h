/* Just enough CSV (RFC 4180) for index files: one record at a time out of a
 * NUL-terminated text, changed in place. */
#ifndef FCT_TRAIN_CSV_H
#define FCT_TRAIN_CSV_H

/* Splits the record at *text into at most cap fields (borrowed from the text)
 * and moves *text behind it. Returns the number of fields; 0 at the end. Fields
 * past cap are dropped. Empty lines are skipped. */
int fct_csv_record(char **text, char **field, int cap);

/* Position of a name among fields, or -1. */
int fct_csv_column(char **field, int n, const char *name);

#endif

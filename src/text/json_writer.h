/* A streaming JSON writer, to a file or to memory. To a file, what is written is
 * out at once: a batch of a million photos needs no memory, and one that is
 * interrupted leaves whole lines.
 *
 * key is the member's name inside an object, and NULL inside an array or at the
 * top. Texts are UTF-8; each invalid byte becomes U+FFFD. Numbers that are not
 * finite become null; the decimal point is a point in every locale. */
#ifndef FCT_TEXT_JSON_WRITER_H
#define FCT_TEXT_JSON_WRITER_H

#include "base/buffer.h"
#include <stdint.h>
#include <stdio.h>

enum { FCT_JSON_LEVELS = 32 }; /* objects and arrays inside each other, at most */

typedef struct fct_json_writer {
    FILE *file;   /* where to, borrowed; or */
    fct_buf *buf; /* where to, borrowed; its `failed` tells when memory ran out */
    int depth;
    bool filled[FCT_JSON_LEVELS + 1]; /* per depth: something was written there */
} fct_json_writer;

void fct_json_to_file(fct_json_writer *w, FILE *file);
void fct_json_to_buf(fct_json_writer *w, fct_buf *buf);

void fct_json_object(fct_json_writer *w, const char *key);
void fct_json_array(fct_json_writer *w, const char *key);
void fct_json_close_object(fct_json_writer *w);
void fct_json_close_array(fct_json_writer *w);
void fct_json_text(fct_json_writer *w, const char *key, const char *value);           /* NULL = null */
void fct_json_bytes(fct_json_writer *w, const char *key, const void *data, size_t n); /* as base 64 */
void fct_json_int(fct_json_writer *w, const char *key, int64_t value);
void fct_json_bool(fct_json_writer *w, const char *key, bool value);
void fct_json_null(fct_json_writer *w, const char *key);
/* A value that is JSON already. */
void fct_json_raw(fct_json_writer *w, const char *key, const char *json);
/* A time in seconds since 1970 as ISO 8601 in UTC, "2026-07-30T14:05:09Z". */
void fct_json_date(fct_json_writer *w, const char *key, int64_t seconds);
/* Writes a number with the given number of decimals, at most 17. */
void fct_json_number(fct_json_writer *w, const char *key, double value, int decimals);
/* Writes a number with nine significant digits, with which every float survives. */
void fct_json_float(fct_json_writer *w, const char *key, float value);
/* Writes a number with seventeen significant digits, with which every double survives. */
void fct_json_double(fct_json_writer *w, const char *key, double value);
/* [v[0], ..., v[n-1]] with decimals. */
void fct_json_numbers(fct_json_writer *w, const char *key, const float *v, int n, int decimals);

/* Ends the line of a whole value; a file is flushed. */
void fct_json_end(fct_json_writer *w);

#endif

/* A streaming JSON writer: what is written is out at once, so that a batch of a
 * million photos needs no memory and an interrupted one leaves whole lines.
 *
 * key is the member's name inside an object and NULL inside an array or at the
 * top. Texts are UTF-8; invalid bytes become U+FFFD. Numbers that are not
 * finite become null. */
#ifndef FACET_CLI_JSON_H
#define FACET_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CLI_JSON_SCHEMA = 1 }; /* grows when a member changes its meaning or goes, not when one is added */

typedef struct cli_json {
    FILE *file; /* borrowed */
    int depth;
    bool filled[16]; /* per depth: something was written there */
} cli_json;

void cli_json_begin(cli_json *j, FILE *file);
/* Starts the object that a line of the command's output consists of, and writes
 * its first member, "schema" (docs/json.md). */
void cli_json_line(cli_json *j, FILE *file);
void cli_json_object(cli_json *j, const char *key);
void cli_json_array(cli_json *j, const char *key);
void cli_json_close_object(cli_json *j);
void cli_json_close_array(cli_json *j);
void cli_json_text(cli_json *j, const char *key, const char *value); /* NULL = null */
void cli_json_int(cli_json *j, const char *key, int64_t value);
void cli_json_bool(cli_json *j, const char *key, bool value);
void cli_json_null(cli_json *j, const char *key);
/* A time in seconds since 1970 as ISO 8601 in UTC, "2026-07-30T14:05:09Z". */
void cli_json_date(cli_json *j, const char *key, int64_t seconds);
/* With the given number of decimals. */
void cli_json_number(cli_json *j, const char *key, double value, int decimals);
/* With nine significant digits: every float survives. */
void cli_json_float(cli_json *j, const char *key, float value);
/* [v[0], ..., v[n-1]] with decimals. */
void cli_json_numbers(cli_json *j, const char *key, const float *v, int n, int decimals);
/* Ends the line of a whole value and flushes it. */
void cli_json_end(cli_json *j);

#endif

/* The command's JSON lines: the writer of text/json_writer.h, and how a line begins. */
#ifndef FACET_CLI_JSON_H
#define FACET_CLI_JSON_H

#include "text/json_writer.h"

enum { CLI_JSON_SCHEMA = 1 }; /* grows when a member changes its meaning or goes, not when one is added */

/* Starts the object that a line of the command's output consists of, and writes
 * its first member, "schema" (docs/json.md). */
void cli_json_line(fct_json_writer *j, FILE *file);

typedef fct_json_writer cli_json;
#define cli_json_begin        fct_json_to_file
#define cli_json_object       fct_json_object
#define cli_json_array        fct_json_array
#define cli_json_close_object fct_json_close_object
#define cli_json_close_array  fct_json_close_array
#define cli_json_text         fct_json_text
#define cli_json_int          fct_json_int
#define cli_json_bool         fct_json_bool
#define cli_json_null         fct_json_null
#define cli_json_date         fct_json_date
#define cli_json_number       fct_json_number
#define cli_json_float        fct_json_float
#define cli_json_numbers      fct_json_numbers
#define cli_json_end          fct_json_end

#endif

/* The command's JSON lines: the writer of text/json_writer.h, and how a line begins. */
#ifndef FACET_CLI_JSON_H
#define FACET_CLI_JSON_H

#include "text/json_writer.h"

enum { CLI_JSON_SCHEMA = 1 }; /* grows when a member changes its meaning or goes, not when one is added */

/* Starts the object that a line of the command's output consists of, and writes
 * its first member, "schema" (docs/json.md). */
void cli_json_line(fct_json_writer *j, FILE *file);

#endif

/* Help texts, man pages and shell completions, all from the tables of commands
 * and options. */
#ifndef FACET_CLI_HELP_H
#define FACET_CLI_HELP_H

#include "shell/cli.h"

void cli_help_overview(FILE *f);
/* Prints the help of a command: its own options and, with all, those that it shares with other commands. */
void cli_help_command(FILE *f, const cli_command *c, bool all);

/* A longer text that belongs to no command ("packs", "exit-codes"). */
typedef struct cli_topic {
    const char *name, *summary, *text;
} cli_topic;
extern const cli_topic cli_topics[]; /* ends with a NULL name */

/* Writes the man page, in roff with man macros, of a command, or of facet itself where c is NULL. */
void cli_man_page(FILE *f, const cli_command *c);

/* Writes the script for "bash", "zsh" or "fish"; false for another name. */
bool cli_completion(FILE *f, const char *shell);

/* Prints text in lines of at most width columns, each line after the first
 * behind indent spaces; column is where the first starts. */
void cli_wrap(FILE *f, const char *text, size_t length, int column, int indent, int width);

#endif

/* Which part of a photo's path its results are named after. */
#ifndef FACET_CLI_BELOW_H
#define FACET_CLI_BELOW_H

#include "photos/inputs.h"

/* The name of every input below the deepest folder that holds all of them: "a/1.jpg"
 * and "b/1.jpg" for the photos trip/a/1.jpg and trip/b/1.jpg. A folder on the command
 * line counts as a whole, so that one photo in one folder keeps the folders that it
 * has below that one. Standard input is called "stdin". Owned: cli_names_free(). */
char **cli_names_below_root(const cli_inputs *in);
void cli_names_free(char **names, size_t n);

#endif

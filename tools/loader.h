/* Decoding of the photos that come next, in a thread of its own. */
#ifndef FACET_CLI_LOADER_H
#define FACET_CLI_LOADER_H

#include "inputs.h"

typedef struct cli_loader cli_loader;

/* Starts on the inputs in order; without a thread (threaded false, or where none
 * can be had) photos are decoded when they are asked for. *inputs and *s are
 * borrowed until cli_loader_free(). Owned. */
cli_loader *cli_loader_start(const cli_inputs *in, const cli_settings *s, bool threaded);

/* The next photo: FCT_OK and *out owned, or the error of reading it. */
fct_status cli_loader_next(cli_loader *l, fct_image **out, fct_error *err);
void cli_loader_free(cli_loader *l);

/* Reads one input ("-" = standard input) as RGB. */
fct_status cli_load_image(const cli_input *input, const cli_settings *s, fct_image **out, fct_error *err);

#endif

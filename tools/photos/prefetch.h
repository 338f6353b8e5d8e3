/* Decoding of the photos that come next, in a thread of its own. */
#ifndef FACET_CLI_PREFETCH_H
#define FACET_CLI_PREFETCH_H

#include "photos/inputs.h"

typedef struct cli_prefetch cli_prefetch;

/* Starts on the inputs in order; without a thread (threaded false, or where none
 * can be had) photos are decoded when they are asked for. *inputs and *s are
 * borrowed until cli_prefetch_free(). Owned. */
cli_prefetch *cli_prefetch_start(const cli_inputs *in, const cli_settings *s, bool threaded);

/* The next photo: FCT_OK and *out owned, or the error of reading it. */
fct_status cli_prefetch_next(cli_prefetch *l, fct_image **out, fct_error *err);
void cli_prefetch_free(cli_prefetch *l);

/* Reads one input ("-" = standard input) as RGB. */
fct_status cli_load_image(const cli_input *input, const cli_settings *s, fct_image **out, fct_error *err);

#endif

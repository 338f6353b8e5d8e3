/* From embeddings, or scores, to all figures of the report. */
#ifndef FACET_CLI_EVAL_MEASURE_H
#define FACET_CLI_EVAL_MEASURE_H

#include "measure/eval_result.h"

/* Fills in everything that follows from the rows, or the set's scores. Prints one line and returns an exit code where
 * that fails. */
int eval_measure(const cli_settings *s, eval_result *r);

#endif

/* A thread that waits for the command to be interrupted and then cancels a source:
 * a camera that gives no more frames must not keep the command from ending. */
#ifndef FACET_CLI_STOPPER_H
#define FACET_CLI_STOPPER_H

#include "shell/cli.h"

#include "base/thread.h"

#include <stdatomic.h>

typedef struct cli_stopper {
    fct_thread thread;
    fct_source *source; /* borrowed; NULL = the thread does not run */
    atomic_bool done;
} cli_stopper;

/* *s must stay where it is until cli_stopper_end(), which comes before the source
 * is freed and is harmless without a start. */
fct_status cli_stopper_start(cli_stopper *s, fct_source *source, fct_error *err);
void cli_stopper_end(cli_stopper *s);

#endif

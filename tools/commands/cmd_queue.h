/* facet queue and facet worker: what they share. */
#ifndef FACET_CMD_QUEUE_H
#define FACET_CMD_QUEUE_H

#include "shell/cli.h"

/* Opens the queue on the server that --gallery or FCT_GALLERY names. *out is owned: fct_queue_free(). On failure
 * prints one line and returns an exit code. */
int cli_queue_open(const cli_settings *s, fct_queue **out);

extern const cli_command cmd_queue_add, cmd_queue_status, cmd_queue_failures, cmd_queue_faces, cmd_queue_retry,
    cmd_queue_clear;

#endif

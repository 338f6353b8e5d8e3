/* The progress line on a terminal. */
#ifndef FACET_CLI_PROGRESS_H
#define FACET_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

/* Starts a line for total steps of something ("photos"); 0 = nobody knows how many:
 * they are counted, from the second second on. Does nothing when stderr is no
 * terminal, quiet, or there are but a few steps. */
void cli_progress_start(int total, const char *unit, bool quiet);
/* Says that `done` steps are finished; redraws at most ten times a second. */
void cli_progress_step(int done);
/* Wipes the line so that other output may be printed; the next step redraws it. */
void cli_progress_hide(void);
void cli_progress_end(void);

/* Writes a time such as "40 s left", "12 min left", "2.5 h left". */
void cli_format_left(char *out, size_t cap, double seconds);

#endif

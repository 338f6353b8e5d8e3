/* The logs of a run, CSV files in its folder: log.csv and eval.csv. */
#ifndef FCT_TRAIN_RUNLOG_H
#define FCT_TRAIN_RUNLOG_H

/* Adds a line; a new file gets the head first. A log that cannot be written is no reason to stop. */
void fct_runlog_append(const char *out, const char *name, const char *head, const char *line);

/* Takes out what a killed run wrote after its last checkpoint: lines that begin
 * with a number above step, or that were cut off. */
void fct_runlog_trim(const char *out, const char *name, long step);

#endif

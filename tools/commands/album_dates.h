/* Dates of photos, as the actions of 'facet album' take and show them. */
#ifndef FACET_ALBUM_DATES_H
#define FACET_ALBUM_DATES_H

#include "shell/cli.h"

/* Reads "2024", "2024-05" or "2024-05-17" as the time at which that year, month or day begins, or with `after` the
 * next one. Prints one line and returns CLI_USE for anything else. */
int cli_album_date(const char *option, const char *text, bool after, int64_t *out);

/* Writes a time of a photo as a date, "2024-05-17". */
void cli_album_date_text(int64_t time, char out[16]);

#endif

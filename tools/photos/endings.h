/* How many files of each kind were passed over, by their endings. */
#ifndef FACET_CLI_ENDINGS_H
#define FACET_CLI_ENDINGS_H

#include <stddef.h>

typedef struct cli_ending_count {
    char ending[8]; /* in small letters, without the dot; cut where it is longer */
    size_t n;
} cli_ending_count;

/* Zero is an empty one. Free with cli_endings_free(). */
typedef struct cli_endings {
    cli_ending_count *at; /* owned */
    size_t n, capacity;
} cli_endings;

void cli_endings_add(cli_endings *e, const char *ending);

/* How many there are in all. *list is owned: free(). It names the most frequent ones first: "10 nef, 2 cr2". */
size_t cli_endings_list(cli_endings *e, char **list);

void cli_endings_free(cli_endings *e);

#endif

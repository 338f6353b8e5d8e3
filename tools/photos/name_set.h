/* A set of texts. */
#ifndef FACET_CLI_NAME_SET_H
#define FACET_CLI_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed one is empty and ready. */
typedef struct cli_name_set {
    char **slots;          /* owned texts; NULL = free; as many as a power of two */
    size_t n_slots, count; /* at most half of the slots are in use */
} cli_name_set;

bool cli_name_set_has(const cli_name_set *s, const char *text);
void cli_name_set_add(cli_name_set *s, const char *text); /* copies it; one that is there already stays */
void cli_name_set_free(cli_name_set *s);

#endif

/* Open addressing with linear probing. */
#include "photos/name_set.h"

#include "shell/cli.h"

#include <stdlib.h>
#include <string.h>

static size_t hash_of(const char *text) {
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* Finds the slot where text is, or where it would be put. */
static size_t find_slot(const cli_name_set *s, const char *text) {
    size_t i = hash_of(text) & (s->n_slots - 1);
    while (s->slots[i] && strcmp(s->slots[i], text) != 0) i = (i + 1) & (s->n_slots - 1);
    return i;
}

/* Moves all texts to a table of twice the size, in which their places are different ones. */
static void enlarge(cli_name_set *s) {
    cli_name_set larger = {.n_slots = s->n_slots ? 2 * s->n_slots : 64, .count = s->count};
    larger.slots = cli_alloc(larger.n_slots, sizeof *larger.slots);
    for (size_t i = 0; i < s->n_slots; i++)
        if (s->slots[i]) larger.slots[find_slot(&larger, s->slots[i])] = s->slots[i];
    free(s->slots);
    *s = larger;
}

bool cli_name_set_has(const cli_name_set *s, const char *text) { return s->count && s->slots[find_slot(s, text)]; }

void cli_name_set_add(cli_name_set *s, const char *text) {
    if (2 * (s->count + 1) > s->n_slots) enlarge(s);
    size_t i = find_slot(s, text);
    if (s->slots[i]) return;
    s->slots[i] = cli_format("%s", text);
    s->count++;
}

void cli_name_set_free(cli_name_set *s) {
    for (size_t i = 0; i < s->n_slots; i++) free(s->slots[i]);
    free(s->slots);
    *s = (cli_name_set){0};
}

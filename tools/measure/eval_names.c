#include "measure/eval_names.h"

#include "shell/cli.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a */
static size_t hash_of(const char *text) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++) h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds the text or is free for it. */
static uint32_t *slot_of(const eval_names *names, const char *text) {
    size_t mask = names->n_slots - 1, i = hash_of(text) & mask;
    while (names->slots[i] != UINT32_MAX && strcmp(names->at[names->slots[i]], text) != 0) i = (i + 1) & mask;
    return &names->slots[i];
}

/* At most half of the slots are used, so that a search ends soon. */
static void enlarge(eval_names *names) {
    free(names->slots);
    names->n_slots = names->n_slots ? names->n_slots * 2 : 256;
    names->slots = cli_alloc(names->n_slots, sizeof *names->slots);
    memset(names->slots, 0xff, names->n_slots * sizeof *names->slots);
    for (size_t i = 0; i < names->n; i++) *slot_of(names, names->at[i]) = (uint32_t)i;
}

uint32_t eval_names_put(eval_names *names, const char *text) {
    if (2 * (names->n + 1) > names->n_slots) enlarge(names);
    uint32_t *slot = slot_of(names, text);
    if (*slot != UINT32_MAX) return *slot;
    names->at = cli_grow(names->at, &names->capacity, names->n + 1, sizeof *names->at);
    names->at[names->n] = cli_format("%s", text);
    return *slot = (uint32_t)names->n++;
}

void eval_names_free(eval_names *names) {
    for (size_t i = 0; i < names->n; i++) free(names->at[i]);
    free(names->at);
    free(names->slots);
    memset(names, 0, sizeof *names);
}

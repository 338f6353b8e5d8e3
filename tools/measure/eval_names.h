/* Texts with numbers: the first one added is 0, the next new one 1. */
#ifndef FACET_CLI_EVAL_NAMES_H
#define FACET_CLI_EVAL_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A zeroed one is empty and ready. */
typedef struct eval_names {
    char **at; /* [n], owned texts */
    size_t n, capacity;
    uint32_t *slots; /* hash table of numbers, UINT32_MAX = free; as many as a power of two */
    size_t n_slots;
} eval_names;

/* The number of a text, which is added where it is new. */
uint32_t eval_names_put(eval_names *names, const char *text);
void eval_names_free(eval_names *names);

#endif

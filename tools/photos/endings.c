#include "photos/endings.h"
#include "shell/cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void cli_endings_add(cli_endings *e, const char *ending) {
    cli_ending_count one = {.n = 1};
    for (size_t i = 0; ending[i] && i + 1 < sizeof one.ending; i++)
        one.ending[i] = (char)tolower((unsigned char)ending[i]);
    for (size_t i = 0; i < e->n; i++)
        if (!strcmp(e->at[i].ending, one.ending)) {
            e->at[i].n++;
            return;
        }
    e->at = cli_grow(e->at, &e->capacity, e->n + 1, sizeof *e->at);
    e->at[e->n++] = one;
}

static int by_count(const void *a, const void *b) {
    const cli_ending_count *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->ending, y->ending);
}

size_t cli_endings_list(cli_endings *e, char **list) {
    size_t sum = 0;
    char *all = cli_format("%s", "");
    if (e->n) qsort(e->at, e->n, sizeof *e->at, by_count);
    for (size_t i = 0; i < e->n; i++) {
        char *longer = cli_format("%s%s%zu %s", all, i ? ", " : "", e->at[i].n, e->at[i].ending);
        free(all);
        all = longer;
        sum += e->at[i].n;
    }
    *list = all;
    return sum;
}

void cli_endings_free(cli_endings *e) {
    free(e->at);
    *e = (cli_endings){.at = NULL};
}

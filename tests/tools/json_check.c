/* Exit status 0 when each line of standard input is one JSON object, 1 otherwise,
 * with the first fault on stderr. Prints the number of lines. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* getline */
#endif
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    int n = 0;
    for (ssize_t length; (length = getline(&line, &capacity, stdin)) > 0; n++) {
        json_error_t e;
        json_t *v = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, &e);
        if (!json_is_object(v) || line[length - 1] != '\n') {
            fprintf(stderr, "line %d: %s\n", n + 1, v ? "not an object on a line" : e.text);
            return 1;
        }
        json_decref(v);
    }
    free(line);
    printf("%d\n", n);
    return 0;
}

/* Exit status 0 when each line of standard input is one JSON object, 1 otherwise,
 * with the first fault on stderr. Prints the number of lines. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* The next line with its end, owned, as POSIX's getline() gives it; its length, 0 = there is none. */
static size_t next_line(char **line, size_t *capacity) {
    size_t n = 0;
    for (int c = 0; c != '\n' && (c = getchar()) != EOF;) {
        if (n == *capacity && !(*line = realloc(*line, *capacity = 2 * n + 1000))) abort();
        (*line)[n++] = (char)c;
    }
    return n;
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    int n = 0;
    for (size_t length; (length = next_line(&line, &capacity)) > 0; n++) {
        json_error_t e;
        json_t *v = json_loadb(line, length, JSON_REJECT_DUPLICATES, &e);
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

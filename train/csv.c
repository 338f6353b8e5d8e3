#include "train/csv.h"
#include <string.h>

/* Cuts off one field; *ended tells whether it was the record's last. */
static char *next_field(char **text, int *ended) {
    char *p = *text, *start = p, *out = p;
    int quoted = *p == '"';
    if (quoted) start = out = ++p;
    while (*p && (quoted || (*p != ',' && *p != '\n' && *p != '\r'))) {
        if (quoted && *p == '"') {
            if (p[1] != '"') {
                quoted = 0;
                p++;
                continue;
            }
            p++;
        }
        *out++ = *p++;
    }
    char end = *p;
    if (end == '\r' && p[1] == '\n') p++;
    *ended = end != ',';
    *text = end ? p + 1 : p;
    *out = 0;
    return start;
}

int fct_csv_record(char **text, char **field, int cap) {
    *text += strspn(*text, "\r\n");
    if (!**text) return 0;
    int n = 0, ended = 0;
    while (!ended) {
        char *f = next_field(text, &ended);
        if (n < cap) field[n++] = f;
    }
    return n;
}

int fct_csv_column(char **field, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(field[i], name)) return i;
    return -1;
}

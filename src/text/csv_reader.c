#include "text/csv_reader.h"
#include <string.h>

static bool at_line_end(const fct_csv *c) { return c->p == c->end || *c->p == '\n' || *c->p == '\r'; }

static void skip_line_end(fct_csv *c) {
    if (c->p < c->end && *c->p == '\r') c->p++;
    if (c->p < c->end && *c->p == '\n') c->p++;
    c->next++;
}

/* A field in quotes; two quotes stand for one. Leaves c->p behind the closing one. */
static char *quoted(fct_csv *c, char **stop) {
    char *start = ++c->p, *w = start;
    for (; c->p < c->end; *w++ = *c->p++) {
        if (*c->p == '\n') c->next++;
        if (*c->p == '"' && *++c->p != '"') { /* the NUL behind the end is no quote */
            *stop = w;
            return start;
        }
    }
    return NULL;
}

static bool read_field(fct_csv *c, const char **why) {
    char *start = c->p, *stop, delimiter = c->delimiter ? c->delimiter : ',';
    if (c->p < c->end && *c->p == '"') {
        start = quoted(c, &stop);
        if (!start) return *why = "has a quote that is not closed", false;
        if (!at_line_end(c) && *c->p != delimiter) return *why = "goes on behind a closing quote", false;
    } else {
        while (!at_line_end(c) && *c->p != delimiter) c->p++;
        stop = c->p;
    }
    if (memchr(start, 0, (size_t)(stop - start))) return *why = "holds a NUL byte", false;
    bool more = c->p < c->end && *c->p == delimiter;
    if (more) c->p++;
    else skip_line_end(c);
    *stop = 0; /* over a delimiter that is already passed */
    if (c->n < FCT_CSV_FIELDS) c->field[c->n++] = start;
    return more;
}

char fct_csv_guess_delimiter(const char *p, const char *end) {
    char guess = ',';
    for (; p < end && *p != '\n' && *p != '\r' && *p != ','; p++)
        if (guess == ',' && (*p == ';' || *p == '\t')) guess = *p;
    return p < end && *p == ',' ? ',' : guess;
}

bool fct_csv_next(fct_csv *c, const char **why) {
    *why = NULL;
    c->n = 0;
    while (c->p < c->end && at_line_end(c)) skip_line_end(c);
    if (c->p == c->end) return false;
    c->line = c->next;
    while (read_field(c, why)) {}
    return !*why;
}

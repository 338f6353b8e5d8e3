#include "imports/pg_dump.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include <errno.h>
#include <string.h>

#define LINE_MOST ((size_t)256 << 20) /* a picture in a row of another table */

struct fct_dump {
    const char *path; /* borrowed */
    FILE *f;
    char *line; /* [length], with a NUL behind it; owned */
    size_t length, capacity;
    long number; /* of the line, from 1 */
    bool in_table;
    int columns;
    char *column[FCT_DUMP_FIELDS]; /* names, inside head */
    char *head;                    /* owned: the table's COPY line, cut up */
    char *field[FCT_DUMP_FIELDS];
};

fct_status fct_dump_bad(const fct_dump *d, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: line %ld %s", d->path, d->number, what);
}

/* The next line without its end; *more false at the end of the file. */
static fct_status next_line(fct_dump *d, bool *more, fct_error *err) {
    d->length = 0;
    d->number++;
    for (int c; (c = getc(d->f)) != EOF && c != '\n';) {
        if (d->length >= LINE_MOST) return fct_dump_bad(d, "is too long", err);
        if (d->length + 1 >= d->capacity) {
            char *p = fct_grow(d->line, &d->capacity, d->length + 2, 1);
            if (!p) return fct_fail_nomem(err, d->path, d->length);
            d->line = p;
        }
        d->line[d->length++] = (char)c;
    }
    *more = d->length > 0 || !feof(d->f);
    if (ferror(d->f)) return fct_fail(err, FCT_ERR_IO, "%s: cannot be read", d->path);
    if (d->length && d->line[d->length - 1] == '\r') d->length--;
    if (!d->line && !(d->line = fct_grow(NULL, &d->capacity, 1, 1))) return fct_fail_nomem(err, d->path, 0);
    d->line[d->length] = 0;
    return FCT_OK;
}

/* What the file begins with, to tell the other forms of dumps. */
static fct_status check_form(fct_dump *d, fct_error *err) {
    char start[5] = "";
    size_t n = fread(start, 1, sizeof start, d->f);
    rewind(d->f);
    if (n == 5 && memcmp(start, "PGDMP", 5) == 0)
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "%s: a dump in PostgreSQL's own format; make it plain: pg_restore -f "
                        "dump.sql %.100s",
                        d->path, d->path);
    if (n >= 2 && memcmp(start, "\x1f\x8b", 2) == 0)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: compressed; gunzip it first", d->path);
    return FCT_OK;
}

fct_status fct_dump_open(const char *path, fct_dump **out, fct_error *err) {
    fct_file_stat st;
    *out = NULL;
    fct_file_get_stat(path, &st);
    if (!st.exists) return fct_fail(err, FCT_ERR_NOT_FOUND, "%s: no such file", path);
    if (!st.is_file) return fct_fail(err, FCT_ERR_IO, "%s: is not a regular file", path);
    FILE *f = fct_fopen(path, "rb");
    if (!f && errno == ENOMEM) return fct_fail_nomem(err, path, 0);
    return f ? fct_dump_from(f, path, out, err) : fct_fail(err, FCT_ERR_IO, "%s: cannot be read", path);
}

fct_status fct_dump_from(FILE *f, const char *path, fct_dump **out, fct_error *err) {
    fct_dump *d = fct_calloc(1, sizeof *d);
    *out = NULL;
    if (!d) {
        fclose(f);
        return fct_fail_nomem(err, path, 0);
    }
    d->path = path;
    d->f = f;
    fct_status s = check_form(d, err);
    if (s) fct_dump_close(d);
    else *out = d;
    return s;
}

void fct_dump_close(fct_dump *d) {
    if (!d) return;
    if (d->f) fclose(d->f);
    fct_free(d->line);
    fct_free(d->head);
    fct_free(d);
}

/* ---- Tables --------------------------------------------------------------------------- */

/* Takes a name, which may be in quotes, off *p; ends it with a NUL and leaves *p at what follows it. stop holds what
 * may follow. Returns NULL where there is none. *after is what followed. */
static char *take_name(char **p, const char *stop, char *after) {
    bool quoted = **p == '"';
    char *name = *p + quoted, *end = name;
    while (*end && (quoted ? *end != '"' : !strchr(stop, *end))) end++;
    if (end == name || (quoted && *end != '"')) return NULL;
    char *next = end + quoted;
    *after = *next;
    if (!*next || !strchr(stop, *next)) return NULL;
    *p = next + 1;
    *end = 0;
    return name;
}

/* Reads the columns of "id, api_key, subject_name) FROM stdin;". */
static fct_status read_columns(fct_dump *d, char *p, fct_error *err) {
    char after = ',';
    d->columns = 0;
    while (after == ',') {
        while (*p == ' ') p++;
        char *name = take_name(&p, ",)", &after);
        if (!name) return fct_dump_bad(d, "has bad names of columns", err);
        if (d->columns == FCT_DUMP_FIELDS) return fct_dump_bad(d, "names too many columns", err);
        d->column[d->columns++] = name;
    }
    return strcmp(p, " FROM stdin;") == 0 ? FCT_OK : fct_dump_bad(d, "is a COPY that is not known", err);
}

/* Whether the line begins a table's data; its name without the schema into *name, with *rest at its columns. */
static fct_status begin_table(fct_dump *d, char **name, char **rest, fct_error *err) {
    char after;
    fct_free(d->head);
    d->head = fct_strdup(d->line);
    if (!d->head) return fct_fail_nomem(err, d->path, d->length);
    char *p = d->head + 5;
    *name = take_name(&p, ". ", &after);
    if (*name && after == '.') *name = take_name(&p, " ", &after);
    if (!*name || *p != '(') return fct_dump_bad(d, "is a COPY that is not known", err);
    *rest = p + 1;
    return FCT_OK;
}

static int place_of(const char *const *names, const char *name) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static bool ends_table(const fct_dump *d) { return d->length == 2 && memcmp(d->line, "\\.", 2) == 0; }

fct_status fct_dump_next_table(fct_dump *d, const char *const *names, int *which, fct_error *err) {
    bool more = true;
    *which = -1;
    for (;;) {
        fct_status s = next_line(d, &more, err);
        if (s) return s;
        if (!more) return d->in_table ? fct_dump_bad(d, "ends inside a table", err) : FCT_OK;
        if (d->in_table) {
            d->in_table = !ends_table(d);
            continue;
        }
        if (strncmp(d->line, "COPY ", 5) != 0) continue;
        char *name = NULL, *rest = NULL;
        s = begin_table(d, &name, &rest, err);
        if (s) return s;
        d->in_table = true;
        *which = place_of(names, name);
        if (*which >= 0) return read_columns(d, rest, err);
    }
}

int fct_dump_column(const fct_dump *d, const char *name) {
    for (int i = 0; i < d->columns; i++)
        if (strcmp(d->column[i], name) == 0) return i;
    return -1;
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* The value of octal or hexadecimal digits behind a backslash; *p moves behind them. */
static char read_code(char **p, int base, int most) {
    int v = 0;
    for (int i = 0; i < most; i++) {
        char c = **p;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : 99;
        if (digit >= base) break;
        v = v * base + digit;
        ++*p;
    }
    return (char)v;
}

/* Decodes a field where it stands. Returns NULL for NULL; false in *ok where it holds a NUL. */
static char *decode_field(char *text, bool *ok) {
    static const char letters[] = "bfnrtv", meant[] = "\b\f\n\r\t\v";
    if (strcmp(text, "\\N") == 0) return NULL;
    char *to = text;
    for (char *p = text; *p;) {
        if (*p != '\\' || !p[1]) {
            *to++ = *p++;
            continue;
        }
        const char *letter = strchr(letters, *++p);
        if (letter) *to++ = meant[letter - letters], p++;
        else if (*p == 'x') p++, *to++ = read_code(&p, 16, 2);
        else if (*p >= '0' && *p <= '7') *to++ = read_code(&p, 8, 3);
        else *to++ = *p++;
        *ok &= to[-1] != 0;
    }
    *to = 0;
    return text;
}

fct_status fct_dump_next_row(fct_dump *d, char **field[], bool *more, fct_error *err) {
    fct_status s = next_line(d, more, err);
    if (s) return s;
    if (!*more) return fct_dump_bad(d, "ends inside a table", err);
    *more = !ends_table(d);
    d->in_table = *more;
    if (!*more) return FCT_OK;
    if (memchr(d->line, 0, d->length)) return fct_dump_bad(d, "holds a NUL byte", err);
    char *p = d->line;
    bool ok = true;
    for (int i = 0; i < d->columns; i++) {
        char *end = p + strcspn(p, "\t");
        bool last = !*end;
        if (last != (i + 1 == d->columns)) return fct_dump_bad(d, "has another number of fields than columns", err);
        *end = 0;
        d->field[i] = decode_field(p, &ok);
        p = end + 1;
    }
    *field = d->field;
    return ok ? FCT_OK : fct_dump_bad(d, "holds a NUL byte", err);
}

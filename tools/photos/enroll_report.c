/* Columns: file, person, result, face_id, model, size and time of the photo (bytes;
 * nanoseconds since 1970), why. A later line about a photo counts more than an earlier one. */
#include "photos/enroll_report.h"

#include "photos/face_csv.h"
#include "photos/name_set.h"

#include "base/alloc.h"
#include "base/file.h"
#include "text/csv_reader.h"

#include <stdlib.h>
#include <string.h>

static const char heading[] = "file,person,result,face_id,model,size,time,why";
static const char *const state_names[ENROLL_STATES] = {"stored", "known", "refused", "no face", "unreadable"};
enum { COLUMN_FILE, COLUMN_PERSON, COLUMN_RESULT, COLUMN_ID, COLUMN_MODEL, COLUMN_SIZE, COLUMN_TIME, COLUMNS };

/* A photo that is noted. */
typedef struct noted_photo {
    char *file; /* owned */
    uint64_t size;
    int64_t time;
    size_t line; /* where it stands */
    bool done;   /* false: to be tried again */
} noted_photo;

struct cli_enroll_report {
    const char *path, *model_id;
    FILE *file;
    noted_photo *photos; /* [n] by name */
    size_t n, capacity;
    cli_name_set people; /* of the gallery */
};

static int by_file(const void *a, const void *b) {
    return strcmp(((const noted_photo *)a)->file, ((const noted_photo *)b)->file);
}

static int by_file_and_line(const void *a, const void *b) {
    const noted_photo *x = a, *y = b;
    int order = by_file(a, b);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* ---- Reading what is noted ------------------------------------------------------------ */

/* Whether the result of a line still holds: the person may have been removed since. */
static bool is_done(const cli_enroll_report *r, const fct_csv *c) {
    const char *result = c->field[COLUMN_RESULT];
    if (strcmp(result, state_names[ENROLL_UNREADABLE]) == 0) return false;
    bool enrolled = strcmp(result, state_names[ENROLL_STORED]) == 0 || strcmp(result, state_names[ENROLL_KNOWN]) == 0;
    return !enrolled || cli_name_set_has(&r->people, c->field[COLUMN_PERSON]);
}

static void add_line(cli_enroll_report *r, const fct_csv *c) {
    r->photos = cli_grow(r->photos, &r->capacity, r->n + 1, sizeof *r->photos);
    r->photos[r->n] = (noted_photo){.file = cli_format("%s", c->field[COLUMN_FILE]),
                                    .size = strtoull(c->field[COLUMN_SIZE], NULL, 10),
                                    .time = strtoll(c->field[COLUMN_TIME], NULL, 10),
                                    .line = r->n,
                                    .done = is_done(r, c)};
    r->n++;
}

/* Sorts photos by name and keeps the last line about each. */
static void sort_photos(cli_enroll_report *r) {
    size_t kept = 0;
    if (r->n) qsort(r->photos, r->n, sizeof *r->photos, by_file_and_line);
    for (size_t i = 0; i < r->n; i++) {
        if (i + 1 < r->n && by_file(&r->photos[i], &r->photos[i + 1]) == 0) free(r->photos[i].file);
        else r->photos[kept++] = r->photos[i];
    }
    r->n = kept;
}

/* Reads the lines of a report. What a kill has cut off at its end is passed over: that photo is done again. */
static int read_lines(cli_enroll_report *r, char *text, size_t size) {
    fct_csv c = {.p = text, .end = text + size, .next = 1};
    const char *why = NULL;
    if (!fct_csv_next(&c, &why) || c.n < COLUMNS || strcmp(c.field[COLUMN_FILE], "file") != 0 ||
        strcmp(c.field[COLUMN_MODEL], "model") != 0) {
        cli_error("%s: is not a report of 'facet enroll --folders'", r->path);
        return CLI_INPUT;
    }
    while (fct_csv_next(&c, &why)) {
        if (c.n <= COLUMNS) continue;
        if (strcmp(c.field[COLUMN_MODEL], r->model_id) != 0) {
            cli_error("%s: line %ld: of another network (%s) than the pack's (%s); begin another report", r->path,
                      c.line, c.field[COLUMN_MODEL], r->model_id);
            return CLI_INPUT;
        }
        add_line(r, &c);
    }
    sort_photos(r);
    return CLI_DONE;
}

static int list_people(cli_enroll_report *r, fct_gallery *g) {
    fct_person *people;
    int n;
    fct_error e;
    if (fct_gallery_people(g, &people, &n, &e)) return cli_fail(&e);
    for (int i = 0; i < n; i++) cli_name_set_add(&r->people, people[i].name);
    fct_gallery_people_free(people);
    return CLI_DONE;
}

/* Reads the file where there is one. *whole false: its last line has no end. */
static int read_report(cli_enroll_report *r, bool *whole) {
    fct_file_stat fs;
    uint8_t *data;
    size_t size;
    fct_error e;
    *whole = true;
    fct_file_get_stat(r->path, &fs);
    if (!fs.exists || !fs.size) return CLI_DONE;
    if (fct_file_read(r->path, (size_t)4 << 30, &data, &size, &e)) return cli_fail(&e);
    *whole = data[size - 1] == '\n';
    while (size && data[size - 1] != '\n') size--; /* without what was cut off */
    data[size] = 0;
    int code = size ? read_lines(r, (char *)data, size) : CLI_DONE;
    fct_free(data);
    return code;
}

/* ---- The report --------------------------------------------------------------------------- */

int cli_enroll_report_open(const char *path, const char *model_id, fct_gallery *g, cli_enroll_report **out) {
    bool whole;
    cli_enroll_report *r = cli_alloc(1, sizeof *r);
    r->path = path;
    r->model_id = model_id;
    *out = r;
    int code = list_people(r, g);
    if (!code) code = read_report(r, &whole);
    if (code) return code;
    r->file = fct_fopen(path, "ab");
    if (!r->file) {
        cli_error("%s: cannot write", path);
        return CLI_INPUT;
    }
    fct_file_make_private(path); /* names of people and of their photos */
    fseek(r->file, 0, SEEK_END);
    if (ftell(r->file) == 0) fprintf(r->file, "%s\n", heading);
    else if (!whole) fputc('\n', r->file);
    fflush(r->file);
    return CLI_DONE;
}

size_t cli_enroll_report_skip(const cli_enroll_report *r, cli_inputs *in) {
    size_t kept = 0, skipped;
    for (size_t i = 0; i < in->n; i++) {
        noted_photo wanted = {.file = in->at[i].path};
        const noted_photo *p = r->n ? bsearch(&wanted, r->photos, r->n, sizeof *r->photos, by_file) : NULL;
        fct_file_stat fs = {0};
        if (p && p->done) fct_file_get_stat(in->at[i].path, &fs);
        if (p && p->done && fs.size == p->size && fs.mtime_ns == p->time) free(in->at[i].path);
        else in->at[kept++] = in->at[i];
    }
    skipped = in->n - kept;
    in->n = kept;
    return skipped;
}

void cli_enroll_report_add(cli_enroll_report *r, const char *file, const char *person, cli_enroll_state state,
                           int64_t face_id, const char *why) {
    fct_file_stat fs;
    if (!r) return;
    fct_file_get_stat(file, &fs);
    cli_csv_text(r->file, file);
    fputc(',', r->file);
    cli_csv_text(r->file, person ? person : "");
    fprintf(r->file, ",%s,", state_names[state]);
    if (face_id) fprintf(r->file, "%lld", (long long)face_id);
    fprintf(r->file, ",%s,%llu,%lld,", r->model_id, (unsigned long long)fs.size, (long long)fs.mtime_ns);
    cli_csv_text(r->file, why ? why : "");
    fputc('\n', r->file);
    fflush(r->file); /* a kill loses nothing that is done */
}

int cli_enroll_report_close(cli_enroll_report *r) {
    int code = CLI_DONE;
    if (!r) return code;
    if (r->file) {
        bool failed = ferror(r->file);
        failed |= fclose(r->file) != 0;
        if (failed) {
            cli_error("%s: cannot write", r->path);
            code = CLI_INPUT;
        }
    }
    for (size_t i = 0; i < r->n; i++) free(r->photos[i].file);
    free(r->photos);
    cli_name_set_free(&r->people);
    free(r);
    return code;
}

/* Lists of photos, pairs or scores. The first line names the columns, in any order:
 *
 *   file, identity      a photo and who is on it (person and name are taken for identity)
 *   a, b, same          a pair of photos and whether it shows one person: 1 or 0, true or false, yes or no
 *   score, same         a pair that somebody else has compared; with a and b the intervals know who
 *                       occurs in several pairs. An empty score is a pair that could not be compared
 *   fold                of a pair, 0 to 99; without it pair i is in fold i mod 10
 *   group, or --by's    what divides people, or pairs, into groups
 *
 * Capital letters and blanks around a name do not matter. Where the first line has no comma, semicolons or tabs divide
 * the fields, and scores may have decimal commas. Other columns are passed over. Who is the same person in pairs
 * follows from the pairs themselves. */
#include "measure/eval_set.h"

#include "base/alloc.h"
#include "base/file.h"
#include "text/csv_reader.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMN_FILE,
    COLUMN_IDENTITY,
    COLUMN_A,
    COLUMN_B,
    COLUMN_SAME,
    COLUMN_SCORE,
    COLUMN_FOLD,
    COLUMN_GROUP,
    COLUMNS
};

typedef struct list_reader {
    const char *path, *folder; /* of the file; of its photos */
    eval_set *set;
    fct_csv csv;
    int column[COLUMNS]; /* places of the columns, -1 = not there */
    eval_names names;    /* of the photos in pairs, as the file has them */
} list_reader;

static int bad_line(const list_reader *r, const char *what, const char *value) {
    cli_error("%s: line %ld: %s%s%s", r->path, r->csv.line, what, value ? " " : "", value ? value : "");
    return CLI_INPUT;
}

/* A field of the current line, "" where the line is too short. */
static const char *field(const list_reader *r, int column) {
    int at = r->column[column];
    return at >= 0 && at < r->csv.n ? r->csv.field[at] : "";
}

/* Whether a field is a word, which is in small letters. */
static bool is_word(const char *text, const char *word) {
    while (*text == ' ') text++;
    while (*word && tolower((unsigned char)*text) == *word) text++, word++;
    while (*text == ' ') text++;
    return !*word && !*text;
}

/* A name that the user gives (--by) must be as the file has it. */
static int find_column(const list_reader *r, const char *name) {
    for (int i = 0; i < r->csv.n; i++)
        if (strcmp(r->csv.field[i], name) == 0 || is_word(r->csv.field[i], name)) return i;
    return -1;
}

static int read_heading(list_reader *r, const char *by) {
    static const char *const names[COLUMNS] = {"file", "identity", "a", "b", "same", "score", "fold", "group"};
    for (int i = 0; i < COLUMNS; i++) r->column[i] = find_column(r, i == COLUMN_GROUP && by ? by : names[i]);
    if (r->column[COLUMN_IDENTITY] < 0) r->column[COLUMN_IDENTITY] = find_column(r, "person");
    if (r->column[COLUMN_IDENTITY] < 0) r->column[COLUMN_IDENTITY] = find_column(r, "name");
    if (by && r->column[COLUMN_GROUP] < 0) {
        cli_error("%s: no column %s for --by", r->path, by);
        return CLI_USE;
    }
    if (r->column[COLUMN_GROUP] >= 0) r->set->by = by ? by : "group";
    if (r->column[COLUMN_SCORE] >= 0 && r->column[COLUMN_SAME] >= 0) r->set->kind = EVAL_SCORES;
    else if (r->column[COLUMN_A] >= 0 && r->column[COLUMN_B] >= 0 && r->column[COLUMN_SAME] >= 0)
        r->set->kind = EVAL_PAIRS;
    else if (r->column[COLUMN_FILE] >= 0 && r->column[COLUMN_IDENTITY] >= 0) r->set->kind = EVAL_PEOPLE;
    else {
        cli_error("%s: the first line must name columns: file and identity, or a, b and same, or score and same",
                  r->path);
        return CLI_INPUT;
    }
    return CLI_DONE;
}

/* The photo's path: names in the file are relative to the folder. */
static char *photo_path(const list_reader *r, const char *name) {
    bool absolute = fct_path_is_sep(name[0]) || (name[0] && name[1] == ':');
    return absolute ? cli_format("%s", name) : cli_format("%s/%s", r->folder, name);
}

static int group_of(list_reader *r) {
    const char *group = field(r, COLUMN_GROUP);
    return *group ? (int)eval_names_put(&r->set->groups, group) : -1;
}

static int add_photo(list_reader *r) {
    const char *name = field(r, COLUMN_FILE), *identity = field(r, COLUMN_IDENTITY);
    if (!*name || !*identity) return bad_line(r, !*name ? "no file" : "no identity of", !*name ? NULL : name);
    eval_set_add_photo(r->set, photo_path(r, name), eval_names_put(&r->set->people, identity), group_of(r));
    return CLI_DONE;
}

static bool parse_same(const char *text, bool *out) {
    static const char *const yes[] = {"1", "true", "yes"}, *const no[] = {"0", "false", "no"};
    for (int i = 0; i < 3; i++)
        if (is_word(text, yes[i]) || is_word(text, no[i])) return *out = is_word(text, yes[i]), true;
    return false;
}

/* A score; false: it is none. */
static bool parse_score(const list_reader *r, char *text, float *out) {
    char *comma = r->csv.delimiter == ';' ? strchr(text, ',') : NULL, *end;
    if (comma) *comma = '.';
    *out = strtof(text, &end);
    while (end > text && *end == ' ') end++;
    return !*end && end > text && isfinite(*out);
}

/* The number of a side of a pair; a photo that is new joins the others. */
static uint32_t pair_side(list_reader *r, int column) {
    const char *name = field(r, column);
    size_t known = r->names.n;
    uint32_t number = eval_names_put(&r->names, name);
    if (number == known) eval_set_add_photo(r->set, photo_path(r, name), 0, -1);
    return number;
}

static int add_pair(list_reader *r) {
    eval_set *s = r->set;
    const char *score = field(r, COLUMN_SCORE), *fold = field(r, COLUMN_FOLD);
    char *end;
    eval_pair p = {.score = NAN, .fold = (uint8_t)(s->n_pairs % EVAL_FOLDS), .group = group_of(r)};
    bool named = *field(r, COLUMN_A) && *field(r, COLUMN_B);
    if (!parse_same(field(r, COLUMN_SAME), &p.same)) return bad_line(r, "same is not 1 or 0:", field(r, COLUMN_SAME));
    if (s->kind == EVAL_PAIRS && !named) return bad_line(r, "two files are needed", NULL);
    if (s->kind == EVAL_SCORES && *score && !parse_score(r, r->csv.field[r->column[COLUMN_SCORE]], &p.score))
        return bad_line(r, "the score is not a number:", score);
    if (*fold) {
        long n = strtol(fold, &end, 10);
        if (*end || end == fold || n < 0 || n > 99) return bad_line(r, "the fold is not 0 to 99:", fold);
        p.fold = (uint8_t)n;
        if (n >= s->folds) s->folds = (int)n + 1;
    }
    p.a = named ? pair_side(r, COLUMN_A) : UINT32_MAX;
    p.b = named ? pair_side(r, COLUMN_B) : UINT32_MAX;
    s->pairs = cli_grow(s->pairs, &s->cap_pairs, s->n_pairs + 1, sizeof *s->pairs);
    s->pairs[s->n_pairs++] = p;
    return CLI_DONE;
}

/* ---- Who is who in pairs --------------------------------------------------------------- */

static uint32_t root_of(uint32_t *parent, uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* Photos that pairs call the same are one person's. A pair without names is a unit of its own. */
static void find_people(list_reader *r) {
    eval_set *s = r->set;
    size_t contradictions = 0, n = s->photos.n;
    uint32_t *parent = cli_alloc(n + 1, sizeof *parent);
    for (size_t i = 0; i < n; i++) parent[i] = (uint32_t)i;
    for (size_t i = 0; i < s->n_pairs; i++)
        if (s->pairs[i].same && s->pairs[i].a != UINT32_MAX)
            parent[root_of(parent, s->pairs[i].a)] = root_of(parent, s->pairs[i].b);
    for (size_t i = 0; i < s->n_pairs; i++) {
        eval_pair *p = &s->pairs[i];
        bool named = p->a != UINT32_MAX;
        p->person_a = named ? root_of(parent, p->a) : (uint32_t)(n + i);
        p->person_b = named ? root_of(parent, p->b) : (uint32_t)(n + i);
        if (named) contradictions += !p->same && p->person_a == p->person_b;
        else p->a = p->b = (uint32_t)i;
    }
    free(parent);
    if (contradictions)
        cli_warn("%s: %zu pairs are called different, though other pairs make them one person", r->path,
                 contradictions);
}

/* ---- The file ----------------------------------------------------------------------------- */

static int read_lines(list_reader *r, const char *by) {
    const char *why = NULL;
    int code = fct_csv_next(&r->csv, &why) ? read_heading(r, by) : CLI_DONE;
    while (!code && fct_csv_next(&r->csv, &why)) code = r->set->kind == EVAL_PEOPLE ? add_photo(r) : add_pair(r);
    if (!code && why) return bad_line(r, why, NULL);
    if (code) return code;
    if (r->set->kind == EVAL_PEOPLE ? !r->set->photos.n : !r->set->n_pairs) {
        cli_error("%s: has no lines", r->path);
        return CLI_INPUT;
    }
    if (r->set->kind != EVAL_PEOPLE) find_people(r);
    return CLI_DONE;
}

int eval_csv_read(const char *path, const cli_settings *set, eval_set *out) {
    fct_error e;
    uint8_t *data;
    size_t size;
    if (fct_file_read(path, (size_t)1 << 30, &data, &size, &e)) return cli_fail(&e);
    char *folder = fct_path_dir(path);
    list_reader r = {.path = path, .folder = set->photos ? set->photos : folder, .set = out};
    size_t mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte-order mark */
    r.csv = (fct_csv){.p = (char *)data + mark, .end = (char *)data + size, .next = 1};
    r.csv.delimiter = fct_csv_guess_delimiter(r.csv.p, r.csv.end);
    out->folds = 2;
    int code = read_lines(&r, set->by);
    if (r.column[COLUMN_FOLD] < 0) out->folds = EVAL_FOLDS;
    eval_names_free(&r.names);
    fct_free(folder);
    fct_free(data);
    return code;
}

/* Expansion of the words that name photos. */
#include "photos/inputs.h"

#include "base/alloc.h"
#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 }; /* folders within folders */

bool cli_has_ending(const char *name, const char *const *endings) {
    const char *ext = fct_path_ext(name);
    for (; *endings; endings++) {
        size_t k = 0;
        while (ext[k] && tolower((unsigned char)ext[k]) == (*endings)[k]) k++;
        if (!ext[k] && !(*endings)[k]) return true;
    }
    return false;
}

/* Endings of pictures, with the feature of the build that reads them: NULL = always,
 * "" = never. Videos are for another command. */
typedef struct cli_ending {
    const char *ending, *feature;
} cli_ending;

static const cli_ending endings[] = {
    {"jpg", "jpeg"},  {"jpeg", "jpeg"}, {"jpe", "jpeg"}, {"jfif", "jpeg"}, {"png", "png"},  {"webp", "webp"},
    {"heic", "heif"}, {"heif", "heif"}, {"hif", "heif"}, {"avif", "heif"}, {"tif", "tiff"}, {"tiff", "tiff"},
    {"gif", "gif"},   {"bmp", NULL},    {"jxl", "jxl"},  {"psd", ""},      {"psb", ""},     {"xcf", ""},
    {"svg", ""},      {"eps", ""},      {"jp2", ""},     {"j2k", ""},      {"exr", ""},     {"hdr", ""},
    {"tga", ""},      {"ico", ""},      {"pdf", ""},     {"dng", ""},      {"cr2", ""},     {"cr3", ""},
    {"nef", ""},      {"nrw", ""},      {"arw", ""},     {"orf", ""},      {"rw2", ""},     {"raf", ""},
    {"pef", ""},      {"srw", ""},      {"mov", ""},     {"mp4", ""},      {"m4v", ""},     {"avi", ""},
    {"mkv", ""},      {"3gp", ""},      {"webm", ""},
};

static const cli_ending *ending_of(const char *name) {
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (cli_has_ending(name, (const char *const[]){endings[i].ending, NULL})) return &endings[i];
    return NULL;
}

bool cli_ends_as_photo(const char *name) { return ending_of(name) != NULL; }

/* Whether this build reads a kind of file, which may need a library that it was built without. */
static bool is_read(const cli_ending *e) {
    if (!e->feature) return true;
    char *all = cli_format(" %s ", fct_build_features()), *one = cli_format(" %s ", e->feature);
    bool found = *e->feature && strstr(all, one);
    free(all);
    free(one);
    return found;
}

/* Prints a line such as "12 files of unsupported formats: 10 heic, 2 psd": a folder full of them does not look empty
 * without a reason. */
static void tell_unread(cli_inputs *in) {
    char *kinds;
    size_t sum = cli_endings_list(&in->unread, &kinds);
    if (sum) cli_note("%zu file%s of unsupported formats: %s", sum, sum > 1 ? "s" : "", kinds);
    free(kinds);
}

static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder);
    if (n == 0) return cli_format("%s", name);
    return cli_format("%s%s%s", folder, fct_path_is_sep(folder[n - 1]) ? "" : "/", name);
}

/* Adds a path, which `in` then owns; relative starts at the given offset in it. */
static void add(cli_inputs *in, char *path, size_t offset) {
    in->at = cli_grow(in->at, &in->capacity, in->n + 1, sizeof *in->at);
    in->at[in->n++] = (cli_input){.path = path, .relative = path + offset};
}

static size_t folder_offset(const char *folder) {
    size_t n = strlen(folder);
    return n && !fct_path_is_sep(folder[n - 1]) ? n + 1 : n;
}

/* Visits a folder and those in it in bytewise order; hidden files are skipped and links to folders are not followed. */
static fct_status walk(cli_inputs *in, const char *folder, size_t offset, int depth, fct_error *err) {
    char **names;
    size_t n;
    fct_status s = fct_dir_list(folder, &names, &n, err);
    if (s || depth > DEEPEST) return s;
    for (size_t i = 0; i < n && !s; i++) {
        if (names[i][0] == '.') continue;
        char *path = join(folder, names[i]);
        fct_file_stat fs;
        fct_file_get_stat(path, &fs);
        if (fs.is_dir && !fs.is_symlink) s = walk(in, path, offset, depth + 1, err);
        const cli_ending *e = fs.is_dir ? NULL : ending_of(path);
        bool use = e && is_read(e);
        if (e && !use) cli_endings_add(&in->unread, e->ending);
        if (use) add(in, path, offset);
        else free(path);
    }
    fct_dir_list_free(names, n);
    return s;
}

fct_status cli_inputs_add_folder(cli_inputs *in, const char *folder, fct_error *err) {
    return walk(in, folder, folder_offset(folder), 0, err);
}

/* ---- Patterns ----------------------------------------------------------------- */

static bool has_pattern(const char *word) { return strpbrk(word, "*?[") != NULL; }

static void expand_pattern(cli_inputs *in, const char *folder, const char *pattern, size_t offset, int depth);

/* Handles a name in a folder that has matched a component of the pattern: below is the pattern for what it holds (""
 * = nothing), and last says whether the name is itself a result. */
static void expand_entry(cli_inputs *in, char *path, const char *below, bool last, size_t offset, int depth) {
    fct_file_stat fs;
    fct_file_get_stat(path, &fs);
    if (fs.is_dir && *below && !fs.is_symlink) expand_pattern(in, path, below, offset, depth + 1);
    else if (fs.is_dir && last) walk(in, path, offset, depth + 1, NULL);
    if (last && fs.exists && !fs.is_dir) add(in, path, offset);
    else free(path);
}

/* Expands pattern, whose first component may be a pattern, below folder ("" = here). */
static void expand_pattern(cli_inputs *in, const char *folder, const char *pattern, size_t offset, int depth) {
    size_t length = 0;
    while (pattern[length] && !fct_path_is_sep(pattern[length])) length++;
    const char *rest = pattern + length;
    while (fct_path_is_sep(*rest)) rest++;
    char *part = cli_format("%.*s", (int)length, pattern);
    char **names;
    size_t n;
    bool deep = strcmp(part, "**") == 0;
    if (deep && *rest) expand_pattern(in, folder, rest, offset, depth);
    if (depth <= DEEPEST && !fct_dir_list(*folder ? folder : ".", &names, &n, NULL)) {
        for (size_t i = 0; i < n; i++) {
            if (names[i][0] == '.' && part[0] != '.') continue;
            if (!cli_glob_match(deep ? "*" : part, names[i])) continue;
            expand_entry(in, join(folder, names[i]), deep ? pattern : rest, !*rest, offset, depth);
        }
        fct_dir_list_free(names, n);
    }
    free(part);
}

/* The folder before the first component with a pattern stays as typed. */
static void expand_glob(cli_inputs *in, const char *word) {
    size_t start = 0, i = 0;
    for (; word[i] && !strchr("*?[", word[i]); i++)
        if (fct_path_is_sep(word[i])) start = i + 1;
    char *folder = cli_format("%.*s", (int)start, word);
    expand_pattern(in, folder, word + start, start, 0);
    free(folder);
}

/* ---- Words ---------------------------------------------------------------------- */

static void refuse(cli_inputs *in, const char *word, const char *why) {
    cli_error("%s: %s", word, why);
    in->failed = true;
}

static void expand_word(cli_inputs *in, const char *word) {
    fct_file_stat fs;
    fct_error e;
    size_t before = in->n;
    fct_file_get_stat(word, &fs);
    if (strcmp(word, "-") == 0) add(in, cli_format("-"), 0);
    else if (fs.is_dir) {
        in->several = true;
        if (cli_inputs_add_folder(in, word, &e)) {
            cli_fail(&e);
            in->failed = true;
        } else if (in->n == before) refuse(in, word, "no pictures in this folder");
    } else if (!fs.exists && has_pattern(word)) {
        in->several = true;
        expand_glob(in, word);
        if (in->n == before) refuse(in, word, "no file matches this pattern");
    } else {
        const char *base = fct_path_base(word);
        add(in, cli_format("%s", word), (size_t)(base - word)); /* a missing file is reported when it is read */
    }
}

/* Takes the names in text [size], which has a NUL behind it: names in lines or, where there is a NUL in it, names
 * that end in NUL, as 'find -print0' writes them. A byte order mark is passed over. */
static void expand_list(cli_inputs *in, char *text, size_t size) {
    in->several = true;
    char *end = text + size, divider = memchr(text, 0, size) ? 0 : '\n';
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    while (text < end) {
        char *stop = memchr(text, divider, (size_t)(end - text));
        if (!stop) stop = end;
        *stop = 0;
        if (divider && stop > text && stop[-1] == '\r') stop[-1] = 0;
        if (*text) expand_word(in, text);
        text = stop + 1;
    }
}

static void read_list(cli_inputs *in, const char *list) {
    enum { LONGEST_LIST = 1 << 30 };
    fct_error e;
    void *data = NULL;
    uint8_t *bytes = NULL;
    size_t size;
    bool from_stdin = strcmp(list, "-") == 0;
    fct_status s = from_stdin ? cli_read_stdin(LONGEST_LIST, &data, &size, &e)
                              : fct_file_read(list, LONGEST_LIST, &bytes, &size, &e);
    if (s) {
        cli_fail(&e);
        in->failed = true;
        return;
    }
    char *text = cli_alloc(size + 1, 1);
    memcpy(text, from_stdin ? data : bytes, size);
    expand_list(in, text, size);
    free(text);
    free(data);
    fct_free(bytes);
}

/* Goes on after a word that names nothing, so that one wrong name does not stop a long run. */
int cli_inputs_expand(char **words, int n_words, const cli_settings *s, cli_inputs *out) {
    memset(out, 0, sizeof *out);
    out->several = n_words > 1;
    for (int i = 0; i < n_words; i++) expand_word(out, words[i]);
    if (s->files_from) read_list(out, s->files_from);
    tell_unread(out);
    if (out->n) return CLI_DONE;
    if (!out->failed) cli_error("no photos were named");
    return out->failed ? CLI_INPUT : CLI_USE;
}

void cli_inputs_free(cli_inputs *in) {
    for (size_t i = 0; i < in->n; i++) free(in->at[i].path);
    free(in->at);
    cli_endings_free(&in->unread);
    memset(in, 0, sizeof *in);
}

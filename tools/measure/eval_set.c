#include "measure/eval_set.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

uint32_t eval_set_add_photo(eval_set *s, char *path, uint32_t person, int group) {
    s->photos.at = cli_grow(s->photos.at, &s->photos.capacity, s->photos.n + 1, sizeof *s->photos.at);
    s->of = cli_grow(s->of, &s->cap_of, s->photos.n + 1, sizeof *s->of);
    s->of[s->photos.n] = (eval_photo){person, group};
    s->photos.at[s->photos.n] = (cli_input){.path = path, .relative = path};
    return (uint32_t)s->photos.n++;
}

/* Adds the pictures of a folder that is named after a person. */
static int add_person(eval_set *s, const char *dir, const char *name) {
    fct_error e;
    fct_file_stat fs;
    char *path = cli_format("%s/%s", dir, name);
    size_t before = s->photos.n;
    int code = CLI_DONE;
    fct_file_get_stat(path, &fs);
    if (fs.is_dir && name[0] != '.') {
        if (cli_inputs_add_folder(&s->photos, path, &e)) code = cli_fail(&e);
        s->of = cli_grow(s->of, &s->cap_of, s->photos.n + 1, sizeof *s->of);
        for (size_t i = before; i < s->photos.n; i++) s->of[i] = (eval_photo){eval_names_put(&s->people, name), -1};
    }
    free(path);
    return code;
}

static int add_folder(eval_set *s, const char *dir) {
    char **names;
    size_t n, before = s->photos.n;
    fct_error e;
    if (fct_dir_list(dir, &names, &n, &e)) return cli_fail(&e);
    int code = CLI_DONE;
    for (size_t i = 0; i < n && !code; i++) code = add_person(s, dir, names[i]);
    fct_dir_list_free(names, n);
    if (code || s->photos.n > before) return code;
    cli_error("%s: no folders with pictures in it; 'evaluate' wants one folder a person", dir);
    return CLI_INPUT;
}

int eval_set_read(const cli_args *a, eval_set *out) {
    fct_file_stat fs;
    int code = CLI_DONE;
    memset(out, 0, sizeof *out);
    out->title = cli_format("%s%s", a->words[0], a->n_words > 1 ? " and others" : "");
    for (int i = a->n_words - 1; i >= 0; i--) {
        fct_file_get_stat(a->words[i], &fs);
        if (fs.is_dir || !fs.exists || a->n_words == 1) continue;
        cli_error("evaluate: one CSV file or folders of people; '%s' is too much", a->words[i ? i : 1]);
        return CLI_USE;
    }
    if (!fs.is_dir) return eval_csv_read(a->words[0], &a->set, out);
    if (a->set.by || a->set.photos) {
        cli_error("evaluate: --%s goes with a CSV file", a->set.by ? "by" : "photos");
        return CLI_USE;
    }
    for (int i = 0; i < a->n_words && !code; i++) code = add_folder(out, a->words[i]);
    return code;
}

void eval_set_free(eval_set *s) {
    cli_inputs_free(&s->photos);
    eval_names_free(&s->people);
    eval_names_free(&s->groups);
    free(s->of);
    free(s->pairs);
    free(s->title);
    memset(s, 0, sizeof *s);
}

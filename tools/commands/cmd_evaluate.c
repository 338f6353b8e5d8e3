/* facet evaluate: what a pack is worth on photos of one's own. */
#include "measure/eval_report.h"
#include "photos/report.h"

#include <stdlib.h>
#include <string.h>

static int check_options(const cli_args *a) {
    int code = cli_check_formats("evaluate", &a->set);
    if (code || a->set.n_models <= CLI_PACKS_MOST) return code;
    cli_error("evaluate: %d packs; at most %d can be compared", a->set.n_models, CLI_PACKS_MOST);
    return CLI_USE;
}

/* Measures one pack after the other. Returns how many, or a negative exit code. */
static int run_packs(const eval_set *set, const cli_settings *s, eval_result *results, int *code) {
    int n = set->kind == EVAL_SCORES || s->n_models == 0 ? 1 : s->n_models;
    for (int i = 0; i < n; i++) {
        const char *models = s->n_models ? s->all_models[i] : NULL;
        if (n > 1) cli_note("%s", models);
        int run = eval_run(set, s, models, &results[i], code);
        if (!run) continue;
        eval_result_free(&results[i]);
        *code = run;
        return -i;
    }
    return n;
}

static void print(const cli_settings *s, const eval_result *results, int n) {
    if (s->json) eval_print_json(results, n);
    else if (s->csv) eval_print_csv(results, n);
    else eval_print_text(results, n);
}

static int run_evaluate(cli_args *a) {
    eval_set set = {0};
    eval_result results[CLI_PACKS_MOST];
    int code = check_options(a), n = 0, done = 0;
    if (!code) code = eval_set_read(a, &set);
    if (!code) {
        n = run_packs(&set, &a->set, results, &code);
        done = abs(n);
    }
    if (n > 0) {
        print(&a->set, results, n);
        int page = a->set.html ? eval_write_html(a->set.html, &a->set, results, n, a->set.all_models) : CLI_DONE;
        code = page > code ? page : code;
    }
    for (int i = 0; i < done; i++) eval_result_free(&results[i]);
    eval_set_free(&set);
    return code;
}

const cli_command cmd_evaluate = {
    .name = "evaluate",
    .synopsis = "FOLDER... | LIST.csv",
    .summary = "measure what a pack is worth on your photos",
    .description =
        "Each FOLDER holds a folder a person, with photos of that person; all pairs of photos are compared. LIST.csv "
        "names photos and people (columns file, identity), or pairs of photos (a, b, same), or holds scores of pairs "
        "that another program has made (score, same).\n\n"
        "Tells how many pairs of one person are accepted (TAR) at false accept rates (FAR) from 1e-1 down to the "
        "lowest that so many pairs can tell, with intervals of 95 % (bootstrap by person), which threshold to use and "
        "what it costs in both kinds of mistakes, and, for photos by person, how well searches in a gallery do: of "
        "people who are in it (rank 1), and of strangers (DIR at FPIR). With --models given several times the packs "
        "stand side by side.\n\n"
        "A photo in which no face is found is an attempt that is rejected, as ISO/IEC 19795-1 has it: it lowers TAR "
        "and FAR, and FMR and FNMR leave it out. --by divides people or pairs into groups by a column of the file.\n\n"
        "--html writes a page with curves and the pictures that were mistaken. --csv prints the table, --json "
        "everything. Exit code 3 when photos could not be read: they count as rejected.",
    .options = {CLI_FINDER_OPTIONS, CLI_OPT(OPT_HTML), CLI_OPT(OPT_CSV), CLI_OPT(OPT_FAR), CLI_OPT(OPT_BY),
                CLI_OPT(OPT_PHOTOS), CLI_OPT(OPT_SEED)},
    .examples = "facet evaluate people/\n"
                "facet evaluate people/ --models buffalo_l --models buffalo_s --html report.html\n"
                "LFW's list of pairs, and everybody's age as a group:\n"
                "facet evaluate pairs.csv --photos lfw/ --json > lfw.json\n"
                "facet evaluate people.csv --by age --far 1e-4\n"
                "What another program has scored:\n"
                "facet evaluate scores.csv",
    .min_words = 1,
    .max_words = -1,
    .run = run_evaluate,
};

/* facet train: trains an embedder from a recipe. The one command that links the
 * trainer, train/. */
#include "shell/cli.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void on_progress(void *user, const fct_train_progress *p) {
    printf("step %ld of %ld, epoch %.2f: loss %.4f", p->step, p->total, p->epoch, p->loss);
    if (p->cosine > 0) printf(" (cosine %.4f, relations %.5f)", p->cosine, p->gram);
    if (p->margin > 0) printf(" (margin %.3f)", p->margin);
    printf(", rate %.4g, %.1f images/s, %.1f h left", p->lr, p->images_per_second, p->seconds_left / 3600);
    if (p->bad_pictures) printf(", %zu bad pictures", p->bad_pictures);
    if (p->skipped_steps) printf(", %zu steps skipped", p->skipped_steps);
    printf("\n");
    fflush(stdout);
}

static void on_evaluated(void *user, long step, const fct_eval_result *r) {
    printf("evaluation at step %ld: pairs %.2f %% (+- %.2f)", step, 100 * r->accuracy, 100 * r->deviation);
    for (int i = 0; i < FCT_EVAL_FARS; i++)
        if (!isnan(r->tar[i])) printf(", TAR %.2f %% at FAR %g", 100 * r->tar[i], fct_eval_far[i]);
    printf("\n");
    fflush(stdout);
}

static void on_note(void *user, const char *text) { cli_note("%s", text); }
static bool on_stop(void *user) { return cli_interrupted(); }

static void on_setting(void *user, const char *key, const char *value, const char *help) {
    printf("%-16s = %-10s # %s\n", key, value, help);
}

/* Takes words with '=' as settings and the others as recipe files. */
static fct_status read_words(const cli_args *a, fct_recipe *r, fct_error *err) {
    fct_status s = FCT_OK;
    for (int i = 0; i < a->n_words && !s; i++) {
        char *eq = strchr(a->words[i], '=');
        if (!eq) {
            s = fct_recipe_read(r, a->words[i], err);
            continue;
        }
        char *key = cli_format("%.*s", (int)(eq - a->words[i]), a->words[i]);
        s = fct_recipe_set(r, key, eq + 1, "command line", err);
        free(key);
    }
    return s;
}

/* Without arguments it lists the settings, with --export it writes a checkpoint as an ONNX file, else it trains. */
static int run_train(cli_args *a) {
    fct_recipe r;
    fct_error err;
    fct_train_hooks hooks = {on_progress, on_evaluated, on_note, on_stop, NULL};
    fct_recipe_init(&r);
    fct_status s = read_words(a, &r, &err);
    if (!s && a->n_words == 0) fct_recipe_list(&r, on_setting, NULL);
    else if (!s && a->set.export_dir) s = fct_train_export(&r, a->set.export_dir, &err);
    else if (!s) {
        cli_catch_interrupt();
        s = fct_train_run(&r, &hooks, &err);
    }
    fct_recipe_clear(&r);
    return s ? cli_fail(&err) : CLI_DONE;
}

const cli_command cmd_train = {
    .name = "train",
    .synopsis = "[RECIPE] [SETTING=VALUE]...",
    .summary = "train an embedder, or fine-tune one",
    .description =
        "Trains the network of a recipe: a file of lines \"setting = value\"; further settings on the command "
        "line win. Without arguments all settings are listed with their defaults.\n\n"
        "Checkpoints, logs and curves go into the folder of the setting \"out\". The same command goes on "
        "from the last checkpoint there, also after Ctrl-C, to the very weights an uninterrupted run "
        "reaches.\n\n"
        "With --export the checkpoint is written as an ONNX file instead.",
    .options = {CLI_OPT(OPT_EXPORT), CLI_OPT(OPT_THREADS), CLI_OPT(OPT_QUIET), CLI_OPT(OPT_VERBOSE)},
    .examples = "facet train recipe.conf data=faces/index.csv teacher=teacher.onnx out=run1\n"
                "facet train recipe.conf out=run1 --export mypack\n"
                "Fine-tune on a folder with a folder of aligned pictures per person:\n"
                "facet train init=w_256.onnx train_stages=1 data=people margin_weight=1 epochs=10 out=mine",
    .min_words = 0,
    .max_words = -1,
    .run = run_train,
};

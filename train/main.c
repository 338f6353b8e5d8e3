#include "train/train.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t stopping;
static void on_signal(int s) { stopping = s; }
static bool asked_to_stop(void *user) { return stopping != 0; }
static void say(void *user, const char *text) { printf("%s\n", text); fflush(stdout); }

static void progress(void *user, const fct_train_progress *p) {
    printf("step %ld/%ld epoch %.2f lr %.4f loss %.4f cos %.4f gram %.5f margin %.3f |g| %.2f %.1f img/s %.1f h left, %zu bad, %zu skipped\n", p->step, p->total,
           p->epoch, p->lr, p->loss, p->cosine, p->gram, p->margin, p->grad_norm, p->images_per_second,
           p->seconds_left / 3600, p->bad_pictures, p->skipped_steps);
    fflush(stdout);
}

static void evaluated(void *user, long step, const fct_eval_result *r) {
    printf("eval at %ld: pairs %.2f%% (+-%.2f) TAR at FAR 1e-2 %.1f%%, 1e-3 %.1f%%, 1e-4 %.1f%%, 1e-5 %.1f%%, threshold at 1e-4 %.3f\n", step,
           100 * r->accuracy, 100 * r->deviation, 100 * r->tar[0], 100 * r->tar[1], 100 * r->tar[2], 100 * r->tar[3], r->threshold[2]);
    fflush(stdout);
}

int main(int argc, char **argv) {
    fct_recipe r;
    fct_error err = {0};
    fct_recipe_init(&r);
    fct_status st = FCT_OK;
    for (int i = 1; i < argc && !st; i++) {
        char *eq = strchr(argv[i], '=');
        if (!eq) st = fct_recipe_read(&r, argv[i], &err);
        else { *eq = 0; st = fct_recipe_set(&r, argv[i], eq + 1, "command line", &err); }
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    fct_train_hooks h = {progress, evaluated, say, asked_to_stop, NULL};
    if (!st) st = fct_train_run(&r, &h, &err);
    if (st) fprintf(stderr, "facet train: %s\n", err.text);
    fct_recipe_clear(&r);
    return st ? 1 : 0;
}

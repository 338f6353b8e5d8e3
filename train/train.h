/* A training run from a recipe: data, network, losses, checkpoints,
 * evaluations. */
#ifndef FCT_TRAIN_TRAIN_H
#define FCT_TRAIN_TRAIN_H

#include "train/eval.h"
#include "train/recipe.h"

typedef struct fct_train_progress {
    long step, total;
    double epoch, lr, loss, cosine, gram, margin,
        grad_norm;            /* means since the last report; cosine and gram unweighted */
    double images_per_second; /* since the last report */
    double seconds_left;
    size_t bad_pictures, skipped_steps;
} fct_train_progress;

/* What a run tells its caller; all may be NULL. Texts are borrowed for the call. */
typedef struct fct_train_hooks {
    void (*progress)(void *user, const fct_train_progress *p);
    void (*evaluated)(void *user, long step, const fct_eval_result *r);
    void (*note)(void *user, const char *text); /* from any thread */
    bool (*stop)(void *user);                   /* asked every step; true: checkpoint and return FCT_ERR_CANCELLED */
    void *user;
} fct_train_hooks;

/* Runs, or goes on from <out>/checkpoint.fct where that exists; the epochs and
 * everything but the network may differ from the earlier run's. Writes
 * checkpoint.fct, log.csv, eval.csv, loss.svg and roc.svg into the folder out. */
fct_status fct_train_run(const fct_recipe *recipe, const fct_train_hooks *hooks, fct_error *err);

/* Writes the averaged weights of <out>/checkpoint.fct as <folder>/w_<dim>.onnx,
 * see train/export.h. The network must be the recipe's. */
fct_status fct_train_export(const fct_recipe *recipe, const char *folder, fct_error *err);

/* Name of the checkpoint in a folder. Owned. */
char *fct_train_checkpoint_path(const char *out);

#endif

/* What to train and how: the settings of a run, from a recipe file of lines
 * "key = value" ('#' begins a comment) and from the command line. */
#ifndef FCT_TRAIN_RECIPE_H
#define FCT_TRAIN_RECIPE_H

#include "train/augment.h"
#include "train/loss.h"
#include "train/optim.h"

typedef struct fct_recipe {
    char *network, *data, *teacher, *eval_data, *eval_pairs, *init, *out; /* owned; NULL = not given */
    int min_images, batch, workers, seed, eval_every, checkpoint_every, log_every, train_stages;
    double epochs;
    bool balance, teacher_raw, teacher_shifts, single_classes, half, mirror, grow;
    fct_optim optim;
    double warmup_epochs;
    fct_distill distill;
    double teacher_view; /* share of a batch for which the teacher sees what the network sees */
    double mix;          /* share of these that are mixtures of two pictures */
    fct_margin_opts margin;
    double margin_weight, margin_from, margin_ramp,
        margin_lr; /* share of the epochs at which it starts, and reaches its weight */
    fct_augment augment;
    double ramp;
} fct_recipe;

void fct_recipe_init(fct_recipe *r); /* defaults */
void fct_recipe_clear(fct_recipe *r);

/* Sets one key. FCT_ERR_ARG names an unknown key or a value out of range; where
 * stands for the place in error texts ("recipe.conf:12", "--set"). */
fct_status fct_recipe_set(fct_recipe *r, const char *key, const char *value, const char *where, fct_error *err);
/* Reads a file of settings. Relative paths in it are relative to the current folder. */
fct_status fct_recipe_read(fct_recipe *r, const char *path, fct_error *err);

/* Calls fn for every key with its present value as text and one line of help. */
void fct_recipe_list(const fct_recipe *r, void (*fn)(void *user, const char *key, const char *value, const char *help),
                     void *user);

#endif

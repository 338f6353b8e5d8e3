#include "train/recipe.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { TEXT, WHOLE, NUMBER, YESNO, SCHEDULE, BRANCH } kind;
typedef struct setting {
    const char *key;
    kind kind;
    size_t at;
    double lo, hi;
    const char *help;
} setting;

#define AT(field) offsetof(fct_recipe, field)
static const setting settings[] = {
    {"network", TEXT, AT(network), 0, 0, "description of the network, or a preset"},
    {"data", TEXT, AT(data), 0, 0, "index CSV, folder of identities, or tar file"},
    {"min_images", WHOLE, AT(min_images), 1, 1e6, "identities with fewer pictures count as unknown"},
    {"teacher", TEXT, AT(teacher), 0, 0, "ONNX embedder to learn from, or file of its embeddings"},
    {"teacher_raw", YESNO, AT(teacher_raw), 0, 1, "the teacher takes pixels of 0..255 and normalizes itself"},
    {"teacher_view", NUMBER, AT(teacher_view), 0, 1, "share of a batch for which the teacher sees the same view"},
    {"teacher_shifts", YESNO, AT(teacher_shifts), 0, 1,
     "its mean over five shifts by up to a pixel, instead of one view"},
    {"mix", NUMBER, AT(mix), 0, 0.9, "share of the pictures of teacher_view that are mixtures of two"},
    {"init", TEXT, AT(init), 0, 0, "exported ONNX embedder to start from"},
    {"train_stages", WHOLE, AT(train_stages), 0, 64, "with init: train the last N spatial stages only; 0 = all"},
    {"grow", YESNO, AT(grow), 0, 1, "with init: the recipe's network, which may have more res blocks than the file's"},
    {"half", YESNO, AT(half), 0, 1, "export convolution weights as float16"},
    {"mirror", YESNO, AT(mirror), 0, 1, "export a network that embeds the mirror image too"},
    {"out", TEXT, AT(out), 0, 0, "folder for checkpoints, log and curves"},
    {"batch", WHOLE, AT(batch), 2, 4096, "pictures in a step"},
    {"epochs", NUMBER, AT(epochs), 1e-6, 1e6, "passes over the pictures; sets the schedule's length"},
    {"seed", WHOLE, AT(seed), 0, 2147483647, "of all that is random"},
    {"workers", WHOLE, AT(workers), 1, 256, "threads that prepare pictures"},
    {"balance", YESNO, AT(balance), 0, 1, "draw identities evenly instead of pictures"},
    {"lr", NUMBER, AT(optim.lr), 0, 100, "peak learning rate"},
    {"momentum", NUMBER, AT(optim.momentum), 0, 0.9999, ""},
    {"nesterov", YESNO, AT(optim.nesterov), 0, 1, "Nesterov's momentum"},
    {"decay", NUMBER, AT(optim.decay), 0, 1, "weight decay of convolutions and centers"},
    {"clip", NUMBER, AT(optim.clip), 0, 1e9, "longest gradient; 0 = no limit"},
    {"ema", NUMBER, AT(optim.ema), 0, 0.99999, "moving average of weights"},
    {"schedule", SCHEDULE, AT(optim.schedule), 0, 0, "cosine, poly or constant"},
    {"power", NUMBER, AT(optim.power), 0, 100, "of the poly schedule"},
    {"warmup", NUMBER, AT(warmup_epochs), 0, 1e6, "epochs of linear warm-up"},
    {"distill_cosine", NUMBER, AT(distill.cosine), 0, 1e6, "weight of 1 - cosine to the teacher"},
    {"distill_gram", NUMBER, AT(distill.gram), 0, 1e6, "weight of the batch's relations to the teacher's"},
    {"margin_weight", NUMBER, AT(margin_weight), 0, 1e6, "weight of the margin loss; 0 = none"},
    {"margin_from", NUMBER, AT(margin_from), 0, 1, "share of the epochs after which it starts"},
    {"margin_ramp", NUMBER, AT(margin_ramp), 0, 1, "share of the epochs over which it grows to its weight"},
    {"margin_lr", NUMBER, AT(margin_lr), 0, 1e6, "factor of the centers' learning rate"},
    {"single_classes", YESNO, AT(single_classes), 0, 1, "every picture without an identity is a class of its own"},
    {"alike", NUMBER, AT(margin.alike), -1, 1,
     "with a teacher: cosine from which a class does not count against a picture; 1 = none"},
    {"margin_scale", NUMBER, AT(margin.scale), 0.1, 1000, "s"},
    {"m1", NUMBER, AT(margin.m1), 1, 8, "SphereFace's factor of the angle"},
    {"m2", NUMBER, AT(margin.m2), 0, 3, "ArcFace's margin of the angle"},
    {"m3", NUMBER, AT(margin.m3), 0, 2, "CosFace's margin of the cosine"},
    {"margin_branch", BRANCH, AT(margin.branch), 0, 0, "beyond pi: plain, monotonic, linear or easy"},
    {"surrogate", YESNO, AT(margin.surrogate), 0, 1, "gradient as if the margin were a constant"},
    {"subcenters", WHOLE, AT(margin.subcenters), 1, 16, "centers of a class"},
    {"partial_fc", NUMBER, AT(margin.sample), 1e-6, 1, "share of the classes in each softmax"},
    {"flip", NUMBER, AT(augment.flip), 0, 1, "probability"},
    {"shift", NUMBER, AT(augment.shift), 0, 64, "pixels, either way"},
    {"scale", NUMBER, AT(augment.scale), 0, 0.9, "share, either way"},
    {"rotate", NUMBER, AT(augment.rotate), 0, 180, "degrees, either way"},
    {"brightness", NUMBER, AT(augment.brightness), 0, 1, "share, either way"},
    {"contrast", NUMBER, AT(augment.contrast), 0, 1, "share, either way"},
    {"saturation", NUMBER, AT(augment.saturation), 0, 1, "share, either way"},
    {"gray", NUMBER, AT(augment.gray), 0, 1, "probability"},
    {"blur", NUMBER, AT(augment.blur), 0, 1, "probability"},
    {"jpeg", NUMBER, AT(augment.jpeg), 0, 1, "probability"},
    {"down", NUMBER, AT(augment.down), 0, 1, "probability of scaling down and up"},
    {"occlude", NUMBER, AT(augment.occlude), 0, 1, "probability of a block"},
    {"mask", NUMBER, AT(augment.mask), 0, 1, "probability of covering the mouth"},
    {"fill_border", YESNO, AT(augment.fill_border), 0, 1, "fill black borders at random"},
    {"ramp", NUMBER, AT(ramp), 0, 1e6, "epochs until degradations are at full strength"},
    {"eval_data", TEXT, AT(eval_data), 0, 0, "labeled pictures to evaluate on, aligned"},
    {"eval_pairs", TEXT, AT(eval_pairs), 0, 0, "CSV of pairs: a,b,same"},
    {"eval_every", WHOLE, AT(eval_every), 0, 1e9, "steps between evaluations; 0 = only at the end"},
    {"checkpoint_every", WHOLE, AT(checkpoint_every), 1, 1e9, "steps between checkpoints"},
    {"log_every", WHOLE, AT(log_every), 1, 1e9, "steps between lines of the log"},
};
enum { SETTINGS = sizeof settings / sizeof *settings };
static const char *const schedule_names[] = {"cosine", "poly", "constant", NULL};
static const char *const branch_names[] = {"plain", "monotonic", "linear", "easy", NULL};

void fct_recipe_init(fct_recipe *r) {
    *r = (fct_recipe){.min_images = 2,
                      .batch = 128,
                      .workers = 1,
                      .seed = 1,
                      .checkpoint_every = 100,
                      .log_every = 20,
                      .epochs = 20,
                      .margin_lr = 1};
    r->optim =
        (fct_optim){.lr = 0.1, .momentum = 0.9, .nesterov = true, .decay = 5e-4, .clip = 5, .ema = 0.999, .power = 2};
    r->warmup_epochs = 1;
    fct_margin_opts_init(&r->margin);
    fct_augment_init(&r->augment);
    r->network = fct_strdup("mobilefacenet");
    r->out = fct_strdup("train-out");
}

void fct_recipe_clear(fct_recipe *r) {
    for (int i = 0; i < SETTINGS; i++)
        if (settings[i].kind == TEXT) {
            char **p = (char **)((char *)r + settings[i].at);
            fct_free(*p);
            *p = NULL;
        }
}

static int index_of(const char *const *names, const char *value) {
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], value)) return i;
    return -1;
}

static fct_status set_name(const setting *s, int *p, const char *const *names, const char *value, const char *where,
                           fct_error *err) {
    int i = index_of(names, value);
    if (i < 0) return fct_fail(err, FCT_ERR_ARG, "%s: %s: \"%s\" is not %s", where, s->key, value, s->help);
    *p = i;
    return FCT_OK;
}

/* Accepts a value only when all of it is a number in the setting's range or, for a switch, "yes" or "no". */
static fct_status set_number(const setting *s, void *p, const char *value, const char *where, fct_error *err) {
    char *end;
    double v = strtod(value, &end);
    if (s->kind == YESNO && (!strcmp(value, "yes") || !strcmp(value, "no"))) {
        *(bool *)p = *value == 'y';
        return FCT_OK;
    }
    if (end == value || *end || !(v >= s->lo && v <= s->hi) || s->kind == YESNO ||
        (s->kind == WHOLE && v != (double)(long)v))
        return fct_fail(err, FCT_ERR_ARG, "%s: %s: \"%s\" is not %s", where, s->key, value,
                        s->kind == YESNO ? "yes or no" : "a number in its range");
    if (s->kind == WHOLE) *(int *)p = (int)v;
    else *(double *)p = v;
    return FCT_OK;
}

/* Finds the setting in the table, which says of what kind it is and where its value lies. */
fct_status fct_recipe_set(fct_recipe *r, const char *key, const char *value, const char *where, fct_error *err) {
    for (int i = 0; i < SETTINGS; i++) {
        const setting *s = &settings[i];
        void *p = (char *)r + s->at;
        if (strcmp(s->key, key)) continue;
        if (s->kind == SCHEDULE) return set_name(s, p, schedule_names, value, where, err);
        if (s->kind == BRANCH) return set_name(s, p, branch_names, value, where, err);
        if (s->kind != TEXT) return set_number(s, p, value, where, err);
        char *copy = fct_strdup(value);
        if (!copy) return fct_fail_nomem(err, key, 0);
        fct_free(*(char **)p);
        *(char **)p = copy;
        return FCT_OK;
    }
    return fct_fail(err, FCT_ERR_ARG, "%s: unknown setting \"%s\"", where, key);
}

/* Cuts off spaces at both ends, in place. */
static char *trim(char *s) {
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1])) s[--n] = 0;
    return s;
}

/* Lines are "key = value"; '#' starts a comment. Errors name file and line. */
fct_status fct_recipe_read(fct_recipe *r, const char *path, fct_error *err) {
    uint8_t *data;
    size_t size;
    fct_status s = fct_file_read(path, 1 << 20, &data, &size, err);
    if (s) return s;
    int line = 0;
    for (char *t = (char *)data, *next; !s && t; t = next) {
        char where[300], *value;
        line++;
        if ((next = strchr(t, '\n'))) *next++ = 0;
        t[strcspn(t, "#")] = 0;
        t = trim(t);
        if (!*t) continue;
        snprintf(where, sizeof where, "%.280s:%d", path, line);
        if (!(value = strchr(t, '='))) {
            s = fct_fail(err, FCT_ERR_FORMAT, "%s: \"key = value\" expected", where);
            break;
        }
        *value++ = 0;
        s = fct_recipe_set(r, trim(t), trim(value), where, err);
    }
    fct_free(data);
    return s;
}

void fct_recipe_list(const fct_recipe *r, void (*fn)(void *user, const char *key, const char *value, const char *help),
                     void *user) {
    for (int i = 0; i < SETTINGS; i++) {
        const setting *s = &settings[i];
        const void *p = (const char *)r + s->at;
        char text[40] = "";
        const char *value = text;
        switch (s->kind) {
        case TEXT:
            value = *(char *const *)p ? *(char *const *)p : "";
            break;
        case WHOLE:
            snprintf(text, sizeof text, "%d", *(const int *)p);
            break;
        case NUMBER:
            snprintf(text, sizeof text, "%g", *(const double *)p);
            break;
        case YESNO:
            value = *(const bool *)p ? "yes" : "no";
            break;
        case SCHEDULE:
            value = schedule_names[*(const int *)p];
            break;
        case BRANCH:
            value = branch_names[*(const int *)p];
            break;
        }
        fn(user, s->key, value, s->help);
    }
}

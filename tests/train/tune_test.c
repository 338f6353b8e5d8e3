/* Fine-tuning of an exported embedder: what is frozen stays bit for bit, what is
 * not learns. */
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/train.h"
#include "people.h"

static const char network[] = "input 32 3; conv 8 3 2; down 16 16 2; res 16 1; down 16 24 2; gdc; linear 16";

static void set(fct_recipe *r, const char *key, const char *value) {
    fct_error err = {0};
    CHECK_MSG(fct_recipe_set(r, key, value, "test", &err) == FCT_OK, "%s", err.text);
}

static fct_recipe recipe_for(const char *data, const char *out, const char *epochs) {
    static const char *const settings[][2] = {
        {"batch", "6"},     {"lr", "0.05"}, {"margin_weight", "1"}, {"margin_scale", "16"}, {"m2", "0.1"},
        {"log_every", "1"}, {"gray", "0"},  {"saturation", "0"},    {"brightness", "0"},    {"contrast", "0"},
        {"occlude", "0"},   {"mask", "0"},  {"ema", "0.9"}};
    fct_recipe r;
    fct_recipe_init(&r);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) set(&r, settings[i][0], settings[i][1]);
    set(&r, "network", network), set(&r, "data", data), set(&r, "out", out), set(&r, "epochs", epochs);
    return r;
}

typedef struct curve {
    double first, last;
    int n;
} curve;
static void on_progress(void *user, const fct_train_progress *p) {
    curve *c = user;
    if (c->n++ == 0) c->first = p->margin;
    c->last = p->margin;
}

static curve train(const fct_recipe *r) {
    curve c = {0};
    fct_error err = {0};
    CHECK_MSG(fct_train_run(r, &(fct_train_hooks){.progress = on_progress, .user = &c}, &err) == FCT_OK, "%s",
              err.text);
    return c;
}

/* Parameters and statistics of the exported file of a run. */
typedef struct weights {
    fct_net_spec spec;
    float *params, *stats;
    char *path;
} weights;

static weights export(const fct_recipe *r, const char *name) {
    weights w = {0};
    fct_error err = {0};
    char *folder = fresh_folder(name);
    CHECK_MSG(fct_train_export(r, folder, &err) == FCT_OK, "%s", err.text);
    w.path = path_in(folder, "w_16.onnx");
    REQUIRE(fct_net_spec_parse(network, &w.spec, NULL) == FCT_OK);
    w.params = fct_aligned_alloc(w.spec.n_params * sizeof(float));
    w.stats = fct_aligned_alloc(w.spec.n_stats * sizeof(float));
    CHECK_MSG(fct_import_onnx(w.path, &w.spec, w.params, w.stats, &err) == FCT_OK, "%s", err.text);
    fct_free(folder);
    return w;
}

static void clear(weights *w) {
    fct_net_spec_clear(&w->spec);
    fct_aligned_free(w->params), fct_aligned_free(w->stats);
    fct_free(w->path);
}

/* Trains for a while, exports, and fine-tunes that with train_stages = stages. */
static void check_tuning(const char *stages, int frozen_stages) {
    char *data = make_people("tune_people"), *first = fresh_folder("tune_first"), *second = fresh_folder("tune_second");
    fct_recipe r = recipe_for(data, first, "4");
    train(&r);
    weights before = export(&r, "tune_pack");
    fct_recipe_clear(&r);
    r = recipe_for(data, second, "12");
    set(&r, "network", "mobilefacenet"); /* init's own network counts */
    set(&r, "init", before.path);
    set(&r, "train_stages", stages);
    curve c = train(&r);
    CHECK_MSG(c.last < 0.7 * c.first, "stages %s: loss %g at first, %g at last", stages, c.first, c.last);
    weights after = export(&r, "tuned_pack");
    for (int i = 0; i < before.spec.n_param; i++) {
        const fct_param *p = &before.spec.param[i];
        const fct_unit *u = &before.spec.unit[p->unit];
        bool same = !memcmp(before.params + p->offset, after.params + p->offset, p->count * sizeof(float));
        bool fixed = u->stage < frozen_stages || (u->fixed_gamma && strstr(p->name, ".gamma"));
        CHECK_MSG(same == fixed, "stages %s: %s of stage %d", stages, p->name, u->stage);
        same = !memcmp(before.stats + u->stat, after.stats + u->stat, 2 * (size_t)u->co * sizeof(float));
        CHECK_MSG(same == (u->stage < frozen_stages), "stages %s: statistics of %s", stages, u->name);
    }
    clear(&before), clear(&after);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(first), fct_free(second);
}

/* Sides 32, 16 (stage 1), 8 (2), 4 (3), 1 (4: gdc and what follows). */
TEST(last_stage) { check_tuning("1", 4); }
TEST(last_two_stages) { check_tuning("2", 3); }
TEST(all) { check_tuning("0", 0); }

TEST(only_exported_files) {
    char *data = make_people("tune_people"), *out = fresh_folder("tune_none"), *path = path_in(out, "x.onnx");
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out, "1");
    set(&r, "init", path);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_NOT_FOUND);
    REQUIRE(fct_file_write_atomic(path, "\x08\x07", 2, NULL) == FCT_OK); /* a model with nothing in it */
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_UNSUPPORTED);
    CHECK_MSG(strstr(err.text, "not exported by facet"), "%s", err.text);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out), fct_free(path);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

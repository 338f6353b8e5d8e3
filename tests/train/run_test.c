/* Whole runs on made-up pictures: stopping and going on, bad data, archives. */
#include "train/train.h"
#include "train/checkpoint.h"
#include "train/loader.h"
#include "train/teacher.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "people.h"

enum { DIM = 16 };

static fct_recipe recipe_for(const char *data, const char *out, const char *epochs) {
    fct_recipe r;
    fct_error err;
    const char *set[][2] = {{"network", "input 32 3; conv 8 3 2; down 16 16 2; res 16 1; gdc; linear 16"},
                            {"data", data},
                            {"out", out},
                            {"epochs", epochs},
                            {"batch", "6"},
                            {"lr", "0.05"},
                            {"warmup", "0.2"},
                            {"margin_weight", "1"},
                            {"margin_scale", "16"},
                            {"m2", "0.1"},
                            {"checkpoint_every", "4"},
                            {"workers", "2"},
                            {"partial_fc", "0.8"}};
    fct_recipe_init(&r);
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        CHECK_MSG(fct_recipe_set(&r, set[i][0], set[i][1], "test", &err) == FCT_OK, "%s", err.text);
    return r;
}

static void hash_checkpoint(const char *out, char hex[65]) {
    char *path = fct_train_checkpoint_path(out);
    uint8_t *data;
    size_t size;
    REQUIRE(fct_file_read(path, 1 << 28, &data, &size, NULL) == FCT_OK);
    fct_sha256_hex(data, size, hex);
    fct_free(data);
    fct_free(path);
}

static int steps_left;
static bool stop_after(void *user) { return --steps_left == 0; }

typedef struct seen {
    fct_train_progress last;
    int notes;
    char text[4000];
} seen;
static void on_progress(void *user, const fct_train_progress *p) { ((seen *)user)->last = *p; }
static void on_note(void *user, const char *text) {
    seen *s = user;
    s->notes++;
    strncat(s->text, text, sizeof s->text - strlen(s->text) - 2);
    strcat(s->text, "\n");
}

TEST(stopped_and_resumed_is_the_same) {
    char *data = make_people("train_people"), *whole = fresh_folder("train_whole"),
         *parts = fresh_folder("train_parts");
    char a[65], b[65];
    fct_error err = {0};
    fct_recipe r = recipe_for(data, whole, "5");
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    fct_recipe_clear(&r);
    r = recipe_for(data, parts, "5");
    fct_train_hooks hooks = {.stop = stop_after};
    static const int pieces[] = {3, 7, 1, 9};
    for (int i = 0; i < 4; i++) {
        steps_left = pieces[i];
        CHECK(fct_train_run(&r, &hooks, &err) == FCT_ERR_CANCELLED);
    }
    fct_set_threads(1, NULL); /* neither the number of threads nor of workers matters */
    fct_recipe_set(&r, "workers", "1", "test", NULL);
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    fct_set_threads(0, NULL);
    hash_checkpoint(whole, a);
    hash_checkpoint(parts, b);
    CHECK_MSG(!strcmp(a, b), "%s and %s", a, b);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(whole), fct_free(parts);
}

/* A run that was killed has logged steps past its last checkpoint: they are done and logged again, once. */
TEST(a_killed_run_logs_each_step_once) {
    char *data = make_people("train_killed_people"), *out = fresh_folder("train_killed");
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out, "2");
    REQUIRE(fct_recipe_set(&r, "log_every", "1", "test", &err) == FCT_OK);
    fct_train_hooks hooks = {.stop = stop_after};
    char *checkpoint = fct_train_checkpoint_path(out), *log = fct_path_join(out, "log.csv");
    uint8_t *early, *text;
    size_t size;
    steps_left = 2;
    CHECK(fct_train_run(&r, &hooks, &err) == FCT_ERR_CANCELLED);
    REQUIRE(fct_file_read(checkpoint, 1 << 28, &early, &size, NULL) == FCT_OK);
    steps_left = 2;
    CHECK(fct_train_run(&r, &hooks, &err) == FCT_ERR_CANCELLED);
    CHECK(fct_file_write_atomic(checkpoint, early, size, NULL) == FCT_OK); /* as if the later one had never been */
    FILE *f = fct_fopen(log, "a");
    REQUIRE(f);
    fputs("5,0.9", f); /* cut off in the middle */
    fclose(f);
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    REQUIRE(fct_file_read(log, 1 << 20, &text, &size, NULL) == FCT_OK);
    long want = 1;
    const char *line = strchr((char *)text, '\n');
    for (; line && line[1] && (size_t)(line + 1 - (char *)text) < size; line = strchr(line + 1, '\n'), want++)
        CHECK_MSG(strtol(line + 1, NULL, 10) == want, "%.40s", line + 1);
    CHECK_MSG(want > 5, "%ld steps", want - 1);
    fct_free(text), fct_free(early), fct_free(checkpoint), fct_free(log), fct_free(data), fct_free(out);
    fct_recipe_clear(&r);
}

TEST(it_learns) {
    char *data = make_people("train_people"), *out = fresh_folder("train_learns");
    fct_error err = {0};
    seen s = {0};
    fct_recipe r = recipe_for(data, out, "30");
    fct_recipe_set(&r, "log_every", "1", "test", NULL);
    static const char *const off[] = {"gray", "saturation", "brightness", "contrast", "occlude", "mask"};
    for (int i = 0; i < 6; i++) fct_recipe_set(&r, off[i], "0", "test", NULL);
    CHECK_MSG(fct_train_run(&r, &(fct_train_hooks){.progress = on_progress, .user = &s}, &err) == FCT_OK, "%s",
              err.text);
    CHECK_MSG(s.last.margin < 0.5, "loss %g after 150 steps on five colors", s.last.margin);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out);
}

/* Each byte of the first pictures is one number's share of the unmixed picture's and a later one's. */
TEST(mixtures_are_of_two_pictures_of_the_batch) {
    enum { BATCH = 5, MIXED = 2, SIDE = 32 };
    char *data = make_people("train_people");
    fct_dataset *d;
    fct_loader *plain, *mixed;
    fct_loader_opts o = {.batch = BATCH, .out_size = SIDE, .workers = 2, .seed = 3};
    REQUIRE(fct_dataset_open(data, 2, &d, NULL) == FCT_OK);
    REQUIRE(fct_loader_create(d, &o, 0, &plain, NULL) == FCT_OK);
    o.mixed = MIXED;
    REQUIRE(fct_loader_create(d, &o, 0, &mixed, NULL) == FCT_OK);
    double first_share = -1;
    for (int step = 0; step < 8; step++) {
        const fct_batch *a = fct_loader_next(plain), *b = fct_loader_next(mixed);
        size_t n = (size_t)SIDE * SIDE * 3;
        for (int i = 0; i < BATCH; i++) {
            const uint8_t *p = a->pixels + i * n, *q = a->pixels + (MIXED + i % (BATCH - MIXED)) * n;
            const uint8_t *got = b->pixels + i * n;
            double top = 0, square = 0, worst = 0;
            CHECK(b->sample[i] == a->sample[i] && b->label[i] == (i < MIXED ? -1 : a->label[i]));
            if (i >= MIXED) {
                CHECK(memcmp(got, p, n) == 0);
                continue;
            }
            for (size_t k = 0; k < n; k++)
                top += (double)(got[k] - q[k]) * (p[k] - q[k]), square += (double)(p[k] - q[k]) * (p[k] - q[k]);
            double share = top / square;
            for (size_t k = 0; k < n; k++) worst = fmax(worst, fabs(p[k] * share + q[k] * (1 - share) - got[k]));
            CHECK_MSG(share > 0.09 && share < 0.91 && share != first_share, "share %g", share);
            CHECK_MSG(worst < 1, "off by %g", worst);
            CHECK(fabs(b->input[i * n + 5] - (got[5] - 127.5) / 127.5) < 1e-6);
            first_share = share;
        }
    }
    fct_loader_free(plain), fct_loader_free(mixed);
    fct_dataset_free(d);
    fct_free(data);
}

/* Two people with one photo each beside the others: unknown, or classes of their own. */
TEST(single_pictures_become_classes) {
    char *data = make_people("train_single"), *out = fresh_folder("train_single_out");
    fct_rng rng = {9};
    fct_dataset *d;
    for (int p = 0; p < 2; p++) {
        char *person = path_in(data, p ? "lone b" : "lone a"), *path = path_in(person, "0.png");
        REQUIRE(fct_dir_make(person, NULL) == FCT_OK);
        write_photo(path, PEOPLE + p, &rng);
        fct_free(person), fct_free(path);
    }
    REQUIRE(fct_dataset_open(data, 2, &d, NULL) == FCT_OK);
    CHECK(d->classes == PEOPLE && d->lone == 2);
    fct_dataset_single_classes(d);
    CHECK(d->classes == PEOPLE + 2);
    int count[PEOPLE + 2] = {0};
    for (size_t i = 0; i < d->n; i++) {
        REQUIRE(d->sample[i].label >= 0 && d->sample[i].label < d->classes);
        count[d->sample[i].label]++;
    }
    for (int c = 0; c < d->classes; c++) CHECK(count[c] == (c < PEOPLE ? PHOTOS : 1));
    fct_dataset_free(d);

    fct_error err = {0};
    fct_recipe r = recipe_for(data, out, "2");
    fct_recipe_set(&r, "single_classes", "yes", "test", NULL);
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    fct_recipe_set(&r, "alike", "0.4", "test", NULL);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_ARG && strstr(err.text, "alike needs a teacher"));
    fct_recipe_set(&r, "alike", "1", "test", NULL);
    fct_recipe_set(&r, "mix", "0.4", "test", NULL);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_ARG && strstr(err.text, "mix needs teacher_view"));
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out);
}

TEST(bad_data_is_reported_and_left_out) {
    char *data = make_people("train_bad"), *out = fresh_folder("train_bad_out"), *p;
    fct_error err = {0};
    seen s = {0};
    p = path_in(data, "p0/0.png");
    REQUIRE(fct_file_write_atomic(p, "not a picture", 13, NULL) == FCT_OK);
    fct_free(p);
    p = path_in(data, "p1/1.png"); /* cut off in the middle */
    uint8_t *bytes;
    size_t size;
    REQUIRE(fct_file_read(p, 1 << 20, &bytes, &size, NULL) == FCT_OK);
    REQUIRE(fct_file_write_atomic(p, bytes, size / 2, NULL) == FCT_OK);
    fct_free(bytes);
    fct_free(p);
    p = path_in(data, "nobody");
    REQUIRE(fct_dir_make(p, NULL) == FCT_OK);
    fct_free(p);
    fct_recipe r = recipe_for(data, out, "3");
    fct_train_hooks hooks = {.progress = on_progress, .note = on_note, .user = &s};
    CHECK_MSG(fct_train_run(&r, &hooks, &err) == FCT_OK, "%s", err.text);
    CHECK_MSG(s.last.bad_pictures == 2, "%zu bad pictures", s.last.bad_pictures);
    CHECK_MSG(strstr(s.text, "p0/0.png") && strstr(s.text, "p1/1.png"), "%s", s.text);
    CHECK_MSG(strstr(s.text, "1 identities have no picture"), "%s", s.text);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out);
}

TEST(steps_that_are_not_finite_change_nothing) {
    char *data = make_people("train_people"), *out = fresh_folder("train_nan"), *path = fct_train_checkpoint_path(out);
    fct_error err = {0};
    seen s = {0};
    fct_net_spec spec;
    fct_train_state state;
    fct_recipe r = recipe_for(data, out, "1");
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    REQUIRE(fct_net_spec_parse(r.network, &spec, &err) == FCT_OK);
    REQUIRE(fct_train_state_create(&spec, (size_t)PEOPLE * DIM, &state, &err) == FCT_OK);
    REQUIRE(fct_checkpoint_read(path, spec.text, &state, &err) == FCT_OK);
    state.params[0] = NAN;
    REQUIRE(fct_checkpoint_write(path, spec.text, &state, &err) == FCT_OK);
    float *before = malloc(spec.n_params * sizeof *before);
    memcpy(before, state.params, spec.n_params * sizeof *before);
    fct_recipe_set(&r, "epochs", "2", "test", NULL);
    fct_recipe_set(&r, "log_every", "1", "test", NULL);
    CHECK(fct_train_run(&r, &(fct_train_hooks){.progress = on_progress, .user = &s}, &err) == FCT_OK);
    CHECK_MSG(s.last.skipped_steps == 5, "%zu steps skipped", s.last.skipped_steps);
    REQUIRE(fct_checkpoint_read(path, spec.text, &state, &err) == FCT_OK);
    CHECK(!memcmp(before, state.params, spec.n_params * sizeof *before));
    free(before);
    fct_train_state_clear(&state);
    fct_net_spec_clear(&spec);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out), fct_free(path);
}

TEST(teacher_rows_with_nan_are_left_out) {
    char *data = make_people("train_people"), *out = fresh_folder("train_teacher"), *path = path_in(out, "teacher");
    fct_error err = {0};
    fct_dataset *d;
    fct_teacher t = {.n = PEOPLE * PHOTOS, .dim = DIM}, back;
    size_t bad;
    REQUIRE(fct_dataset_open(data, 2, &d, &err) == FCT_OK);
    CHECK(d->n == t.n && d->classes == PEOPLE);
    t.rows = fct_aligned_alloc(t.n * DIM * sizeof *t.rows);
    for (size_t i = 0; i < t.n * DIM; i++) t.rows[i] = (float)(i % 7) + 1;
    t.rows[3 * DIM + 2] = NAN;
    REQUIRE(fct_teacher_write(path, &t, &err) == FCT_OK);
    REQUIRE(fct_teacher_read(path, d, &back, &bad, &err) == FCT_OK);
    CHECK(bad == 1 && back.rows[3 * DIM] == 0 && back.rows[4 * DIM] > 0);
    fct_teacher_clear(&back);
    d->n--;
    CHECK(fct_teacher_read(path, d, &back, &bad, &err) == FCT_ERR_MISMATCH);
    d->n++;
    fct_teacher_clear(&t);
    fct_dataset_free(d);
    fct_free(data), fct_free(out), fct_free(path);
}

TEST(a_margin_that_fades_is_refused) {
    char *data = make_people("train_people"), *out = fresh_folder("train_m1");
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out, "1");
    fct_recipe_set(&r, "margin_weight", "1", "test", NULL);
    fct_recipe_set(&r, "m1", "4", "test", NULL);
    fct_recipe_set(&r, "margin_branch", "linear", "test", NULL);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_ARG && strstr(err.text, "m1"));
    fct_recipe_set(&r, "margin_branch", "monotonic", "test", NULL);
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out);
}

TEST(damaged_checkpoints_are_refused) {
    char *data = make_people("train_people"), *out = fresh_folder("train_damaged"),
         *path = fct_train_checkpoint_path(out);
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out, "1");
    uint8_t *bytes;
    size_t size;
    CHECK(fct_train_run(&r, NULL, &err) == FCT_OK);
    REQUIRE(fct_file_read(path, 1 << 28, &bytes, &size, NULL) == FCT_OK);
    bytes[size / 2] ^= 1;
    fct_file_write_atomic(path, bytes, size, NULL);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_FORMAT);
    bytes[size / 2] ^= 1;
    static const size_t cut[] = {0, 7, 20, 100};
    for (int i = 0; i < 4; i++) {
        fct_file_write_atomic(path, bytes, cut[i], NULL);
        CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_FORMAT);
    }
    fct_file_write_atomic(path, bytes, size, NULL);
    fct_recipe_set(&r, "network", "input 32 3; conv 8 3 2; gdc; linear 16", "test", NULL);
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_MISMATCH);
    fct_free(bytes);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(out), fct_free(path);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

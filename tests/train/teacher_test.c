/* The teacher's network: a whole data set against single views, and training on
 * the views a network sees. */
#include "train/export.h"
#include "train/teacher.h"
#include "train/train.h"
#include "people.h"
#include <math.h>

enum { SIDE = 32, DIM = 16 };
static const char network[] = "input 32 3; conv 8 3 2; down 16 16 2; res 16 1; down 16 24 2; gdc; linear 16";

static void set(fct_recipe *r, const char *key, const char *value) {
    fct_error err = {0};
    CHECK_MSG(fct_recipe_set(r, key, value, "test", &err) == FCT_OK, "%s", err.text);
}

static fct_recipe recipe_for(const char *data, const char *out) {
    static const char *const settings[][2] = {
        {"batch", "6"}, {"lr", "0.05"}, {"log_every", "1"}, {"epochs", "4"}, {"warmup", "0"}};
    fct_recipe r;
    fct_recipe_init(&r);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) set(&r, settings[i][0], settings[i][1]);
    set(&r, "network", network), set(&r, "data", data), set(&r, "out", out);
    return r;
}

/* A small trained embedder as ONNX. Owned. */
static char *make_teacher(const char *data) {
    char *out = fresh_folder("teacher_run"), *pack = fresh_folder("teacher_pack");
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out);
    set(&r, "margin_weight", "1"), set(&r, "margin_scale", "16");
    CHECK_MSG(fct_train_run(&r, NULL, &err) == FCT_OK, "%s", err.text);
    CHECK_MSG(fct_train_export(&r, pack, &err) == FCT_OK, "%s", err.text);
    char *path = path_in(pack, "w_16.onnx");
    fct_recipe_clear(&r);
    fct_free(out), fct_free(pack);
    return path;
}

/* The central square of a sample and its mirror image, [2][SIDE][SIDE][3]. */
static void read_pair(const fct_dataset *d, size_t sample, uint8_t *two) {
    fct_image *im;
    REQUIRE(fct_dataset_read(d, sample, &im, NULL) == FCT_OK);
    fct_view v = fct_image_view(im);
    int off = (v.width - SIDE) / 2;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                uint8_t px = v.data[(off + y) * v.stride + (off + x) * 3 + c];
                two[(y * SIDE + x) * 3 + c] = two[((SIDE + y) * SIDE + SIDE - 1 - x) * 3 + c] = px;
            }
    fct_image_free(im);
}

TEST(a_row_is_the_mean_of_a_picture_and_its_mirror_image) {
    char *data = make_people("teacher_people"), *onnx = make_teacher(data);
    fct_error err = {0};
    fct_dataset *d;
    fct_teacher_net *net;
    fct_teacher all;
    size_t bad;
    static uint8_t two[2 * SIDE * SIDE * 3];
    enum { LD = DIM + 5 };
    float rows[2 * LD];
    REQUIRE(fct_dataset_open(data, 2, &d, &err) == FCT_OK);
    for (int raw = 0; raw < 2; raw++) {
        CHECK_MSG(fct_teacher_net_open(onnx, raw, &net, &err) == FCT_OK, "%s", err.text);
        CHECK(fct_teacher_net_size(net) == SIDE);
        CHECK_MSG(fct_teacher_compute(net, d, false, NULL, NULL, &all, &bad, &err) == FCT_OK, "%s", err.text);
        CHECK(bad == 0 && all.dim == DIM && all.n == d->n);
        for (size_t i = 0; i < d->n; i += 7) {
            double sum[DIM], sq = 0, worst = 0, length = 0;
            read_pair(d, i, two);
            CHECK(fct_teacher_net_embed(net, two, 2, DIM, LD, rows, &err) == FCT_OK);
            for (int k = 0; k < DIM; k++) {
                sum[k] = (double)rows[k] + rows[LD + k];
                sq += sum[k] * sum[k];
                length += (double)rows[k] * rows[k];
            }
            for (int k = 0; k < DIM; k++) worst = fmax(worst, fabs(sum[k] / sqrt(sq) - all.rows[i * DIM + k]));
            CHECK_MSG(fabs(length - 1) < 1e-5, "length %g", length);
            CHECK_MSG(worst < 1e-5, "sample %zu: off by %g", i, worst);
        }
        fct_teacher_clear(&all);
        CHECK(fct_teacher_net_embed(net, two, 2, DIM + 1, LD, rows, &err) == FCT_ERR_MISMATCH);
        fct_teacher_net_free(net);
    }
    fct_dataset_free(d);
    fct_free(data), fct_free(onnx);
}

/* The unit embedding of a square of the sample, moved by (dx, dy), and its mirror image, added to sum. */
static void add_square(fct_teacher_net *net, const fct_dataset *d, size_t sample, int dx, int dy, double *sum) {
    static uint8_t two[2 * SIDE * SIDE * 3];
    float rows[2 * DIM];
    fct_image *im;
    REQUIRE(fct_dataset_read(d, sample, &im, NULL) == FCT_OK);
    fct_view v = fct_image_view(im);
    int off = (v.width - SIDE) / 2;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                two[(y * SIDE + x) * 3 + c] = two[((SIDE + y) * SIDE + SIDE - 1 - x) * 3 + c] =
                    v.data[(off + dy + y) * v.stride + (off + dx + x) * 3 + c];
    fct_image_free(im);
    CHECK(fct_teacher_net_embed(net, two, 2, DIM, DIM, rows, NULL) == FCT_OK);
    for (int k = 0; k < DIM; k++) sum[k] += (double)rows[k] + rows[DIM + k];
}

TEST(with_shifts_a_row_is_the_mean_over_five_squares) {
    static const int by[5][2] = {{-1, 0}, {1, 0}, {0, 0}, {0, -1}, {0, 1}};
    char *data = make_people("teacher_people"), *onnx = make_teacher(data);
    fct_error err = {0};
    fct_dataset *d;
    fct_teacher_net *net;
    fct_teacher all;
    size_t bad;
    REQUIRE(fct_dataset_open(data, 2, &d, &err) == FCT_OK);
    CHECK_MSG(fct_teacher_net_open(onnx, false, &net, &err) == FCT_OK, "%s", err.text);
    CHECK_MSG(fct_teacher_compute(net, d, true, NULL, NULL, &all, &bad, &err) == FCT_OK, "%s", err.text);
    for (size_t i = 0; i < d->n; i += 5) {
        double sum[DIM] = {0}, sq = 0, worst = 0;
        for (int k = 0; k < 5; k++) add_square(net, d, i, by[k][0], by[k][1], sum);
        for (int k = 0; k < DIM; k++) sq += sum[k] * sum[k];
        for (int k = 0; k < DIM; k++) worst = fmax(worst, fabs(sum[k] / sqrt(sq) - all.rows[i * DIM + k]));
        CHECK_MSG(worst < 1e-5, "sample %zu: off by %g", i, worst);
    }
    fct_teacher_clear(&all);
    fct_teacher_net_free(net);
    fct_dataset_free(d);
    fct_free(data), fct_free(onnx);
}

static void on_progress(void *user, const fct_train_progress *p) { *(double *)user += p->cosine; }

/* The mean distance of a frozen copy of the teacher to its targets, on pictures
 * changed beyond recognition: far from the unchanged pictures', near the views'. */
static double distance(const char *data, const char *onnx, const char *share) {
    char *out = fresh_folder("teacher_view");
    fct_error err = {0};
    double sum = 0;
    fct_recipe r = recipe_for(data, out);
    set(&r, "init", onnx), set(&r, "teacher", onnx), set(&r, "teacher_view", share), set(&r, "distill_cosine", "1");
    set(&r, "lr", "1e-9"), set(&r, "brightness", "0.9"), set(&r, "saturation", "0.9"), set(&r, "occlude", "0.8");
    CHECK_MSG(fct_train_run(&r, &(fct_train_hooks){.progress = on_progress, .user = &sum}, &err) == FCT_OK, "%s",
              err.text);
    fct_recipe_clear(&r);
    fct_free(out);
    return sum / 20;
}

TEST(targets_follow_the_view) {
    char *data = make_people("teacher_people"), *onnx = make_teacher(data);
    double clean = distance(data, onnx, "0"), half = distance(data, onnx, "0.5"), view = distance(data, onnx, "1");
    CHECK_MSG(view < 0.6 * clean, "distance %g to views, %g to unchanged pictures", view, clean);
    CHECK_MSG(half > view && half < clean, "half of the views: %g, not between %g and %g", half, view, clean);
    fct_free(data), fct_free(onnx);
}

/* All that a teacher can be asked for at once: the run ends and goes on, and keeps the means over five squares, not
 * the single ones of an earlier run in the same folder. */
TEST(shifts_mixtures_and_single_classes_together) {
    char *data = make_people("teacher_people"), *onnx = make_teacher(data), *out = fresh_folder("teacher_all");
    char *kept = path_in(out, "teacher-shifts.fct");
    fct_error err = {0};
    fct_dataset *d;
    fct_teacher_net *net;
    fct_teacher want, got;
    size_t bad;
    double sum = 0;
    fct_recipe r = recipe_for(data, out);
    fct_train_hooks hooks = {.progress = on_progress, .user = &sum};
    set(&r, "teacher", onnx), set(&r, "distill_cosine", "1"), set(&r, "epochs", "1");
    CHECK_MSG(fct_train_run(&r, &hooks, &err) == FCT_OK, "%s", err.text);
    set(&r, "teacher_view", "0.5"), set(&r, "teacher_shifts", "yes"), set(&r, "mix", "0.5"), set(&r, "epochs", "4");
    CHECK_MSG(fct_train_run(&r, &hooks, &err) == FCT_OK, "%s", err.text);
    fct_recipe_clear(&r);
    fct_free(out);

    out = fresh_folder("teacher_all_margin"), sum = 0;
    r = recipe_for(data, out);
    set(&r, "teacher", onnx), set(&r, "distill_cosine", "1"), set(&r, "single_classes", "yes");
    set(&r, "margin_weight", "0.1"), set(&r, "margin_scale", "16"), set(&r, "alike", "0.9");
    CHECK_MSG(fct_train_run(&r, &hooks, &err) == FCT_OK && isfinite(sum), "%s", err.text);
    fct_recipe_clear(&r);

    REQUIRE(fct_dataset_open(data, 2, &d, &err) == FCT_OK);
    CHECK_MSG(fct_teacher_net_open(onnx, false, &net, &err) == FCT_OK, "%s", err.text);
    CHECK_MSG(fct_teacher_compute(net, d, true, NULL, NULL, &want, &bad, &err) == FCT_OK, "%s", err.text);
    CHECK_MSG(fct_teacher_read(kept, d, &got, &bad, &err) == FCT_OK, "%s", err.text);
    CHECK(want.rows && got.rows && memcmp(want.rows, got.rows, d->n * DIM * sizeof(float)) == 0);
    fct_teacher_clear(&want), fct_teacher_clear(&got);
    fct_teacher_net_free(net);
    fct_dataset_free(d);
    fct_free(data), fct_free(onnx), fct_free(out), fct_free(kept);
}

TEST(views_need_a_network_of_the_same_size) {
    char *data = make_people("teacher_people"), *onnx = make_teacher(data), *out = fresh_folder("teacher_out");
    fct_error err = {0};
    fct_recipe r = recipe_for(data, out);
    set(&r, "teacher", "rows.fct"), set(&r, "teacher_view", "0.5"), set(&r, "distill_cosine", "1");
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_ARG);
    CHECK_MSG(strstr(err.text, "teacher_view needs the teacher's network"), "%s", err.text);
    set(&r, "teacher", onnx), set(&r, "network", "input 24 3; conv 8 3 2; down 16 16 2; gdc; linear 16");
    CHECK(fct_train_run(&r, NULL, &err) == FCT_ERR_MISMATCH);
    CHECK_MSG(strstr(err.text, "the teacher takes 32 pixels, the network 24"), "%s", err.text);
    fct_recipe_clear(&r);
    fct_free(data), fct_free(onnx), fct_free(out);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

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
        CHECK_MSG(fct_teacher_compute(net, d, NULL, NULL, &all, &bad, &err) == FCT_OK, "%s", err.text);
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

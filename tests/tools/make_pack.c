/* Writes a pack of two small networks whose answers are known by design, and
 * photos of the "faces" that they recognize:  make_pack FOLDER
 *
 * A face is a disc, green 255 within and 60 around it, whose quarters differ in
 * red and blue: these are the person. The detector (nine outputs, as SCRFD) is a
 * matched filter on green, at strides 8, 16 and 32 for discs with a radius of
 * 1.5 strides; box and landmarks are constant around the anchor. The embedder
 * averages red and blue over 7x7 cells and multiplies by a seeded random matrix,
 * which keeps angles: two photos of a person have a cosine near 1, two people
 * that of their patterns. */
#include "base/file.h"
#include "discs.h"

#include "../golden/onnx_writer.h"

#include "facet/image.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RADIUS = 9, SIDE = 2 * RADIUS + 1, EMBED_DIM = 64, CELLS = 7 };

static char folder[1000];

static const char *in_folder(const char *name) {
    static char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void need(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "make_pack: %s\n", what);
    exit(1);
}

/* ---- Networks --------------------------------------------------------------------- */

/* Weights [2][3][SIDE][SIDE], taps a quarter of the stride apart: anchor 0 is the
 * mean of green within 6 taps minus that from 6.5 to 9, anchor 1 is never a face. */
static void fill_filter(float *w) {
    int inside = 0, around = 0;
    memset(w, 0, sizeof *w * 2 * 3 * SIDE * SIDE);
    for (int pass = 0; pass < 2; pass++)
        for (int y = -RADIUS; y <= RADIUS; y++)
            for (int x = -RADIUS; x <= RADIUS; x++) {
                double d = sqrt(x * x + y * y);
                float *at = &w[(SIDE + y + RADIUS) * SIDE + x + RADIUS];
                if (pass == 0) inside += d <= 6, around += d >= 6.5 && d <= 9;
                else *at = d <= 6 ? 6.0f / (float)inside : d >= 6.5 && d <= 9 ? -6.0f / (float)around : 0;
            }
}

/* y = Conv(x) with these weights, then the anchors' values as rows of `each`. */
static void add_head(ow *w, const char *kind, int stride, int kernel, int dilation, const float *weights,
                     const float *bias, int each, bool sigmoid) {
    char name[16], k[40], b[40], in[90], conv[40], act[40], moved[40], out[40];
    int channels = 2 * each, pad = dilation * (kernel / 2);
    snprintf(name, sizeof name, "%s_%d", kind, stride);
    snprintf(k, sizeof k, "%s_weight", name);
    snprintf(b, sizeof b, "%s_bias", name);
    snprintf(in, sizeof in, "x,%s,%s", k, b);
    snprintf(conv, sizeof conv, "%s_conv", name);
    snprintf(act, sizeof act, "%s_act", name);
    snprintf(moved, sizeof moved, "%s_moved", name);
    snprintf(out, sizeof out, "%s_rows", name);
    ow_f32(w, k, 4, (int64_t[]){channels, 3, kernel, kernel}, weights, OW_RAW);
    ow_f32(w, b, 1, (int64_t[]){channels}, bias, OW_RAW);
    ow_node(w, "Conv", in, conv);
    ow_ints(w, "kernel_shape", 2, (int64_t[]){kernel, kernel});
    ow_ints(w, "strides", 2, (int64_t[]){stride, stride});
    ow_ints(w, "dilations", 2, (int64_t[]){dilation, dilation});
    ow_ints(w, "pads", 4, (int64_t[]){pad, pad, pad, pad});
    if (sigmoid) ow_node(w, "Sigmoid", conv, act);
    ow_node(w, "Transpose", sigmoid ? act : conv, moved);
    ow_ints(w, "perm", 4, (int64_t[]){0, 2, 3, 1});
    snprintf(in, sizeof in, "%s,%s_shape", moved, kind);
    ow_node(w, "Reshape", in, out);
    ow_output(w, out);
}

static void save_network(ow *w, const char *path) {
    size_t n;
    const uint8_t *data = ow_end(w, &n);
    FILE *f = fopen(path, "wb");
    need(f && fwrite(data, 1, n, f) == n && fclose(f) == 0, "cannot write a network");
    ow_free(w);
}

static void write_detector(const char *path) {
    static float filter[2 * 3 * SIDE * SIDE];
    static const float zeros[20 * 3];
    /* the five points of the ArcFace template, from the crop's center, a crop being three strides wide */
    static const float points[10] = {38.2946f, 51.6963f, 73.5318f, 51.5014f, 56.0252f,
                                     71.7366f, 41.5493f, 92.3655f, 70.7299f, 92.2041f};
    float score_bias[2] = {-6, -20}, box_bias[8], point_bias[20];
    for (int i = 0; i < 8; i++) box_bias[i] = 2.5f;
    for (int i = 0; i < 20; i++) point_bias[i] = (points[i % 10] - 56) / 112 * 3;
    ow w;
    fill_filter(filter);
    ow_begin(&w, 11);
    ow_input(&w, "x", 4, (int64_t[]){1, 3, -1, -1});
    ow_i64(&w, "score_shape", 1, (int64_t[]){2}, (int64_t[]){-1, 1}, OW_RAW);
    ow_i64(&w, "box_shape", 1, (int64_t[]){2}, (int64_t[]){-1, 4}, OW_RAW);
    ow_i64(&w, "points_shape", 1, (int64_t[]){2}, (int64_t[]){-1, 10}, OW_RAW);
    for (int s = 8; s <= 32; s *= 2) add_head(&w, "score", s, SIDE, s / 4, filter, score_bias, 1, true);
    for (int s = 8; s <= 32; s *= 2) add_head(&w, "box", s, 1, 1, zeros, box_bias, 4, false);
    for (int s = 8; s <= 32; s *= 2) add_head(&w, "points", s, 1, 1, zeros, point_bias, 10, false);
    save_network(&w, path);
}

static uint32_t random_state;
static float noise(void) {
    random_state ^= random_state << 13, random_state ^= random_state >> 17, random_state ^= random_state << 5;
    return (float)(int32_t)random_state / 2147483648.0f;
}

static void write_embedder(const char *path, uint32_t seed) {
    enum { IN = 3 * CELLS * CELLS };
    static float weights[EMBED_DIM * IN], bias[EMBED_DIM];
    random_state = seed;
    for (int i = 0; i < EMBED_DIM * IN; i++) weights[i] = i % IN / (CELLS * CELLS) == 1 ? 0 : noise(); /* not green */
    ow w;
    ow_begin(&w, 11);
    ow_input(&w, "data", 4, (int64_t[]){-1, 3, 112, 112});
    ow_f32(&w, "fc_weight", 2, (int64_t[]){EMBED_DIM, IN}, weights, OW_RAW);
    ow_f32(&w, "fc_bias", 1, (int64_t[]){EMBED_DIM}, bias, OW_RAW);
    ow_node(&w, "AveragePool", "data", "cells");
    ow_ints(&w, "kernel_shape", 2, (int64_t[]){16, 16});
    ow_ints(&w, "strides", 2, (int64_t[]){16, 16});
    ow_node(&w, "Flatten", "cells", "flat");
    ow_int(&w, "axis", 1);
    ow_node(&w, "Gemm", "flat,fc_weight,fc_bias", "fc");
    ow_int(&w, "transB", 1);
    ow_output(&w, "fc");
    save_network(&w, path);
}

/* ---- Photos --------------------------------------------------------------------------- */

static fct_image *photo;

static void start_photo(int width, int height) { photo = disc_photo(width, height); }
static void draw_face(int cx, int cy, int radius, int person) { disc_draw(photo, cx, cy, radius, person, false); }

static void save_photo(const char *name) {
    fct_error e;
    if (fct_image_write(fct_image_view(photo), in_folder(name), FCT_FILE_AUTO, 95, &e)) need(false, e.text);
    fct_image_free(photo);
}

static void one_face(const char *name, int cx, int cy, int radius, int person) {
    start_photo(320, 240);
    draw_face(cx, cy, radius, person);
    save_photo(name);
}

static void write_photos(void) {
    one_face("ada.png", 160, 112, 24, ADA);
    one_face("ada2.jpg", 96, 144, 22, ADA);
    one_face("bob.png", 208, 96, 24, BOB);
    one_face("bob2.png", 128, 128, 26, BOB);
    one_face("eve.webp", 160, 128, 24, EVE);
    one_face("small.png", 160, 120, 6, ADA);
    one_face("edge.png", 16, 112, 24, BOB);
    start_photo(320, 240);
    draw_face(80, 96, 24, BOB);
    draw_face(240, 144, 22, ADA);
    draw_face(160, 56, 12, EVE);
    save_photo("three.png");
    for (int jpeg = 0; jpeg < 2; jpeg++) { /* three.png, four times as large: decoded at half the size where JPEG */
        start_photo(1280, 960);
        draw_face(320, 384, 96, BOB);
        draw_face(960, 576, 88, ADA);
        draw_face(640, 224, 48, EVE);
        save_photo(jpeg ? "large.jpg" : "large.png");
    }
    start_photo(320, 240);
    save_photo("empty.png");
}

int main(int argc, char **argv) {
    fct_program_start(&argc, &argv);
    need(argc == 2, "usage: make_pack FOLDER, which must hold the folders pack, other, blind and headless");
    snprintf(folder, sizeof folder, "%s", argv[1]);
    write_detector(in_folder("pack/detector.onnx"));
    write_embedder(in_folder("pack/embedder.onnx"), 1);
    write_detector(in_folder("other/detector.onnx"));
    write_embedder(in_folder("other/embedder.onnx"), 2);
    write_detector(in_folder("headless/detector.onnx"));
    write_embedder(in_folder("blind/embedder.onnx"), 1);
    write_photos();
    return 0;
}

/* Videos for the command's tests, and a look into those that it writes.
 *
 *   video_tool make OUT.mp4          the scene below as H.264 or MPEG-4
 *   video_tool cuts OUT.mp4          Ada, Eve and Bob at one place, 25 frames each, with hard cuts
 *   video_tool missed OUT.mp4        Eve from frame 5 to 54, moving, whom the detector overlooks for five frames
 *                                    at the start, in the middle and at the end
 *   video_tool one OUT.mp4           one frame with Ada in it
 *   video_tool slides FOLDER         eight pictures of Ada, Eve and Bob in turns
 *   video_tool raw                   as raw RGB frames on standard output
 *   video_tool pictures FOLDER       as FOLDER/img_000.png and so on
 *   video_tool count FILE            frames, size and length, all frames decoded
 *   video_tool look FILE FRAME X Y W H   is the rectangle striped as faces are?
 *
 * The scene: 320 x 240, 60 frames, 25 a second. Bob is there all the time, Ada
 * from frame 10 to 49, Eve from 20 to 39. Ada and Bob move. */
#include "base/file.h"
#include "discs.h"

#include "facet/video.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 320, HEIGHT = 240, FRAMES = 60, FPS = 25, RADIUS = 24 };

static int fail(const fct_error *e) {
    fprintf(stderr, "video_tool: %s\n", e->text);
    return 1;
}

static fct_image *frame_of(int i) {
    fct_image *im = disc_photo(WIDTH, HEIGHT);
    disc_draw(im, 260 - 2 * i, 176, RADIUS, BOB, true);
    if (i >= 10 && i < 50) disc_draw(im, 30 + 3 * i, 64, RADIUS, ADA, true);
    if (i >= 20 && i < 40) disc_draw(im, 272, 64, RADIUS, EVE, true);
    return im;
}

/* Whoever is on, on the same background and at the same place. */
static fct_image *cut_frame(int i) {
    static const int people[] = {ADA, EVE, BOB};
    fct_image *im = disc_photo(WIDTH, HEIGHT);
    disc_draw(im, 272, 64, RADIUS, people[i / FPS % 3], true);
    return im;
}

/* A photo of its own: another background each time, the same people in turns. */
static fct_image *slide_frame(int i) {
    fct_image *im = cut_frame(i * FPS);
    fct_draw_fill(im, 0, 120, WIDTH, HEIGHT, i % 2 ? 0x302018 : 0xC8D0D8);
    return im;
}

/* Takes the brightness that the detector looks for from a disc; the stripes stay. */
static void dim(fct_image *im, int cx, int cy) {
    fct_view v = fct_image_view(im);
    for (int y = cy - RADIUS; y <= cy + RADIUS; y++)
        for (int x = cx - RADIUS; x <= cx + RADIUS; x++) {
            uint8_t *p = fct_image_pixels(im) + y * v.stride + 3 * x;
            if (p[1] > 150) p[1] = p[1] > 225 ? 110 : 40;
        }
}

static fct_image *missed_frame(int i) {
    fct_image *im = disc_photo(WIDTH, HEIGHT);
    int x = 80 + 2 * i;
    if (i < 5 || i > 54) return im;
    disc_draw(im, x, 64, RADIUS, EVE, true);
    if (i < 10 || (i >= 25 && i < 30) || i >= 50) dim(im, x, 64);
    return im;
}

static int make_video(const char *path, fct_image *frame(int), int frames) {
    fct_writer *w;
    fct_error e;
    if (fct_writer_open(path, WIDTH, HEIGHT, FPS, &w, &e)) return fail(&e);
    int bad = 0;
    for (int i = 0; i < frames && !bad; i++) {
        fct_image *im = frame(i);
        bad = fct_writer_add(w, fct_image_view(im), (double)i / FPS, &e);
        fct_image_free(im);
    }
    if (!bad) bad = fct_writer_finish(w, &e);
    fct_writer_free(w);
    return bad ? fail(&e) : 0;
}

static int write_raw(void) {
    bool good = true;
    for (int i = 0; i < FRAMES; i++) {
        fct_image *im = frame_of(i);
        fct_view v = fct_image_view(im);
        for (int y = 0; y < HEIGHT; y++) good &= fwrite(v.data + y * v.stride, 3, WIDTH, stdout) == WIDTH;
        fct_image_free(im);
    }
    return !good;
}

static int write_pictures(const char *folder, fct_image *frame(int), int frames) {
    fct_error e;
    char path[1000];
    int bad = 0;
    for (int i = 0; i < frames && !bad; i++) {
        fct_image *im = frame(i);
        snprintf(path, sizeof path, "%s/img_%03d.png", folder, i);
        bad = fct_image_write(fct_image_view(im), path, FCT_FILE_AUTO, 0, &e);
        fct_image_free(im);
    }
    return bad ? fail(&e) : 0;
}

static int count(const char *path) {
    fct_source *s;
    fct_source_info info;
    fct_frame f;
    fct_error e;
    int n = 0;
    double last = 0;
    if (fct_source_open(path, NULL, &s, &e)) return fail(&e);
    fct_source_get_info(s, &info);
    fct_status st;
    for (; !(st = fct_source_next(s, &f, &e)) && f.view.data; n++) last = f.time;
    printf("%d frames of %dx%d, the last at %.2f s\n", n, info.width, info.height, last);
    fct_source_free(s);
    return st ? fail(&e) : 0;
}

/* Share of pixels that differ from the second next by a stripe's contrast, of the
 * inner half of the rectangle. */
static double stripes(fct_view v, int x, int y, int w, int h) {
    int n = 0, striped = 0;
    for (int j = y + h / 4; j < y + h * 3 / 4; j++)
        for (int i = x + w / 4; i < x + w * 3 / 4; i++, n++) {
            const uint8_t *p = v.data + j * v.stride + 3 * i;
            striped += abs(p[1] - p[7]) > 24;
        }
    return (double)striped / n;
}

static int look(const char *path, char **number) {
    int at[5];
    fct_source *s;
    fct_frame f;
    fct_error e;
    for (int i = 0; i < 5; i++) at[i] = atoi(number[i]);
    if (at[1] < 0 || at[2] < 0 || at[3] < 4 || at[4] < 4 || at[1] + at[3] > WIDTH || at[2] + at[4] > HEIGHT) return 1;
    if (fct_source_open(path, NULL, &s, &e)) return fail(&e);
    fct_status st;
    while (!(st = fct_source_next(s, &f, &e)) && f.view.data && f.index < at[0]) {}
    if (!st && f.view.data) {
        double share = stripes(f.view, at[1], at[2], at[3], at[4]);
        printf("%s\n", share > 0.6 ? "sharp" : share < 0.2 ? "destroyed" : "in between");
    }
    fct_source_free(s);
    return st ? fail(&e) : 0;
}

int main(int argc, char **argv) {
    fct_program_start(&argc, &argv);
    if (argc == 3 && !strcmp(argv[1], "make")) return make_video(argv[2], frame_of, FRAMES);
    if (argc == 3 && !strcmp(argv[1], "cuts")) return make_video(argv[2], cut_frame, 3 * FPS);
    if (argc == 3 && !strcmp(argv[1], "missed")) return make_video(argv[2], missed_frame, FRAMES);
    if (argc == 3 && !strcmp(argv[1], "one")) return make_video(argv[2], slide_frame, 1);
    if (argc == 3 && !strcmp(argv[1], "slides")) return write_pictures(argv[2], slide_frame, 8);
    if (argc == 2 && !strcmp(argv[1], "raw")) return write_raw();
    if (argc == 3 && !strcmp(argv[1], "pictures")) return write_pictures(argv[2], frame_of, FRAMES);
    if (argc == 3 && !strcmp(argv[1], "count")) return count(argv[2]);
    if (argc == 8 && !strcmp(argv[1], "look")) return look(argv[2], argv + 3);
    fprintf(stderr, "usage: video_tool make|cuts|missed|one|slides|raw|pictures|count|look ...\n");
    return 2;
}

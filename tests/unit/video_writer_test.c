/* Writing frames that were drawn upon: colors against swscale, and what stays as
 * it was decoded. */
#include "movie_date.h"
#include "test.h"
#include "video/ffmpeg_planes.h"
#include "base/alloc.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>

#define W      160
#define H      120
#define FRAMES 12

/* A smooth picture with all hues, moving with i. */
static void paint(uint8_t *p, int i) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++, p += 3) {
            p[0] = (uint8_t)(127 + 100 * sin((x + 2 * i) * 0.05));
            p[1] = (uint8_t)(127 + 100 * sin(y * 0.06 + 1));
            p[2] = (uint8_t)(127 + 100 * sin((x + y) * 0.04 + 2));
        }
}

static fct_view view_of(const uint8_t *p) { return (fct_view){p, W, H, W * 3, FCT_PIX_RGB}; }

/* FFmpeg is ready for use once a source was asked for. */
static AVFrame *planes_of(void) {
    fct_source *s;
    CHECK(fct_source_open("no_such_video.mp4", NULL, &s, NULL));
    AVFrame *f = av_frame_alloc();
    REQUIRE(f);
    f->format = AV_PIX_FMT_YUV420P;
    f->width = W;
    f->height = H;
    REQUIRE(av_frame_get_buffer(f, 0) >= 0);
    return f;
}

TEST(parts_have_the_colors_of_the_file) {
    static const int spaces[] = {SWS_CS_ITU601, SWS_CS_ITU709, SWS_CS_BT2020};
    static uint8_t p[W * H * 3], back[W * H * 3 + 64];
    paint(p, 0);
    for (int k = 0; k < 6; k++) {
        fct_colors c = {spaces[k / 2], k % 2};
        AVFrame *f = planes_of();
        fct_planes_paint(f, c, view_of(p), (fct_rect){0, 0, W, H});
        struct SwsContext *sws =
            sws_getCachedContext(NULL, W, H, AV_PIX_FMT_YUV420P, W, H, AV_PIX_FMT_RGB24,
                                 SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
        REQUIRE(sws);
        sws_setColorspaceDetails(sws, sws_getCoefficients(c.space), c.full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                                 1 << 16, 1 << 16);
        sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, H, (uint8_t *const[4]){back},
                  (const int[4]){W * 3});
        int worst = 0;
        double sum = 0;
        for (int i = 0; i < W * H * 3; i++) {
            int d = abs(back[i] - p[i]);
            sum += d;
            if (d > worst) worst = d;
        }
        CHECK_MSG(sum / (W * H * 3) < 1.2 && worst < 10, "matrix %d range %d: mean %g worst %d", c.space, c.full,
                  sum / (W * H * 3), worst);
        sws_freeContext(sws);
        av_frame_free(&f);
    }
}

static bool in_parts(const fct_rect *r, int n, int x, int y) {
    for (; n-- > 0; r++)
        if (x >= r->x && x < r->x + r->width && y >= r->y && y < r->y + r->height) return true;
    return false;
}

/* White parts of a picture that is green elsewhere, on black: all that is not white or black was read
 * outside of the parts. */
TEST(parts_are_clipped_and_nothing_else_is_read) {
    static uint8_t p[W * H * 3];
    static const fct_rect parts[] = {{-5, -7, 9, 10}, {W - 3, H - 3, 50, 50}, {31, 41, 1, 1},
                                     {W, 0, 4, 4},    {5, 5, 0, 4},           {21, 61, 4, 6}};
    enum { n_parts = sizeof parts / sizeof *parts };
    AVFrame *f = planes_of();
    int wrong = 0;
    memset(f->data[0], 0, (size_t)f->linesize[0] * H);
    memset(f->data[1], 128, (size_t)f->linesize[1] * H / 2);
    memset(f->data[2], 128, (size_t)f->linesize[2] * H / 2);
    for (int i = 0; i < W * H; i++)
        memcpy(p + 3 * i, in_parts(parts, n_parts, i % W, i / W) ? "\xFF\xFF\xFF" : "\x00\xFF\x00", 3);
    for (int k = 0; k < n_parts; k++) fct_planes_paint(f, (fct_colors){SWS_CS_ITU601, true}, view_of(p), parts[k]);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            wrong += f->data[0][y * f->linesize[0] + x] != (in_parts(parts, n_parts, x, y) ? 255 : 0) ||
                     f->data[1][y / 2 * f->linesize[1] + x / 2] != 128 ||
                     f->data[2][y / 2 * f->linesize[2] + x / 2] != 128;
    CHECK_MSG(!wrong, "%d pixels", wrong);
    av_frame_free(&f);
}

static void make_video(const char *path) {
    static uint8_t p[W * H * 3];
    fct_writer *w;
    fct_error e;
    REQUIRE(!fct_writer_open(path, W, H, 25, &w, &e));
    for (int i = 0; i < FRAMES; i++) {
        paint(p, i);
        REQUIRE(!fct_writer_add(w, view_of(p), i / 25.0, &e));
    }
    REQUIRE(!fct_writer_finish(w, &e));
    fct_writer_free(w);
}

/* Copies a video with a green rectangle; outside of it `drawn` holds magenta, which
 * must not be seen. */
static void copy_with_green(const char *from, const char *to, bool coded) {
    static uint8_t p[W * H * 3];
    const fct_rect part = {40, 30, 50, 40};
    fct_source_opts o;
    fct_source *s;
    fct_writer *w;
    fct_frame f;
    fct_error e;
    for (int i = 0; i < W * H; i++) {
        bool in = i % W >= 40 && i % W < 90 && i / W >= 30 && i / W < 70;
        memcpy(p + 3 * i, in ? "\x20\xC0\x20" : "\xFF\x00\xFF", 3);
    }
    fct_source_opts_init(&o);
    o.keep_coded = coded;
    REQUIRE(!fct_source_open(from, &o, &s, &e));
    REQUIRE(!fct_writer_open(to, W, H, 25, &w, &e));
    while (!fct_source_next(s, &f, &e) && f.view.data) {
        CHECK((f.coded != NULL) == coded);
        REQUIRE(!fct_writer_add_drawn(w, &f, view_of(p), &part, 1, &e));
    }
    CHECK(fct_writer_add_drawn(w, &(fct_frame){.view = view_of(p), .time = 9},
                               (fct_view){p, W, H - 2, W * 3, FCT_PIX_RGB}, &part, 1, &e) == FCT_ERR_ARG);
    REQUIRE(!fct_writer_finish(w, &e));
    fct_writer_free(w);
    fct_source_free(s);
}

TEST(what_was_not_drawn_upon_stays) {
    static const uint8_t green[3] = {0x20, 0xC0, 0x20};
    fct_error e;
    long live = fct_alloc_live();
    make_video("drawn_test.mp4");
    for (int coded = 0; coded < 2; coded++) {
        fct_source *a, *b;
        fct_frame f, g;
        double outside = 0, inside = 0;
        int n = 0;
        copy_with_green("drawn_test.mp4", "drawn_test2.mp4", coded);
        REQUIRE(!fct_source_open("drawn_test.mp4", NULL, &a, &e) && !fct_source_open("drawn_test2.mp4", NULL, &b, &e));
        while (!fct_source_next(a, &f, &e) && f.view.data) {
            REQUIRE(!fct_source_next(b, &g, &e) && g.view.data);
            CHECK(fabs(f.time - g.time) < 1e-6 && f.index == n++);
            for (int i = 0; i < W * H * 3; i++) {
                int x = i / 3 % W, y = i / 3 / W;
                bool in = x >= 44 && x < 86 && y >= 34 && y < 66, out = x < 32 || x >= 98 || y < 22 || y >= 78;
                inside = fmax(inside, in ? abs(g.view.data[i] - green[i % 3]) : 0);
                outside = fmax(outside, out ? abs(g.view.data[i] - f.view.data[i]) : 0);
            }
        }
        CHECK_MSG(n == FRAMES && inside <= 12 && outside <= 24,
                  "coded %d: %d frames, differences %g inside, %g outside", coded, n, inside, outside);
        fct_source_free(a);
        fct_source_free(b);
    }
    remove("drawn_test.mp4");
    remove("drawn_test2.mp4");
    CHECK(fct_alloc_live() == live);
}

TEST(a_file_says_when_it_was_recorded) {
    static const struct {
        uint32_t date;
        int64_t taken;
    } t[] = {{MOVIE_1970 + 1567256550u, 1567256550}, {MOVIE_1970 + 951782400u, 951782400}, {0, 0}, {100, 0}};
    fct_error e;
    make_video("dated_test.mp4");
    for (int i = 0; i < 4; i++) {
        fct_source *s;
        fct_source_info info;
        set_movie_date("dated_test.mp4", t[i].date);
        REQUIRE(!fct_source_open("dated_test.mp4", NULL, &s, &e));
        fct_source_get_info(s, &info);
        CHECK_MSG(info.has_taken == (t[i].taken != 0) && info.taken == t[i].taken, "%u: %d, %lld", t[i].date,
                  info.has_taken, (long long)info.taken);
        fct_source_free(s);
    }
    remove("dated_test.mp4");
}

int main(int argc, char **argv) {
    if (fct_ffmpeg_load("test", NULL)) return 1;
    return test_main(argc, argv);
}

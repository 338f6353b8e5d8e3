/* Pictures to tensors, against plain definitions in double precision. */
#include "test.h"
#include "base/alloc.h"
#include "base/thread.h"
#include "face/crop.h"
#include "image/image_internal.h"
#include <math.h>

static const fct_norm bytes = {0, 1};

/* Deterministic noise over smooth shapes. */
static uint8_t *make_pixels(int width, int height, int channels) {
    uint8_t *p = malloc((size_t)width * (size_t)height * (size_t)channels);
    unsigned seed = 7;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) {
                seed = seed * 1664525 + 1013904223;
                double v = 128 + 70 * sin(x * 0.11 + c) + 50 * cos(y * 0.07 - c) + (seed >> 28) - 8;
                p[((size_t)y * (size_t)width + (size_t)x) * (size_t)channels + (size_t)c] = (uint8_t)(v < 0     ? 0
                                                                                                      : v > 255 ? 255
                                                                                                                : v);
            }
    return p;
}

static double at(fct_view v, int x, int y, int c, bool clamp) {
    if (clamp) {
        x = x < 0 ? 0 : x >= v.width ? v.width - 1 : x;
        y = y < 0 ? 0 : y >= v.height ? v.height - 1 : y;
    } else if (x < 0 || y < 0 || x >= v.width || y >= v.height) return 0;
    int gray = v.format == FCT_PIX_GRAY, swap = v.format == FCT_PIX_BGR || v.format == FCT_PIX_BGRA;
    return v.data[(ptrdiff_t)y * v.stride + (ptrdiff_t)x * fct_pixel_bytes(v.format) + (gray ? 0 : swap ? 2 - c : c)];
}

static double bilinear(fct_view v, double x, double y, int c, bool clamp) {
    int x0 = (int)floor(x), y0 = (int)floor(y);
    double fx = x - x0, fy = y - y0;
    return at(v, x0, y0, c, clamp) * (1 - fx) * (1 - fy) + at(v, x0 + 1, y0, c, clamp) * fx * (1 - fy) +
           at(v, x0, y0 + 1, c, clamp) * (1 - fx) * fy + at(v, x0 + 1, y0 + 1, c, clamp) * fx * fy;
}

static void check_letterbox(int width, int height, fct_pixel format, int net_w, int net_h) {
    int channels = fct_pixel_bytes(format), w, h;
    float scale;
    uint8_t *pixels = make_pixels(width, height, channels);
    fct_view v = {pixels, width, height, (ptrdiff_t)width * channels, format};
    float *out = malloc(sizeof *out * 3 * (size_t)net_w * (size_t)net_h);
    fct_letterbox_size(width, height, net_w, net_h, &w, &h, &scale);
    REQUIRE(fct_letterbox_tensor(v, w, h, net_w, net_h, bytes, out, NULL) == FCT_OK);
    double worst = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < net_h; y++)
            for (int x = 0; x < net_w; x++) {
                double want = 0, got = (double)out[((size_t)c * (size_t)net_h + (size_t)y) * (size_t)net_w + (size_t)x];
                if (x < w && y < h)
                    want = bilinear(v, (x + 0.5) * width / w - 0.5, (y + 0.5) * height / h - 0.5, c, true);
                worst = fmax(worst, fabs(got - want));
            }
    CHECK_MSG(worst <= 1.01, "%d x %d, format %d, in %d x %d: off by %g", width, height, format, net_w, net_h, worst);
    free(out);
    free(pixels);
}

TEST(letterbox_equals_the_definition) {
    check_letterbox(300, 200, FCT_PIX_RGB, 128, 128);
    check_letterbox(200, 300, FCT_PIX_BGR, 128, 96);
    check_letterbox(37, 41, FCT_PIX_RGBA, 160, 128);
    check_letterbox(641, 477, FCT_PIX_BGRA, 320, 320);
    check_letterbox(99, 64, FCT_PIX_GRAY, 64, 64);
    check_letterbox(1, 1, FCT_PIX_RGB, 64, 64);
    check_letterbox(1, 300, FCT_PIX_RGB, 64, 64);
    check_letterbox(5000, 2, FCT_PIX_RGB, 64, 96);
    check_letterbox(128, 128, FCT_PIX_RGB, 128, 128);
}

TEST(letterbox_with_several_threads) {
    fct_set_threads(4, NULL);
    check_letterbox(300, 200, FCT_PIX_RGB, 128, 128);
    check_letterbox(33, 200, FCT_PIX_BGR, 64, 320);
    fct_set_threads(0, NULL);
    fct_shutdown();
}

/* Sizes by the reference's own arithmetic: int(h * ratio) and so on. */
TEST(letterbox_sizes) {
    static const struct {
        int w, h, net_w, net_h, want_w, want_h;
    } cases[] = {{1280, 886, 640, 640, 640, 443}, {886, 1280, 640, 640, 443, 640}, {640, 640, 640, 640, 640, 640},
                 {1000, 999, 128, 128, 128, 127}, {333, 1000, 640, 480, 159, 480}, {10000, 3, 128, 128, 128, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int w, h;
        float s;
        fct_letterbox_size(cases[i].w, cases[i].h, cases[i].net_w, cases[i].net_h, &w, &h, &s);
        CHECK_MSG(w == cases[i].want_w && h == cases[i].want_h, "case %zu: %d x %d", i, w, h);
        CHECK(s == (float)((double)h / cases[i].h));
    }
}

TEST(normalization_and_padding) {
    uint8_t pixels[3] = {0, 127, 255};
    fct_view v = {pixels, 1, 1, 3, FCT_PIX_RGB};
    float out[3 * 4];
    REQUIRE(fct_letterbox_tensor(v, 1, 1, 2, 2, (fct_norm){127.5f, 128}, out, NULL) == FCT_OK);
    CHECK(out[0] == -127.5f / 128 && out[4] == -0.5f / 128 && out[8] == 127.5f / 128);
    for (int c = 0; c < 3; c++)
        for (int i = 1; i < 4; i++) CHECK(out[c * 4 + i] == -127.5f / 128); /* black, then normalized */
}

TEST(negative_strides_read_upwards) {
    uint8_t *pixels = make_pixels(20, 30, 3);
    fct_view down = {pixels, 20, 30, 60, FCT_PIX_RGB}, up = {pixels + 29 * 60, 20, 30, -60, FCT_PIX_RGB};
    float a[3 * 30 * 20], b[3 * 30 * 20];
    REQUIRE(fct_letterbox_tensor(down, 20, 30, 20, 30, bytes, a, NULL) == FCT_OK);
    REQUIRE(fct_letterbox_tensor(up, 20, 30, 20, 30, bytes, b, NULL) == FCT_OK);
    for (int y = 0; y < 30; y++) CHECK(memcmp(a + y * 20, b + (29 - y) * 20, 20 * sizeof *a) == 0);
    free(pixels);
}

TEST(warp_equals_the_definition) {
    static const fct_pixel formats[] = {FCT_PIX_RGB, FCT_PIX_BGR, FCT_PIX_GRAY, FCT_PIX_RGBA, FCT_PIX_BGRA};
    enum { size = 48 };
    for (int k = 0; k < 5; k++) {
        uint8_t *pixels = make_pixels(60, 50, fct_pixel_bytes(formats[k]));
        fct_view v = {pixels, 60, 50, 60 * fct_pixel_bytes(formats[k]), formats[k]}, views[2] = {v, v};
        /* turned and partly outside; far outside */
        const double inv[2][6] = {{0.9, 0.7, -20.3, -0.7, 0.9, 21.7}, {1, 0, 1e12, 0, 1, 0}};
        float *out = malloc(sizeof *out * 2 * 3 * size * size);
        double m[2][6];
        REQUIRE(fct_affine_invert(inv[0], m[0]) && fct_affine_invert(inv[1], m[1]));
        fct_warp_tensors(views, (const double(*)[6])m, 2, size, bytes, out);
        double worst = 0, outside = 0;
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < size; y++)
                for (int x = 0; x < size; x++) {
                    double sx = inv[0][0] * x + inv[0][1] * y + inv[0][2],
                           sy = inv[0][3] * x + inv[0][4] * y + inv[0][5];
                    worst = fmax(worst, fabs((double)out[(c * size + y) * size + x] - bilinear(v, sx, sy, c, false)));
                    outside = fmax(outside, fabs((double)out[((3 + c) * size + y) * size + x]));
                }
        CHECK_MSG(worst < 0.51, "format %d: off by %g", formats[k], worst);
        CHECK(outside == 0);
        free(out);
        free(pixels);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

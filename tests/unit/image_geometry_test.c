/* Views, conversion, resize, warp, turns and drawing, against stored results of
 * OpenCV and straightforward formulas in double precision. */
#include "test.h"
#include "image/draw_internal.h"
#include "base/alloc.h"
#include <float.h>
#include <math.h>

static uint8_t noise(int i) { return (uint8_t)((uint32_t)(i + 1) * 2654435761u >> 24); }

static fct_image *random_picture(int w, int h, fct_pixel format) {
    fct_image *im;
    REQUIRE(!fct_image_create(w, h, format, &im, NULL));
    for (int i = 0; i < w * h * fct_pixel_bytes(format); i++) fct_image_pixels(im)[i] = noise(i);
    return im;
}

/* ---- Views ------------------------------------------------------------------------ */

TEST(views_are_checked) {
    uint8_t p[64] = {0};
    fct_image *out;
    fct_error e;
    const fct_view bad[] = {{NULL, 2, 2, 6, FCT_PIX_RGB},       {p, 0, 2, 6, FCT_PIX_RGB},  {p, 2, -1, 6, FCT_PIX_RGB},
                            {p, 3, 2, 8, FCT_PIX_RGB},          {p, 3, 2, -8, FCT_PIX_RGB}, {p, 2, 2, 6, (fct_pixel)9},
                            {p, 2, 2, PTRDIFF_MIN, FCT_PIX_RGB}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_MSG(fct_image_convert(bad[i], FCT_PIX_RGB, &out, &e) == FCT_ERR_ARG && !out, "view %zu", i);
        CHECK(fct_image_resize(bad[i], 4, 4, &out, &e) == FCT_ERR_ARG && !out);
    }
    fct_view v = {p, 2, 2, 6, FCT_PIX_RGB};
    CHECK(fct_image_resize(v, 0, 4, &out, &e) == FCT_ERR_ARG && !out);
    CHECK(fct_image_resize(v, 4, INT32_MAX, &out, &e) == FCT_ERR_LIMIT && !out);
    CHECK(fct_image_create(-1, 4, FCT_PIX_RGB, &out, &e) == FCT_ERR_ARG && !out);
    CHECK(fct_image_create(4, 4, (fct_pixel)7, &out, &e) == FCT_ERR_ARG && !out);
    fct_image_free(NULL);
}

TEST(crop_is_clipped) {
    fct_image *im = random_picture(10, 8, FCT_PIX_RGB);
    fct_view v = fct_image_view(im), c = fct_view_crop(v, -2, 3, 5, 100);
    CHECK(c.width == 3 && c.height == 5 && c.data == v.data + 3 * v.stride);
    c = fct_view_crop(v, 7, -4, INT32_MAX, 5);
    CHECK(c.width == 3 && c.height == 1 && c.data == v.data + 21);
    CHECK(!fct_view_crop(v, 10, 0, 3, 3).data && !fct_view_crop(v, 0, 0, 0, 3).data);
    CHECK(!fct_view_crop(v, INT32_MIN, INT32_MIN, 5, 5).data);
    fct_image_free(im);
}

TEST(conversion) {
    static const int place[5][4] = {{0, 1, 2, -1}, {2, 1, 0, -1}, {0, 0, 0, -1}, {0, 1, 2, 3}, {2, 1, 0, 3}};
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++) {
            fct_image *a = random_picture(17, 3, (fct_pixel)from), *b;
            REQUIRE(!fct_image_convert(fct_image_view(a), (fct_pixel)to, &b, NULL));
            int nf = fct_pixel_bytes((fct_pixel)from), nt = fct_pixel_bytes((fct_pixel)to), bad = 0;
            for (int i = 0; i < 17 * 3; i++) {
                const uint8_t *p = fct_image_pixels(a) + i * nf, *q = fct_image_pixels(b) + i * nt;
                double gray = 0.299 * p[place[from][0]] + 0.587 * p[place[from][1]] + 0.114 * p[place[from][2]];
                if (to == FCT_PIX_GRAY) {
                    bad += fabs(gray - q[0]) > 0.51;
                    continue;
                }
                for (int c = 0; c < 3; c++) bad += p[place[from][c]] != q[place[to][c]];
                if (nt == 4) bad += q[3] != (nf == 4 ? p[3] : 255);
            }
            CHECK_MSG(!bad, "from %d to %d: %d wrong", from, to, bad);
            fct_image_free(a), fct_image_free(b);
        }
}

/* ---- Resize -------------------------------------------------------------------------- */

/* cv2.resize (5.0) of the 6x5 picture (53 x + 101 y + 17 x y) mod 256. */
static const struct {
    int w, h;
    uint8_t p[120];
} opencv[] = {
    {9, 7, {0,   26,  62, 97,  132, 168, 203, 110, 9,   58,  89,  131, 173, 141, 110, 152, 139, 115, 130, 131, 144,
            194, 152, 99, 100, 138, 175, 202, 118, 47,  106, 164, 179, 66,  82,  125, 91,  104, 134, 200, 174, 137,
            154, 117, 75, 90,  91,  110, 185, 186, 168, 169, 152, 135, 148, 80,  33,  114, 194, 233, 142, 180, 241}},
    {4, 3, {48, 136, 139, 99, 160, 98, 165, 103, 100, 145, 190, 171}},
    {3, 2, {109, 144, 148, 94, 183, 143}},
    {12, 10, {0,   13,  40,  66,  93,  119, 146, 172, 199, 161, 60,  9,   25,  39,  68,  97,  125, 138, 135, 147,
              176, 156, 89,  56,  76,  92,  125, 158, 191, 176, 112, 97,  130, 147, 148, 149, 126, 129, 134, 155,
              192, 181, 122, 95,  101, 122, 159, 178, 177, 149, 95,  88,  129, 155, 164, 142, 87,  80,  122, 143,
              163, 138, 88,  85,  131, 161, 174, 156, 105, 87,  101, 108, 86,  95,  113, 146, 196, 198, 152, 138,
              156, 142, 96,  73,  72,  83,  105, 144, 198, 204, 162, 152, 174, 164, 122, 102, 123, 104, 66,  77,
              135, 177, 204, 198, 161, 155, 181, 195, 148, 114, 47,  43,  104, 164, 225, 221, 154, 150, 211, 241}},
    {1, 1, {164}},
    {6, 8, {0,   53,  106, 159, 212, 9,   44,  105, 165, 113, 174, 90,  107, 162, 233, 64,
            119, 191, 170, 76,  158, 159, 65,  147, 153, 70,  162, 174, 91,  103, 57,  144,
            247, 109, 196, 59,  104, 73,  187, 188, 158, 160, 148, 13,  134, 255, 120, 241}},
};

TEST(resize_as_opencv) {
    uint8_t src[30];
    for (int i = 0; i < 30; i++) src[i] = (uint8_t)(53 * (i % 6) + 101 * (i / 6) + 17 * (i % 6) * (i / 6));
    for (size_t k = 0; k < sizeof opencv / sizeof *opencv; k++) {
        fct_image *out;
        REQUIRE(!fct_image_resize((fct_view){src, 6, 5, 6, FCT_PIX_GRAY}, opencv[k].w, opencv[k].h, &out, NULL));
        CHECK_MSG(!memcmp(fct_image_pixels(out), opencv[k].p, (size_t)(opencv[k].w * opencv[k].h)), "%dx%d",
                  opencv[k].w, opencv[k].h);
        fct_image_free(out);
    }
}

static double tap(fct_view v, int x, int y, int c) {
    x = x < 0 ? 0 : x >= v.width ? v.width - 1 : x;
    y = y < 0 ? 0 : y >= v.height ? v.height - 1 : y;
    return fct_view_row(v, y)[x * fct_pixel_bytes(v.format) + c];
}

static double bilinear(fct_view v, double x, double y, int c, double (*at)(fct_view, int, int, int)) {
    int ix = (int)floor(x), iy = (int)floor(y);
    double fx = x - ix, fy = y - iy;
    return (1 - fy) * ((1 - fx) * at(v, ix, iy, c) + fx * at(v, ix + 1, iy, c)) +
           fy * ((1 - fx) * at(v, ix, iy + 1, c) + fx * at(v, ix + 1, iy + 1, c));
}

/* Byte of a pixel that channel c of the result comes from: unchanged, or R G B. */
static int source_byte(fct_pixel format, int c, bool rgb) {
    fct_channels t = fct_pixel_channels(format);
    return !rgb ? c : c == 0 ? t.r : c == 1 ? t.g : t.b;
}

static void check_resize(int w, int h, int tw, int th, fct_pixel format, bool flipped) {
    fct_image *im = random_picture(w, h, format), *out;
    fct_view v = fct_image_view(im);
    if (flipped) v.data += (h - 1) * v.stride, v.stride = -v.stride;
    int n = fct_pixel_bytes(format);
    uint8_t *rgb = malloc((size_t)tw * (size_t)th * 3 + 8 * (size_t)th);
    REQUIRE(!fct_image_resize(v, tw, th, &out, NULL));
    REQUIRE(!fct_resize_rgb(v, rgb, tw, th, tw * 3 + 8, NULL));
    double worst = 0;
    for (int y = 0; y < th; y++)
        for (int x = 0; x < tw; x++)
            for (int c = 0; c < n + 3; c++) {
                double sx = (x + 0.5) * w / tw - 0.5, sy = (y + 0.5) * h / th - 0.5;
                double want = bilinear(v, sx, sy, source_byte(format, c < n ? c : c - n, c >= n), tap);
                double got =
                    c < n ? fct_image_pixels(out)[(y * tw + x) * n + c] : rgb[y * (tw * 3 + 8) + 3 * x + c - n];
                worst = fmax(worst, fabs(want - got));
            }
    CHECK_MSG(worst < 1.2, "%dx%d to %dx%d format %d: %g", w, h, tw, th, format, worst);
    fct_image_free(im), fct_image_free(out);
    free(rgb);
}

TEST(resize_against_formula) {
    static const int sizes[][4] = {{1, 1, 5, 4},     {2, 1, 7, 1},     {1, 9, 3, 2},      {640, 3, 31, 7},
                                   {37, 41, 64, 64}, {64, 48, 32, 24}, {100, 75, 33, 25}, {13, 200, 26, 61}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int format = 0; format < 5; format++)
            check_resize(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], (fct_pixel)format, i & 1);
}

/* One thread and several give the same bytes. */
TEST(threads_do_not_change_results) {
    fct_image *im = random_picture(900, 700, FCT_PIX_BGR), *a, *b, *c, *d;
    double m[6] = {0.7, 0.2, 30, -0.2, 0.7, 99};
    fct_set_threads(1, NULL);
    REQUIRE(!fct_image_resize(fct_image_view(im), 777, 613, &a, NULL));
    REQUIRE(!fct_image_warp(fct_image_view(im), m, 777, 613, &c, NULL));
    fct_set_threads(4, NULL);
    REQUIRE(!fct_image_resize(fct_image_view(im), 777, 613, &b, NULL));
    REQUIRE(!fct_image_warp(fct_image_view(im), m, 777, 613, &d, NULL));
    fct_set_threads(0, NULL);
    CHECK(!memcmp(fct_image_pixels(a), fct_image_pixels(b), 777 * 613 * 3));
    CHECK(!memcmp(fct_image_pixels(c), fct_image_pixels(d), 777 * 613 * 3));
    fct_image_free(im), fct_image_free(a), fct_image_free(b), fct_image_free(c), fct_image_free(d);
}

/* ---- Warp ------------------------------------------------------------------------------ */

static double tap_or_zero(fct_view v, int x, int y, int c) {
    return x < 0 || y < 0 || x >= v.width || y >= v.height ? 0 : tap(v, x, y, c);
}

static void check_warp(int w, int h, const double m[6], int tw, int th, fct_pixel format) {
    fct_image *im = random_picture(w, h, format), *out;
    fct_view v = fct_image_view(im);
    int n = fct_pixel_bytes(format);
    double det = m[0] * m[4] - m[1] * m[3], worst = 0;
    uint8_t *rgb = malloc((size_t)(tw * th) * 3);
    REQUIRE(!fct_image_warp(v, m, tw, th, &out, NULL));
    REQUIRE(!fct_warp_rgb(v, m, rgb, tw, th, tw * 3, NULL));
    for (int y = 0; y < th; y++)
        for (int x = 0; x < tw; x++)
            for (int c = 0; c < n + 3; c++) {
                double dx = x - m[2], dy = y - m[5];
                double want = bilinear(v, (m[4] * dx - m[1] * dy) / det, (m[0] * dy - m[3] * dx) / det,
                                       source_byte(format, c < n ? c : c - n, c >= n), tap_or_zero);
                double got = c < n ? fct_image_pixels(out)[(y * tw + x) * n + c] : rgb[(y * tw + x) * 3 + c - n];
                worst = fmax(worst, fabs(want - got));
            }
    CHECK_MSG(worst < 0.8, "%dx%d format %d: %g", w, h, format, worst);
    fct_image_free(im), fct_image_free(out);
    free(rgb);
}

TEST(warp_against_formula) {
    static const double m[][6] = {
        {1, 0, 0, 0, 1, 0},         {1, 0, 3, 0, 1, -2},           {0.5, 0, 0.3, 0, 0.5, -0.7}, {0, -1, 40, 1, 0, 0},
        {2.5, 1, -30, -1, 2.5, 10}, {0.8, -0.6, 20, 0.6, 0.8, -9}, {-1, 0, 50, 0, 1, 0},        {30, 0, 0, 0, 30, 0},
        {0.01, 0, 20, 0, 0.01, 20}, {1, 0.0001, 0, -0.0001, 1, 0}, {1, 0, 1e6, 0, 1, 0}};
    static const int sizes[][2] = {{61, 47}, {1, 1}, {2, 50}, {50, 1}, {200, 150}};
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check_warp(sizes[k][0], sizes[k][1], m[i], 56, 64, (fct_pixel)((i + k) % 5));
}

TEST(warp_refuses_bad_matrices) {
    fct_image *im = random_picture(8, 8, FCT_PIX_RGB), *out;
    static const double bad[][6] = {{0, 0, 0, 0, 0, 0},
                                    {1, 2, 0, 2, 4, 0},
                                    {NAN, 0, 0, 0, 1, 0},
                                    {1, 0, INFINITY, 0, 1, 0},
                                    {1e-200, 0, 0, 0, 1e-200, 0}};
    for (int i = 0; i < 5; i++) {
        fct_error e;
        CHECK_MSG(fct_image_warp(fct_image_view(im), bad[i], 8, 8, &out, &e) == FCT_ERR_ARG && !out, "matrix %d", i);
    }
    static const double extreme[][6] = {{1e-9, 0, 1e280, 0, 1e9, -1e280},
                                        {1e140, 0, 0, 0, 1e140, 0},
                                        {1e-140, 0, 0, 0, 1e-140, 0},
                                        {1, 1e-13, 0, 1e-13, 1, 0}};
    for (int i = 0; i < 4; i++) {
        CHECK(fct_image_warp(fct_image_view(im), extreme[i], 40, 40, &out, NULL) == FCT_OK);
        fct_image_free(out);
    }
    fct_image_free(im);
}

TEST(four_turns_are_none) {
    fct_image *im = random_picture(71, 40, FCT_PIX_RGBA), *a, *b;
    REQUIRE(!fct_image_rotate(fct_image_view(im), 1, &a, NULL));
    fct_view v = fct_image_view(a);
    CHECK(v.width == 40 && v.height == 71);
    /* clockwise: the left lower corner comes to the left upper one */
    CHECK(!memcmp(v.data, fct_image_pixels(im) + 39 * 71 * 4, 4));
    REQUIRE(!fct_image_rotate(v, -5, &b, NULL));
    CHECK(!memcmp(fct_image_pixels(b), fct_image_pixels(im), 71 * 40 * 4));
    fct_image_free(im), fct_image_free(a), fct_image_free(b);
}

/* ---- Drawing ------------------------------------------------------------------------------ */

static double coverage_sum(const fct_image *im) {
    double sum = 0;
    for (int i = 0; i < im->width * im->height; i++) sum += im->pixels[i] / 255.0;
    return sum;
}

static fct_image *canvas(void) {
    fct_image *im;
    REQUIRE(!fct_image_create(100, 80, FCT_PIX_GRAY, &im, NULL));
    return im;
}

/* The blended amount equals the shape's area. */
TEST(areas_of_shapes) {
    fct_image *im = canvas();
    fct_draw_fill(im, 10.25f, 20.5f, 30.75f, 40.0f, 0xFFFFFF);
    CHECK(fabs(coverage_sum(im) - 20.5 * 19.5) < 2);
    fct_image_free(im), im = canvas();
    fct_draw_box(im, 70.3f, 60.6f, 10.2f, 20.1f, 3, 0xFFFFFF);
    CHECK(fabs(coverage_sum(im) - (63.1 * 43.5 - 57.1 * 37.5)) < 2);
    fct_image_free(im), im = canvas();
    fct_draw_line(im, 10, 20, 70, 55, 4, 0xFFFFFF);
    CHECK(fabs(coverage_sum(im) - (4 * hypot(60, 35) + 3.1416 * 4)) < 6);
    fct_image_free(im), im = canvas();
    fct_draw_disc(im, 50.3f, 40.8f, 15, 0xFFFFFF);
    CHECK(fabs(coverage_sum(im) - 3.1416 * 225) < 4);
    fct_image_free(im), im = canvas();
    fct_draw_fill(im, 9.5f, 9.5f, 19.5f, 19.5f, 0x80FFFFFF);
    CHECK(fabs(coverage_sum(im) - 100 * 127.0 / 255) < 1);
    fct_image_free(im);
}

/* Shapes far outside, endless or not a number change nothing and end at once. */
TEST(drawing_is_clipped) {
    static const float far[] = {-1e30f, 1e30f, NAN, INFINITY, -INFINITY, -5000, 5000};
    fct_image *im = canvas();
    for (int i = 0; i < 7; i++) {
        fct_draw_disc(im, far[i], 5, 2, 0xFFFFFF);
        fct_draw_text(im, far[i], 4, 12, "abc", 0xFFFFFF);
        fct_draw_text(im, 4, far[i], 12, "abc", 0xFFFFFF);
    }
    CHECK(coverage_sum(im) == 0);
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++) { /* may cover the canvas; must not go beyond it */
            fct_draw_line(im, 5, 5, far[i], far[k], 2, 0xFFFFFF);
            fct_draw_box(im, far[i], 1, far[k], 90, 2, 0xFFFFFF);
            fct_draw_fill(im, 1, far[i], 9, far[k], 0xFFFFFF);
        }
    fct_draw_disc(im, 5, 5, NAN, 0xFFFFFF);
    fct_draw_box(im, 1, 1, 5, 5, -1, 0xFFFFFF);
    fct_image_free(im);
}

/* Nothing is left of an area but a few means; what lies outside stays as it was. */
TEST(covers) {
    enum { W = 60, H = 48 };
    for (fct_cover style = FCT_COVER_BLUR; style <= FCT_COVER_BOX; style++)
        for (int pattern = 0; pattern < 2; pattern++) {
            fct_image *im;
            REQUIRE(!fct_image_create(W, H, FCT_PIX_RGBA, &im, NULL));
            uint8_t *p = fct_image_pixels(im), before[W * H * 4];
            for (int i = 0; i < W * H * 4; i++) /* two patterns of one mean in every field of 4 x 4 */
                p[i] = (uint8_t)(i % 4 == 3 ? 77 : (i / 4 % W + i / 4 / W) % 2 == pattern ? 90 : 110);
            memcpy(before, p, sizeof before);
            fct_draw_cover(im, 12, 12, 36, 36, style);
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    const uint8_t *q = p + 4 * (y * W + x);
                    bool inside = x >= 12 && x < 36 && y >= 12 && y < 36;
                    if (!inside) CHECK(!memcmp(q, before + 4 * (y * W + x), 4));
                    else
                        CHECK_MSG(q[0] == (style == FCT_COVER_BOX ? 0 : 100) && q[2] == q[0] && q[3] == 77,
                                  "style %d at %d,%d: %d", style, x, y, q[0]);
                }
            fct_image_free(im);
        }
}

TEST(covers_are_clipped) {
    static const float areas[][4] = {{-50, -50, -1, -1}, {-5, -5, 3, 2},   {7, 5, 1e9f, 1e9f},
                                     {4, 4, 4, 9},       {NAN, 0, 5, NAN}, {3.2f, 3.2f, 3.3f, 3.3f}};
    for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
        for (fct_pixel f = FCT_PIX_RGB; f <= FCT_PIX_BGRA; f++) {
            fct_image *im;
            REQUIRE(!fct_image_create(9, 7, f, &im, NULL));
            for (fct_cover style = FCT_COVER_BLUR; style <= FCT_COVER_BOX; style++)
                fct_draw_cover(im, areas[i][0], areas[i][1], areas[i][2], areas[i][3], style);
            fct_image_free(im);
        }
}

TEST(pictures_in_pictures) {
    fct_image *im, *small = random_picture(10, 8, FCT_PIX_BGR);
    REQUIRE(!fct_image_create(20, 20, FCT_PIX_RGBA, &im, NULL));
    fct_draw_image(im, fct_image_view(small), -3, 15);
    const uint8_t *p = fct_image_pixels(im) + 15 * 80, *q = fct_image_pixels(small) + 9;
    CHECK(p[0] == q[2] && p[1] == q[1] && p[2] == q[0] && p[3] == 255);
    CHECK(fct_image_pixels(im)[15 * 80 + 7 * 4 + 3] == 0 && fct_image_pixels(im)[14 * 80 + 3] == 0);
    fct_draw_image(im, fct_image_view(small), INT32_MIN, 0);
    fct_draw_image(im, fct_image_view(small), 20, INT32_MAX);
    fct_image_free(im), fct_image_free(small);
}

/* ---- Text ----------------------------------------------------------------------------------- */

TEST(every_letter_is_there) {
    fct_glyph unknown = fct_font_glyph(0x4E00);
    for (uint32_t c = '!'; c < 0x180; c++) {
        if (c > '~' && c <= 0xA0) continue;
        fct_glyph g = fct_font_glyph(c);
        fct_segment s[256];
        int n = fct_font_flatten(g.path, g.left, 0, s, 256);
        if (g.accent) n += fct_font_flatten(g.accent, g.dx, g.dy, s + n, 256 - n);
        CHECK_MSG(n > 0 && n < 256 && g.path != unknown.path, "U+%04X: %d segments", c, n);
        for (int i = 0; i < n; i++) { /* on the grid, and within the room it claims */
            float lo = fminf(s[i].ax, s[i].bx), hi = fmaxf(s[i].ax, s[i].bx);
            CHECK_MSG(lo > -1.9f && hi < g.width + 1.9f, "U+%04X reaches from %g to %g of %g", c, lo, hi, g.width);
            CHECK_MSG(fminf(s[i].ay, s[i].by) > -5.3f && fmaxf(s[i].ay, s[i].by) < 19, "U+%04X is too tall", c);
        }
    }
}

/* Composed letters differ from their base and from one another. */
TEST(accents_differ) {
    static const char *const letters[] = {"a",      "\u00E0", "\u00E1", "\u00E2", "\u00E3",
                                          "\u00E4", "\u00E5", "\u0101", "\u0103", "\u0105",
                                          "\u00E6", "A",      "\u00C0", "\u00C1", "\u0104"};
    enum { N = sizeof letters / sizeof *letters };
    fct_image *im[N];
    for (int i = 0; i < N; i++) {
        im[i] = canvas();
        CHECK(fct_draw_text(im[i], 3, 3, 48, letters[i], 0xFFFFFF) > 5);
        for (int k = 0; k < i; k++)
            CHECK_MSG(memcmp(im[i]->pixels, im[k]->pixels, 8000), "%s %s", letters[i], letters[k]);
    }
    for (int i = 0; i < N; i++) fct_image_free(im[i]);
}

TEST(text_measures) {
    float a = fct_draw_text(NULL, 0, 0, 20, "Zo\u00EB", 0), b = fct_draw_text(NULL, 0, 0, 40, "Zo\u00EB", 0);
    CHECK(a > 15 && fabsf(2 * a - b) < 0.01f);
    CHECK(fct_draw_text(NULL, 0, 0, 20, "", 0) == 0 && fct_draw_text(NULL, 0, 0, 20, NULL, 0) == 0);
    CHECK(fct_draw_text(NULL, 0, 0, NAN, "a", 0) == 0);
    CHECK(fct_draw_text(NULL, 0, 0, 20, "\u4E00", 0) > 0);
    CHECK(fct_draw_text(NULL, 0, 0, 20, "\xFF", 0) == fct_draw_text(NULL, 0, 0, 20, "?", 0)); /* malformed UTF-8 */
    CHECK(fct_draw_text(NULL, 0, 0, 20, "\xE4\xB8", 0) > 0);
    fct_image *im = canvas();
    float w = fct_draw_text(im, 10, 10, 24, "Mary", 0xFFFFFF);
    for (int y = 0; y < 80; y++)
        for (int x = 0; x < 100; x++)
            if (im->pixels[y * 100 + x]) CHECK(x >= 9 && (float)x <= 11 + w && y >= 9 && y <= 35);
    CHECK(coverage_sum(im) > 50);
    fct_image_free(im);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

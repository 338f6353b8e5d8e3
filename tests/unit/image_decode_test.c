/* Decoding and encoding: every kind of PNG, JPEG and WebP, orientations, options. */
#include "test.h"
#include "image_files.h"
#include "facet/image.h"
#include "base/alloc.h"
#include <math.h>
#include <stdio.h>
#include <jpeglib.h>

/* A smooth colored picture: survives lossy coding. */
static void paint(uint8_t *p, int w, int h) {
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, p += 3) {
            p[0] = (uint8_t)(40 + 180 * x / w);
            p[1] = (uint8_t)(30 + 190 * y / h);
            p[2] = (uint8_t)(128 + 90 * sin(x * 0.1) * cos(y * 0.13));
        }
}

static fct_image *picture(int w, int h) {
    fct_image *im;
    REQUIRE(!fct_image_create(w, h, FCT_PIX_RGB, &im, NULL));
    paint(fct_image_pixels(im), w, h);
    return im;
}

static int largest_difference(fct_view a, fct_view b) {
    int worst = 0;
    if (a.width != b.width || a.height != b.height || a.format != b.format) return 999;
    for (int y = 0; y < a.height; y++)
        for (int i = 0; i < a.width * fct_pixel_bytes(a.format); i++) {
            int d = abs(a.data[y * a.stride + i] - b.data[y * b.stride + i]);
            if (d > worst) worst = d;
        }
    return worst;
}

static fct_image *decode(const uint8_t *p, size_t n, fct_pixel format) {
    fct_decode_opts o;
    fct_image *im;
    fct_error e;
    fct_decode_opts_init(&o);
    o.format = format;
    if (fct_image_decode(p, n, "test picture", &o, &im, &e)) {
        printf("%s\n", e.text);
        REQUIRE(!"decodes");
    }
    return im;
}

static void check_round_trip(fct_file_format format, int quality, int tolerance) {
    for (int w = 1; w < 80; w += 13) {
        fct_image *im = picture(w, 61), *back;
        uint8_t *data;
        size_t n;
        REQUIRE(!fct_image_encode(fct_image_view(im), format, quality, &data, &n, NULL));
        back = decode(data, n, FCT_PIX_RGB);
        int d = largest_difference(fct_image_view(im), fct_image_view(back));
        CHECK_MSG(d <= tolerance, "width %d differs by %d", w, d);
        fct_image_free(im), fct_image_free(back), fct_buffer_free(data);
    }
}

TEST(jpeg_round_trip) { check_round_trip(FCT_FILE_JPEG, 100, 6); }
TEST(png_round_trip) { check_round_trip(FCT_FILE_PNG, 0, 0); }
TEST(webp_round_trip) { check_round_trip(FCT_FILE_WEBP, 100, 24); }

/* Every input format of the encoders gives the picture that RGB gives. */
TEST(encoders_take_every_format) {
    fct_image *im = picture(33, 21);
    for (int format = 0; format < 5; format++)
        for (int file = FCT_FILE_JPEG; file <= FCT_FILE_WEBP; file++) {
            fct_image *conv, *gray, *back, *want;
            uint8_t *data;
            size_t n;
            REQUIRE(!fct_image_convert(fct_image_view(im), (fct_pixel)format, &conv, NULL));
            fct_view v = fct_image_view(conv);
            v.data += 20 * v.stride, v.stride = -v.stride; /* upside down */
            REQUIRE(!fct_image_encode(v, (fct_file_format)file, 100, &data, &n, NULL));
            back = decode(data, n, FCT_PIX_RGB);
            REQUIRE(!fct_image_convert(v, FCT_PIX_RGB, &gray, NULL));
            REQUIRE(!fct_image_convert(v, FCT_PIX_RGB, &want, NULL));
            int d = largest_difference(fct_image_view(want), fct_image_view(back));
            CHECK_MSG(d <= (file == FCT_FILE_PNG ? 0 : 24), "format %d as file %d differs by %d", format, file, d);
            fct_image_free(conv), fct_image_free(gray), fct_image_free(back), fct_image_free(want);
            fct_buffer_free(data);
        }
    fct_image_free(im);
}

/* ---- PNG of every kind, written by hand ------------------------------------------- */

static int png_depth;
static unsigned sample(int x, int y, int c) {
    return (unsigned)(x * 7 + y * 13 + c * 29) * 2654435761u >> (32 - png_depth);
}

/* What the pixel must be as RGBA. */
static void expected_rgba(const png_spec *s, int x, int y, uint8_t out[4]) {
    unsigned v[4], top = (1u << s->depth) - 1;
    for (int c = 0; c < 4; c++) {
        v[c] = s->sample(x, y, c);
        out[c] = (uint8_t)(s->depth == 16 ? v[c] >> 8 : v[c] * 255 / top);
    }
    if (s->type == 3) {
        memcpy(out, s->palette.p + 3 * v[0], 3);
        out[3] = v[0] < s->trns.n ? s->trns.p[v[0]] : 255;
    }
    if (s->type == 0) out[1] = out[2] = out[0], out[3] = s->trns.n && v[0] == s->trns.p[1] ? 0 : 255;
    if (s->type == 2) out[3] = 255;
    if (s->type == 4) out[3] = out[1], out[1] = out[2] = out[0];
}

static void check_png(png_spec *s) {
    png_depth = s->depth;
    blob file = png_make(s);
    fct_image *rgba = decode(file.p, file.n, FCT_PIX_RGBA), *bgr = decode(file.p, file.n, FCT_PIX_BGR);
    fct_view a = fct_image_view(rgba), b = fct_image_view(bgr);
    int bad = 0;
    REQUIRE(a.width == s->w && a.height == s->h && b.width == s->w);
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            uint8_t want[4];
            expected_rgba(s, x, y, want);
            bad += memcmp(want, a.data + y * a.stride + 4 * x, 4) != 0;
            for (int c = 0; c < 3; c++) /* blended onto black */
                bad += abs(b.data[y * b.stride + 3 * x + 2 - c] - (want[c] * want[3] + 127) / 255) > 0;
        }
    CHECK_MSG(!bad, "depth %d type %d interlace %d: %d wrong", s->depth, s->type, s->interlace, bad);
    fct_image_free(rgba), fct_image_free(bgr);
    free(file.p);
}

TEST(png_kinds) {
    static const int kinds[][2] = {{1, 0}, {2, 0}, {4, 0}, {8, 0}, {16, 0}, {8, 2}, {16, 2}, {1, 3},
                                   {2, 3}, {4, 3}, {8, 3}, {8, 4}, {16, 4}, {8, 6}, {16, 6}};
    uint8_t colors[768], alpha[100];
    for (int i = 0; i < 768; i++) colors[i] = (uint8_t)(i * 37 + i / 5);
    for (int i = 0; i < 100; i++) alpha[i] = (uint8_t)(i * 2);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int interlace = 0; interlace < 2; interlace++) {
            png_spec s = {
                .w = 19, .h = 11, .depth = kinds[i][0], .type = kinds[i][1], .interlace = interlace, .sample = sample};
            if (s.type == 3) s.palette = (blob){colors, (size_t)3 << s.depth};
            check_png(&s);
            if (s.type == 3) {
                s.trns = (blob){alpha, s.depth == 8 ? 100 : (size_t)1 << s.depth};
                check_png(&s);
            }
        }
    png_spec gray = {.w = 19, .h = 11, .depth = 8, .sample = sample};
    gray.trns = (blob){(uint8_t[]){0, 77}, 2};
    check_png(&gray);
}

/* ---- Orientation ---------------------------------------------------------------------- */

/* Where the pixel shown at (x, y) is stored, by the EXIF standard's wording of
 * which edge is the stored row 0 and column 0. w, h: the stored size. */
static void stored_place(int o, int x, int y, int w, int h, int *sx, int *sy) {
    switch (o) {
    case 1:
        *sx = x, *sy = y;
        break; /* row 0 top, column 0 left */
    case 2:
        *sx = w - 1 - x, *sy = y;
        break; /* top, right */
    case 3:
        *sx = w - 1 - x, *sy = h - 1 - y;
        break; /* bottom, right */
    case 4:
        *sx = x, *sy = h - 1 - y;
        break; /* bottom, left */
    case 5:
        *sx = y, *sy = x;
        break; /* left, top */
    case 6:
        *sx = y, *sy = h - 1 - x;
        break; /* right, top */
    case 7:
        *sx = w - 1 - y, *sy = h - 1 - x;
        break; /* right, bottom */
    default:
        *sx = w - 1 - y, *sy = x; /* left, bottom */
    }
}

static void check_oriented(const uint8_t *plain, size_t n, blob with, int o) {
    fct_image *stored = decode(plain, n, FCT_PIX_RGB), *shown = decode(with.p, with.n, FCT_PIX_RGB), *kept;
    fct_decode_opts opts;
    fct_decode_opts_init(&opts);
    opts.keep_orientation = true;
    REQUIRE(!fct_image_decode(with.p, with.n, NULL, &opts, &kept, NULL));
    CHECK(largest_difference(fct_image_view(stored), fct_image_view(kept)) == 0);
    fct_view a = fct_image_view(stored), b = fct_image_view(shown);
    int bad = 0, sx, sy;
    REQUIRE(b.width == (o < 5 ? a.width : a.height) && b.height == (o < 5 ? a.height : a.width));
    for (int y = 0; y < b.height; y++)
        for (int x = 0; x < b.width; x++) {
            stored_place(o, x, y, a.width, a.height, &sx, &sy);
            bad += memcmp(a.data + sy * a.stride + 3 * sx, b.data + y * b.stride + 3 * x, 3) != 0;
        }
    CHECK_MSG(!bad, "orientation %d: %d pixels wrong", o, bad);
    fct_image_free(stored), fct_image_free(shown), fct_image_free(kept);
}

TEST(every_orientation_of_every_format) {
    fct_image *im = picture(70, 41);
    uint8_t *jpeg, *png, *webp;
    size_t nj, np, nw;
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, 90, &jpeg, &nj, NULL));
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_PNG, 90, &png, &np, NULL));
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_WEBP, 90, &webp, &nw, NULL));
    for (int o = 1; o <= 8; o++)
        for (int big = 0; big < 2; big++) {
            blob exif = exif_make(o, big), p = {0};
            blob j = jpeg_with_exif(jpeg, nj, exif), w = webp_with_exif(webp, nw, 70, 41, exif);
            put(&p, png, 33); /* signature and IHDR */
            put_chunk(&p, "eXIf", exif.p, exif.n);
            put(&p, png + 33, np - 33);
            check_oriented(jpeg, nj, j, o);
            check_oriented(png, np, p, o);
            check_oriented(webp, nw, w, o);
            free(exif.p), free(j.p), free(p.p), free(w.p);
        }
    fct_image_free(im);
    fct_buffer_free(jpeg), fct_buffer_free(png), fct_buffer_free(webp);
}

/* ---- Kinds of JPEG ------------------------------------------------------------------------ */

typedef enum jpeg_kind { BASELINE, PROGRESSIVE, ONE_SCAN_A_CHANNEL } jpeg_kind;

/* Written by libjpeg directly: what facet's own encoder never writes. */
static blob jpeg_make(const uint8_t *pixels, int w, int h, int channels, J_COLOR_SPACE in, J_COLOR_SPACE stored,
                      jpeg_kind kind, bool adobe) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr m;
    unsigned char *out = NULL;
    unsigned long n = 0;
    c.err = jpeg_std_error(&m);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &n);
    c.image_width = (JDIMENSION)w, c.image_height = (JDIMENSION)h, c.input_components = channels, c.in_color_space = in;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, stored);
    jpeg_set_quality(&c, 100, TRUE);
    if (channels == 4)
        for (int i = 0; i < 4; i++) c.comp_info[i].h_samp_factor = c.comp_info[i].v_samp_factor = 1;
    c.write_Adobe_marker = adobe;
    if (kind == PROGRESSIVE) jpeg_simple_progression(&c);
    if (kind == ONE_SCAN_A_CHANNEL) {
        static const jpeg_scan_info scans[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
        c.scan_info = scans;
        c.num_scans = 3;
    }
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < h; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)y * (size_t)w * (size_t)channels);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (blob){out, n};
}

TEST(jpeg_progressive_equals_baseline) {
    fct_image *im = picture(75, 50);
    const uint8_t *p = fct_image_pixels(im);
    blob a = jpeg_make(p, 75, 50, 3, JCS_RGB, JCS_YCbCr, BASELINE, false);
    blob b = jpeg_make(p, 75, 50, 3, JCS_RGB, JCS_YCbCr, PROGRESSIVE, false);
    fct_image *x = decode(a.p, a.n, FCT_PIX_RGB), *y = decode(b.p, b.n, FCT_PIX_RGB);
    CHECK(largest_difference(fct_image_view(x), fct_image_view(y)) == 0);
    fct_image_free(im), fct_image_free(x), fct_image_free(y);
    free(a.p), free(b.p);
}

/* What follows the last row is not looked at: no end marker, a trailer, markers
 * that do not exist, a film. The pixels are those of the whole file. */
TEST(jpeg_tails) {
    static const struct {
        const char *bytes;
        size_t n;
    } tails[] = {{"", 0},
                 {"\xFF", 1},
                 {"trailer trailer", 15},
                 {"\xFF\x01\xFF\xC3\xFF\x07", 6},
                 {"\0\0\0\x18"
                  "ftypmp42\xFF\xC0\xFF\xDA\xFF\xC4\0\3\xFF",
                  21},
                 {"\xFF\xDA\0\x0C\x03\x09\x00\x02\x11\x03\x11\x00\x3F\x00", 14}};
    fct_image *im = picture(75, 50);
    for (jpeg_kind kind = BASELINE; kind <= ONE_SCAN_A_CHANNEL; kind++) {
        blob whole = jpeg_make(fct_image_pixels(im), 75, 50, 3, JCS_RGB, JCS_YCbCr, kind, false);
        fct_image *want = decode(whole.p, whole.n, FCT_PIX_RGB);
        for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
            blob b = {0};
            put(&b, whole.p, whole.n - 2);
            put(&b, tails[i].bytes, tails[i].n);
            fct_image *got = decode(b.p, b.n, FCT_PIX_RGB);
            CHECK_MSG(largest_difference(fct_image_view(want), fct_image_view(got)) == 0, "kind %d, tail %zu", kind, i);
            fct_image_free(got);
            free(b.p);
        }
        fct_image_free(want);
        free(whole.p);
    }
    fct_image_free(im);
}

/* A file that ends between two scans has whole rows and misses coefficients. */
TEST(jpeg_lacks_scans) {
    fct_image *im = picture(75, 50), *out;
    fct_error e;
    for (jpeg_kind kind = PROGRESSIVE; kind <= ONE_SCAN_A_CHANNEL; kind++) {
        blob b = jpeg_make(fct_image_pixels(im), 75, 50, 3, JCS_RGB, JCS_YCbCr, kind, false);
        int scans = 0;
        for (size_t i = 2; i + 1 < b.n; i++) {
            if (b.p[i] != 0xFF || b.p[i + 1] != 0xDA || scans++ == 0) continue;
            CHECK_MSG(fct_image_decode(b.p, i, "lacking", NULL, &out, &e) == FCT_ERR_FORMAT &&
                          strstr(e.text, "cut off"),
                      "kind %d, %d scans", kind, scans - 1);
            fct_image_free(out);
        }
        CHECK(scans >= 3);
        free(b.p);
    }
    fct_image_free(im);
}

/* Scan parameters that do not matter: the spectral range and the bits of a
 * sequential file, a progressive file whose fine coefficients come before the
 * coarse ones. */
TEST(jpeg_scan_parameters) {
    fct_image *im = picture(75, 50);
    const uint8_t *p = fct_image_pixels(im);
    blob base = jpeg_make(p, 75, 50, 3, JCS_RGB, JCS_YCbCr, BASELINE, false);
    blob pro = jpeg_make(p, 75, 50, 3, JCS_RGB, JCS_YCbCr, PROGRESSIVE, false);
    blob swapped = {0};
    fct_image *want = decode(base.p, base.n, FCT_PIX_RGB);
    size_t at[3] = {0}, n = 0;
    for (size_t i = 2; i + 1 < base.n && !at[0]; i++)
        if (base.p[i] == 0xFF && base.p[i + 1] == 0xDA) at[0] = i;
    memcpy(base.p + at[0] + 11, "\0\0\1", 3);
    fct_image *got = decode(base.p, base.n, FCT_PIX_RGB);
    CHECK(largest_difference(fct_image_view(want), fct_image_view(got)) == 0);
    fct_image_free(got);
    /* the first AC scan, with its table, is put before the DC scan */
    bool in_tables = false;
    for (size_t i = 2; i + 1 < pro.n && n < 3; i++) {
        if (pro.p[i] != 0xFF || (pro.p[i + 1] != 0xC4 && pro.p[i + 1] != 0xDA)) continue;
        if (!in_tables) at[n++] = i;
        in_tables = pro.p[i + 1] == 0xC4;
    }
    REQUIRE(n == 3);
    put(&swapped, pro.p, at[0]);
    put(&swapped, pro.p + at[1], at[2] - at[1]);
    put(&swapped, pro.p + at[0], at[1] - at[0]);
    put(&swapped, pro.p + at[2], pro.n - at[2]);
    got = decode(swapped.p, swapped.n, FCT_PIX_RGB);
    CHECK(largest_difference(fct_image_view(want), fct_image_view(got)) == 0);
    fct_image_free(got), fct_image_free(want), fct_image_free(im);
    free(base.p), free(pro.p), free(swapped.p);
}

TEST(jpeg_gray) {
    uint8_t p[40 * 30];
    for (int i = 0; i < 40 * 30; i++) p[i] = (uint8_t)(i % 40 * 6);
    blob f = jpeg_make(p, 40, 30, 1, JCS_GRAYSCALE, JCS_GRAYSCALE, BASELINE, false);
    fct_image *g = decode(f.p, f.n, FCT_PIX_GRAY), *rgb = decode(f.p, f.n, FCT_PIX_RGB), *conv;
    fct_view want = {p, 40, 30, 40, FCT_PIX_GRAY};
    CHECK(largest_difference(fct_image_view(g), want) <= 2);
    REQUIRE(!fct_image_convert(fct_image_view(g), FCT_PIX_RGB, &conv, NULL));
    CHECK(largest_difference(fct_image_view(conv), fct_image_view(rgb)) == 0);
    fct_image_free(g), fct_image_free(rgb), fct_image_free(conv);
    free(f.p);
}

/* CMYK and YCCK, with Adobe's marker (stored inverted) and without. */
TEST(jpeg_cmyk) {
    fct_image *im = picture(48, 40);
    const uint8_t *rgb = fct_image_pixels(im);
    for (int kind = 0; kind < 3; kind++) {
        bool adobe = kind < 2;
        uint8_t cmyk[48 * 40 * 4];
        for (int i = 0; i < 48 * 40; i++) { /* the usual separation: black = what all inks have in common */
            double k = fmax(rgb[3 * i], fmax(rgb[3 * i + 1], rgb[3 * i + 2]));
            for (int c = 0; c < 3; c++) cmyk[4 * i + c] = (uint8_t)lrint(k > 0 ? rgb[3 * i + c] * 255 / k : 255);
            cmyk[4 * i + 3] = (uint8_t)k;
            for (int c = 0; c < 4 && !adobe; c++) cmyk[4 * i + c] ^= 255;
        }
        blob f = jpeg_make(cmyk, 48, 40, 4, JCS_CMYK, kind == 1 ? JCS_YCCK : JCS_CMYK, BASELINE, adobe);
        fct_image *back = decode(f.p, f.n, FCT_PIX_RGB);
        int d = largest_difference(fct_image_view(im), fct_image_view(back));
        CHECK_MSG(d <= 6, "kind %d differs by %d", kind, d);
        fct_image_free(back);
        free(f.p);
    }
    fct_image_free(im);
}

TEST(jpeg_scaled_decoding) {
    fct_image *im = picture(640, 480);
    uint8_t *data;
    size_t n;
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, 95, &data, &n, NULL));
    static const int hints[][2] = {{0, 480}, {481, 480}, {241, 480}, {240, 240}, {120, 120}, {60, 60}, {1, 60}};
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        fct_decode_opts o;
        fct_image *small;
        fct_decode_opts_init(&o);
        o.min_side_hint = hints[i][0];
        REQUIRE(!fct_image_decode(data, n, NULL, &o, &small, NULL));
        CHECK_MSG(fct_image_view(small).height == hints[i][1], "hint %d", hints[i][0]);
        fct_image_free(small);
    }
    fct_image_free(im);
    fct_buffer_free(data);
}

/* A picture over another one: the same pixels, in its memory where that is large enough and not much too large. */
TEST(jpeg_over_a_spare) {
    static const struct {
        int width, height;
        bool taken;
    } t[] = {{640, 480, true}, {700, 500, true}, {500, 400, false}, {3000, 2000, false}};
    fct_image *im = picture(640, 480), *plain;
    uint8_t *data;
    size_t n;
    REQUIRE(!fct_image_encode(fct_image_view(im), FCT_FILE_JPEG, 95, &data, &n, NULL));
    REQUIRE(!fct_image_decode(data, n, NULL, NULL, &plain, NULL));
    fct_view v = fct_image_view(plain);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        fct_decode_opts o;
        fct_image *spare, *over;
        REQUIRE(!fct_image_create(t[i].width, t[i].height, FCT_PIX_RGB, &spare, NULL));
        const uint8_t *pixels = fct_image_view(spare).data;
        fct_decode_opts_init(&o);
        o.spare = &spare;
        REQUIRE(!fct_image_decode(data, n, NULL, &o, &over, NULL));
        fct_view w = fct_image_view(over);
        CHECK(w.width == 640 && w.height == 480 && w.stride == v.stride);
        CHECK(!memcmp(w.data, v.data, (size_t)v.stride * 480));
        CHECK_MSG((spare == NULL) == t[i].taken && (w.data == pixels) == t[i].taken, "%d x %d", t[i].width,
                  t[i].height);
        fct_image_free(spare);
        spare = NULL;
        fct_image_free(over);
        CHECK(fct_image_decode(data, n / 2, NULL, &o, &over, NULL) == FCT_ERR_FORMAT && !over);
    }
    fct_image_free(plain);
    fct_image_free(im);
    fct_buffer_free(data);
}

/* ---- Files ---------------------------------------------------------------------------------- */

TEST(write_and_read_files) {
    fct_image *im = picture(30, 20), *back;
    fct_error e;
    static const char *names[] = {"image_test.jpg", "image_test.JPEG", "image_test.png", "image_test.webp"};
    for (int i = 0; i < 4; i++) {
        CHECK(!fct_image_write(fct_image_view(im), names[i], FCT_FILE_AUTO, 0, &e));
        REQUIRE(!fct_image_read(names[i], NULL, &back, &e));
        CHECK(largest_difference(fct_image_view(im), fct_image_view(back)) < 40);
        fct_image_free(back);
        remove(names[i]);
    }
    CHECK(fct_image_write(fct_image_view(im), "image_test.bmp", FCT_FILE_AUTO, 0, &e) == FCT_ERR_UNSUPPORTED);
    CHECK(strstr(e.text, "image_test.bmp"));
    CHECK(fct_image_write(fct_image_view(im), "no/such/folder/a.png", FCT_FILE_AUTO, 0, &e) < 0);
    CHECK(fct_image_read("no_such_picture.jpg", NULL, &back, &e) == FCT_ERR_NOT_FOUND && !back);
    CHECK(strstr(e.text, "no_such_picture.jpg"));
    CHECK(fct_image_write(fct_image_view(im), "a.png", FCT_FILE_AUTO, 101, &e) == FCT_ERR_ARG);
    fct_image_free(im);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

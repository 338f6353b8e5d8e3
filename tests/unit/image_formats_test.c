/* HEIC, AVIF, TIFF, GIF, BMP and JPEG XL. The files were written by other programs
 * (fuzz/make_picture_corpus.py): all that are called same-* show one picture. */
#include "test.h"
#include "blob.h"
#include "base/alloc.h"
#include "base/file.h"
#include "facet/image.h"
#include <stdio.h>

static blob seed(const char *name) {
    char path[1024];
    const char *source = getenv("FCT_SOURCE");
    uint8_t *data;
    blob b = {0};
    snprintf(path, sizeof path, "%s/fuzz/corpus/image/%s", source ? source : ".", name);
    REQUIRE(!fct_file_read(path, 1 << 20, &data, &b.n, NULL));
    b.p = malloc(b.n);
    memcpy(b.p, data, b.n);
    fct_free(data);
    return b;
}

/* Largest difference of two pictures of one size; 999 for two sizes. */
static int difference(fct_view a, fct_view b) {
    int worst = 0;
    if (a.width != b.width || a.height != b.height || a.format != b.format) return 999;
    for (int y = 0; y < a.height; y++)
        for (int i = 0; i < a.width * fct_pixel_bytes(a.format); i++) {
            int d = abs(a.data[y * a.stride + i] - b.data[y * b.stride + i]);
            if (d > worst) worst = d;
        }
    return worst;
}

static bool has(const char *feature) {
    char list[256], want[32];
    snprintf(list, sizeof list, " %s ", fct_build_features());
    snprintf(want, sizeof want, " %s ", feature);
    return strstr(list, want) != NULL;
}

/* Decodes a copy of exactly its size, so that a read past its end is seen. */
static fct_status decode(const uint8_t *p, size_t n, const fct_decode_opts *o, fct_image **out, fct_error *e) {
    uint8_t *copy = malloc(n ? n : 1);
    if (n) memcpy(copy, p, n);
    fct_status s = fct_image_decode(copy, n, "test picture", o, out, e);
    CHECK_MSG((s == 0) == (*out != NULL) && (!s || (e->code == s && strstr(e->text, "test picture"))), "%s", e->text);
    free(copy);
    return s;
}

typedef struct format_sample {
    const char *feature; /* "" = always there */
    const char *name;
    int allowed; /* levels; lossy kinds and CMYK round */
} format_sample;

static const format_sample kinds[] = {
    {"tiff", "same-tiff-turned1", 0},
    {"tiff", "same-tiff-turned2", 0},
    {"tiff", "same-tiff-turned3", 0},
    {"tiff", "same-tiff-turned4", 0},
    {"tiff", "same-tiff-turned5", 0},
    {"tiff", "same-tiff-turned6", 0},
    {"tiff", "same-tiff-turned7", 0},
    {"tiff", "same-tiff-turned8", 0},
    {"tiff", "same-tiff-16bit", 0},
    {"tiff", "same-tiff-tiles", 0},
    {"tiff", "same-tiff-big-endian", 0},
    {"tiff", "same-tiff-bigtiff", 0},
    {"tiff", "same-tiff-planes", 0},
    {"tiff", "same-tiff-pages", 0},
    {"tiff", "same-tiff-cmyk", 1},
    {"tiff", "same-tiff-palette", 0},
    {"tiff", "same-tiff-alpha", 0},
    {"heif", "same-heif-turned1", 9},
    {"heif", "same-heif-turned2", 9},
    {"heif", "same-heif-turned3", 9},
    {"heif", "same-heif-turned4", 9},
    {"heif", "same-heif-turned5", 9},
    {"heif", "same-heif-turned6", 9},
    {"heif", "same-heif-turned7", 9},
    {"heif", "same-heif-turned8", 9},
    {"heif", "same-avif-turned1", 9},
    {"heif", "same-avif-turned2", 9},
    {"heif", "same-avif-turned3", 9},
    {"heif", "same-avif-turned4", 9},
    {"heif", "same-avif-turned5", 9},
    {"heif", "same-avif-turned6", 9},
    {"heif", "same-avif-turned7", 9},
    {"heif", "same-avif-turned8", 9},
    {"gif", "same-gif", 0},
    {"gif", "same-gif-interlaced", 0},
    {"gif", "same-gif-frames", 0},
    {"", "same-bmp", 0},
    {"", "same-bmp-palette", 0},
    {"", "same-bmp-alpha", 0},
    {"", "same-bmp-runs", 0},
    {"jxl", "same-jxl", 0},
    {"jxl", "same-jxl-16bit", 0},
    {"jxl", "same-jxl-alpha", 0},
    {"jxl", "same-jxl-turned6", 9},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

TEST(all_show_the_same_picture) {
    blob png = seed("same-png");
    fct_image *want, *got;
    fct_error e;
    REQUIRE(!fct_image_decode(png.p, png.n, NULL, NULL, &want, NULL));
    for (int i = 0; i < N_KINDS; i++) {
        if (*kinds[i].feature && !has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        if (!decode(b.p, b.n, NULL, &got, &e)) {
            int d = difference(fct_image_view(want), fct_image_view(got));
            CHECK_MSG(d <= kinds[i].allowed, "%s differs by %d", kinds[i].name, d);
            fct_image_free(got);
        } else CHECK_MSG(false, "%s: %s", kinds[i].name, e.text);
        free(b.p);
    }
    fct_image_free(want);
    free(png.p);
}

/* A picture stored lying on its side keeps that way when asked; HEIF has no such picture. */
TEST(orientation_can_be_kept) {
    fct_decode_opts o;
    fct_image *im;
    fct_error e;
    fct_decode_opts_init(&o);
    o.keep_orientation = true;
    for (int i = 0; i < N_KINDS; i++) {
        if (!strstr(kinds[i].name, "turned6") || !strcmp(kinds[i].feature, "heif") || !has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        REQUIRE(!decode(b.p, b.n, &o, &im, &e));
        fct_view v = fct_image_view(im);
        CHECK_MSG(v.width == 24 && v.height == 40, "%s is %dx%d", kinds[i].name, v.width, v.height);
        fct_image_free(im);
        free(b.p);
    }
}

/* Without the library's feature the refusal names the Meson option. */
TEST(features_that_are_off) {
    fct_image *im;
    fct_error e;
    for (int i = 0; i < N_KINDS; i++) {
        if (!*kinds[i].feature || has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        CHECK_MSG(decode(b.p, b.n, NULL, &im, &e) == FCT_ERR_UNSUPPORTED && strstr(e.text, "Meson feature"), "%s",
                  e.text);
        free(b.p);
    }
}

TEST(limits_and_formats) {
    fct_error e;
    fct_image *im;
    for (int i = 0; i < N_KINDS; i++) {
        if (*kinds[i].feature && !has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        for (fct_pixel f = FCT_PIX_RGB; f <= FCT_PIX_BGRA; f++) {
            fct_decode_opts o;
            fct_decode_opts_init(&o);
            o.format = f;
            o.max_pixels = 40 * 24;
            CHECK_MSG(!decode(b.p, b.n, &o, &im, &e) && fct_image_view(im).format == f, "%s: %s", kinds[i].name,
                      e.text);
            fct_image_free(im);
            o.max_pixels--;
            CHECK_MSG(decode(b.p, b.n, &o, &im, &e) == FCT_ERR_LIMIT, "%s: %s", kinds[i].name, e.text);
        }
        free(b.p);
    }
}

/* Cut anywhere before the last pixel, a file is refused or, where a few bits at the
 * end do not matter, read. Most cuts must be refused. */
TEST(cut_off_anywhere) {
    long live = fct_alloc_live();
    fct_error e;
    fct_image *im;
    for (int i = 0; i < N_KINDS; i++) {
        if (*kinds[i].feature && !has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        int refused = 0, cuts = 0;
        for (size_t n = 0; n < b.n; n += 1 + b.n / 80, cuts++) {
            refused += decode(b.p, n, NULL, &im, &e) != FCT_OK;
            fct_image_free(im);
        }
        bool pages = strstr(kinds[i].name, "pages") || strstr(kinds[i].name, "frames"); /* the first is whole */
        CHECK_MSG(refused >= cuts * (pages ? 1 : 3) / 4, "%s: %d of %d refused", kinds[i].name, refused, cuts);
        free(b.p);
    }
    CHECK(fct_alloc_live() == live);
}

/* The N-th allocation fails, for every N: no leak, no crash. */
TEST(out_of_memory) {
    for (int i = 0; i < N_KINDS; i++) {
        if (*kinds[i].feature && !has(kinds[i].feature)) continue;
        blob b = seed(kinds[i].name);
        fct_image *im;
        long live = fct_alloc_live();
        fct_status s = FCT_ERR_NOMEM;
        for (long n = 1; n < 50 && s; n++) {
            fct_error e;
            fct_alloc_fail_at(n);
            s = fct_image_decode(b.p, b.n, NULL, NULL, &im, &e);
            fct_alloc_fail_at(0);
            CHECK_MSG(!s || s == FCT_ERR_NOMEM, "%s, allocation %ld: %s", kinds[i].name, n, e.text);
            fct_image_free(im);
            CHECK(fct_alloc_live() == live);
        }
        CHECK(s == FCT_OK);
        free(b.p);
    }
}

/* ---- BMP, by hand ----------------------------------------------------------------- */

/* A BMP of 32 or 16 bits with masks, 2x2, from the top down. */
static blob bmp_with_masks(int bits, const uint32_t mask[4], const uint32_t pixels[4]) {
    blob b = {0};
    put(&b, "BM", 2);
    put_le(&b, 0, 4), put_le(&b, 0, 4), put_le(&b, 14 + 56, 4);
    put_le(&b, 56, 4), put_le(&b, 2, 4), put_le(&b, (uint32_t)-2, 4), put_le(&b, 1, 2), put_le(&b, (uint32_t)bits, 2);
    put_le(&b, 3, 4);
    for (int i = 0; i < 5; i++) put_le(&b, 0, 4);
    for (int i = 0; i < 4; i++) put_le(&b, mask[i], 4);
    for (int i = 0; i < 4; i++) put_le(&b, pixels[i], bits / 8);
    return b;
}

TEST(bmp_masks) {
    fct_decode_opts o;
    fct_image *im;
    fct_error e;
    fct_decode_opts_init(&o);
    o.format = FCT_PIX_RGBA;
    blob b = bmp_with_masks(16, (uint32_t[]){0xF800, 0x7E0, 0x1F, 0}, (uint32_t[]){0xF800, 0x7E0, 0x1F, 0x8410});
    REQUIRE(!decode(b.p, b.n, &o, &im, &e));
    static const uint8_t want[] = {255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 132, 130, 132, 255};
    CHECK(!memcmp(fct_image_pixels(im), want, sizeof want));
    fct_image_free(im), free(b.p);
    b = bmp_with_masks(32, (uint32_t[]){0xFF, 0xFF00, 0xFF0000, 0xFF000000},
                       (uint32_t[]){0x80030201, 0xFF0000FF, 0, 0x01FFFFFF});
    REQUIRE(!decode(b.p, b.n, &o, &im, &e));
    static const uint8_t with_alpha[] = {1, 2, 3, 128, 255, 0, 0, 255, 0, 0, 0, 0, 255, 255, 255, 1};
    CHECK(!memcmp(fct_image_pixels(im), with_alpha, sizeof with_alpha));
    fct_image_free(im), free(b.p);
}

/* Sides and offsets that lie: an error, and no memory by what a header claims. */
TEST(bmp_lies) {
    fct_error e;
    fct_image *im;
    blob b = seed("same-bmp");
    static const struct {
        int at, bytes;
        uint32_t value;
        fct_status want;
    } lies[] = {
        {18, 4, 0x7FFFFFFF, FCT_ERR_LIMIT},  {22, 4, 0x80000000, FCT_ERR_LIMIT},  {18, 4, 0, FCT_ERR_FORMAT},
        {10, 4, 0xFFFFFFFF, FCT_ERR_FORMAT}, {14, 4, 0xFFFFFFF0, FCT_ERR_FORMAT}, {28, 2, 13, FCT_ERR_UNSUPPORTED},
        {30, 4, 4, FCT_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        blob copy = {0};
        put(&copy, b.p, b.n);
        for (int k = 0; k < lies[i].bytes; k++) copy.p[lies[i].at + k] = (uint8_t)(lies[i].value >> 8 * k);
        fct_status s = decode(copy.p, copy.n, NULL, &im, &e);
        CHECK_MSG(s == lies[i].want, "lie %zu: %d %s", i, s, e.text);
        free(copy.p);
    }
    free(b.p);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

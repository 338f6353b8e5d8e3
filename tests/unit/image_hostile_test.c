/* Damaged and hostile picture files: every one is refused or decoded, never
 * crashes, leaks or allocates by what a header claims. */
#include "test.h"
#include "image_files.h"
#include "facet/image.h"
#include "base/alloc.h"
#include <stdio.h>
#include <jpeglib.h>

static uint32_t random_state = 12345;
static uint32_t random_number(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    return random_state ^= random_state << 5;
}

static blob encoded(fct_file_format format) {
    fct_image *im;
    uint8_t *data;
    size_t n;
    blob b = {0};
    REQUIRE(!fct_image_create(97, 64, FCT_PIX_RGB, &im, NULL));
    uint8_t *p = fct_image_pixels(im);
    for (int i = 0; i < 97 * 64 * 3; i++) p[i] = (uint8_t)(random_number() % 64 + (uint32_t)i / 97);
    REQUIRE(!fct_image_encode(fct_image_view(im), format, 80, &data, &n, NULL));
    put(&b, data, n);
    fct_buffer_free(data);
    fct_image_free(im);
    return b;
}

static blob progressive(void) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr m;
    unsigned char *out = NULL;
    unsigned long n = 0;
    uint8_t row[97 * 3];
    c.err = jpeg_std_error(&m);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &n);
    c.image_width = 97, c.image_height = 64, c.input_components = 3, c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < 64; y++) {
        for (size_t i = 0; i < sizeof row; i++) row[i] = (uint8_t)(random_number() % 64 + i / 3);
        JSAMPROW r = row;
        jpeg_write_scanlines(&c, &r, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (blob){out, n};
}

#define KINDS 4
static blob kind(int i) {
    return i == 3 ? progressive() : encoded(i == 0 ? FCT_FILE_JPEG : i == 1 ? FCT_FILE_PNG : FCT_FILE_WEBP);
}

/* Decodes an exact-size copy, so that a read past its end is seen by the
 * sanitizers. Out-parameters and the error must be as documented. */
static fct_status try_decode(const uint8_t *p, size_t n, fct_error *e) {
    uint8_t *copy = malloc(n ? n : 1);
    fct_image *im = (fct_image *)1;
    if (n) memcpy(copy, p, n);
    fct_status s = fct_image_decode(copy, n, "hostile.bin", NULL, &im, e);
    CHECK(s <= 0 && (s == 0) == (im != NULL));
    if (s) CHECK_MSG(e->code == s && (s == FCT_ERR_NOMEM || strstr(e->text, "hostile.bin")), "%s", e->text);
    fct_image_free(im);
    free(copy);
    return s;
}

TEST(cut_off_anywhere) {
    fct_error e;
    long live = fct_alloc_live();
    for (int k = 0; k < KINDS; k++) {
        blob b = kind(k);
        CHECK(try_decode(b.p, b.n, &e) == FCT_OK);
        for (int i = 0; i < 64; i++) {
            size_t n = b.n * (size_t)i / 64;
            fct_status s = try_decode(b.p, n, &e);
            CHECK_MSG(s == FCT_ERR_FORMAT || (n < 12 && s == FCT_ERR_UNSUPPORTED), "kind %d at %d/64: %d %s", k, i, s,
                      e.text);
        }
        size_t last = k == 1 ? 5 : k == 2 ? 1 : 3; /* libspng does not need IEND's checksum, a JPEG no end marker */
        CHECK_MSG(try_decode(b.p, b.n - last, &e) == FCT_ERR_FORMAT, "kind %d without its end: %s", k, e.text);
        free(b.p);
    }
    CHECK(fct_alloc_live() == live);
}

TEST(flipped_bits) {
    fct_error e;
    long live = fct_alloc_live();
    for (int k = 0; k < KINDS; k++) {
        blob b = kind(k);
        int refused = 0;
        for (int i = 0; i < 1500; i++) {
            /* half of the flips hit the headers, where the structure is */
            size_t at = random_number() % (i & 1 ? b.n : b.n < 700 ? b.n : 700);
            uint8_t old = b.p[at];
            b.p[at] ^= (uint8_t)(1u << random_number() % 8);
            refused += try_decode(b.p, b.n, &e) != FCT_OK;
            b.p[at] = old;
        }
        CHECK_MSG(refused > 50, "kind %d: only %d refused", k, refused);
        free(b.p);
    }
    CHECK(fct_alloc_live() == live);
}

/* 16-bit big-endian sides of a JPEG's frame header. */
static void set_jpeg_size(blob b, unsigned w, unsigned h) {
    for (size_t i = 2; i + 9 < b.n; i++)
        if (b.p[i] == 0xFF && (b.p[i + 1] == 0xC0 || b.p[i + 1] == 0xC2)) {
            b.p[i + 5] = (uint8_t)(h >> 8), b.p[i + 6] = (uint8_t)h;
            b.p[i + 7] = (uint8_t)(w >> 8), b.p[i + 8] = (uint8_t)w;
            return;
        }
}

TEST(huge_claims) {
    fct_error e;
    for (int k = 0; k < KINDS; k += 3) {
        blob b = kind(k);
        set_jpeg_size(b, 65500, 65500);
        CHECK_MSG(try_decode(b.p, b.n, &e) == FCT_ERR_LIMIT && strstr(e.text, "65500x65500"), "%s", e.text);
        free(b.p);
    }
    png_spec s = {.w = 100000, .h = 50000, .depth = 8, .type = 2};
    blob png = png_make(&s);
    CHECK_MSG(try_decode(png.p, png.n, &e) == FCT_ERR_LIMIT && strstr(e.text, "100000x50000"), "%s", e.text);
    free(png.p);
    s.w = 0x7FFFFFFF, s.h = 0x7FFFFFFF;
    png = png_make(&s);
    CHECK_MSG(try_decode(png.p, png.n, &e) < 0, "%s", e.text);
    free(png.p);
    s.w = 0, s.h = 5;
    png = png_make(&s);
    CHECK_MSG(try_decode(png.p, png.n, &e) == FCT_ERR_FORMAT, "%s", e.text);
    free(png.p);
    blob plain = kind(2), exif = {0};
    blob webp = webp_with_exif(plain.p, plain.n, 1 << 24, 200, exif);
    CHECK_MSG(try_decode(webp.p, webp.n, &e) < 0, "%s", e.text);
    free(webp.p), free(plain.p);
}

TEST(limit_is_an_option) {
    fct_error e;
    fct_decode_opts o;
    fct_image *im;
    fct_decode_opts_init(&o);
    for (int k = 0; k < KINDS; k++) {
        blob b = kind(k);
        o.max_pixels = 97 * 64;
        CHECK(fct_image_decode(b.p, b.n, NULL, &o, &im, &e) == FCT_OK);
        fct_image_free(im);
        o.max_pixels--;
        CHECK(fct_image_decode(b.p, b.n, NULL, &o, &im, &e) == FCT_ERR_LIMIT && !im);
        free(b.p);
    }
    o.size = sizeof o;
    o.max_pixels = -1;
    CHECK(fct_image_decode("x", 1, NULL, &o, &im, &e) == FCT_ERR_ARG);
    o.size = 3;
    CHECK(fct_image_decode("x", 1, NULL, &o, &im, &e) == FCT_ERR_ARG);
}

/* EXIF blocks of every length and with every byte damaged are read or ignored. */
TEST(damaged_exif) {
    fct_error e;
    blob jpeg = kind(0);
    for (int big = 0; big < 2; big++) {
        blob exif = exif_make(6, big);
        for (size_t n = 0; n <= exif.n; n++) {
            blob part = {exif.p, n}, with = jpeg_with_exif(jpeg.p, jpeg.n, part);
            CHECK(try_decode(with.p, with.n, &e) == FCT_OK);
            free(with.p);
        }
        for (size_t i = 0; i < exif.n; i++)
            for (int v = 0; v < 256; v += 51) {
                uint8_t old = exif.p[i];
                exif.p[i] = (uint8_t)v;
                blob with = jpeg_with_exif(jpeg.p, jpeg.n, exif);
                CHECK(try_decode(with.p, with.n, &e) == FCT_OK);
                exif.p[i] = old;
                free(with.p);
            }
        free(exif.p);
    }
    free(jpeg.p);
}

TEST(not_pictures) {
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } files[] = {
        {"", 0, "empty"},
        {"hello, world, this is text", 26, "not a picture"},
        {"8BPS............", 16, "Photoshop"},
        {"\0\0\0\x18"
         "ftypisom........",
         20, "video"},
    };
    fct_error e;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        fct_status s = try_decode((const uint8_t *)files[i].bytes, files[i].n, &e);
        CHECK_MSG((s == FCT_ERR_UNSUPPORTED || s == FCT_ERR_FORMAT) && strstr(e.text, files[i].says), "%s", e.text);
    }
}

/* The N-th allocation fails, for every N: no leak, no crash, "out of memory". */
TEST(out_of_memory) {
    for (int k = 0; k < KINDS; k++) {
        blob b = kind(k), exif = exif_make(6, 0);
        blob turned = k == 0 ? jpeg_with_exif(b.p, b.n, exif) : b;
        long live = fct_alloc_live();
        fct_status s = FCT_ERR_NOMEM;
        for (long n = 1; n < 200 && s; n++) {
            fct_error e;
            fct_alloc_fail_at(n);
            s = try_decode(turned.p, turned.n, &e);
            fct_alloc_fail_at(0);
            CHECK_MSG(!s || s == FCT_ERR_NOMEM, "kind %d, allocation %ld: %s", k, n, e.text);
            CHECK(fct_alloc_live() == live);
        }
        CHECK(s == FCT_OK);
        if (turned.p != b.p) free(turned.p);
        free(b.p), free(exif.p);
    }
}

TEST(out_of_memory_when_encoding) {
    fct_image *im;
    REQUIRE(!fct_image_create(50, 40, FCT_PIX_BGRA, &im, NULL));
    for (int format = FCT_FILE_JPEG; format <= FCT_FILE_WEBP; format++) {
        long live = fct_alloc_live();
        fct_status s = FCT_ERR_NOMEM;
        for (long n = 1; n < 200 && s; n++) {
            uint8_t *data;
            size_t len;
            fct_alloc_fail_at(n);
            s = fct_image_encode(fct_image_view(im), (fct_file_format)format, 0, &data, &len, NULL);
            fct_alloc_fail_at(0);
            CHECK_MSG(!s || (s == FCT_ERR_NOMEM && !data), "format %d, allocation %ld: %d", format, n, s);
            fct_buffer_free(data);
            CHECK(fct_alloc_live() == live);
        }
        CHECK(s == FCT_OK);
    }
    fct_image_free(im);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

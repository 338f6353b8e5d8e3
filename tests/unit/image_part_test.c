/* Parts of pictures: what is decoded of a JPEG is what the whole has there, at every sampling of its colors, scale and
 * place; other files are decoded whole. */
#include "test.h"
#include "image_files.h"
#include "facet/image.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>

enum { WIDTH = 403, HEIGHT = 309 };

/* A JPEG of noise and edges; h and v: how many pixels share a color. */
static blob jpeg_make(int h, int v, bool progressive) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    uint8_t row[WIDTH * 3];
    JSAMPROW rows = row;
    unsigned char *out = NULL;
    unsigned long n = 0;
    uint32_t random = 1;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &out, &n);
    c.image_width = WIDTH;
    c.image_height = HEIGHT;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, 80, TRUE);
    c.comp_info[0].h_samp_factor = h;
    c.comp_info[0].v_samp_factor = v;
    if (progressive) jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < HEIGHT; y++) {
        for (int i = 0; i < WIDTH * 3; i++) {
            random = random * 1664525 + 1013904223;
            row[i] = (uint8_t)((i / 30 + y / 10) % 2 * 120 + (random >> 25));
        }
        jpeg_write_scanlines(&c, &rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (blob){out, n};
}

/* Whether the part's pixels are those of the whole at its place. */
static bool is_part(fct_view whole, fct_view part, int x, int y) {
    if (x < 0 || y < 0 || x + part.width > whole.width || y + part.height > whole.height) return false;
    for (int i = 0; i < part.height; i++)
        if (memcmp(part.data + i * part.stride, whole.data + (y + i) * whole.stride + 3 * x, 3 * (size_t)part.width))
            return false;
    return true;
}

/* Decodes a part; *saved: whether less than the whole was decoded. */
static void check_part(blob f, int hint, bool keep, const float part[4], bool *saved) {
    fct_decode_opts o;
    fct_image *whole, *some;
    fct_image_facts facts;
    fct_decode_opts_init(&o);
    o.min_side_hint = hint;
    o.keep_orientation = keep;
    REQUIRE(!fct_image_decode(f.p, f.n, NULL, &o, &whole, NULL));
    o.part = part;
    REQUIRE(!fct_image_decode_facts(f.p, f.n, NULL, &o, &some, &facts, NULL));
    fct_view a = fct_image_view(whole), b = fct_image_view(some);
    CHECK(facts.decoded_width == a.width && facts.decoded_height == a.height);
    CHECK((double)facts.part_x <= (double)part[0] * a.width && (double)facts.part_y <= (double)part[1] * a.height);
    CHECK((double)(facts.part_x + b.width) >= (double)part[2] * a.width);
    CHECK((double)(facts.part_y + b.height) >= (double)part[3] * a.height);
    /* at the cut, smooth upsampling lacks a neighbor; the pixels around the part are there for that */
    const int left = facts.part_x > 0 ? 2 : 0, right = facts.part_x + b.width < a.width ? 2 : 0;
    const int last = facts.part_y + b.height < a.height ? 2 : 0;
    fct_view inner = fct_view_crop(b, left, 0, b.width - left - right, b.height - last);
    CHECK_MSG(is_part(a, inner, facts.part_x + left, facts.part_y), "part at %d, %d of %d x %d differs", facts.part_x,
              facts.part_y, a.width, a.height);
    *saved = b.width < a.width || b.height < a.height;
    fct_image_free(whole);
    fct_image_free(some);
}

static const float parts[][4] = {
    {0, 0, 1, 1},          {0.4f, 0.5f, 0.6f, 0.7f},     {0, 0, 0.2f, 0.2f},      {0.8f, 0.85f, 1, 1},
    {0.1f, 0.9f, 0.9f, 1}, {0.33f, 0.21f, 0.34f, 0.22f}, {0.5f, 0.5f, 0.5f, 0.5f}};

TEST(jpeg_of_every_sampling) {
    static const int samplings[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}};
    for (size_t i = 0; i < sizeof samplings / sizeof *samplings; i++) {
        blob f = jpeg_make(samplings[i][0], samplings[i][1], false);
        for (int hint = 0; hint <= 154; hint += 77) /* 1/1, 1/4, 1/2 */
            for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
                bool saved;
                check_part(f, hint, false, parts[k], &saved);
                CHECK(saved == (k > 0) || hint);
            }
        free(f.p);
    }
}

/* Files of several scans and turned ones come whole. */
TEST(whole_where_it_saves_nothing) {
    bool saved;
    blob f = jpeg_make(2, 2, true), plain = jpeg_make(2, 2, false), exif = exif_make(6, 0);
    check_part(f, 0, false, parts[1], &saved);
    CHECK(!saved);
    blob turned = jpeg_with_exif(plain.p, plain.n, exif);
    check_part(turned, 0, false, parts[1], &saved);
    CHECK(!saved);
    check_part(turned, 0, true, parts[1], &saved);
    CHECK(saved);
    free(f.p), free(plain.p), free(exif.p), free(turned.p);
}

TEST(bad_parts) {
    static const float bad[][4] = {{-0.1f, 0, 1, 1}, {0, 0, 1, 1.5f}, {0, NAN, 1, 1}};
    blob f = jpeg_make(1, 1, false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fct_decode_opts o;
        fct_image *im;
        fct_error e;
        fct_decode_opts_init(&o);
        o.part = bad[i];
        CHECK(fct_image_decode(f.p, f.n, "x.jpg", &o, &im, &e) == FCT_ERR_ARG && !im && strstr(e.text, "part"));
    }
    free(f.p);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Picture files: JPEG, PNG, WebP, EXIF orientation. The last byte of the input
 * chooses the options, so that the rest is a whole file. */
#include "fuzz.h"

static void use(const fct_image *im, fct_pixel format) {
    fct_view v = fct_image_view(im);
    FUZZ_REQUIRE(v.width > 0 && v.height > 0 && (int64_t)v.width * v.height <= 1 << 20 && v.format == format);
    uint32_t sum = 0;
    for (int y = 0; y < v.height; y++)
        for (int x = 0; x < v.width * fct_pixel_bytes(format); x++) sum += v.data[y * v.stride + x];
    volatile uint32_t keep = sum; /* reads every pixel: uninitialized or missing rows are seen */
    (void)keep;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_decode_opts o;
    fct_error e;
    fct_image *im = NULL;
    uint8_t choice = size ? data[size - 1] : 0;
    long live = fct_alloc_live();
    fct_decode_opts_init(&o);
    o.max_pixels = 1 << 20;
    o.format = (fct_pixel)(choice % 5);
    o.keep_orientation = choice & 16;
    o.min_side_hint = choice & 32 ? 16 : 0;
    float part[4] = {0.2f, 0.3f, (float)choice / 255, 0.9f}; /* an empty one too */
    if (choice & 64) o.part = part;
    fct_image_facts facts;
    fct_status s = fct_image_decode_facts(data, size, "fuzz", &o, &im, &facts, &e);
    fuzz_check_result(s, &e, im);
    FUZZ_REQUIRE(facts.orientation >= 1 && facts.orientation <= 8 && (facts.width > 0) == (im != NULL));
    if (im) use(im, o.format);
    fct_view v = im ? fct_image_view(im) : (fct_view){0};
    FUZZ_REQUIRE(facts.part_x >= 0 && facts.part_y >= 0 && facts.part_x + v.width <= facts.decoded_width &&
                 facts.part_y + v.height <= facts.decoded_height);
    fct_image_free(im);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

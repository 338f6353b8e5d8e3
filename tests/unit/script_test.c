/* Text in scripts that the built-in font does not have: with the fonts of the system,
 * where there are any, and without. */
#include "test.h"
#include "image/shape.h"
#include <stdio.h>

static fct_image *paper(int width) {
    fct_image *im;
    REQUIRE(!fct_image_create(width, 60, FCT_PIX_GRAY, &im, NULL));
    return im;
}

static float shaped(fct_image *im, float x, const uint32_t *text, int n) {
    float width;
    if (!fct_shape_draw(im, x, 4, 48, text, n, 0xFFFFFF, &width)) SKIP("no shaping, or no font of the script");
    return width;
}

/* Sum of the ink in columns x0..x1-1. */
static long ink(const fct_image *im, int x0, int x1) {
    long sum = 0;
    for (int y = 0; y < im->height; y++)
        for (int x = x0; x < x1; x++) sum += im->pixels[y * im->stride + x];
    return sum;
}

/* Hebrew runs from right to left: the first letter stands at the right end. */
TEST(right_to_left) {
    static const uint32_t lamed_yod[] = {0x5DC, 0x5D9}, lamed[] = {0x5DC}, yod[] = {0x5D9};
    fct_image *both = paper(120), *first = paper(120), *second = paper(120);
    float w1 = shaped(first, 10, lamed, 1), w2 = shaped(second, 10, yod, 1), w = shaped(both, 10, lamed_yod, 2);
    CHECK_MSG(fabsf(w - w1 - w2) < 3, "%g and %g, together %g", (double)w1, (double)w2, (double)w);
    int cut = 10 + (int)lrintf(w2);
    CHECK_MSG(labs(ink(both, 0, cut) - ink(second, 0, cut)) * 8 < ink(second, 0, 120),
              "the second letter is not at the left");
    CHECK_MSG(labs(ink(both, cut, 120) - ink(first, 0, 120)) * 8 < ink(first, 0, 120),
              "the first letter is not at the right");
    fct_image_free(both), fct_image_free(first), fct_image_free(second);
}

/* Arabic letters join: together they are not what they are alone. */
TEST(letters_join) {
    static const uint32_t beh[] = {0x628}, three[] = {0x628, 0x628, 0x628};
    float alone = shaped(NULL, 0, beh, 1), joined = shaped(NULL, 0, three, 3);
    CHECK_MSG(joined < 2.5f * alone, "%g alone, %g together", (double)alone, (double)joined);
}

/* Numbers in a Hebrew text keep their order, and stand to the left of the name. */
TEST(numbers_in_names) {
    static const uint32_t text[] = {0x5DC, ' ', '1', '7'}, name[] = {0x5DC};
    fct_image *all = paper(160), *only = paper(160);
    float whole = shaped(all, 10, text, 4), w = shaped(only, 10, name, 1);
    int cut = 10 + (int)lrintf(whole - w);
    CHECK(labs(ink(all, cut, 160) - ink(only, 0, 160)) * 8 < ink(only, 0, 160));
    CHECK(ink(all, 0, cut) > 0);
    fct_image_free(all), fct_image_free(only);
}

/* Measured and drawn widths agree, whatever the size, also where nothing is visible. */
TEST(measures_as_it_draws) {
    static const char *const names[] = {"\u738B\u5C0F\u660E 0.98", "\u0418\u0432\u0430\u043D",
                                        "\u0645\u062D\u0645\u062F", "\u0905\u0928\u093F\u0932", "\U0001F600 Ada"};
    fct_image *im = paper(300);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (float height = 0.5f; height < 300; height *= 3) {
            float w = fct_draw_text(NULL, 0, 0, height, names[i], 0);
            CHECK(w > 0 && fabsf(fct_draw_text(im, -20, -20, height, names[i], 0xFFFFFF) - w) < 0.01f);
            CHECK(fabsf(fct_draw_text(im, NAN, 1e30f, height, names[i], 0xFFFFFF) - w) < 0.01f);
        }
    fct_image_free(im);
}

TEST(latin_letters) {
    static const struct {
        uint32_t c;
        const char *want;
        bool letters;
    } rows[] = {{0x416, "Zh", true},       {0x449, "shch", true},      {0x451, "e", true}, {0x3A3, "S", true},
                {0x3C8, "ps", true},       {0x301, "", true},          {0x200F, "", true}, {'\n', " ", true},
                {0x738B, "U+738B", false}, {0x1F600, "U+1F600", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[12];
        bool letters = fct_latin_spelling(rows[i].c, got);
        CHECK_MSG(letters == rows[i].letters && !strcmp(got, rows[i].want), "U+%04X: %s", rows[i].c, got);
    }
    for (uint32_t c = 0; c < 0x3000; c++) { /* whatever it is, it can be drawn */
        char got[12];
        if (fct_font_has(c)) continue;
        fct_latin_spelling(c, got);
        for (const char *p = got; *p; p++) CHECK_MSG(fct_font_has((unsigned char)*p), "U+%04X: %s", c, got);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

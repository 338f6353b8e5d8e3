/* Names in other scripts on a machine without fonts: Latin letters or a number, no box. */
#include "test.h"
#include "facet/image.h"
#include <math.h>
#include <stdio.h>

static float width(const char *text) { return fct_draw_text(NULL, 0, 0, 30, text, 0); }

TEST(letters_and_numbers_without_fonts) {
    CHECK(width("\u0418\u0432\u0430\u043D 0.98") == width("Ivan 0.98"));
    CHECK(width("\u738B\u5C0F\u660E 0.98") == width("U+738B 0.98"));
    CHECK(width("\u0645\u062D\u0645\u062F") == width("U+0645"));
    CHECK(width("Zo\u00EB") != width("Zoe") || width("Zo\u00EB") > 0);
    fct_image *a, *b;
    REQUIRE(!fct_image_create(200, 40, FCT_PIX_GRAY, &a, NULL) && !fct_image_create(200, 40, FCT_PIX_GRAY, &b, NULL));
    fct_draw_text(a, 2, 2, 30, "\u0416\u0430\u043D", 0xFFFFFF);
    fct_draw_text(b, 2, 2, 30, "Zhan", 0xFFFFFF);
    CHECK(!memcmp(fct_image_pixels(a), fct_image_pixels(b), 200 * 40));
    fct_image_free(a), fct_image_free(b);
}

int main(int argc, char **argv) {
    /* A configuration without folders of fonts, before fontconfig reads one. */
    char path[1024];
    const char *dir = getenv("FCT_TEST_DIR");
    snprintf(path, sizeof path, "%s/no-fonts.conf", dir ? dir : ".");
    FILE *f = fopen(path, "w");
    if (f) {
        fputs("<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig></fontconfig>\n", f);
        fclose(f);
    }
#ifdef _WIN32
    _putenv_s("FONTCONFIG_FILE", path);
#else
    setenv("FONTCONFIG_FILE", path, 1);
#endif
    return test_main(argc, argv);
}

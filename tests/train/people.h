/* Made-up people to train on: a person is a color, a photo that color with
 * noise. */
#ifndef FCT_TESTS_TRAIN_PEOPLE_H
#define FCT_TESTS_TRAIN_PEOPLE_H

#include "train/rng.h"
#include "facet/image.h"
#include "base/alloc.h"
#include "base/file.h"
#include "../test.h"

enum { PEOPLE = 5, PHOTOS = 6 };

static char *path_in(const char *folder, const char *name) {
    char *p = fct_path_join(folder, name);
    REQUIRE(p);
    return p;
}

/* An empty folder for scratch files. Owned. */
static char *fresh_folder(const char *name) {
    const char *base = getenv("FCT_TEST_DIR");
    char *p = path_in(base ? base : "/tmp", name);
    fct_dir_remove(p, NULL);
    REQUIRE(fct_dir_make(p, NULL) == FCT_OK);
    return p;
}

static void write_photo(const char *path, int person, fct_rng *rng) {
    fct_image *im;
    REQUIRE(fct_image_create(40, 40, FCT_PIX_RGB, &im, NULL) == FCT_OK);
    uint8_t *p = fct_image_pixels(im);
    for (int i = 0; i < 40 * 40 * 3; i++)
        p[i] = (uint8_t)(40 + 35 * ((person >> (i % 3)) & 3) + fct_rng_below(rng, 40));
    REQUIRE(fct_image_write(fct_image_view(im), path, FCT_FILE_PNG, 0, NULL) == FCT_OK);
    fct_image_free(im);
}

/* folder/p0/0.png and so on. */
static void write_people(const char *folder) {
    char file[60];
    fct_rng rng = {4};
    for (int p = 0; p < PEOPLE; p++) {
        snprintf(file, sizeof file, "p%d", p);
        char *person = path_in(folder, file);
        REQUIRE(fct_dir_make(person, NULL) == FCT_OK);
        for (int i = 0; i < PHOTOS; i++) {
            snprintf(file, sizeof file, "%d.png", i);
            char *path = path_in(person, file);
            write_photo(path, p, &rng);
            fct_free(path);
        }
        fct_free(person);
    }
}

__attribute__((unused)) static char *make_people(const char *name) {
    char *folder = fresh_folder(name);
    write_people(folder);
    return folder;
}

#endif

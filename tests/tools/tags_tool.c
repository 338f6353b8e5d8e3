/* Writes face regions for tests/cli/tags_test.py.
 *
 *   tags_tool --make PHOTO                                makes a photo of 400 x 300
 *   tags_tool [--in-place] PHOTO [NAME X1 Y1 X2 Y2]...    writes the faces */
#include "base/file.h"
#include "facet/facet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const fct_error *e) {
    fprintf(stderr, "%s\n", e->text);
    return 1;
}

static int make_photo(const char *path) {
    fct_error e;
    fct_image *im;
    if (fct_image_create(400, 300, FCT_PIX_RGB, &im, &e)) return fail(&e);
    for (int i = 0; i < 12; i++)
        fct_draw_fill(im, (float)(i % 4 * 100), (float)(i / 4 * 100), (float)(i % 4 * 100 + 90),
                      (float)(i / 4 * 100 + 80), 0x102030U * (unsigned)(i + 1));
    fct_status s = fct_image_write(fct_image_view(im), path, FCT_FILE_AUTO, 0, &e);
    fct_image_free(im);
    return s ? fail(&e) : 0;
}

int main(int argc, char **argv) {
    fct_program_start(&argc, &argv);
    enum { MOST = 16 };
    fct_region faces[MOST];
    fct_tags_write_opts o;
    fct_error e;
    int n = 0, at = 1;
    if (argc == 3 && !strcmp(argv[1], "--make")) return make_photo(argv[2]);
    fct_tags_write_opts_init(&o);
    if (argc > 1 && !strcmp(argv[1], "--in-place")) {
        o.in_place = true;
        at++;
    }
    if (at >= argc) return 2;
    for (int i = at + 1; i + 4 < argc && n < MOST; i += 5, n++) {
        faces[n] = (fct_region){.name = argv[i]};
        for (int k = 0; k < 4; k++) faces[n].box[k] = strtof(argv[i + 1 + k], NULL);
    }
    return fct_tags_write(argv[at], faces, n, &o, NULL, &e) ? fail(&e) : 0;
}

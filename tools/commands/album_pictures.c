#include "commands/album_pictures.h"

#include "base/file.h"

#include <stdlib.h>

#define SIDE      28  /* pixels of a face in a terminal; two in a character's height */
#define FILE_SIDE 224 /* of one in a file */

/* ---- In a terminal ------------------------------------------------------------------- */

/* Whether the terminal takes colors: cli_style() knows. */
static bool takes_colors(void) { return *cli_style(stdout, STYLE_STRONG) != 0; }

/* A face's crop, RGB. *out is owned. */
static fct_status read_crop(fct_album *album, int64_t face_id, int side, fct_image **out, fct_error *e) {
    void *jpeg = NULL;
    size_t len;
    fct_image *crop = NULL;
    *out = NULL;
    fct_status s = fct_album_crop(album, face_id, &jpeg, &len, e);
    if (!s) s = fct_image_decode(jpeg, len, "face", NULL, &crop, e);
    if (!s) s = fct_image_resize(fct_image_view(crop), side, side, out, e);
    fct_image_free(crop);
    fct_buffer_free(jpeg);
    return s;
}

/* A row of characters shows two rows of pixels: the upper half block in one color on a ground of the other. */
static void print_blocks(const fct_image *im, int y) {
    fct_view v = fct_image_view(im);
    const uint8_t *top = v.data + y * v.stride, *low = top + v.stride;
    for (int x = 0; x < SIDE; x++, top += 3, low += 3)
        printf("\033[38;2;%d;%d;%dm\033[48;2;%d;%d;%dm\xe2\x96\x80", top[0], top[1], top[2], low[0], low[1], low[2]);
    printf("\033[0m");
}

void cli_album_show_pair(fct_album *album, int64_t face_a, int64_t face_b) {
    if (!takes_colors()) return;
    fct_image *a, *b;
    (void)read_crop(album, face_a, SIDE, &a, NULL);
    (void)read_crop(album, face_b, SIDE, &b, NULL);
    for (int y = 0; y < SIDE && a && b; y += 2) {
        printf("  ");
        print_blocks(a, y);
        printf("  ");
        print_blocks(b, y);
        printf("\n");
    }
    fct_image_free(a);
    fct_image_free(b);
}

/* ---- As files ---------------------------------------------------------------------------- */

static int write_crop(fct_album *album, int64_t face_id, const char *dir, char *name) {
    fct_image *im = NULL;
    fct_error e;
    char *path = cli_format("%s/%s", dir, name);
    fct_status st = read_crop(album, face_id, FILE_SIDE, &im, &e);
    if (!st) st = fct_image_write(fct_image_view(im), path, FCT_FILE_AUTO, 92, &e);
    fct_image_free(im);
    free(path);
    free(name);
    return st ? cli_fail(&e) : CLI_DONE;
}

int cli_album_write_pairs(fct_album *album, const char *dir, const fct_question *questions, size_t n) {
    fct_error e;
    if (fct_dir_make(dir, &e)) return cli_fail(&e);
    int code = CLI_DONE;
    for (size_t i = 0; i < n && !code; i++) {
        const fct_question *q = &questions[i];
        long long id = (long long)q->person_id;
        code = write_crop(album, q->face_id, dir, cli_format("%03zu-%lld-a.jpg", i + 1, id));
        if (!code) code = write_crop(album, q->other_face, dir, cli_format("%03zu-%lld-b.jpg", i + 1, id));
    }
    return code;
}

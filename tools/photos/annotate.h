/* Drawing what was found onto a photo. */
#ifndef FACET_CLI_ANNOTATE_H
#define FACET_CLI_ANNOTATE_H

#include <facet/facet.h>

/* The text beside a face, and the color of both. */
typedef struct cli_label {
    char text[256]; /* "" = no label */
    uint32_t color; /* of box and label, 0xRRGGBB */
} cli_label;

#define CLI_COLOR_FOUND   0x35C46Au /* a face, nobody in particular */
#define CLI_COLOR_UNKNOWN 0xB8BEC6u /* a face that was compared with all people */

/* Returns a color that is always the same for a name. */
uint32_t cli_color_of(const char *name);

/* Copies v, twice or more as large where it is too small to write on, and draws
 * boxes, landmarks and labels (one per face). *out is owned, RGB. */
fct_status cli_draw_faces(fct_view v, const fct_faces *faces, const cli_label *labels, fct_image **out, fct_error *err);

/* Fills the picture's foot, from row y down, with color and writes a line of text into it. */
void cli_draw_caption(fct_image *im, int y, const char *text, uint32_t color);

#endif

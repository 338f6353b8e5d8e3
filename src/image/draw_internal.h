/* What shapes and text share: blending a color by coverage. */
#ifndef FCT_IMAGE_DRAW_INTERNAL_H
#define FCT_IMAGE_DRAW_INTERNAL_H

#include "image/image_internal.h"

/* A color in the channels of one picture. */
typedef struct fct_ink {
    fct_image *im;
    fct_channels at;
    uint8_t r, g, b, gray;
    float opacity;
} fct_ink;

fct_ink fct_ink_of(fct_image *im, uint32_t color);

/* Blends ink into the pixel at p by coverage 0..1. */
void fct_ink_blend(const fct_ink *k, uint8_t *p, float coverage);

/* Pixels that a shape between lo and hi (inclusive) can touch, inside 0..n-1;
 * false where none, or where a bound is not a number. */
bool fct_draw_range(float lo, float hi, int n, int *first, int *last);

/* A thick line's half: distance from a point to the segment a-b. */
typedef struct fct_segment {
    float ax, ay, bx, by;
} fct_segment;
float fct_segment_distance2(const fct_segment *s, float x, float y);

/* ---- The built-in font -----------------------------------------------------------
 * Strokes on a grid with y downwards: capitals stand from 0 to 14 (the base
 * line), small letters from 4, descenders reach 18, accents on capitals -5. */
#define FCT_FONT_TOP    (-6.f)
#define FCT_FONT_LINE   26.f /* height of a line in grid units */
#define FCT_FONT_STROKE 1.75f
#define FCT_FONT_GAP    3.8f /* between the strokes of neighbors */
#define FCT_FONT_SPACE  3.0f

/* A glyph's parts: a base path shifted right by left, an accent's path shifted
 * by (dx, dy). */
typedef struct fct_glyph {
    float width;               /* from the leftmost to the rightmost center line of a stroke */
    const char *path, *accent; /* static; accent may be NULL */
    float left, dx, dy;
} fct_glyph;
fct_glyph fct_font_glyph(uint32_t codepoint);
bool fct_font_has(uint32_t codepoint); /* else fct_font_glyph() gives a box */

/* What to write in Latin letters for a character of another script: true; or its
 * number, "U+738B": false. Marks and invisible characters give an empty text. */
bool fct_latin_spelling(uint32_t codepoint, char out[12]);

/* Cuts a path into straight segments, shifted; returns how many (at most max).
 * Path commands: "Mx y" move, "Lx y" line, "Qcx cy x y" quadratic curve,
 * "Ocx cy rx ry a b" arc of an ellipse from angle a to b in degrees (0 = right,
 * 90 = down), "E..." the same joined to the current point, "Dx y" dot. */
int fct_font_flatten(const char *path, float dx, float dy, fct_segment *out, int max);

#endif

/* Text in scripts that the built-in font does not have, with the system's fonts. */
#ifndef FCT_IMAGE_SHAPE_H
#define FCT_IMAGE_SHAPE_H

#include "image/draw_internal.h"

enum { FCT_SHAPE_MAX = 512 }; /* code points of one text */

/* Draws n code points, or only measures where im is NULL, as fct_draw_text() does.
 * *width is in pixels. False, and nothing is drawn, where the libraries (FreeType,
 * HarfBuzz, fontconfig, FriBidi) are missing or no font of the system has one of the
 * characters. Thread-safe. */
bool fct_shape_draw(fct_image *im, float x, float y, float height, const uint32_t *text, int n, uint32_t color,
                    float *width);

#endif

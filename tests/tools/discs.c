#include "discs.h"

#include <stdio.h>
#include <stdlib.h>

fct_image *disc_photo(int width, int height) {
    fct_image *photo;
    if (fct_image_create(width, height, FCT_PIX_RGB, &photo, NULL)) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    fct_view v = fct_image_view(photo);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = fct_image_pixels(photo) + y * v.stride + 3 * x;
            p[0] = 70, p[1] = 60, p[2] = 80;
        }
    return photo;
}

void disc_draw(fct_image *photo, int cx, int cy, int radius, int person, bool freckled) {
    fct_view v = fct_image_view(photo);
    uint8_t *pixels = fct_image_pixels(photo);
    for (int y = 0; y < v.height; y++)
        for (int x = 0; x < v.width; x++) {
            if ((x - cx) * (x - cx) + (y - cy) * (y - cy) > radius * radius) continue;
            int quarter = (x >= cx) + 2 * (y >= cy);
            uint8_t *p = pixels + y * v.stride + 3 * x;
            p[0] = person >> quarter & 1 ? 255 : 0;
            p[1] = freckled && (x - cx) & 2 ? 195 : 255;
            p[2] = person >> (quarter + 4) & 1 ? 255 : 0;
        }
}

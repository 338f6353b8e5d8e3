/* Covering a part of a picture so that nobody can be recognized in it.
 *
 * What is left of the part are the mean colors of at most CELLS x CELLS fields, shown
 * as blocks or, for the soft form, with smooth changes between the fields' centers: the
 * soft form tells no more than the blocks do. A true blur of a small radius can be
 * undone; this cannot. */
#include "image/draw_internal.h"
#include <string.h>

enum { CELLS = 6 };

/* The part of the picture, and its means: [row][column][channel], 8 bits of fraction. */
typedef struct cover_grid {
    int x, y, width, height, columns, rows;
    uint32_t mean[CELLS][CELLS][3];
} cover_grid;

/* First pixel of field i of n along a side. */
static int field_start(int side, int n, int i) { return (int)((int64_t)side * i / n); }

/* Channels that carry color; alpha stays as it is. */
static int colors_of(const fct_image *im) { return im->format == FCT_PIX_GRAY ? 1 : 3; }

static uint8_t *pixel_at(const fct_image *im, int x, int y) {
    return im->pixels + (ptrdiff_t)y * im->stride + (ptrdiff_t)x * fct_pixel_bytes(im->format);
}

/* Computes the mean color of every field. */
static void measure(const fct_image *im, cover_grid *g) {
    int bytes = fct_pixel_bytes(im->format), colors = colors_of(im);
    g->columns = g->width < CELLS ? g->width : CELLS;
    g->rows = g->height < CELLS ? g->height : CELLS;
    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->columns; c++) {
            int x0 = field_start(g->width, g->columns, c), x1 = field_start(g->width, g->columns, c + 1);
            int y0 = field_start(g->height, g->rows, r), y1 = field_start(g->height, g->rows, r + 1);
            uint64_t sum[3] = {0}, n = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
            for (int y = y0; y < y1; y++) {
                const uint8_t *p = pixel_at(im, g->x + x0, g->y + y);
                for (int x = x0; x < x1; x++, p += bytes)
                    for (int k = 0; k < colors; k++) sum[k] += p[k];
            }
            for (int k = 0; k < colors; k++) g->mean[r][c][k] = (uint32_t)((sum[k] * 256 + n / 2) / n);
        }
}

/* Finds the fields that a pixel lies between, and how far it is from the first (0..1). */
static float between(int at, int side, int n, int *first, int *second) {
    float f = ((float)at + 0.5f) * (float)n / (float)side - 0.5f;
    f = fmaxf(0, fminf(f, (float)(n - 1)));
    *first = (int)f;
    *second = *first + 1 < n ? *first + 1 : *first;
    return f - (float)*first;
}

/* The mix of the four nearest fields' colors. */
static void put_soft(const cover_grid *g, int x, int y, uint8_t *p, int colors) {
    int c0, c1, r0, r1;
    float fx = between(x, g->width, g->columns, &c0, &c1), fy = between(y, g->height, g->rows, &r0, &r1);
    for (int k = 0; k < colors; k++) {
        float top = (float)g->mean[r0][c0][k] * (1 - fx) + (float)g->mean[r0][c1][k] * fx;
        float bottom = (float)g->mean[r1][c0][k] * (1 - fx) + (float)g->mean[r1][c1][k] * fx;
        p[k] = (uint8_t)((top * (1 - fy) + bottom * fy) / 256 + 0.5f);
    }
}

static void put_block(const cover_grid *g, int x, int y, uint8_t *p, int colors) {
    int c = g->columns - 1, r = g->rows - 1;
    while (field_start(g->width, g->columns, c) > x) c--;
    while (field_start(g->height, g->rows, r) > y) r--;
    for (int k = 0; k < colors; k++) p[k] = (uint8_t)((g->mean[r][c][k] + 128) / 256);
}

/* Finds the whole pixels that [lo, hi] touches within 0..side-1; false where there are none. */
static bool whole_pixels(float lo, float hi, int side, int *first, int *n) {
    if (!(lo < hi) || !(hi > 0) || !(lo < (float)side)) return false;
    *first = lo > 0 ? (int)floorf(lo) : 0;
    *n = (hi < (float)side ? (int)ceilf(hi) : side) - *first;
    return *n > 0;
}

void fct_draw_cover(fct_image *im, float x1, float y1, float x2, float y2, fct_cover style) {
    cover_grid g = {0};
    int colors = colors_of(im), bytes = fct_pixel_bytes(im->format);
    if (!whole_pixels(x1, x2, im->width, &g.x, &g.width) || !whole_pixels(y1, y2, im->height, &g.y, &g.height)) return;
    if (style != FCT_COVER_BOX) measure(im, &g);
    for (int y = 0; y < g.height; y++) {
        uint8_t *p = pixel_at(im, g.x, g.y + y);
        for (int x = 0; x < g.width; x++, p += bytes) {
            if (style == FCT_COVER_BOX) memset(p, 0, (size_t)colors);
            else if (style == FCT_COVER_BLUR) put_soft(&g, x, y, p, colors);
            else put_block(&g, x, y, p, colors);
        }
    }
}

/* Takes in hair, ears and chin, which the detector's box leaves out. */
void fct_cover_area(const float box[4], float area[4]) {
    float w = box[2] - box[0], h = box[3] - box[1];
    area[0] = box[0] - 0.15f * w, area[1] = box[1] - 0.2f * h;
    area[2] = box[2] + 0.15f * w, area[3] = box[3] + 0.2f * h;
}

/* Quarter turns, mirrors and EXIF orientations: one copy with two steps. */
#include "image/image_internal.h"
#include "base/error.h"

#define TILE 32 /* both tiles of a turn by 90 degrees stay in the first-level cache */

/* Pixel (x, y) of the result is at origin + x * step_x + y * step_y of the source. */
typedef struct path {
    const uint8_t *origin;
    ptrdiff_t step_x, step_y;
} path;

static inline void copy_tile(path p, uint8_t *dst, ptrdiff_t dst_stride, int w, int h, int bytes) {
    for (int y = 0; y < h; y++) {
        const uint8_t *s = p.origin + y * p.step_y;
        uint8_t *d = dst + y * dst_stride;
        for (int x = 0; x < w; x++, s += p.step_x, d += bytes)
            for (int c = 0; c < bytes; c++) d[c] = s[c];
    }
}

/* Copies tile by tile, since a turn by 90 degrees reads columns and would miss the cache on every pixel otherwise. */
static void copy_path(path p, fct_image *im) {
    int bytes = fct_pixel_bytes(im->format);
    for (int y = 0; y < im->height; y += TILE)
        for (int x = 0; x < im->width; x += TILE) {
            path t = {p.origin + x * p.step_x + y * p.step_y, p.step_x, p.step_y};
            uint8_t *d = im->pixels + y * im->stride + (ptrdiff_t)x * bytes;
            int w = im->width - x < TILE ? im->width - x : TILE, h = im->height - y < TILE ? im->height - y : TILE;
            if (bytes == 1) copy_tile(t, d, im->stride, w, h, 1);
            else if (bytes == 3) copy_tile(t, d, im->stride, w, h, 3);
            else copy_tile(t, d, im->stride, w, h, 4);
        }
}

fct_status fct_image_orient(fct_view v, int orientation, fct_image **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_view_check(v, "picture", err);
    if (s) return s;
    if (orientation < 1 || orientation > 8)
        return fct_fail(err, FCT_ERR_ARG, "orientation %d is not 1..8", orientation);
    ptrdiff_t px = fct_pixel_bytes(v.format), row = v.stride;
    ptrdiff_t right = (v.width - 1) * px, bottom = (v.height - 1) * row;
    const path paths[8] = {
        {v.data, px, row},                    /* 1: as it is */
        {v.data + right, -px, row},           /* 2: mirrored left to right */
        {v.data + right + bottom, -px, -row}, /* 3: half a turn */
        {v.data + bottom, px, -row},          /* 4: mirrored top to bottom */
        {v.data, row, px},                    /* 5: mirrored at the main diagonal */
        {v.data + bottom, -row, px},          /* 6: stored lying on its left; turn right */
        {v.data + right + bottom, -row, -px}, /* 7: mirrored at the other diagonal */
        {v.data + right, row, -px},           /* 8: turn left */
    };
    bool turned = orientation >= 5;
    s = fct_image_create_raw(turned ? v.height : v.width, turned ? v.width : v.height, v.format, out, err);
    if (!s) copy_path(paths[orientation - 1], *out);
    return s;
}

fct_status fct_image_rotate(fct_view v, int turns, fct_image **out, fct_error *err) {
    static const int orientation[4] = {1, 6, 3, 8};
    return fct_image_orient(v, orientation[((turns % 4) + 4) % 4], out, err);
}

/* Pictures and views: creation, checks, conversion of pixel formats. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

int fct_pixel_bytes(fct_pixel format) {
    switch (format) {
    case FCT_PIX_RGB:
    case FCT_PIX_BGR:
        return 3;
    case FCT_PIX_GRAY:
        return 1;
    case FCT_PIX_RGBA:
    case FCT_PIX_BGRA:
        return 4;
    }
    return 0;
}

fct_channels fct_pixel_channels(fct_pixel format) {
    switch (format) {
    case FCT_PIX_RGB:
        return (fct_channels){0, 1, 2, -1, 3};
    case FCT_PIX_BGR:
        return (fct_channels){2, 1, 0, -1, 3};
    case FCT_PIX_RGBA:
        return (fct_channels){0, 1, 2, 3, 4};
    case FCT_PIX_BGRA:
        return (fct_channels){2, 1, 0, 3, 4};
    case FCT_PIX_GRAY:
        break;
    }
    return (fct_channels){0, 0, 0, -1, 1};
}

fct_status fct_image_check_size(int64_t width, int64_t height, const char *what, fct_error *err) {
    if (width < 1 || height < 1)
        return fct_fail(err, FCT_ERR_ARG, "%s: size %lldx%lld, both sides must be at least 1", what, (long long)width,
                        (long long)height);
    if (width > FCT_IMAGE_MAX_SIDE || height > FCT_IMAGE_MAX_SIDE)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: size %lldx%lld, sides may have %d pixels", what, (long long)width,
                        (long long)height, FCT_IMAGE_MAX_SIDE);
    return FCT_OK;
}

/* A stride may be negative, for pictures stored from the bottom up, but must be at least a row long. */
fct_status fct_view_check(fct_view v, const char *what, fct_error *err) {
    int bytes = fct_pixel_bytes(v.format);
    if (!v.data) return fct_fail(err, FCT_ERR_ARG, "%s: no pixels", what);
    if (!bytes) return fct_fail(err, FCT_ERR_ARG, "%s: unknown pixel format %d", what, (int)v.format);
    fct_status s = fct_image_check_size(v.width, v.height, what, err);
    if (s) return s;
    ptrdiff_t row = (ptrdiff_t)v.width * bytes;
    if (v.stride == PTRDIFF_MIN || (v.stride < row && -v.stride < row))
        return fct_fail(err, FCT_ERR_ARG, "%s: stride %lld is less than a row of %d pixels", what, (long long)v.stride,
                        v.width);
    return FCT_OK;
}

/* Every size is computed with a check for overflow, since the sides may come from a hostile file. */
/* Bytes of a picture of this size. */
static fct_status measure(int width, int height, fct_pixel format, size_t *row, size_t *size, fct_error *err) {
    int bytes = fct_pixel_bytes(format);
    if (!bytes) return fct_fail(err, FCT_ERR_ARG, "picture: unknown pixel format %d", (int)format);
    fct_status s = fct_image_check_size(width, height, "picture", err);
    if (s) return s;
    if (!fct_mul_size((size_t)width, (size_t)bytes, row) || !fct_mul_size(*row, (size_t)height, size) ||
        *size > PTRDIFF_MAX)
        return fct_fail_nomem(err, "picture", 0);
    return FCT_OK;
}

fct_status fct_image_create_raw(int width, int height, fct_pixel format, fct_image **out, fct_error *err) {
    size_t row, size;
    *out = NULL;
    fct_status s = measure(width, height, format, &row, &size, err);
    if (s) return s;
    fct_image *im = fct_alloc(sizeof *im);
    uint8_t *pixels = im ? fct_aligned_alloc(size) : NULL;
    if (!pixels) {
        fct_free(im);
        return fct_fail_nomem(err, "picture", size);
    }
    *im = (fct_image){pixels, width, height, (ptrdiff_t)row, format, size};
    *out = im;
    return FCT_OK;
}

fct_status fct_image_create_over(fct_image **spare, int width, int height, fct_pixel format, fct_image **out,
                                 fct_error *err) {
    size_t row, size;
    fct_image *im = spare ? *spare : NULL;
    *out = NULL;
    fct_status s = measure(width, height, format, &row, &size, err);
    if (s) return s;
    if (!im || im->capacity < size || im->capacity / 8 > size)
        return fct_image_create_raw(width, height, format, out, err);
    *im = (fct_image){im->pixels, width, height, (ptrdiff_t)row, format, im->capacity};
    *out = im;
    *spare = NULL;
    return FCT_OK;
}

fct_status fct_image_create(int width, int height, fct_pixel format, fct_image **out, fct_error *err) {
    fct_status s = fct_image_create_raw(width, height, format, out, err);
    if (!s) memset((*out)->pixels, 0, (size_t)(*out)->stride * (size_t)height);
    return s;
}

void fct_image_free(fct_image *image) {
    if (!image) return;
    fct_aligned_free(image->pixels);
    fct_free(image);
}

fct_view fct_image_view(const fct_image *im) {
    return (fct_view){im->pixels, im->width, im->height, im->stride, im->format};
}

uint8_t *fct_image_pixels(fct_image *im) { return im->pixels; }

void fct_buffer_free(void *data) { fct_free(data); }

/* Cuts the rectangle to what lies inside the view; an empty one has no data. */
fct_view fct_view_crop(fct_view v, int x, int y, int width, int height) {
    int64_t x0 = x < 0 ? 0 : x, y0 = y < 0 ? 0 : y;
    int64_t x1 = (int64_t)x + width, y1 = (int64_t)y + height;
    if (x1 > v.width) x1 = v.width;
    if (y1 > v.height) y1 = v.height;
    if (!v.data || x1 <= x0 || y1 <= y0) return (fct_view){NULL, 0, 0, 0, v.format};
    const uint8_t *p = v.data + (ptrdiff_t)y0 * v.stride + (ptrdiff_t)x0 * fct_pixel_bytes(v.format);
    return (fct_view){p, (int)(x1 - x0), (int)(y1 - y0), v.stride, v.format};
}

/* Gray as OpenCV's 15-bit fixed point has it; the weights add up to 32768. */
static void row_to_gray(const uint8_t *src, fct_channels c, uint8_t *dst, int n) {
    for (int i = 0; i < n; i++, src += c.bytes)
        dst[i] = (uint8_t)((src[c.r] * 9798 + src[c.g] * 19235 + src[c.b] * 3735 + 16384) >> 15);
}

static inline void row_copy(const uint8_t *src, fct_channels f, uint8_t *dst, fct_channels t, int n) {
    for (int i = 0; i < n; i++, src += f.bytes, dst += t.bytes) {
        dst[t.r] = src[f.r];
        dst[t.g] = src[f.g];
        dst[t.b] = src[f.b];
        if (t.a >= 0) dst[t.a] = f.a >= 0 ? src[f.a] : 255;
    }
}

void fct_convert_row(const uint8_t *src, fct_pixel from, uint8_t *dst, fct_pixel to, int n) {
    fct_channels f = fct_pixel_channels(from), t = fct_pixel_channels(to);
    if (from == to) memcpy(dst, src, (size_t)n * (size_t)f.bytes);
    else if (to == FCT_PIX_GRAY) row_to_gray(src, f, dst, n);
    else if (f.bytes == 3 && t.bytes == 3) /* constant places: the compiler unrolls the swap */
        row_copy(src, (fct_channels){0, 1, 2, -1, 3}, dst, (fct_channels){2, 1, 0, -1, 3}, n);
    else row_copy(src, f, dst, t, n);
}

fct_status fct_image_convert(fct_view v, fct_pixel format, fct_image **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_view_check(v, "picture", err);
    if (!s) s = fct_image_create_raw(v.width, v.height, format, out, err);
    if (s) return s;
    for (int y = 0; y < v.height; y++)
        fct_convert_row(fct_view_row(v, y), v.format, (*out)->pixels + y * (*out)->stride, format, v.width);
    return FCT_OK;
}

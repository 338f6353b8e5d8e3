/* Pictures inside the library: checked views, decoders' common ground, and
 * primitives that write into memory of the caller. */
#ifndef FCT_IMAGE_INTERNAL_H
#define FCT_IMAGE_INTERNAL_H

#include "facet/image.h"
#include <math.h>

/* Longest side of any picture. Keeps every product of two lengths and a pixel
 * size inside int64, and coordinates exact in fixed point. */
#define FCT_IMAGE_MAX_SIDE 262144

struct fct_image {
    uint8_t *pixels; /* 64-byte aligned, rows dense */
    int width, height;
    ptrdiff_t stride;
    fct_pixel format;
    size_t capacity; /* bytes at pixels */
};

/* FCT_ERR_ARG, naming what is wrong, unless v can be read safely. what stands
 * for the picture in the text ("picture", "source"). */
fct_status fct_view_check(fct_view v, const char *what, fct_error *err);

/* FCT_ERR_ARG or FCT_ERR_LIMIT unless a picture may have this size. */
fct_status fct_image_check_size(int64_t width, int64_t height, const char *what, fct_error *err);

/* Like fct_image_create(), but the pixels are not cleared. */
fct_status fct_image_create_raw(int width, int height, fct_pixel format, fct_image **out, fct_error *err);

/* The same in the memory of *spare where that is large enough, and not eight times as large; *spare is NULL then, and
 * stays as it is otherwise. spare may be NULL. */
fct_status fct_image_create_over(fct_image **spare, int width, int height, fct_pixel format, fct_image **out,
                                 fct_error *err);

/* First byte of row y. */
static inline const uint8_t *fct_view_row(fct_view v, int y) { return v.data + (ptrdiff_t)y * v.stride; }

/* Place of red, green, blue and alpha in a pixel; alpha -1 = none; all colors 0
 * for gray. */
typedef struct fct_channels {
    int r, g, b, a, bytes;
} fct_channels;
fct_channels fct_pixel_channels(fct_pixel format);

/* Converts n pixels between formats; src and dst must not overlap. */
void fct_convert_row(const uint8_t *src, fct_pixel from, uint8_t *dst, fct_pixel to, int n);

/* ---- Primitives of the pipeline ------------------------------------------------
 * dst is caller-owned, height rows of 3 * width bytes (R G B), dst_stride bytes
 * apart; it must not overlap v. v may have any format: alpha is dropped, gray
 * repeated. Both split large jobs over the thread pool. Errors: FCT_ERR_ARG,
 * FCT_ERR_NOMEM. Thread-safe. */

/* fct_image_resize() into dst. */
fct_status fct_resize_rgb(fct_view v, uint8_t *dst, int width, int height, ptrdiff_t dst_stride, fct_error *err);

/* fct_image_warp() into dst; m is the forward matrix. */
fct_status fct_warp_rgb(fct_view v, const double m[6], uint8_t *dst, int width, int height, ptrdiff_t dst_stride,
                        fct_error *err);

/* Inverse of a 2x3 affine matrix; false when it is singular or not finite. */
bool fct_affine_invert(const double m[6], double out[6]);

/* ---- Orientation ------------------------------------------------------------------ */

/* Reads a TIFF block (what follows "Exif\0\0" in a JPEG): the orientation, 1 where
 * there is none or the block is damaged, and the date. Never reads outside data. */
void fct_exif_read(const uint8_t *data, size_t len, fct_image_facts *facts);

/* Copies v as EXIF orientation o (1..8) asks: the result is upright. *out is owned. */
fct_status fct_image_orient(fct_view v, int orientation, fct_image **out, fct_error *err);

/* ---- Decoders and encoders ----------------------------------------------------------- */

/* One picture file in memory. */
typedef struct fct_source_bytes {
    const uint8_t *data;
    size_t len;
    const char *name;            /* for error texts */
    const fct_decode_opts *opts; /* never NULL; checked */
} fct_source_bytes;

/* FCT_ERR_LIMIT where width x height exceeds opts->max_pixels, FCT_ERR_FORMAT
 * where a side is 0. Every decoder calls it before it allocates for pixels. */
fct_status fct_decode_check_size(const fct_source_bytes *s, int64_t width, int64_t height, fct_error *err);

/* The most pixels that a picture may have, for limits of the libraries. */
int64_t fct_decode_pixel_limit(const fct_decode_opts *o);

/* Divides the colors of an RGBA picture by their alpha. */
void fct_image_unpremultiply(fct_image *im);

/* Blends RGBA onto black into the format asked for, in place of *image. */
fct_status fct_decode_finish_alpha(fct_image **image, fct_pixel format, fct_error *err);

/* Each decodes into s->opts->format, before orientation, and fills in those of *facts that
 * the file tells: zero size, orientation 1 and no date are there already. */
fct_status fct_jpeg_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_png_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_webp_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_heif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_tiff_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_gif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_bmp_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);
fct_status fct_jxl_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);

/* Bytes of a file being written; grows by doubling. */
typedef struct fct_bytes {
    uint8_t *data;
    size_t len, cap;
} fct_bytes;
bool fct_bytes_append(fct_bytes *b, const void *data, size_t len); /* false: out of memory */

/* Each encodes a checked view into *out, which starts empty and is owned by the
 * caller also on failure. quality 1..100. */
fct_status fct_jpeg_encode(fct_view v, int quality, fct_bytes *out, fct_error *err);
fct_status fct_png_encode(fct_view v, int quality, fct_bytes *out, fct_error *err);
fct_status fct_webp_encode(fct_view v, int quality, fct_bytes *out, fct_error *err);

/* Length of a vector. hypotf() would tie a binary to glibc 2.35. */
static inline float fct_length(float x, float y) { return (float)sqrt((double)x * (double)x + (double)y * (double)y); }

#endif

/* facet/image.h: pictures: views of pixels, decoding, encoding, resize, warp, drawing.
 *
 * Two types. fct_view is a small value that describes pixels somebody else
 * owns (a camera frame, a NumPy array, an fct_image). fct_image owns pixels.
 * All functions here are thread-safe on distinct objects. */
#ifndef FACET_IMAGE_H
#define FACET_IMAGE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Layout of one pixel, 8 bits a channel. */
typedef enum fct_pixel {
    FCT_PIX_RGB = 0,  /* R G B */
    FCT_PIX_BGR = 1,  /* B G R: OpenCV's order */
    FCT_PIX_GRAY = 2, /* one channel */
    FCT_PIX_RGBA = 3, /* R G B A, alpha not premultiplied */
    FCT_PIX_BGRA = 4  /* B G R A */
} fct_pixel;

/* Pixels owned by somebody else. Row y starts at data + y * stride; a stride
 * may be negative (bottom-up pictures). */
typedef struct fct_view {
    const uint8_t *data;
    int width, height; /* pixels, both at least 1 */
    ptrdiff_t stride;  /* bytes from one row to the next, |stride| >= width * channels */
    fct_pixel format;
} fct_view;

/* A picture that owns its pixels. Immutable but for the draw functions. */
typedef struct fct_image fct_image;

/* Bytes of one pixel of the format: 1, 3 or 4; 0 for an unknown format. */
FCT_API int fct_pixel_bytes(fct_pixel format);

/* Creates a picture of width x height, all bytes zero. *out is owned. */
FCT_API fct_status fct_image_create(int width, int height, fct_pixel format, fct_image **out, fct_error *err);
FCT_API void fct_image_free(fct_image *image);

/* View of the whole picture. Borrowed until the picture is freed. */
FCT_API fct_view fct_image_view(const fct_image *image);

/* Writable first byte of the pixels; stride as in fct_image_view(). Borrowed
 * until the picture is freed. */
FCT_API uint8_t *fct_image_pixels(fct_image *image);

/* Part of a view, clipped to it. Borrows from v. Returns a view with data NULL
 * and zero size where nothing is left. */
FCT_API fct_view fct_view_crop(fct_view v, int x, int y, int width, int height);

/* Copies v, converted to format. *out is owned. Gray is
 * 0.299 R + 0.587 G + 0.114 B in OpenCV's fixed point; alpha is dropped, or
 * 255 where the source has none. */
FCT_API fct_status fct_image_convert(fct_view v, fct_pixel format, fct_image **out, fct_error *err);

/* ---- Files ---------------------------------------------------------------- */

typedef struct fct_decode_opts {
    size_t size;           /* sizeof this struct; set by fct_decode_opts_init() */
    fct_pixel format;      /* result's format (default FCT_PIX_RGB) */
    int64_t max_pixels;    /* refuse larger pictures before decoding (default 0: 268,435,456, or
                              what half of the free memory holds, if that is less) */
    bool keep_orientation; /* true: ignore EXIF orientation (default false: apply it) */
    int min_side_hint;     /* > 0: a JPEG may be decoded at 1/2, 1/4 or 1/8 as long as the
                              shorter side stays at least this long (default 0: full size) */
    fct_image **spare;     /* *spare, where not NULL, is a picture that nobody needs any more: the result may be
                              written over it, and *spare is NULL then. For who decodes one after the other: fresh
                              memory costs the system as much as decoding does (default NULL: none) */
    const float *part;     /* [4]: left, top, right and bottom of what is wanted, in parts (0 to 1) of the picture as it
                              would be returned. Where that saves time, only this and some pixels around it are decoded
                              (a JPEG that is not progressive and not to be turned); the facts tell which (default
                              NULL: the whole picture) */
} fct_decode_opts;
FCT_API void fct_decode_opts_init(fct_decode_opts *o);

/* Reads a JPEG (baseline, progressive, gray, CMYK), PNG (8 and 16 bit, gray,
 * palette, alpha), WebP, HEIC, AVIF, TIFF (8 and 16 bit, gray, palette, RGB,
 * CMYK; the first page), GIF (the first frame), BMP or JPEG XL file; the content
 * decides, not the name. Alpha is blended onto black unless the format asked for
 * has alpha. 16-bit samples are brought to 8 bits. The libraries of HEIC, AVIF,
 * TIFF, GIF and JPEG XL are loaded when the first such file is read. *out is owned.
 * Errors: FCT_ERR_NOT_FOUND, FCT_ERR_IO, FCT_ERR_FORMAT (damaged or cut off:
 * the text names the file and the fault), FCT_ERR_UNSUPPORTED (not a picture
 * of these formats), FCT_ERR_LIMIT (too many pixels). */
FCT_API fct_status fct_image_read(const char *path, const fct_decode_opts *opts, fct_image **out, fct_error *err);

/* The same from len bytes in memory; name stands for the file in error texts
 * (NULL = "image"). */
FCT_API fct_status fct_image_decode(const void *data, size_t len, const char *name, const fct_decode_opts *opts,
                                    fct_image **out, fct_error *err);

/* What a picture's file tells besides the pixels. */
typedef struct fct_image_facts {
    int width, height; /* of the whole picture, upright, at whatever size it was decoded */
    int orientation;   /* 1..8, as EXIF has it: how the file's pixels are turned to be upright. 1 where the format
                          itself turns them (HEIC, AVIF, JPEG XL) */
    int decoded_width, decoded_height; /* of the whole picture at the size at which it was decoded: the result's own,
                                          unless it is a part (fct_decode_opts.part), */
    int part_x, part_y;                /* whose corner lies here in it */
    bool has_taken;
    int64_t taken; /* when the photo was taken: seconds since 1970 on the camera's clock, without its zone */
} fct_image_facts;

/* fct_image_decode(), and the file's facts. */
FCT_API fct_status fct_image_decode_facts(const void *data, size_t len, const char *name, const fct_decode_opts *opts,
                                          fct_image **out, fct_image_facts *facts, fct_error *err);

typedef enum fct_file_format {
    FCT_FILE_AUTO = 0,
    FCT_FILE_JPEG = 1,
    FCT_FILE_PNG = 2,
    FCT_FILE_WEBP = 3
} fct_file_format;

/* Writes v to path, atomically (a temporary file, then a rename). AUTO goes by
 * the name's ending. quality 1..100 for JPEG and WebP (0 = 90). Errors:
 * FCT_ERR_UNSUPPORTED for an unknown ending, FCT_ERR_IO. */
FCT_API fct_status fct_image_write(fct_view v, const char *path, fct_file_format format, int quality, fct_error *err);

/* Encodes v into memory; AUTO means JPEG. *data is owned: free it with
 * fct_buffer_free(). */
FCT_API fct_status fct_image_encode(fct_view v, fct_file_format format, int quality, uint8_t **data, size_t *len,
                                    fct_error *err);
FCT_API void fct_buffer_free(void *data);

/* ---- Geometry --------------------------------------------------------------- */

/* Bilinear resize with half-pixel centers, as OpenCV's INTER_LINEAR on uint8
 * (11-bit fixed point), within one gray level. No antialiasing, on purpose:
 * detectors are trained and measured this way. *out is owned, v's format. */
FCT_API fct_status fct_image_resize(fct_view v, int width, int height, fct_image **out, fct_error *err);

/* Affine warp: out(x, y) = v(M^-1 (x, y)), bilinear, zero outside v. m is the
 * forward 2x3 matrix, row-major, in pixels. *out is owned, v's format.
 * FCT_ERR_ARG when m is singular or not finite. */
FCT_API fct_status fct_image_warp(fct_view v, const double m[6], int width, int height, fct_image **out,
                                  fct_error *err);

/* Rotation by quarter turns clockwise (turns taken modulo 4). *out is owned. */
FCT_API fct_status fct_image_rotate(fct_view v, int turns, fct_image **out, fct_error *err);

/* ---- Drawing ------------------------------------------------------------------
 * Antialiased, clipped to the picture. Colors are 0xRRGGBB, or 0xAARRGGBB with
 * AA the transparency (0 = opaque). Coordinates in pixels, pixel centers at
 * whole numbers. */
FCT_API void fct_draw_box(fct_image *im, float x1, float y1, float x2, float y2, float line_width, uint32_t color);
FCT_API void fct_draw_line(fct_image *im, float x1, float y1, float x2, float y2, float line_width, uint32_t color);
FCT_API void fct_draw_disc(fct_image *im, float x, float y, float radius, uint32_t color);
FCT_API void fct_draw_fill(fct_image *im, float x1, float y1, float x2, float y2, uint32_t color);

/* Text in a built-in proportional font (Latin-1 and Latin Extended-A). A text with
 * characters of other scripts, or emoji, is drawn with the system's fonts (FreeType,
 * HarfBuzz, fontconfig and FriBidi, loaded then), from right to left where the script
 * runs so. Without these, or where no font has a character, Cyrillic and Greek are
 * written in Latin letters and a word of another script as the number of its first
 * character ("U+738B"). At most 512 characters are drawn. (x, y) is the upper left corner, height the line's
 * height in pixels. Returns the text's width in pixels; im may be NULL to
 * measure only. */
FCT_API float fct_draw_text(fct_image *im, float x, float y, float height, const char *utf8, uint32_t color);

/* How an area is made unrecognizable: blocks of mean colors, smooth changes between
 * those, or black. All are final: what was there cannot be computed back. */
typedef enum fct_cover { FCT_COVER_BLUR = 0, FCT_COVER_PIXELS = 1, FCT_COVER_BOX = 2 } fct_cover;

/* Covers the pixels that the rectangle touches. Alpha stays. */
FCT_API void fct_draw_cover(fct_image *im, float x1, float y1, float x2, float y2, fct_cover style);

/* What to cover of a face with this box (x1, y1, x2, y2): hair, chin and ears too. */
FCT_API void fct_cover_area(const float box[4], float area[4]);

/* Copies src (any format) into im with its upper left corner at (x, y). */
FCT_API void fct_draw_image(fct_image *im, fct_view src, int x, int y);

#ifdef __cplusplus
}
#endif
#endif

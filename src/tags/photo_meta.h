/* What a photo's file says beside its pixels: their size, how they are to be
 * turned, and the XMP packet. Each format has a file of its own, meta_*.c, whose
 * head describes it.
 *
 * The containers are read here and not by exempi, whose readers of files are large
 * and have had faults; it is given the packet alone (xmp_lib.h). */
#ifndef FCT_TAGS_PHOTO_META_H
#define FCT_TAGS_PHOTO_META_H

#include "base/buffer.h"
#include "facet/base.h"

typedef struct fct_photo_meta {
    const char *format; /* "JPEG", ...; static */
    int width, height;  /* of the stored picture, before it is turned; 0 = unknown */
    int orientation;    /* EXIF's number, 1 to 8 */
    const uint8_t *xmp; /* the packet, borrowed from the file's bytes; NULL = none */
    size_t xmp_size;
} fct_photo_meta;

/* A photo's bytes and its name for error texts; borrowed. */
typedef struct fct_photo_bytes {
    const uint8_t *data;
    size_t size;
    const char *name;
} fct_photo_bytes;

/* One format. put may be NULL. */
typedef struct fct_photo_format {
    const char *name;
    bool (*is)(const uint8_t *data, size_t size);
    /* Fills in *out, which comes with orientation 1 and all else empty. */
    fct_status (*read)(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err);
    /* Appends the photo with xmp [size] instead of its own packet to an empty buffer. */
    fct_status (*put)(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err);
} fct_photo_format;
extern const fct_photo_format fct_photo_jpeg, fct_photo_png, fct_photo_webp, fct_photo_tiff, fct_photo_heif,
    fct_photo_gif, fct_photo_bmp, fct_photo_jxl;

/* Reads what the file says. Errors: FCT_ERR_UNSUPPORTED (not of a format above),
 * FCT_ERR_FORMAT (cut off or damaged where it was looked at). */
fct_status fct_photo_meta_read(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err);

/* Appends the photo with another packet to out; all other bytes stay what they are.
 * Errors: FCT_ERR_UNSUPPORTED, FCT_ERR_FORMAT, FCT_ERR_LIMIT (the format cannot hold
 * so much), FCT_ERR_NOMEM. */
fct_status fct_photo_meta_put(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err);

/* Numbers of n bytes, at most 8; the caller has checked that they are there. */
uint64_t fct_meta_big(const uint8_t *p, int n);
uint64_t fct_meta_little(const uint8_t *p, int n);
void fct_meta_add_big(fct_buf *b, uint64_t v, int n);
void fct_meta_add_little(fct_buf *b, uint64_t v, int n);

/* The orientation of an EXIF block that may begin with "Exif\0\0". */
int fct_meta_orientation(const uint8_t *data, size_t size);

#endif

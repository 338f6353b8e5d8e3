/* facet/tags.h: who is where in a photo, as other programs write it down.
 *
 * Three ways of saying so are read:
 *  - XMP regions of the Metadata Working Group (mwg-rs: digiKam, Lightroom, Picasa,
 *    Immich) and of Microsoft (MP: Windows, digiKam), in the photo itself and in a
 *    sidecar beside it, "photo.jpg.xmp" or "photo.xmp";
 *  - Picasa's list of a folder's faces, ".picasa.ini".
 * Written are XMP regions of both kinds, into a sidecar, or into the photo itself
 * where the caller asks for that. Everything else in the XMP is kept.
 *
 * XMP needs exempi (Meson feature "tags"); without it FCT_ERR_UNSUPPORTED. How
 * places, precedence and merging are decided is in docs/decisions/0082-face-tags.md. */
#ifndef FACET_TAGS_H
#define FACET_TAGS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fct_region_kind {
    FCT_REGION_FACE = 0,
    FCT_REGION_PET = 1,
    FCT_REGION_FOCUS = 2, /* where the camera focused */
    FCT_REGION_BARCODE = 3,
    FCT_REGION_OTHER = 4
} fct_region_kind;

/* Where a region was found. A face that several of them have is given once, as the
 * first of them in this order has it. */
typedef enum fct_region_source {
    FCT_REGION_SIDECAR = 0,
    FCT_REGION_PHOTO = 1,
    FCT_REGION_PICASA = 2
} fct_region_source;

typedef struct fct_region {
    /* x1, y1, x2, y2 as parts of the width and height of the photo as it is shown
     * (after its EXIF orientation), from the upper left corner: 0 to 1. */
    float box[4];
    const char *name; /* the person's, UTF-8; "" where the region has none */
    fct_region_kind kind;
    fct_region_source source;
    bool ours;     /* as fct_tags_write() wrote it: nobody has confirmed or changed it since */
    bool doubtful; /* made when the photo had another shape: it was cut since, and the box may be elsewhere */
} fct_region;

/* ---- Reading ------------------------------------------------------------------ */

/* The regions of one photo. Immutable; may be read by several threads. */
typedef struct fct_tags fct_tags;

/* Reads photos one after the other and remembers the last folder's .picasa.ini.
 * For one thread at a time. *out is owned. */
typedef struct fct_tags_reader fct_tags_reader;
FCT_API fct_status fct_tags_reader_create(fct_tags_reader **out, fct_error *err);
FCT_API void fct_tags_reader_free(fct_tags_reader *r);

/* Reads the regions of a photo (JPEG, PNG, TIFF, WebP, HEIC, AVIF, JPEG XL; GIF and BMP have none), of its sidecar
 * and of the folder's .picasa.ini. A photo without any gives an empty object. At
 * most 1,000 regions are taken. *out is owned.
 * Errors: FCT_ERR_NOT_FOUND, FCT_ERR_IO, FCT_ERR_UNSUPPORTED (not a photo of these
 * formats; XMP in a build without exempi), FCT_ERR_FORMAT (damaged photo or XMP),
 * FCT_ERR_LIMIT (XMP of more than 16 MiB, or nested too deeply), FCT_ERR_NOMEM. */
FCT_API fct_status fct_tags_read(fct_tags_reader *r, const char *photo, fct_tags **out, fct_error *err);
FCT_API void fct_tags_free(fct_tags *t);

FCT_API int fct_tags_count(const fct_tags *t);
/* Borrowed until t is freed; i from 0 to count - 1. */
FCT_API const fct_region *fct_tags_region(const fct_tags *t, int i);
/* Size of the photo as it is shown, in pixels, and its EXIF orientation (1 to 8). */
FCT_API int fct_tags_width(const fct_tags *t);
FCT_API int fct_tags_height(const fct_tags *t);
FCT_API int fct_tags_orientation(const fct_tags *t);
/* The sidecar that was read; NULL where there is none. Borrowed until t is freed. */
FCT_API const char *fct_tags_sidecar(const fct_tags *t);

/* ---- Writing ------------------------------------------------------------------ */

typedef enum fct_sidecar_style {
    FCT_SIDECAR_AUTO = 0,    /* the one that is there, else digiKam's */
    FCT_SIDECAR_DIGIKAM = 1, /* photo.jpg.xmp: digiKam, Immich, darktable */
    FCT_SIDECAR_ADOBE = 2    /* photo.xmp: Lightroom, Bridge */
} fct_sidecar_style;

typedef struct fct_tags_write_opts {
    size_t size;             /* sizeof this struct; set by fct_tags_write_opts_init() */
    fct_sidecar_style style; /* name of the sidecar (default FCT_SIDECAR_AUTO) */
    bool in_place;           /* true: write into the photo, and into a sidecar only where there is one, so that it
                                does not say otherwise (default false) */
} fct_tags_write_opts;
FCT_API void fct_tags_write_opts_init(fct_tags_write_opts *o);

/* What fct_tags_write() did. */
typedef struct fct_tags_written {
    bool changed; /* false: everything was there already, and no file was touched */
    int added;    /* regions that are new */
    int renamed;  /* regions that got another name */
    int removed;  /* regions that an earlier call had written and that are not among the faces any more */
    int kept;     /* regions of others, left as they are */
} fct_tags_written;

/* Writes the named ones of n faces (kind FCT_REGION_FACE; name not empty) as
 * regions of the photo. The other members are not looked at.
 *
 * A face takes the place of the region that it covers by half or more: that one
 * keeps its area and all it says besides, and gets the face's name. Others are
 * added. Regions of earlier calls that belong to none of the faces any more are
 * removed, and names given to others' regions taken back; those of other programs, and pets, codes and focus points,
 * stay. A new sidecar begins with the regions that the photo itself has.
 *
 * Files are replaced at once or not at all. With in_place the new photo is decoded
 * and compared with the old one before it takes its place; JPEG, PNG, WebP and TIFF
 * can be written. *out may be NULL.
 * Errors: those of reading, and FCT_ERR_MISMATCH (the regions that are there are for
 * a picture of another shape), FCT_ERR_LIMIT (more XMP than the format holds),
 * FCT_ERR_UNSUPPORTED (in place: HEIC, raw photos, links), FCT_ERR_IO.
 * Thread-safe on distinct photos. */
FCT_API fct_status fct_tags_write(const char *photo, const fct_region *faces, int n, const fct_tags_write_opts *opts,
                                  fct_tags_written *out, fct_error *err);

#ifdef __cplusplus
}
#endif
#endif

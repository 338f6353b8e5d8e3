/* HEIC and AVIF with libheif, which hands the streams to libde265, dav1d or libaom.
 *
 * A HEIF file is a tree of boxes like an MP4: one item is the primary picture,
 * often put together from tiles, and its properties say how it is turned and
 * mirrored. libheif applies those, also where the caller wants to keep the
 * orientation of the file: they are part of the picture. Most files also carry an EXIF orientation that
 * says the same; the standard says to ignore it, and to apply both would turn the
 * picture twice. */
#include "image/codec_load.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_HEIF
#include <libheif/heif.h>
#include <string.h>

/* clang-format off */
#define HEIF(X) \
    X(heif_context_alloc) X(heif_context_free) X(heif_context_read_from_memory_without_copy) \
    X(heif_context_get_primary_image_handle) X(heif_context_set_maximum_image_size_limit) \
    X(heif_context_set_max_decoding_threads) X(heif_decode_image) X(heif_decoding_options_alloc) \
    X(heif_decoding_options_free) X(heif_image_get_height) X(heif_image_get_plane_readonly) \
    X(heif_image_get_width) X(heif_image_handle_get_height) X(heif_image_handle_get_ispe_height) \
    X(heif_image_handle_get_ispe_width) X(heif_image_handle_get_width) \
    X(heif_image_handle_get_list_of_metadata_block_IDs) X(heif_image_handle_get_metadata) \
    X(heif_image_handle_get_metadata_size) X(heif_image_handle_has_alpha_channel) \
    X(heif_image_handle_is_premultiplied_alpha) \
    X(heif_image_handle_release) X(heif_image_release)
HEIF(FCT_CODEC_POINTER)
static const fct_symbol symbols[] = {HEIF(FCT_CODEC_SYMBOL)};
/* clang-format on */

static fct_codec_library library = {.files = {"libheif.so.1", "libheif.1.dylib", "libheif.dll"},
                                    .package = "libheif1",
                                    .symbols = symbols,
                                    .n = sizeof symbols / sizeof *symbols};

static fct_status heif_fail(const fct_source_bytes *s, struct heif_error e, fct_error *err) {
    const char *text = e.message && *e.message ? e.message : "no picture";
    if (e.code == heif_error_Memory_allocation_error && e.subcode != heif_suberror_Security_limit_exceeded)
        return fct_fail_nomem(err, s->name, 0);
    if (e.subcode == heif_suberror_Security_limit_exceeded)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: HEIF beyond a limit: %s", s->name, text);
    if (e.subcode == heif_suberror_End_of_data) return fct_fail(err, FCT_ERR_FORMAT, "%s: HEIF is cut off", s->name);
    if (e.code == heif_error_Unsupported_filetype || e.code == heif_error_Unsupported_feature)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: HEIF of an unsupported kind: %s", s->name, text);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged HEIF: %s", s->name, text);
}

/* Pixels of the stream, which is larger than the picture cut out of it: a few rows
 * in most files, everything but a small part in a hostile one. */
static int64_t stored_limit(const fct_source_bytes *s) { return 2 * fct_decode_pixel_limit(s->opts) + (1 << 16); }

/* Copies the decoded rows into a picture of their size. */
static fct_status take_pixels(const fct_source_bytes *s, const struct heif_image *from, bool alpha, fct_image **out,
                              fct_error *err) {
    int stride = 0, w = lib_heif_image_get_width(from, heif_channel_interleaved),
        h = lib_heif_image_get_height(from, heif_channel_interleaved);
    const uint8_t *rows = lib_heif_image_get_plane_readonly(from, heif_channel_interleaved, &stride);
    fct_status st = fct_decode_check_size(s, w, h, err);
    if (st) return st;
    if (!rows || stride < w * (alpha ? 4 : 3))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged HEIF: no pixels", s->name);
    st = fct_image_create_raw(w, h, alpha ? FCT_PIX_RGBA : FCT_PIX_RGB, out, err);
    for (int y = 0; !st && y < h; y++)
        memcpy((*out)->pixels + y * (*out)->stride, rows + (ptrdiff_t)y * stride, (size_t)(*out)->stride);
    return st;
}

static fct_status decode_handle(const fct_source_bytes *s, const struct heif_image_handle *handle, fct_image **out,
                                fct_error *err) {
    fct_status st = fct_decode_check_size(s, lib_heif_image_handle_get_width(handle),
                                          lib_heif_image_handle_get_height(handle), err);
    int64_t stored =
        (int64_t)lib_heif_image_handle_get_ispe_width(handle) * lib_heif_image_handle_get_ispe_height(handle);
    if (!st && stored > stored_limit(s))
        st = fct_fail(err, FCT_ERR_LIMIT, "%s: picture cut out of %lld pixels, the limit is %lld (--max-pixels)",
                      s->name, (long long)stored, (long long)stored_limit(s));
    if (st) return st;
    struct heif_decoding_options *o = lib_heif_decoding_options_alloc();
    if (!o) return fct_fail_nomem(err, s->name, 0);
    o->convert_hdr_to_8bit = 1;
    /* Strict would refuse pictures whose stream names a color space that is not known. Where dav1d decodes, libheif
     * 1.15 then forgets the whole picture, which a client could ask for until memory runs out. */
    o->strict_decoding = 0;
    bool alpha = lib_heif_image_handle_has_alpha_channel(handle);
    struct heif_image *picture = NULL;
    struct heif_error e = lib_heif_decode_image(handle, &picture, heif_colorspace_RGB,
                                                alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, o);
    lib_heif_decoding_options_free(o);
    st = e.code || !picture ? heif_fail(s, e, err) : take_pixels(s, picture, alpha, out, err);
    if (picture) lib_heif_image_release(picture);
    if (!st && alpha && lib_heif_image_handle_is_premultiplied_alpha(handle)) fct_image_unpremultiply(*out);
    return st;
}

/* The date of the picture's EXIF item. Its bytes begin with the offset (u32, big-endian) from there to the TIFF
 * block. Its orientation is not the picture's, see above. */
static void read_date(const struct heif_image_handle *handle, fct_image_facts *facts) {
    enum { MOST = 1 << 20 };
    heif_item_id id;
    if (lib_heif_image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &id, 1) != 1) return;
    size_t size = lib_heif_image_handle_get_metadata_size(handle, id);
    uint8_t *data = size > 4 && size <= MOST ? fct_alloc(size) : NULL;
    if (!data) return;
    if (!lib_heif_image_handle_get_metadata(handle, id, data).code) {
        size_t skip = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
        if (skip < size - 4) fct_exif_read(data + 4 + skip, size - 4 - skip, facts);
        facts->orientation = 1;
    }
    fct_free(data);
}

static fct_status decode_context(const fct_source_bytes *s, struct heif_context *c, fct_image **out,
                                 fct_image_facts *facts, fct_error *err) {
    struct heif_image_handle *handle = NULL;
    /* The limit is the side of a square; what is larger is refused before it is decoded. */
    double side = sqrt((double)stored_limit(s)) + 1;
    lib_heif_context_set_maximum_image_size_limit(c, side < FCT_IMAGE_MAX_SIDE ? (int)side : FCT_IMAGE_MAX_SIDE);
    lib_heif_context_set_max_decoding_threads(c, 0); /* no threads behind the caller's back */
    struct heif_error e = lib_heif_context_read_from_memory_without_copy(c, s->data, s->len, NULL);
    if (!e.code) e = lib_heif_context_get_primary_image_handle(c, &handle);
    if (e.code || !handle) return heif_fail(s, e, err);
    fct_status st = decode_handle(s, handle, out, err);
    if (!st) read_date(handle, facts);
    lib_heif_image_handle_release(handle);
    return st;
}

fct_status fct_heif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    fct_image *im = NULL;
    *out = NULL;
    fct_status st = fct_codec_load(&library, s->name, "HEIC and AVIF", err);
    if (st) return st;
    struct heif_context *c = lib_heif_context_alloc();
    if (!c) return fct_fail_nomem(err, s->name, 0);
    st = decode_context(s, c, &im, facts, err);
    lib_heif_context_free(c);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) fct_image_free(im);
    else *out = im;
    return st;
}

#else

fct_status fct_heif_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no HEIC and AVIF (Meson feature \"heif\")", s->name);
}

#endif

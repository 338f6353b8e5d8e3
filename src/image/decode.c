/* Reading pictures: which decoder, limits, orientation. */
#include "image/image_internal.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include <string.h>

void fct_decode_opts_init(fct_decode_opts *o) { *o = (fct_decode_opts){.size = sizeof *o, .format = FCT_PIX_RGB}; }

/* Without a limit of the caller's: 268 million pixels, more than the largest
 * cameras of phones have. A picture may need its pixels twice (to be turned), at
 * up to four bytes each; it may ask for half of the memory that is free. */
static int64_t pixel_limit(const fct_decode_opts *o, int64_t wanted) {
    enum { MOST = 1 << 28, ALWAYS = 1 << 24, BYTES = 8 };
    if (o->max_pixels) return o->max_pixels;
    if (wanted <= ALWAYS) return MOST;
    int64_t fits = fct_memory_available("/proc", "/sys/fs/cgroup") / 2 / BYTES;
    return fits < ALWAYS ? ALWAYS : fits < MOST ? fits : MOST;
}

fct_status fct_decode_check_size(const fct_source_bytes *s, int64_t width, int64_t height, fct_error *err) {
    if (width < 1 || height < 1)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: picture of %lldx%lld pixels", s->name, (long long)width,
                        (long long)height);
    if (width > FCT_IMAGE_MAX_SIDE || height > FCT_IMAGE_MAX_SIDE)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: picture of %lldx%lld pixels, a side may have %d", s->name,
                        (long long)width, (long long)height, FCT_IMAGE_MAX_SIDE);
    int64_t limit = pixel_limit(s->opts, width * height);
    if (width * height > limit)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: picture of %lldx%lld pixels, the limit is %lld (--max-pixels)",
                        s->name, (long long)width, (long long)height, (long long)limit);
    return FCT_OK;
}

fct_status fct_decode_finish_alpha(fct_image **image, fct_pixel format, fct_error *err) {
    fct_image *im = *image, *out;
    if (im->format == format) return FCT_OK;
    bool keep = format == FCT_PIX_RGBA || format == FCT_PIX_BGRA;
    if (im->format == FCT_PIX_RGBA && !keep)
        for (uint8_t *p = im->pixels, *end = p + im->stride * im->height; p < end; p += 4)
            for (int c = 0; c < 3; c++) p[c] = (uint8_t)((p[c] * p[3] + 127) / 255);
    fct_status s = fct_image_convert(fct_image_view(im), format, &out, err);
    if (s) return s;
    fct_image_free(im);
    *image = out;
    return FCT_OK;
}

typedef fct_status decode_fn(const fct_source_bytes *s, fct_image **out, int *orientation, fct_error *err);

/* The decoder for what the first bytes say; NULL for anything else. */
static decode_fn *decoder_of(const uint8_t *p, size_t len) {
    if (len >= 3 && !memcmp(p, "\xFF\xD8\xFF", 3)) return fct_jpeg_decode;
    if (len >= 8 && !memcmp(p, "\x89PNG\r\n\x1A\n", 8)) return fct_png_decode;
    if (len >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4)) return fct_webp_decode;
    return NULL;
}

/* Formats people try, to name them in the refusal. */
static const char *foreign_name(const uint8_t *p, size_t len) {
    if (len >= 4 && (!memcmp(p, "GIF8", 4))) return "GIF";
    if (len >= 4 && (!memcmp(p, "II*\0", 4) || !memcmp(p, "MM\0*", 4))) return "TIFF or camera raw";
    if (len >= 12 && !memcmp(p + 4, "ftyp", 4)) {
        if (!memcmp(p + 8, "avif", 4)) return "AVIF";
        if (!memcmp(p + 8, "heic", 4) || !memcmp(p + 8, "heix", 4) || !memcmp(p + 8, "mif1", 4)) return "HEIC";
        return "video";
    }
    if (len >= 2 && !memcmp(p, "BM", 2)) return "BMP";
    return NULL;
}

static fct_status refuse(const fct_source_bytes *s, fct_error *err) {
    if (!s->len) return fct_fail(err, FCT_ERR_FORMAT, "%s: the file is empty", s->name);
    const char *kind = foreign_name(s->data, s->len);
    if (kind)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s files are not supported (JPEG, PNG and WebP are)", s->name,
                        kind);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: not a JPEG, PNG or WebP picture", s->name);
}

fct_status fct_image_decode(const void *data, size_t len, const char *name, const fct_decode_opts *opts,
                            fct_image **out, fct_error *err) {
    fct_decode_opts defaults;
    *out = NULL;
    if (!opts) {
        fct_decode_opts_init(&defaults);
        opts = &defaults;
    }
    fct_source_bytes s = {data, len, name ? name : "image", opts};
    if (!data && len) return fct_fail(err, FCT_ERR_ARG, "%s: no data", s.name);
    if (opts->size != sizeof *opts || !fct_pixel_bytes(opts->format) || opts->max_pixels < 0)
        return fct_fail(err, FCT_ERR_ARG, "%s: decode options: size %zu, format %d, max_pixels %lld", s.name,
                        opts->size, (int)opts->format, (long long)opts->max_pixels);
    decode_fn *decode = decoder_of(data, len);
    if (!decode) return refuse(&s, err);
    int orientation = 1;
    fct_image *im, *upright;
    fct_status st = decode(&s, &im, &orientation, err);
    if (st || opts->keep_orientation || orientation == 1) {
        *out = im;
        return st;
    }
    st = fct_image_orient(fct_image_view(im), orientation, &upright, err);
    fct_image_free(im);
    *out = upright;
    return st;
}

fct_status fct_image_read(const char *path, const fct_decode_opts *opts, fct_image **out, fct_error *err) {
    fct_map map;
    *out = NULL;
    if (!path) return fct_fail(err, FCT_ERR_ARG, "no path of a picture");
    fct_status s = fct_map_open(path, &map, err);
    if (s) return s;
    s = fct_image_decode(map.data, map.size, path, opts, out, err);
    fct_map_close(&map);
    return s;
}

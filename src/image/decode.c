/* Reading pictures: which decoder, limits, orientation. */
#include "image/image_internal.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include <string.h>

void fct_decode_opts_init(fct_decode_opts *o) { *o = (fct_decode_opts){.size = sizeof *o, .format = FCT_PIX_RGB}; }

/* The limit when the caller sets none: 268 million pixels, more than the largest cameras of phones have. A picture
 * may need its pixels twice (to be turned), at up to four bytes each, and may ask for half of the memory that is
 * free. */
static int64_t limit_for(const fct_decode_opts *o, int64_t wanted) {
    enum { MOST = 1 << 28, ALWAYS = 1 << 24, BYTES = 8 };
    if (o->max_pixels) return o->max_pixels;
    if (wanted <= ALWAYS) return MOST;
    int64_t fits = fct_memory_available("/proc", "/sys/fs/cgroup") / 2 / BYTES;
    return fits < ALWAYS ? ALWAYS : fits < MOST ? fits : MOST;
}

int64_t fct_decode_pixel_limit(const fct_decode_opts *o) { return limit_for(o, INT64_MAX); }

fct_status fct_decode_check_size(const fct_source_bytes *s, int64_t width, int64_t height, fct_error *err) {
    if (width < 1 || height < 1)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: picture of %lldx%lld pixels", s->name, (long long)width,
                        (long long)height);
    if (width > FCT_IMAGE_MAX_SIDE || height > FCT_IMAGE_MAX_SIDE)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: picture of %lldx%lld pixels, a side may have %d", s->name,
                        (long long)width, (long long)height, FCT_IMAGE_MAX_SIDE);
    int64_t limit = limit_for(s->opts, width * height);
    if (width * height > limit)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: picture of %lldx%lld pixels, the limit is %lld (--max-pixels)",
                        s->name, (long long)width, (long long)height, (long long)limit);
    return FCT_OK;
}

/* Blends onto black where the result has no alpha, then converts. */
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

void fct_image_unpremultiply(fct_image *im) {
    for (uint8_t *p = im->pixels, *end = p + im->stride * im->height; p < end; p += 4)
        for (int c = 0; c < 3 && p[3] && p[3] < 255; c++) {
            int v = (p[c] * 255 + p[3] / 2) / p[3];
            p[c] = (uint8_t)(v < 255 ? v : 255);
        }
}

typedef fct_status decode_fn(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err);

/* Whether a file of boxes (MP4's family) says that it holds a HEIC or AVIF picture:
 * its main brand or one of those that it is compatible with. */
static bool is_heif(const uint8_t *p, size_t len) {
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis"};
    if (len < 16 || memcmp(p + 4, "ftyp", 4)) return false;
    size_t end = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    for (size_t at = 8; at + 4 <= (end < len ? end : len) && at < 256; at += at == 8 ? 8 : 4)
        for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
            if (!memcmp(p + at, brands[i], 4)) return true;
    return false;
}

/* TIFF and BigTIFF in both byte orders, without Canon's raw files. */
static bool is_tiff(const uint8_t *p, size_t len) {
    static const char marks[4][5] = {"II*\0", "II+\0", "MM\0*", "MM\0+"};
    if (len < 10 || !memcmp(p + 8, "CR", 2)) return false;
    for (int i = 0; i < 4; i++)
        if (!memcmp(p, marks[i], 4)) return true;
    return false;
}

/* The decoder for what the first bytes say; NULL for anything else. */
static decode_fn *decoder_of(const uint8_t *p, size_t len) {
    if (len >= 3 && !memcmp(p, "\xFF\xD8\xFF", 3)) return fct_jpeg_decode;
    if (len >= 8 && !memcmp(p, "\x89PNG\r\n\x1A\n", 8)) return fct_png_decode;
    if (len >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "WEBP", 4)) return fct_webp_decode;
    if (is_heif(p, len)) return fct_heif_decode;
    if (is_tiff(p, len)) return fct_tiff_decode;
    if (len >= 6 && (!memcmp(p, "GIF87a", 6) || !memcmp(p, "GIF89a", 6))) return fct_gif_decode;
    if (len >= 12 && !memcmp(p, "\0\0\0\x0CJXL \r\n\x87\n", 12)) return fct_jxl_decode;
    if (len >= 2 && !memcmp(p, "\xFF\x0A", 2)) return fct_jxl_decode;
    if (len >= 18 && !memcmp(p, "BM", 2)) return fct_bmp_decode;
    return NULL;
}

/* Formats people try, to name them in the refusal. */
static const char *foreign_name(const uint8_t *p, size_t len) {
    if (len >= 10 && !memcmp(p, "II*\0", 4) && !memcmp(p + 8, "CR", 2)) return "camera raw";
    if (len >= 12 && !memcmp(p, "FUJIFILMCCD-", 12)) return "camera raw";
    if (len >= 4 && !memcmp(p, "8BPS", 4)) return "Photoshop";
    if (len >= 4 && !memcmp(p, "%PDF", 4)) return "PDF";
    if (len >= 12 && !memcmp(p, "\0\0\0\x0CjP  \r\n\x87\n", 12)) return "JPEG 2000";
    if (len >= 12 && !memcmp(p + 4, "ftyp", 4)) return "video";
    return NULL;
}

/* Names the format where it is a known one, since that helps more than "not a picture". */
static fct_status refuse(const fct_source_bytes *s, fct_error *err) {
    if (!s->len) return fct_fail(err, FCT_ERR_FORMAT, "%s: the file is empty", s->name);
    const char *kind = foreign_name(s->data, s->len);
    if (kind) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s files are not supported", s->name, kind);
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: not a picture of a format that facet reads", s->name);
}

/* Fills in what the decoder has not said: the size, upright. */
static void finish_facts(fct_image_facts *f, const fct_image *im) {
    if (!f->width) f->width = im->width, f->height = im->height;
    if (f->orientation < 5) return;
    int width = f->width;
    f->width = f->height;
    f->height = width;
}

fct_status fct_image_decode_facts(const void *data, size_t len, const char *name, const fct_decode_opts *opts,
                                  fct_image **out, fct_image_facts *facts, fct_error *err) {
    fct_decode_opts defaults;
    *out = NULL;
    *facts = (fct_image_facts){.orientation = 1};
    if (!opts) {
        fct_decode_opts_init(&defaults);
        opts = &defaults;
    }
    fct_source_bytes s = {data, len, name ? name : "image", opts};
    if (!data && len) return fct_fail(err, FCT_ERR_ARG, "%s: no data", s.name);
    if (opts->size != sizeof *opts || !fct_pixel_bytes(opts->format) || opts->max_pixels < 0)
        return fct_fail(err, FCT_ERR_ARG, "%s: decode options: size %zu, format %d, max_pixels %lld", s.name,
                        opts->size, (int)opts->format, (long long)opts->max_pixels);
    for (int i = 0; opts->part && i < 4; i++)
        if (!(opts->part[i] >= 0 && opts->part[i] <= 1))
            return fct_fail(err, FCT_ERR_ARG, "%s: decode options: a part at %g (0 to 1)", s.name,
                            (double)opts->part[i]);
    decode_fn *decode = decoder_of(data, len);
    if (!decode) return refuse(&s, err);
    fct_image *im = NULL, *upright = NULL;
    fct_status st = decode(&s, &im, facts, err);
    if (!st) finish_facts(facts, im);
    if (!st && !opts->keep_orientation && facts->orientation != 1) {
        st = fct_image_orient(fct_image_view(im), facts->orientation, &upright, err);
        if (opts->spare && !*opts->spare) *opts->spare = im;
        else fct_image_free(im);
        im = upright;
        facts->decoded_width = 0; /* it may lie on its side now */
    }
    *out = im;
    if (st) *facts = (fct_image_facts){.orientation = 1};
    else if (!facts->decoded_width) facts->decoded_width = im->width, facts->decoded_height = im->height;
    return st;
}

fct_status fct_image_decode(const void *data, size_t len, const char *name, const fct_decode_opts *opts,
                            fct_image **out, fct_error *err) {
    fct_image_facts facts;
    return fct_image_decode_facts(data, len, name, opts, out, &facts, err);
}

/* Far more than any picture that max_pixels lets through. */
#define LARGEST_FILE ((size_t)1 << 30)

fct_status fct_image_read(const char *path, const fct_decode_opts *opts, fct_image **out, fct_error *err) {
    fct_map map;
    *out = NULL;
    if (!path) return fct_fail(err, FCT_ERR_ARG, "no path of a picture");
    fct_status s = fct_map_copy(path, LARGEST_FILE, &map, err);
    if (s) return s;
    s = fct_image_decode(map.data, map.size, path, opts, out, err);
    fct_map_close(&map);
    return s;
}

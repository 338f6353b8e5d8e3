/* TIFF with libtiff: the first page of a file, in 1 to 16 bits, gray, palette,
 * RGB, YCbCr, CMYK or Lab, in strips or tiles.
 *
 * libtiff's RGBA reader brings all of these to 8 bits; it multiplies colors by
 * their alpha. Camera raw files (DNG, NEF, ...) are TIFF files whose first page is
 * a small preview; they are refused, for the picture is another one. */
#include "image/codec_load.h"
#include "base/error.h"

#ifdef FCT_HAVE_TIFF
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

/* clang-format off */
#define TIFF_FUNCTIONS(X) \
    X(TIFFClientOpenExt) X(TIFFClose) X(TIFFGetField) X(TIFFOpenOptionsAlloc) X(TIFFOpenOptionsFree) \
    X(TIFFOpenOptionsSetErrorHandlerExtR) X(TIFFOpenOptionsSetMaxSingleMemAlloc) \
    X(TIFFOpenOptionsSetWarningHandlerExtR) X(TIFFRGBAImageBegin) X(TIFFRGBAImageEnd) X(TIFFRGBAImageGet)
TIFF_FUNCTIONS(FCT_CODEC_POINTER)
static const fct_symbol symbols[] = {TIFF_FUNCTIONS(FCT_CODEC_SYMBOL)};
/* clang-format on */

static fct_codec_library library = {.files = {"libtiff.so.6", "libtiff.6.dylib", "libtiff-6.dll"},
                                    .package = "libtiff6",
                                    .symbols = symbols,
                                    .n = sizeof symbols / sizeof *symbols};

/* The file as libtiff sees it, and what it had to say first. */
typedef struct tiff_file {
    const fct_source_bytes *source;
    size_t at;
    bool past_end; /* something was read that the file does not have */
    char fault[160];
} tiff_file;

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t n) {
    tiff_file *f = handle;
    size_t rest = f->at < f->source->len ? f->source->len - f->at : 0;
    size_t take = n < 0 ? 0 : (size_t)n < rest ? (size_t)n : rest;
    f->past_end |= n > 0 && take < (size_t)n;
    if (take) memcpy(out, f->source->data + f->at, take);
    f->at += take;
    return (tmsize_t)take;
}

static tmsize_t write_bytes(thandle_t handle, void *data, tmsize_t n) { return 0; }

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    tiff_file *f = handle;
    uint64_t base = whence == SEEK_CUR ? f->at : whence == SEEK_END ? f->source->len : 0;
    f->at = (size_t)(base + offset);
    return base + offset;
}

static int close_file(thandle_t handle) { return 0; }
static toff_t size_of(thandle_t handle) { return ((tiff_file *)handle)->source->len; }

/* Without a map libtiff copies what it needs, so a lying offset reads nothing. */
static int no_map(thandle_t handle, void **base, toff_t *size) { return 0; }
static void no_unmap(thandle_t handle, void *base, toff_t size) {}

/* Keeps the first message, which names the cause; those that follow are its consequences. */
static int on_error(TIFF *t, void *user, const char *module, const char *format, va_list args) {
    tiff_file *f = user;
    if (!f->fault[0]) vsnprintf(f->fault, sizeof f->fault, format, args);
    return 1;
}

static int on_warning(TIFF *t, void *user, const char *module, const char *format, va_list args) { return 1; }

static fct_status tiff_fail(const tiff_file *f, const char *fallback, fct_error *err) {
    const char *text = f->fault[0] ? f->fault : fallback;
    if (f->past_end) return fct_fail(err, FCT_ERR_FORMAT, "%s: TIFF is cut off: %s", f->source->name, text);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged TIFF: %s", f->source->name, text);
}

/* Raster words (alpha in the highest byte) to bytes R G B A, in place. */
static void words_to_bytes(uint8_t *p, size_t n) {
    for (; n; n--, p += 4) {
        uint32_t v;
        memcpy(&v, p, 4);
        p[0] = (uint8_t)TIFFGetR(v), p[1] = (uint8_t)TIFFGetG(v);
        p[2] = (uint8_t)TIFFGetB(v), p[3] = (uint8_t)TIFFGetA(v);
    }
}

/* Whether the file holds a camera's raw data, of which the first page is no more than a preview. */
static bool is_camera_raw(TIFF *t) {
    uint32_t kind = 0;
    uint16_t n = 0;
    void *more;
    if (lib_TIFFGetField(t, TIFFTAG_DNGVERSION, &more)) return true;
    return lib_TIFFGetField(t, TIFFTAG_SUBFILETYPE, &kind) && (kind & FILETYPE_REDUCEDIMAGE) &&
           lib_TIFFGetField(t, TIFFTAG_SUBIFD, &n, &more) && n > 0;
}

/* Reads the rows as they are stored; whoever asked for the picture turns it. */
static fct_status read_pixels(tiff_file *f, TIFFRGBAImage *reader, fct_image **out, fct_error *err) {
    fct_status s = fct_image_create_raw((int)reader->width, (int)reader->height, FCT_PIX_RGBA, out, err);
    if (s) return s;
    fct_image *im = *out;
    reader->req_orientation = reader->orientation;
    if (!lib_TIFFRGBAImageGet(reader, (uint32_t *)(void *)im->pixels, reader->width, reader->height))
        return tiff_fail(f, "the pixels cannot be read", err);
    words_to_bytes(im->pixels, (size_t)im->width * (size_t)im->height);
    if (reader->alpha) fct_image_unpremultiply(im);
    return FCT_OK;
}

/* The size is checked before libtiff takes memory for it. */
static fct_status decode_page(tiff_file *f, TIFF *t, fct_image **out, fct_image_facts *facts, fct_error *err) {
    const fct_source_bytes *s = f->source;
    char why[1024] = "";
    uint32_t w = 0, h = 0;
    uint16_t turn = 1;
    TIFFRGBAImage reader;
    if (is_camera_raw(t)) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: camera raw files are not supported", s->name);
    lib_TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &w);
    lib_TIFFGetField(t, TIFFTAG_IMAGELENGTH, &h);
    fct_status st = fct_decode_check_size(s, w, h, err);
    if (st) return st;
    fct_exif_read(s->data, s->len, facts); /* the file is what an EXIF block is made after */
    if (lib_TIFFGetField(t, TIFFTAG_ORIENTATION, &turn) && turn >= 1 && turn <= 8) facts->orientation = turn;
    else facts->orientation = 1;
    if (!lib_TIFFRGBAImageBegin(&reader, t, 1, why)) {
        if (f->fault[0] || f->past_end) return tiff_fail(f, why, err);
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: TIFF of an unsupported kind: %s", s->name, why);
    }
    st = read_pixels(f, &reader, out, err);
    lib_TIFFRGBAImageEnd(&reader);
    return st;
}

fct_status fct_tiff_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    enum { BASE_MEMORY = 1 << 20, BYTES = 8 }; /* of tables; of a pixel in a strip or a tile */
    fct_image *im = NULL;
    *out = NULL;
    fct_status st = fct_codec_load(&library, s->name, "TIFF", err);
    if (st) return st;
    tiff_file f = {.source = s};
    TIFFOpenOptions *o = lib_TIFFOpenOptionsAlloc();
    if (!o) return fct_fail_nomem(err, s->name, 0);
    lib_TIFFOpenOptionsSetMaxSingleMemAlloc(o, (tmsize_t)(BASE_MEMORY + BYTES * fct_decode_pixel_limit(s->opts)));
    lib_TIFFOpenOptionsSetErrorHandlerExtR(o, on_error, &f);
    lib_TIFFOpenOptionsSetWarningHandlerExtR(o, on_warning, &f);
    TIFF *t = lib_TIFFClientOpenExt("picture", "rm", &f, read_bytes, write_bytes, seek, close_file, size_of, no_map,
                                    no_unmap, o);
    lib_TIFFOpenOptionsFree(o);
    if (!t) return tiff_fail(&f, "no page", err);
    st = decode_page(&f, t, &im, facts, err);
    lib_TIFFClose(t);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) fct_image_free(im);
    else *out = im;
    return st;
}

#else

fct_status fct_tiff_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no TIFF (Meson feature \"tiff\")", s->name);
}

#endif

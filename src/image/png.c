/* PNG with libspng. Gamma and color profiles are ignored, as OpenCV does. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_PNG
#include <spng.h>

/* Text, profiles and EXIF of a file: one chunk, all chunks. */
#define MAX_CHUNK  (16u << 20)
#define MAX_CHUNKS (32u << 20)

/* libspng and zlib report some failed allocations as damaged data; this tells
 * them apart. */
static _Thread_local bool out_of_memory;

static void *noted(void *p) {
    out_of_memory |= !p;
    return p;
}
static void *png_malloc(size_t size) { return noted(fct_alloc(size)); }
static void *png_realloc(void *p, size_t size) { return noted(fct_realloc(p, size)); }
static void *png_calloc(size_t count, size_t size) { return noted(fct_calloc(count, size)); }

static spng_ctx *context(int flags) {
    struct spng_alloc a = {png_malloc, png_realloc, png_calloc, fct_free};
    out_of_memory = false;
    return spng_ctx_new2(&a, flags);
}

/* Tells a lack of memory and a cut-off file apart from damage. */
static fct_status png_fail(const fct_source_bytes *s, int code, fct_error *err) {
    if (code == SPNG_EMEM || out_of_memory) return fct_fail_nomem(err, s->name, 0);
    if (code == SPNG_EOF || code == SPNG_EIDAT_TOO_SHORT || code == SPNG_IO_EOF)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: PNG is cut off", s->name);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged PNG: %s", s->name, spng_strerror(code));
}

/* A PNG without an alpha channel may still name a transparent color. */
static bool has_alpha(spng_ctx *ctx, const struct spng_ihdr *h) {
    struct spng_trns t;
    return h->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA || h->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ||
           !spng_get_trns(ctx, &t);
}

/* Decodes into RGB or RGBA. The chunks behind the pixels are read too, for EXIF and to see that the file is whole. */
static fct_status decode_pixels(spng_ctx *ctx, const fct_source_bytes *s, fct_image **out, fct_error *err) {
    struct spng_ihdr h;
    int code = spng_get_ihdr(ctx, &h);
    if (code) return png_fail(s, code, err);
    fct_status st = fct_decode_check_size(s, h.width, h.height, err);
    if (st) return st;
    bool alpha = has_alpha(ctx, &h);
    st = fct_image_create_raw((int)h.width, (int)h.height, alpha ? FCT_PIX_RGBA : FCT_PIX_RGB, out, err);
    if (st) return st;
    size_t size = (size_t)(*out)->stride * h.height;
    code = spng_decode_image(ctx, (*out)->pixels, size, alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8,
                             alpha ? SPNG_DECODE_TRNS : 0);
    if (!code) code = spng_decode_chunks(ctx);
    return code ? png_fail(s, code, err) : FCT_OK;
}

fct_status fct_png_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    fct_image *im = NULL;
    *out = NULL;
    spng_ctx *ctx = context(0);
    if (!ctx) return fct_fail_nomem(err, s->name, 0);
    spng_set_chunk_limits(ctx, MAX_CHUNK, MAX_CHUNKS);
    spng_set_crc_action(ctx, SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
    int code = spng_set_png_buffer(ctx, s->data, s->len);
    fct_status st = code ? png_fail(s, code, err) : decode_pixels(ctx, s, &im, err);
    struct spng_exif exif;
    if (!st && !spng_get_exif(ctx, &exif)) fct_exif_read((uint8_t *)exif.data, exif.length, facts);
    spng_ctx_free(ctx);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) fct_image_free(im);
    else *out = im;
    return st;
}

static int write_bytes(spng_ctx *ctx, void *user, void *src, size_t len) {
    bool ok = fct_bytes_append(user, src, len);
    out_of_memory |= !ok;
    return ok ? 0 : SPNG_IO_ERROR;
}

/* Writes row by row: converts orders of channels that PNG does not have. */
static int encode_rows(spng_ctx *ctx, fct_view v, fct_pixel format, uint8_t *row) {
    size_t len = (size_t)v.width * (size_t)fct_pixel_bytes(format);
    int code = 0;
    for (int y = 0; y < v.height && !code; y++) {
        fct_convert_row(fct_view_row(v, y), v.format, row, format, v.width);
        code = spng_encode_row(ctx, row, len);
    }
    return code == SPNG_EOI ? 0 : code;
}

static int encode(spng_ctx *ctx, fct_view v, fct_bytes *out, uint8_t *row) {
    fct_pixel format = v.format == FCT_PIX_BGR ? FCT_PIX_RGB : v.format == FCT_PIX_BGRA ? FCT_PIX_RGBA : v.format;
    struct spng_ihdr h = {.width = (uint32_t)v.width, .height = (uint32_t)v.height, .bit_depth = 8};
    h.color_type = format == FCT_PIX_GRAY  ? SPNG_COLOR_TYPE_GRAYSCALE
                   : format == FCT_PIX_RGB ? SPNG_COLOR_TYPE_TRUECOLOR
                                           : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
    int code = spng_set_ihdr(ctx, &h);
    if (!code) code = spng_set_png_stream(ctx, write_bytes, out);
    /* Level 3 writes photos three times as fast as zlib's default, 3 % larger. */
    if (!code) code = spng_set_option(ctx, SPNG_IMG_COMPRESSION_LEVEL, 3);
    if (!code) code = spng_encode_image(ctx, NULL, 0, SPNG_FMT_PNG, SPNG_ENCODE_PROGRESSIVE | SPNG_ENCODE_FINALIZE);
    return code ? code : encode_rows(ctx, v, format, row);
}

fct_status fct_png_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    spng_ctx *ctx = context(SPNG_CTX_ENCODER);
    uint8_t *row = fct_alloc((size_t)v.width * 4);
    int code = ctx && row ? encode(ctx, v, out, row) : SPNG_EMEM;
    spng_ctx_free(ctx);
    fct_free(row);
    if (code == SPNG_EMEM || (code && out_of_memory)) return fct_fail_nomem(err, "PNG encoder", 0);
    return code ? fct_fail(err, FCT_ERR_INTERNAL, "PNG encoder: %s", spng_strerror(code)) : FCT_OK;
}

#else

fct_status fct_png_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no PNG (Meson feature \"png\")", s->name);
}

fct_status fct_png_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build has no PNG (Meson feature \"png\")");
}

#endif

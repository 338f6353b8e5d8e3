/* WebP with libwebp. Of an animation the first frame is taken.
 *
 * A file: "RIFF", size (u32, little-endian), "WEBP", then chunks of a
 * four-letter name, a size and that many bytes, padded to an even length. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_WEBP
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

static size_t le32(const uint8_t *p) {
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* Reads the EXIF chunk, where there is one. */
static void read_exif(const uint8_t *p, size_t len, fct_image_facts *facts) {
    size_t at = 12;
    while (len >= 8 && at <= len - 8) {
        size_t size = le32(p + at + 4), rest = len - at - 8;
        if (size > rest) return;
        const uint8_t *body = p + at + 8;
        if (!memcmp(p + at, "EXIF", 4)) {
            bool prefixed = size > 6 && !memcmp(body, "Exif\0", 6); /* some writers keep JPEG's prefix */
            fct_exif_read(prefixed ? body + 6 : body, prefixed ? size - 6 : size, facts);
            return;
        }
        if (size + (size & 1) > rest) return;
        at += 8 + size + (size & 1);
    }
}

static fct_status webp_fail(const fct_source_bytes *s, VP8StatusCode code, fct_error *err) {
    if (code == VP8_STATUS_OUT_OF_MEMORY) return fct_fail_nomem(err, s->name, 0);
    if (code == VP8_STATUS_NOT_ENOUGH_DATA || code == VP8_STATUS_SUSPENDED)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: WebP is cut off", s->name);
    if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: WebP with an unsupported feature", s->name);
    return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged WebP", s->name);
}

/* Decodes straight into the picture's own memory. */
static fct_status decode_still(const fct_source_bytes *s, fct_image *im, fct_error *err) {
    WebPDecoderConfig c;
    if (!WebPInitDecoderConfig(&c)) return fct_fail(err, FCT_ERR_INTERNAL, "libwebp is of another version");
    c.output.colorspace = im->format == FCT_PIX_RGBA ? MODE_RGBA : MODE_RGB;
    c.output.is_external_memory = 1;
    c.output.u.RGBA.rgba = im->pixels;
    c.output.u.RGBA.stride = (int)im->stride;
    c.output.u.RGBA.size = (size_t)im->stride * (size_t)im->height;
    VP8StatusCode code = WebPDecode(s->data, s->len, &c);
    WebPFreeDecBuffer(&c.output);
    return code == VP8_STATUS_OK ? FCT_OK : webp_fail(s, code, err);
}

static fct_status decode_first_frame(const fct_source_bytes *s, fct_image *im, fct_error *err) {
    WebPData data = {s->data, s->len};
    WebPAnimDecoder *d = WebPAnimDecoderNew(&data, NULL); /* RGBA */
    if (!d) return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged WebP animation", s->name);
    WebPAnimInfo info;
    uint8_t *frame;
    int time;
    bool ok = WebPAnimDecoderGetInfo(d, &info) && (int64_t)info.canvas_width == im->width &&
              (int64_t)info.canvas_height == im->height && WebPAnimDecoderGetNext(d, &frame, &time);
    if (ok) memcpy(im->pixels, frame, (size_t)im->stride * (size_t)im->height);
    WebPAnimDecoderDelete(d);
    return ok ? FCT_OK : fct_fail(err, FCT_ERR_FORMAT, "%s: damaged WebP animation", s->name);
}

fct_status fct_webp_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    /* libwebp does not miss what is cut off behind the pixels. */
    if (s->len < 12 || le32(s->data + 4) > s->len - 8) return webp_fail(s, VP8_STATUS_NOT_ENOUGH_DATA, err);
    WebPBitstreamFeatures f;
    VP8StatusCode code = WebPGetFeatures(s->data, s->len, &f);
    if (code != VP8_STATUS_OK) return webp_fail(s, code, err);
    fct_status st = fct_decode_check_size(s, f.width, f.height, err);
    if (st) return st;
    fct_image *im;
    st = fct_image_create_raw(f.width, f.height, f.has_alpha || f.has_animation ? FCT_PIX_RGBA : FCT_PIX_RGB, &im, err);
    if (st) return st;
    st = f.has_animation ? decode_first_frame(s, im, err) : decode_still(s, im, err);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) {
        fct_image_free(im);
        return st;
    }
    read_exif(s->data, s->len, facts);
    *out = im;
    return FCT_OK;
}

static int write_bytes(const uint8_t *data, size_t len, const WebPPicture *p) {
    return fct_bytes_append(p->custom_ptr, data, len);
}

static bool import(WebPPicture *p, fct_view v) {
    int stride = (int)v.stride;
    switch (v.format) {
    case FCT_PIX_RGB:
        return WebPPictureImportRGB(p, v.data, stride);
    case FCT_PIX_BGR:
        return WebPPictureImportBGR(p, v.data, stride);
    case FCT_PIX_RGBA:
        return WebPPictureImportRGBA(p, v.data, stride);
    case FCT_PIX_BGRA:
        return WebPPictureImportBGRA(p, v.data, stride);
    case FCT_PIX_GRAY:
        break;
    }
    return false;
}

/* libwebp has no gray pictures and takes no strides beyond int. */
static bool importable(fct_view v) { return v.format != FCT_PIX_GRAY && v.stride > 0 && v.stride <= INT32_MAX; }

fct_status fct_webp_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    if (v.width > WEBP_MAX_DIMENSION || v.height > WEBP_MAX_DIMENSION)
        return fct_fail(err, FCT_ERR_LIMIT, "picture of %dx%d: WebP sides may have %d pixels", v.width, v.height,
                        WEBP_MAX_DIMENSION);
    WebPConfig c;
    WebPPicture p;
    if (!WebPConfigPreset(&c, WEBP_PRESET_PHOTO, (float)quality) || !WebPPictureInit(&p))
        return fct_fail(err, FCT_ERR_INTERNAL, "libwebp is of another version");
    fct_image *copy = NULL;
    fct_status s = importable(v) ? FCT_OK : fct_image_convert(v, FCT_PIX_RGB, &copy, err);
    if (s) return s;
    p.width = v.width;
    p.height = v.height;
    p.writer = write_bytes;
    p.custom_ptr = out;
    bool ok = import(&p, copy ? fct_image_view(copy) : v) && WebPEncode(&c, &p);
    WebPPictureFree(&p);
    fct_image_free(copy);
    return ok ? FCT_OK : fct_fail(err, FCT_ERR_NOMEM, "WebP encoder: failed with code %d", (int)p.error_code);
}

#else

fct_status fct_webp_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no WebP (Meson feature \"webp\")", s->name);
}

fct_status fct_webp_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build has no WebP (Meson feature \"webp\")");
}

#endif

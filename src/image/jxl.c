/* JPEG XL with libjxl. The library turns the picture as the file says (the EXIF
 * block, if any, says the same and is not looked at) and gives sRGB bytes. */
#include "image/codec_load.h"
#include "base/error.h"

#ifdef FCT_HAVE_JXL
#include <jxl/decode.h>
#include <jxl/encode.h>

/* clang-format off */
#define JXL(X) \
    X(JxlColorEncodingSetToSRGB) X(JxlDecoderCreate) X(JxlDecoderDestroy) \
    X(JxlDecoderGetBasicInfo) X(JxlDecoderImageOutBufferSize) X(JxlDecoderProcessInput) \
    X(JxlDecoderSetImageOutBuffer) X(JxlDecoderSetInput) X(JxlDecoderSetKeepOrientation) \
    X(JxlDecoderSetPreferredColorProfile) X(JxlDecoderSetUnpremultiplyAlpha) X(JxlDecoderSubscribeEvents)
JXL(FCT_CODEC_POINTER)
static const fct_symbol symbols[] = {JXL(FCT_CODEC_SYMBOL)};
/* clang-format on */

/* Each version of 0.x lays its structures out in its own way. */
#define JXL_FILE(minor)  JXL_FILE_(minor)
#define JXL_FILE_(minor) "libjxl.so.0." #minor
static fct_codec_library library = {.files = {JXL_FILE(FCT_JXL_MINOR)},
                                    .package = "libjxl0.7",
                                    .symbols = symbols,
                                    .n = sizeof symbols / sizeof *symbols};

/* Makes the picture, once its size and alpha are known, and hands its bytes to the decoder. */
static fct_status begin(JxlDecoder *d, const fct_source_bytes *s, fct_image **out, fct_error *err) {
    JxlBasicInfo info;
    if (lib_JxlDecoderGetBasicInfo(d, &info) != JXL_DEC_SUCCESS)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged JPEG XL: no size", s->name);
    fct_status st = fct_decode_check_size(s, info.xsize, info.ysize, err);
    if (!st)
        st = fct_image_create((int)info.xsize, (int)info.ysize, info.alpha_bits ? FCT_PIX_RGBA : FCT_PIX_RGB, out, err);
    return st;
}

/* Asks for sRGB. Files whose pixels are stored in another profile keep that. */
static fct_status choose_colors(JxlDecoder *d) {
    JxlBasicInfo info;
    JxlColorEncoding srgb;
    if (lib_JxlDecoderGetBasicInfo(d, &info) != JXL_DEC_SUCCESS) return FCT_OK;
    lib_JxlColorEncodingSetToSRGB(&srgb, info.num_color_channels == 1);
    lib_JxlDecoderSetPreferredColorProfile(d, &srgb);
    return FCT_OK;
}

static fct_status set_output(JxlDecoder *d, const fct_source_bytes *s, fct_image *im, fct_error *err) {
    JxlPixelFormat format = {(uint32_t)fct_pixel_bytes(im->format), JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
    size_t have = (size_t)im->stride * (size_t)im->height, need;
    if (lib_JxlDecoderImageOutBufferSize(d, &format, &need) != JXL_DEC_SUCCESS || need > have ||
        lib_JxlDecoderSetImageOutBuffer(d, &format, im->pixels, have) != JXL_DEC_SUCCESS)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged JPEG XL: a frame of another size", s->name);
    return FCT_OK;
}

/* Runs the decoder until the first frame is complete. */
static fct_status run(JxlDecoder *d, const fct_source_bytes *s, fct_image **out, fct_error *err) {
    for (fct_status st = FCT_OK;;) {
        switch (lib_JxlDecoderProcessInput(d)) {
        case JXL_DEC_BASIC_INFO:
            st = *out ? fct_fail(err, FCT_ERR_FORMAT, "%s: damaged JPEG XL: two headers", s->name)
                      : begin(d, s, out, err);
            break;
        case JXL_DEC_COLOR_ENCODING:
            st = choose_colors(d);
            break;
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
            st = *out ? set_output(d, s, *out, err)
                      : fct_fail(err, FCT_ERR_FORMAT, "%s: damaged JPEG XL: no header", s->name);
            break;
        case JXL_DEC_FULL_IMAGE:
            return FCT_OK;
        case JXL_DEC_NEED_MORE_INPUT:
            return fct_fail(err, FCT_ERR_FORMAT, "%s: JPEG XL is cut off", s->name);
        default:
            return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged JPEG XL", s->name);
        }
        if (st) return st;
    }
}

fct_status fct_jxl_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    fct_image *im = NULL;
    *out = NULL;
    fct_status st = fct_codec_load(&library, s->name, "JPEG XL", err);
    if (st) return st;
    JxlDecoder *d = lib_JxlDecoderCreate(NULL);
    if (!d) return fct_fail_nomem(err, s->name, 0);
    int events = JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE;
    bool ok = lib_JxlDecoderSubscribeEvents(d, events) == JXL_DEC_SUCCESS &&
              lib_JxlDecoderSetKeepOrientation(d, s->opts->keep_orientation) == JXL_DEC_SUCCESS &&
              lib_JxlDecoderSetUnpremultiplyAlpha(d, JXL_TRUE) == JXL_DEC_SUCCESS &&
              lib_JxlDecoderSetInput(d, s->data, s->len) == JXL_DEC_SUCCESS;
    st = ok ? run(d, s, &im, err) : fct_fail(err, FCT_ERR_INTERNAL, "%s: libjxl is of another version", s->name);
    lib_JxlDecoderDestroy(d);
    if (!st) st = fct_decode_finish_alpha(&im, s->opts->format, err);
    if (st) fct_image_free(im);
    else *out = im;
    return st;
}

#else

fct_status fct_jxl_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no JPEG XL (Meson feature \"jxl\")", s->name);
}

#endif

/* Formats of which little is read here: their size, and of JPEG XL the packet. All
 * are written by sidecar alone.
 *   GIF      "GIF87a" or "GIF89a", width, height (u16, little-endian)
 *   BMP      "BM", 12 bytes, size of the header (u32, little-endian), width, height:
 *            u16 where it is 12, else i32; a negative height means from top to bottom
 *   JPEG XL  (ISO/IEC 18181) a codestream, which begins with FF 0A, or boxes as in
 *            HEIC (size u32, big-endian, with its own 8 bytes, 0 = to the end of the file, 1 = u64
 *            follows; type): "jxlc" the codestream, "jxlp" a part of it after a
 *            number (u32), "xml " the packet
 * The codestream's size is written in bits, the lowest first: small (1 bit), then
 * height (small: 5 bits, times 8; else a selector of 2 bits says of how many bits, 9,
 * 13, 18 or 30), ratio (3 bits; 0 = the width follows like the height), then whether
 * all of the metadata has its defaults, whether there are extra fields, and of these
 * the orientation (3 bits). Decoders turn the picture by it and not by EXIF, so that
 * it is taken for upright here. */
#include "tags/photo_meta.h"

#include "base/error.h"

#include <string.h>

static fct_status cut_off(const fct_photo_bytes *p, const char *format, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s is damaged or cut off", p->name, format);
}

/* ---- GIF ----------------------------------------------------------------------------- */

static bool is_gif(const uint8_t *data, size_t size) {
    return size >= 6 && (!memcmp(data, "GIF87a", 6) || !memcmp(data, "GIF89a", 6));
}

static fct_status read_gif(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    if (p->size < 10) return cut_off(p, "GIF", err);
    out->width = (int)fct_meta_little(p->data + 6, 2);
    out->height = (int)fct_meta_little(p->data + 8, 2);
    return FCT_OK;
}

const fct_photo_format fct_photo_gif = {"GIF", is_gif, read_gif, NULL};

/* ---- BMP ----------------------------------------------------------------------------- */

static bool is_bmp(const uint8_t *data, size_t size) { return size >= 2 && !memcmp(data, "BM", 2); }

static fct_status read_bmp(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    if (p->size < 26) return cut_off(p, "BMP", err);
    int bytes = fct_meta_little(p->data + 14, 4) == 12 ? 2 : 4;
    int64_t width = (int64_t)fct_meta_little(p->data + 18, bytes);
    int64_t height = (int64_t)fct_meta_little(p->data + 18 + bytes, bytes);
    if (height > INT32_MAX) height = ((int64_t)1 << 32) - height;
    if (width > INT32_MAX || height > INT32_MAX) return cut_off(p, "BMP", err);
    out->width = (int)width;
    out->height = (int)height;
    return FCT_OK;
}

const fct_photo_format fct_photo_bmp = {"BMP", is_bmp, read_bmp, NULL};

/* ---- JPEG XL -------------------------------------------------------------------------- */

static bool is_stream(const uint8_t *data, size_t size) { return size >= 2 && data[0] == 0xFF && data[1] == 0x0A; }

static bool is_jxl(const uint8_t *data, size_t size) {
    return is_stream(data, size) || (size >= 12 && !memcmp(data, "\0\0\0\14JXL \r\n\207\n", 12));
}

typedef struct bit_source {
    const uint8_t *data;
    size_t bits, at;
} bit_source;

/* The next n bits; 0 behind the end, which the caller sees by `at`. */
static uint32_t take_bits(bit_source *b, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++, b->at++)
        if (b->at < b->bits) v |= (uint32_t)(b->data[b->at / 8] >> b->at % 8 & 1) << i;
    return v;
}

static int take_length(bit_source *b, bool small) {
    static const int widths[] = {9, 13, 18, 30};
    return small ? (int)(take_bits(b, 5) + 1) * 8 : (int)take_bits(b, widths[take_bits(b, 2)]) + 1;
}

/* Reads size and orientation of a codestream; false: it is none, or too short. */
static bool read_stream(const uint8_t *data, size_t size, fct_photo_meta *out) {
    static const int ratios[][2] = {{0, 1}, {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}};
    if (!is_stream(data, size)) return false;
    bit_source b = {data + 2, (size < 64 ? size - 2 : 62) * 8, 0};
    bool small = take_bits(&b, 1);
    int64_t height = take_length(&b, small);
    const int *ratio = ratios[take_bits(&b, 3)];
    int64_t width = ratio[0] ? height * ratio[0] / ratio[1] : take_length(&b, small);
    bool turned = !take_bits(&b, 1) && take_bits(&b, 1) && take_bits(&b, 3) >= 4; /* orientations 5 to 8 */
    if (b.at > b.bits || width > INT32_MAX) return false;
    out->width = (int)(turned ? height : width);
    out->height = (int)(turned ? width : height);
    return true;
}

static fct_status read_jxl(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    bool sized = is_stream(p->data, p->size) && read_stream(p->data, p->size, out);
    for (size_t at = is_stream(p->data, p->size) ? p->size : 0; p->size - at >= 8;) {
        uint64_t n = fct_meta_big(p->data + at, 4), head = n == 1 ? 16 : 8;
        if (n == 1 && p->size - at >= 16) n = fct_meta_big(p->data + at + 8, 8);
        if (n == 0) n = p->size - at;
        if (n < head || n > p->size - at) break;
        const uint8_t *type = p->data + at + 4, *body = p->data + at + head;
        size_t size = (size_t)(n - head), skip = memcmp(type, "jxlp", 4) ? 0 : 4;
        if (!sized && size >= skip && (skip || !memcmp(type, "jxlc", 4)))
            sized = read_stream(body + skip, size - skip, out);
        if (!memcmp(type, "xml ", 4)) out->xmp = body, out->xmp_size = size;
        at += (size_t)n;
    }
    return sized ? FCT_OK : cut_off(p, "JPEG XL", err);
}

const fct_photo_format fct_photo_jxl = {"JPEG XL", is_jxl, read_jxl, NULL};

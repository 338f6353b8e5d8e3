/* PNG (ISO/IEC 15948): a signature of 8 bytes, then chunks of length (u32), type
 * (4 letters), content and CRC-32 of type and content. Chunks of interest:
 *   IHDR   width, height (u32)
 *   eXIf   a TIFF block
 *   iTXt   keyword "XML:com.adobe.xmp\0", compression flag and method (u8 each, 0 for
 *          XMP), language "\0", translated keyword "\0", then the packet */
#include "tags/photo_meta.h"

#include "base/error.h"

#include <string.h>

static const char keyword[] = "XML:com.adobe.xmp"; /* with its NUL */

typedef struct png_chunk {
    size_t at, end; /* of the whole chunk */
    const uint8_t *body;
    size_t size;
} png_chunk;

static bool next_chunk(const fct_photo_bytes *p, size_t at, png_chunk *c) {
    if (p->size - at < 12) return false;
    uint64_t n = fct_meta_big(p->data + at, 4);
    if (n > p->size - at - 12) return false;
    *c = (png_chunk){at, at + 12 + (size_t)n, p->data + at + 8, (size_t)n};
    return true;
}

static bool is_type(const fct_photo_bytes *p, const png_chunk *c, const char *type) {
    return !memcmp(p->data + c->at + 4, type, 4);
}

static bool is_packet(const fct_photo_bytes *p, const png_chunk *c) {
    return is_type(p, c, "iTXt") && c->size >= sizeof keyword && !memcmp(c->body, keyword, sizeof keyword);
}

static bool is_png(const uint8_t *data, size_t size) { return size >= 8 && !memcmp(data, "\x89PNG\r\n\x1A\n", 8); }

/* Finds the packet behind the two texts that come before it. */
static fct_status take_packet(const fct_photo_bytes *p, const png_chunk *c, fct_photo_meta *out, fct_error *err) {
    const uint8_t *at = c->body + sizeof keyword, *end = c->body + c->size;
    if (end - at < 2) return fct_fail(err, FCT_ERR_FORMAT, "%s: PNG with a cut off iTXt chunk", p->name);
    if (at[0]) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: PNG with compressed XMP", p->name);
    at += 2;
    for (int i = 0; i < 2; i++) {
        const uint8_t *nul = memchr(at, 0, (size_t)(end - at));
        if (!nul) return fct_fail(err, FCT_ERR_FORMAT, "%s: PNG with a damaged iTXt chunk", p->name);
        at = nul + 1;
    }
    out->xmp = at;
    out->xmp_size = (size_t)(end - at);
    return FCT_OK;
}

static fct_status damaged(const fct_photo_bytes *p, size_t at, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: PNG is damaged or cut off at byte %zu", p->name, at);
}

static fct_status read_png(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    fct_status s = FCT_OK;
    png_chunk c;
    for (size_t at = 8; !s; at = c.end) {
        if (!next_chunk(p, at, &c)) return damaged(p, at, err);
        if (at == 8 && !is_type(p, &c, "IHDR")) return damaged(p, at, err);
        if (is_type(p, &c, "IEND")) break;
        if (at == 8 && c.size >= 8) {
            uint64_t w = fct_meta_big(c.body, 4), h = fct_meta_big(c.body + 4, 4);
            if (w > INT32_MAX || h > INT32_MAX) return damaged(p, at, err);
            out->width = (int)w;
            out->height = (int)h;
        } else if (is_type(p, &c, "eXIf")) out->orientation = fct_meta_orientation(c.body, c.size);
        else if (is_packet(p, &c) && !out->xmp) s = take_packet(p, &c, out, err);
    }
    return s;
}

/* CRC-32 of ISO 3309, bit by bit: a packet is small. */
static uint32_t crc32_of(const void *data, size_t size) {
    const uint8_t *p = data;
    uint32_t c = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320U ^ c >> 1 : c >> 1;
    }
    return c ^ UINT32_MAX;
}

static void add_packet(fct_buf *out, const char *xmp, size_t size) {
    fct_meta_add_big(out, sizeof keyword + 4 + size, 4);
    size_t at = out->size;
    fct_buf_text(out, "iTXt");
    fct_buf_add(out, keyword, sizeof keyword);
    fct_buf_add(out, "\0\0\0\0", 4);
    fct_buf_add(out, xmp, size);
    if (!out->failed) fct_meta_add_big(out, crc32_of(out->data + at, out->size - at), 4);
}

/* Puts the packet behind the header chunk, where a program finds it before the pixels. */
static fct_status put_png(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err) {
    png_chunk c;
    if (size > INT32_MAX - 64) return fct_fail(err, FCT_ERR_LIMIT, "%s: too much XMP for a PNG", p->name);
    fct_buf_add(out, p->data, 8);
    for (size_t at = 8;; at = c.end) {
        if (!next_chunk(p, at, &c) || (at == 8 && !is_type(p, &c, "IHDR"))) return damaged(p, at, err);
        if (!is_packet(p, &c)) fct_buf_add(out, p->data + at, c.end - at);
        if (at == 8) add_packet(out, xmp, size);
        if (is_type(p, &c, "IEND")) break;
    }
    fct_buf_add(out, p->data + c.end, p->size - c.end);
    return out->failed ? fct_fail_nomem(err, p->name, p->size) : FCT_OK;
}

const fct_photo_format fct_photo_png = {"PNG", is_png, read_png, put_png};

/* WebP (RFC 9649): "RIFF", size of what follows (u32, little-endian like all), "WEBP",
 * then chunks of type (4 letters), size (u32) and content, filled up to an even size.
 *   VP8X   flags (u8; 4 = has XMP, 16 = has alpha), 3 bytes, width - 1, height - 1
 *          (u24 each); must be first where there is metadata
 *   "VP8 " lossy: 3 bytes, 9D 01 2A, width, height (u16, 14 bits)
 *   VP8L   lossless: 2F, width - 1, height - 1 (14 bits each), alpha (1 bit)
 *   EXIF   a TIFF block       "XMP "   the packet */
#include "tags/photo_meta.h"

#include "base/error.h"

#include <string.h>

enum { HAS_XMP = 4, HAS_ALPHA = 16 };

typedef struct riff_chunk {
    size_t at, end; /* of the whole chunk with its filling */
    const uint8_t *body;
    size_t size;
} riff_chunk;

static bool next_chunk(const fct_photo_bytes *p, size_t at, riff_chunk *c) {
    if (p->size - at < 8) return false;
    uint64_t n = fct_meta_little(p->data + at + 4, 4);
    if (n > p->size - at - 8) return false;
    size_t end = at + 8 + (size_t)n;
    if (n % 2 && end < p->size) end++;
    *c = (riff_chunk){at, end, p->data + at + 8, (size_t)n};
    return true;
}

static bool is_type(const fct_photo_bytes *p, const riff_chunk *c, const char *type) {
    return !memcmp(p->data + c->at, type, 4);
}

static bool is_webp(const uint8_t *data, size_t size) {
    return size >= 12 && !memcmp(data, "RIFF", 4) && !memcmp(data + 8, "WEBP", 4);
}

/* Width, height and alpha of a chunk that has them; VP8X comes first and stays. */
static void take_size(const fct_photo_bytes *p, const riff_chunk *c, fct_photo_meta *out, bool *alpha) {
    if (out->width) return;
    if (is_type(p, c, "VP8X") && c->size >= 10) {
        out->width = (int)fct_meta_little(c->body + 4, 3) + 1;
        out->height = (int)fct_meta_little(c->body + 7, 3) + 1;
        *alpha = c->body[0] & HAS_ALPHA;
    } else if (is_type(p, c, "VP8 ") && c->size >= 10) {
        out->width = (int)fct_meta_little(c->body + 6, 2) & 0x3FFF;
        out->height = (int)fct_meta_little(c->body + 8, 2) & 0x3FFF;
    } else if (is_type(p, c, "VP8L") && c->size >= 5) {
        uint32_t bits = (uint32_t)fct_meta_little(c->body + 1, 4);
        out->width = (int)(bits & 0x3FFF) + 1;
        out->height = (int)(bits >> 14 & 0x3FFF) + 1;
        *alpha = bits >> 28 & 1;
    }
}

static fct_status damaged(const fct_photo_bytes *p, size_t at, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: WebP is damaged or cut off at byte %zu", p->name, at);
}

/* Reads all chunks. *alpha: some pixels are transparent. */
static fct_status read_chunks(const fct_photo_bytes *p, fct_photo_meta *out, bool *alpha, fct_error *err) {
    riff_chunk c;
    *alpha = false;
    for (size_t at = 12; at < p->size; at = c.end) {
        if (!next_chunk(p, at, &c)) return damaged(p, at, err);
        take_size(p, &c, out, alpha);
        if (is_type(p, &c, "EXIF")) out->orientation = fct_meta_orientation(c.body, c.size);
        else if (is_type(p, &c, "XMP ") && !out->xmp) {
            out->xmp = c.body;
            out->xmp_size = c.size;
        }
    }
    return out->width ? FCT_OK : damaged(p, 12, err);
}

static fct_status read_webp(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    bool alpha;
    return read_chunks(p, out, &alpha, err);
}

/* Writes the chunk that says what else there is, from the old one or anew. */
static void add_extension(fct_buf *out, const fct_photo_meta *m, bool alpha) {
    fct_buf_text(out, "VP8X");
    fct_meta_add_little(out, 10, 4);
    fct_meta_add_little(out, HAS_XMP | (alpha ? HAS_ALPHA : 0), 4);
    fct_meta_add_little(out, (uint64_t)m->width - 1, 3);
    fct_meta_add_little(out, (uint64_t)m->height - 1, 3);
}

/* The packet goes to the end, where the format wants it. */
static fct_status put_webp(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err) {
    fct_photo_meta m = {.orientation = 1};
    bool alpha, extended = false;
    fct_status s = read_chunks(p, &m, &alpha, err);
    riff_chunk c;
    if (s) return s;
    fct_buf_add(out, p->data, 12);
    for (size_t at = 12; at < p->size; at = c.end) {
        if (!next_chunk(p, at, &c)) return damaged(p, at, err);
        if (at == 12 && is_type(p, &c, "VP8X") && c.size >= 1) {
            extended = true;
            size_t flags = out->size + 8;
            fct_buf_add(out, p->data + at, c.end - at);
            if (!out->failed) out->data[flags] |= HAS_XMP;
            continue;
        }
        if (at == 12 && !extended) add_extension(out, &m, alpha);
        if (is_type(p, &c, "XMP ")) continue;
        fct_buf_add(out, p->data + at, c.end - at);
        if (c.size % 2 && c.end == p->size && (c.end - c.at) % 2) fct_buf_char(out, 0);
    }
    fct_buf_text(out, "XMP ");
    fct_meta_add_little(out, size, 4);
    fct_buf_add(out, xmp, size);
    if (size % 2) fct_buf_char(out, 0);
    if (out->failed) return fct_fail_nomem(err, p->name, p->size);
    if (out->size > UINT32_MAX) return fct_fail(err, FCT_ERR_LIMIT, "%s: too large for a WebP", p->name);
    for (int i = 0; i < 4; i++) out->data[4 + i] = (char)((out->size - 8) >> 8 * i & 255);
    return FCT_OK;
}

const fct_photo_format fct_photo_webp = {"WebP", is_webp, read_webp, put_webp};

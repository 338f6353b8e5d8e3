/* Windows bitmaps. A reader of our own: no library that Debian has reads them
 * alone, and the format is a header with rows behind it.
 *
 * "BM", size of the file (u32), 4 bytes, offset of the pixels (u32). A header that
 * begins with its own size (u32): 12 for the oldest (width and height u16, planes,
 * bits), 40 and more for the others (width, height i32, planes u16, bits a pixel
 * u16, compression u32, 12 bytes, colors in the table u32, 4 bytes, then the masks
 * of red, green, blue and alpha, u32 each). The table of colors follows the header:
 * B G R (3 bytes, oldest header) or B G R 0. Rows go from the lowest up, or down
 * where the height is negative, each padded to 4 bytes. All numbers are
 * little-endian.
 *
 * Compression 0 is none, 3 and 6 mean masks, 1 and 2 are runs of 8 and 4 bits:
 * count and color, or 0 and: 0 end of row, 1 end, 2 step right and up, n >= 3 that
 * many colors, padded to 2 bytes. */
#include "image/image_internal.h"
#include "base/error.h"
#include <string.h>

enum { FILE_HEADER = 14, OLDEST = 12, MASKS_AT = 54, NONE = 0, RUNS8 = 1, RUNS4 = 2, MASKS = 3, ALPHA_MASKS = 6 };

typedef struct bmp {
    const fct_source_bytes *s;
    uint32_t pixels_at, header, compression;
    int width, height, bits;
    bool top_down;
    uint32_t mask[4];       /* of R G B A; 0 = no alpha */
    uint8_t colors[256][3]; /* R G B */
    int n_colors;
    fct_image *im; /* RGBA */
} bmp;

/* Reads an n-byte number at an offset that the caller has checked. */
static uint32_t number(const bmp *b, size_t at, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint32_t)b->s->data[at + (size_t)i] << 8 * i;
    return v;
}

static fct_status cut_off(const bmp *b, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: BMP is cut off", b->s->name);
}

static fct_status unsupported(const bmp *b, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: BMP of %d bits, compression %u, is not supported", b->s->name,
                    b->bits, (unsigned)b->compression);
}

/* Which depths go with which compression; runs never go from the top down. */
static bool kind_ok(const bmp *b) {
    switch (b->compression) {
    case NONE:
        return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
    case RUNS8:
        return b->bits == 8 && !b->top_down;
    case RUNS4:
        return b->bits == 4 && !b->top_down;
    case MASKS:
    case ALPHA_MASKS:
        return b->bits == 16 || b->bits == 32;
    default:
        return false;
    }
}

/* Reads the masks of the channels, or takes the usual ones of 16 and 32 bits where the file has none. */
static fct_status read_masks(bmp *b, fct_error *err) {
    bool in_file = b->compression == MASKS || b->compression == ALPHA_MASKS;
    bool has_alpha = b->compression == ALPHA_MASKS || b->header >= 56;
    static const uint32_t usual[2][3] = {{0x7C00, 0x3E0, 0x1F}, {0xFF0000, 0xFF00, 0xFF}};
    if (in_file && b->s->len < MASKS_AT + 16) return cut_off(b, err);
    for (int c = 0; c < 3; c++) b->mask[c] = in_file ? number(b, MASKS_AT + 4 * (size_t)c, 4) : usual[b->bits == 32][c];
    if (in_file && has_alpha) b->mask[3] = number(b, MASKS_AT + 12, 4);
    return FCT_OK;
}

/* Reads the color table, which ends where the pixels begin when the oldest header does not say its length. */
static fct_status read_colors(bmp *b, uint32_t used, fct_error *err) {
    size_t entry = b->header == OLDEST ? 3 : 4, at = FILE_HEADER + (size_t)b->header;
    uint32_t most = 1u << b->bits;
    b->n_colors = (int)(used > 0 && used < most ? used : most);
    if (b->header == OLDEST && b->pixels_at > at && (b->pixels_at - at) / 3 < most)
        b->n_colors = (int)((b->pixels_at - at) / 3);
    if (b->s->len < at || (b->s->len - at) / entry < (size_t)b->n_colors) return cut_off(b, err);
    for (int i = 0; i < b->n_colors; i++, at += entry)
        for (int c = 0; c < 3; c++) b->colors[i][c] = b->s->data[at + (size_t)(2 - c)];
    return FCT_OK;
}

static fct_status read_header(bmp *b, fct_error *err) {
    const fct_source_bytes *s = b->s;
    if (s->len < FILE_HEADER + OLDEST) return cut_off(b, err);
    b->pixels_at = number(b, 10, 4);
    b->header = number(b, 14, 4);
    bool oldest = b->header == OLDEST;
    if (!oldest && (b->header < 40 || b->header > 1024))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged BMP: a header of %u bytes", s->name, (unsigned)b->header);
    if (s->len < FILE_HEADER + (size_t)b->header) return cut_off(b, err);
    int64_t w = oldest ? (int64_t)number(b, 18, 2) : (int32_t)number(b, 18, 4);
    int64_t h = oldest ? (int64_t)number(b, 20, 2) : (int32_t)number(b, 22, 4);
    b->bits = (int)number(b, oldest ? 24 : 28, 2);
    b->compression = oldest ? NONE : number(b, 30, 4);
    b->top_down = h < 0;
    fct_status st = fct_decode_check_size(s, w, h < 0 ? -h : h, err);
    if (st) return st;
    b->width = (int)w, b->height = (int)(h < 0 ? -h : h);
    if (!kind_ok(b)) return unsupported(b, err);
    if (b->bits <= 8) return read_colors(b, oldest ? 0 : number(b, 46, 4), err);
    return b->bits == 24 ? FCT_OK : read_masks(b, err);
}

static uint8_t *row_of(const bmp *b, int y) {
    return b->im->pixels + (ptrdiff_t)(b->top_down ? y : b->height - 1 - y) * b->im->stride;
}

/* The bits of v under the mask, as 0..255. */
static uint8_t under_mask(uint32_t v, uint32_t mask) {
    if (!mask) return 0;
    while (!(mask & 1)) mask >>= 1, v >>= 1;
    return (uint8_t)(((uint64_t)(v & mask) * 255 + mask / 2) / mask);
}

/* An index beyond the table is black, as other readers have it. */
static void put_color(const bmp *b, uint8_t *p, unsigned index) {
    static const uint8_t black[3];
    const uint8_t *c = (int)index < b->n_colors ? b->colors[index] : black;
    p[0] = c[0], p[1] = c[1], p[2] = c[2], p[3] = 255;
}

static void put_row(const bmp *b, const uint8_t *row, size_t row_at, uint8_t *p) {
    for (int x = 0; x < b->width; x++, p += 4) {
        if (b->bits <= 8) {
            int per_byte = 8 / b->bits, shift = 8 - b->bits * (x % per_byte + 1);
            put_color(b, p, (unsigned)row[x / per_byte] >> shift & ((1u << b->bits) - 1));
        } else if (b->bits == 24) {
            p[0] = row[3 * x + 2], p[1] = row[3 * x + 1], p[2] = row[3 * x], p[3] = 255;
        } else {
            uint32_t v = number(b, row_at + (size_t)x * (size_t)(b->bits / 8), b->bits / 8);
            for (int c = 0; c < 3; c++) p[c] = under_mask(v, b->mask[c]);
            p[3] = b->mask[3] ? under_mask(v, b->mask[3]) : 255;
        }
    }
}

/* Makes a picture opaque whose alpha is zero everywhere: many writers leave such a channel in pictures that are not
 * meant to be invisible. */
static void drop_empty_alpha(fct_image *im) {
    uint8_t *end = im->pixels + im->stride * im->height;
    for (uint8_t *p = im->pixels; p < end; p += 4)
        if (p[3]) return;
    for (uint8_t *p = im->pixels; p < end; p += 4) p[3] = 255;
}

static fct_status read_rows(bmp *b, fct_error *err) {
    size_t stride = ((size_t)b->width * (size_t)b->bits + 31) / 32 * 4, at = b->pixels_at;
    size_t last = ((size_t)b->width * (size_t)b->bits + 7) / 8; /* the last row's padding may be missing */
    if (b->s->len < at || b->s->len - at < last || (b->s->len - at - last) / stride < (size_t)b->height - 1)
        return cut_off(b, err);
    for (int y = 0; y < b->height; y++) {
        const size_t row = at + stride * (size_t)y;
        put_row(b, b->s->data + row, row, row_of(b, y));
    }
    if (b->mask[3]) drop_empty_alpha(b->im);
    return FCT_OK;
}

/* ---- Runs --------------------------------------------------------------------------- */

/* Color i of the n in bytes of runs or of literal colors. */
static unsigned color_at(const bmp *b, const uint8_t *p, int i) {
    return b->bits == 8 ? p[i] : (unsigned)p[i / 2] >> (i % 2 ? 0 : 4) & 15;
}

static void put_pixel(const bmp *b, int x, int y, unsigned color) {
    if (x < b->width && y < b->height) put_color(b, row_of(b, y) + 4 * (ptrdiff_t)x, color);
}

/* Everything that the runs leave out keeps color 0. */
static fct_status read_runs(bmp *b, fct_error *err) {
    const uint8_t *p = b->s->data;
    size_t at = b->pixels_at, len = b->s->len;
    int x = 0, y = 0;
    for (int64_t i = 0; i < (int64_t)b->width * b->height; i++) put_color(b, b->im->pixels + 4 * i, 0);
    while (y < b->height) {
        if (at > len || len - at < 2) return cut_off(b, err);
        int count = p[at], code = p[at + 1];
        at += 2;
        if (count) {
            uint8_t run[2] = {(uint8_t)code, (uint8_t)code};
            for (int i = 0; i < count; i++) put_pixel(b, x + i, y, b->bits == 8 ? run[0] : color_at(b, run, i % 2));
            x = x + count < b->width ? x + count : b->width;
        } else if (code == 0) x = 0, y++;
        else if (code == 1) return FCT_OK;
        else if (code == 2) {
            if (len - at < 2) return cut_off(b, err);
            x = x + p[at] < b->width ? x + p[at] : b->width, y += p[at + 1];
            at += 2;
        } else {
            size_t bytes = ((size_t)code * (size_t)b->bits + 7) / 8, padded = bytes + (bytes & 1);
            if (len - at < bytes) return cut_off(b, err);
            for (int i = 0; i < code; i++) put_pixel(b, x + i, y, color_at(b, p + at, i));
            x = x + code < b->width ? x + code : b->width;
            at += padded;
        }
    }
    return FCT_OK;
}

fct_status fct_bmp_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    bmp b = {.s = s};
    *out = NULL;
    fct_status st = read_header(&b, err);
    if (!st) st = fct_image_create_raw(b.width, b.height, FCT_PIX_RGBA, &b.im, err);
    if (!st) st = b.compression == RUNS8 || b.compression == RUNS4 ? read_runs(&b, err) : read_rows(&b, err);
    if (!st) st = fct_decode_finish_alpha(&b.im, s->opts->format, err);
    if (st) fct_image_free(b.im);
    else *out = b.im;
    return st;
}

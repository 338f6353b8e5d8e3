/* Picture files made in memory, independently of the library's encoders: PNG of
 * every kind with stored (uncompressed) data, EXIF blocks for the three formats. */
#ifndef FCT_TESTS_IMAGE_FILES_H
#define FCT_TESTS_IMAGE_FILES_H

#include "blob.h"

static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t c = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320 : 0);
    }
    return ~c;
}

static void put_chunk(blob *b, const char *name, const void *data, size_t n) {
    put_be(b, (uint32_t)n, 4);
    size_t start = b->n;
    put(b, name, 4);
    put(b, data, n);
    put_be(b, crc32_of(b->p + start, b->n - start), 4);
}

/* zlib stream of stored blocks. */
static blob zlib_stored(const uint8_t *raw, size_t n) {
    blob z = {0};
    put_be(&z, 0x7801, 2);
    uint32_t a = 1, b = 0;
    for (size_t at = 0; at < n || at == 0; at += 65535) {
        size_t len = n - at < 65535 ? n - at : 65535;
        put(&z, &(uint8_t){at + len == n}, 1);
        put_le(&z, (uint32_t)len, 2);
        put_le(&z, ~(uint32_t)len & 0xFFFF, 2);
        if (len) put(&z, raw + at, len);
    }
    for (size_t i = 0; i < n; i++) a = (a + raw[i]) % 65521, b = (b + a) % 65521;
    put_be(&z, b << 16 | a, 4);
    return z;
}

/* What a PNG is made of. sample(x, y, c) gives a sample of the bit depth. */
typedef struct png_spec {
    int w, h, depth, type, interlace; /* type: 0 gray 2 RGB 3 palette 4 gray+alpha 6 RGBA */
    unsigned (*sample)(int x, int y, int c);
    blob palette, trns, exif;
} png_spec;

/* Rows of the pixels (x0 + i dx, y0 + j dy), filter 0, packed. */
static void put_pass(blob *raw, const png_spec *s, int x0, int y0, int dx, int dy) {
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    for (int y = y0; y < s->h && x0 < s->w; y += dy) {
        uint32_t bits = 0;
        int held = 0;
        put(raw, "", 1);
        for (int x = x0; x < s->w; x += dx)
            for (int c = 0; c < channels[s->type]; c++) {
                bits = bits << s->depth | s->sample(x, y, c);
                held += s->depth;
                while (held >= 8) put(raw, &(uint8_t){(uint8_t)(bits >> (held -= 8))}, 1);
            }
        if (held) put(raw, &(uint8_t){(uint8_t)(bits << (8 - held))}, 1);
    }
}

static inline blob png_make(const png_spec *s) {
    static const int adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    blob b = {0}, raw = {0}, head = {0};
    put(&b, "\x89PNG\r\n\x1A\n", 8);
    put_be(&head, (uint32_t)s->w, 4);
    put_be(&head, (uint32_t)s->h, 4);
    put(&head, (uint8_t[]){(uint8_t)s->depth, (uint8_t)s->type, 0, 0, (uint8_t)s->interlace}, 5);
    put_chunk(&b, "IHDR", head.p, head.n);
    if (s->palette.n) put_chunk(&b, "PLTE", s->palette.p, s->palette.n);
    if (s->trns.n) put_chunk(&b, "tRNS", s->trns.p, s->trns.n);
    if (s->exif.n) put_chunk(&b, "eXIf", s->exif.p, s->exif.n);
    if (s->interlace)
        for (int i = 0; i < 7; i++) put_pass(&raw, s, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3]);
    else if (s->sample) put_pass(&raw, s, 0, 0, 1, 1);
    blob z = zlib_stored(raw.p, raw.n);
    put_chunk(&b, "IDAT", z.p, z.n);
    put_chunk(&b, "IEND", "", 0);
    free(raw.p), free(head.p), free(z.p);
    return b;
}

/* TIFF block with an orientation, in either byte order, behind another entry. */
static blob exif_make(int orientation, int big) {
    void (*number)(blob *, uint32_t, int) = big ? put_be : put_le;
    blob b = {0};
    put(&b, big ? "MM" : "II", 2);
    number(&b, 42, 2);
    number(&b, 8, 4);
    number(&b, 2, 2);
    number(&b, 0x010F, 2), number(&b, 2, 2), number(&b, 4, 4), put(&b, "abc", 4);
    number(&b, 0x0112, 2), number(&b, 3, 2), number(&b, 1, 4), number(&b, (uint32_t)orientation, 2), number(&b, 0, 2);
    number(&b, 0, 4);
    return b;
}

/* A JPEG with an EXIF segment behind its first two bytes. */
static blob jpeg_with_exif(const uint8_t *jpeg, size_t n, blob exif) {
    blob b = {0};
    put(&b, jpeg, 2);
    put_be(&b, 0xFFE1, 2);
    put_be(&b, (uint32_t)exif.n + 8, 2);
    put(&b, "Exif\0", 6);
    put(&b, exif.p, exif.n);
    put(&b, jpeg + 2, n - 2);
    return b;
}

/* A simple WebP rewritten in the extended form with an EXIF chunk. */
static inline blob webp_with_exif(const uint8_t *webp, size_t n, int w, int h, blob exif) {
    blob b = {0};
    put(&b, "RIFF", 4);
    put_le(&b, (uint32_t)(4 + 18 + (n - 12) + 8 + exif.n + (exif.n & 1)), 4);
    put(&b, "WEBPVP8X", 8);
    put_le(&b, 10, 4);
    put_le(&b, 0x08, 4);
    put_le(&b, (uint32_t)w - 1, 3);
    put_le(&b, (uint32_t)h - 1, 3);
    put(&b, webp + 12, n - 12);
    put(&b, "EXIF", 4);
    put_le(&b, (uint32_t)exif.n, 4);
    put(&b, exif.p, exif.n);
    if (exif.n & 1) put(&b, "", 1);
    return b;
}

#endif

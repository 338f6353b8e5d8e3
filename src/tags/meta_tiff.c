/* TIFF 6.0: "II" or "MM" for the byte order, 42 (u16), offset of the first directory
 * (u32). A directory: count (u16), entries of 12 bytes in the order of their tags (tag,
 * type (u16), count, value or offset (u32)), offset of the next directory (u32). Tags:
 *   256, 257   width, height (type 3 or 4)
 *   274        orientation
 *   700        XMP (type 1 or 7): count bytes at the offset */
#include "tags/photo_meta.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { TAG_WIDTH = 256, TAG_HEIGHT = 257, TAG_XMP = 700, ENTRY = 12 };

static bool is_big(const fct_photo_bytes *p) { return p->data[0] == 'M'; }
static uint64_t number(const fct_photo_bytes *p, size_t at, int n) {
    return is_big(p) ? fct_meta_big(p->data + at, n) : fct_meta_little(p->data + at, n);
}

static bool is_tiff(const uint8_t *data, size_t size) {
    return size >= 14 && (!memcmp(data, "II*\0", 4) || !memcmp(data, "MM\0*", 4));
}

/* Finds the first directory: where it begins and how many entries it has, all inside the file. */
static fct_status find_directory(const fct_photo_bytes *p, size_t *at, size_t *n, fct_error *err) {
    size_t d = (size_t)number(p, 4, 4);
    *at = *n = 0;
    if (d < 8 || d > p->size - 2)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: TIFF is cut off: its directory is at byte %zu of %zu", p->name, d,
                        p->size);
    size_t count = (size_t)number(p, d, 2);
    if (count * ENTRY + 4 > p->size - d - 2)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: TIFF is cut off in its directory of %zu entries", p->name, count);
    *at = d;
    *n = count;
    return FCT_OK;
}

/* A value of 16 or 32 bits in an entry. */
static int small_value(const fct_photo_bytes *p, size_t entry) {
    uint64_t v = number(p, entry + 8, number(p, entry + 2, 2) == 3 ? 2 : 4);
    return v > INT32_MAX ? 0 : (int)v;
}

static fct_status take_packet(const fct_photo_bytes *p, size_t entry, fct_photo_meta *out, fct_error *err) {
    size_t n = (size_t)number(p, entry + 4, 4), at = n > 4 ? (size_t)number(p, entry + 8, 4) : entry + 8;
    if (at > p->size || n > p->size - at)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: TIFF is cut off: XMP of %zu bytes at byte %zu", p->name, n, at);
    out->xmp = p->data + at;
    out->xmp_size = n;
    return FCT_OK;
}

static fct_status read_tiff(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    size_t at, n;
    fct_status s = find_directory(p, &at, &n, err);
    out->orientation = fct_meta_orientation(p->data, p->size);
    for (size_t i = 0; i < n && !s; i++) {
        size_t entry = at + 2 + ENTRY * i;
        uint64_t tag = number(p, entry, 2);
        if (tag == TAG_WIDTH) out->width = small_value(p, entry);
        else if (tag == TAG_HEIGHT) out->height = small_value(p, entry);
        else if (tag == TAG_XMP) s = take_packet(p, entry, out, err);
    }
    return s;
}

static void add_number(const fct_photo_bytes *p, fct_buf *out, uint64_t v, int n) {
    if (is_big(p)) fct_meta_add_big(out, v, n);
    else fct_meta_add_little(out, v, n);
}

static void add_entry(const fct_photo_bytes *p, fct_buf *out, size_t xmp_at, size_t size) {
    add_number(p, out, TAG_XMP, 2);
    add_number(p, out, 1, 2);
    add_number(p, out, size, 4);
    add_number(p, out, xmp_at, 4);
}

/* Whether the file is called a TIFF: raw photos are TIFF files inside, with offsets that only their makers know. */
static bool has_tiff_name(const char *name) {
    const char *e = fct_path_ext(name);
    return (e[0] | 32) == 't' && (e[1] | 32) == 'i' && (e[2] | 32) == 'f' && (!e[3] || ((e[3] | 32) == 'f' && !e[4]));
}

/* Appends the packet and a new directory, and points the header to it. Nothing else moves, so every offset in the
 * file stays right. */
static fct_status put_tiff(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err) {
    size_t at, n;
    fct_status s = find_directory(p, &at, &n, err);
    if (!s && !has_tiff_name(p->name))
        s = fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: a raw photo is not written in place; write a sidecar instead",
                     p->name);
    if (!s && (n >= UINT16_MAX || size < 8 || p->size > UINT32_MAX - size - ENTRY * (n + 2)))
        s = fct_fail(err, FCT_ERR_LIMIT, "%s: a TIFF may have 4 GiB", p->name);
    if (s) return s;
    fct_buf_add(out, p->data, p->size);
    if (out->size % 2) fct_buf_char(out, 0);
    size_t xmp_at = out->size, count_at;
    fct_buf_add(out, xmp, size);
    if (out->size % 2) fct_buf_char(out, 0);
    count_at = out->size;
    uint64_t count = 0;
    add_number(p, out, 0, 2);
    bool done = false;
    for (size_t i = 0; i < n; i++) {
        size_t entry = at + 2 + ENTRY * i;
        uint64_t tag = number(p, entry, 2);
        if (!done && tag >= TAG_XMP) {
            add_entry(p, out, xmp_at, size);
            done = true;
            count++;
        }
        if (tag == TAG_XMP) continue;
        fct_buf_add(out, p->data + entry, ENTRY);
        count++;
    }
    if (!done) {
        add_entry(p, out, xmp_at, size);
        count++;
    }
    fct_buf_add(out, p->data + at + 2 + ENTRY * n, 4);
    if (out->failed) return fct_fail_nomem(err, p->name, p->size);
    for (int i = 0; i < 4; i++) out->data[4 + i] = (char)(count_at >> 8 * (is_big(p) ? 3 - i : i) & 255);
    for (int i = 0; i < 2; i++) out->data[count_at + (size_t)i] = (char)(count >> 8 * (is_big(p) ? 1 - i : i) & 255);
    return FCT_OK;
}

const fct_photo_format fct_photo_tiff = {"TIFF", is_tiff, read_tiff, put_tiff};

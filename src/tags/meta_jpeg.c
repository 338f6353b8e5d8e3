/* JPEG (ITU-T T.81, Annex B): a list of segments, each FF, a marker byte, and for
 * most a length (u16, itself included) and so much less two of content. FF bytes
 * before a marker are filling. Segments of interest, all before the first scan (SOS):
 *   E1 (APP1)   "Exif\0\0" and a TIFF block; or "http://ns.adobe.com/xap/1.0/\0" and
 *               the XMP packet. What does not fit into one segment is in others under
 *               "http://ns.adobe.com/xmp/extension/\0"; regions are never moved there
 *               as long as large things are in the packet, so these are left alone.
 *   C0..CF      but C4, C8, CC: the frame: precision (u8), height, width (u16). */
#include "tags/photo_meta.h"

#include "base/error.h"

#include <string.h>

static const char xmp_head[] = "http://ns.adobe.com/xap/1.0/"; /* with its NUL */
enum { XMP_HEAD = sizeof xmp_head, MOST = 65535 - 2 };

typedef struct jpeg_segment {
    size_t at, end; /* of the whole segment, its FF included */
    int marker;
    const uint8_t *body;
    size_t size; /* of body */
} jpeg_segment;

/* Takes the segment that begins at `at`. False where it does not fit, or at something that is no marker. */
static bool next_segment(const fct_photo_bytes *p, size_t at, jpeg_segment *s) {
    size_t i = at;
    while (i < p->size && p->data[i] == 0xFF) i++;
    if (i == at || i >= p->size) return false;
    *s = (jpeg_segment){.at = at, .end = i + 1, .marker = p->data[i]};
    bool alone = s->marker == 1 || (s->marker >= 0xD0 && s->marker <= 0xD9);
    if (alone) return true;
    if (p->size - s->end < 2) return false;
    size_t length = (size_t)fct_meta_big(p->data + s->end, 2);
    if (length < 2 || length > p->size - s->end) return false;
    s->body = p->data + s->end + 2;
    s->size = length - 2;
    s->end += length;
    return true;
}

static bool is_frame(int m) { return m >= 0xC0 && m <= 0xCF && m != 0xC4 && m != 0xC8 && m != 0xCC; }
static bool starts(const jpeg_segment *s, const char *text, size_t n) {
    return s->marker == 0xE1 && s->size >= n && !memcmp(s->body, text, n);
}

static bool is_jpeg(const uint8_t *data, size_t size) { return size >= 3 && !memcmp(data, "\xFF\xD8\xFF", 3); }

/* Notes what one segment has to say. */
static void take_segment(const jpeg_segment *s, fct_photo_meta *out) {
    if (is_frame(s->marker) && s->size >= 5 && !out->width) {
        out->height = (int)fct_meta_big(s->body + 1, 2);
        out->width = (int)fct_meta_big(s->body + 3, 2);
    } else if (starts(s, "Exif\0\0", 6)) out->orientation = fct_meta_orientation(s->body, s->size);
    else if (starts(s, xmp_head, XMP_HEAD) && !out->xmp) {
        out->xmp = s->body + XMP_HEAD;
        out->xmp_size = s->size - XMP_HEAD;
    }
}

static fct_status damaged(const fct_photo_bytes *p, size_t at, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: JPEG is damaged or cut off at byte %zu", p->name, at);
}

static fct_status read_jpeg(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    jpeg_segment s;
    for (size_t at = 2;; at = s.end) {
        if (!next_segment(p, at, &s)) return damaged(p, at, err);
        if (s.marker == 0xDA || s.marker == 0xD9) return FCT_OK;
        take_segment(&s, out);
    }
}

static void add_packet(fct_buf *out, const char *xmp, size_t size) {
    fct_buf_add(out, "\xFF\xE1", 2);
    fct_meta_add_big(out, 2 + XMP_HEAD + size, 2);
    fct_buf_add(out, xmp_head, XMP_HEAD);
    fct_buf_add(out, xmp, size);
}

/* Puts the packet where the old one was, or behind the JFIF and EXIF segments at the front: before the segment of
 * a multi-picture file, whose offsets count from there. A second packet, which nobody reads, is left out. */
static fct_status put_jpeg(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err) {
    jpeg_segment s;
    size_t place = 2;
    bool done = false, front = true;
    if (size > MOST - XMP_HEAD)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: %zu bytes of XMP, a JPEG holds %d; write a sidecar instead", p->name,
                        size, MOST - XMP_HEAD);
    for (size_t at = 2;; at = s.end) {
        if (!next_segment(p, at, &s)) return damaged(p, at, err);
        if (s.marker == 0xDA || s.marker == 0xD9) break;
        if (starts(&s, xmp_head, XMP_HEAD)) {
            place = s.at;
            done = true;
            break;
        }
        front = front && (s.marker == 0xE0 || starts(&s, "Exif\0\0", 6));
        if (front) place = s.end;
    }
    fct_buf_add(out, p->data, place);
    add_packet(out, xmp, size);
    for (size_t at = place; at < p->size; at = s.end) {
        if (!next_segment(p, at, &s)) return damaged(p, at, err);
        bool rest = s.marker == 0xDA || s.marker == 0xD9;
        if (rest) s.end = p->size;
        if (!(done && starts(&s, xmp_head, XMP_HEAD))) fct_buf_add(out, p->data + at, s.end - at);
    }
    return out->failed ? fct_fail_nomem(err, p->name, p->size) : FCT_OK;
}

const fct_photo_format fct_photo_jpeg = {"JPEG", is_jpeg, read_jpeg, put_jpeg};

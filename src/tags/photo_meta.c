#include "tags/photo_meta.h"

#include "base/error.h"
#include "image/image_internal.h"

#include <string.h>

static const fct_photo_format *const formats[] = {&fct_photo_jpeg, &fct_photo_png, &fct_photo_webp, &fct_photo_tiff,
                                                  &fct_photo_heif, &fct_photo_gif, &fct_photo_jxl,  &fct_photo_bmp};

/* Returns the format of the bytes, or NULL. The content decides, not the name. */
static const fct_photo_format *format_of(const fct_photo_bytes *p) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->is(p->data, p->size)) return formats[i];
    return NULL;
}

fct_status fct_photo_meta_read(const fct_photo_bytes *p, fct_photo_meta *out, fct_error *err) {
    const fct_photo_format *f = format_of(p);
    *out = (fct_photo_meta){.orientation = 1};
    if (!f) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: not a photo of a format that facet reads", p->name);
    fct_photo_meta m = *out;
    m.format = f->name;
    fct_status s = f->read(p, &m, err);
    if (!s) *out = m;
    return s;
}

fct_status fct_photo_meta_put(const fct_photo_bytes *p, const char *xmp, size_t size, fct_buf *out, fct_error *err) {
    const fct_photo_format *f = format_of(p);
    if (!f || !f->put)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: %s cannot be written in place; write a sidecar instead", p->name,
                        f ? f->name : "a file of this kind");
    return f->put(p, xmp, size, out, err);
}

uint64_t fct_meta_big(const uint8_t *p, int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

uint64_t fct_meta_little(const uint8_t *p, int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

void fct_meta_add_big(fct_buf *b, uint64_t v, int n) {
    for (int i = n - 1; i >= 0; i--) fct_buf_char(b, (char)(v >> 8 * i & 255));
}

void fct_meta_add_little(fct_buf *b, uint64_t v, int n) {
    for (int i = 0; i < n; i++) fct_buf_char(b, (char)(v >> 8 * i & 255));
}

int fct_meta_orientation(const uint8_t *data, size_t size) {
    bool prefix = size >= 6 && !memcmp(data, "Exif\0\0", 6);
    fct_image_facts facts;
    fct_exif_read(data + (prefix ? 6 : 0), size - (prefix ? 6 : 0), &facts);
    return facts.orientation;
}

/* Writing pictures. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include <string.h>

bool fct_bytes_append(fct_bytes *b, const void *data, size_t len) {
    size_t need;
    if (!fct_add_size(b->len, len, &need)) return false;
    uint8_t *p = fct_grow(b->data, &b->cap, need, 1);
    if (!p) return false;
    b->data = p;
    memcpy(b->data + b->len, data, len);
    b->len = need;
    return true;
}

fct_status fct_image_encode(fct_view v, fct_file_format format, int quality, uint8_t **data, size_t *len,
                            fct_error *err) {
    *data = NULL;
    *len = 0;
    fct_status s = fct_view_check(v, "picture", err);
    if (s) return s;
    if (quality < 0 || quality > 100) return fct_fail(err, FCT_ERR_ARG, "quality %d is not 1..100", quality);
    if (!quality) quality = 90;
    fct_bytes out = {0};
    switch (format) {
    case FCT_FILE_AUTO:
    case FCT_FILE_JPEG:
        s = fct_jpeg_encode(v, quality, &out, err);
        break;
    case FCT_FILE_PNG:
        s = fct_png_encode(v, quality, &out, err);
        break;
    case FCT_FILE_WEBP:
        s = fct_webp_encode(v, quality, &out, err);
        break;
    default:
        s = fct_fail(err, FCT_ERR_ARG, "unknown file format %d", (int)format);
    }
    if (s) {
        fct_free(out.data);
        return s;
    }
    *data = out.data;
    *len = out.len;
    return FCT_OK;
}

/* Whether ext equals the lower-case word, without regard to ASCII case. */
static bool same_ext(const char *ext, const char *word) {
    while (*word && (*ext | 32) == *word) ext++, word++;
    return !*ext && !*word;
}

/* The format that a file name's ending stands for. */
static fct_file_format format_of(const char *path) {
    const char *ext = fct_path_ext(path);
    if (same_ext(ext, "jpg") || same_ext(ext, "jpeg")) return FCT_FILE_JPEG;
    if (same_ext(ext, "png")) return FCT_FILE_PNG;
    if (same_ext(ext, "webp")) return FCT_FILE_WEBP;
    return FCT_FILE_AUTO;
}

fct_status fct_image_write(fct_view v, const char *path, fct_file_format format, int quality, fct_error *err) {
    uint8_t *data;
    size_t len;
    if (!path) return fct_fail(err, FCT_ERR_ARG, "no path of a picture");
    if (format == FCT_FILE_AUTO) format = format_of(path);
    if (format == FCT_FILE_AUTO)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: the name must end in .jpg, .png or .webp", path);
    fct_status s = fct_image_encode(v, format, quality, &data, &len, err);
    if (s) return s;
    s = fct_file_write_atomic(path, data, len, err);
    fct_free(data);
    return s;
}

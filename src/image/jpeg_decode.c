/* JPEG decoding with libjpeg-turbo.
 *
 * Settings are the library's defaults, which OpenCV uses too (exact integer
 * DCT, smooth upsampling), so that equal files give equal pixels. The library
 * reports faults by longjmp; every variable that is read afterwards lives in
 * struct jpeg. Damage that libjpeg only warns about (it fills in gray) is an
 * error here: half a face must not be compared with anything. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

/* More scans than any encoder writes: a small file may otherwise ask for hours. */
#define MAX_SCANS 100

typedef struct jpeg {
    struct jpeg_decompress_struct d;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf fail;
    const fct_source_bytes *source;
    fct_error *err;
    fct_status status;
    fct_image *image;
    uint8_t *cmyk; /* one row, where the file has four channels */
} jpeg;

static void on_error(j_common_ptr c) {
    jpeg *j = c->client_data;
    char text[JMSG_LENGTH_MAX];
    c->err->format_message(c, text);
    int code = c->err->msg_code;
    if (code == JERR_OUT_OF_MEMORY) j->status = fct_fail_nomem(j->err, j->source->name, 0);
    else if (code == JERR_SOF_UNSUPPORTED || code == JERR_BAD_PRECISION || code == JERR_ARITH_NOTIMPL ||
             code == JERR_CONVERSION_NOTIMPL || code == JERR_COMPONENT_COUNT)
        j->status = fct_fail(j->err, FCT_ERR_UNSUPPORTED, "%s: JPEG of an unsupported kind: %s", j->source->name, text);
    else j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: damaged JPEG: %s", j->source->name, text);
    longjmp(j->fail, 1);
}

/* Warnings that mean missing or wrong pixels; the others (a strange JFIF
 * version, stray bytes between segments) leave the picture whole. */
static bool is_damage(int code) {
    return code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_JPEG_EOF || code == JWRN_MUST_RESYNC ||
           code == JWRN_NOT_SEQUENTIAL || code == JWRN_BOGUS_PROGRESSION || code == JWRN_ARITH_BAD_CODE;
}

static void on_message(j_common_ptr c, int level) {
    jpeg *j = c->client_data;
    if (level >= 0 || !is_damage(c->err->msg_code)) return;
    if (c->err->msg_code == JWRN_JPEG_EOF || c->err->msg_code == JWRN_HIT_MARKER)
        j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: JPEG is cut off or has a hole at row %u of %u",
                             j->source->name, j->d.output_scanline, j->d.output_height);
    else {
        char text[JMSG_LENGTH_MAX];
        c->err->format_message(c, text);
        j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: damaged JPEG: %s", j->source->name, text);
    }
    longjmp(j->fail, 1);
}

static void on_progress(j_common_ptr c) {
    jpeg *j = c->client_data;
    if (j->d.input_scan_number <= MAX_SCANS) return;
    j->status = fct_fail(j->err, FCT_ERR_LIMIT, "%s: JPEG of more than %d scans", j->source->name, MAX_SCANS);
    longjmp(j->fail, 1);
}

/* EXIF of the first APP1 segment that has it. */
static int orientation_of(const struct jpeg_decompress_struct *d) {
    for (jpeg_saved_marker_ptr m = d->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && !memcmp(m->data, "Exif\0", 6))
            return fct_exif_orientation(m->data + 6, m->data_length - 6);
    return 1;
}

/* Largest of 1, 2, 4, 8 that leaves the shorter side at least hint long. */
static int reduction(unsigned width, unsigned height, int hint) {
    unsigned side = width < height ? width : height;
    int n = 1;
    while (hint > 0 && n < 8 && side / (unsigned)(2 * n) >= (unsigned)hint) n *= 2;
    return n;
}

static J_COLOR_SPACE color_space(const struct jpeg_decompress_struct *d, fct_pixel format) {
    if (d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK) return JCS_CMYK;
    switch (format) {
    case FCT_PIX_RGB:
        return JCS_EXT_RGB;
    case FCT_PIX_BGR:
        return JCS_EXT_BGR;
    case FCT_PIX_RGBA:
        return JCS_EXT_RGBA;
    case FCT_PIX_BGRA:
        return JCS_EXT_BGRA;
    case FCT_PIX_GRAY:
        break;
    }
    return JCS_GRAYSCALE;
}

static inline uint8_t mul255(int a, int b) {
    int v = a * b + 128;
    return (uint8_t)((v + (v >> 8)) >> 8);
}

/* Ink on white paper without a color profile: color = (1 - ink)(1 - black).
 * Files with Adobe's marker, and that is nearly all, store 255 - ink. */
static void cmyk_to_rgb(uint8_t *row, unsigned n, bool inverted) {
    int flip = inverted ? 0 : 255;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = row + 4 * (size_t)i;
        uint8_t *q = row + 3 * (size_t)i;
        int k = p[3] ^ flip, c = p[0] ^ flip, m = p[1] ^ flip, y = p[2] ^ flip;
        q[0] = mul255(c, k), q[1] = mul255(m, k), q[2] = mul255(y, k);
    }
}

static void read_rows(jpeg *j) {
    fct_image *im = j->image;
    while (j->d.output_scanline < j->d.output_height) {
        uint8_t *dst = im->pixels + (ptrdiff_t)j->d.output_scanline * im->stride;
        JSAMPROW row = j->cmyk ? j->cmyk : dst;
        jpeg_read_scanlines(&j->d, &row, 1);
        if (!j->cmyk) continue;
        cmyk_to_rgb(j->cmyk, j->d.output_width, j->d.saw_Adobe_marker);
        fct_convert_row(j->cmyk, FCT_PIX_RGB, dst, im->format, im->width);
    }
}

static fct_status decode(jpeg *j, int *orientation) {
    const fct_source_bytes *s = j->source;
    jpeg_mem_src(&j->d, s->data, (unsigned long)s->len);
    jpeg_save_markers(&j->d, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&j->d, TRUE);
    *orientation = orientation_of(&j->d);
    fct_status st = fct_decode_check_size(s, j->d.image_width, j->d.image_height, j->err);
    if (st) return st;
    j->d.scale_num = (unsigned)(8 / reduction(j->d.image_width, j->d.image_height, s->opts->min_side_hint));
    j->d.scale_denom = 8;
    j->d.out_color_space = color_space(&j->d, s->opts->format);
    j->d.progress = &j->progress;
    jpeg_start_decompress(&j->d);
    if (j->d.out_color_space == JCS_CMYK) {
        j->cmyk = fct_alloc((size_t)j->d.output_width * 4);
        if (!j->cmyk) return fct_fail_nomem(j->err, s->name, (size_t)j->d.output_width * 4);
    }
    st = fct_image_create_raw((int)j->d.output_width, (int)j->d.output_height, s->opts->format, &j->image, j->err);
    if (st) return st;
    read_rows(j);
    jpeg_finish_decompress(&j->d);
    return FCT_OK;
}

fct_status fct_jpeg_decode(const fct_source_bytes *s, fct_image **out, int *orientation, fct_error *err) {
    *out = NULL;
    jpeg *j = fct_calloc(1, sizeof *j);
    if (!j) return fct_fail_nomem(err, s->name, sizeof *j);
    j->source = s;
    j->err = err;
    j->d.err = jpeg_std_error(&j->errors);
    j->d.client_data = j;
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    j->progress.progress_monitor = on_progress;
    if (!setjmp(j->fail)) {
        jpeg_create_decompress(&j->d);
        j->status = decode(j, orientation);
    }
    jpeg_destroy_decompress(&j->d);
    fct_status st = j->status;
    if (st) fct_image_free(j->image);
    else *out = j->image;
    fct_free(j->cmyk);
    fct_free(j);
    return st;
}

#else

fct_status fct_jpeg_decode(const fct_source_bytes *s, fct_image **out, int *orientation, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no JPEG (Meson feature \"jpeg\")", s->name);
}

#endif

/* JPEG decoding with libjpeg-turbo.
 *
 * Settings are the library's defaults, which OpenCV uses too (exact integer
 * DCT, smooth upsampling), so that equal files give equal pixels. The library
 * reports faults by longjmp; every variable that is read afterwards lives in
 * struct jpeg. Missing pixels, which libjpeg only warns about (it fills in
 * gray), are an error here: half a face must not be compared with anything.
 *
 * What stands behind the last row is nobody's business. Phones write panoramas
 * without an end marker, trailers and whole films behind the picture. A file
 * whose coefficients come in several scans (progressive, or one scan a channel)
 * is therefore read scan by scan, until all coefficients are known. */
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
    jmp_buf fail;
    const fct_source_bytes *source;
    fct_error *err;
    fct_status status;
    fct_image *image;
    uint8_t *cmyk;                  /* one row, where the file has four channels */
    bool cut;                       /* the file has ended before its end marker */
    unsigned channels;              /* bit i: a scan with channel i has begun */
    JDIMENSION x, y, width, height; /* what is decoded, in pixels of the output */
} jpeg;

static void cut_off(jpeg *j) {
    unsigned row = j->d.output_scanline;
    if (j->d.buffered_image) /* rows come out when the scans are in */
        row = (unsigned)((uint64_t)j->d.image_height * j->d.input_iMCU_row /
                         (j->d.total_iMCU_rows + !j->d.total_iMCU_rows));
    j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: JPEG is cut off or has a hole at row %u of %u", j->source->name,
                         row, j->d.image_height);
}

/* Whether the coefficients of all channels are known to their last bit, and the
 * scan in progress has come to its end. */
static bool has_all_coefficients(const jpeg *j) {
    const struct jpeg_decompress_struct *d = &j->d;
    if (!d->inputctl || d->input_iMCU_row < d->total_iMCU_rows) return false;
    if (j->channels != (1u << d->num_components) - 1) return false;
    for (int i = 0; d->progressive_mode && i < d->num_components; i++)
        for (int k = 0; k < DCTSIZE2; k++)
            if (d->coef_bits[i][k] != 0) return false;
    return true;
}

/* libjpeg calls this instead of exiting: the fault is sorted by kind, then control jumps back to fct_jpeg_decode(). */
static void on_error(j_common_ptr c) {
    jpeg *j = c->client_data;
    char text[JMSG_LENGTH_MAX];
    int code = c->err->msg_code;
    c->err->format_message(c, text);
    if (code == JERR_OUT_OF_MEMORY) j->status = fct_fail_nomem(j->err, j->source->name, 0);
    else if (code == JERR_SOF_UNSUPPORTED || code == JERR_BAD_PRECISION || code == JERR_ARITH_NOTIMPL ||
             code == JERR_CONVERSION_NOTIMPL || code == JERR_COMPONENT_COUNT)
        j->status = fct_fail(j->err, FCT_ERR_UNSUPPORTED, "%s: JPEG of an unsupported kind: %s", j->source->name, text);
    else if (j->cut) cut_off(j);
    else j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: damaged JPEG: %s", j->source->name, text);
    longjmp(j->fail, 1);
}

/* Warnings that mean missing or wrong pixels. The others leave the picture
 * whole: a strange JFIF version, stray bytes between segments, scan parameters
 * that a sequential file has no use for, the end of the file (where bits are
 * missing, JWRN_HIT_MARKER follows). */
static bool is_damage(int code) {
    return code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
           code == JWRN_ARITH_BAD_CODE;
}

/* Whether a scan refines bits that no scan before it has brought. Scans in a
 * strange order, which cause the same warning, bring all bits in the end. */
static bool lost_scan(const struct jpeg_decompress_struct *d, int code) {
    if (code != JWRN_BOGUS_PROGRESSION || d->Ah == 0) return false;
    bool of_dc = d->err->msg_parm.i[1] == 0; /* its coefficient; told of in AC scans too, if the DC is still to come */
    return d->Ss == 0 || !of_dc;
}

/* libjpeg reports missing data as mere warnings; those that mean wrong pixels become errors here. */
static void on_message(j_common_ptr c, int level) {
    jpeg *j = c->client_data;
    int code = c->err->msg_code;
    if (level >= 0) return;
    j->cut |= code == JWRN_JPEG_EOF;
    if (!is_damage(code) && !lost_scan(&j->d, code)) return;
    if (code == JWRN_HIT_MARKER) cut_off(j);
    else {
        char text[JMSG_LENGTH_MAX];
        c->err->format_message(c, text);
        j->status = fct_fail(j->err, FCT_ERR_FORMAT, "%s: damaged JPEG: %s", j->source->name, text);
    }
    longjmp(j->fail, 1);
}

/* Reads the EXIF block of the first APP1 segment that has one. */
static void read_exif(const struct jpeg_decompress_struct *d, fct_image_facts *facts) {
    for (jpeg_saved_marker_ptr m = d->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > 6 && !memcmp(m->data, "Exif\0", 6)) {
            fct_exif_read(m->data + 6, m->data_length - 6, facts);
            return;
        }
}

/* The largest of 1, 2, 4, 8 that leaves the shorter side at least hint long. */
static int reduction(unsigned width, unsigned height, int hint) {
    unsigned side = width < height ? width : height;
    int n = 1;
    while (hint > 0 && n < 8 && side / (unsigned)(2 * n) >= (unsigned)hint) n *= 2;
    return n;
}

/* libjpeg converts to all of facet's formats by itself, except from ink colors. */
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

/* Converts ink on white paper without a color profile: color = (1 - ink)(1 - black). Files with Adobe's marker,
 * which nearly all have, store 255 - ink. */
static void cmyk_to_rgb(uint8_t *row, unsigned n, bool inverted) {
    int flip = inverted ? 0 : 255;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = row + 4 * (size_t)i;
        uint8_t *q = row + 3 * (size_t)i;
        int k = p[3] ^ flip, c = p[0] ^ flip, m = p[1] ^ flip, y = p[2] ^ flip;
        q[0] = mul255(c, k), q[1] = mul255(m, k), q[2] = mul255(y, k);
    }
}

/* Pixel at a part of a side, `more` pixels further on. */
static JDIMENSION pixel_at(float part, JDIMENSION side, int more) {
    const double v = (double)part * side + more;
    return !(v > 0) ? 0 : v < side ? (JDIMENSION)v : side;
}

/* Decides what is decoded: the part that is wanted and some pixels around it, which smooth upsampling reads. Columns
 * are cut in libjpeg's steps. */
static void find_area(jpeg *j, const fct_image_facts *facts) {
    const fct_decode_opts *o = j->source->opts;
    j->x = j->y = 0;
    j->width = j->d.output_width;
    j->height = j->d.output_height;
#if defined(LIBJPEG_TURBO_VERSION_NUMBER) && LIBJPEG_TURBO_VERSION_NUMBER >= 2001000
    enum { AROUND = 16 };
    const bool turned = facts->orientation != 1 && !o->keep_orientation;
    if (!o->part || j->d.buffered_image || j->d.out_color_space == JCS_CMYK || turned) return;
    JDIMENSION x = pixel_at(o->part[0], j->width, -AROUND), y = pixel_at(o->part[1], j->height, -AROUND);
    const JDIMENSION right = pixel_at(o->part[2], j->width, AROUND), bottom = pixel_at(o->part[3], j->height, AROUND);
    if (x >= right || y >= bottom) return;
    JDIMENSION width = right - x;
    jpeg_crop_scanline(&j->d, &x, &width);
    j->x = x, j->width = width;
    j->y = y, j->height = bottom - y;
    if (y) jpeg_skip_scanlines(&j->d, y);
#endif
}

static void read_rows(jpeg *j) {
    fct_image *im = j->image;
    while (j->d.output_scanline < j->y + j->height) {
        uint8_t *dst = im->pixels + (ptrdiff_t)(j->d.output_scanline - j->y) * im->stride;
        JSAMPROW row = j->cmyk ? j->cmyk : dst;
        jpeg_read_scanlines(&j->d, &row, 1);
        if (!j->cmyk) continue;
        cmyk_to_rgb(j->cmyk, j->d.output_width, j->d.saw_Adobe_marker);
        fct_convert_row(j->cmyk, FCT_PIX_RGB, dst, im->format, im->width);
    }
}

/* Reads the scans of a file that has several, until all coefficients are known or
 * the end marker is there. */
static fct_status read_scans(jpeg *j) {
    const fct_source_bytes *s = j->source;
    for (int event = JPEG_REACHED_SOS; event != JPEG_REACHED_EOI; event = jpeg_consume_input(&j->d)) {
        if (event == JPEG_SCAN_COMPLETED && has_all_coefficients(j)) return FCT_OK;
        if (event == JPEG_SUSPENDED) return fct_fail(j->err, FCT_ERR_INTERNAL, "%s: JPEG data paused", s->name);
        if (j->d.input_scan_number > MAX_SCANS)
            return fct_fail(j->err, FCT_ERR_LIMIT, "%s: JPEG of more than %d scans", s->name, MAX_SCANS);
        for (int i = 0; event == JPEG_REACHED_SOS && i < j->d.comps_in_scan; i++)
            j->channels |= 1u << j->d.cur_comp_info[i]->component_index;
    }
    if (j->cut) cut_off(j);
    return j->status;
}

/* Chooses the reduction at which libjpeg decodes, so that a huge photo costs less when its caller needs a small one. */
static fct_status read_header(jpeg *j, fct_image_facts *facts) {
    const fct_source_bytes *s = j->source;
    jpeg_mem_src(&j->d, s->data, (unsigned long)s->len);
    jpeg_save_markers(&j->d, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(&j->d, TRUE);
    read_exif(&j->d, facts);
    facts->width = (int)j->d.image_width;
    facts->height = (int)j->d.image_height;
    fct_status st = fct_decode_check_size(s, j->d.image_width, j->d.image_height, j->err);
    if (st) return st;
    j->d.scale_num = (unsigned)(8 / reduction(j->d.image_width, j->d.image_height, s->opts->min_side_hint));
    j->d.scale_denom = 8;
    j->d.out_color_space = color_space(&j->d, s->opts->format);
    j->d.buffered_image = jpeg_has_multiple_scans(&j->d);
    jpeg_start_decompress(&j->d);
    return FCT_OK;
}

static fct_status read_picture(jpeg *j, fct_image_facts *facts) {
    const fct_source_bytes *s = j->source;
    if (j->d.buffered_image) jpeg_start_output(&j->d, j->d.input_scan_number);
    if (j->d.out_color_space == JCS_CMYK) {
        j->cmyk = fct_alloc((size_t)j->d.output_width * 4);
        if (!j->cmyk) return fct_fail_nomem(j->err, s->name, (size_t)j->d.output_width * 4);
    }
    facts->decoded_width = (int)j->d.output_width;
    facts->decoded_height = (int)j->d.output_height;
    find_area(j, facts);
    facts->part_x = (int)j->x;
    facts->part_y = (int)j->y;
    fct_status st =
        fct_image_create_over(s->opts->spare, (int)j->width, (int)j->height, s->opts->format, &j->image, j->err);
    if (!st) read_rows(j);
    return st;
}

fct_status fct_jpeg_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    jpeg *j = fct_calloc(1, sizeof *j);
    if (!j) return fct_fail_nomem(err, s->name, sizeof *j);
    j->source = s;
    j->err = err;
    j->d.err = jpeg_std_error(&j->errors);
    j->d.client_data = j;
    j->errors.error_exit = on_error;
    j->errors.emit_message = on_message;
    if (!setjmp(j->fail)) {
        jpeg_create_decompress(&j->d);
        j->status = read_header(j, facts);
        if (!j->status && j->d.buffered_image) j->status = read_scans(j);
        if (!j->status) j->status = read_picture(j, facts);
    }
    fct_status st = j->status;
    jpeg_destroy_decompress(&j->d);
    if (st) fct_image_free(j->image);
    else *out = j->image;
    fct_free(j->cmyk);
    fct_free(j);
    return st;
}

#else

fct_status fct_jpeg_decode(const fct_source_bytes *s, fct_image **out, fct_image_facts *facts, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no JPEG (Meson feature \"jpeg\")", s->name);
}

#endif

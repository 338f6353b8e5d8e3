/* JPEG encoding with libjpeg-turbo: 4:2:0 below quality 90, else 4:4:4, which
 * keeps the edges of colored boxes and text. */
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_JPEG
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>

typedef struct jpeg_writer {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr dest;
    jmp_buf fail;
    fct_error *err;
    fct_status status;
    fct_bytes *out;
    uint8_t buffer[16384];
} jpeg_writer;

/* libjpeg calls this instead of exiting. */
static void on_error(j_common_ptr c) {
    jpeg_writer *w = c->client_data;
    char text[JMSG_LENGTH_MAX];
    c->err->format_message(c, text);
    if (!w->status) w->status = fct_fail(w->err, FCT_ERR_UNSUPPORTED, "JPEG encoder: %s", text);
    longjmp(w->fail, 1);
}

static void on_message(j_common_ptr c, int level) {}

static void dest_init(j_compress_ptr c) {
    jpeg_writer *w = c->client_data;
    w->dest.next_output_byte = w->buffer;
    w->dest.free_in_buffer = sizeof w->buffer;
}

/* Hands what libjpeg has written to the growing buffer; without memory it ends the encoding. */
static void dest_write(jpeg_writer *w, size_t len) {
    if (fct_bytes_append(w->out, w->buffer, len)) return;
    w->status = fct_fail_nomem(w->err, "JPEG encoder", w->out->len + len);
    longjmp(w->fail, 1);
}

static boolean dest_full(j_compress_ptr c) {
    jpeg_writer *w = c->client_data;
    dest_write(w, sizeof w->buffer);
    dest_init(c);
    return TRUE;
}

static void dest_end(j_compress_ptr c) {
    jpeg_writer *w = c->client_data;
    dest_write(w, sizeof w->buffer - w->dest.free_in_buffer);
}

static void set_input(jpeg_writer *w, fct_view v) {
    static const J_COLOR_SPACE spaces[] = {[FCT_PIX_RGB] = JCS_EXT_RGB,
                                           [FCT_PIX_BGR] = JCS_EXT_BGR,
                                           [FCT_PIX_GRAY] = JCS_GRAYSCALE,
                                           [FCT_PIX_RGBA] = JCS_EXT_RGBX,
                                           [FCT_PIX_BGRA] = JCS_EXT_BGRX};
    w->c.image_width = (JDIMENSION)v.width;
    w->c.image_height = (JDIMENSION)v.height;
    w->c.input_components = fct_pixel_bytes(v.format);
    w->c.in_color_space = spaces[v.format];
}

static void encode(jpeg_writer *w, fct_view v, int quality) {
    jpeg_create_compress(&w->c);
    w->c.dest = &w->dest;
    set_input(w, v);
    jpeg_set_defaults(&w->c);
    jpeg_set_quality(&w->c, quality, TRUE);
    w->c.optimize_coding = TRUE;
    if (quality >= 90 && w->c.num_components == 3)
        w->c.comp_info[0].h_samp_factor = w->c.comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(&w->c, TRUE);
    while (w->c.next_scanline < w->c.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)fct_view_row(v, (int)w->c.next_scanline);
        jpeg_write_scanlines(&w->c, &row, 1);
    }
    jpeg_finish_compress(&w->c);
}

fct_status fct_jpeg_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    if (v.width > 65500 || v.height > 65500) /* JPEG_MAX_DIMENSION */
        return fct_fail(err, FCT_ERR_LIMIT, "picture of %dx%d: JPEG sides may have 65500 pixels", v.width, v.height);
    jpeg_writer *w = fct_calloc(1, sizeof *w);
    if (!w) return fct_fail_nomem(err, "JPEG encoder", sizeof *w);
    w->err = err;
    w->out = out;
    w->c.err = jpeg_std_error(&w->errors);
    w->c.client_data = w;
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_message;
    w->dest.init_destination = dest_init;
    w->dest.empty_output_buffer = dest_full;
    w->dest.term_destination = dest_end;
    if (!setjmp(w->fail)) encode(w, v, quality);
    jpeg_destroy_compress(&w->c);
    fct_status s = w->status;
    fct_free(w);
    return s;
}

#else

fct_status fct_jpeg_encode(fct_view v, int quality, fct_bytes *out, fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build has no JPEG (Meson feature \"jpeg\")");
}

#endif

/* Raw frames on standard input: width x height pixels after one another, no
 * header. `ffmpeg -i x.mp4 -f rawvideo -pix_fmt rgb24 - | facet video - ...` */
#include "video/source_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <stdio.h>

typedef struct raw_input {
    fct_input_env *env;
    FILE *file;
    fct_image *frame; /* in the pipe's format */
    int64_t frames;
} raw_input;

static void input_close(void *state) {
    raw_input *in = state;
    if (!in) return;
    fct_image_free(in->frame);
    fct_free(in);
}

/* Frames come without a head, so that their size must be given, and is checked before memory is taken for it. */
static fct_status input_open(fct_input_env *env, void **out, fct_error *err) {
    const fct_source_opts *o = &env->opts;
    *out = NULL;
    if (o->raw_width < 1 || o->raw_height < 1)
        return fct_fail(err, FCT_ERR_ARG, "raw frames on standard input: their size must be given");
    if ((int64_t)o->raw_width * o->raw_height > o->max_pixels)
        return fct_fail(err, FCT_ERR_LIMIT, "raw frames of %dx%d pixels, the limit is %lld", o->raw_width,
                        o->raw_height, (long long)o->max_pixels);
    raw_input *in = fct_calloc(1, sizeof *in);
    if (!in) return fct_fail_nomem(err, "source", sizeof *in);
    in->env = env;
    in->file = stdin;
    fct_status s = fct_image_create(o->raw_width, o->raw_height, o->raw_format, &in->frame, err);
    if (s) {
        input_close(in);
        return s;
    }
    env->info.width = o->raw_width;
    env->info.height = o->raw_height;
    env->info.fps = o->fps > 0 ? o->fps : 25;
    snprintf(env->info.codec, sizeof env->info.codec, "raw");
    *out = in;
    return FCT_OK;
}

/* Reads up to a whole frame; less at the end of the stream or when the source is to stop. */
static bool read_frame(raw_input *in, uint8_t *pixels, size_t want, size_t *got) {
    enum { look_up_ms = 50 };
    *got = 0;
    while (*got < want && !atomic_load(&in->env->stop)) {
        int64_t n = fct_file_read_some(in->file, pixels + *got, want - *got, look_up_ms);
        if (n == FCT_READ_FAILED) return false;
        if (n == 0) break;
        if (n > 0) *got += (size_t)n;
    }
    return true;
}

static fct_status input_read(void *state, fct_image **image, double *time, fct_error *err) {
    raw_input *in = state;
    fct_view v = fct_image_view(in->frame);
    size_t want = (size_t)v.stride * (size_t)v.height, got;
    *image = NULL;
    if (!read_frame(in, fct_image_pixels(in->frame), want, &got))
        return fct_fail(err, FCT_ERR_IO, "%s: reading raw frames failed", in->env->name);
    if (got == 0) return FCT_OK;
    if (got < want)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: frame %lld is cut off: %zu of %zu bytes", in->env->name,
                        (long long)in->frames, got, want);
    *time = (double)in->frames++ / in->env->info.fps;
    return fct_image_convert(v, FCT_PIX_RGB, image, err);
}

const fct_input_class fct_raw_input = {input_open, input_read, input_close};

/* Frames of files, cameras and streams: decoding, conversion to RGB, damage,
 * reconnecting. */
#include "video/source_internal.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

#ifdef FCT_HAVE_VIDEO
#include "video/ffmpeg_planes.h"
#include <math.h>

#define DAMAGED_IN_A_ROW 300 /* packets without one frame: nothing more will come */

typedef struct ffmpeg_input {
    fct_input_env *env;
    fct_demux demux;
    AVPacket *packet;
    AVFrame *frame, *memory; /* decoded; copied out of a device */
    struct SwsContext *sws;
    int width, height; /* of the first frame as stored */
    int64_t frames, damaged, in_a_row;
    double start, damaged_at; /* time of the first frame; of the first damage */
    double packets_end;       /* latest end of a packet of any track, in seconds */
    uint64_t opened;
    bool finite, started, draining, reported, turned; /* turned: pictures that were, cannot be written over */
    int read_error;
} ffmpeg_input;

static void input_close(void *state) {
    ffmpeg_input *in = state;
    if (!in) return;
    fct_demux_close(&in->demux);
    sws_freeContext(in->sws);
    av_packet_free(&in->packet);
    av_frame_free(&in->frame);
    av_frame_free(&in->memory);
    fct_free(in);
}

static fct_status input_open(fct_input_env *env, void **out, fct_error *err) {
    *out = NULL;
    fct_status s = fct_ffmpeg_load(env->name, err);
    if (s) return s;
    ffmpeg_input *in = fct_calloc(1, sizeof *in);
    if (!in) return fct_fail_nomem(err, "source", sizeof *in);
    in->env = env;
    in->packet = av_packet_alloc();
    in->frame = av_frame_alloc();
    in->memory = av_frame_alloc();
    in->opened = fct_time_ns();
    s = in->packet && in->frame && in->memory ? FCT_OK : fct_fail_nomem(err, "source", 0);
    if (!s) s = fct_demux_open(&in->demux, env, err);
    if (s) {
        input_close(in);
        return s;
    }
    in->finite = !env->info.live;
    *out = in;
    return FCT_OK;
}

/* ---- Conversion ------------------------------------------------------------------------ */

static void set_colors(struct SwsContext *sws, fct_colors c) {
    sws_setColorspaceDetails(sws, sws_getCoefficients(c.space), c.full, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                             1 << 16, 1 << 16);
}

/* A picture of the first frame's size to write to. swscale's vector code may write
 * some bytes past the last row: there is one row more. */
static fct_status blank(ffmpeg_input *in, fct_image **out, fct_error *err) {
    in->turned |= in->demux.turns != 0;
    fct_image *spare = NULL;
    for (int i = 0; i < FCT_SPARE && !spare && !in->turned; i++) spare = atomic_exchange(&in->env->spare[i], NULL);
    if (spare && spare->width == in->width && spare->height == in->height) {
        *out = spare;
        return FCT_OK;
    }
    fct_image_free(spare);
    fct_status s = fct_image_create_raw(in->width, in->height + 1, FCT_PIX_RGB, out, err);
    if (!s) (*out)->height--;
    return s;
}

/* An RGB picture of the first frame's size, upright. */
static fct_status to_image(ffmpeg_input *in, const AVFrame *f, fct_image **out, fct_error *err) {
    if (!in->width) in->width = f->width, in->height = f->height;
    struct SwsContext *sws = sws_getCachedContext(in->sws, f->width, f->height, f->format, in->width, in->height,
                                                  AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
    in->sws = sws;
    if (!sws)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: pixel format %d cannot be converted", in->env->name, f->format);
    set_colors(sws, fct_colors_of(f));
    fct_image *im, *turned;
    fct_status s = blank(in, &im, err);
    if (s) return s;
    uint8_t *planes[4] = {im->pixels};
    int strides[4] = {(int)im->stride};
    sws_scale(sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes, strides);
    if (in->demux.turns) {
        s = fct_image_rotate(fct_image_view(im), in->demux.turns, &turned, err);
        fct_image_free(im);
        im = s ? NULL : turned;
    }
    *out = im;
    return s;
}

/* ---- Reconnecting ------------------------------------------------------------------------ */

/* Sleeps in slices; false: stop. */
static bool pause_for(ffmpeg_input *in, int ms) {
    for (; ms > 0 && !atomic_load(&in->env->stop); ms -= 20) fct_sleep_ms(ms < 20 ? ms : 20);
    return !atomic_load(&in->env->stop);
}

/* Opens a lost stream again: after 0.2 s, then with twice the pause each time,
 * at most 5 s. reason: what ended it. */
static fct_status reconnect(ffmpeg_input *in, int reason, fct_error *err) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    int pause = 200, tries = in->env->opts.reconnect;
    if (reason == AVERROR_EOF) snprintf(text, sizeof text, "the stream ended");
    else if (reason == AVERROR_EXIT) snprintf(text, sizeof text, "no data for %d ms", in->env->opts.timeout_ms);
    else av_strerror(reason, text, sizeof text);
    fct_demux_close(&in->demux);
    for (int i = 0; i < tries && pause_for(in, pause); i++, pause = pause < 2500 ? 2 * pause : 5000) {
        if (fct_demux_open(&in->demux, in->env, NULL)) continue;
        in->env->info.reconnects++;
        in->draining = false;
        in->in_a_row = 0;
        return FCT_OK;
    }
    if (!tries) return fct_fail(err, FCT_ERR_NETWORK, "%s: %s", in->env->name, text);
    return fct_fail(err, FCT_ERR_NETWORK, "%s: %s, and %d attempts to open it again failed", in->env->name, text,
                    tries);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static double time_of(ffmpeg_input *in, const AVFrame *f) {
    if (!in->finite) return (double)(fct_time_ns() - in->opened) / 1e9;
    const AVStream *st = in->demux.format->streams[in->demux.stream];
    double rate = in->env->info.fps > 0 ? in->env->info.fps : 25;
    return f->best_effort_timestamp == AV_NOPTS_VALUE ? in->start + (double)in->frames / rate
                                                      : (double)f->best_effort_timestamp * av_q2d(st->time_base);
}

static void note_damage(ffmpeg_input *in) {
    if (!in->damaged++) in->damaged_at = (double)in->frames / (in->env->info.fps > 0 ? in->env->info.fps : 25);
    in->in_a_row++;
}

/* Keeps the decoder's frame, whose pixels are the picture's one by one. */
static fct_status keep_coded(ffmpeg_input *in, AVFrame *f, fct_error *err) {
    fct_coded_free(in->env->coded);
    in->env->coded = NULL;
    if (!in->env->opts.keep_coded || in->demux.turns || f->width != in->width || f->height != in->height) return FCT_OK;
    AVFrame *kept = av_frame_alloc();
    if (!kept) return fct_fail_nomem(err, "source", sizeof *kept);
    av_frame_move_ref(kept, f);
    in->env->coded = (fct_coded *)kept;
    return FCT_OK;
}

void fct_coded_free(fct_coded *c) {
    AVFrame *f = (AVFrame *)c;
    if (f) av_frame_free(&f); /* without one FFmpeg may not be loaded */
}

/* A decoded frame into *image. */
static fct_status deliver(ffmpeg_input *in, fct_image **image, double *time, fct_error *err) {
    AVFrame *f = in->frame;
    if (f->format == (int)in->demux.hardware && in->demux.hardware != AV_PIX_FMT_NONE) {
        av_frame_unref(in->memory);
        int code = av_hwframe_transfer_data(in->memory, f, 0);
        if (code < 0) return fct_ffmpeg_fail(err, in->env->name, "the decoding device failed", code);
        av_frame_copy_props(in->memory, f);
        f = in->memory;
    }
    if (f->decode_error_flags || (f->flags & AV_FRAME_FLAG_CORRUPT)) note_damage(in);
    double at = time_of(in, f);
    if (!in->started) in->start = at, in->started = true;
    *time = at - in->start;
    in->in_a_row = 0;
    in->frames++;
    fct_status s = to_image(in, f, image, err);
    if (!s) s = keep_coded(in, f, err);
    if (s) {
        fct_image_free(*image);
        *image = NULL;
    }
    return s;
}

/* How far the file reaches, by all of its tracks. */
static void note_packet(ffmpeg_input *in) {
    const AVPacket *p = in->packet;
    const AVFormatContext *f = in->demux.format;
    if (p->pts == AV_NOPTS_VALUE || p->stream_index < 0 || (unsigned)p->stream_index >= f->nb_streams) return;
    int64_t end = p->pts + (p->duration > 0 ? p->duration : 0);
    in->packets_end = fmax(in->packets_end, (double)end * av_q2d(f->streams[p->stream_index]->time_base));
}

/* Seconds that the container promises and no track has; 0 where it promises none. A
 * length that was guessed from the bit rate is no promise. */
static double missing_seconds(const ffmpeg_input *in) {
    const AVFormatContext *f = in->demux.format;
    if (f->duration <= 0 || f->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
    double start = f->start_time == AV_NOPTS_VALUE ? 0 : (double)f->start_time / AV_TIME_BASE;
    double length = (double)f->duration / AV_TIME_BASE, missing = start + length - in->packets_end;
    return missing > fmax(0.5, 0.02 * length) ? missing : 0;
}

/* Feeds the decoder one packet; an AVERROR, or 0. */
static int feed(ffmpeg_input *in) {
    if (in->draining) return AVERROR_EOF;
    fct_demux_arm(in->env);
    int code = av_read_frame(in->demux.format, in->packet);
    if (code == AVERROR(EAGAIN)) {
        fct_sleep_ms(2);
        return 0;
    }
    if (code < 0) {
        if (!in->finite) return code;
        if (code != AVERROR_EOF) in->read_error = code;
        in->draining = true;
        return avcodec_send_packet(in->demux.codec, NULL) == AVERROR(ENOMEM) ? AVERROR(ENOMEM) : 0;
    }
    note_packet(in);
    if (in->packet->stream_index == in->demux.stream) {
        if (in->packet->flags & AV_PKT_FLAG_CORRUPT) note_damage(in);
        code = avcodec_send_packet(in->demux.codec, in->packet);
    }
    av_packet_unref(in->packet);
    if (code < 0 && code != AVERROR(EAGAIN) && code != AVERROR(ENOMEM)) {
        note_damage(in);
        return in->in_a_row > DAMAGED_IN_A_ROW ? AVERROR_INVALIDDATA : 0;
    }
    return code == AVERROR(EAGAIN) ? 0 : code;
}

/* Tells, at the end of a file, whether all of it was there. */
static fct_status finish(ffmpeg_input *in, fct_error *err) {
    const char *name = in->env->name;
    if (in->reported) return FCT_OK;
    in->reported = true;
    long long got = (long long)in->frames, expected = (long long)in->env->info.frames;
    if (in->read_error) return fct_ffmpeg_fail(err, name, "reading failed before the end", in->read_error);
    if (!got) return fct_fail(err, FCT_ERR_FORMAT, "%s: no frame could be decoded", name);
    if (in->damaged)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: %lld damaged parts, the first near %.1f s; %lld frames were read",
                        name, (long long)in->damaged, in->damaged_at, got);
    double missing = missing_seconds(in);
    if (in->demux.format->streams[in->demux.stream]->nb_frames > 0 && got + 1 < expected)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: cut off after %lld of %lld frames", name, got, expected);
    if (missing > 0)
        return fct_fail(err, FCT_ERR_FORMAT,
                        "%s: cut off: the last %.1f s of %.1f s are missing; %lld frames were read", name, missing,
                        (double)in->demux.format->duration / AV_TIME_BASE, got);
    return FCT_OK;
}

/* The next frame. Damaged packets are counted and passed over; a stream that ends is connected to again, a file
 * is not. */
static fct_status input_read(void *state, fct_image **image, double *time, fct_error *err) {
    ffmpeg_input *in = state;
    *image = NULL;
    while (!atomic_load(&in->env->stop)) {
        int code = avcodec_receive_frame(in->demux.codec, in->frame);
        if (code >= 0) return deliver(in, image, time, err);
        if (code == AVERROR_EOF && in->finite) return finish(in, err);
        if (code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
            if (code == AVERROR(ENOMEM)) return fct_fail_nomem(err, in->env->name, 0);
            note_damage(in);
        }
        code = feed(in);
        if (code == AVERROR(ENOMEM)) return fct_fail_nomem(err, in->env->name, 0);
        if (code >= 0) continue;
        if (in->finite)
            return in->draining ? finish(in, err) : fct_ffmpeg_fail(err, in->env->name, "damaged video", code);
        if (atomic_load(&in->env->stop)) break;
        fct_status s = reconnect(in, code, err);
        if (s) return s;
    }
    return FCT_OK;
}

fct_status fct_video_available(fct_error *err) { return fct_ffmpeg_load("no video", err); }

#else

typedef struct ffmpeg_input {
    int unused;
} ffmpeg_input;

fct_status fct_video_available(fct_error *err) {
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "this build has no video (Meson feature \"video\", FFmpeg)");
}

static fct_status input_open(fct_input_env *env, void **out, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no video (Meson feature \"video\", FFmpeg)",
                    env->name);
}
static fct_status input_read(void *state, fct_image **image, double *time, fct_error *err) { return FCT_ERR_INTERNAL; }
static void input_close(void *state) {}
void fct_coded_free(fct_coded *c) {}

#endif

const fct_input_class fct_ffmpeg_input = {input_open, input_read, input_close};

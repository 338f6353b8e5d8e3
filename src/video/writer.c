/* MP4 files by libavformat: H.264 where there is an encoder (libx264, OpenH264, a
 * device's), else MPEG-4 part 2. */
#include "facet/video.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_VIDEO
#include "video/ffmpeg_planes.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TICKS 90000 /* per second, as MPEG has it */

struct fct_writer {
    char *path;
    AVFormatContext *format;
    AVCodecContext *codec; /* NULL until the first frame */
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *sws;
    fct_colors colors;
    int width, height;
    double fps;
    int64_t last;
    bool open; /* may be written to */
};

static fct_status writer_fail(const fct_writer *w, int code, fct_error *err) {
    return fct_ffmpeg_fail(err, w->path, "cannot write this video", code);
}

static const AVCodec *choose_codec(void) {
    static const char *const names[] = {"libx264", "libopenh264"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const AVCodec *c = avcodec_find_encoder_by_name(names[i]);
        if (c) return c;
    }
    return avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

/* The file's colors: those of the first frame as it was decoded. MPEG-4 has no
 * place to say that their range is full. */
static void choose_colors(fct_writer *w, const AVFrame *like) {
    AVCodecContext *c = w->codec;
    if (!like || (fct_colors_of(like).full && c->codec_id != AV_CODEC_ID_H264)) {
        w->colors = (fct_colors){SWS_CS_ITU601, false};
        c->colorspace = AVCOL_SPC_SMPTE170M;
        c->color_range = AVCOL_RANGE_MPEG;
        return;
    }
    w->colors = fct_colors_of(like);
    c->colorspace = like->colorspace;
    c->color_primaries = like->color_primaries;
    c->color_trc = like->color_trc;
    c->color_range = w->colors.full ? AVCOL_RANGE_JPEG : like->color_range;
}

static int open_codec(fct_writer *w, const AVFrame *like) {
    const AVCodec *codec = choose_codec();
    if (!codec) return AVERROR_ENCODER_NOT_FOUND;
    if (!(w->codec = avcodec_alloc_context3(codec))) return AVERROR(ENOMEM);
    bool h264 = codec->id == AV_CODEC_ID_H264;
    double fps = w->fps > 0 ? w->fps : 25;
    w->codec->width = w->width;
    w->codec->height = w->height;
    w->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    w->codec->time_base = h264 ? (AVRational){1, TICKS} : (AVRational){1, 1000}; /* MPEG-4 has 16 bits for it */
    w->codec->framerate = av_d2q(fps, 100000);
    w->codec->gop_size = (int)fmin(250, fmax(1, fps * 5));
    w->codec->thread_count = fct_threads() < 8 ? fct_threads() + 1 : 8; /* one more frame is under way: 3 % */
    choose_colors(w, like);
    if (w->format->oformat->flags & AVFMT_GLOBALHEADER) w->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (h264) {
        /* The settings were chosen by a measurement on 200 frames of 1080p: 45.3 dB in 2.9 MB and 2.2 s; superfast
         * at 23: 44.8 dB, 3.1 MB, 2.4 s, and with B-frames 3.6 s; ultrafast alone 43.5 dB in 8.5 MB. */
        av_opt_set(w->codec->priv_data, "preset", "ultrafast", 0);
        av_opt_set(w->codec->priv_data, "x264-params", "subme=1:8x8dct=1:cabac=1:deblock=0,0", 0);
        av_opt_set(w->codec->priv_data, "crf", "23", 0);
    } else { /* a quality, as above: a fixed rate is far too little for some pictures */
        w->codec->flags |= AV_CODEC_FLAG_QSCALE;
        w->codec->global_quality = 3 * FF_QP2LAMBDA;
    }
    return avcodec_open2(w->codec, codec, NULL);
}

static int allocate(fct_writer *w) {
    w->packet = av_packet_alloc();
    w->frame = av_frame_alloc();
    if (!w->packet || !w->frame) return AVERROR(ENOMEM);
    w->frame->format = AV_PIX_FMT_YUV420P;
    w->frame->width = w->width;
    w->frame->height = w->height;
    return av_frame_get_buffer(w->frame, 0);
}

static int open_file(fct_writer *w) {
    char *url = av_asprintf("file:%s", w->path);
    int code = url ? avformat_alloc_output_context2(&w->format, NULL, "mp4", w->path) : AVERROR(ENOMEM);
    if (code >= 0) code = avio_open(&w->format->pb, url, AVIO_FLAG_WRITE);
    av_free(url);
    w->open = code >= 0;
    return code;
}

/* The encoder and the file's header, at the first frame. like: the frame as it was
 * decoded, or NULL. */
static int begin(fct_writer *w, const AVFrame *like) {
    int code = open_codec(w, like);
    if (code >= 0 && !(w->stream = avformat_new_stream(w->format, NULL))) code = AVERROR(ENOMEM);
    if (code >= 0) {
        w->stream->time_base = w->codec->time_base;
        w->stream->avg_frame_rate = w->codec->framerate;
        code = avcodec_parameters_from_context(w->stream->codecpar, w->codec);
    }
    if (code >= 0) code = avformat_write_header(w->format, NULL);
    if (code < 0) w->open = false;
    return code;
}

/* Sides are cut to even numbers, which the color format needs. */
fct_status fct_writer_open(const char *path, int width, int height, double fps, fct_writer **out, fct_error *err) {
    *out = NULL;
    if (!path || width < 2 || height < 2 || width > 16384 || height > 16384 || !(fps >= 0 && fps <= 1000))
        return fct_fail(err, FCT_ERR_ARG, "video of %dx%d at %g frames per second cannot be written", width, height,
                        fps);
    fct_status s = fct_ffmpeg_load(path, err);
    if (s) return s;
    fct_writer *w = fct_calloc(1, sizeof *w);
    if (!w || !(w->path = fct_strdup(path))) {
        fct_free(w);
        return fct_fail_nomem(err, "writer", sizeof *w);
    }
    w->width = width & ~1;
    w->height = height & ~1;
    w->fps = fps;
    w->last = -1;
    int code = open_file(w);
    if (code >= 0) code = allocate(w);
    if (code < 0) {
        s = writer_fail(w, code, err);
        fct_writer_free(w);
        return s;
    }
    *out = w;
    return FCT_OK;
}

/* Writes the packets that the encoder has ready. */
static int flush_packets(fct_writer *w) {
    int code;
    while ((code = avcodec_receive_packet(w->codec, w->packet)) >= 0) {
        av_packet_rescale_ts(w->packet, w->codec->time_base, w->stream->time_base);
        w->packet->stream_index = w->stream->index;
        code = av_interleaved_write_frame(w->format, w->packet);
        if (code < 0) return code;
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? 0 : code;
}

/* Fills the frame to be encoded from planes of any format; rgb: their colors are
 * RGB's, else the file's. */
static int fill_frame(fct_writer *w, const uint8_t *const planes[], const int strides[], int format, bool rgb) {
    if (format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P) {
        av_image_copy(w->frame->data, w->frame->linesize, (const uint8_t **)planes, strides, AV_PIX_FMT_YUV420P,
                      w->width, w->height);
        return 0;
    }
    w->sws = sws_getCachedContext(w->sws, w->width, w->height, format, w->width, w->height, AV_PIX_FMT_YUV420P,
                                  SWS_BILINEAR, NULL, NULL, NULL);
    if (!w->sws) return AVERROR(ENOSYS);
    const int *file = sws_getCoefficients(w->colors.space), *own = rgb ? sws_getCoefficients(SWS_CS_DEFAULT) : file;
    sws_setColorspaceDetails(w->sws, own, rgb || w->colors.full, file, w->colors.full, 0, 1 << 16, 1 << 16);
    return sws_scale(w->sws, planes, strides, 0, w->height, w->frame->data, w->frame->linesize);
}

static bool same_colors(fct_colors a, fct_colors b) { return a.space == b.space && a.full == b.full; }

/* The pixels of a frame: as decoded where that is known and has the file's
 * colors, else its RGB; then the parts that were drawn upon. */
static int put_pixels(fct_writer *w, const fct_frame *f, fct_view drawn, const fct_rect *parts, int n) {
    const AVFrame *coded = (const AVFrame *)f->coded;
    int code = av_frame_make_writable(w->frame);
    if (code < 0) return code;
    if (coded && coded->width == f->view.width && coded->height == f->view.height &&
        same_colors(fct_colors_of(coded), w->colors))
        code = fill_frame(w, (const uint8_t *const *)coded->data, coded->linesize, coded->format, false);
    else
        code = fill_frame(w, (const uint8_t *const[4]){f->view.data}, (const int[4]){(int)f->view.stride},
                          AV_PIX_FMT_RGB24, true);
    for (int i = 0; i < n && code >= 0; i++) fct_planes_paint(w->frame, w->colors, drawn, parts[i]);
    return code;
}

static fct_status check_frame(const fct_writer *w, fct_view v, double time, fct_error *err) {
    fct_status s = fct_view_check(v, "frame", err);
    if (s) return s;
    if (!w->open) return fct_fail(err, FCT_ERR_ARG, "%s: the video is already finished", w->path);
    if ((v.width & ~1) != w->width || (v.height & ~1) != w->height || !isfinite(time) || time < 0 || time > 1e8)
        return fct_fail(err, FCT_ERR_ARG, "%s: a frame of %dx%d at %g s in a video of %dx%d", w->path, v.width,
                        v.height, time, w->width, w->height);
    return FCT_OK;
}

static bool is_plain(fct_view v) { return v.format == FCT_PIX_RGB && v.stride > 0 && v.stride <= INT32_MAX; }

fct_status fct_writer_add_drawn(fct_writer *w, const fct_frame *f, fct_view drawn, const fct_rect *parts, int n,
                                fct_error *err) {
    fct_status s = check_frame(w, f->view, f->time, err);
    if (s) return s;
    if (n < 0 || (n && (drawn.width != f->view.width || drawn.height != f->view.height || !is_plain(drawn))) ||
        !is_plain(f->view))
        return fct_fail(err, FCT_ERR_ARG, "%s: drawn upon are %dx%d RGB pixels, the frame has %dx%d", w->path,
                        drawn.width, drawn.height, f->view.width, f->view.height);
    int code = w->codec ? 0 : begin(w, (const AVFrame *)f->coded);
    if (code < 0) return writer_fail(w, code, err);
    int64_t pts = llrint(f->time / av_q2d(w->codec->time_base));
    if (pts <= w->last) return FCT_OK;
    code = put_pixels(w, f, drawn, parts, n);
    if (code >= 0) {
        w->frame->pts = w->last = pts;
        code = avcodec_send_frame(w->codec, w->frame);
    }
    if (code >= 0) code = flush_packets(w);
    return code < 0 ? writer_fail(w, code, err) : FCT_OK;
}

fct_status fct_writer_add(fct_writer *w, fct_view v, double time, fct_error *err) {
    fct_image *rgb = NULL;
    fct_status s = check_frame(w, v, time, err);
    if (!s && !is_plain(v)) {
        s = fct_image_convert(v, FCT_PIX_RGB, &rgb, err);
        if (!s) v = fct_image_view(rgb);
    }
    if (!s) s = fct_writer_add_drawn(w, &(fct_frame){.view = v, .time = time}, v, NULL, 0, err);
    fct_image_free(rgb);
    return s;
}

fct_status fct_writer_finish(fct_writer *w, fct_error *err) {
    if (!w->open) return fct_fail(err, FCT_ERR_ARG, "%s: the video is already finished", w->path);
    int code = w->codec ? 0 : begin(w, NULL);
    w->open = false;
    if (code >= 0) code = avcodec_send_frame(w->codec, NULL);
    if (code >= 0) code = flush_packets(w);
    int trailer = w->stream ? av_write_trailer(w->format) : 0;
    if (code >= 0) code = trailer;
    int closed = avio_closep(&w->format->pb);
    if (code >= 0) code = closed;
    return code < 0 ? writer_fail(w, code, err) : FCT_OK;
}

void fct_writer_free(fct_writer *w) {
    if (!w) return;
    if (w->format && w->format->pb) avio_closep(&w->format->pb);
    avcodec_free_context(&w->codec);
    avformat_free_context(w->format);
    av_packet_free(&w->packet);
    av_frame_free(&w->frame);
    sws_freeContext(w->sws);
    fct_free(w->path);
    fct_free(w);
}

#else

fct_status fct_writer_open(const char *path, int width, int height, double fps, fct_writer **out, fct_error *err) {
    *out = NULL;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: this build has no video (Meson feature \"video\", FFmpeg)",
                    path ? path : "");
}
fct_status fct_writer_add(fct_writer *w, fct_view v, double time, fct_error *err) { return FCT_ERR_ARG; }
fct_status fct_writer_add_drawn(fct_writer *w, const fct_frame *f, fct_view drawn, const fct_rect *parts, int n,
                                fct_error *err) {
    return FCT_ERR_ARG;
}
fct_status fct_writer_finish(fct_writer *w, fct_error *err) { return FCT_ERR_ARG; }
void fct_writer_free(fct_writer *w) {}

#endif

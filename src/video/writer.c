/* MP4 files by libavformat: H.264 where there is an encoder (libx264, OpenH264, a
 * device's), else MPEG-4 part 2. */
#include "facet/video.h"
#include "image/image_internal.h"
#include "base/alloc.h"
#include "base/error.h"

#ifdef FCT_HAVE_VIDEO
#include "video/ffmpeg_common.h"
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TICKS 90000 /* per second, as MPEG has it */

struct fct_writer {
    char *path;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *sws;
    int width, height;
    int64_t last;
    bool open; /* the header is written */
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

static int open_codec(fct_writer *w, double fps) {
    const AVCodec *codec = choose_codec();
    if (!codec) return AVERROR_ENCODER_NOT_FOUND;
    if (!(w->codec = avcodec_alloc_context3(codec))) return AVERROR(ENOMEM);
    bool h264 = codec->id == AV_CODEC_ID_H264;
    w->codec->width = w->width;
    w->codec->height = w->height;
    w->codec->pix_fmt = AV_PIX_FMT_YUV420P;
    w->codec->time_base = h264 ? (AVRational){1, TICKS} : (AVRational){1, 1000}; /* MPEG-4 has 16 bits for it */
    w->codec->framerate = av_d2q(fps > 0 ? fps : 25, 100000);
    w->codec->gop_size = (int)fmin(250, fmax(1, fps * 5));
    w->codec->thread_count = fct_threads() < 8 ? fct_threads() : 8;
    w->codec->colorspace = AVCOL_SPC_SMPTE170M;
    w->codec->color_range = AVCOL_RANGE_MPEG;
    if (w->format->oformat->flags & AVFMT_GLOBALHEADER) w->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (h264) {
        av_opt_set(w->codec->priv_data, "preset", "superfast", 0);
        av_opt_set(w->codec->priv_data, "crf", "21", 0);
    } else
        w->codec->bit_rate = (int64_t)w->width * w->height * 4;
    return avcodec_open2(w->codec, codec, NULL);
}

static int open_file(fct_writer *w, double fps) {
    char *url = av_asprintf("file:%s", w->path);
    int code = url ? avformat_alloc_output_context2(&w->format, NULL, "mp4", w->path) : AVERROR(ENOMEM);
    if (code >= 0) code = open_codec(w, fps);
    if (code >= 0 && !(w->stream = avformat_new_stream(w->format, NULL))) code = AVERROR(ENOMEM);
    if (code >= 0) {
        w->stream->time_base = w->codec->time_base;
        w->stream->avg_frame_rate = w->codec->framerate;
        code = avcodec_parameters_from_context(w->stream->codecpar, w->codec);
    }
    if (code >= 0) code = avio_open(&w->format->pb, url, AVIO_FLAG_WRITE);
    if (code >= 0) code = avformat_write_header(w->format, NULL);
    av_free(url);
    w->open = code >= 0;
    return code;
}

static int allocate(fct_writer *w) {
    w->packet = av_packet_alloc();
    w->frame = av_frame_alloc();
    w->sws = sws_getContext(w->width, w->height, AV_PIX_FMT_RGB24, w->width, w->height, AV_PIX_FMT_YUV420P, SWS_BILINEAR,
                            NULL, NULL, NULL);
    if (!w->packet || !w->frame || !w->sws) return AVERROR(ENOMEM);
    w->frame->format = AV_PIX_FMT_YUV420P;
    w->frame->width = w->width;
    w->frame->height = w->height;
    return av_frame_get_buffer(w->frame, 0);
}

fct_status fct_writer_open(const char *path, int width, int height, double fps, fct_writer **out, fct_error *err) {
    *out = NULL;
    if (!path || width < 2 || height < 2 || width > 16384 || height > 16384 || !(fps >= 0 && fps <= 1000))
        return fct_fail(err, FCT_ERR_ARG, "video of %dx%d at %g frames per second cannot be written", width, height, fps);
    fct_ffmpeg_quiet();
    fct_writer *w = fct_calloc(1, sizeof *w);
    if (!w || !(w->path = fct_strdup(path))) {
        fct_free(w);
        return fct_fail_nomem(err, "writer", sizeof *w);
    }
    w->width = width & ~1;
    w->height = height & ~1;
    w->last = -1;
    int code = open_file(w, fps);
    if (code >= 0) code = allocate(w);
    if (code < 0) {
        fct_status s = writer_fail(w, code, err);
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

fct_status fct_writer_add(fct_writer *w, fct_view v, double time, fct_error *err) {
    fct_status s = fct_view_check(v, "frame", err);
    if (s) return s;
    if (!w->open) return fct_fail(err, FCT_ERR_ARG, "%s: the video is already finished", w->path);
    if ((v.width & ~1) != w->width || (v.height & ~1) != w->height || !isfinite(time) || time < 0 || time > 1e8)
        return fct_fail(err, FCT_ERR_ARG, "%s: a frame of %dx%d at %g s in a video of %dx%d", w->path, v.width, v.height,
                        time, w->width, w->height);
    int64_t pts = llrint(time / av_q2d(w->codec->time_base));
    if (pts <= w->last) return FCT_OK;
    fct_image *rgb = NULL;
    if (v.format != FCT_PIX_RGB || v.stride < 0) {
        s = fct_image_convert(v, FCT_PIX_RGB, &rgb, err);
        if (s) return s;
        v = fct_image_view(rgb);
    }
    int code = av_frame_make_writable(w->frame);
    if (code >= 0) {
        const uint8_t *planes[4] = {v.data};
        int strides[4] = {(int)v.stride};
        sws_scale(w->sws, planes, strides, 0, w->height, w->frame->data, w->frame->linesize);
        w->frame->pts = w->last = pts;
        code = avcodec_send_frame(w->codec, w->frame);
    }
    fct_image_free(rgb);
    if (code >= 0) code = flush_packets(w);
    return code < 0 ? writer_fail(w, code, err) : FCT_OK;
}

fct_status fct_writer_finish(fct_writer *w, fct_error *err) {
    if (!w->open) return fct_fail(err, FCT_ERR_ARG, "%s: the video is already finished", w->path);
    w->open = false;
    int code = avcodec_send_frame(w->codec, NULL);
    if (code >= 0) code = flush_packets(w);
    int trailer = av_write_trailer(w->format);
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
fct_status fct_writer_finish(fct_writer *w, fct_error *err) { return FCT_ERR_ARG; }
void fct_writer_free(fct_writer *w) {}

#endif

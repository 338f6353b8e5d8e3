/* Opening files, cameras (camera_device.c) and streams with libavformat and a decoder for them.
 *
 * What is opened may come from strangers: a file may not make FFmpeg open
 * network addresses (a playlist could), a stream may not make it open files. */
#include "video/ffmpeg_common.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "text/dates.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

fct_status fct_ffmpeg_fail(fct_error *err, const char *name, const char *what, int code) {
    char text[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, text, sizeof text);
    fct_status s = FCT_ERR_IO;
    if (code == AVERROR(ENOMEM)) return fct_fail_nomem(err, name, 0);
    if (code == AVERROR(ENOENT) || code == AVERROR_HTTP_NOT_FOUND) s = FCT_ERR_NOT_FOUND;
    if (code == AVERROR_INVALIDDATA || code == AVERROR_STREAM_NOT_FOUND || code == AVERROR_EOF) s = FCT_ERR_FORMAT;
    if (code == AVERROR_DECODER_NOT_FOUND || code == AVERROR_PROTOCOL_NOT_FOUND || code == AVERROR_DEMUXER_NOT_FOUND ||
        code == AVERROR_PATCHWELCOME || code == AVERROR(ENOSYS))
        s = FCT_ERR_UNSUPPORTED;
    if (code == AVERROR_EXIT || code == AVERROR(ETIMEDOUT)) snprintf(text, sizeof text, "no answer in time");
    if (code == AVERROR_EXIT || code == AVERROR(ETIMEDOUT) || code == AVERROR(ECONNREFUSED) ||
        code == AVERROR(ECONNRESET) || code == AVERROR(EHOSTUNREACH) || code == AVERROR_HTTP_UNAUTHORIZED ||
        code == AVERROR_HTTP_FORBIDDEN || code == AVERROR_HTTP_OTHER_4XX || code == AVERROR_HTTP_SERVER_ERROR)
        s = FCT_ERR_NETWORK;
    return fct_fail(err, s, "%s: %s: %s", name, what, text);
}

static int interrupted(void *user) {
    fct_input_env *env = user;
    uint64_t deadline = atomic_load(&env->deadline);
    if (env->opts.give_up && env->opts.give_up(env->opts.give_up_user)) return 1;
    return atomic_load(&env->stop) || (deadline && fct_time_ns() > deadline);
}

void fct_demux_arm(fct_input_env *env) {
    if (fct_address_kind_of(env->address) == FCT_ADDRESS_FILE) return;
    atomic_store(&env->deadline, fct_time_ns() + (uint64_t)env->opts.timeout_ms * 1000000u);
}

/* ---- The container ---------------------------------------------------------------- */

AVFormatContext *fct_demux_format(fct_input_env *env) {
    AVFormatContext *f = avformat_alloc_context();
    if (f) {
        f->interrupt_callback = (AVIOInterruptCB){interrupted, env};
        f->flags |= AVFMT_FLAG_GENPTS;
    }
    return f;
}

typedef int io_opener(AVFormatContext *f, AVIOContext **io, const char *url, int flags, AVDictionary **options);

/* All that FFmpeg opens for an address, the segments of a playlist too, comes
 * through here, and its TLS verifies certificates, which is not its own default. */
static int open_verified(AVFormatContext *f, AVIOContext **io, const char *url, int flags, AVDictionary **options) {
    const fct_input_env *env = f->opaque;
    io_opener *open_plain = (io_opener *)env->open_plain;
    AVDictionary *own = NULL, **all = options ? options : &own;
    av_dict_set(all, "tls_verify", "1", 0);
    int code = open_plain(f, io, url, flags, all);
    if (all == &own) av_dict_free(&own);
    return code;
}

static bool has_tls(const char *address) {
    static const char *const schemes[] = {"https:", "rtmps:", "tls:", "rtsps:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(address, schemes[i], strlen(schemes[i])) == 0) return true;
    return false;
}

static int open_address(fct_demux *d, fct_input_env *env, bool stream) {
    AVDictionary *options = NULL;
    char *file = stream ? NULL : av_asprintf("file:%s", env->address);
    if (!(d->format = fct_demux_format(env)) || (!stream && !file)) {
        av_free(file);
        return AVERROR(ENOMEM);
    }
    if (stream) {
        d->format->opaque = env;
        env->open_plain = (void (*)(void))d->format->io_open;
        if (!env->opts.insecure) d->format->io_open = open_verified;
        av_dict_set(&options, "protocol_whitelist",
                    "http,https,httpproxy,tls,tcp,udp,rtp,srtp,rtsp,rtsps,rtmp,rtmps,hls,crypto,data", 0);
        av_dict_set(&options, "rtsp_transport", "tcp", 0); /* over UDP lost packets are gray blocks */
        if (!strncmp(env->address, "http", 4)) av_dict_set(&options, "reconnect", "1", 0);
    } else av_dict_set(&options, "protocol_whitelist", "file,crypto,data", 0);
    int code = avformat_open_input(&d->format, stream ? env->address : file, NULL, &options);
    av_dict_free(&options);
    av_free(file);
    return code;
}

/* ---- The decoder --------------------------------------------------------------------- */

static enum AVPixelFormat choose_hardware(AVCodecContext *c, const enum AVPixelFormat *offered) {
    const fct_demux *d = c->opaque;
    for (const enum AVPixelFormat *p = offered; *p != AV_PIX_FMT_NONE; p++)
        if (*p == d->hardware) return *p;
    return avcodec_default_get_format(c, offered);
}

/* Takes the first device that decodes this codec and can be opened. */
static void use_hardware(fct_demux *d, const AVCodec *codec) {
    const AVCodecHWConfig *c;
    for (int i = 0; (c = avcodec_get_hw_config(codec, i)); i++) {
        if (!(c->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)) continue;
        if (av_hwdevice_ctx_create(&d->codec->hw_device_ctx, c->device_type, NULL, NULL, 0) < 0) continue;
        d->hardware = c->pix_fmt;
        d->codec->opaque = d;
        d->codec->get_format = choose_hardware;
        return;
    }
}

static int open_codec(fct_demux *d, const fct_input_env *env) {
    const AVStream *st = d->format->streams[d->stream];
    const AVCodec *codec = avcodec_find_decoder(st->codecpar->codec_id);
    if (!codec) return AVERROR_DECODER_NOT_FOUND;
    if (!(d->codec = avcodec_alloc_context3(codec))) return AVERROR(ENOMEM);
    int code = avcodec_parameters_to_context(d->codec, st->codecpar);
    if (code < 0) return code;
    d->codec->pkt_timebase = st->time_base;
    d->codec->max_pixels = 2 * env->opts.max_pixels + (1 << 20); /* coded sizes are padded; the real one is checked */
    if (env->info.live) {                                        /* frame threads would delay by a frame each */
        d->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
        d->codec->thread_type = FF_THREAD_SLICE;
    }
    d->codec->thread_count = fct_threads() < 4 ? fct_threads() : 4;
    if (env->opts.key_frames && !env->info.live) {
        d->format->streams[d->stream]->discard = AVDISCARD_NONKEY;
        d->codec->skip_frame = AVDISCARD_NONKEY;
        d->codec->thread_count = 1; /* nothing is left to share, and frame threads delay what comes out */
    }
    if (env->opts.hardware) use_hardware(d, codec);
    return avcodec_open2(d->codec, codec, NULL);
}

static int quarter_turns(const AVStream *st) {
    const int32_t *matrix = NULL;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *side = av_packet_side_data_get(st->codecpar->coded_side_data,
                                                           st->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    if (side && side->size >= 36) matrix = (const int32_t *)side->data;
#else
    size_t size = 0;
    const uint8_t *side = av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (side && size >= 36) matrix = (const int32_t *)side;
#endif
    double angle = matrix ? av_display_rotation_get(matrix) : 0; /* counterclockwise */
    return isfinite(angle) ? ((int)lround(-angle / 90) % 4 + 4) % 4 : 0;
}

/* Reads when a file was recorded. Apple's cameras write their own clock with its zone ("2019-08-31T15:22:30+0200"), of
 * which the zone is left out, as in photos; what all write is UTC ("2019-08-31T13:22:30.000000Z"), and a date before
 * 1971 where the clock was never set. */
static void read_taken(const fct_demux *d, fct_source_info *i) {
    static const char *const keys[] = {"com.apple.quicktime.creationdate", "creation_time"};
    const AVDictionary *const places[] = {d->format->metadata, d->format->streams[d->stream]->metadata};
    for (int k = 0; k < 4 && !i->has_taken && !i->live; k++) {
        char clock[21];
        const AVDictionaryEntry *entry = av_dict_get(places[k % 2], keys[k / 2], NULL, 0);
        if (entry) snprintf(clock, sizeof clock, "%.19sZ", entry->value);
        i->has_taken = entry && fct_date_read(clock, &i->taken) && i->taken > (int64_t)366 * 86400;
    }
    if (!i->has_taken) i->taken = 0;
}

static void fill_info(const fct_demux *d, fct_input_env *env) {
    const AVStream *st = d->format->streams[d->stream];
    const AVCodecParameters *p = st->codecpar;
    fct_source_info *i = &env->info;
    i->width = d->turns % 2 ? p->height : p->width;
    i->height = d->turns % 2 ? p->width : p->height;
    AVRational rate = st->avg_frame_rate.num > 0 ? st->avg_frame_rate : st->r_frame_rate;
    i->fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
    i->duration = !i->live && d->format->duration > 0 ? (double)d->format->duration / AV_TIME_BASE : 0;
    i->frames = i->live ? 0 : st->nb_frames > 0 ? st->nb_frames : (int64_t)(i->duration * i->fps + 0.5);
    i->audio = av_find_best_stream(d->format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0) >= 0;
    snprintf(i->codec, sizeof i->codec, "%s", avcodec_get_name(p->codec_id));
    read_taken(d, i);
}

void fct_demux_close(fct_demux *d) {
    avcodec_free_context(&d->codec);
    avformat_close_input(&d->format);
    *d = (fct_demux){.hardware = AV_PIX_FMT_NONE};
}

static fct_status check_size(const fct_demux *d, const fct_input_env *env, fct_error *err) {
    const AVCodecParameters *p = d->format->streams[d->stream]->codecpar;
    if (p->width < 1 || p->height < 1)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: a video of %dx%d pixels", env->name, p->width, p->height);
    if ((int64_t)p->width * p->height > env->opts.max_pixels)
        return fct_fail(err, FCT_ERR_LIMIT, "%s: frames of %dx%d pixels, the limit is %lld", env->name, p->width,
                        p->height, (long long)env->opts.max_pixels);
    return FCT_OK;
}

/* ---- Why not -------------------------------------------------------------------------- */

/* Does a file begin as text does? FFmpeg would show it as a picture of a terminal. */
static bool is_text(const char *path) {
    unsigned char head[1024];
    FILE *f = fct_fopen(path, "rb");
    if (!f) return false;
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    if (n >= 7 && !memcmp(head, "#EXTM3U", 7)) return false; /* a playlist */
    for (size_t i = 0; i < n; i++)
        if (head[i] < 32 && !strchr("\t\n\r\f\033", head[i])) return false;
    return n > 0;
}

/* What can be said before FFmpeg tries. */
static fct_status check_address(const fct_input_env *env, fct_address_kind kind, fct_error *err) {
    fct_file_stat st;
    if (kind == FCT_ADDRESS_STREAM && !strncmp(env->address, "rtsps:", 6) && !env->opts.insecure)
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "%s: FFmpeg does not verify the certificates of rtsps; it is opened only where that is allowed "
                        "(insecure)",
                        env->name);
    if (kind != FCT_ADDRESS_FILE) return FCT_OK;
    fct_file_get_stat(env->address, &st);
    if (st.is_file && !st.size) return fct_fail(err, FCT_ERR_FORMAT, "%s: the file is empty", env->name);
    if (st.is_file && is_text(env->address))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: this is a text file, not a video", env->name);
    return FCT_OK;
}

/* The text for a failure to open. TLS tells of a certificate that it does not trust
 * by no code of its own. */
static fct_status open_fail(const fct_demux *d, const fct_input_env *env, const char *what, int code, fct_error *err) {
    if (code == AVERROR_STREAM_NOT_FOUND && d->format)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: no video track in it", env->name);
    fct_status s = fct_ffmpeg_fail(err, env->name, what, code);
    if (code != AVERROR(EIO) || env->opts.insecure || !has_tls(env->address)) return s;
    return fct_fail(
        err, FCT_ERR_NETWORK,
        "%s: %s: the connection failed, or the certificate could not be verified (insecure leaves that out)", env->name,
        what);
}

/* FFmpeg would watch a stream that says little at its start for seven seconds. The size, which is all that is
 * needed, comes with the first picture that stands alone. */
static int find_streams(fct_demux *d, fct_input_env *env, bool stream) {
    int code = 0, video = -1;
    for (int64_t seconds = 1; seconds <= 9; seconds *= 3) {
        if (stream) d->format->max_analyze_duration = seconds * AV_TIME_BASE;
        fct_demux_arm(env);
        code = avformat_find_stream_info(d->format, NULL);
        if (code >= 0) code = video = av_find_best_stream(d->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
        if (video >= 0 && d->format->streams[video]->disposition & AV_DISPOSITION_ATTACHED_PIC)
            code = video = AVERROR_STREAM_NOT_FOUND; /* the cover of a song */
        if (!stream || (video >= 0 && d->format->streams[video]->codecpar->width > 0)) break;
        if (code < 0 && code != AVERROR_STREAM_NOT_FOUND) break;
    }
    d->stream = video;
    return code;
}

/* Each stage has its own words for a failure, since FFmpeg's codes alone say little. */
fct_status fct_demux_open(fct_demux *d, fct_input_env *env, fct_error *err) {
    const fct_address_kind kind = fct_address_kind_of(env->address);
    *d = (fct_demux){.hardware = AV_PIX_FMT_NONE};
    fct_status s = check_address(env, kind, err);
    if (!s && kind == FCT_ADDRESS_CAMERA) s = fct_ffmpeg_load_devices(env->name, err);
    if (s) return s;
    fct_demux_arm(env);
    const char *what = kind == FCT_ADDRESS_CAMERA ? "cannot open this camera" : "cannot open this video";
    int code = kind == FCT_ADDRESS_CAMERA ? fct_camera_open(d, env) : open_address(d, env, kind == FCT_ADDRESS_STREAM);
    if (code >= 0) {
        what = "cannot read this video";
        code = find_streams(d, env, kind == FCT_ADDRESS_STREAM);
    }
    s = code < 0 ? open_fail(d, env, what, code, err) : check_size(d, env, err);
    if (!s) {
        env->info.live = kind == FCT_ADDRESS_CAMERA || (kind == FCT_ADDRESS_STREAM && d->format->duration <= 0);
        code = open_codec(d, env);
        if (code < 0) s = fct_ffmpeg_fail(err, env->name, "cannot decode this video", code);
    }
    if (s) {
        fct_demux_close(d);
        return s;
    }
    d->turns = quarter_turns(d->format->streams[d->stream]);
    fill_info(d, env);
    return FCT_OK;
}

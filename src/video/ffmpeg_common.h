/* What the parts that use FFmpeg share. */
#ifndef FCT_VIDEO_FFMPEG_COMMON_H
#define FCT_VIDEO_FFMPEG_COMMON_H

#include "video/source_internal.h"
#include "video/ffmpeg_load.h"

/* Status and text for an FFmpeg error code: "NAME: WHAT: reason". */
fct_status fct_ffmpeg_fail(fct_error *err, const char *name, const char *what, int code);

/* An opened demuxer and decoder. Zero-initialize. */
typedef struct fct_demux {
    AVFormatContext *format;
    AVCodecContext *codec;
    int stream;
    int turns;                   /* clockwise quarter turns that make it upright */
    enum AVPixelFormat hardware; /* frames of this format are in a device's memory; NONE = none */
} fct_demux;

/* Opens env->address with a decoder; fills env->info but for sizes learned later.
 * On failure d is empty. */
fct_status fct_demux_open(fct_demux *d, fct_input_env *env, fct_error *err);
void fct_demux_close(fct_demux *d);

/* A context that notices when it has to give up; NULL = out of memory. */
AVFormatContext *fct_demux_format(fct_input_env *env);

/* Opens the camera env->address as d->format; an AVERROR, or 0. What is asked of the camera in size, rate and
 * compression is a wish: one that has not got it delivers what it has. */
int fct_camera_open(fct_demux *d, fct_input_env *env);

/* Starts the time within which the next blocking call must end (streams and
 * cameras only). */
void fct_demux_arm(fct_input_env *env);

#endif

/* Cameras by FFmpeg's devices: Video4Linux on Linux, DirectShow on Windows. A camera is named by its number,
 * "camera:0", or by what its driver calls it, "camera:Integrated Webcam". Which of the two systems there is, FFmpeg
 * itself tells. */
#include "video/camera_list.h"
#include "video/ffmpeg_common.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICE_NAME = 1024, MANY = 64 };

/* What is asked of a camera. Each is tried where the one before it was refused. */
typedef enum camera_wish { WISH_ALL, WISH_NOT_COMPRESSED, WISH_SIZE_ALONE, WISH_NOTHING } camera_wish;

/* ---- DirectShow -------------------------------------------------------------------- */

/* Devices without a list of what they deliver are taken for cameras, microphones are left out. */
static bool delivers_pictures(const AVDeviceInfo *device) {
    for (int i = 0; i < device->nb_media_types; i++)
        if (device->media_types[i] == AVMEDIA_TYPE_VIDEO) return true;
    return device->nb_media_types < 1;
}

/* The cameras of DirectShow in its order; the caller frees *all, of which out points to the first cap cameras. Returns
 * how many. */
static int list_directshow(AVDeviceInfoList **all, const AVDeviceInfo **out, int cap) {
    const AVInputFormat *format = av_find_input_format("dshow");
    int found = 0;
    *all = NULL;
    if (!format || avdevice_list_input_sources(format, NULL, NULL, all) < 0 || !*all) return 0;
    for (int i = 0; i < (*all)->nb_devices && found < cap; i++)
        if (delivers_pictures((*all)->devices[i])) out[found++] = (*all)->devices[i];
    return found;
}

int fct_camera_list_directshow(fct_camera *out, int cap) {
    AVDeviceInfoList *all;
    const AVDeviceInfo *devices[MANY];
    if (fct_ffmpeg_load("cameras", NULL) || fct_ffmpeg_load_devices("cameras", NULL)) return 0;
    avdevice_register_all();
    int n = list_directshow(&all, devices, cap < MANY ? cap : MANY);
    for (int i = 0; i < n; i++) {
        snprintf(out[i].address, sizeof out[i].address, "camera:%d", i);
        snprintf(out[i].name, sizeof out[i].name, "%s",
                 devices[i]->device_description ? devices[i]->device_description : "");
    }
    avdevice_free_list_devices(&all);
    return n;
}

/* ---- From an address to a device --------------------------------------------------------- */

/* Is this the number of a camera? A driver may call its camera what it likes, but hardly so. */
static bool is_number(const char *text) { return *text && strlen(text) < 5 && !text[strspn(text, "0123456789")]; }

/* The name by which DirectShow opens a camera of this number or name: its own, which differs between two cameras of
 * one make. */
static bool find_directshow(const char *camera, char *out, size_t cap) {
    AVDeviceInfoList *all;
    const AVDeviceInfo *devices[MANY], *found = NULL;
    int n = list_directshow(&all, devices, MANY);
    for (int i = 0; i < n && !found; i++) {
        const char *name = devices[i]->device_description;
        if (is_number(camera) ? atoi(camera) == i : name && !strcmp(name, camera)) found = devices[i];
    }
    if (found) snprintf(out, cap, "video=%s", found->device_name);
    avdevice_free_list_devices(&all);
    return found != NULL;
}

/* The file of a camera of Video4Linux. */
static bool find_video4linux(const char *camera, char *out, size_t cap) {
    fct_camera cameras[MANY];
    if (is_number(camera)) return snprintf(out, cap, "/dev/video%s", camera) > 0;
    int n = fct_camera_list(cameras, MANY);
    for (int i = 0; i < n; i++)
        if (!strcmp(cameras[i].name, camera)) return snprintf(out, cap, "%s", cameras[i].address) > 0;
    return false;
}

/* ---- Opening ------------------------------------------------------------------------------ */

/* Puts a wish into options and, for DirectShow, into the context. */
static void ask_for(AVFormatContext *f, AVDictionary **d, const fct_source_opts *o, camera_wish wish, bool directshow) {
    char text[64];
    if (o->width > 0 && o->height > 0 && wish < WISH_NOTHING) {
        snprintf(text, sizeof text, "%dx%d", o->width, o->height);
        av_dict_set(d, "video_size", text, 0);
    }
    if (o->fps > 0 && wish < WISH_SIZE_ALONE) {
        snprintf(text, sizeof text, "%g", o->fps);
        av_dict_set(d, "framerate", text, 0);
    }
    if (wish == WISH_ALL && directshow) f->video_codec_id = AV_CODEC_ID_MJPEG;
    if (wish == WISH_ALL && !directshow) av_dict_set(d, "input_format", "mjpeg", 0);
    /* Room for what comes while a network is prepared; its own is less than two frames of full HD. */
    if (directshow) av_dict_set(d, "rtbufsize", "67108864", 0);
}

int fct_camera_open(fct_demux *d, fct_input_env *env) {
    char device[DEVICE_NAME];
    const char *a = env->address;
    avdevice_register_all();
    const AVInputFormat *format = av_find_input_format("v4l2");
    const bool directshow = !format;
    if (directshow) format = av_find_input_format("dshow");
    if (!format) return AVERROR_DEMUXER_NOT_FOUND;
    const bool named = !strncmp(a, "camera:", 7);
    if (!named && !directshow) snprintf(device, sizeof device, "%s", a);
    else if (!named || !(directshow ? find_directshow : find_video4linux)(a + 7, device, sizeof device))
        return AVERROR(ENOENT);
    int code = AVERROR(ENOMEM);
    /* Video4Linux takes the nearest size and rate by itself. */
    const int last = directshow ? WISH_NOTHING : WISH_NOT_COMPRESSED;
    for (int wish = env->opts.mjpeg ? WISH_ALL : WISH_NOT_COMPRESSED; wish <= last; wish++) {
        AVDictionary *options = NULL;
        if (!(d->format = fct_demux_format(env))) return AVERROR(ENOMEM);
        ask_for(d->format, &options, &env->opts, (camera_wish)wish, directshow);
        code = avformat_open_input(&d->format, device, format, &options);
        av_dict_free(&options);
        if (code >= 0 || code == AVERROR(ENOENT) || code == AVERROR(EACCES)) break;
    }
    return code;
}

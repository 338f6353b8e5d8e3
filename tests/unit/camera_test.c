/* Cameras of DirectShow, with functions in the place of FFmpeg's: what is listed, under which name a camera is opened,
 * and what is asked of it where it refuses. */
#include "test.h"
#include "video/camera_list.h"
#include "video/ffmpeg_common.h"
#include <string.h>

static const AVInputFormat directshow = {.name = "dshow"};
static enum AVMediaType pictures[] = {AVMEDIA_TYPE_VIDEO}, sound[] = {AVMEDIA_TYPE_AUDIO};
static AVDeviceInfo devices[] = {
    {.device_name = "@pnp_1", .device_description = "Webcam", .media_types = pictures, .nb_media_types = 1},
    {.device_name = "@pnp_mic", .device_description = "Microphone", .media_types = sound, .nb_media_types = 1},
    {.device_name = "@pnp_2", .device_description = "Камера", .media_types = pictures, .nb_media_types = 1},
};
static AVDeviceInfo *list[] = {&devices[0], &devices[1], &devices[2]};
static AVDeviceInfoList all = {.devices = list, .nb_devices = 3};

static const AVInputFormat *find_format(const char *name) { return strcmp(name, "dshow") ? NULL : &directshow; }
static void register_none(void) {}
static void free_list(AVDeviceInfoList **l) { *l = NULL; }
static int give_list(const AVInputFormat *f, const char *device, AVDictionary *options, AVDeviceInfoList **out) {
    *out = f == &directshow ? &all : NULL;
    return f == &directshow ? all.nb_devices : AVERROR(ENOSYS);
}

/* The camera of the test: refuses so many times, and keeps what it was asked last. */
static int refusals, asked;
static char opened[200], size[32], rate[32];
static bool compressed;

static void note(AVDictionary *options, const char *key, char *out, size_t cap) {
    const AVDictionaryEntry *e = av_dict_get(options, key, NULL, 0);
    snprintf(out, cap, "%s", e ? e->value : "");
}

static int open_input(AVFormatContext **f, const char *url, const AVInputFormat *format, AVDictionary **options) {
    CHECK(format == &directshow);
    snprintf(opened, sizeof opened, "%s", url);
    note(*options, "video_size", size, sizeof size);
    note(*options, "framerate", rate, sizeof rate);
    compressed = (*f)->video_codec_id == AV_CODEC_ID_MJPEG;
    if (asked++ >= refusals) return 0;
    avformat_free_context(*f); /* as FFmpeg does */
    *f = NULL;
    return AVERROR(EIO);
}

static bool prepare(void) {
    static bool ready;
    if (!ready && (fct_ffmpeg_load("test", NULL) || fct_ffmpeg_load_devices("test", NULL))) return false;
    ready = true;
    avdevice_register_all = register_none;
    avdevice_list_input_sources = give_list;
    avdevice_free_list_devices = free_list;
    av_find_input_format = find_format;
    avformat_open_input = open_input;
    return true;
}

/* Opens a camera that refuses n times. */
static int try_open(const char *address, int n) {
    fct_demux d = {0};
    fct_input_env env = {.address = address};
    fct_source_opts_init(&env.opts);
    env.opts.width = 1280;
    env.opts.height = 720;
    env.opts.fps = 30;
    refusals = n;
    asked = 0;
    opened[0] = 0;
    int code = fct_camera_open(&d, &env);
    avformat_free_context(d.format);
    return code;
}

TEST(cameras_of_directshow_are_listed_without_microphones) {
    fct_camera c[8];
    if (!prepare()) SKIP("FFmpeg's libavdevice is missing (apt-get install libavdevice59)");
    REQUIRE(fct_camera_list_directshow(c, 8) == 2);
    CHECK(!strcmp(c[0].address, "camera:0") && !strcmp(c[0].name, "Webcam"));
    CHECK(!strcmp(c[1].address, "camera:1") && !strcmp(c[1].name, "Камера"));
    CHECK(fct_camera_list_directshow(c, 1) == 1);
}

TEST(a_camera_is_opened_by_number_or_name) {
    if (!prepare()) SKIP("FFmpeg's libavdevice is missing (apt-get install libavdevice59)");
    CHECK(!try_open("camera:1", 0) && !strcmp(opened, "video=@pnp_2"));
    CHECK(!try_open("camera:Webcam", 0) && !strcmp(opened, "video=@pnp_1"));
    CHECK(!try_open("camera:Камера", 0) && !strcmp(opened, "video=@pnp_2"));
    static const char *const none[] = {"camera:2", "camera:Microphone", "camera:", "camera:-1", "/dev/video0"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) CHECK(try_open(none[i], 0) == AVERROR(ENOENT) && !asked);
}

TEST(a_camera_that_refuses_is_asked_for_less) {
    if (!prepare()) SKIP("FFmpeg's libavdevice is missing (apt-get install libavdevice59)");
    CHECK(!try_open("camera:0", 0) && compressed && !strcmp(size, "1280x720") && !strcmp(rate, "30"));
    CHECK(!try_open("camera:0", 1) && !compressed && !strcmp(size, "1280x720") && !strcmp(rate, "30"));
    CHECK(!try_open("camera:0", 2) && !compressed && !strcmp(size, "1280x720") && !*rate);
    CHECK(!try_open("camera:0", 3) && !compressed && !*size && !*rate);
    CHECK(try_open("camera:0", 4) == AVERROR(EIO) && asked == 4);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

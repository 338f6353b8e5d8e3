#include "video/ffmpeg_load.h"
#include "base/error.h"
#include "base/library.h"
#include "base/thread.h"

#define DEFINE(f) FCT_TYPE_OF(fct_##f) fct_##f;
FCT_AVUTIL(DEFINE)
FCT_AVCODEC(DEFINE)
FCT_AVFORMAT(DEFINE)
FCT_SWSCALE(DEFINE)
FCT_AVDEVICE(DEFINE)

#define SYMBOL(f) {#f, (void (**)(void)) & fct_##f},
static const fct_symbol avutil[] = {FCT_AVUTIL(SYMBOL)}, avcodec[] = {FCT_AVCODEC(SYMBOL)},
                        avformat[] = {FCT_AVFORMAT(SYMBOL)}, swscale[] = {FCT_SWSCALE(SYMBOL)},
                        avdevice[] = {FCT_AVDEVICE(SYMBOL)};

typedef struct ffmpeg_part {
    const char *files[4], *package;
    const fct_symbol *symbols;
    int n;
} ffmpeg_part;

/* The major version is that of the headers: another one lays its structures out differently. */
#define PART(name, major)                                                                                              \
    {                                                                                                                  \
        {"lib" #name ".so." AV_STRINGIFY(major), "lib" #name "." AV_STRINGIFY(major) ".dylib",                         \
         #name "-" AV_STRINGIFY(major) ".dll", NULL},                                                                  \
            "lib" #name AV_STRINGIFY(major), name, sizeof name / sizeof *name                                          \
    }

static const ffmpeg_part parts[] = {
    PART(avutil, LIBAVUTIL_VERSION_MAJOR),     PART(avcodec, LIBAVCODEC_VERSION_MAJOR),
    PART(avformat, LIBAVFORMAT_VERSION_MAJOR), PART(swscale, LIBSWSCALE_VERSION_MAJOR),
    PART(avdevice, LIBAVDEVICE_VERSION_MAJOR),
};
enum { all_parts = sizeof parts / sizeof *parts, without_devices = all_parts - 1 };

/* Loads the first n parts; the one that failed, or NULL. */
static const ffmpeg_part *load(int n) {
    static fct_mutex lock = FCT_MUTEX_INIT;
    static int loaded;
    const ffmpeg_part *bad = NULL;
    fct_mutex_lock(&lock);
    for (; loaded < n && !bad; loaded += !bad)
        if (!fct_library_load(parts[loaded].files, parts[loaded].symbols, parts[loaded].n)) bad = &parts[loaded];
    fct_mutex_unlock(&lock);
    return bad;
}

static fct_status need(int n, const char *name, const char *what, fct_error *err) {
    const ffmpeg_part *bad = load(n);
    if (!bad) return FCT_OK;
    char remedy[128];
    return fct_fail(err, FCT_ERR_UNSUPPORTED,
                    "%s: FFmpeg's %s is missing or older than what facet was built with (%s); "
                    "everything but %s works without it",
                    name, fct_library_name(bad->files), fct_library_remedy(bad->package, remedy, sizeof remedy), what);
}

fct_status fct_ffmpeg_load(const char *name, fct_error *err) {
    fct_status s = need(without_devices, name, "videos", err);
    if (!s) av_log_set_level(AV_LOG_QUIET);
    return s;
}

fct_status fct_ffmpeg_load_devices(const char *name, fct_error *err) { return need(all_parts, name, "cameras", err); }

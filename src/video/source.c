/* A source: one thread reads frames ahead into a short queue. Of files it waits
 * where the queue is full, of live inputs it drops the oldest frame. */
#include "video/source_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include <stdio.h>
#include <string.h>

#define QUEUE 4 /* frames of a file read ahead */

typedef struct source_slot {
    fct_image *image;
    fct_coded *coded;
    double time;
    int64_t index;
    uint64_t arrived;
} source_slot;

struct fct_source {
    fct_input_env env;
    char *address;
    const fct_input_class *class;
    void *input;
    fct_thread thread;
    fct_mutex lock;
    fct_cond changed;
    bool running, cancelled;
    /* under the lock */
    source_slot queue[QUEUE];
    int head, count;
    int64_t frames, dropped;
    bool ended;        /* the reader has stopped */
    fct_status status; /* why; told once, after the queue is empty */
    fct_error error;
    fct_source_info info; /* copy for other threads */
    source_slot *held;    /* [hold] the consumer's frames; image NULL = none */
    int hold, newest;     /* how many; place of the latest */
    int keep;             /* older ones that the caller asks for */
};

void fct_source_opts_init(fct_source_opts *o) {
    *o = (fct_source_opts){.size = sizeof *o,
                           .mjpeg = true,
                           .raw_format = FCT_PIX_RGB,
                           .reconnect = 10,
                           .timeout_ms = 10000,
                           .max_pixels = 100000000};
}

static fct_status check_opts(const fct_source_opts *o, fct_error *err) {
    if (o->width < 0 || o->height < 0 || !(o->fps >= 0 && o->fps <= 1000) || o->reconnect < 0 || o->timeout_ms < 1 ||
        o->max_pixels < 1 || !fct_pixel_bytes(o->raw_format))
        return fct_fail(err, FCT_ERR_ARG, "source options are out of range");
    return FCT_OK;
}

/* Frees a frame, or keeps its picture for the reader to write the next one over. */
static void retire(fct_source *s, source_slot *f) {
    for (int i = 0; i < FCT_SPARE && f->image; i++) f->image = atomic_exchange(&s->env.spare[i], f->image);
    fct_image_free(f->image);
    fct_coded_free(f->coded);
    *f = (source_slot){0};
}

/* Puts a frame in; false: stop. A live source keeps the newest frame only. */
static bool put_frame(fct_source *s, fct_image *image, fct_coded *coded, double time) {
    fct_mutex_lock(&s->lock);
    bool live = s->info.live && !s->env.opts.all_frames;
    while (s->count == QUEUE && !live && !atomic_load(&s->env.stop)) fct_cond_wait(&s->changed, &s->lock);
    while (live && s->count > 0) {
        retire(s, &s->queue[s->head]);
        s->head = (s->head + 1) % QUEUE;
        s->count--;
        s->dropped++;
    }
    bool stop = atomic_load(&s->env.stop);
    source_slot f = {image, coded, time, s->frames, fct_time_ns()};
    if (!stop) s->queue[(s->head + s->count++) % QUEUE] = f, s->frames++;
    s->info = s->env.info;
    fct_cond_broadcast(&s->changed);
    fct_mutex_unlock(&s->lock);
    if (stop) retire(s, &f);
    return !stop;
}

/* The reader thread: puts frames in until the input ends, fails or is stopped. */
static void read_all(void *arg) {
    fct_source *s = arg;
    fct_error error;
    fct_status st;
    fct_image *image;
    double time, last = -1e300;
    fct_error_clear(&error);
    while (!(st = s->class->read(s->input, &image, &time, &error)) && image) {
        if (time <= last) time = last + 1e-6; /* times ascend whatever the file says */
        last = time;
        fct_coded *coded = s->env.coded;
        s->env.coded = NULL;
        if (!put_frame(s, image, coded, time)) break;
    }
    fct_mutex_lock(&s->lock);
    s->ended = true;
    s->status = atomic_load(&s->env.stop) ? FCT_OK : st;
    s->error = error;
    s->info = s->env.info;
    fct_cond_broadcast(&s->changed);
    fct_mutex_unlock(&s->lock);
}

/* Finds the input that reads an address. */
static const fct_input_class *class_of(const char *address) {
    switch (fct_address_kind_of(address)) {
    case FCT_ADDRESS_RAW:
        return &fct_raw_input;
    case FCT_ADDRESS_FOLDER:
    case FCT_ADDRESS_PATTERN:
        return &fct_folder_input;
    default:
        return &fct_ffmpeg_input;
    }
}

static fct_status start(fct_source *s, fct_error *err) {
    const bool raw = fct_address_kind_of(s->address) == FCT_ADDRESS_RAW;
    fct_address_redact(raw ? "standard input" : s->address, s->env.name, sizeof s->env.name);
    snprintf(s->env.info.name, sizeof s->env.info.name, "%s", s->env.name);
    s->env.address = s->address;
    s->class = class_of(s->address);
    fct_status st = s->class->open(&s->env, &s->input, err);
    if (st) return st;
    s->info = s->env.info;
    st = fct_thread_start(&s->thread, read_all, s, err);
    s->running = !st;
    return st;
}

fct_status fct_source_open(const char *name, const fct_source_opts *opts, fct_source **out, fct_error *err) {
    fct_source_opts o;
    *out = NULL;
    fct_source_opts_init(&o);
    if (opts) memcpy(&o, opts, opts->size < sizeof o ? opts->size : sizeof o);
    if (!name || !*name) return fct_fail(err, FCT_ERR_ARG, "no name of a source");
    fct_status st = check_opts(&o, err);
    if (st) return st;
    fct_source *s = fct_calloc(1, sizeof *s);
    if (!s || !(s->address = fct_strdup(name))) {
        fct_free(s);
        return fct_fail_nomem(err, "source", sizeof *s);
    }
    fct_mutex_init(&s->lock);
    fct_cond_init(&s->changed);
    s->env.opts = o;
    st = fct_source_hold(s, 1, err);
    if (!st) st = start(s, err);
    if (st) {
        fct_source_free(s);
        return st;
    }
    *out = s;
    return FCT_OK;
}

fct_status fct_source_hold(fct_source *s, int n, fct_error *err) {
    n += s->keep;
    source_slot *held = fct_calloc((size_t)n, sizeof *held);
    if (!held) return fct_fail_nomem(err, "source", (size_t)n * sizeof *held);
    for (int i = 0; i < s->hold; i++) retire(s, &s->held[i]);
    fct_free(s->held);
    s->held = held;
    s->hold = n;
    s->newest = 0;
    return FCT_OK;
}

fct_status fct_source_keep(fct_source *s, int frames, fct_error *err) {
    if (frames < 0 || frames > 120) return fct_fail(err, FCT_ERR_ARG, "%d frames to be kept are not 0..120", frames);
    s->keep = frames;
    return fct_source_hold(s, 1, err);
}

static void request_stop(fct_source *s) {
    fct_mutex_lock(&s->lock);
    atomic_store(&s->env.stop, true);
    fct_cond_broadcast(&s->changed);
    fct_mutex_unlock(&s->lock);
}

void fct_source_cancel(fct_source *s) {
    fct_mutex_lock(&s->lock);
    s->cancelled = true;
    fct_mutex_unlock(&s->lock);
    request_stop(s);
}

void fct_source_free(fct_source *s) {
    if (!s) return;
    request_stop(s);
    if (s->running) fct_thread_join(&s->thread);
    if (s->input) s->class->close(s->input);
    for (int i = 0; i < QUEUE; i++) retire(s, &s->queue[i]);
    for (int i = 0; i < s->hold; i++) retire(s, &s->held[i]);
    fct_free(s->held);
    fct_coded_free(s->env.coded);
    for (int i = 0; i < FCT_SPARE; i++) fct_image_free(atomic_load(&s->env.spare[i]));
    fct_mutex_destroy(&s->lock);
    fct_cond_destroy(&s->changed);
    fct_free(s->address);
    fct_free(s);
}

void fct_source_get_info(const fct_source *s, fct_source_info *out) {
    fct_source *m = (fct_source *)s; /* only the lock changes */
    fct_mutex_lock(&m->lock);
    *out = s->info;
    fct_mutex_unlock(&m->lock);
}

/* Says why there is no frame: cancelled, an error (once), or the end. */
static fct_status no_frame(fct_source *s, fct_error *err) {
    if (s->cancelled) return fct_fail(err, FCT_ERR_CANCELLED, "%s: cancelled", s->env.name);
    fct_status st = s->status;
    if (st && err) *err = s->error;
    s->status = FCT_OK;
    return st;
}

/* Gives back the oldest frame that the caller held and waits for the next one in the queue. */
fct_status fct_source_next(fct_source *s, fct_frame *out, fct_error *err) {
    fct_status st = FCT_OK;
    *out = (fct_frame){.index = -1};
    fct_mutex_lock(&s->lock);
    s->newest = (s->newest + 1) % s->hold;
    retire(s, &s->held[s->newest]);
    while (!s->count && !s->ended && !s->cancelled) fct_cond_wait(&s->changed, &s->lock);
    if (!s->count || s->cancelled) st = no_frame(s, err);
    else {
        const source_slot f = s->held[s->newest] = s->queue[s->head];
        s->queue[s->head] = (source_slot){0};
        s->head = (s->head + 1) % QUEUE;
        s->count--;
        *out = (fct_frame){fct_image_view(f.image), f.index, f.time, s->dropped, f.arrived, f.coded};
        fct_cond_broadcast(&s->changed);
    }
    fct_mutex_unlock(&s->lock);
    return st;
}

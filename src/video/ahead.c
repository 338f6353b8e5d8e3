/* A ring of frames. Threads take turns in reading the next one, search it, and
 * mark it as done; next() waits for the oldest. */
#include "video/frame_detector.h"
#include "video/source_internal.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

#define MAX_WORKERS 8 /* beyond, decoding is what takes the time */
#define RING        (MAX_WORKERS + 2)

typedef struct ahead_frame {
    fct_ahead_item pub;
    fct_status status;
    fct_error error;
    bool done;
} ahead_frame;

typedef struct worker {
    struct fct_ahead *ahead;
    fct_frame_detector search;
    fct_thread thread;
} worker;

struct fct_ahead {
    fct_source *source;
    const fct_tracker_opts *opts;
    worker workers[MAX_WORKERS];
    int n_workers, running;
    int depth; /* frames in the ring at most: one a worker, one waiting, the caller's */
    fct_mutex lock;
    fct_cond changed;
    /* under the lock */
    ahead_frame ring[RING];
    int64_t fetched, released; /* frames; the ring holds those between */
    bool fetching, stop, last; /* last: the end, or the error before it, is in the ring */
    bool given;                /* the oldest frame is the caller's */
};

/* The next frame of the source, in a place of the ring; NULL: there is nothing more to do. */
static ahead_frame *fetch(fct_ahead *a) {
    fct_mutex_lock(&a->lock);
    while (!a->stop && !a->last && (a->fetching || a->fetched - a->released >= a->depth))
        fct_cond_wait(&a->changed, &a->lock);
    if (a->stop || a->last) {
        fct_mutex_unlock(&a->lock);
        return NULL;
    }
    ahead_frame *it = &a->ring[a->fetched % RING];
    *it = (ahead_frame){.done = false};
    a->fetching = true;
    fct_mutex_unlock(&a->lock);
    it->status = fct_source_next(a->source, &it->pub.frame, &it->error);
    fct_mutex_lock(&a->lock);
    a->fetching = false;
    a->fetched++;
    a->last = it->status || !it->pub.frame.view.data;
    fct_cond_broadcast(&a->changed);
    fct_mutex_unlock(&a->lock);
    return it;
}

/* A thread of the pipeline: takes the next frame and runs the detector on it, without the pool, since other frames
 * are worked on beside it. */
static void work(void *arg) {
    worker *w = arg;
    fct_ahead *a = w->ahead;
    fct_parallel_alone(true);
    for (ahead_frame *it; (it = fetch(a));) {
        const fct_frame *f = &it->pub.frame;
        if (!it->status && f->view.data && f->index % a->opts->detect_every == 0) {
            uint64_t start = fct_time_ns();
            it->status = fct_frame_detector_run(&w->search, f->view, &it->pub.faces, &it->error);
            it->pub.ms = (double)(fct_time_ns() - start) / 1e6;
        }
        if (!it->status) fct_shot_measure(f->view, &it->pub.sign);
        fct_mutex_lock(&a->lock);
        it->done = true;
        fct_cond_broadcast(&a->changed);
        fct_mutex_unlock(&a->lock);
    }
}

fct_status fct_ahead_create(fct_source *source, const fct_pack *pack, const fct_tracker_opts *opts, fct_ahead **out,
                            fct_error *err) {
    *out = NULL;
    fct_ahead *a = fct_calloc(1, sizeof *a);
    if (!a) return fct_fail_nomem(err, "search", sizeof *a);
    fct_mutex_init(&a->lock);
    fct_cond_init(&a->changed);
    a->source = source;
    a->opts = opts;
    int n = fct_threads() < MAX_WORKERS ? fct_threads() : MAX_WORKERS;
    a->depth = n + 2;
    fct_status s = fct_source_hold(source, a->depth, err);
    for (; !s && a->n_workers < n; a->n_workers++) {
        a->workers[a->n_workers].ahead = a;
        s = fct_frame_detector_open(&a->workers[a->n_workers].search, pack, opts, err);
    }
    for (; !s && a->running < n; a->running++)
        s = fct_thread_start(&a->workers[a->running].thread, work, &a->workers[a->running], err);
    if (s) {
        fct_ahead_free(a);
        return s;
    }
    *out = a;
    return FCT_OK;
}

void fct_ahead_free(fct_ahead *a) {
    if (!a) return;
    fct_mutex_lock(&a->lock);
    bool reading = a->running && !a->last;
    a->stop = true;
    fct_cond_broadcast(&a->changed);
    fct_mutex_unlock(&a->lock);
    if (reading) fct_source_cancel(a->source);
    while (a->running > 0) fct_thread_join(&a->workers[--a->running].thread);
    for (int i = 0; i < a->n_workers; i++) fct_frame_detector_close(&a->workers[i].search);
    for (int64_t i = a->released + a->given; i < a->fetched; i++) fct_faces_free(a->ring[i % RING].pub.faces);
    fct_mutex_destroy(&a->lock);
    fct_cond_destroy(&a->changed);
    fct_free(a);
}

fct_status fct_ahead_next(fct_ahead *a, fct_ahead_item *out, fct_error *err) {
    *out = (fct_ahead_item){.frame = {.index = -1}};
    fct_mutex_lock(&a->lock);
    if (a->given) a->released++, a->given = false;
    fct_cond_broadcast(&a->changed);
    while (a->released < a->fetched ? !a->ring[a->released % RING].done : !a->last)
        fct_cond_wait(&a->changed, &a->lock);
    bool past = a->released == a->fetched;
    const ahead_frame *it = &a->ring[a->released % RING];
    fct_status s = past ? FCT_OK : it->status;
    a->given = !past;
    if (!past) *out = it->pub;
    if (s && err) *err = it->error;
    fct_mutex_unlock(&a->lock);
    return past ? fct_source_next(a->source, &out->frame, err) : s; /* the end, again and again */
}

#include "graph/cpu/weights_writer.h"
#include "base/alloc.h"
#include "base/thread.h"
#include <stdatomic.h>
#include <string.h>

/* So long a writer waits before it begins, unless the model goes: what is asked first of a new model does not share
 * the processor with it. */
enum { WAIT_MS = 200 };

struct fct_weights_writer {
    fct_thread thread;
    fct_mutex lock;
    fct_cond hurry;
    bool is_last;   /* under the lock: the model goes */
    unsigned forks; /* of the process when the thread began */
    fct_cache_key key;
    char *dir;
    fct_cache_part *parts;
    uint32_t n;
};

/* The child of a fork() has the memory of a writer and not its thread. */
static atomic_uint forks;
static atomic_bool counts_forks;
static void count_fork(void) { atomic_fetch_add(&forks, 1); }

static void write_in_thread(void *arg) {
    fct_weights_writer *w = arg;
    fct_mutex_lock(&w->lock);
    while (!w->is_last && fct_cond_wait_ms(&w->hurry, &w->lock, WAIT_MS)) {}
    fct_mutex_unlock(&w->lock);
    fct_parallel_alone(true);
    fct_thread_yield_to_others();
    fct_cache_write(w->dir, &w->key, w->parts, w->n);
}

/* In a child the lock is left alone: the thread that is not there may have held it. */
static void release(fct_weights_writer *w, bool in_child) {
    if (!in_child) {
        fct_mutex_destroy(&w->lock);
        fct_cond_destroy(&w->hurry);
    }
    fct_free(w->parts);
    fct_free(w->dir);
    fct_free(w);
}

/* Starts the thread; NULL where that fails. */
static fct_weights_writer *start(const char *dir, const fct_cache_key *key, const fct_cache_part *parts, uint32_t n) {
    fct_weights_writer *w = fct_calloc(1, sizeof *w);
    if (!w) return NULL;
    fct_mutex_init(&w->lock);
    fct_cond_init(&w->hurry);
    w->key = *key;
    w->n = n;
    w->dir = fct_strdup(dir);
    w->parts = fct_calloc(n, sizeof *w->parts);
    if (w->dir && w->parts) {
        memcpy(w->parts, parts, n * sizeof *parts);
        if (!atomic_exchange(&counts_forks, true)) fct_thread_at_fork(count_fork);
        w->forks = atomic_load(&forks);
        if (!fct_thread_start(&w->thread, write_in_thread, w, NULL)) return w;
    }
    release(w, false);
    return NULL;
}

fct_weights_writer *fct_weights_writer_start(const char *dir, const fct_cache_key *key, const fct_cache_part *parts,
                                             uint32_t n) {
    fct_weights_writer *w = start(dir, key, parts, n);
    if (!w) fct_cache_write(dir, key, parts, n);
    return w;
}

void fct_weights_writer_free(fct_weights_writer *w) {
    if (!w) return;
    const bool in_child = w->forks != atomic_load(&forks);
    if (!in_child) {
        fct_mutex_lock(&w->lock);
        w->is_last = true;
        fct_cond_signal(&w->hurry);
        fct_mutex_unlock(&w->lock);
        fct_thread_join(&w->thread);
    }
    release(w, in_child);
}

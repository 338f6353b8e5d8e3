/* Threads that read photos. What they have read waits in a ring that is as long as
 * there are threads, twice: so much memory is used at most, however large the
 * library is. */
#include "album/album_scan.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include <string.h>

#define MOST_THREADS 256

typedef struct crew_member {
    struct fct_crew *crew;
    fct_reader reader;
    fct_thread thread;
} crew_member;

struct fct_crew {
    fct_crew_opts o;
    crew_member *members; /* owned [n] */
    int n, running;
    atomic_bool stop;
    fct_mutex lock;
    fct_cond changed;
    /* under the lock */
    size_t next;         /* job */
    fct_read_item *ring; /* owned [cap] */
    size_t cap, first, n_ready, in_work;
};

/* The job that is next in turn, -1 where there is none; waits while too much is ready. */
static ptrdiff_t take_job(fct_crew *c) {
    ptrdiff_t at = -1;
    fct_mutex_lock(&c->lock);
    while (!atomic_load(&c->stop) && c->next < c->o.list->n_jobs && c->n_ready + c->in_work >= c->cap)
        fct_cond_wait(&c->changed, &c->lock);
    if (!atomic_load(&c->stop) && c->next < c->o.list->n_jobs) {
        at = (ptrdiff_t)c->next++;
        c->in_work++;
    }
    fct_mutex_unlock(&c->lock);
    return at;
}

static void put_ready(fct_crew *c, const fct_read_item *it) {
    fct_mutex_lock(&c->lock);
    c->ring[(c->first + c->n_ready++) % c->cap] = *it;
    c->in_work--;
    fct_cond_broadcast(&c->changed);
    fct_mutex_unlock(&c->lock);
}

static void read_one(crew_member *m, const fct_scan_job *job, fct_read_item *it) {
    const fct_scan_folder *f = &m->crew->o.list->folders[job->folder];
    *it = (fct_read_item){.job = job};
    it->path = fct_path_join(f->full, job->name);
    if (it->path) fct_reader_read(&m->reader, it->path, fct_media_of(job->name) == FCT_MEDIA_VIDEO, it);
    else it->fatal = fct_fail_nomem(&it->error, "path", 0);
}

static void work(void *arg) {
    crew_member *m = arg;
    fct_read_item it;
    fct_parallel_alone(true);
    for (ptrdiff_t at; (at = take_job(m->crew)) >= 0;) {
        read_one(m, &m->crew->o.list->jobs[at], &it);
        put_ready(m->crew, &it);
    }
}

/* Makes the ring and the readers, no more than there are files, and starts their threads. */
static fct_status start(fct_crew *c, fct_error *err) {
    fct_status s = FCT_OK;
    size_t jobs = c->o.list->n_jobs;
    int wanted = c->o.threads < MOST_THREADS ? c->o.threads : MOST_THREADS;
    if ((size_t)wanted > jobs) wanted = (int)jobs;
    c->cap = 2 * (size_t)wanted + 1;
    c->members = fct_calloc((size_t)wanted + 1, sizeof *c->members);
    c->ring = fct_calloc(c->cap, sizeof *c->ring);
    if (!c->members || !c->ring) return fct_fail_nomem(err, "threads of the scan", 0);
    for (; c->n < wanted && !s; c->n++) {
        crew_member *m = &c->members[c->n];
        m->crew = c;
        m->reader = (fct_reader){.max_pixels = c->o.max_pixels, .stop = &c->stop, .find = c->o.find, .ctx = c->o.ctx};
        s = fct_reader_open(&m->reader, c->o.pack, c->o.finder, err);
    }
    for (; c->running < c->n && !s; c->running++)
        s = fct_thread_start(&c->members[c->running].thread, work, &c->members[c->running], err);
    return s;
}

fct_status fct_crew_start(const fct_crew_opts *o, fct_crew **out, fct_error *err) {
    *out = NULL;
    fct_crew *c = fct_calloc(1, sizeof *c);
    if (!c) return fct_fail_nomem(err, "threads of the scan", sizeof *c);
    c->o = *o;
    atomic_init(&c->stop, false);
    fct_mutex_init(&c->lock);
    fct_cond_init(&c->changed);
    fct_status s = start(c, err);
    if (s) fct_crew_free(c);
    else *out = c;
    return s;
}

bool fct_crew_next(fct_crew *c, int ms, fct_read_item *out, bool *done) {
    fct_mutex_lock(&c->lock);
    *done = !c->n_ready && !c->in_work && c->next >= c->o.list->n_jobs;
    if (!c->n_ready && !*done) fct_cond_wait_ms(&c->changed, &c->lock, ms);
    bool got = c->n_ready > 0;
    if (got) {
        *out = c->ring[c->first];
        if (out->photo.error) out->photo.error = out->error.text; /* each copy has a text of its own */
        c->first = (c->first + 1) % c->cap;
        c->n_ready--;
        fct_cond_broadcast(&c->changed);
    }
    fct_mutex_unlock(&c->lock);
    return got;
}

void fct_crew_free(fct_crew *c) {
    if (!c) return;
    fct_mutex_lock(&c->lock);
    atomic_store(&c->stop, true);
    fct_cond_broadcast(&c->changed);
    fct_mutex_unlock(&c->lock);
    while (c->running > 0) fct_thread_join(&c->members[--c->running].thread);
    for (; c->n_ready > 0; c->n_ready--, c->first = (c->first + 1) % c->cap) fct_read_item_free(&c->ring[c->first]);
    for (int i = 0; i < c->n; i++) fct_reader_close(&c->members[i].reader);
    fct_free(c->members);
    fct_free(c->ring);
    fct_cond_destroy(&c->changed);
    fct_mutex_destroy(&c->lock);
    fct_free(c);
}

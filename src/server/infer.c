#include "server/infer.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

#include <string.h>

/* ENLARGE: a search for one face does not look for faces of a few pixels, which could not be recognized: measured in
 * decision 0090. */
enum { THREADS_MOST = 64, ANALYZERS = 4, BEFORE_BACKGROUND = 4, ENLARGE = 3 };

/* One picture of a request that waits in srv_infer_run(). */
typedef struct infer_job {
    fct_view picture;
    srv_look look;
    const fct_faces *found; /* at another size: they are not looked for; NULL = they are */
    float kx, ky;           /* of this size to that */
    fct_faces *faces;
    fct_status status;
    fct_error error;
    bool taken, done;
    struct infer_job *next;
} infer_job;

/* A thread and its analyzers, one for each set of tasks that it was asked for. */
typedef struct infer_worker {
    srv_infer *pool;
    fct_thread thread;
    struct {
        fct_analyzer *analyzer;
        uint32_t tasks;
        float det_thresh;
        bool largest, second_look;
    } at[ANALYZERS];
    int turn; /* which one is replaced next when all are of other tasks */
} infer_worker;

struct srv_infer {
    const fct_pack *pack;
    int batch;
    fct_mutex lock;
    fct_cond work, done;
    infer_job *first, **last;
    int waiting, idle, n_workers;
    int ahead; /* jobs that were taken before one in the background, in a row */
    bool stopping;
    srv_infer_stats stats;
    infer_worker workers[THREADS_MOST];
};

/* ---- A thread ------------------------------------------------------------------------------ */

/* The analyzer for these tasks, set to this threshold. Borrowed; NULL on failure. */
static fct_analyzer *analyzer_for(infer_worker *w, const srv_look *look, fct_error *err) {
    fct_analyzer_opts o;
    fct_analyzer_opts_init(&o);
    o.tasks = look->tasks | FCT_TASK_DETECT;
    o.det_thresh = look->det_thresh;
    o.max_faces = look->largest;
    o.metric = look->largest ? FCT_METRIC_MAX : FCT_METRIC_DEFAULT;
    o.fit = true;
    o.enlarge = look->largest ? ENLARGE : 0;
    o.second_look = !look->background; /* a camera shows a face again and again, and large at some time */
    int at = -1;
    for (int i = 0; i < ANALYZERS; i++)
        if (w->at[i].analyzer && w->at[i].tasks == look->tasks) at = i;
    if (at >= 0) {
        if (w->at[at].det_thresh != look->det_thresh || w->at[at].largest != look->largest ||
            w->at[at].second_look != o.second_look) {
            if (fct_analyzer_configure(w->at[at].analyzer, &o, err)) return NULL;
            w->at[at].det_thresh = look->det_thresh;
            w->at[at].largest = look->largest;
            w->at[at].second_look = o.second_look;
        }
        return w->at[at].analyzer;
    }
    at = w->turn;
    fct_analyzer_free(w->at[at].analyzer);
    w->at[at].analyzer = NULL;
    if (fct_analyzer_create(w->pool->pack, &o, &w->at[at].analyzer, err)) return NULL;
    w->at[at].tasks = look->tasks;
    w->at[at].largest = look->largest;
    w->at[at].det_thresh = look->det_thresh;
    w->at[at].second_look = o.second_look;
    w->turn = (at + 1) % ANALYZERS;
    return w->at[at].analyzer;
}

/* Under the lock: whether the next job is one in the background. Requests go first; where both wait, every fifth job
 * is a monitor's, so that neither keeps the other from all work. */
static bool is_background_next(srv_infer *p) {
    bool fore = false, back = false;
    for (const infer_job *j = p->first; j && !(fore && back); j = j->next) {
        fore |= !j->look.background;
        back |= j->look.background;
    }
    bool next = back && (!fore || p->ahead >= BEFORE_BACKGROUND);
    p->ahead = next || !back ? 0 : p->ahead + 1;
    return next;
}

/* Whether two jobs can be run together. Those whose faces are known already are run alone. */
static bool is_alike(const infer_job *a, const infer_job *b) {
    return !a->found && !b->found && a->look.tasks == b->look.tasks && a->look.det_thresh == b->look.det_thresh &&
           a->look.largest == b->look.largest;
}

/* Under the lock: takes the first job and those behind it that want the same, its share of all that wait. Of those in
 * the background it takes one, so that a request that comes meanwhile does not wait for several. */
static int take(srv_infer *p, infer_job **jobs) {
    int share = (p->waiting + p->idle) / (p->idle + 1), n = 0;
    bool background = is_background_next(p);
    if (share > p->batch) share = p->batch;
    if (background) share = 1;
    for (infer_job **at = &p->first; *at && (n == 0 || n < share);) {
        infer_job *j = *at;
        if (j->look.background != background || (n && !is_alike(j, jobs[0]))) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        j->taken = true;
        jobs[n++] = j;
    }
    p->last = &p->first;
    while (*p->last) p->last = &(*p->last)->next;
    p->waiting -= n;
    return n;
}

static void analyze_one(fct_analyzer *a, infer_job *j) {
    j->status = j->found ? fct_analyze_again(a, j->picture, j->found, j->kx, j->ky, &j->faces, &j->error)
                         : fct_analyze(a, j->picture, &j->faces, &j->error);
}

/* Runs jobs as one batch. Where that fails, each is run alone, so that one picture does not spoil the others' answer.
 */
static void analyze(infer_worker *w, infer_job **jobs, int n) {
    fct_view pictures[SRV_BATCH_MOST];
    fct_faces *faces[SRV_BATCH_MOST];
    fct_error e;
    fct_analyzer *a = analyzer_for(w, &jobs[0]->look, &e);
    for (int i = 0; i < n; i++) pictures[i] = jobs[i]->picture;
    bool together = a && n > 1 && fct_analyze_batch(a, pictures, n, faces, &e) == FCT_OK;
    for (int i = 0; i < n; i++) {
        if (together) jobs[i]->faces = faces[i];
        else if (a) analyze_one(a, jobs[i]);
        else {
            jobs[i]->status = e.code;
            jobs[i]->error = e;
        }
    }
}

/* Under the lock: gives the results back. */
static void finish(srv_infer *p, infer_job **jobs, int n) {
    p->stats.batches[n]++;
    p->stats.pictures += (uint64_t)n;
    for (int i = 0; i < n; i++) {
        p->stats.faces += (uint64_t)fct_faces_count(jobs[i]->faces);
        jobs[i]->done = true;
    }
    fct_cond_broadcast(&p->done);
}

static void work(void *arg) {
    infer_worker *w = arg;
    srv_infer *p = w->pool;
    infer_job *jobs[SRV_BATCH_MOST];
    fct_mutex_lock(&p->lock);
    for (;;) {
        p->idle++;
        while (!p->first && !p->stopping) fct_cond_wait(&p->work, &p->lock);
        p->idle--;
        if (!p->first) break;
        int n = take(p, jobs);
        bool full = p->idle == 0;
        fct_mutex_unlock(&p->lock);
        /* where all threads have work, one more beside each of them would only take turns with the others */
        fct_parallel_alone(full);
        analyze(w, jobs, n);
        fct_mutex_lock(&p->lock);
        finish(p, jobs, n);
    }
    fct_mutex_unlock(&p->lock);
    for (int i = 0; i < ANALYZERS; i++) fct_analyzer_free(w->at[i].analyzer);
}

/* ---- From outside ------------------------------------------------------------------------------ */

fct_status srv_infer_start(const fct_pack *pack, int threads, int batch, srv_infer **out, fct_error *err) {
    *out = NULL;
    srv_infer *p = fct_calloc(1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "pool", 0);
    p->pack = pack;
    p->batch = batch < 1 ? 1 : batch > SRV_BATCH_MOST ? SRV_BATCH_MOST : batch;
    p->last = &p->first;
    fct_mutex_init(&p->lock);
    fct_cond_init(&p->work);
    fct_cond_init(&p->done);
    fct_status s = FCT_OK;
    int n = threads < 1 ? 1 : threads > THREADS_MOST ? THREADS_MOST : threads;
    while (!s && p->n_workers < n) {
        infer_worker *w = &p->workers[p->n_workers];
        w->pool = p;
        s = fct_thread_start(&w->thread, work, w, err);
        p->n_workers += !s;
    }
    if (s) srv_infer_stop(p);
    else *out = p;
    return s;
}

void srv_infer_stop(srv_infer *p) {
    if (!p) return;
    fct_mutex_lock(&p->lock);
    p->stopping = true;
    fct_cond_broadcast(&p->work);
    fct_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_workers; i++) fct_thread_join(&p->workers[i].thread);
    fct_cond_destroy(&p->work);
    fct_cond_destroy(&p->done);
    fct_mutex_destroy(&p->lock);
    fct_free(p);
}

/* Under the lock: takes a job that nobody has begun out of the queue. */
static void withdraw(srv_infer *p, const infer_job *j) {
    infer_job **at = &p->first;
    while (*at != j) at = &(*at)->next;
    *at = j->next;
    if (p->last == &j->next) p->last = at;
    p->waiting--;
}

static int ms_until(uint64_t deadline) {
    uint64_t now = fct_time_ns();
    if (now >= deadline) return 0;
    uint64_t ms = (deadline - now) / 1000000 + 1;
    return ms > 1000000 ? 1000000 : (int)ms;
}

/* Under the lock: waits until the job is done, or, while nobody has begun it, until its time is up. */
static void await(srv_infer *p, infer_job *j) {
    while (!j->done) {
        int ms = j->taken ? 1000000 : ms_until(j->look.deadline);
        if (ms) {
            fct_cond_wait_ms(&p->done, &p->lock, ms);
            continue;
        }
        withdraw(p, j);
        j->done = true;
        j->status = fct_fail(&j->error, FCT_ERR_CANCELLED, "the request waited too long for the networks");
    }
}

static fct_status run_job(srv_infer *p, infer_job *j, fct_faces **out, fct_error *err) {
    j->look.tasks &= fct_pack_tasks(p->pack);
    fct_mutex_lock(&p->lock);
    *p->last = j;
    p->last = &j->next;
    p->waiting++;
    fct_cond_signal(&p->work);
    await(p, j);
    fct_mutex_unlock(&p->lock);
    *out = j->faces;
    if (j->status && err) *err = j->error;
    return j->status;
}

fct_status srv_infer_run(srv_infer *p, fct_view picture, const srv_look *look, fct_faces **out, fct_error *err) {
    infer_job j = {.picture = picture, .look = *look};
    return run_job(p, &j, out, err);
}

fct_status srv_infer_again(srv_infer *p, fct_view picture, const srv_look *look, const fct_faces *found, float kx,
                           float ky, fct_faces **out, fct_error *err) {
    infer_job j = {.picture = picture, .look = *look, .found = found, .kx = kx, .ky = ky};
    return run_job(p, &j, out, err);
}

void srv_infer_stat(srv_infer *p, srv_infer_stats *out) {
    fct_mutex_lock(&p->lock);
    *out = p->stats;
    out->waiting = p->waiting;
    fct_mutex_unlock(&p->lock);
}

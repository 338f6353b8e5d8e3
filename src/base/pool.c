/* The pool of worker threads behind fct_parallel().
 *
 * A job is open from its publication until the caller has found no task left.
 * A worker joins an open job by counting itself into `state`; the caller, after
 * closing the job, waits for those who joined and for nobody else. So a worker
 * that the system does not run (busy cores) costs nothing: its share is done by
 * the others, and a job that was closed before it woke up is not its concern.
 *
 * Sleeping and waking are a store-then-load pair on both sides: the one who goes
 * to sleep announces it and then looks at `state` again, the one who changes
 * `state` then looks for announced sleepers. Sequential consistency of the two
 * makes a lost wake-up impossible. */
#include "base/cpu.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <stdlib.h>

#define MAX_THREADS 1024
#define OPEN        ((uint64_t)1 << 31)
#define ACTIVE      (OPEN - 1)

/* How long a worker looks for the next job of a run, and a caller for the last
 * worker, before sleeping. Longer than a wake-up (5 to 50 us), far shorter than
 * a time slice, so that little is taken from others when the cores are busy. */
#define SPIN_NS 30000

static struct {
    _Alignas(64) _Atomic uint64_t state; /* generation << 32 | OPEN | workers that joined */
    _Alignas(64) fct_task_fn *fn;        /* the job; written only while nobody can join */
    void *ctx;
    atomic_int limit;    /* workers with a number from here on must end */
    atomic_int sleepers; /* workers asleep or about to be */
    atomic_bool caller_sleeps;
    atomic_bool in_run; /* between begin and end: workers spin */
    atomic_bool owned;
    atomic_int budget; /* of fct_set_threads(), 0 = default */
    /* The rest is the owner's. */
    bool ready;
    int width, wanted; /* threads with the caller; the budget they were made for */
    fct_mutex lock;
    fct_cond work, done;
    fct_thread threads[MAX_THREADS];
} pool = {.limit = 1, .width = 1, .wanted = 1};

/* For each worker the tasks of its share that nobody has taken yet: end << 32 | begin. */
static struct { _Alignas(64) _Atomic uint64_t tasks; } shares[MAX_THREADS];

static _Thread_local int own_depth; /* nested begins of the owner */
static _Thread_local bool in_task;  /* inside a task, or a worker */
static _Thread_local bool denied;   /* the last begin found the pool taken */

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t generation(uint64_t state) { return (uint32_t)(state >> 32); }

static uint64_t share(uint32_t begin, uint32_t end) { return (uint64_t)end << 32 | begin; }

/* The first task of a share, or its last; -1 = none left. */
static int take(int of, bool last) {
    uint64_t s = atomic_load_explicit(&shares[of].tasks, memory_order_relaxed);
    for (;;) {
        uint32_t begin = (uint32_t)s, end = (uint32_t)(s >> 32);
        if (begin >= end) return -1;
        uint64_t rest = last ? share(begin, end - 1) : share(begin + 1, end);
        if (atomic_compare_exchange_weak_explicit(&shares[of].tasks, &s, rest, memory_order_relaxed,
                                                  memory_order_relaxed))
            return (int)(last ? end - 1 : begin);
    }
}

static void run_tasks(int worker) {
    int i, width = pool.width;
    while ((i = take(worker, false)) >= 0) pool.fn(pool.ctx, i, worker);
    for (int k = 1; k < width; k++) {
        int other = (worker + k) % width;
        while ((i = take(other, true)) >= 0) pool.fn(pool.ctx, i, worker);
    }
}

static void share_out(int n) {
    for (int w = 0; w < pool.width; w++) {
        int64_t begin = (int64_t)n * w / pool.width, end = (int64_t)n * (w + 1) / pool.width;
        atomic_store_explicit(&shares[w].tasks, share((uint32_t)begin, (uint32_t)end), memory_order_relaxed);
    }
}

/* ---- Workers --------------------------------------------------------------- */

static bool something_to_do(uint32_t seen, int self) {
    uint64_t s = atomic_load(&pool.state);
    return ((s & OPEN) && generation(s) != seen) || self >= atomic_load(&pool.limit);
}

/* Spins for a short while when the next job is likely to come at once, then sleeps. */
static void wait_for_job(uint32_t seen, int self) {
    uint64_t start = fct_time_ns();
    while (atomic_load_explicit(&pool.in_run, memory_order_relaxed)) {
        for (int i = 0; i < 16; i++) {
            if (something_to_do(seen, self)) return;
            relax();
        }
        if (fct_time_ns() - start > SPIN_NS) break;
    }
    fct_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while (!something_to_do(seen, self)) fct_cond_wait(&pool.work, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    fct_mutex_unlock(&pool.lock);
}

/* Counts the worker in; false when the job was closed meanwhile. */
static bool join_job(uint32_t *seen) {
    uint64_t s = atomic_load(&pool.state);
    while (s & OPEN) {
        *seen = generation(s);
        if (atomic_compare_exchange_weak(&pool.state, &s, s + 1)) return true;
    }
    return false;
}

static void leave_job(void) {
    uint64_t before = atomic_fetch_sub(&pool.state, 1);
    if ((before & ACTIVE) != 1 || (before & OPEN) || !atomic_load(&pool.caller_sleeps)) return;
    fct_mutex_lock(&pool.lock);
    fct_cond_signal(&pool.done);
    fct_mutex_unlock(&pool.lock);
}

static void worker_main(void *arg) {
    fct_fpu_enter();
    int self = (int)(intptr_t)arg;
    /* A job that is open already is not missed: its generation is not the one
     * before the first. */
    uint32_t seen = 0;
    in_task = true;
    for (;;) {
        wait_for_job(seen, self);
        if (self >= atomic_load(&pool.limit)) return;
        if (!join_job(&seen)) continue;
        run_tasks(self);
        leave_job();
    }
}

/* ---- Ownership and size -------------------------------------------------------- */

static int default_budget(void) {
    static atomic_int found;
    int n = atomic_load(&found);
    if (n) return n;
    const char *env = getenv("FCT_THREADS");
    char *end;
    long v = env ? strtol(env, &end, 10) : 0;
    n = env && end != env && !*end && v >= 1 && v <= MAX_THREADS ? (int)v : fct_cpu_usable();
    if (n > MAX_THREADS) n = MAX_THREADS;
    atomic_store(&found, n);
    return n;
}

int fct_threads(void) {
    int n = atomic_load(&pool.budget);
    return n ? n : default_budget();
}

fct_status fct_set_threads(int n, fct_error *err) {
    if (n < 0 || n > MAX_THREADS) return fct_fail(err, FCT_ERR_ARG, "%d threads: not in 0..%d", n, MAX_THREADS);
    atomic_store(&pool.budget, n);
    return FCT_OK;
}

static void prepare_locks(void) {
    fct_mutex_init(&pool.lock);
    fct_cond_init(&pool.work);
    fct_cond_init(&pool.done);
}

/* In the child of a fork() there are no workers, whatever the parent had. */
static void reset_after_fork(void) {
    prepare_locks();
    atomic_store(&pool.state, 0);
    atomic_store(&pool.limit, 1);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.caller_sleeps, false);
    atomic_store(&pool.owned, own_depth > 0);
    pool.width = pool.wanted = 1;
}

/* Makes the pool `wanted` threads wide, or as many as the system grants. */
static void set_width(int wanted) {
    if (wanted == pool.wanted) return;
    if (!pool.ready) {
        prepare_locks();
        fct_thread_at_fork(reset_after_fork);
        pool.ready = true;
    }
    fct_mutex_lock(&pool.lock);
    atomic_store(&pool.limit, wanted);
    fct_cond_broadcast(&pool.work);
    fct_mutex_unlock(&pool.lock);
    for (; pool.width > wanted; pool.width--) fct_thread_join(&pool.threads[pool.width - 1]);
    for (; pool.width < wanted; pool.width++)
        if (fct_thread_start(&pool.threads[pool.width], worker_main, (void *)(intptr_t)pool.width, NULL)) break;
    pool.wanted = wanted;
}

static bool acquire(void) {
    bool expected = false;
    if (!atomic_compare_exchange_strong(&pool.owned, &expected, true)) return false;
    set_width(fct_threads());
    own_depth = 1;
    return true;
}

static void release(void) {
    own_depth = 0;
    atomic_store(&pool.owned, false);
}

bool fct_parallel_begin(void) {
    if (in_task) return false;
    if (own_depth) {
        own_depth++;
        return true;
    }
    denied = !acquire();
    if (!denied) atomic_store(&pool.in_run, true);
    return !denied;
}

void fct_parallel_end(void) {
    if (in_task) return;
    denied = false;
    if (own_depth > 1) own_depth--;
    else if (own_depth) {
        atomic_store(&pool.in_run, false);
        release();
    }
}

void fct_parallel_alone(bool alone) { in_task = alone; }

int fct_parallel_width(void) {
    if (in_task || denied) return 1;
    return own_depth ? pool.width : fct_threads();
}

void fct_shutdown(void) {
    if (in_task || own_depth) return;
    bool expected = false;
    if (!atomic_compare_exchange_strong(&pool.owned, &expected, true)) return;
    set_width(1);
    atomic_store(&pool.owned, false);
}

/* ---- Jobs --------------------------------------------------------------------- */

static void run_inline(int n, fct_task_fn *fn, void *ctx) {
    bool outer = in_task;
    in_task = true;
    for (int i = 0; i < n; i++) fn(ctx, i, 0);
    in_task = outer;
}

/* Wakes as many sleepers as there are tasks for beyond those awake. */
static void wake_workers(int n) {
    int asleep = atomic_load(&pool.sleepers);
    int useful = (n < pool.width ? n : pool.width) - 1, awake = pool.width - 1 - asleep;
    if (asleep == 0 || useful <= awake) return;
    fct_mutex_lock(&pool.lock);
    for (int i = awake; i < useful; i++) fct_cond_signal(&pool.work);
    fct_mutex_unlock(&pool.lock);
}

static bool all_left(void) { return (atomic_load(&pool.state) & ACTIVE) == 0; }

static void wait_for_workers(void) {
    uint64_t start = fct_time_ns();
    do
        for (int i = 0; i < 16; i++) {
            if (all_left()) return;
            relax();
        }
    while (fct_time_ns() - start < SPIN_NS);
    fct_mutex_lock(&pool.lock);
    atomic_store(&pool.caller_sleeps, true);
    while (!all_left()) fct_cond_wait(&pool.done, &pool.lock);
    atomic_store(&pool.caller_sleeps, false);
    fct_mutex_unlock(&pool.lock);
}

static void run_job(int n, fct_task_fn *fn, void *ctx) {
    pool.fn = fn;
    pool.ctx = ctx;
    share_out(n);
    uint64_t s = atomic_load(&pool.state);
    uint32_t next = generation(s) + 1;
    if (!next) next = 1; /* 0 is a new worker's "seen nothing" */
    atomic_store(&pool.state, (uint64_t)next << 32 | OPEN);
    wake_workers(n);
    in_task = true;
    run_tasks(0);
    in_task = false;
    uint64_t before = atomic_fetch_and(&pool.state, ~OPEN);
    if (before & ACTIVE) wait_for_workers();
}

void fct_parallel(int n, fct_task_fn *fn, void *ctx) {
    if (n == 1) { /* not counted as nesting: what is called may still use the pool */
        fn(ctx, 0, 0);
        return;
    }
    if (n <= 0 || in_task || denied) {
        run_inline(n, fn, ctx);
        return;
    }
    bool borrowed = own_depth == 0;
    if (borrowed && (fct_threads() == 1 || !acquire())) {
        run_inline(n, fn, ctx);
        return;
    }
    if (pool.width == 1) run_inline(n, fn, ctx);
    else run_job(n, fn, ctx);
    if (borrowed) release();
}

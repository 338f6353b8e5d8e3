#include "base/file.h"
#include "base/thread.h"

#include "test.h"
#include <stdatomic.h>
#ifndef _WIN32
#include <sys/wait.h>
#include <unistd.h>
#endif

#define N 1000

typedef struct pool_job {
    atomic_int hits[N];
    atomic_int bad_worker;
    int width;
} pool_job;

static void task(void *ctx, int i, int worker) {
    pool_job *j = ctx;
    atomic_fetch_add(&j->hits[i], 1);
    if (worker < 0 || worker >= j->width) atomic_fetch_add(&j->bad_worker, 1);
}

static void nothing(void *ctx, int i, int worker) { (void)ctx, (void)i, (void)worker; }

static void check_job(pool_job *j, int n) {
    for (int i = 0; i < N; i++) CHECK_MSG(atomic_load(&j->hits[i]) == (i < n), "task %d of %d", i, n);
    CHECK(atomic_load(&j->bad_worker) == 0);
}

static void run(int n) {
    static pool_job j;
    memset(&j, 0, sizeof j);
    j.width = fct_parallel_width();
    fct_parallel(n, task, &j);
    check_job(&j, n);
}

TEST(every_task_once) {
    for (int threads = 1; threads <= 5; threads++) {
        CHECK(!fct_set_threads(threads, NULL) && fct_threads() == threads);
        for (int n = 0; n <= 40; n++) run(n);
        run(N);
        CHECK(fct_parallel_begin() && fct_parallel_width() == threads);
        for (int n = 0; n <= 40; n++) run(n);
        fct_parallel_end();
    }
    fct_set_threads(0, NULL);
}

TEST(budget_is_checked) {
    fct_error e;
    CHECK(fct_set_threads(-1, &e) == FCT_ERR_ARG && fct_set_threads(1025, &e) == FCT_ERR_ARG);
    CHECK(strstr(e.text, "1025"));
    CHECK(fct_set_threads(0, NULL) == FCT_OK && fct_threads() >= 1);
}

/* Many short jobs, with pauses that put the workers to sleep: lost wake-ups
 * and late workers would show as hanging or as tasks done twice. */
TEST(short_jobs) {
    fct_set_threads(4, NULL);
    for (int round = 0; round < 300; round++) {
        fct_parallel_begin();
        for (int k = 0; k < 20; k++) fct_parallel(1 + (round + k) % 9, nothing, NULL);
        run(7);
        fct_parallel_end();
        if (round % 50 == 0) fct_sleep_ms(1);
    }
    fct_set_threads(0, NULL);
}

typedef struct outer {
    atomic_int inner_runs;
    atomic_int faults;
} outer;
static void inner_task(void *ctx, int i, int worker) {
    outer *o = ctx;
    (void)i;
    atomic_fetch_add(&o->inner_runs, 1);
    if (worker != 0) atomic_fetch_add(&o->faults, 1);
}
static void outer_task(void *ctx, int i, int worker) {
    outer *o = ctx;
    (void)i, (void)worker;
    if (fct_parallel_width() != 1 || fct_parallel_begin()) atomic_fetch_add(&o->faults, 1);
    fct_parallel(10, inner_task, o);
    fct_parallel_end();
}

TEST(nested_calls_run_in_their_thread) {
    outer o = {0};
    fct_set_threads(3, NULL);
    CHECK(fct_parallel_begin());
    fct_parallel(20, outer_task, &o);
    CHECK(fct_parallel_begin() && fct_parallel_width() == 3); /* pairs nest */
    fct_parallel_end();
    CHECK(fct_parallel_width() == 3);
    fct_parallel_end();
    CHECK(o.inner_runs == 200 && o.faults == 0);
    fct_set_threads(0, NULL);
}

typedef struct rival {
    atomic_int phase;
    int got, width, runs_as_zero;
} rival;
static void zero_task(void *ctx, int i, int worker) {
    rival *r = ctx;
    (void)i;
    r->runs_as_zero += worker == 0; /* plain: it must be one thread */
}
static void rival_main(void *arg) {
    rival *r = arg;
    r->got = fct_parallel_begin();
    r->width = fct_parallel_width();
    fct_parallel(50, zero_task, r);
    fct_parallel_end();
}

TEST(a_taken_pool_leaves_others_single_threaded) {
    rival r = {0};
    fct_thread t;
    fct_set_threads(3, NULL);
    REQUIRE(fct_parallel_begin());
    REQUIRE(!fct_thread_start(&t, rival_main, &r, NULL));
    run(100);
    fct_thread_join(&t);
    fct_parallel_end();
    CHECK(!r.got && r.width == 1 && r.runs_as_zero == 50);
    REQUIRE(!fct_thread_start(&t, rival_main, &r, NULL));
    fct_thread_join(&t);
    CHECK(r.got && r.width == 3);
    fct_set_threads(0, NULL);
}

static void hammer(void *arg) {
    static _Thread_local pool_job j;
    for (int k = 0; k < 200; k++) {
        memset(&j, 0, sizeof j);
        bool own = k % 2 && fct_parallel_begin();
        (void)own;
        j.width = 1024;
        fct_parallel(37, task, &j);
        if (k % 2) fct_parallel_end();
        for (int i = 0; i < 37; i++)
            if (atomic_load(&j.hits[i]) != 1) atomic_fetch_add((atomic_int *)arg, 1);
        if (k % 40 == 0) fct_set_threads(1 + k / 40, NULL);
    }
}

TEST(several_callers_and_changing_budgets) {
    atomic_int faults = 0;
    fct_thread t[3];
    for (int i = 0; i < 3; i++) REQUIRE(!fct_thread_start(&t[i], hammer, &faults, NULL));
    hammer(&faults);
    for (int i = 0; i < 3; i++) fct_thread_join(&t[i]);
    CHECK(faults == 0);
    fct_set_threads(0, NULL);
}

TEST(shutdown_and_again) {
    fct_set_threads(3, NULL);
    run(100);
    fct_shutdown();
    fct_shutdown();
    run(100);
    fct_shutdown();
    fct_set_threads(0, NULL);
}

typedef struct handshake {
    fct_mutex m;
    fct_cond c;
    int turn;
} handshake;
static void partner(void *arg) {
    handshake *h = arg;
    fct_mutex_lock(&h->m);
    for (int i = 0; i < 100; i++) {
        while (h->turn != 1) fct_cond_wait(&h->c, &h->m);
        h->turn = 0;
        fct_cond_broadcast(&h->c);
    }
    fct_mutex_unlock(&h->m);
}

TEST(locks_and_conditions) {
    handshake h = {.m = FCT_MUTEX_INIT};
    fct_thread t;
    fct_cond_init(&h.c);
    fct_mutex_lock(&h.m);
    CHECK(!fct_cond_wait_ms(&h.c, &h.m, 5)); /* nobody signals */
    fct_mutex_unlock(&h.m);
    REQUIRE(!fct_thread_start(&t, partner, &h, NULL));
    fct_mutex_lock(&h.m);
    for (int i = 0; i < 100; i++) {
        h.turn = 1;
        fct_cond_signal(&h.c);
        while (h.turn != 0) fct_cond_wait(&h.c, &h.m);
    }
    fct_mutex_unlock(&h.m);
    fct_thread_join(&t);
    fct_cond_destroy(&h.c);
    fct_mutex_destroy(&h.m);
}

#if !defined(_WIN32) && !defined(__SANITIZE_THREAD__)
TEST(a_forked_child_has_its_own_pool) {
    if (getenv("FCT_EMULATED")) SKIP("emulators cannot fork a process with threads");
    fct_set_threads(3, NULL);
    run(100);
    fflush(stdout);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        alarm(20); /* a hang ends as a failure */
        test_failures = 0;
        run(100);
        _exit(test_failures ? 1 : 0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fct_set_threads(0, NULL);
}
#endif

int main(int argc, char **argv) { return test_main(argc, argv); }

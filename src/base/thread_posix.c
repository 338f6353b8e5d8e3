#include "base/cpu_probe.h"
#include "base/error.h"
#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

void fct_mutex_init(fct_mutex *m) { pthread_mutex_init(m, NULL); }
void fct_mutex_destroy(fct_mutex *m) { pthread_mutex_destroy(m); }
void fct_mutex_lock(fct_mutex *m) { pthread_mutex_lock(m); }
void fct_mutex_unlock(fct_mutex *m) { pthread_mutex_unlock(m); }

/* macOS has no condition variables on the monotonic clock. */
#ifdef __APPLE__
#define COND_CLOCK CLOCK_REALTIME
#else
#define COND_CLOCK CLOCK_MONOTONIC
#endif

void fct_cond_init(fct_cond *c) {
    pthread_condattr_t a;
    pthread_condattr_init(&a);
#ifndef __APPLE__
    pthread_condattr_setclock(&a, COND_CLOCK);
#endif
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

void fct_cond_destroy(fct_cond *c) { pthread_cond_destroy(c); }
void fct_cond_wait(fct_cond *c, fct_mutex *m) { pthread_cond_wait(c, m); }

bool fct_cond_wait_ms(fct_cond *c, fct_mutex *m, int ms) {
    struct timespec t;
    clock_gettime(COND_CLOCK, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return pthread_cond_timedwait(c, m, &t) == 0;
}

void fct_cond_signal(fct_cond *c) { pthread_cond_signal(c); }
void fct_cond_broadcast(fct_cond *c) { pthread_cond_broadcast(c); }

static void *thread_main(void *p) {
    fct_thread *t = p;
    t->fn(t->arg);
    return NULL;
}

fct_status fct_thread_start(fct_thread *t, void (*fn)(void *), void *arg, fct_error *err) {
    sigset_t all, before;
    t->fn = fn;
    t->arg = arg;
    /* The program's signal handlers must run in its own threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int e = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (e) return fct_fail(err, FCT_ERR_NOMEM, "cannot start a thread: error %d", e);
    return FCT_OK;
}

void fct_thread_join(fct_thread *t) { pthread_join(t->id, NULL); }

void fct_thread_yield_to_others(void) {
#ifdef __linux__
    enum { NICE = 10 };                                               /* a ninth of what others get */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* there, of one thread */
#endif
}

void fct_thread_at_fork(void (*fn)(void)) { pthread_atfork(NULL, NULL, fn); }

int fct_probe_online(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}

int fct_probe_affinity(void) {
#ifdef __linux__
    /* The kernel refuses a mask smaller than its own. */
    for (int cpus = 1024; cpus <= 65536; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int n = sched_getaffinity(0, size, set) ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (n > 0) return n;
    }
#endif
    return fct_probe_online();
}

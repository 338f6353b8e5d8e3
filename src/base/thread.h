/* Threads, locks and the pool. Portable over POSIX and Windows. */
#ifndef FCT_BASE_THREAD_H
#define FCT_BASE_THREAD_H

#include "facet/base.h"
#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
typedef SRWLOCK fct_mutex;
typedef CONDITION_VARIABLE fct_cond;
typedef struct fct_thread {
    HANDLE handle;
    void (*fn)(void *);
    void *arg;
} fct_thread;
#define FCT_MUTEX_INIT SRWLOCK_INIT
#else
#include <pthread.h>
typedef pthread_mutex_t fct_mutex;
typedef pthread_cond_t fct_cond;
typedef struct fct_thread {
    pthread_t id;
    void (*fn)(void *);
    void *arg;
} fct_thread;
#define FCT_MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#endif

void fct_mutex_init(fct_mutex *m);
void fct_mutex_destroy(fct_mutex *m);
void fct_mutex_lock(fct_mutex *m);
void fct_mutex_unlock(fct_mutex *m);
void fct_cond_init(fct_cond *c);
void fct_cond_destroy(fct_cond *c);
void fct_cond_wait(fct_cond *c, fct_mutex *m);
bool fct_cond_wait_ms(fct_cond *c, fct_mutex *m, int ms); /* false: time is up */
void fct_cond_signal(fct_cond *c);
void fct_cond_broadcast(fct_cond *c);

/* Starts a thread running fn(arg), with all signals blocked. *t must stay where it
 * is until fct_thread_join(). */
fct_status fct_thread_start(fct_thread *t, void (*fn)(void *), void *arg, fct_error *err);
void fct_thread_join(fct_thread *t);
/* The calling thread yields to others from now on where the processors are busy, as far as the system allows it. */
void fct_thread_yield_to_others(void);

/* Calls fn in the child after every later fork() of this process; does nothing
 * where there is no fork. */
void fct_thread_at_fork(void (*fn)(void));

/* ---- The pool --------------------------------------------------------------
 * fct_parallel(n, fn, ctx) calls fn(ctx, i, worker) once for every i in 0..n-1
 * and returns when all are done. Every worker begins with its own share, the
 * same part of the tasks in every call: where tasks follow the order of the data,
 * a layer finds in its core's cache what that core made in the layer before. Who
 * has finished takes from the ends of the others' shares, so nobody waits for a
 * thread that does not run. The caller works too, as worker 0. worker < fct_parallel_width()
 * indexes per-thread scratch memory. Nested calls, calls while the pool is busy
 * with another thread's work, and calls with n = 1 or a budget of 1 run in the
 * calling thread as worker 0 (inside the one task of n = 1 the pool is still free). Workers spin for some microseconds
 * between calls inside fct_parallel_begin/_end, then sleep. fn must not fail.
 *
 * One caller owns the pool at a time: fct_parallel_begin() takes it for a whole
 * run of a network (so that worker numbers stay meaningful), returns false and
 * leaves the caller single-threaded when somebody else has it. Every begin needs
 * its end, whatever it returned; pairs may nest in one thread. */
typedef void fct_task_fn(void *ctx, int index, int worker);

bool fct_parallel_begin(void);
void fct_parallel_end(void);
void fct_parallel(int n, fct_task_fn *fn, void *ctx);
/* Whether the calling thread does its tasks itself from now on. Not between begin and end, nor inside a task. */
void fct_parallel_alone(bool alone);
int fct_parallel_width(void); /* threads that the next fct_parallel() may use; >= 1 */

#endif

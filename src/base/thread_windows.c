#include "base/cpu_probe.h"
#include "base/error.h"
#include "base/thread.h"

#include <process.h>

void fct_mutex_init(fct_mutex *m) { InitializeSRWLock(m); }
void fct_mutex_destroy(fct_mutex *m) { (void)m; }
void fct_mutex_lock(fct_mutex *m) { AcquireSRWLockExclusive(m); }
void fct_mutex_unlock(fct_mutex *m) { ReleaseSRWLockExclusive(m); }

void fct_cond_init(fct_cond *c) { InitializeConditionVariable(c); }
void fct_cond_destroy(fct_cond *c) { (void)c; }
void fct_cond_wait(fct_cond *c, fct_mutex *m) { SleepConditionVariableSRW(c, m, INFINITE, 0); }
bool fct_cond_wait_ms(fct_cond *c, fct_mutex *m, int ms) {
    return SleepConditionVariableSRW(c, m, ms < 0 ? 0 : (DWORD)ms, 0) != 0;
}
void fct_cond_signal(fct_cond *c) { WakeConditionVariable(c); }
void fct_cond_broadcast(fct_cond *c) { WakeAllConditionVariable(c); }

static unsigned __stdcall thread_main(void *p) {
    fct_thread *t = p;
    t->fn(t->arg);
    return 0;
}

fct_status fct_thread_start(fct_thread *t, void (*fn)(void *), void *arg, fct_error *err) {
    t->fn = fn;
    t->arg = arg;
    t->handle = (HANDLE)_beginthreadex(NULL, 0, thread_main, t, 0, NULL);
    if (!t->handle) return fct_fail(err, FCT_ERR_NOMEM, "cannot start a thread");
    return FCT_OK;
}

void fct_thread_join(fct_thread *t) {
    WaitForSingleObject(t->handle, INFINITE);
    CloseHandle(t->handle);
}

void fct_thread_yield_to_others(void) { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL); }

void fct_thread_at_fork(void (*fn)(void)) { (void)fn; }

int fct_probe_online(void) {
    DWORD n = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
    return n < 1 ? 1 : (int)n;
}

int fct_probe_affinity(void) {
    DWORD_PTR mine, machine;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &machine) || !mine) return fct_probe_online();
    /* A process of several processor groups is told the mask of all ones of its first. */
    if (mine == machine) return fct_probe_online();
    return __builtin_popcountll((unsigned long long)mine);
}

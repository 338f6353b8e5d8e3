/* facet/base.h: status codes, errors, version, threads, CPU level, log.
 *
 * Conventions that hold for every header of facet:
 *  - Functions that can fail return an fct_status (0 or negative) and take an
 *    fct_error * as their last argument. It may be NULL. On failure it holds
 *    one line of text that names the file, the place and the fault, and every
 *    out-parameter is NULL or zero.
 *  - Inputs are const and borrowed for the call. The comment of every returned
 *    pointer says one of: owned (the caller frees it), borrowed until ...,
 *    static.
 *  - X_free(NULL) is harmless.
 *  - Option structs start with their size: call X_opts_init() first, then set
 *    what differs. A NULL options pointer means all defaults.
 *  - The library never aborts, exits, prints or installs signal handlers.
 *  - Paths and all other strings are UTF-8.
 */
#ifndef FACET_BASE_H
#define FACET_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && defined(FCT_SHARED)
#ifdef FCT_BUILD
#define FCT_API __declspec(dllexport)
#else
#define FCT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define FCT_API __attribute__((visibility("default")))
#else
#define FCT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Result of a fallible call: FCT_OK or one of the negative codes. */
typedef enum fct_status {
    FCT_OK = 0,
    FCT_ERR_NOMEM = -1,       /* out of memory */
    FCT_ERR_ARG = -2,         /* an argument is invalid (caller's mistake) */
    FCT_ERR_IO = -3,          /* the operating system refused: open, read, write */
    FCT_ERR_FORMAT = -4,      /* a file's content is damaged or not of its format */
    FCT_ERR_UNSUPPORTED = -5, /* valid, but not something facet handles */
    FCT_ERR_LIMIT = -6,       /* larger than a limit that protects the caller */
    FCT_ERR_NOT_FOUND = -7,   /* no such file, pack, person, face, ... */
    FCT_ERR_EXISTS = -8,      /* already there */
    FCT_ERR_MISMATCH = -9,    /* embeddings of different models, wrong hash, ... */
    FCT_ERR_BUSY = -10,       /* locked by somebody else for too long */
    FCT_ERR_CANCELLED = -11,  /* a callback asked to stop */
    FCT_ERR_NETWORK = -12,    /* a transfer failed */
    FCT_ERR_INTERNAL = -13    /* a bug in facet */
} fct_status;

/* Caller-owned description of a failure. Need not be initialized. */
typedef struct fct_error {
    fct_status code;
    char text[500]; /* one line, UTF-8, NUL-terminated, no final full stop */
} fct_error;

/* Version of the library, "MAJOR.MINOR.PATCH". Static. */
FCT_API const char *fct_version(void);

/* Short English name of a status ("out of memory"). Static. Never NULL. */
FCT_API const char *fct_status_name(fct_status s);

/* ---- Threads -----------------------------------------------------------
 * All models and sessions of a process share one pool of worker threads. The
 * calling thread always works too, so a budget of 1 starts no thread at all.
 * Default budget: FCT_THREADS from the environment, else the number of CPUs
 * this process may use (affinity mask and cgroup quota, whichever is less). */

/* Sets the budget: n threads including the caller, 0 = default. Takes effect
 * at the next run. Thread-safe. Returns FCT_ERR_ARG when n is negative or
 * above 1024. */
FCT_API fct_status fct_set_threads(int n, fct_error *err);

/* Current budget, at least 1. Thread-safe. */
FCT_API int fct_threads(void);

/* ---- CPU ---------------------------------------------------------------- */

/* What was found on this machine and what facet makes of it. Strings static. */
typedef struct fct_cpu_info {
    const char *arch;  /* "x86_64", "aarch64", ... */
    const char *brand; /* the processor's own name, or "" */
    const char *level; /* kernel level in use: "c", "sse41", "avx2", "avx512", "avx512vnni", "avx512popcnt", "neon" */
    const char *level_max; /* highest level that CPU and build have in common */
    const char *level_why; /* one clause: why this level */
    int cpus_online;       /* CPUs of the machine */
    int cpus_affinity;     /* CPUs in this process's affinity mask */
    double cpus_cgroup;    /* quota of the cgroup in CPUs; 0 = no limit */
} fct_cpu_info;

/* Fills *out. Thread-safe. The environment variable FCT_CPU
 * (c | sse41 | avx2 | avx512 | avx512vnni | avx512popcnt | neon) caps the level; read once. */
FCT_API void fct_cpu(fct_cpu_info *out);

/* Names of what this build supports, divided by spaces, of: jpeg png webp
 * gallery tags download zip video. Static. */
FCT_API const char *fct_build_features(void);

/* Peak of one thread at the kernel level in use, in FLOP/s: measured, in about
 * 50 ms, with a loop of independent multiply-adds in registers (a multiply-add
 * counts as two). For reports. Thread-safe. */
FCT_API double fct_cpu_measure_peak(void);

/* ---- Log ----------------------------------------------------------------
 * The library is silent unless a callback is set. */
typedef enum fct_log_level { FCT_LOG_ERROR = 0, FCT_LOG_WARN = 1, FCT_LOG_INFO = 2, FCT_LOG_DEBUG = 3 } fct_log_level;
typedef void fct_log_fn(fct_log_level level, const char *text, void *user);

/* Sets the process-wide callback (NULL = silent) and the most talkative level
 * it gets. Call it before other threads use facet. The callback may be called
 * from any thread; text is borrowed for the call. */
FCT_API void fct_set_log(fct_log_fn *fn, void *user, fct_log_level max_level);

/* Releases what the process-wide pool holds: worker threads and their memory.
 * Optional; call it when no other facet call is under way. facet can be used
 * again afterwards. */
FCT_API void fct_shutdown(void);

#ifdef __cplusplus
}
#endif
#endif

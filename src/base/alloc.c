#include "base/alloc.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

#define ALIGNMENT 64
#define HUGE_FROM ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

static atomic_long live;
static atomic_long fail_at; /* allocations until the one that fails; 0 = off */

void fct_alloc_fail_at(long n) { atomic_store(&fail_at, n); }
bool fct_alloc_has_failed(void) { return atomic_load(&fail_at) <= 0; }
long fct_alloc_live(void) { return atomic_load(&live); }

/* Counts down; true for the one allocation that a test wants to see fail. */
static bool must_fail(void) {
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) <= 0) return false;
    return atomic_fetch_sub(&fail_at, 1) == 1;
}

static void *counted(void *p) {
    if (p) atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

bool fct_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
bool fct_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

void *fct_alloc(size_t size) {
    if (must_fail()) return NULL;
    return counted(malloc(size ? size : 1));
}

void *fct_calloc(size_t count, size_t size) {
    size_t total;
    if (must_fail() || !fct_mul_size(count, size, &total)) return NULL;
    return counted(calloc(1, total ? total : 1));
}

void *fct_realloc(void *p, size_t size) {
    if (!p) return fct_alloc(size);
    if (must_fail()) return NULL;
    return realloc(p, size ? size : 1);
}

void *fct_realloc_array(void *p, size_t count, size_t size) {
    size_t total;
    if (!fct_mul_size(count, size, &total)) return NULL;
    return fct_realloc(p, total);
}

void fct_free(void *p) {
    if (!p) return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

char *fct_strdup(const char *s) { return fct_strndup(s, strlen(s)); }

char *fct_strndup(const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *copy = fct_alloc(len + 1);
    if (!copy) return NULL;
    memcpy(copy, s, len);
    copy[len] = 0;
    return copy;
}

char *fct_asprintf(const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : fct_alloc((size_t)n + 1);
    if (text) vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

void *fct_aligned_alloc(size_t size) {
    if (must_fail() || size > SIZE_MAX - HUGE_PAGE) return NULL;
    if (!size) size = 1;
    size_t align = size >= HUGE_FROM ? HUGE_PAGE : ALIGNMENT;
#ifdef _WIN32
    return counted(_aligned_malloc(size, align));
#else
    void *p = NULL;
    if (posix_memalign(&p, align, size)) return NULL;
#ifdef MADV_HUGEPAGE
    /* Fewer page faults and TLB misses on weights and activations. Only whole
     * huge pages are asked for, so that nothing is resident past the end. */
    if (size >= HUGE_FROM) (void)madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return counted(p);
#endif
}

void fct_aligned_free(void *p) {
    if (!p) return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
#ifdef _WIN32
    _aligned_free(p);
#else
    free(p);
#endif
}

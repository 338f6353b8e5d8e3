#include "base/alloc.h"
#include "base/thread.h"

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

/* A sanitizer is to see each array by itself, and without huge pages there is nothing to gain. */
#if defined MADV_HUGEPAGE && !defined __SANITIZE_ADDRESS__
#define HAVE_BLOCKS 1
#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#undef HAVE_BLOCKS
#endif
#endif
#endif

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

/* ---- Weights -------------------------------------------------------------------------------------- */

#ifdef HAVE_BLOCKS

#define BLOCK ((size_t)8 << 20) /* also what blocks are aligned to: an array's address tells its block */

/* The start of a block. */
typedef struct weights_block {
    size_t used; /* bytes from its start, this included */
    long arrays; /* that are not freed yet */
} weights_block;

static fct_mutex blocks_lock = FCT_MUTEX_INIT;
static weights_block *block; /* that is being filled, or NULL */
static atomic_bool forks_noticed;

/* Only the thread that forked is in the child: nobody there would ever open the lock. */
static void open_lock(void) { fct_mutex_init(&blocks_lock); }

static weights_block *new_block(void) {
    void *p = NULL;
    if (posix_memalign(&p, BLOCK, BLOCK)) return NULL;
    (void)madvise(p, BLOCK, MADV_HUGEPAGE);
    weights_block *b = p;
    *b = (weights_block){.used = ALIGNMENT};
    return b;
}

/* Under the lock: size bytes of the block that is being filled, or of a new one. */
static void *take(size_t size) {
    if (!block || size > BLOCK - block->used) {
        weights_block *b = new_block();
        if (!b) return NULL;
        block = b; /* the old one goes with the last of its arrays */
    }
    block->arrays++;
    void *p = (char *)block + block->used;
    block->used += size;
    return p;
}

void *fct_weights_alloc(size_t size) {
    if (size >= HUGE_FROM) return fct_aligned_alloc(size);
    if (must_fail()) return NULL;
    if (!atomic_exchange(&forks_noticed, true)) fct_thread_at_fork(open_lock);
    fct_mutex_lock(&blocks_lock);
    void *p = take((size / ALIGNMENT + 1) * ALIGNMENT);
    fct_mutex_unlock(&blocks_lock);
    return counted(p);
}

void fct_weights_free(void *p, size_t size) {
    if (!p || size >= HUGE_FROM) {
        fct_aligned_free(p);
        return;
    }
    weights_block *b = (void *)((uintptr_t)p / BLOCK * BLOCK);
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    fct_mutex_lock(&blocks_lock);
    const bool empty = --b->arrays == 0;
    if (empty && b == block) block = NULL;
    fct_mutex_unlock(&blocks_lock);
    if (empty) free(b);
}

#else

void *fct_weights_alloc(size_t size) { return fct_aligned_alloc(size); }
void fct_weights_free(void *p, size_t size) {
    (void)size;
    fct_aligned_free(p);
}

#endif

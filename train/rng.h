/* Random numbers: a counter run through splitmix64 (Steele, Lea, Flood, 2014).
 * The state is one number, so a generator can be made for every sample from
 * (seed, epoch, index) and saved in a checkpoint. */
#ifndef FCT_TRAIN_RNG_H
#define FCT_TRAIN_RNG_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct fct_rng {
    uint64_t s;
} fct_rng;

static inline uint64_t fct_rng_next(fct_rng *r) {
    uint64_t z = (r->s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A generator for the key (a, b, c). */
static inline fct_rng fct_rng_make(uint64_t a, uint64_t b, uint64_t c) {
    fct_rng r = {a};
    r.s = fct_rng_next(&r) ^ b;
    r.s = fct_rng_next(&r) ^ c;
    fct_rng_next(&r);
    return r;
}

/* What random numbers are for: generators of the same seed for different purposes must not agree. The
 * keys are part of what a seed means, so they never change; their values are the words' letters. */
typedef enum fct_rng_purpose {
    FCT_RNG_INIT,    /* "init": the first weights */
    FCT_RNG_CENTERS, /* "centre": the classifier's first centers */
    FCT_RNG_CLASSES, /* "pfc": which other identities' centers a step sees */
    FCT_RNG_ORDER,   /* "order": the order of pictures in an epoch */
    FCT_RNG_MIX      /* "mix": how much of each of two pictures a mixture has */
} fct_rng_purpose;

/* The generator of a seed for a purpose; n: which one of several, as the step or epoch. */
static inline fct_rng fct_rng_for(uint64_t seed, fct_rng_purpose purpose, uint64_t n) {
    static const char words[][8] = {"init", "centre", "pfc", "order", "mix"};
    uint64_t key = 0;
    for (const char *c = words[purpose]; *c; c++) key = key << 8 | (unsigned char)*c;
    return fct_rng_make(seed, key, n);
}

/* [0, 1) */
static inline double fct_rng_uniform(fct_rng *r) { return (double)(fct_rng_next(r) >> 11) * 0x1p-53; }
static inline double fct_rng_range(fct_rng *r, double lo, double hi) { return lo + (hi - lo) * fct_rng_uniform(r); }
static inline bool fct_rng_chance(fct_rng *r, double p) { return fct_rng_uniform(r) < p; }

/* 0 .. n - 1, n >= 1 (the bias of the multiplication is below n / 2^32). */
static inline uint32_t fct_rng_below(fct_rng *r, uint32_t n) { return (uint32_t)(((fct_rng_next(r) >> 32) * n) >> 32); }

/* Standard normal (Box and Muller; the second value is thrown away). */
static inline double fct_rng_normal(fct_rng *r) {
    double u = 1 - fct_rng_uniform(r), v = fct_rng_uniform(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#endif

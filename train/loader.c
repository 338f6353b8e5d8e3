#include "train/loader.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include <string.h>

enum { AHEAD = 4 }; /* batches in preparation or ready */

struct fct_loader {
    const fct_dataset *data;
    fct_loader_opts o;
    uint32_t *pick; /* samples that take part */
    size_t n_pick;
    uint32_t *class_of, *class_start; /* balanced: samples sorted by class */
    uint32_t *order[2];               /* permutations of an even and an odd epoch */
    long order_epoch[2];
    fct_batch slot[AHEAD];
    int filled[AHEAD]; /* pictures ready */
    long taken;        /* batch in use by the caller */
    long next_batch;   /* where the workers are */
    int next_place;
    uint8_t *bad; /* by sample */
    size_t n_bad;
    bool stop;
    fct_mutex mutex;
    fct_cond work, ready;
    fct_thread *thread;
    int n_threads;
};

/* ---- Order -------------------------------------------------------------------- */

/* Returns the permutation of an epoch (Fisher and Yates). The mutex is held. */
static const uint32_t *epoch_order(fct_loader *l, long epoch) {
    int k = (int)(epoch & 1);
    if (l->order_epoch[k] == epoch) return l->order[k];
    fct_rng r = fct_rng_for(l->o.seed, FCT_RNG_ORDER, (uint64_t)epoch);
    uint32_t *p = l->order[k];
    if (l->o.balance)
        for (size_t i = 0; i < l->n_pick; i++) {
            uint32_t c = fct_rng_below(&r, (uint32_t)l->data->classes), first = l->class_start[c];
            p[i] = l->class_of[first + fct_rng_below(&r, l->class_start[c + 1] - first)];
        }
    else {
        memcpy(p, l->pick, l->n_pick * sizeof *p);
        for (size_t i = l->n_pick; i > 1; i--) {
            size_t j = fct_rng_below(&r, (uint32_t)i);
            uint32_t t = p[i - 1];
            p[i - 1] = p[j];
            p[j] = t;
        }
    }
    l->order_epoch[k] = epoch;
    return p;
}

/* ---- Workers -------------------------------------------------------------------- */

/* Chooses a place to fill, with the mutex held. False when there is nothing to do until a batch is taken. */
typedef struct loader_job {
    int slot, place;
    uint32_t sample;
    fct_rng rng;
    double strength;
} loader_job;

/* Which picture a place gets, and the numbers that change it, follow from seed, epoch and place alone, so that
 * neither threads nor a resumed run make a difference. */
static bool take_job(fct_loader *l, loader_job *j) {
    if (l->next_batch - l->taken >= AHEAD) return false;
    uint64_t position = (uint64_t)l->next_batch * l->o.batch + l->next_place;
    long epoch = (long)(position / l->n_pick);
    size_t place = position % l->n_pick;
    double done = (double)position / (double)l->n_pick;
    j->slot = (int)(l->next_batch % AHEAD);
    j->place = l->next_place;
    j->sample = epoch_order(l, epoch)[place];
    j->rng = fct_rng_make(l->o.seed, (uint64_t)epoch, place);
    j->strength = l->o.ramp > 0 && done < l->o.ramp ? done / l->o.ramp : 1;
    if (++l->next_place == l->o.batch) {
        l->next_place = 0;
        l->next_batch++;
    }
    return true;
}

/* Tells of a bad picture at its first time only. */
static void report(fct_loader *l, uint32_t sample, const char *text) {
    fct_mutex_lock(&l->mutex);
    bool first = !l->bad[sample];
    l->bad[sample] = 1;
    l->n_bad += first;
    fct_mutex_unlock(&l->mutex);
    if (first && l->o.on_bad) l->o.on_bad(l->o.user, text);
}

/* Decodes and changes one picture. One that cannot be decoded is replaced by
 * another, drawn from the place's own generator so that a resumed run draws the
 * same; after 100 of them the place stays gray and without label. */
static void fill(fct_loader *l, loader_job *j, void **scratch, size_t *scratch_size) {
    fct_batch *b = &l->slot[j->slot];
    size_t n = (size_t)l->o.out_size * l->o.out_size * 3;
    uint8_t *pixels = b->pixels + (size_t)j->place * n;
    fct_image *im = NULL;
    fct_error err;
    for (int tries = 0; tries < 100 && !im; tries++) {
        if (fct_dataset_read(l->data, j->sample, &im, &err)) {
            report(l, j->sample, err.text);
            j->sample = l->pick[fct_rng_below(&j->rng, (uint32_t)l->n_pick)];
        }
    }
    b->sample[j->place] = j->sample;
    b->label[j->place] = im ? l->data->sample[j->sample].label : -1;
    memset(pixels, 128, n);
    if (im) {
        fct_view v = fct_image_view(im);
        size_t need = fct_augment_scratch(v.width, v.height, l->o.out_size);
        if (need > *scratch_size) {
            fct_free(*scratch);
            *scratch = fct_alloc(need);
            *scratch_size = *scratch ? need : 0;
        }
        if (*scratch) fct_augment_run(&l->o.augment, j->strength, &j->rng, v, l->o.out_size, pixels, *scratch);
    }
    fct_image_free(im);
    fct_augment_to_input(pixels, n, b->input + (size_t)j->place * n);
}

/* Fills one place after the other without holding the lock while it decodes. */
static void worker(void *arg) {
    fct_loader *l = arg;
    void *scratch = NULL;
    size_t scratch_size = 0;
    loader_job j;
    fct_mutex_lock(&l->mutex);
    while (!l->stop) {
        if (!take_job(l, &j)) {
            fct_cond_wait(&l->work, &l->mutex);
            continue;
        }
        fct_mutex_unlock(&l->mutex);
        fill(l, &j, &scratch, &scratch_size);
        fct_mutex_lock(&l->mutex);
        if (++l->filled[j.slot] == l->o.batch) fct_cond_broadcast(&l->ready);
    }
    fct_mutex_unlock(&l->mutex);
    fct_free(scratch);
}

/* ---- Life ------------------------------------------------------------------------ */

static fct_status choose_samples(fct_loader *l, fct_error *err) {
    const fct_dataset *d = l->data;
    for (size_t i = 0; i < d->n; i++)
        if (d->sample[i].label >= 0 || !(l->o.labeled || l->o.balance)) l->pick[l->n_pick++] = (uint32_t)i;
    if (l->n_pick == 0) return fct_fail(err, FCT_ERR_ARG, "no picture has an identity with enough others");
    if (!l->o.balance) return FCT_OK;
    for (size_t i = 0; i < l->n_pick; i++) l->class_start[d->sample[l->pick[i]].label + 1]++;
    for (int c = 0; c < d->classes; c++) l->class_start[c + 1] += l->class_start[c];
    for (size_t i = l->n_pick; i-- > 0;) { /* from the back, so that starts end up right */
        int c = d->sample[l->pick[i]].label;
        l->class_of[--l->class_start[c + 1]] = l->pick[i];
    }
    memmove(l->class_start, l->class_start + 1, (size_t)d->classes * sizeof *l->class_start);
    l->class_start[d->classes] = (uint32_t)l->n_pick;
    return FCT_OK;
}

/* All memory is taken at the start, so that no allocation can fail in the middle of a run. */
static bool allocate(fct_loader *l) {
    size_t n = (size_t)l->o.batch, pixels = n * l->o.out_size * l->o.out_size * 3;
    bool ok = true;
    l->pick = fct_calloc(l->data->n, sizeof *l->pick);
    l->class_of = fct_calloc(l->data->n, sizeof *l->class_of);
    l->class_start = fct_calloc((size_t)l->data->classes + 2, sizeof *l->class_start);
    l->bad = fct_calloc(l->data->n, 1);
    l->thread = fct_calloc((size_t)l->o.workers, sizeof *l->thread);
    ok = l->pick && l->class_of && l->class_start && l->bad && l->thread;
    for (int k = 0; k < 2; k++) ok &= (l->order[k] = fct_calloc(l->data->n, sizeof *l->order[k])) != NULL;
    for (int s = 0; s < AHEAD; s++) {
        fct_batch *b = &l->slot[s];
        b->n = l->o.batch;
        b->input = fct_aligned_alloc(pixels * sizeof *b->input);
        b->pixels = fct_aligned_alloc(pixels);
        b->label = fct_calloc(n, sizeof *b->label);
        b->sample = fct_calloc(n, sizeof *b->sample);
        ok &= b->input && b->pixels && b->label && b->sample;
    }
    return ok;
}

fct_status fct_loader_create(const fct_dataset *data, const fct_loader_opts *o, long first_batch, fct_loader **out,
                             fct_error *err) {
    *out = NULL;
    fct_loader *l = fct_calloc(1, sizeof *l);
    if (!l) return fct_fail_nomem(err, "loader", sizeof *l);
    *l = (fct_loader){.data = data, .o = *o, .order_epoch = {-1, -1}, .taken = first_batch, .next_batch = first_batch};
    fct_mutex_init(&l->mutex);
    fct_cond_init(&l->work);
    fct_cond_init(&l->ready);
    fct_status s = allocate(l) ? choose_samples(l, err) : fct_fail_nomem(err, "loader", 0);
    l->taken--; /* nothing is in use yet */
    for (; !s && l->n_threads < o->workers; l->n_threads++)
        s = fct_thread_start(&l->thread[l->n_threads], worker, l, err);
    if (s) {
        fct_loader_free(l);
        return s;
    }
    *out = l;
    return FCT_OK;
}

void fct_loader_free(fct_loader *l) {
    if (!l) return;
    fct_mutex_lock(&l->mutex);
    l->stop = true;
    fct_cond_broadcast(&l->work);
    fct_mutex_unlock(&l->mutex);
    for (int i = 0; i < l->n_threads; i++) fct_thread_join(&l->thread[i]);
    for (int s = 0; s < AHEAD; s++) {
        fct_aligned_free(l->slot[s].input);
        fct_aligned_free(l->slot[s].pixels);
        fct_free(l->slot[s].label);
        fct_free(l->slot[s].sample);
    }
    fct_free(l->pick);
    fct_free(l->class_of);
    fct_free(l->class_start);
    fct_free(l->order[0]);
    fct_free(l->order[1]);
    fct_free(l->bad);
    fct_free(l->thread);
    fct_cond_destroy(&l->work);
    fct_cond_destroy(&l->ready);
    fct_mutex_destroy(&l->mutex);
    fct_free(l);
}

/* Mixes the first pictures of batch number b with later ones: between a tenth and nine tenths of each. */
static void mix(fct_loader *l, fct_batch *b, long number) {
    fct_rng rng = fct_rng_for(l->o.seed, FCT_RNG_MIX, (uint64_t)number);
    size_t n = (size_t)l->o.out_size * l->o.out_size * 3;
    for (int i = 0; i < l->o.mixed; i++) {
        uint8_t *p = b->pixels + (size_t)i * n;
        const uint8_t *q = b->pixels + (size_t)(l->o.mixed + i % (b->n - l->o.mixed)) * n;
        double share = fct_rng_range(&rng, 0.1, 0.9);
        for (size_t k = 0; k < n; k++) p[k] = (uint8_t)(p[k] * share + q[k] * (1 - share) + 0.5);
        fct_augment_to_input(p, n, b->input + (size_t)i * n);
        b->label[i] = -1;
    }
}

const fct_batch *fct_loader_next(fct_loader *l) {
    fct_mutex_lock(&l->mutex);
    if (l->filled[(l->taken + AHEAD) % AHEAD] == l->o.batch) l->filled[(l->taken + AHEAD) % AHEAD] = 0; /* given back */
    l->taken++;
    fct_cond_broadcast(&l->work);
    int s = (int)(l->taken % AHEAD);
    while (l->filled[s] < l->o.batch) fct_cond_wait(&l->ready, &l->mutex);
    long number = l->taken;
    fct_mutex_unlock(&l->mutex);
    mix(l, &l->slot[s], number);
    return &l->slot[s];
}

size_t fct_loader_bad(fct_loader *l) {
    fct_mutex_lock(&l->mutex);
    size_t n = l->n_bad;
    fct_mutex_unlock(&l->mutex);
    return n;
}

size_t fct_loader_epoch_size(const fct_loader *l) { return l->n_pick; }

#include "photos/prefetch.h"

#include "base/file.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum { AHEAD = 2 }; /* decoded photos that wait; bounds the memory */

typedef struct prefetch_slot {
    fct_image *image;
    fct_error error;
    fct_status status;
} prefetch_slot;

struct cli_prefetch {
    const cli_inputs *in;
    const cli_settings *set;
    bool threaded, stop;
    size_t taken, loaded; /* how many photos the reader has taken and the thread has put into slots */
    prefetch_slot slots[AHEAD];
    fct_mutex lock;
    fct_cond changed;
    fct_thread thread;
};

/* The length of a stream is not known, so the buffer grows until its end or the limit. */
fct_status cli_read_stdin(size_t max, void **data, size_t *size, fct_error *err) {
    char *buf = NULL;
    size_t n = 0, capacity = 0, got;
    *data = NULL;
    *size = 0;
    do {
        buf = cli_grow(buf, &capacity, n + (1 << 16), 1);
        got = fread(buf + n, 1, capacity - n, stdin);
        n += got;
    } while (got && n <= max);
    if (n > max || ferror(stdin)) {
        free(buf);
        fct_status s = n > max ? FCT_ERR_LIMIT : FCT_ERR_IO;
        if (err) {
            err->code = s;
            snprintf(err->text, sizeof err->text, "standard input: %s", n > max ? "too large" : "cannot be read");
        }
        return s;
    }
    *data = buf;
    *size = n;
    return FCT_OK;
}

fct_status cli_load_image(const cli_input *input, const cli_settings *s, fct_image **out, fct_error *err) {
    enum { LARGEST_STREAM = 1 << 30 };
    fct_decode_opts o;
    fct_decode_opts_init(&o);
    o.max_pixels = s->max_pixels;
    *out = NULL;
    if (strcmp(input->path, "-")) return fct_image_read(input->path, &o, out, err);
    void *data;
    size_t size;
    fct_status st = cli_read_stdin(LARGEST_STREAM, &data, &size, err);
    if (!st) st = fct_image_decode(data, size, "standard input", &o, out, err);
    free(data);
    return st;
}

/* The thread: decodes a photo without the lock, then waits for a free slot to put it in. */
static void load_all(void *arg) {
    cli_prefetch *l = arg;
    for (size_t i = 0; i < l->in->n; i++) {
        prefetch_slot s;
        s.status = cli_load_image(&l->in->at[i], l->set, &s.image, &s.error);
        fct_mutex_lock(&l->lock);
        while (!l->stop && l->loaded - l->taken == AHEAD) fct_cond_wait(&l->changed, &l->lock);
        bool stop = l->stop;
        if (!stop) {
            l->slots[i % AHEAD] = s;
            l->loaded++;
        }
        fct_cond_broadcast(&l->changed);
        fct_mutex_unlock(&l->lock);
        if (!stop) continue;
        fct_image_free(s.image);
        return;
    }
}

cli_prefetch *cli_prefetch_start(const cli_inputs *in, const cli_settings *s, bool threaded) {
    cli_prefetch *l = cli_alloc(1, sizeof *l);
    l->in = in;
    l->set = s;
    fct_mutex_init(&l->lock);
    fct_cond_init(&l->changed);
    l->threaded = threaded && in->n > 1 && !fct_thread_start(&l->thread, load_all, l, NULL);
    return l;
}

/* Takes photos in the order of the inputs, and decodes in the caller's thread where there is no other. */
fct_status cli_prefetch_next(cli_prefetch *l, fct_image **out, fct_error *err) {
    if (!l->threaded) return cli_load_image(&l->in->at[l->taken++], l->set, out, err);
    fct_mutex_lock(&l->lock);
    while (l->loaded == l->taken) fct_cond_wait(&l->changed, &l->lock);
    prefetch_slot s = l->slots[l->taken % AHEAD];
    l->taken++;
    fct_cond_broadcast(&l->changed);
    fct_mutex_unlock(&l->lock);
    *out = s.image;
    if (s.status) *err = s.error;
    return s.status;
}

void cli_prefetch_free(cli_prefetch *l) {
    if (l->threaded) {
        fct_mutex_lock(&l->lock);
        l->stop = true;
        fct_cond_broadcast(&l->changed);
        fct_mutex_unlock(&l->lock);
        fct_thread_join(&l->thread);
        for (; l->taken < l->loaded; l->taken++) fct_image_free(l->slots[l->taken % AHEAD].image);
    }
    fct_cond_destroy(&l->changed);
    fct_mutex_destroy(&l->lock);
    free(l);
}

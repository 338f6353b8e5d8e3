#include "ops/chain.h"
#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/thread.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include <string.h>

enum { GROUP_MOST = 8 };

/* What is done at once: one of the caller's stages, or a convolution with the maximum pool of 2 x 2 pixels behind it.
 * `s` then says what both are together: two rows of the convolution for each row. */
typedef struct chain_work {
    fct_chain_stage s;
    bool pool2;
    int first; /* the caller's stage, the convolution if there are two */
} chain_work;

/* A stage with what its neighbors make of it. The buffer is that of its output; the last stage has none. */
typedef struct stage {
    chain_work w;
    int step;         /* its rows are computed in multiples of it, but for the image's last ones */
    int blocks;       /* of channels, of the output */
    int rows;         /* the buffer's capacity */
    size_t at, plane; /* the buffer, in floats from the worker's scratch; from one block of channels to the next */
    bool passing;     /* the next stage takes all rows at once: nothing is kept */
} stage;

struct fct_chain {
    stage *stages;
    int n, images, group; /* group: rows of the last stage that are made at a time */
    int strips, threads;  /* strips of an image, for all threads */
    size_t in_image;      /* floats of one image of the input */
    size_t conv_at, own;  /* a worker's scratch, in floats: where the convolutions' begins, and all of it */
};

static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }
static int round_up(int v, int to) { return (v + to - 1) / to * to; }
static size_t line_up(size_t floats) { return (floats + 15) / 16 * 16; }

static int span(const fct_chain_stage *s) { return (int)((s->win.kh - 1) * s->win.dh + 1); }
static int stride(const fct_chain_stage *s) { return (int)s->win.sh; }

/* First input row under the window of output row y, and the row after the last one. */
static int first_under(const fct_chain_stage *s, int y) {
    return most(0, least(s->ih, y * stride(s) - (int)s->win.top));
}
static int end_under(const fct_chain_stage *s, int y) {
    return most(0, least(s->ih, y * stride(s) - (int)s->win.top + span(s)));
}

static int step_of(const chain_work *w) {
    int step = 1;
    if (w->s.conv) fct_conv_has_bands(w->s.conv, &step);
    return w->pool2 ? step / 2 : step;
}

static size_t row_floats(const fct_chain_stage *s) {
    const int cb = fct_kernels()->cb;
    return (size_t)fct_blocks(s->channels, cb) * cb * s->ow;
}

/* Whether a stage is a maximum pool that the convolution before it can do as it writes. */
static bool is_pool2(const fct_chain_stage *s) {
    const fct_window *w = &s->win;
    return !s->conv && w->kh == 2 && w->kw == 2 && w->sh == 2 && w->sw == 2 && w->dh == 1 && w->dw == 1 &&
           w->top == 0 && w->left == 0 && s->ih % 2 == 0 && s->iw % 2 == 0 && w->oh == s->ih / 2 && s->ow == s->iw / 2;
}

/* Brings the caller's stages into w; returns how many there are then. */
static int find_work(const fct_chain_stage *s, int n, chain_work *w) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        chain_work *to = &w[count++];
        *to = (chain_work){s[i], false, i};
        if (i == n - 1 || !s[i].conv || !is_pool2(&s[i + 1]) || !fct_conv_can_pool(s[i].conv)) continue;
        i++;
        to->pool2 = true;
        to->s.win.kh++;
        to->s.win.sh = 2;
        to->s.win.oh = s[i].win.oh;
        to->s.ow = s[i].ow;
    }
    return count;
}

/* ---- What fits -------------------------------------------------------------------- */

/* Rows of the last stage that every strip begins at a multiple of. */
static int group_step(const chain_work *w, int n) { return step_of(&w[n - 1]); }

/* Bytes that a worker touches while `group` rows of the last stage are made, but for what streams in and out. */
static size_t working_set(const chain_work *w, int n, int group) {
    size_t kept = 0, passing[2] = {0, 0}, weights = 0;
    int rows = group; /* of the stage at hand, for each group */
    for (int i = n - 1; i >= 0; i--) {
        const fct_chain_stage *s = &w[i].s;
        if (s->conv) weights += fct_conv_plan_weights(s->conv);
        if (i == 0) break;
        const int halo = most(0, span(s) - stride(s)), step = step_of(&w[i - 1]);
        const int need = rows * stride(s);
        rows = round_up(need, step);
        /* whole steps leave nothing over unless windows overlap */
        const int over = halo || rows != need ? step - 1 : 0;
        const size_t bytes = (size_t)(rows + halo + over) * row_floats(&w[i - 1].s) * sizeof(float);
        if (halo || over) kept += bytes;
        else if (bytes > passing[i & 1]) passing[i & 1] = bytes;
    }
    return kept + passing[0] + passing[1] + weights;
}

static size_t budget(void) { return fct_cpu_get_caches().l2 * 5 / 8; }

/* The largest group whose working set stays in L2; 0 where not even the smallest does. */
static int group_of(const chain_work *w, int n) {
    const int step = group_step(w, n);
    int group = 0;
    while (group < GROUP_MOST && working_set(w, n, group + step) <= budget()) group += step;
    return group;
}

/* Whether strips are so high that no stage computes more than an eighth of its rows twice. */
static bool strips_pay(const chain_work *w, int n, int strips) {
    int64_t extra = 0;
    if (strips == 1) return true;
    for (int i = n - 1; i > 0; i--) {
        const fct_chain_stage *s = &w[i].s;
        extra = extra * stride(s) + most(0, span(s) - stride(s)) + step_of(&w[i - 1]) - 1;
        if (extra * 8 * strips > w[i - 1].s.win.oh) return false;
    }
    return w[n - 1].s.win.oh >= (int64_t)strips * group_step(w, n);
}

bool fct_chain_fits(const fct_chain_stage *s, int n, int threads) {
    chain_work w[FCT_CHAIN_MOST];
    if (n > FCT_CHAIN_MOST) return false;
    const int count = find_work(s, n, w);
    return group_of(w, count) > 0 && strips_pay(w, count, threads);
}

/* ---- The order of work --------------------------------------------------------------- */

/* Stage i is to make rows y0 .. y1 - 1. Its buffer holds rows from first[i] on, of which those from keep on are still
 * needed; that of the stage before it holds rows first[i - 1] .. y0[i - 1] - 1. */
typedef struct chain_walk {
    const fct_chain *c;
    int first[FCT_CHAIN_MOST], done[FCT_CHAIN_MOST];
} chain_walk;
typedef void visit_fn(void *ctx, const chain_walk *w, int i, int keep, int end);

/* How far every stage must be for the last one to reach row `end`. */
static void find_needs(const chain_walk *w, int end, int *need) {
    const fct_chain *c = w->c;
    need[c->n - 1] = end;
    for (int i = c->n - 1; i > 0; i--) {
        const stage *before = &c->stages[i - 1];
        const int rows = round_up(end_under(&c->stages[i].w.s, need[i] - 1), before->step);
        need[i - 1] = most(w->done[i - 1], least(rows, (int)before->w.s.win.oh));
    }
}

/* Visits stages group by group until rows a .. b - 1 of the last one are made. */
static void walk(const fct_chain *c, int a, int b, visit_fn *visit, void *ctx) {
    chain_walk w = {.c = c};
    int need[FCT_CHAIN_MOST];
    w.done[c->n - 1] = a;
    for (int i = c->n - 1; i > 0; i--) {
        const int row = first_under(&c->stages[i].w.s, w.done[i]), step = c->stages[i - 1].step;
        w.done[i - 1] = w.first[i - 1] = row / step * step;
    }
    while (w.done[c->n - 1] < b) {
        find_needs(&w, least(b, w.done[c->n - 1] + c->group), need);
        for (int i = 0; i < c->n; i++) {
            if (need[i] <= w.done[i]) continue;
            int keep = 0;
            if (i < c->n - 1) {
                keep = first_under(&c->stages[i + 1].w.s, w.done[i + 1]);
                keep = most(w.first[i], least(keep, w.done[i]));
            }
            visit(ctx, &w, i, keep, need[i]);
            w.first[i] = keep;
            w.done[i] = need[i];
        }
    }
}

/* ---- Planning --------------------------------------------------------------------------- */

/* Rows of strip i of n: whole steps of the last stage. */
static int strip_row(const fct_chain *c, int i, int n) {
    const stage *last = &c->stages[c->n - 1];
    const int oh = (int)last->w.s.win.oh, steps = (oh + last->step - 1) / last->step;
    return least(oh, (int)((int64_t)steps * i / n) * last->step);
}

typedef struct sizing {
    fct_chain *c;
    size_t conv;                 /* bytes */
    int visited[FCT_CHAIN_MOST]; /* the group, by its first row, in which each stage last made rows */
} sizing;

static void size_visit(void *ctx, const chain_walk *w, int i, int keep, int end) {
    sizing *z = ctx;
    stage *s = &z->c->stages[i];
    if (s->w.s.conv) {
        const size_t bytes = fct_conv_band_scratch(s->w.s.conv, w->done[i] << s->w.pool2, end << s->w.pool2);
        z->conv = bytes > z->conv ? bytes : z->conv;
    }
    /* a stage that had all its rows before is read once more */
    if (i > 0 && z->visited[i - 1] != w->done[w->c->n - 1]) s[-1].passing = false;
    z->visited[i] = w->done[w->c->n - 1];
    s->rows = most(s->rows, end - keep);
    if (keep < w->done[i]) s->passing = false;
}

static void size_strip(sizing *z, int a, int b) {
    for (int i = 0; i < z->c->n; i++) z->visited[i] = -1;
    walk(z->c, a, b, size_visit, z);
}

/* Goes through all strips of the ways in which they may be run, to see how large the buffers must be. */
static void find_sizes(fct_chain *c) {
    sizing z = {.c = c};
    for (int i = 0; i < c->n; i++) c->stages[i].passing = true;
    size_strip(&z, 0, strip_row(c, 1, 1));
    for (int i = 0; i < c->strips && c->strips > 1; i++)
        size_strip(&z, strip_row(c, i, c->strips), strip_row(c, i + 1, c->strips));
    size_t at = 0, passing[2] = {0, 0};
    for (int i = 0; i < c->n - 1; i++) {
        stage *s = &c->stages[i];
        /* a line between planes keeps them out of the same cache sets */
        s->plane = line_up((size_t)s->rows * s->w.s.ow * fct_kernels()->cb) + 16;
        s->at = at;
        const size_t floats = s->plane * s->blocks;
        if (!s->passing) at += floats;
        else if (floats > passing[i & 1]) passing[i & 1] = floats;
    }
    for (int i = 0; i < c->n - 1; i++)
        if (c->stages[i].passing) c->stages[i].at = at + (i & 1 ? passing[0] : 0);
    c->conv_at = at + passing[0] + passing[1];
    c->own = line_up(c->conv_at + (z.conv + sizeof(float) - 1) / sizeof(float));
}

/* Two strips for each thread, so that one whose core is busy elsewhere can be helped; one where rows are few. */
static int strip_count(const chain_work *w, int n, int threads) {
    return threads == 1 ? 1 : strips_pay(w, n, 2 * threads) ? 2 * threads : threads;
}

fct_status fct_chain_create(const fct_chain_stage *stages, int n, int images, fct_chain **out, fct_error *err) {
    *out = NULL;
    fct_chain *c = fct_calloc(1, sizeof *c);
    if (c) c->stages = fct_calloc((size_t)n, sizeof *c->stages);
    if (!c || !c->stages) {
        fct_free(c);
        return fct_fail_nomem(err, "a chain of layers", (size_t)n * sizeof(stage));
    }
    chain_work w[FCT_CHAIN_MOST];
    c->n = find_work(stages, n, w);
    c->images = images;
    c->threads = fct_threads();
    for (int i = 0; i < c->n; i++) {
        c->stages[i].w = w[i];
        c->stages[i].step = step_of(&w[i]);
        c->stages[i].blocks = fct_blocks(w[i].s.channels, fct_kernels()->cb);
    }
    c->group = most(group_of(w, c->n), group_step(w, c->n));
    c->strips = strip_count(w, c->n, c->threads);
    const size_t area = (size_t)stages->ih * stages->iw;
    c->in_image = stages->conv ? fct_conv_plan_in(stages->conv) : area * c->stages->blocks * fct_kernels()->cb;
    find_sizes(c);
    *out = c;
    return FCT_OK;
}

void fct_chain_free(fct_chain *c) {
    if (!c) return;
    for (int i = 0; i < c->n; i++) fct_conv_plan_free(c->stages[i].w.s.conv);
    fct_free(c->stages);
    fct_free(c);
}

size_t fct_chain_scratch(const fct_chain *c) { return c->own * sizeof(float) * (size_t)c->threads; }

size_t fct_chain_weights(const fct_chain *c) {
    size_t sum = 0;
    for (int i = 0; i < c->n; i++)
        if (c->stages[i].w.s.conv) sum += fct_conv_plan_weights(c->stages[i].w.s.conv);
    return sum;
}

/* ---- Running ----------------------------------------------------------------------------- */

typedef struct chain_job {
    const fct_chain *c;
    const float *in, *const *adds;
    float *out, *scratch;
    int strips;
} chain_job;

/* A strip of one image on one worker. */
typedef struct chain_part {
    const chain_job *j;
    int image;
    float *scratch;
} chain_part;

static fct_band buffer(const chain_part *t, const stage *s, int first, int end) {
    return (fct_band){t->scratch + s->at, s->plane, first, end};
}

/* Moves the rows from keep on to the beginning of a buffer. */
static void keep_rows(const stage *s, fct_band *b, int keep) {
    const size_t row = (size_t)s->w.s.ow * fct_kernels()->cb, count = (size_t)(b->end - keep) * row;
    for (int i = 0; i < s->blocks && count && keep > b->first; i++) {
        float *plane = b->data + i * b->plane;
        memmove(plane, plane + (size_t)(keep - b->first) * row, count * sizeof *plane);
    }
    b->first = keep;
}

static void pool_rows(const stage *s, const fct_band *in, const fct_band *out, int y0, int y1) {
    const fct_kernel_table *k = fct_kernels();
    const fct_chain_stage *c = &s->w.s;
    const fct_window *w = &c->win;
    const int a = first_under(c, y0);
    const size_t cb = (size_t)k->cb, row_in = (size_t)c->iw * cb, row_out = (size_t)c->ow * cb;
    fct_k_pool p = {.g = fct_blk_geom(w, end_under(c, y1 - 1) - a, c->iw), .max = true};
    p.g.oh = y1 - y0;
    p.g.pad_top += a - y0 * p.g.sh;
    for (int b = 0; b < s->blocks; b++)
        for (int y = 0; y < y1 - y0; y++)
            k->blk_pool(&p, in->data + b * in->plane + (size_t)(a - in->first) * row_in,
                        out->data + b * out->plane + (size_t)(y0 - out->first) * row_out, y);
}

/* What a stage reads: the chain's input, or the buffer before it. */
static fct_band input_of(const chain_part *t, const chain_walk *w, int i) {
    const stage *first = &w->c->stages[0];
    const int cb = fct_kernels()->cb;
    if (i > 0) return buffer(t, &w->c->stages[i - 1], w->first[i - 1], w->done[i - 1]);
    /* read-only by contract: no stage writes to what it reads */
    float *image = (float *)(uintptr_t)t->j->in + (size_t)t->image * w->c->in_image;
    return (fct_band){image, (size_t)first->w.s.ih * first->w.s.iw * cb, 0, first->w.s.ih};
}

static void run_visit(void *ctx, const chain_walk *w, int i, int keep, int end) {
    const chain_part *t = ctx;
    const fct_chain *c = w->c;
    const stage *s = &c->stages[i];
    const size_t plane = (size_t)s->w.s.win.oh * s->w.s.ow * fct_kernels()->cb, image = plane * s->blocks * t->image;
    const fct_band in = input_of(t, w, i);
    fct_band out = {t->j->out + image, plane, 0, (int)s->w.s.win.oh};
    if (i < c->n - 1) {
        out = buffer(t, s, w->first[i], w->done[i]);
        keep_rows(s, &out, keep);
    }
    const float *add = t->j->adds[s->w.first] ? t->j->adds[s->w.first] + image : NULL;
    const int y0 = w->done[i] << s->w.pool2, y1 = end << s->w.pool2;
    if (s->w.s.conv) fct_conv_run_band(s->w.s.conv, &in, add, &out, y0, y1, s->w.pool2, t->scratch + c->conv_at);
    else pool_rows(s, &in, &out, w->done[i], end);
}

static void task(void *ctx, int index, int worker) {
    const chain_job *j = ctx;
    const int strip = index % j->strips;
    chain_part t = {j, index / j->strips, j->scratch + j->c->own * (size_t)worker};
    walk(j->c, strip_row(j->c, strip, j->strips), strip_row(j->c, strip + 1, j->strips), run_visit, &t);
}

void fct_chain_run(const fct_chain *c, const float *in, const float *const *adds, float *out, void *scratch) {
    chain_job j = {c, in, adds, out, scratch, fct_parallel_width() > 1 ? c->strips : 1};
    fct_parallel(c->images * j.strips, task, &j);
}

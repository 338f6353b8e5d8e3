/* First layers: planar input of few channels. A task does some rows from top to
 * bottom, a band of them at a time: it copies the input rows that the band needs,
 * scaled and with the padding around them, into scratch memory, from which
 * the kernel broadcasts. Rows that the band before it needed too are there. */
#include "ops/conv_int.h"
#include "ops/conv_panel.h"
#include <string.h>

enum { DEPTH_MOST = 1200, BAND_L1 = 24 << 10, BAND_L2 = 96 << 10, LINE = 16 };

static int depth(const fct_conv *c) { return c->s.ic * c->s.kh * c->s.kw; }

bool fct_conv_takes_planar(const fct_conv_spec *s) {
    return s->groups == 1 && s->ic * s->kh * s->kw <= DEPTH_MOST && !s->add_up2 && s->act.kind != FCT_ACT_SIGMOID;
}

static bool can(const fct_conv *c) { return c->s.planar_in && fct_conv_takes_planar(&c->s); }

static size_t packed_bytes(const fct_conv_algo *a, const fct_conv *c) {
    return (size_t)depth(c) * c->ocb * c->cb * sizeof(float);
}

/* [panel][k][panel lanes], k = [channel][ky][kx] */
static fct_status pack(const fct_conv_algo *a, fct_conv *c, void **packed, size_t *bytes, fct_error *err) {
    const int k = depth(c);
    *bytes = packed_bytes(a, c);
    float *w = *packed = fct_weights_alloc(*bytes);
    if (!w) return fct_fail_nomem(err, "packed weights", *bytes);
    for (int i = 0; i < fct_panel_total(c->k, c->ocb); i++) {
        const fct_panel panel = fct_panel_at(c->k, c->ocb, i);
        for (int j = 0; j < k; j++)
            for (int l = 0; l < panel.count * c->cb; l++) {
                const int o = panel.first * c->cb + l;
                *w++ = o < c->s.oc ? c->weight[(size_t)o * k + j] : 0;
            }
    }
    return FCT_OK;
}

/* A band has as many rows as its padded copy of the input stays in L1 with, if many output channels read it. If few
 * do, beginning a band costs more than reading it from L2 (3 to 16 channels, 640 x 640: 0.95 ms with bands in L1, 0.70
 * in L2). */
static double prepare(const fct_conv *c, fct_conv_plan *p) {
    const fct_conv_spec *s = &c->s;
    /* the kernel reads whole tiles of up to 12 pixels past the last one; rows are whole lines */
    p->stem.width = ((p->ow + 12) * s->sw + (s->kw - 1) * s->dw + 2 * LINE) / LINE * LINE;
    const int span = (s->kh - 1) * s->dh + 1;
    const size_t most_bytes = fct_panel_total(c->k, c->ocb) > 1 ? BAND_L1 : BAND_L2;
    int rows = 1;
    while (rows < p->oh && (size_t)s->ic * ((size_t)rows * s->sh + span) * p->stem.width * sizeof(float) < most_bytes)
        rows++;
    while (rows > 1 && (size_t)p->n * p->oh / rows < 3 * (size_t)p->threads && p->threads > 1) rows--;
    p->stem.rows = rows;
    const int most = (p->oh + rows - 1) / rows;
    p->stem.tasks = p->threads == 1 ? 1 : 4 * p->threads < most ? 4 * p->threads : most;
    p->stem.band_rows = (rows - 1) * s->sh + span;
    p->scratch = ((size_t)s->ic * p->stem.band_rows * p->stem.width + LINE) * sizeof(float);
    p->scratch = ((p->scratch + 63) / 64 * 64) * (size_t)p->threads;
    return (double)p->n * p->oh * p->ow * c->ocb * depth(c) * 2e-10;
}

typedef struct stem_job {
    const fct_conv_plan *p;
    const float *in, *add;
    float *out, *scratch;
} stem_job;

/* Copies input rows first .. first + band_rows - 1 of all channels into the band, with the padding around them. Its
 * last `kept` rows are the first of these. */
static void fill_band(const fct_conv_plan *p, const float *image, int first, int kept, float *band) {
    const fct_conv *c = p->c;
    const int width = p->stem.width, left = c->s.pad_left, copied = p->iw < width - left ? p->iw : width - left;
    for (int ch = 0; ch < c->s.ic; ch++) {
        memmove(band, band + (size_t)(p->stem.band_rows - kept) * width, (size_t)kept * width * sizeof *band);
        band += (size_t)kept * width;
        for (int r = kept; r < p->stem.band_rows; r++, band += width) {
            const int y = first + r;
            if (y < 0 || y >= p->ih) {
                memset(band, 0, (size_t)width * sizeof *band);
                continue;
            }
            const float *src = image + ((size_t)ch * p->ih + y) * p->iw;
            memset(band, 0, (size_t)left * sizeof *band);
            if (c->scale) c->k->scale_f32(band + left, src, c->scale[ch], c->shift[ch], (size_t)copied);
            else memcpy(band + left, src, (size_t)copied * sizeof *band);
            memset(band + left + copied, 0, (size_t)(width - left - copied) * sizeof *band);
        }
    }
}

/* Computes output rows y0 .. y1 - 1 from the band. A table says where each tap of each channel lies in it. */
static void run_rows(const stem_job *j, int image, int y0, int y1, const float *band) {
    const fct_conv_plan *p = j->p;
    const fct_conv *c = p->c;
    const fct_conv_spec *s = &c->s;
    const int width = p->stem.width;
    int offset[DEPTH_MOST], k = 0;
    for (int ch = 0; ch < s->ic; ch++)
        for (int ky = 0; ky < s->kh; ky++)
            for (int kx = 0; kx < s->kw; kx++) offset[k++] = (ch * p->stem.band_rows + ky * s->dh) * width + kx * s->dw;
    fct_k_stem g = {.cb = c->cb, .k = k, .n = p->ow, .offset = offset, .step = s->sw, .c_stride = p->out_plane};
    for (int i = 0; i < fct_panel_total(c->k, c->ocb); i++) {
        const fct_panel panel = fct_panel_at(c->k, c->ocb, i);
        const fct_k_epilogue e = fct_conv_epilogue_at(c, panel.first);
        g.w = (const float *)p->packed + (size_t)panel.first * c->cb * k;
        g.mv = panel.count;
        g.e = &e;
        for (int y = y0; y < y1; y++) {
            const size_t at = ((size_t)image * c->ocb + panel.first) * g.c_stride + (size_t)y * p->ow * c->cb;
            g.b = band + (size_t)(y - y0) * s->sh * width;
            g.c = j->out + at;
            g.add = j->add ? j->add + at : NULL;
            c->k->conv_stem(&g);
        }
    }
}

/* Rows of one image, band by band. */
static void task(void *ctx, int index, int worker) {
    const stem_job *j = ctx;
    const fct_conv_plan *p = j->p;
    const fct_conv_spec *s = &p->c->s;
    const int tasks = p->stem.tasks, rows = p->stem.rows, image = index / tasks, part = index % tasks;
    const int end = (int)((int64_t)p->oh * (part + 1) / tasks);
    const int overlap = p->stem.band_rows > rows * s->sh ? p->stem.band_rows - rows * s->sh : 0;
    float *band = j->scratch + p->scratch / sizeof(float) / (size_t)p->threads * (size_t)worker;
    band += (LINE - s->pad_left % LINE) % LINE; /* so that rows are copied to the beginning of a line */
    int kept = 0;
    for (int y = (int)((int64_t)p->oh * part / tasks); y < end; y += rows, kept = overlap) {
        fill_band(p, j->in + image * fct_conv_in_size(p), y * s->sh - p->pad_top, kept, band);
        run_rows(j, image, y, y + rows < end ? y + rows : end, band);
    }
}

static void run(const fct_conv_plan *p, const float *in, const float *add, float *out, void *scratch) {
    stem_job j = {p, in, add, out, scratch};
    fct_parallel(p->n * p->stem.tasks, task, &j);
}

const fct_conv_algo fct_conv_algo_stem = {.name = "stem",
                                          .exact = true,
                                          .bands = true,
                                          .can = can,
                                          .pack = pack,
                                          .prepare = prepare,
                                          .run = run,
                                          .bytes = packed_bytes};

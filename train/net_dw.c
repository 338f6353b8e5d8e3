/* Depthwise convolution, row by row: rings of activated input rows and of
 * gradient rows, cut into chunks of channels so that what the kernel reads is
 * contiguous. Row r of a ring slot, chunk q, pixel x lies at
 * slot + (q * width + x) * FCT_CHUNK. */
#include "train/net_internal.h"
#include <string.h>

/* A ring of the last `slots` rows of something, each padded left and right. */
typedef struct row_ring {
    fct_real *p;
    int slots, width, pad, chunks;
} row_ring;

static fct_real *ring_row(const row_ring *r, int row) {
    return r->p + (size_t)(row % r->slots) * r->chunks * r->width * FCT_CHUNK;
}
static fct_real *ring_chunk(const row_ring *r, int row, int q) {
    return ring_row(r, row) + (size_t)q * r->width * FCT_CHUNK;
}

/* Zeroes the margins of a row of n pixels. */
static void clear_margins(const row_ring *r, int row, int n) {
    for (int q = 0; r->width > n && q < r->chunks; q++) {
        fct_real *p = ring_chunk(r, row, q);
        memset(p, 0, (size_t)r->pad * FCT_CHUNK * sizeof *p);
        memset(p + (size_t)(r->pad + n) * FCT_CHUNK, 0, (size_t)(r->width - r->pad - n) * FCT_CHUNK * sizeof *p);
    }
}

typedef struct dw_job {
    fct_net *net;
    const fct_unit *u;
    fct_unit_state *s;
    fct_net_scratch *t;
    fct_net_view in;
    row_ring y, dx;               /* activated input by padded row number; output's gradient by row number */
    int unit, image, group, next; /* next: first padded input row not yet in the ring */
} dw_job;

static dw_job start(const fct_net_pass *p, int group, int worker) {
    fct_net *net = p->net;
    const fct_unit *u = &net->spec->unit[p->unit];
    fct_net_scratch *t = &net->scratch[worker];
    int chunks = net->unit[p->unit].cs_out / FCT_CHUNK, pad = u->s == 1 && u->k > u->p ? u->k - 1 - u->p : 0;
    return (dw_job){.net = net,
                    .u = u,
                    .s = &net->unit[p->unit],
                    .t = t,
                    .in = fct_net_input_view(net, u->in),
                    .y = {t->ring, u->k, u->iw + 2 * u->p, u->p, chunks},
                    .dx = {t->dx_ring, u->k + 1, u->ow + 2 * pad, pad, chunks},
                    .unit = p->unit,
                    .group = group};
}

/* Brings padded input rows up to and including `last` into the ring. */
static void load_rows(dw_job *j, int last) {
    const fct_unit *u = j->u;
    for (; j->next <= last; j->next++) {
        int row = j->next - u->p;
        if (row < 0 || row >= u->ih) {
            memset(ring_row(&j->y, j->next), 0, (size_t)j->y.chunks * j->y.width * FCT_CHUNK * sizeof(fct_real));
            continue;
        }
        const fct_real *x = j->in.x + ((size_t)j->image * u->ih + row) * u->iw * j->s->cs_in;
        fct_tk_out out = {ring_row(&j->y, j->next) + u->p * FCT_CHUNK, FCT_CHUNK, (ptrdiff_t)j->y.width * FCT_CHUNK};
        clear_margins(&j->y, j->next, u->iw);
        j->net->tk->act(u->iw, j->s->cs_in, x, j->s->cs_in, &j->in.act, out);
    }
}

/* Finds the k input rows, chunk q, that output row o sees. */
static void window(const dw_job *j, int o, int q, const fct_real **in) {
    for (int i = 0; i < j->u->k; i++) in[i] = ring_chunk(&j->y, o * j->u->s + i, q);
}

/* Keeps the last k activated input rows in the ring, so that each is activated once. */
void fct_dw_forward_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    dw_job j = start(p, g, worker);
    const fct_unit *u = j.u;
    int taps = u->k * u->k, cs = j.s->cs_out;
    const fct_real *in[64];
    for (j.image = fct_group_first(p->net, g); j.image < fct_group_first(p->net, g + 1); j.image++) {
        j.next = 0;
        for (int o = 0; o < u->oh; o++) {
            fct_real *out = j.s->x + ((size_t)j.image * u->oh + o) * u->ow * cs;
            load_rows(&j, o * u->s + u->k - 1);
            for (int q = 0; q < j.y.chunks; q++) {
                window(&j, o, q, in);
                p->net->tk->dw_fwd(u->ow, u->k, u->s, in, j.s->wf + (size_t)q * taps * FCT_CHUNK, out + q * FCT_CHUNK,
                                   cs);
            }
            fct_net_add_stats(p->net, p->unit, g, u->ow, out, cs, out, j.t->sums);
        }
    }
}

/* Computes the gradient of input row `row`, chunk q: a row of iw pixels. With stride 1 it is the forward kernel over
 * the padded gradient with the weights turned round; otherwise every gradient pixel is spread over the inputs that
 * it came from. */
static const fct_real *input_row(const dw_job *j, int row, int q) {
    const fct_unit *u = j->u;
    int taps = u->k * u->k;
    const fct_real *in[64];
    if (u->s == 1 && u->ow >= u->k) {
        for (int i = 0; i < u->k; i++) {
            int o = row + u->p - u->k + 1 + i;
            in[i] = o >= 0 && o < u->oh ? ring_chunk(&j->dx, o, q) : j->t->zero;
        }
        j->net->tk->dw_fwd(u->iw, u->k, 1, in, j->s->wb + (size_t)q * taps * FCT_CHUNK, j->t->g_row, FCT_CHUNK);
        return j->t->g_row;
    }
    memset(j->t->g_row, 0, ((size_t)u->iw + 2 * u->p + u->k) * FCT_CHUNK * sizeof(fct_real));
    for (int i = 0; i < u->k; i++) {
        int o = row + u->p - i;
        if (o < 0 || o % u->s || o / u->s >= u->oh) continue;
        j->net->tk->dw_scatter(u->ow, u->k, u->s, ring_chunk(&j->dx, o / u->s, q) + j->dx.pad * FCT_CHUNK,
                               j->s->wf + ((size_t)q * taps + i * u->k) * FCT_CHUNK, j->t->g_row);
    }
    return j->t->g_row + u->p * FCT_CHUNK;
}

/* Loads the gradient of output row o and adds its share of the weights'. */
static void weights_row(dw_job *j, int o) {
    const fct_unit *u = j->u;
    size_t taps = (size_t)u->k * u->k, at = ((size_t)j->image * u->oh + o) * u->ow * j->s->cs_out;
    const fct_real *in[64];
    fct_real *dw = j->net->dw + (size_t)j->group * j->net->dw_size;
    fct_tk_out out = {ring_row(&j->dx, o) + j->dx.pad * FCT_CHUNK, FCT_CHUNK, (ptrdiff_t)j->dx.width * FCT_CHUNK};
    clear_margins(&j->dx, o, u->ow);
    j->net->tk->bn_back(u->ow, j->s->cs_out, j->s->grad + at, j->s->x + at, j->s->cs_out, j->s->a, j->s->b, j->s->c,
                        out);
    for (int q = 0; q < j->y.chunks; q++) {
        window(j, o, q, in);
        j->net->tk->dw_wgrad(u->ow, u->k, u->s, in, ring_chunk(&j->dx, o, q) + j->dx.pad * FCT_CHUNK,
                             dw + q * taps * FCT_CHUNK);
    }
}

void fct_dw_backward_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    dw_job j = start(p, g, worker);
    const fct_unit *u = j.u;
    memset(p->net->dw + (size_t)g * p->net->dw_size, 0, (size_t)j.s->cs_out * u->k * u->k * sizeof(fct_real));
    memset(j.t->zero, 0, (size_t)j.dx.width * FCT_CHUNK * sizeof(fct_real));
    for (j.image = fct_group_first(p->net, g); j.image < fct_group_first(p->net, g + 1); j.image++) {
        int row = 0; /* first input row whose gradient is not complete */
        j.next = 0;
        for (int o = 0; o < u->oh; o++) {
            load_rows(&j, o * u->s + u->k - 1);
            weights_row(&j, o);
            int complete = o == u->oh - 1 ? u->ih : (o + 1) * u->s - u->p;
            for (; p->sink.unit >= 0 && row < complete && row < u->ih; row++)
                for (int q = 0; q < j.y.chunks; q++)
                    fct_net_sink_chunk(p->net, &p->sink, g, ((size_t)j.image * u->ih + row) * u->iw, u->iw, q,
                                       input_row(&j, row, q), FCT_CHUNK, j.t->sums);
        }
    }
}

/* Stores the weights by chunks of channels; the backward ones are turned round. */
void fct_dw_pack(fct_net *net, int unit, const fct_real *w) {
    const fct_unit *u = &net->spec->unit[unit];
    fct_unit_state *s = &net->unit[unit];
    int taps = u->k * u->k;
    for (int c = 0; c < u->co; c++)
        for (int i = 0; i < taps; i++) {
            size_t q = (size_t)c / FCT_CHUNK * taps;
            s->wf[(q + i) * FCT_CHUNK + c % FCT_CHUNK] = w[c * taps + i];
            if (s->wb) s->wb[(q + taps - 1 - i) * FCT_CHUNK + c % FCT_CHUNK] = w[c * taps + i];
        }
}

void fct_dw_unpack_grad(const fct_net *net, int unit, fct_real *grad) {
    const fct_unit *u = &net->spec->unit[unit];
    int taps = u->k * u->k;
    for (int c = 0; c < u->co; c++)
        for (int i = 0; i < taps; i++) {
            fct_real sum = 0;
            size_t at = ((size_t)c / FCT_CHUNK * taps + i) * FCT_CHUNK + c % FCT_CHUNK;
            for (int g = 0; g < FCT_GROUPS; g++) sum += net->dw[(size_t)g * net->dw_size + at];
            grad[c * taps + i] = sum;
        }
}

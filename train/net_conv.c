/* Dense convolution as matrix products over tiles of pixels. A row of the input
 * matrix is what one output pixel sees: for 1x1 the input pixel itself, else
 * gathered ("im2col") from the activated picture. */
#include "train/net_internal.h"
#include <string.h>

/* A run of pictures, or of pixels, whose rows are numbered from 0. */
typedef struct conv_block {
    size_t first, rows;
    int image;
} conv_block;

/* direct: one block of all rows of the group; else one block per picture. */
static int block_count(const fct_net *net, const fct_unit_state *s, int g) {
    int n = fct_group_first(net, g + 1) - fct_group_first(net, g);
    return s->direct ? n > 0 : n;
}

/* A group's rows are one block where the input can be read in place, else one block for each picture. */
static conv_block block_at(const fct_net *net, int unit, int g, int i) {
    const fct_unit *u = &net->spec->unit[unit];
    int first = fct_group_first(net, g);
    size_t per = (size_t)u->oh * u->ow;
    if (net->unit[unit].direct)
        return (conv_block){first * per, (size_t)(fct_group_first(net, g + 1) - first) * per, first};
    return (conv_block){(size_t)(first + i) * per, per, first + i};
}

/* Writes the activated input of one picture. */
static const fct_real *load_image(const fct_net *net, int unit, int image, fct_real *scratch) {
    const fct_unit *u = &net->spec->unit[unit];
    const fct_unit_state *s = &net->unit[unit];
    fct_net_view v = fct_net_input_view(net, u->in);
    const fct_real *x = v.x + (size_t)image * u->ih * u->iw * s->cs_in;
    if (v.ready) return x;
    net->tk->act(u->ih * u->iw, s->cs_in, x, s->cs_in, &v.act, (fct_tk_out){scratch, s->cs_in, FCT_CHUNK});
    return scratch;
}

/* Kernel columns [*lo, *hi) that lie inside the input for output column ox. */
static void clip_columns(const fct_unit *u, int ox, int *lo, int *hi) {
    int x = ox * u->s - u->p;
    *lo = x < 0 ? -x : 0;
    *hi = x + u->k > u->iw ? u->iw - x : u->k;
}

static void gather(const fct_unit *u, const fct_unit_state *s, const fct_real *image, size_t row, int rows,
                   fct_real *a) {
    size_t cs = (size_t)s->cs_in;
    for (int r = 0; r < rows; r++, a += s->kp) {
        int oy = (int)(row + r) / u->ow, ox = (int)(row + r) % u->ow, lo, hi;
        clip_columns(u, ox, &lo, &hi);
        memset(a, 0, (size_t)s->kp * sizeof *a);
        for (int t = 0; t < u->k; t++) {
            int y = oy * u->s - u->p + t;
            if (y >= 0 && y < u->ih && hi > lo)
                memcpy(a + (t * u->k + lo) * cs, image + ((size_t)y * u->iw + ox * u->s - u->p + lo) * cs,
                       (size_t)(hi - lo) * cs * sizeof *a);
        }
    }
}

static void scatter(const fct_unit *u, const fct_unit_state *s, const fct_real *g, size_t row, int rows,
                    fct_real *image) {
    size_t cs = (size_t)s->cs_in;
    for (int r = 0; r < rows; r++, g += s->kp) {
        int oy = (int)(row + r) / u->ow, ox = (int)(row + r) % u->ow, lo, hi;
        clip_columns(u, ox, &lo, &hi);
        for (int t = 0; t < u->k; t++) {
            int y = oy * u->s - u->p + t;
            if (y < 0 || y >= u->ih || hi <= lo) continue;
            fct_real *to = image + ((size_t)y * u->iw + ox * u->s - u->p + lo) * cs;
            const fct_real *from = g + (t * u->k + lo) * cs;
            for (size_t i = 0; i < (size_t)(hi - lo) * cs; i++) to[i] += from[i];
        }
    }
}

/* Prepares rows [row, row + rows) of the input matrix; *lda is their distance. */
static const fct_real *load_tile(const fct_net *net, int unit, conv_block b, const fct_real *image, size_t row,
                                 int rows, fct_real *scratch, ptrdiff_t *lda) {
    const fct_unit *u = &net->spec->unit[unit];
    const fct_unit_state *s = &net->unit[unit];
    if (!s->direct) {
        gather(u, s, image, row, rows, scratch);
        *lda = s->kp;
        return scratch;
    }
    fct_net_view v = fct_net_input_view(net, u->in);
    const fct_real *x = v.x + (b.first + row) * s->in_row;
    *lda = (ptrdiff_t)s->in_row;
    if (v.ready) return x;
    *lda += FCT_CHUNK; /* an odd number of cache lines: rows do not collide in the cache */
    net->tk->act(rows, s->cs_in, x, s->cs_in, &v.act, (fct_tk_out){scratch, *lda, FCT_CHUNK});
    return scratch;
}

static int tile_rows(size_t left) { return left < FCT_TILE_ROWS ? (int)left : FCT_TILE_ROWS; }

/* Multiplies tiles of rows with the weights and adds up the statistics of the result while it is in the cache. */
void fct_conv_forward_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    fct_net *net = p->net;
    const fct_unit *u = &net->spec->unit[p->unit];
    fct_unit_state *s = &net->unit[p->unit];
    fct_net_scratch *t = &net->scratch[worker];
    int depth = s->direct && !u->flat ? u->ci : s->kk;
    for (int i = 0; i < block_count(net, s, g); i++) {
        conv_block b = block_at(net, p->unit, g, i);
        const fct_real *image = s->direct ? NULL : load_image(net, p->unit, b.image, t->image);
        for (size_t row = 0; row < b.rows; row += FCT_TILE_ROWS) {
            int rows = tile_rows(b.rows - row);
            ptrdiff_t lda;
            const fct_real *a = load_tile(net, p->unit, b, image, row, rows, t->a, &lda);
            net->tk->gemm(rows, s->cs_out, depth, a, lda, 1, s->wf, net->tk->nr, (ptrdiff_t)s->kk * net->tk->nr, t->c,
                          s->cs_out, false);
            fct_net_add_stats(net, p->unit, g, rows, t->c, s->cs_out, s->x + (b.first + row) * s->cs_out, t->sums);
        }
    }
}

/* Puts a tile of the input's gradient straight into the sink, or adds it to the picture's. */
static void emit_tile(const fct_net_pass *p, conv_block b, size_t row, int rows, int g, fct_net_scratch *t) {
    fct_net *net = p->net;
    const fct_unit *u = &net->spec->unit[p->unit];
    const fct_unit_state *s = &net->unit[p->unit];
    if (!s->direct) {
        scatter(u, s, t->c, row, rows, t->grad_image);
        return;
    }
    int pixels = (int)(s->in_row / s->cs_in);
    for (int q = 0; q < s->cs_in / FCT_CHUNK; q++)
        fct_net_sink_chunk(net, &p->sink, g, (b.first + row) * pixels, rows * pixels, q, t->c + q * FCT_CHUNK,
                           u->flat ? s->cs_in : s->kp, t->sums);
}

static void backward_tile(const fct_net_pass *p, conv_block b, const fct_real *image, size_t row, int g,
                          fct_net_scratch *t) {
    fct_net *net = p->net;
    const fct_unit *u = &net->spec->unit[p->unit];
    const fct_unit_state *s = &net->unit[p->unit];
    const fct_tk *tk = net->tk;
    int rows = tile_rows(b.rows - row);
    ptrdiff_t lda, ldx = s->cs_out + FCT_CHUNK;
    size_t at = (b.first + row) * s->cs_out;
    const fct_real *a = load_tile(net, p->unit, b, image, row, rows, t->a, &lda);
    tk->bn_back(rows, s->cs_out, s->grad + at, s->x + at, s->cs_out, s->a, s->b, s->c,
                (fct_tk_out){t->dx, ldx, FCT_CHUNK});
    tk->gemm(u->co, s->kp, rows, t->dx, 1, ldx, a, lda, tk->nr, net->dw + (size_t)g * net->dw_size, s->kp, true);
    if (p->sink.unit < 0) return;
    tk->gemm(rows, s->kp, u->co, t->dx, ldx, 1, s->wb, tk->nr, (ptrdiff_t)u->co * tk->nr, t->c, s->kp, false);
    emit_tile(p, b, row, rows, g, t);
}

/* Adds up the weights' gradient of one group and passes the input's gradient on. */
void fct_conv_backward_task(void *pass, int g, int worker) {
    fct_net_pass *p = pass;
    fct_net *net = p->net;
    const fct_unit *u = &net->spec->unit[p->unit];
    const fct_unit_state *s = &net->unit[p->unit];
    fct_net_scratch *t = &net->scratch[worker];
    size_t pixels = (size_t)u->ih * u->iw;
    memset(net->dw + (size_t)g * net->dw_size, 0, (size_t)u->co * s->kp * sizeof *net->dw);
    for (int i = 0; i < block_count(net, s, g); i++) {
        conv_block b = block_at(net, p->unit, g, i);
        bool whole = !s->direct && p->sink.unit >= 0;
        const fct_real *image = s->direct ? NULL : load_image(net, p->unit, b.image, t->image);
        if (whole) memset(t->grad_image, 0, pixels * s->cs_in * sizeof *t->grad_image);
        for (size_t row = 0; row < b.rows; row += FCT_TILE_ROWS) backward_tile(p, b, image, row, g, t);
        for (int q = 0; whole && q < s->cs_in / FCT_CHUNK; q++)
            fct_net_sink_chunk(net, &p->sink, g, b.image * pixels, (int)pixels, q, t->grad_image + q * FCT_CHUNK,
                               s->cs_in, t->sums);
    }
}

/* Place of weight [o][i][y][x] in a row of the input matrix. */
static size_t column(const fct_unit_state *s, int i, int tap) { return (size_t)tap * s->cs_in + i; }

/* Packs the weights in panels for the forward product, and transposed ones for the backward product. */
void fct_conv_pack(fct_net *net, int unit, const fct_real *w) {
    const fct_unit *u = &net->spec->unit[unit];
    fct_unit_state *s = &net->unit[unit];
    size_t nr = (size_t)net->tk->nr, taps = (size_t)u->k * u->k;
    for (int o = 0; o < u->co; o++)
        for (int i = 0; i < u->ci; i++)
            for (size_t tap = 0; tap < taps; tap++) {
                fct_real v = w[((size_t)o * u->ci + i) * taps + tap];
                size_t c = column(s, i, (int)tap);
                s->wf[o / nr * nr * s->kk + c * nr + o % nr] = v;
                if (s->wb) s->wb[c / nr * nr * u->co + o * nr + c % nr] = v;
            }
}

/* Sums the groups' gradients in a fixed order, so that the result does not depend on the threads. */
void fct_conv_unpack_grad(const fct_net *net, int unit, fct_real *grad) {
    const fct_unit *u = &net->spec->unit[unit];
    const fct_unit_state *s = &net->unit[unit];
    size_t taps = (size_t)u->k * u->k, n = (size_t)u->co * s->kp;
    fct_real *sum = net->dw;
    for (int g = 1; g < FCT_GROUPS; g++)
        for (size_t i = 0; i < n; i++) sum[i] += net->dw[(size_t)g * net->dw_size + i];
    for (int o = 0; o < u->co; o++)
        for (int i = 0; i < u->ci; i++)
            for (size_t tap = 0; tap < taps; tap++)
                grad[((size_t)o * u->ci + i) * taps + tap] = sum[(size_t)o * s->kp + column(s, i, (int)tap)];
}

#include "train/loss.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

#define PI 3.14159265358979323846

struct fct_margin {
    fct_margin_opts o;
    int classes, dim, ld, max_batch;
    const fct_tk *tk;
    int *chosen, *slot;    /* classes in this batch's softmax; class -> place among them, -1 = none */
    int *pool;             /* a permutation, for sampling */
    int *best;             /* [n][chosen]: sub-center of the largest cosine */
    fct_real *unit, *norm; /* their centers, normalized [chosen K][ld]; lengths */
    fct_real *packed;      /* the same for the matrix product: panels of columns */
    fct_real *cosine;      /* [n][rows]: cosines, then gradients by them */
    fct_real *like;        /* [n][chosen]: how like a class the teacher finds a picture; NULL where nobody asks */
    fct_real *grad_unit;
};

void fct_margin_opts_init(fct_margin_opts *o) {
    *o = (fct_margin_opts){.scale = 64,
                           .m1 = 1,
                           .m2 = 0.5,
                           .m3 = 0,
                           .branch = FCT_MARGIN_LINEAR,
                           .subcenters = 1,
                           .sample = 1,
                           .alike = 1};
}

/* The cosine that a sample's own class is given instead of c, and its derivative. The branch says where the plain
 * cosine takes over, or how the function goes on beyond pi. */
double fct_margin_psi(const fct_margin_opts *o, double c, double *derivative) {
    double theta = acos(c > 1 ? 1 : c < -1 ? -1 : c), phi = o->m1 * theta + o->m2;
    double sine = sqrt(1 - c * c > 1e-6 ? 1 - c * c : 1e-6);
    double k = 0, sign = 1;
    bool plain = (o->branch == FCT_MARGIN_LINEAR && phi > PI) || (o->branch == FCT_MARGIN_EASY && c <= 0);
    if (plain) {
        *derivative = 1;
        return o->branch == FCT_MARGIN_EASY ? c : c - o->m2 * sin(o->m2) - o->m3;
    }
    if (o->branch == FCT_MARGIN_MONOTONIC) {
        k = floor(phi / PI);
        sign = fmod(k, 2) == 0 ? 1 : -1;
    }
    *derivative = o->surrogate ? 1 : sign * o->m1 * sin(phi) / sine;
    return sign * cos(phi) - 2 * k - o->m3;
}

fct_status fct_margin_create(const fct_margin_opts *o, int classes, int dim, int max_batch, fct_margin **out,
                             fct_error *err) {
    *out = NULL;
    if (classes < 2 || classes > 1 << 22 || o->subcenters < 1 || o->subcenters > 16 || !(o->sample > 0))
        return fct_fail(err, FCT_ERR_ARG, "margin loss: %d classes with %d centers each", classes, o->subcenters);
    fct_margin *m = fct_calloc(1, sizeof *m);
    if (!m) return fct_fail_nomem(err, "margin loss", sizeof *m);
    size_t rows = (size_t)classes * o->subcenters, ld = (size_t)fct_pad(dim), cols = rows + 64;
    *m = (fct_margin){
        .o = *o, .classes = classes, .dim = dim, .ld = (int)ld, .max_batch = max_batch, .tk = fct_tk_get()};
    m->chosen = fct_calloc((size_t)classes, sizeof *m->chosen);
    m->slot = fct_calloc((size_t)classes, sizeof *m->slot);
    m->pool = fct_calloc((size_t)classes, sizeof *m->pool);
    m->best = fct_calloc((size_t)classes, sizeof *m->best);
    m->unit = fct_aligned_alloc(rows * ld * sizeof(fct_real));
    m->norm = fct_aligned_alloc(rows * sizeof(fct_real));
    m->packed = fct_aligned_alloc(cols * ld * sizeof(fct_real));
    m->cosine = fct_aligned_alloc((size_t)max_batch * cols * sizeof(fct_real));
    m->grad_unit = fct_aligned_alloc(rows * ld * sizeof(fct_real));
    if (o->alike < 1) m->like = fct_aligned_alloc((size_t)max_batch * (classes + 64) * sizeof(fct_real));
    if ((o->alike < 1 && !m->like) || !m->chosen || !m->slot || !m->pool || !m->best || !m->unit || !m->norm ||
        !m->packed || !m->cosine || !m->grad_unit) {
        fct_margin_free(m);
        return fct_fail_nomem(err, "margin loss", rows * ld * sizeof(fct_real));
    }
    *out = m;
    return FCT_OK;
}

void fct_margin_free(fct_margin *m) {
    if (!m) return;
    fct_free(m->chosen);
    fct_free(m->slot);
    fct_free(m->pool);
    fct_free(m->best);
    fct_aligned_free(m->unit);
    fct_aligned_free(m->norm);
    fct_aligned_free(m->packed);
    fct_aligned_free(m->cosine);
    fct_aligned_free(m->grad_unit);
    fct_aligned_free(m->like);
    fct_free(m);
}

/* Chooses the batch's own classes, then random others up to the share asked for. */
static int choose(fct_margin *m, int n, const int *label, fct_rng *rng) {
    int count = 0, want = (int)(m->o.sample * m->classes + 0.5);
    for (int c = 0; c < m->classes; c++) m->slot[c] = -1;
    for (int i = 0; i < n; i++)
        if (label[i] >= 0 && m->slot[label[i]] < 0) {
            m->slot[label[i]] = count;
            m->chosen[count++] = label[i];
        }
    int left = 0;
    for (int c = 0; c < m->classes; c++)
        if (m->slot[c] < 0) m->pool[left++] = c;
    for (; count < want && left > 0; count++) {
        int k = want >= m->classes ? left - 1 : (int)fct_rng_below(rng, (uint32_t)left), c = m->pool[k];
        m->pool[k] = m->pool[--left];
        m->slot[c] = count;
        m->chosen[count] = c;
    }
    return count;
}

/* Packs row r of a matrix of count columns' right-hand side for the product: panels of columns. */
static void pack_row(fct_margin *m, int r, const fct_real *row) {
    int nr = m->tk->nr;
    for (int d = 0; d < m->dim; d++) m->packed[((size_t)(r / nr) * m->ld + d) * nr + r % nr] = row[d];
}

/* Computes how like each chosen class the teacher finds each picture. Leaves m->packed in disorder. */
static void compare(fct_margin *m, int n, int ld, int count, const fct_margin_like *like) {
    int nr = m->tk->nr, cols = fct_pad(count);
    memset(m->packed, 0, (size_t)(count + 64) * m->ld * sizeof *m->packed);
    for (int j = 0; j < count; j++) pack_row(m, j, like->classes + (size_t)m->chosen[j] * m->dim);
    m->tk->gemm(n, cols, m->dim, like->picture, ld, 1, m->packed, nr, (ptrdiff_t)m->ld * nr, m->like, cols, false);
}

/* Normalizes the centers of the chosen classes and packs them for the product. */
static void load_centers(fct_margin *m, int count, const fct_real *centers) {
    int k = m->o.subcenters, rows = count * k;
    memset(m->unit, 0, (size_t)rows * m->ld * sizeof *m->unit);
    memset(m->packed, 0, (size_t)(rows + 64) * m->ld * sizeof *m->packed);
    for (int r = 0; r < rows; r++) {
        const fct_real *w = centers + ((size_t)m->chosen[r / k] * k + r % k) * m->dim;
        fct_real *u = m->unit + (size_t)r * m->ld;
        memcpy(u, w, (size_t)m->dim * sizeof *u);
        fct_unit_rows(1, m->dim, m->ld, u, u, m->norm + r);
        pack_row(m, r, u);
    }
}

/* Finds each class's nearest center; -1 for a class that is too like the sample to count against it. */
static void nearest_centers(fct_margin *m, const fct_real *row, int count, int target, const fct_real *like) {
    int k = m->o.subcenters;
    for (int j = 0; j < count; j++) {
        int b = j * k;
        for (int q = 1; q < k; q++)
            if (row[j * k + q] > row[b]) b = j * k + q;
        m->best[j] = like && j != target && like[j] > m->o.alike ? -1 : b;
    }
}

/* Computes the loss of one sample from its cosines to all centers; row becomes the gradient by them, times factor. */
static double sample_loss(fct_margin *m, fct_real *row, int count, int target, const fct_real *like, double factor) {
    int k = m->o.subcenters;
    double top = -1e300, sum = 0, derivative;
    nearest_centers(m, row, count, target, like);
    double psi = fct_margin_psi(&m->o, row[m->best[target]], &derivative);
    for (int j = 0; j < count; j++)
        if (m->best[j] >= 0) top = fmax(top, m->o.scale * (j == target ? psi : row[m->best[j]]));
    for (int j = 0; j < count; j++)
        if (m->best[j] >= 0) sum += exp(m->o.scale * (j == target ? psi : row[m->best[j]]) - top);
    for (int j = 0; j < count; j++) {
        int b = m->best[j];
        double p = b < 0 ? 0 : exp(m->o.scale * (j == target ? psi : row[b]) - top) / sum;
        for (int q = 0; q < k; q++)
            if (j * k + q != b) row[j * k + q] = 0;
        if (b >= 0) row[b] = (fct_real)(factor * m->o.scale * (j == target ? (p - 1) * derivative : p));
    }
    return log(sum) + top - m->o.scale * psi;
}

/* Adds up the gradient by the centers as they are stored, that is before their normalization. */
static void store_center_grads(fct_margin *m, int count, fct_real *grad_centers) {
    int k = m->o.subcenters;
    fct_unit_rows_back(count * k, m->dim, m->ld, m->unit, m->norm, m->grad_unit, m->grad_unit);
    for (int r = 0; r < count * k; r++)
        memcpy(grad_centers + ((size_t)m->chosen[r / k] * k + r % k) * m->dim, m->grad_unit + (size_t)r * m->ld,
               (size_t)m->dim * sizeof *grad_centers);
}

double fct_loss_margin(fct_margin *m, double weight, int n, int ld, const fct_real *u, const int *label,
                       const fct_margin_like *like, const fct_real *centers, fct_real *grad, fct_real *grad_centers,
                       fct_rng *rng, const int **chosen, int *n_chosen) {
    int labeled = 0, nr = m->tk->nr;
    double loss = 0;
    for (int i = 0; i < n; i++) labeled += label[i] >= 0;
    *chosen = m->chosen;
    *n_chosen = 0;
    if (!labeled) return 0;
    int count = choose(m, n, label, rng), rows = count * m->o.subcenters, cols = fct_pad(rows);
    like = m->like ? like : NULL;
    if (like) compare(m, n, ld, count, like);
    load_centers(m, count, centers);
    m->tk->gemm(n, cols, m->dim, u, ld, 1, m->packed, nr, (ptrdiff_t)m->ld * nr, m->cosine, cols, false);
    for (int i = 0; i < n; i++) {
        fct_real *row = m->cosine + (size_t)i * cols;
        if (label[i] >= 0)
            loss += sample_loss(m, row, count, m->slot[label[i]], like ? m->like + (size_t)i * fct_pad(count) : NULL,
                                weight / labeled);
        else memset(row, 0, (size_t)cols * sizeof *row);
    }
    m->tk->gemm(n, m->ld, rows, m->cosine, cols, 1, m->unit, m->ld, nr, grad, ld, true);
    m->tk->gemm(rows, m->ld, n, m->cosine, 1, cols, u, ld, nr, m->grad_unit, m->ld, false);
    store_center_grads(m, count, grad_centers);
    *n_chosen = count;
    return weight * loss / labeled;
}

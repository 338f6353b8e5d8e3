/* A teacher's embeddings by facet's own engine: of a whole data set, or of the
 * views of a batch. */
#include "train/teacher.h"
#include "facet/model.h"
#include "base/alloc.h"
#include "base/error.h"
#include <math.h>
#include <string.h>

enum { BATCH = 16 };

struct fct_teacher_net {
    fct_model *model;
    fct_session *session;
    int size; /* side of its input */
    bool raw;
    float *input;              /* [2 BATCH][3][size][size]: of a data set, pictures, then their mirror images */
    fct_image *picture[BATCH]; /* those being embedded; NULL: could not be read */
};

/* Any ONNX file with one square picture as its input will do as a teacher. */
static fct_status open_model(fct_teacher_net *p, const char *onnx, fct_error *err) {
    fct_tensor_info in;
    fct_status s = fct_model_load(onnx, NULL, &p->model, err);
    if (!s) s = fct_session_create(p->model, &p->session, err);
    if (!s) s = fct_model_input(p->model, 0, &in, err);
    if (s) return s;
    if (fct_model_input_count(p->model) != 1 || in.rank != 4 || in.dims[1] != 3 || in.dims[2] != in.dims[3] ||
        in.dims[2] < 16 || in.dims[2] > 1024)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: not an embedder: one input [N, 3, size, size] is expected",
                        onnx);
    p->size = (int)in.dims[2];
    p->input = fct_aligned_alloc((size_t)2 * BATCH * 3 * p->size * p->size * sizeof *p->input);
    return p->input ? FCT_OK : fct_fail_nomem(err, "teacher's input", 0);
}

fct_status fct_teacher_net_open(const char *onnx, bool raw, fct_teacher_net **out, fct_error *err) {
    fct_teacher_net *p = *out = fct_calloc(1, sizeof *p);
    if (!p) return fct_fail_nomem(err, "teacher", 0);
    p->raw = raw;
    fct_status s = open_model(p, onnx, err);
    if (s) {
        fct_teacher_net_free(p);
        *out = NULL;
    }
    return s;
}

void fct_teacher_net_free(fct_teacher_net *p) {
    if (!p) return;
    fct_session_free(p->session);
    fct_model_free(p->model);
    fct_aligned_free(p->input);
    fct_free(p);
}

int fct_teacher_net_size(const fct_teacher_net *p) { return p->size; }

/* Runs the network, which gives one output row a picture. */
static fct_status run_net(fct_teacher_net *p, int n, fct_tensor *z, int *dim, fct_error *err) {
    fct_tensor in = {p->input, 4, {n, 3, p->size, p->size}};
    fct_status s = fct_session_run(p->session, &in, 1, z, 1, err);
    if (s) return s;
    int64_t count = 1;
    for (int i = 0; i < z->rank; i++) count *= z->dims[i];
    *dim = (int)(count / n);
    if (!*dim || count != (int64_t)n * *dim)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "the teacher's output does not have one row a picture");
    return FCT_OK;
}

static float value_of(const fct_teacher_net *p, uint8_t px) { return p->raw ? px : (px - 127.5f) / 127.5f; }

/* Reads a sample. NULL where it cannot be read or is smaller than the network's input. */
static fct_image *read_sample(const fct_teacher_net *p, const fct_dataset *d, size_t sample) {
    fct_image *im;
    if (fct_dataset_read(d, sample, &im, NULL)) return NULL;
    fct_view v = fct_image_view(im);
    if (v.width >= p->size && v.height >= p->size) return im;
    fct_image_free(im);
    return NULL;
}

/* The start of a square of size pixels in the middle of length, moved by shift as far as there is room. */
static int place(int length, int size, int shift) {
    int at = (length - size) / 2 + shift;
    return at < 0 ? 0 : at > length - size ? length - size : at;
}

/* Writes the central square of a picture (NULL: zeros), shifted, as it is and mirrored, into place i of n. */
static void load(fct_teacher_net *p, const fct_image *im, int dx, int dy, int i, int n) {
    int s = p->size;
    size_t plane = (size_t)s * s;
    float *a = p->input + (size_t)i * 3 * plane, *b = p->input + (size_t)(n + i) * 3 * plane;
    memset(a, 0, 3 * plane * sizeof *a);
    memset(b, 0, 3 * plane * sizeof *b);
    if (!im) return;
    fct_view v = fct_image_view(im);
    int x0 = place(v.width, s, dx), y0 = place(v.height, s, dy);
    for (int y = 0; y < s; y++)
        for (int x = 0; x < s; x++)
            for (int c = 0; c < 3; c++) {
                float px = value_of(p, v.data[(y0 + y) * v.stride + (x0 + x) * 3 + c]);
                a[c * plane + (size_t)y * s + x] = b[c * plane + (size_t)y * s + s - 1 - x] = px;
            }
}

/* Adds a unit vector; an embedding that is zero or not finite adds nothing. */
static void add_unit(const float *e, int dim, float *row) {
    double sq = 0;
    for (int k = 0; k < dim; k++) sq += (double)e[k] * e[k];
    for (int k = 0; sq > 0 && isfinite(sq) && k < dim; k++) row[k] += (float)(e[k] / sqrt(sq));
}

/* Allocates the rows at the first answer, which tells their length. */
static fct_status make_rows(fct_teacher *out, size_t n, int dim, fct_error *err) {
    if (out->rows)
        return dim == out->dim ? FCT_OK : fct_fail(err, FCT_ERR_UNSUPPORTED, "the teacher's output changes its length");
    size_t bytes = n * (size_t)dim * sizeof(float);
    *out = (fct_teacher){fct_aligned_alloc(bytes), n, dim};
    if (!out->rows) return fct_fail_nomem(err, "teacher embeddings", bytes);
    memset(out->rows, 0, bytes);
    return FCT_OK;
}

/* Adds the embeddings of samples [first, first + n), shifted, to their rows. */
static fct_status embed(fct_teacher_net *p, size_t all, size_t first, int n, int dx, int dy, fct_teacher *out,
                        fct_error *err) {
    fct_tensor z;
    int dim;
    for (int i = 0; i < n; i++) load(p, p->picture[i], dx, dy, i, n);
    fct_status s = run_net(p, 2 * n, &z, &dim, err);
    if (!s) s = make_rows(out, all, dim, err);
    for (int i = 0; !s && i < 2 * n; i++)
        if (p->picture[i % n]) add_unit(z.data + (size_t)i * dim, dim, out->rows + (first + i % n) * dim);
    return s;
}

/* Embeds samples [first, first + n): the sum over the first so many shifts. */
static fct_status embed_samples(fct_teacher_net *p, const fct_dataset *d, size_t first, int n, int shifts,
                                fct_teacher *out, size_t *bad, fct_error *err) {
    static const int by[5][2] = {{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    fct_status s = FCT_OK;
    for (int i = 0; i < n; i++) *bad += !(p->picture[i] = read_sample(p, d, first + i));
    for (int k = 0; !s && k < shifts; k++) s = embed(p, d->n, first, n, by[k][0], by[k][1], out, err);
    for (int i = 0; i < n; i++) fct_image_free(p->picture[i]);
    return s;
}

fct_status fct_teacher_net_embed(fct_teacher_net *p, const uint8_t *pixels, int n, int dim, int ld, float *rows,
                                 fct_error *err) {
    size_t plane = (size_t)p->size * p->size;
    for (int first = 0; first < n; first += 2 * BATCH) {
        int m = n - first < 2 * BATCH ? n - first : 2 * BATCH, got;
        fct_tensor z;
        for (int i = 0; i < m; i++)
            for (size_t q = 0; q < plane; q++)
                for (int c = 0; c < 3; c++)
                    p->input[(i * 3 + c) * plane + q] = value_of(p, pixels[((size_t)(first + i) * plane + q) * 3 + c]);
        fct_status s = run_net(p, m, &z, &got, err);
        if (s) return s;
        if (got != dim) return fct_fail(err, FCT_ERR_MISMATCH, "the teacher has %d dimensions, not %d", got, dim);
        for (int i = 0; i < m; i++) {
            float *row = rows + (size_t)(first + i) * ld;
            memset(row, 0, (size_t)dim * sizeof *row);
            add_unit(z.data + (size_t)i * dim, dim, row);
        }
    }
    return FCT_OK;
}

static void normalize(fct_teacher *t) {
    for (size_t i = 0; i < t->n; i++) {
        float *row = t->rows + i * t->dim;
        double sq = 0;
        for (int k = 0; k < t->dim; k++) sq += (double)row[k] * row[k];
        for (int k = 0; sq > 0 && k < t->dim; k++) row[k] = (float)(row[k] / sqrt(sq));
    }
}

fct_status fct_teacher_compute(fct_teacher_net *net, const fct_dataset *d, bool shifts,
                               bool (*progress)(void *user, size_t done), void *user, fct_teacher *out, size_t *bad,
                               fct_error *err) {
    fct_status s = FCT_OK;
    *out = (fct_teacher){0};
    *bad = 0;
    for (size_t i = 0; !s && i < d->n; i += BATCH) {
        int n = d->n - i < BATCH ? (int)(d->n - i) : BATCH;
        s = embed_samples(net, d, i, n, shifts ? 5 : 1, out, bad, err);
        if (!s && progress && !progress(user, i + BATCH))
            s = fct_fail(err, FCT_ERR_CANCELLED, "stopped while the teacher was running");
    }
    if (s) fct_teacher_clear(out);
    else normalize(out);
    return s;
}

/* Crops in batches through a network. */
#include "face/runner.h"
#include "base/alloc.h"
#include "base/error.h"
#include "face/crop.h"

/* Measured with w600k_r50 on two threads, in milliseconds a crop: 43 alone, 38.4 by four, 37.9 by six, 38.2 by
 * eight; each crop of a batch costs 7 MB. */
enum { max_batch = 4 };

struct fct_runner {
    const fct_pack_net *net;
    fct_session *session;
    int size, out_len;
    float *input; /* [capacity][3][size][size] */
    int capacity;
};

fct_status fct_runner_create(const fct_pack_net *net, int out_len, fct_arena *arena, fct_runner **out, fct_error *err) {
    *out = NULL;
    fct_runner *r = fct_calloc(1, sizeof *r);
    if (!r) return fct_fail_nomem(err, "session", sizeof *r);
    r->net = net;
    r->size = net->width;
    r->out_len = out_len;
    fct_status s = fct_session_create_in(net->model, arena, &r->session, err);
    if (s) {
        fct_runner_free(r);
        return s;
    }
    *out = r;
    return FCT_OK;
}

void fct_runner_free(fct_runner *r) {
    if (!r) return;
    fct_session_free(r->session);
    fct_aligned_free(r->input);
    fct_free(r);
}

int fct_runner_size(const fct_runner *r) { return r->size; }
int fct_runner_values(const fct_runner *r) { return r->out_len; }
bool fct_runner_aligned(const fct_runner *r) { return r->net->aligned; }

/* Room for the input of n crops. */
static fct_status reserve(fct_runner *r, int n, fct_error *err) {
    if (n <= r->capacity) return FCT_OK;
    size_t bytes = (size_t)n * 3 * (size_t)r->size * (size_t)r->size * sizeof(float);
    fct_aligned_free(r->input);
    r->capacity = 0;
    r->input = fct_aligned_alloc(bytes);
    if (!r->input) return fct_fail_nomem(err, "face crops", bytes);
    r->capacity = n;
    return FCT_OK;
}

/* Cuts out the crops, runs the network over them at once, and hands out its values one by one. */
static fct_status run_batch(fct_runner *r, const fct_crop *crops, int n, fct_runner_row *row, void *ctx,
                            fct_error *err) {
    fct_view views[max_batch];
    double m[max_batch][6];
    for (int i = 0; i < n; i++) {
        views[i] = crops[i].picture;
        for (int k = 0; k < 6; k++) m[i][k] = crops[i].m[k];
    }
    fct_warp_tensors(views, (const double(*)[6])m, n, r->size, r->net->norm, r->input);
    fct_tensor in = {r->input, 4, {n, 3, r->size, r->size}}, out;
    fct_status s = fct_session_run(r->session, &in, 1, &out, 1, err);
    if (s) return s;
    int64_t count = 1;
    for (int i = 0; i < out.rank; i++) count *= out.dims[i];
    if (count != (int64_t)n * r->out_len)
        return fct_fail(err, FCT_ERR_FORMAT, "model %s gives %lld values for %d crops, expected %d for each",
                        fct_model_id(r->net->model), (long long)count, n, r->out_len);
    for (int i = 0; i < n; i++) row(&crops[i], out.data + (int64_t)i * r->out_len, ctx);
    return FCT_OK;
}

fct_status fct_runner_run(fct_runner *r, const fct_crop *crops, int n, fct_runner_row *row, void *ctx, fct_error *err) {
    int most = r->net->batches ? max_batch : 1;
    fct_status s = reserve(r, n < most ? n : most, err);
    for (int i = 0; i < n && !s; i += most) s = run_batch(r, crops + i, n - i < most ? n - i : most, row, ctx, err);
    return s;
}

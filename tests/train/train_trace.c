/* Forty plain steps on one made-up batch, for tests/parity/train_parity.py:
 * train_trace FOLDER. */
#include "train/export.h"
#include "train/loss.h"
#include "train/optim.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

enum { STEPS = 40, BATCH = 16, SIZE = 48, DIM = 32 };

static float *numbers(size_t n) {
    float *p = fct_aligned_alloc((n + 1) * sizeof *p);
    if (p) memset(p, 0, (n + 1) * sizeof *p);
    return p;
}

static bool write_in(const char *folder, const char *name, const void *data, size_t size) {
    char *path = fct_path_join(folder, name);
    bool ok = path && fct_file_write_atomic(path, data, size, NULL) == FCT_OK;
    fct_free(path);
    return ok;
}

static void steps(const fct_net_spec *s, fct_net *net, float *w, float *stats, const float *x, const float *t,
                  FILE *out) {
    const fct_optim o = {.momentum = 0.9, .nesterov = true, .decay = 5e-4};
    float *v = numbers(s->n_params), *g = numbers(s->n_params), *u = numbers(BATCH * DIM), *norm = numbers(BATCH),
          *grad = numbers(BATCH * DIM);
    bool used[BATCH];
    double parts[2];
    for (int i = 0; v && g && u && norm && grad && i < STEPS; i++) {
        const float *z = fct_net_forward(net, w, stats, x, BATCH, (fct_net_mode){.train = true, .momentum = 0.1});
        fct_unit_rows(BATCH, DIM, DIM, z, u, norm);
        memset(grad, 0, BATCH * DIM * sizeof *grad);
        fprintf(out, "%.9g\n", fct_loss_distill(&(fct_distill){1, 2}, BATCH, DIM, DIM, u, t, grad, parts, used));
        fct_unit_rows_back(BATCH, DIM, DIM, u, norm, grad, grad);
        fct_net_backward(net, w, grad, g);
        fct_sgd_step_net(&o, 0.02, 1, s, 0, g, w, v);
    }
    fct_aligned_free(v);
    fct_aligned_free(g);
    fct_aligned_free(u);
    fct_aligned_free(norm);
    fct_aligned_free(grad);
}

int main(int argc, char **argv) {
    fct_net_spec s;
    fct_net *net;
    fct_error err = {0};
    fct_rng rng = {17};
    if (argc != 2) return 2;
    if (fct_net_spec_parse("input 48 3; conv 16 3 2; dw 3 1; down 24 32 2; res 40 2; down 32 64 2; conv 64 1 1; gdc; "
                           "linear 32",
                           &s, &err) ||
        fct_net_create(&s, BATCH, true, NULL, &net, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    float *w = numbers(s.n_params), *stats = numbers(s.n_stats), *x = numbers(BATCH * SIZE * SIZE * 3),
          *t = numbers(BATCH * DIM), norm[BATCH];
    char *start = fct_path_join(argv[1], "start.onnx"), *losses = fct_path_join(argv[1], "losses.txt");
    if (!w || !stats || !x || !t || !start || !losses) return 1;
    fct_net_init(&s, &rng, w, stats);
    for (int i = 0; i < BATCH * SIZE * SIZE * 3; i++) x[i] = (float)fct_rng_range(&rng, -1, 1);
    for (int i = 0; i < BATCH * DIM; i++) t[i] = (float)fct_rng_normal(&rng);
    fct_unit_rows(BATCH, DIM, DIM, t, t, norm);
    FILE *out = fct_fopen(losses, "w");
    bool ok = out && !fct_export_onnx(start, &s, w, stats, (fct_export_opts){0}, &err) &&
              write_in(argv[1], "input.f32", x, BATCH * SIZE * SIZE * 3 * sizeof *x) &&
              write_in(argv[1], "target.f32", t, BATCH * DIM * sizeof *t);
    if (ok) steps(&s, net, w, stats, x, t, out);
    if (out) fclose(out);
    fct_net_free(net);
    fct_net_spec_clear(&s);
    fct_aligned_free(w);
    fct_aligned_free(stats);
    fct_aligned_free(x);
    fct_aligned_free(t);
    fct_free(start);
    fct_free(losses);
    return ok ? 0 : 1;
}

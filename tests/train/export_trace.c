/* An embedder with random weights and the trainer's own embeddings, for
 * tests/parity/export_parity.py: export_trace FOLDER writes w.onnx and half.onnx,
 * pixels.u8 [3][112][112][3] RGB and for each file its embeddings, *.f32. */
#include "train/augment.h"
#include "train/export.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>

enum { N = 3, SIDE = 112, DIM = 32, PIXELS = N * SIDE * SIDE * 3 };

static bool write_in(const char *folder, const char *name, const void *data, size_t size) {
    char *path = fct_path_join(folder, name);
    bool ok = path && fct_file_write_atomic(path, data, size, NULL) == FCT_OK;
    fct_free(path);
    return ok;
}

static bool export_one(const char *folder, const char *name, const fct_net_spec *s, fct_net *net, float *w,
                       float *stats, const float *x, bool half) {
    char *path = fct_asprintf("%s/%s.onnx", folder, name), *rows = fct_asprintf("%s.f32", name);
    bool ok = path && rows && !fct_export_onnx(path, s, w, stats, (fct_export_opts){.half = half}, NULL);
    for (int i = 0; half && i < s->n_param; i++) /* what the file holds */
        for (size_t j = 0; s->param[i].decay && j < s->param[i].count; j++) {
            float *v = &w[s->param[i].offset + j];
            *v = fct_float_from_half(fct_half_from_float(*v));
        }
    ok = ok && write_in(folder, rows, fct_net_forward(net, w, stats, x, N, (fct_net_mode){0}), N * DIM * sizeof *x);
    fct_free(path);
    fct_free(rows);
    return ok;
}

int main(int argc, char **argv) {
    fct_net_spec s;
    fct_net *net;
    fct_rng rng = {23};
    if (argc != 2 ||
        fct_net_spec_parse("input 112 3; conv 16 3 2; dw 3 1; down 24 32 2; res 40 2; down 32 64 2; ires 40 2 1; "
                           "conv 64 1 1; gdc; linear 32",
                           &s, NULL) ||
        fct_net_create(&s, N, false, NULL, &net, NULL))
        return 1;
    float *w = fct_aligned_alloc(s.n_params * sizeof *w), *stats = fct_aligned_alloc(s.n_stats * sizeof *stats),
          *x = fct_aligned_alloc(PIXELS * sizeof *x);
    uint8_t *pixels = fct_alloc(PIXELS);
    if (!w || !stats || !x || !pixels) return 1;
    fct_net_init(&s, &rng, w, stats);
    for (size_t i = 0; i < s.n_stats; i++) stats[i] += 0.3f * (float)fct_rng_uniform(&rng);
    for (int i = 0; i < PIXELS; i++) pixels[i] = (uint8_t)fct_rng_below(&rng, 256);
    fct_augment_to_input(pixels, PIXELS, x);
    bool ok = write_in(argv[1], "pixels.u8", pixels, PIXELS) && export_one(argv[1], "w", &s, net, w, stats, x, false) &&
              export_one(argv[1], "half", &s, net, w, stats, x, true);
    fct_net_free(net);
    fct_net_spec_clear(&s);
    fct_aligned_free(w);
    fct_aligned_free(stats);
    fct_aligned_free(x);
    fct_free(pixels);
    return ok ? 0 : 1;
}

/* Speed of training steps on random pictures: train_speed [network] [batch]
 * [steps]. Prints one line a step: forward and backward in milliseconds. The
 * number of threads is FCT_THREADS. */
#include "train/net.h"
#include "base/alloc.h"
#include "base/file.h"
#include <stdio.h>
#include <stdlib.h>

static float *numbers(size_t n, fct_rng *r) {
    float *p = fct_aligned_alloc(n * sizeof *p);
    for (size_t i = 0; p && i < n; i++) p[i] = (float)fct_rng_range(r, -1, 1);
    return p;
}

int main(int argc, char **argv) {
    const char *text = argc > 1 ? argv[1] : "mobilefacenet";
    int n = argc > 2 ? atoi(argv[2]) : 64, steps = argc > 3 ? atoi(argv[3]) : 5;
    fct_net_spec spec;
    fct_net *net;
    fct_error err;
    if (fct_net_spec_parse(text, &spec, &err) || fct_net_create(&spec, n, true, NULL, &net, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    fct_rng rng = fct_rng_make(1, 2, 3);
    float *params = numbers(spec.n_params, &rng), *stats = numbers(spec.n_stats, &rng),
          *grads = numbers(spec.n_params, &rng);
    float *in = numbers((size_t)n * spec.size * spec.size * spec.channels, &rng);
    float *g = numbers((size_t)n * fct_pad(spec.dim), &rng);
    if (!params || !stats || !grads || !in || !g) return 1;
    fct_net_init(&spec, &rng, params, stats);
    printf("%.1f MMAC, %zu parameters, %.0f MB, %s\n", spec.macs * 1e-6, spec.n_params,
           (double)fct_net_memory(net) * 1e-6, fct_tk_get()->level);
    for (int i = 0; i < steps; i++) {
        uint64_t t0 = fct_time_ns();
        fct_net_forward(net, params, stats, in, n, (fct_net_mode){.train = true, .momentum = 0.1});
        uint64_t t1 = fct_time_ns();
        fct_net_backward(net, params, g, grads);
        uint64_t t2 = fct_time_ns();
        printf("forward %.0f ms, backward %.0f ms, %.1f images/s\n", (double)(t1 - t0) * 1e-6, (double)(t2 - t1) * 1e-6,
               n * 1e9 / (double)(t2 - t0));
    }
    return 0;
}

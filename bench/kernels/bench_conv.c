/* Time of the convolutions of whole networks, layer by layer, each with its own
 * weights so that caches are as cold as in a real run.
 *
 *   bench_conv [-t THREADS] [-n BATCH] [-a ALGORITHM] [-p exact] [-s SECONDS] [-v] [NETWORK...]
 *
 * Prints per shape: best time of one layer, GFLOP/s by the direct definition,
 * share of the measured FMA peak, algorithm; per network the sum. */
#include "ops/conv_int.h"
#include "base/file.h"
#include "layers.h"
#include "peak.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct opts {
    int threads, batch, verbose;
    const char *algorithm;
    fct_precision precision;
    double seconds;
} opts;

typedef struct unit {
    const bench_layer *l;
    fct_conv *c;
    fct_conv_plan *p;
    double best;
} unit;

static float *filled(size_t n, float scale) {
    float *p = fct_aligned_alloc(n * sizeof *p);
    uint32_t s = 1;
    for (size_t i = 0; p && i < n; i++)
        p[i] = ((float)((s = s * 1664525u + 1013904223u) >> 8) / 8388608.0f - 1) * scale;
    return p;
}

static bool unit_create(unit *u, const bench_layer *l, const opts *o, const float *data) {
    const bool planar = l->ic == 3;
    fct_conv_spec s = {.name = l->net,
                       .ic = l->ic,
                       .oc = l->oc,
                       .groups = l->groups,
                       .kh = l->k,
                       .kw = l->k,
                       .sh = l->stride,
                       .sw = l->stride,
                       .dh = 1,
                       .dw = 1,
                       .pad_top = l->pad,
                       .pad_left = l->pad,
                       .pad_bottom = l->pad,
                       .pad_right = l->pad,
                       .weight = data,
                       .bias = data,
                       .act = {l->act, 0, 0, data},
                       .add = l->add,
                       .planar_in = planar,
                       .precision = o->precision};
    if (l->scaled) s.in_scale = s.in_shift = data;
    fct_error err;
    u->l = l;
    u->best = 1e9;
    if (fct_conv_create(&s, &u->c, &err)) return false;
    if (fct_conv_plan_create(u->c, o->batch, l->ih, l->iw, o->algorithm, &u->p, &err) &&
        fct_conv_plan_create(u->c, o->batch, l->ih, l->iw, NULL, &u->p, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    return true;
}

static double unit_flops(const unit *u, int batch) {
    return 2.0 * batch * u->p->oh * u->p->ow * u->l->oc * (u->l->ic / u->l->groups) * u->l->k * u->l->k;
}

/* One thread: its CPU time, which a busy machine disturbs less than wall time. */
static uint64_t clock_ns(const opts *o) {
    struct timespec t;
    if (o->threads > 1 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)) return fct_time_ns();
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double run_all(unit *units, int n, const opts *o) {
    size_t in = 0, out = 0, scratch = 0;
    for (int i = 0; i < n; i++) {
        const fct_conv_plan *p = units[i].p;
        in = in > fct_conv_in_size(p) ? in : fct_conv_in_size(p);
        out = out > fct_conv_out_size(p) ? out : fct_conv_out_size(p);
        scratch = scratch > p->scratch ? scratch : p->scratch;
    }
    float *a = filled(in * o->batch, 1), *b = filled(out * o->batch, 1), *add = filled(out * o->batch, 1),
          *s = filled(scratch / 4 + 16, 1);
    const uint64_t end = fct_time_ns() + (uint64_t)(o->seconds * 1e9);
    double best = 1e9;
    fct_parallel_begin();
    for (int round = 0; round < 3 || fct_time_ns() < end; round++) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            uint64_t t = clock_ns(o);
            fct_conv_run(units[i].p, a, add, b, s);
            double dt = (double)(clock_ns(o) - t) * 1e-9;
            sum += dt;
            if (dt < units[i].best) units[i].best = dt;
        }
        if (sum < best) best = sum;
    }
    fct_parallel_end();
    fct_aligned_free(a), fct_aligned_free(b), fct_aligned_free(add), fct_aligned_free(s);
    return best;
}

static void report(const unit *units, int n, const opts *o, double peak) {
    for (int i = 0; i < n;) {
        const bench_layer *l = units[i].l;
        double sum = 0;
        int j = i;
        for (; j < n && units[j].l == l; j++) sum += units[j].best;
        const double flops = unit_flops(&units[i], o->batch), mean = sum / (j - i);
        printf("  %4d -> %4d g%-3d k%d s%d %3dx%-3d x%-2d %8.3f ms each %7.3f sum %7.1f GFLOP/s %4.0f%%  %s\n", l->ic,
               l->oc, l->groups, l->k, l->stride, l->ih, l->iw, j - i, mean * 1e3, sum * 1e3, flops / mean * 1e-9,
               flops / mean / peak * 100, fct_conv_plan_algorithm(units[i].p));
        i = j;
    }
}

static void bench_net(const char *net, const opts *o, double peak) {
    const int layers = (int)(sizeof bench_layers / sizeof *bench_layers);
    float *data = filled((size_t)32 << 20, 1e-3f);
    unit units[128] = {0};
    int n = 0;
    double flops = 0;
    for (int i = 0; i < layers; i++)
        for (int k = 0; k < bench_layers[i].count && !strcmp(net, bench_layers[i].net); k++)
            n += n < 128 && unit_create(&units[n], &bench_layers[i], o, data);
    fct_aligned_free(data);
    const double whole = run_all(units, n, o);
    double best = 0;
    for (int i = 0; i < n; i++) {
        flops += unit_flops(&units[i], o->batch);
        best += units[i].best;
    }
    if (o->verbose) report(units, n, o, peak);
    size_t bytes = 0;
    for (int i = 0; i < n; i++) bytes += fct_conv_memory(units[i].c);
    printf("%-10s %8.3f ms (best single pass %8.3f), %6.1f GFLOP/s by definition, weights %.1f MB\n", net, best * 1e3,
           whole * 1e3, flops / best * 1e-9, bytes * 1e-6);
    for (int i = 0; i < n; i++) {
        fct_conv_plan_free(units[i].p);
        fct_conv_free(units[i].c);
    }
}

int main(int argc, char **argv) {
    opts o = {1, 1, 0, NULL, FCT_PRECISION_FAST, 1};
    for (int c; (c = getopt(argc, argv, "t:n:a:p:s:v")) != -1;) {
        if (c == 't') o.threads = atoi(optarg);
        else if (c == 'n') o.batch = atoi(optarg);
        else if (c == 'a') o.algorithm = optarg;
        else if (c == 'p') o.precision = strcmp(optarg, "exact") ? FCT_PRECISION_FAST : FCT_PRECISION_EXACT;
        else if (c == 's') o.seconds = atof(optarg);
        else if (c == 'v') o.verbose = 1;
        else return 2;
    }
    fct_set_threads(o.threads, NULL);
    const double peak = fct_bench_peak() * o.threads;
    printf("level %s, %d threads, batch %d, FMA peak %.1f GFLOP/s\n", fct_cpu_level_name(fct_kernels()->level),
           o.threads, o.batch, peak * 1e-9);
    static const char *const nets[] = {"w600k_r50", "w600k_mbf", "mbf_045g", "det_10g",  "det_2.5g",
                                       "det_500m",  "2d106det",  "1k3d68",   "genderage"};
    for (int i = 0; i < 9; i++) {
        bool wanted = optind == argc;
        for (int a = optind; a < argc; a++) wanted |= !strcmp(argv[a], nets[i]);
        if (wanted) bench_net(nets[i], &o, peak);
    }
    return 0;
}

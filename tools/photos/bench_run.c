#include "photos/bench_run.h"

#include "base/alloc.h"
#include "base/file.h"
#include "photos/engine.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_RUNS = 100000, MOST_INPUTS = 4, MOST_OUTPUTS = 64 };

typedef struct runner {
    fct_model *model;
    fct_session *session;
    fct_tensor inputs[MOST_INPUTS], outputs[MOST_OUTPUTS];
    int n_in, n_out;
    double *times; /* ms of each run */
} runner;

static double ms_since(uint64_t start) { return (double)(fct_time_ns() - start) / 1e6; }

/* Free dimensions: the batch, then height and width of a picture; 1 for any other. */
static void fill_shape(const fct_tensor_info *info, const cli_settings *s, fct_tensor *t) {
    int width = s->size.n ? s->size.at[0].width : 640, height = s->size.n ? s->size.at[0].height : 640;
    t->rank = info->rank;
    for (int i = 0; i < info->rank; i++) {
        int64_t d = info->dims[i];
        if (d <= 0) d = i == 0 ? s->batch : info->rank == 4 && i == 2 ? height : info->rank == 4 && i == 3 ? width : 1;
        if (i == 0 && s->batch > 1) d = s->batch;
        t->dims[i] = d;
    }
}

/* Uniform noise in -1..1 (xorshift32, fixed seed). */
static bool fill_noise(fct_tensor *t) {
    enum { MOST_FLOATS = 1 << 30 };
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) {
        if (t->dims[i] > MOST_FLOATS / n) return false;
        n *= t->dims[i];
    }
    t->data = cli_alloc((size_t)n, sizeof *t->data);
    uint32_t x = 2463534242u;
    for (int64_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        t->data[i] = (float)(int32_t)x / 2147483648.0f;
    }
    return true;
}

/* Loads the network with the options of the command and gives its inputs a size and some noise. */
static int prepare(runner *r, const char *path, const cli_settings *s, cli_bench *out) {
    fct_error e;
    fct_model_opts o;
    fct_model_opts_init(&o);
    o.precision = s->precision == 1 ? FCT_PRECISION_EXACT : FCT_PRECISION_FAST;
    o.low_memory = s->low_memory;
    char *cache = cli_cache_dir(s);
    o.cache_dir = cache;
    uint64_t start = fct_time_ns();
    fct_status st = fct_model_load(path, &o, &r->model, &e);
    out->load_ms = ms_since(start);
    fct_free(cache);
    if (st) return cli_fail(&e);
    r->n_in = fct_model_input_count(r->model);
    r->n_out = fct_model_output_count(r->model);
    if (r->n_in > MOST_INPUTS || r->n_out > MOST_OUTPUTS) {
        cli_error("%s: %d inputs and %d outputs are too many to measure", path, r->n_in, r->n_out);
        return CLI_INPUT;
    }
    for (int i = 0; i < r->n_in; i++) {
        fct_tensor_info info;
        if (fct_model_input(r->model, i, &info, &e)) return cli_fail(&e);
        fill_shape(&info, s, &r->inputs[i]);
        if (fill_noise(&r->inputs[i])) continue;
        cli_error("%s: input %s is too large", path, info.name);
        return CLI_INPUT;
    }
    out->rank = r->inputs[0].rank;
    memcpy(out->dims, r->inputs[0].dims, sizeof out->dims);
    return fct_session_create(r->model, &r->session, &e) ? cli_fail(&e) : CLI_DONE;
}

static int run_once(runner *r, double *ms) {
    fct_error e;
    uint64_t start = fct_time_ns();
    if (fct_session_run(r->session, r->inputs, r->n_in, r->outputs, r->n_out, &e)) return cli_fail(&e);
    *ms = ms_since(start);
    return CLI_DONE;
}

/* Adds the latest run's layers to the sums. */
static void add_layers(const runner *r, cli_bench *out) {
    int n = fct_session_layer_count(r->session);
    if (!out->layers) {
        out->layers = cli_alloc((size_t)n, sizeof *out->layers);
        out->n_layers = n;
    }
    for (int i = 0; i < n && i < out->n_layers; i++) {
        fct_layer_time t;
        if (fct_session_layer(r->session, i, &t, NULL)) continue;
        cli_bench_layer *l = &out->layers[i];
        snprintf(l->name, sizeof l->name, "%s", t.name);
        snprintf(l->op, sizeof l->op, "%s", t.op);
        snprintf(l->algorithm, sizeof l->algorithm, "%s", t.algorithm);
        l->macs = t.macs;
        l->ms += t.ms;
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Turns the times of all runs into best, median and mean. */
static void sum_up(runner *r, cli_bench *out) {
    double sum = 0;
    for (int i = 0; i < out->runs; i++) sum += r->times[i];
    for (int i = 0; i < out->n_layers; i++) out->layers[i].ms /= out->runs;
    qsort(r->times, (size_t)out->runs, sizeof *r->times, by_size);
    out->best_ms = r->times[0];
    out->median_ms = r->times[out->runs / 2];
    out->mean_ms = sum / out->runs;
}

/* The first run, with its planning, is reported apart. The others repeat until the time is up, at least three times. */
static int measure(runner *r, const cli_settings *s, cli_bench *out) {
    int code = run_once(r, &out->first_ms);
    r->times = cli_alloc(MOST_RUNS, sizeof *r->times);
    fct_session_profile(r->session, s->layers);
    uint64_t start = fct_time_ns();
    while (!code && !cli_interrupted() && out->runs < MOST_RUNS &&
           (out->runs < 3 || ms_since(start) < s->seconds * 1000)) {
        code = run_once(r, &r->times[out->runs++]);
        if (s->layers && !code) add_layers(r, out);
    }
    if (code || cli_interrupted()) return code ? code : CLI_STOPPED;
    sum_up(r, out);
    return CLI_DONE;
}

static int describe(runner *r, cli_bench *out) {
    fct_error e;
    int64_t params = 0;
    if (fct_model_cost(r->model, out->dims, out->rank, &out->macs, &params, &e)) return cli_fail(&e);
    out->params = (double)params;
    out->threads = fct_threads();
    out->model_bytes = fct_model_memory(r->model);
    out->session_bytes = fct_session_memory(r->session);
    out->peak = fct_cpu_measure_peak();
    return CLI_DONE;
}

int cli_bench_run(const char *path, const cli_settings *s, cli_bench *out) {
    runner r = {0};
    memset(out, 0, sizeof *out);
    out->path = path;
    cli_catch_interrupt();
    int code = prepare(&r, path, s, out);
    if (!code) code = measure(&r, s, out);
    if (!code) code = describe(&r, out);
    for (int i = 0; i < MOST_INPUTS; i++) free(r.inputs[i].data);
    free(r.times);
    fct_session_free(r.session);
    fct_model_free(r.model);
    return code;
}

void cli_bench_free(cli_bench *b) {
    free(b->layers);
    b->layers = NULL;
}

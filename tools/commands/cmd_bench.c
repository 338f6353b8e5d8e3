/* facet bench: how fast does a network run here? */
#include "photos/bench_run.h"
#include "shell/json.h"

#include "base/file.h"

#include <string.h>

/* Operations per second. A multiply-add counts as two; ms is wall time. */
static double flops(double macs, double ms) { return ms > 0 ? 2 * macs / (ms / 1000) : 0; }

static double share_of_peak(const cli_bench *b, double macs, double ms) {
    return b->peak > 0 ? flops(macs, ms) / (b->peak * b->threads) : 0;
}

static void format_shape(const cli_bench *b, char *out, size_t cap) {
    size_t n = 0;
    out[0] = 0;
    for (int i = 0; i < b->rank && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%lld", i ? "x" : "", (long long)b->dims[i]);
}

/* One line a layer: its share of the time, and its speed as a share of what the machine reaches in multiply-adds
 * alone. */
static void print_layers(const cli_bench *b) {
    printf("\n     ms     %%  GFLOP/s  peak  operation                     algorithm       layer\n");
    for (int i = 0; i < b->n_layers; i++) {
        const cli_bench_layer *l = &b->layers[i];
        printf("%7.3f %5.1f ", l->ms, 100 * l->ms / b->mean_ms);
        if (l->macs > 0) printf("%8.1f %4.0f%%", flops(l->macs, l->ms) / 1e9, 100 * share_of_peak(b, l->macs, l->ms));
        else printf("%8s %5s", "-", "-");
        cli_print("  %-29s %-15s %s\n", l->op, l->algorithm, l->name);
    }
}

static void print_text(const cli_bench *b) {
    char shape[80];
    fct_cpu_info cpu;
    fct_cpu(&cpu);
    format_shape(b, shape, sizeof shape);
    cli_print("%s  %s  %.2f GMAC, %.2f M weights\n", fct_path_base(b->path), shape, b->macs / 1e9, b->params / 1e6);
    printf("  load %.1f ms, first run %.1f ms\n", b->load_ms, b->first_ms);
    printf("  best %.2f ms, median %.2f ms, mean %.2f ms; %d runs, %d thread%s\n", b->best_ms, b->median_ms, b->mean_ms,
           b->runs, b->threads, b->threads == 1 ? "" : "s");
    printf("  %.1f GFLOP/s (median), %.0f %% of the measured peak (%d x %.1f GFLOP/s, %s)\n",
           flops(b->macs, b->median_ms) / 1e9, 100 * share_of_peak(b, b->macs, b->median_ms), b->threads, b->peak / 1e9,
           cpu.level);
    printf("  memory: network %.1f MB, session %.1f MB\n", (double)b->model_bytes / 1e6,
           (double)b->session_bytes / 1e6);
    if (b->layers) print_layers(b);
}

static void json_layers(fct_json_writer *j, const cli_bench *b) {
    fct_json_array(j, "layers");
    for (int i = 0; i < b->n_layers; i++) {
        const cli_bench_layer *l = &b->layers[i];
        fct_json_object(j, NULL);
        fct_json_text(j, "name", l->name);
        fct_json_text(j, "op", l->op);
        fct_json_text(j, "algorithm", l->algorithm);
        fct_json_number(j, "ms", l->ms, 4);
        fct_json_number(j, "macs", l->macs, 0);
        fct_json_number(j, "gflops", flops(l->macs, l->ms) / 1e9, 2);
        fct_json_number(j, "peak_share", share_of_peak(b, l->macs, l->ms), 4);
        fct_json_close_object(j);
    }
    fct_json_close_array(j);
}

/* Times in milliseconds, speeds in 10^9 operations a second, memory in bytes. */
static void print_json(const cli_bench *b) {
    fct_json_writer j;
    fct_cpu_info cpu;
    fct_cpu(&cpu);
    cli_json_line(&j, stdout);
    fct_json_text(&j, "file", b->path);
    fct_json_array(&j, "shape");
    for (int i = 0; i < b->rank; i++) fct_json_int(&j, NULL, b->dims[i]);
    fct_json_close_array(&j);
    fct_json_number(&j, "macs", b->macs, 0);
    fct_json_number(&j, "params", b->params, 0);
    fct_json_int(&j, "threads", b->threads);
    fct_json_text(&j, "level", cpu.level);
    fct_json_number(&j, "load_ms", b->load_ms, 3);
    fct_json_number(&j, "first_ms", b->first_ms, 3);
    fct_json_number(&j, "best_ms", b->best_ms, 4);
    fct_json_number(&j, "median_ms", b->median_ms, 4);
    fct_json_number(&j, "mean_ms", b->mean_ms, 4);
    fct_json_int(&j, "runs", b->runs);
    fct_json_number(&j, "gflops", flops(b->macs, b->median_ms) / 1e9, 2);
    fct_json_number(&j, "peak_gflops_per_thread", b->peak / 1e9, 2);
    fct_json_number(&j, "peak_share", share_of_peak(b, b->macs, b->median_ms), 4);
    fct_json_int(&j, "model_bytes", (int64_t)b->model_bytes);
    fct_json_int(&j, "session_bytes", (int64_t)b->session_bytes);
    if (b->layers) json_layers(&j, b);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

static int run_bench(cli_args *a) {
    int worst = CLI_DONE;
    if (a->set.size.n > 1) {
        cli_error("bench: --size takes one size, for instance 640x640");
        return CLI_USE;
    }
    for (int i = 0; i < a->n_words && worst != CLI_STOPPED; i++) {
        cli_bench b;
        int code = cli_bench_run(a->words[i], &a->set, &b);
        if (!code && a->set.json) print_json(&b);
        else if (!code) print_text(&b);
        cli_bench_free(&b);
        if (code > worst) worst = code;
    }
    return worst;
}

const cli_command cmd_bench = {
    .name = "bench",
    .synopsis = "FILE.onnx...",
    .summary = "measure how fast a network runs here",
    .description =
        "Loads the network, runs it on noise for some seconds and tells the times of a run (best, median, mean), "
        "the speed in GFLOP/s (a multiply-add counts as two, by the direct definition of a convolution) and its share "
        "of the peak, which is measured with a loop of nothing but multiply-adds on one thread, times the threads.\n\n"
        "An algorithm that needs fewer operations than the direct definition, such as Winograd's, may show more than "
        "100 % of the peak. --layers times every layer, which costs a little itself.",
    .options = {CLI_COMMON_OPTIONS, CLI_OPT(OPT_THREADS), CLI_OPT(OPT_PRECISION), CLI_OPT(OPT_LOW_MEMORY),
                CLI_OPT(OPT_NO_CACHE), CLI_OPT(OPT_LAYERS), CLI_OPT(OPT_SECONDS), CLI_OPT(OPT_SIZE),
                CLI_OPT(OPT_BATCH)},
    .examples = "facet bench w600k_r50.onnx\n"
                "facet bench --layers --threads 1 det_10g.onnx\n"
                "facet bench --json --seconds 5 --batch 8 w600k_mbf.onnx",
    .min_words = 1,
    .max_words = -1,
    .run = run_bench,
};

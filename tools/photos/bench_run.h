/* Timed runs of one network. */
#ifndef FACET_CLI_BENCH_RUN_H
#define FACET_CLI_BENCH_RUN_H

#include "shell/cli.h"

typedef struct cli_bench_layer {
    char name[80], op[48], algorithm[32];
    double ms, macs; /* mean wall time of a run, multiply-accumulates */
} cli_bench_layer;

typedef struct cli_bench {
    const char *path;           /* borrowed */
    int64_t dims[FCT_MAX_RANK]; /* of input 0 */
    int rank;
    double macs, params;
    double load_ms, first_ms; /* loading, and the first run with its planning */
    double best_ms, median_ms, mean_ms;
    int runs, threads;
    double peak; /* measured multiply-add peak of one thread, FLOP/s */
    size_t model_bytes, session_bytes;
    cli_bench_layer *layers; /* owned; NULL unless asked for */
    int n_layers;
} cli_bench;

/* Runs the network on seeded noise for s->seconds (at least three runs). Prints
 * one line and returns an exit code where that fails. Free with cli_bench_free()
 * in both cases. */
int cli_bench_run(const char *path, const cli_settings *s, cli_bench *out);
void cli_bench_free(cli_bench *b);

#endif

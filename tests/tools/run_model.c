/* Runs one network on .npy inputs and writes .npy outputs, for the comparisons
 * with other engines.
 *
 *   run_model [--reference | --exact] [--skip MASK] [--repeat N] [--layers] MODEL OUT_PREFIX IN.npy...
 *
 * Writes OUT_PREFIX.<i>.npy per output. --reference: plain operators, no passes. */
#include "base/file.h"
#include "graph/model.h"
#include "npy.h"

typedef struct options {
    fct_engine_opts engine;
    int repeat;
    bool layers;
} options;

static int fail(const fct_error *e) {
    fprintf(stderr, "%s\n", e->text);
    return 3;
}

static void print_layers(const fct_session *s) {
    for (int i = 0; i < fct_session_layer_count(s); i++) {
        fct_layer_time t;
        if (fct_session_layer(s, i, &t, NULL)) continue;
        printf("%9.3f ms %8.1f GFLOP/s  %-16s %-24s %s\n", t.ms, t.ms > 0 ? 2e-6 * t.macs / t.ms : 0, t.algorithm, t.op,
               t.name);
    }
}

static int run(const fct_model *m, const options *o, char **paths, int n, const char *prefix) {
    fct_tensor in[8] = {{0}}, out[64];
    fct_error e;
    fct_session *s;
    int outs = fct_model_output_count(m), code = 0;
    if (n > 8 || outs > 64) return 2;
    for (int i = 0; i < n; i++)
        if (!(in[i].data = npy_read(paths[i], &in[i].rank, in[i].dims)))
            return fprintf(stderr, "%s: not read\n", paths[i]), 3;
    if (fct_session_create(m, &s, &e)) return fail(&e);
    fct_session_profile(s, o->layers);
    for (int k = 0; k < o->repeat && !code; k++) {
        uint64_t t = fct_time_ns();
        if (fct_session_run(s, in, n, out, outs, &e)) code = fail(&e);
        if (o->repeat > 1) printf("run %d: %.3f ms\n", k, (double)(fct_time_ns() - t) * 1e-6);
    }
    if (o->layers) print_layers(s);
    for (int i = 0; i < outs && !code; i++) {
        char path[1000];
        snprintf(path, sizeof path, "%s.%d.npy", prefix, i);
        if (npy_write(path, out[i].rank, out[i].dims, out[i].data)) code = 3;
    }
    fct_session_free(s);
    for (int i = 0; i < n; i++) free(in[i].data);
    return code;
}

int main(int argc, char **argv) {
    options o = {.repeat = 1};
    fct_error e;
    fct_model *m;
    fct_map map;
    int i = 1;
    fct_engine_opts_init(&o.engine);
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--reference")) o.engine.model.precision = FCT_PRECISION_REFERENCE;
        else if (!strcmp(argv[i], "--exact")) o.engine.model.precision = FCT_PRECISION_EXACT;
        else if (!strcmp(argv[i], "--layers")) o.layers = true;
        else if (!strcmp(argv[i], "--skip") && i + 1 < argc) o.engine.skip = (unsigned)strtoul(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--repeat") && i + 1 < argc) o.repeat = atoi(argv[++i]);
        else return 2;
    }
    if (argc - i < 3) return fprintf(stderr, "run_model [options] MODEL OUT_PREFIX IN.npy...\n"), 2;
    if (fct_map_open(argv[i], &map, &e)) return fail(&e);
    fct_status s = fct_model_load_engine(map.data, map.size, argv[i], &o.engine, &m, &e);
    fct_map_close(&map);
    if (s) return fail(&e);
    int code = run(m, &o, argv + i + 2, argc - i - 2, argv[i + 1]);
    fct_model_free(m);
    fct_shutdown();
    return code;
}

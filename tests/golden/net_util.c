#include "net_util.h"
#include "graph/arena.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void net_way(int way, fct_engine_opts *o, const char **name) {
    static const char *const names[NET_WAYS] = {"plain",     "exact",       "fast",     "no folding",
                                                "no fusion", "no siblings", "no heads", "no fully connected"};
    fct_engine_opts_init(o);
    o->model.precision = way == 0 ? FCT_PRECISION_REFERENCE : way == 2 ? FCT_PRECISION_FAST : FCT_PRECISION_EXACT;
    if (way > 2) o->skip = 1u << (way - 3);
    *name = names[way];
}

void net_out_free(net_out *outs, int n) {
    for (int i = 0; i < n; i++) free(outs[i].data);
    memset(outs, 0, (size_t)n * sizeof *outs);
}

static fct_status copy_outputs(const fct_tensor *t, net_out *outs, int n) {
    for (int i = 0; i < n; i++) {
        size_t count = 1;
        outs[i].rank = t[i].rank;
        for (int k = 0; k < t[i].rank; k++) count *= (size_t)(outs[i].dims[k] = t[i].dims[k]);
        if (!(outs[i].data = malloc(count * 4 + 4))) return FCT_ERR_NOMEM;
        memcpy(outs[i].data, t[i].data, count * 4);
    }
    return FCT_OK;
}

/* The second run reuses the plan, and the arena as another network may have left it,
 * full of NaN: it must give the same. */
static fct_status run_twice(fct_session *s, fct_arena *arena, const fct_tensor *in, fct_tensor *t, net_out *outs, int n,
                            fct_error *err) {
    fct_status st = fct_session_run(s, in, 1, t, n, err);
    if (arena->size) memset(arena->data, 0xFF, arena->size);
    if (st || (st = fct_session_run(s, in, 1, t, n, err))) return st;
    return copy_outputs(t, outs, n);
}

fct_status net_run(ow *w, int way, const float *x, int rank, const int64_t *dims, net_out *outs, int n, int *layers,
                   fct_error *err) {
    fct_engine_opts o;
    const char *name;
    size_t len;
    fct_model *m;
    fct_session *s = NULL;
    fct_arena arena = {0};
    fct_tensor in = {(float *)(uintptr_t)x, rank, {0}}, t[32];
    memset(outs, 0, (size_t)n * sizeof *outs);
    memcpy(in.dims, dims, (size_t)rank * sizeof *dims);
    const uint8_t *bytes = w->file.n ? w->file.p : ow_end(w, &len);
    len = w->file.n;
    net_way(way, &o, &name);
    fct_status st = fct_model_load_engine(bytes, len, "test.onnx", &o, &m, err);
    if (st) return st;
    if (!(st = fct_session_create_in(m, &arena, &s, err))) {
        fct_session_profile(s, layers != NULL);
        st = run_twice(s, &arena, &in, t, outs, n, err);
    }
    if (!st && layers) *layers = fct_session_layer_count(s);
    if (st) net_out_free(outs, n);
    fct_session_free(s);
    fct_arena_free(&arena);
    fct_model_free(m);
    return st;
}

uint32_t net_random(uint32_t *seed) {
    uint32_t x = *seed ? *seed : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *seed = x;
}

float net_uniform(uint32_t *seed) { return (float)(net_random(seed) >> 8) / 8388608.0f - 1; }

void net_fill(uint32_t *seed, float *p, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = net_uniform(seed);
}

double net_error(const float *a, const float *b, size_t n) {
    double d = 0, r = 0;
    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        r += (double)b[i] * b[i];
    }
    return r > 0 ? sqrt(d / r) : sqrt(d);
}

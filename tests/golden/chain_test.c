/* Chains of layers: networks put together at random give the same with and without them, to the bit, with any number
 * of threads, and for batches. */
#include "base/thread.h"
#include "graph/cpu/plan_chain.h"
#include "net_util.h"
#include "test.h"
#include <stdio.h>
#include <string.h>

enum { LAYERS = 9, VALUES = 120000 };

/* What the network under construction ends with. */
typedef struct tail {
    ow w;
    uint32_t seed;
    int made, channels, h, w_;
    char last[16];
} tail;

static int pick(tail *t, int n) { return (int)((net_random(&t->seed) >> 8) % (uint32_t)n); }

/* Adds a node that reads the last value and `more`. */
static void add(tail *t, const char *op, const char *more) {
    char inputs[64];
    snprintf(inputs, sizeof inputs, "%s%s", t->last, more);
    snprintf(t->last, sizeof t->last, "v%d", t->made++);
    ow_node(&t->w, op, inputs, t->last);
}

static void window(tail *t, int k, int stride, int pad) {
    ow_ints(&t->w, "strides", 2, (int64_t[]){stride, stride});
    ow_ints(&t->w, "pads", 4, (int64_t[]){pad, pad, pad, pad});
    t->h = (t->h + 2 * pad - k) / stride + 1;
    t->w_ = (t->w_ + 2 * pad - k) / stride + 1;
}

static void conv(tail *t, int oc, int groups, int k, int stride, int pad) {
    static float data[64 * 64 * 9];
    char name[16], more[32];
    const int ic = t->channels / groups;
    const size_t count = (size_t)oc * ic * k * k;
    net_fill(&t->seed, data, count);
    for (size_t i = 0; i < count; i++) data[i] *= 1.7f / (float)(ic * k);
    snprintf(name, sizeof name, "w%d", t->made++);
    ow_f32(&t->w, name, 4, (int64_t[]){oc, ic, k, k}, data, OW_RAW);
    snprintf(more, sizeof more, ",%s", name);
    add(t, "Conv", more);
    ow_int(&t->w, "group", groups);
    window(t, k, stride, pad);
    t->channels = oc;
    if (pick(t, 2)) add(t, "Relu", "");
}

static void max_pool(tail *t) {
    const int k = 2 + pick(t, 2), stride = 1 + pick(t, 2), pad = k == 3 ? pick(t, 2) : 0;
    add(t, "MaxPool", "");
    ow_ints(&t->w, "kernel_shape", 2, (int64_t[]){k, k});
    window(t, k, stride, pad);
}

/* A bottleneck with its input added at the end: the input is read twice, so that it is a whole tensor. */
static void residual(tail *t) {
    char more[32];
    const int c = t->channels;
    snprintf(more, sizeof more, ",%s", t->last);
    conv(t, 40, 1, 1, 1, 0);
    conv(t, 40, 40, 3, 1, 1);
    conv(t, c, 1, 1, 1, 0);
    add(t, "Add", more);
}

static void add_layer(tail *t) {
    const int stride = 1 + (pick(t, 4) == 0);
    switch (pick(t, 7)) {
    case 0:
    case 1:
        conv(t, 5 + pick(t, 59), 1, 1, 1, 0);
        break;
    case 2:
        conv(t, t->channels, t->channels, 3, stride, pick(t, 4) != 0);
        break;
    case 3:
        conv(t, t->channels, t->channels, 5, stride, 2);
        break;
    case 4:
        conv(t, 5 + pick(t, 40), 1, 3, stride, 1);
        break;
    case 5:
        max_pool(t);
        break;
    default:
        residual(t);
    }
}

/* Runs the network; false when it failed. */
static bool run(tail *t, fct_chain_rule rule, int threads, int way, int batch, const float *x, net_out *out, int *steps,
                const int64_t *size) {
    fct_error e;
    const int64_t dims[4] = {batch, 3, size[0], size[1]};
    CHECK(!fct_set_threads(threads, &e));
    fct_chains = rule;
    const fct_status s = net_run(&t->w, way, x, 4, dims, out, 1, steps, &e);
    fct_chains = FCT_CHAIN_WHERE_WORTH;
    CHECK_MSG(!s, "%s", e.text);
    return !s;
}

/* Compares one network; returns how many steps chains have saved. */
static int compare(tail *t, int way, int batch, const float *x, const int64_t *size) {
    net_out want, got;
    int before = 0, after = 0;
    for (int threads = 1; threads <= 5; threads += 2) {
        if (!run(t, FCT_CHAIN_NEVER, threads, way, batch, x, &want, &before, size)) return 0;
        size_t count = 1;
        for (int i = 0; i < want.rank; i++) count *= (size_t)want.dims[i];
        if (!run(t, FCT_CHAIN_ALWAYS, threads, way, batch, x, &got, &after, size)) continue;
        CHECK_MSG(!memcmp(got.data, want.data, count * sizeof(float)), "way %d, batch %d, %d threads: error %g", way,
                  batch, threads, net_error(got.data, want.data, count));
        net_out_free(&got, 1);
        net_out_free(&want, 1);
    }
    return before - after;
}

TEST(same_bits) {
    static float x[VALUES];
    int saved = 0;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        tail t = {.seed = seed * 7919, .channels = 3, .last = "x"};
        const int64_t size[2] = {t.h = 9 + pick(&t, 50), t.w_ = 9 + pick(&t, 60)};
        const int before = test_failures;
        ow_begin(&t.w, 11);
        ow_input(&t.w, "x", 4, (int64_t[]){-1, 3, -1, -1});
        for (int i = 0; i < LAYERS && t.h > 5 && t.w_ > 5; i++) add_layer(&t);
        ow_output(&t.w, t.last);
        net_fill(&t.seed, x, VALUES);
        for (int way = 1; way <= 2; way++) saved += compare(&t, way, 1 + (seed + (uint32_t)way) % 3, x, size);
        if (test_failures > before) printf("seed %u\n", (unsigned)seed);
        ow_free(&t.w);
    }
    CHECK_MSG(saved > 200, "chains have saved %d steps", saved);
    fct_set_threads(0, NULL);
}

/* A pool of 2 x 2 pixels behind a convolution, which then writes pooled rows: whole tiles and those at the edge, half a
 * block of channels, integers. */
TEST(pools_while_writing) {
    static const struct {
        int h, w, ic, oc;
    } cases[] = {{36, 44, 12, 12}, {38, 50, 12, 24}, {24, 62, 24, 24}, {46, 30, 20, 40}, {32, 32, 72, 56}};
    static float x[VALUES];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tail t = {.seed = 12 + (uint32_t)i, .channels = 3, .last = "x", .h = cases[i].h, .w_ = cases[i].w};
        ow_begin(&t.w, 11);
        ow_input(&t.w, "x", 4, (int64_t[]){-1, 3, -1, -1});
        conv(&t, cases[i].ic, 1, 1, 1, 0);
        conv(&t, cases[i].oc, 1, 3, 1, 1);
        add(&t, "MaxPool", "");
        ow_ints(&t.w, "kernel_shape", 2, (int64_t[]){2, 2});
        window(&t, 2, 2, 0);
        conv(&t, 24, 1, 3, 1, 1);
        ow_output(&t.w, t.last);
        net_fill(&t.seed, x, VALUES);
        CHECK(compare(&t, 2, 1, x, (int64_t[]){cases[i].h, cases[i].w}) > 1);
        ow_free(&t.w);
    }
    fct_set_threads(0, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

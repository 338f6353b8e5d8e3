/* The front of a batch: where a plan has one, and that a batch gives what its
 * images give one by one, with any number of threads. */
#include "base/thread.h"
#include "graph/cpu/plan_front.h"
#include "graph/cpu/planner.h"
#include "net_util.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 20, BATCH = 5, ROW = 7 };

/* Convolution, pooling, convolution, then rows of 7 numbers. batch > 0: a Reshape
 * that fits this batch alone. */
static fct_model *make_net(int batch) {
    static float w[20 * 16 * 9];
    uint32_t seed = 5;
    fct_engine_opts o;
    fct_error e;
    fct_model *m;
    size_t len;
    ow n;
    ow_begin(&n, 11);
    ow_input(&n, "x", 4, (int64_t[]){batch ? batch : -1, 3, SIDE, SIDE});
    ow_output(&n, "y");
    ow_output(&n, "z");
    net_fill(&seed, w, sizeof w / sizeof *w);
    ow_f32(&n, "w1", 4, (int64_t[]){16, 3, 3, 3}, w, OW_RAW);
    ow_f32(&n, "w2", 4, (int64_t[]){20, 16, 3, 3}, w, OW_RAW);
    ow_f32(&n, "w3", 2, (int64_t[]){ROW, 20}, w, OW_RAW);
    ow_i64(&n, "shape", 1, (int64_t[]){3}, (int64_t[]){batch ? batch : 0, 16, batch ? SIDE * SIDE / 4 : -1}, OW_RAW);
    ow_node(&n, "Conv", "x,w1", "a");
    ow_ints(&n, "pads", 4, (int64_t[]){1, 1, 1, 1});
    ow_node(&n, "Relu", "a", "b");
    ow_node(&n, "MaxPool", "b", "c");
    ow_ints(&n, "kernel_shape", 2, (int64_t[]){2, 2});
    ow_ints(&n, "strides", 2, (int64_t[]){2, 2});
    ow_node(&n, "Reshape", "c,shape", "z");
    ow_node(&n, "Conv", "c,w2", "d");
    ow_node(&n, "GlobalAveragePool", "d", "f");
    ow_node(&n, "Flatten", "f", "g");
    ow_node(&n, "Gemm", "g,w3", "y");
    ow_int(&n, "transB", 1);
    const uint8_t *bytes = ow_end(&n, &len);
    fct_engine_opts_init(&o);
    fct_status st = fct_model_load_engine(bytes, len, "front.onnx", &o, &m, &e);
    CHECK_MSG(!st, "%s", e.text);
    REQUIRE(!st);
    ow_free(&n);
    return m;
}

static fct_plan *make_plan(const fct_model *m, int batch) {
    fct_tensor_view v = {.dtype = FCT_F32, .rank = 4, .dims = {batch, 3, SIDE, SIDE}};
    fct_plan *p;
    fct_error e;
    fct_status st = fct_plan_create((const fct_cpu_net *)m->net, &v, &p, &e);
    CHECK_MSG(!st, "%s", e.text);
    REQUIRE(!st);
    return p;
}

TEST(where_a_plan_has_one) {
    fct_model *m = make_net(0);
    fct_plan *p = make_plan(m, BATCH);
    CHECK(!p->front.one && p->begin == 0); /* all of it stays in the cache */
    fct_plan_free(p);
    fct_front_always = true;
    p = make_plan(m, 1);
    CHECK(!p->front.one);
    fct_plan_free(p);
    p = make_plan(m, BATCH);
    /* two convolutions and the pools are done image by image; the rows of 7 numbers by the batch */
    CHECK(p->front.one && p->begin >= 3 && p->begin < p->end && p->front.one->end == p->begin);
    CHECK(p->front.n_live >= 1 && p->front.images == BATCH);
    fct_plan_free(p);
    fct_model_free(m);
    m = make_net(BATCH); /* has no plan for one image */
    p = make_plan(m, BATCH);
    CHECK(!p->front.one);
    fct_plan_free(p);
    fct_model_free(m);
    fct_front_always = false;
}

TEST(a_batch_gives_what_its_images_give) {
    static float x[BATCH * 3 * SIDE * SIDE], y[BATCH * ROW], z[BATCH * 16 * SIDE * SIDE / 4];
    const size_t one = 3 * SIDE * SIDE, zs = 16 * SIDE * SIDE / 4;
    uint32_t seed = 9;
    fct_error e;
    net_fill(&seed, x, sizeof x / sizeof *x);
    for (int threads = 1; threads <= 4; threads++) {
        fct_model *m;
        fct_session *s;
        fct_tensor in = {x, 4, {1, 3, SIDE, SIDE}}, out[2];
        REQUIRE(!fct_set_threads(threads, NULL));
        m = make_net(0);
        REQUIRE(!fct_session_create(m, &s, &e));
        for (int i = 0; i < BATCH; i++) {
            in.data = x + one * (size_t)i;
            CHECK(!fct_session_run(s, &in, 1, out, 2, &e));
            memcpy(y + i * ROW, out[0].data, ROW * sizeof *y);
            memcpy(z + zs * (size_t)i, out[1].data, zs * sizeof *z);
        }
        in.data = x;
        fct_front_always = true;
        for (int n = 2; n <= BATCH; n++) {
            in.dims[0] = n;
            CHECK(!fct_session_run(s, &in, 1, out, 2, &e));
            CHECK(out[0].dims[0] == n && out[1].dims[0] == n);
            CHECK_MSG(net_error(out[0].data, y, (size_t)n * ROW) < 1e-5, "%d images, %d threads", n, threads);
            CHECK_MSG(!memcmp(out[1].data, z, (size_t)n * zs * sizeof *z), "%d images, %d threads", n, threads);
        }
        fct_session_profile(s, true);
        CHECK(!fct_session_run(s, &in, 1, out, 2, &e));
        CHECK(fct_session_layer_count(s) >= 5 && !memcmp(out[1].data, z, sizeof z));
        fct_front_always = false;
        fct_session_free(s);
        fct_model_free(m);
    }
    fct_set_threads(0, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

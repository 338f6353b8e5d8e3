/* Damaged and malicious files: every cut, every flipped bit, and what an attacker
 * would try first. Loading gives an error or a model that runs; the sanitizer
 * build of this suite says whether memory was touched that should not be. */
#include "base/alloc.h"
#include "graph/shapes.h"
#include "net_util.h"
#include "test.h"

/* Runs a model that loaded, unless a flipped bit made it large. */
static void run_small(fct_model *m) {
    fct_tensor_view in = {.dtype = FCT_F32, .rank = 4, .dims = {1, 3, 6, 5}};
    fct_shapes shapes = {0};
    fct_tensor x = {.rank = 4, .dims = {1, 3, 6, 5}}, out[8];
    float data[90] = {0};
    fct_error e;
    double work = 0;
    fct_session *s;
    if (fct_model_input_count(m) != 1 || fct_model_output_count(m) > 8) return;
    fct_status st = fct_shapes_infer(m->g, &in, &shapes, &e);
    for (int i = 0; !st && i < shapes.n; i++)
        if (shapes.known[i]) work += (double)fct_view_count(&shapes.views[i]);
    for (int i = 0; !st && i < m->g->n_nodes; i++) work += fct_node_macs(m->g, &shapes, &m->g->nodes[i]);
    fct_shapes_free(&shapes);
    if (st || work > 1e6) return;
    x.data = data;
    if (fct_session_create(m, &s, &e)) return;
    fct_session_run(s, &x, 1, out, fct_model_output_count(m), &e);
    fct_session_free(s);
}

/* Loads bytes from a block of exactly their size; checks that an error has a text. */
static void try_bytes(const uint8_t *bytes, size_t n, int way) {
    fct_engine_opts o;
    const char *name;
    fct_model *m;
    fct_error e = {0};
    uint8_t *copy = malloc(n ? n : 1);
    REQUIRE(copy != NULL);
    if (n) memcpy(copy, bytes, n);
    net_way(way, &o, &name);
    fct_status s = fct_model_load_engine(copy, n, "hostile.onnx", &o, &m, &e);
    free(copy);
    CHECK(s == FCT_OK ? m != NULL : m == NULL);
    if (s) CHECK_MSG(e.code == s && strstr(e.text, "hostile.onnx"), "status %d: %s", s, e.text);
    else run_small(m);
    fct_model_free(m);
}

static const char *const nodes[][3] = {{"Conv", "x,w,b", "a"},
                                       {"BatchNormalization", "a,b,b,b,v", "c"},
                                       {"Relu", "c", "d"},
                                       {"Shape", "d", "s"},
                                       {"Slice", "s,i0,i2", "n"},
                                       {"Concat", "n,two", "t"},
                                       {"Resize", "d,,,t", "e"},
                                       {"Transpose", "e", "f"},
                                       {"Reshape", "f,shape", "g"},
                                       {"Sigmoid", "g", "y"},
                                       {"GlobalAveragePool", "d", "h"},
                                       {"Flatten", "h", "k"},
                                       {"Gemm", "k,m", "z"}};

static const uint8_t *sample(ow *w, size_t *len) {
    float data[108];
    uint32_t seed = 77;
    net_fill(&seed, data, 108);
    ow_begin(w, 11);
    ow_input(w, "x", 4, (int64_t[]){-1, 3, 6, -1});
    ow_output(w, "y");
    ow_output(w, "z");
    ow_f32(w, "w", 4, (int64_t[]){4, 3, 1, 1}, data, OW_RAW);
    ow_f32(w, "b", 1, (int64_t[]){4}, data, OW_PACKED);
    ow_f32(w, "v", 1, (int64_t[]){4}, (float[]){1, 2, 3, 4}, OW_UNPACKED);
    ow_f32(w, "m", 2, (int64_t[]){4, 2}, data, OW_RAW);
    ow_i64(w, "i0", 1, (int64_t[]){1}, (int64_t[]){0}, OW_RAW);
    ow_i64(w, "i2", 1, (int64_t[]){1}, (int64_t[]){2}, OW_PACKED);
    ow_i64(w, "two", 1, (int64_t[]){2}, (int64_t[]){12, 10}, OW_UNPACKED);
    ow_i64(w, "shape", 1, (int64_t[]){2}, (int64_t[]){-1, 2}, OW_RAW);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        ow_node(w, nodes[i][0], nodes[i][1], nodes[i][2]);
        if (!strcmp(nodes[i][0], "Conv")) ow_ints(w, "pads", 4, (int64_t[]){0, 0, 0, 0});
        if (!strcmp(nodes[i][0], "Concat")) ow_int(w, "axis", 0);
        if (!strcmp(nodes[i][0], "Transpose")) ow_ints(w, "perm", 4, (int64_t[]){0, 2, 3, 1});
    }
    return ow_end(w, len);
}

TEST(sample_is_valid) {
    ow w;
    size_t n;
    const uint8_t *p = sample(&w, &n);
    fct_engine_opts o;
    const char *name;
    fct_model *m;
    fct_error e;
    net_way(1, &o, &name);
    fct_status s = fct_model_load_engine(p, n, "hostile.onnx", &o, &m, &e);
    CHECK_MSG(!s, "%s", e.text);
    fct_model_free(m);
    ow_free(&w);
}

TEST(cut_at_every_byte) {
    ow w;
    size_t n;
    const uint8_t *p = sample(&w, &n);
    for (size_t i = 0; i < n; i++)
        for (int way = 0; way < 2; way++) try_bytes(p, i, way);
    ow_free(&w);
}

TEST(flip_every_bit) {
    ow w;
    size_t n;
    sample(&w, &n);
    for (size_t i = 0; i < n * 8; i++) {
        w.file.p[i / 8] ^= (uint8_t)(1 << i % 8);
        try_bytes(w.file.p, n, (int)(i & 1));
        w.file.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    ow_free(&w);
}

TEST(random_damage) {
    ow w;
    size_t n;
    uint32_t seed = 99;
    sample(&w, &n);
    uint8_t *copy = malloc(n);
    REQUIRE(copy != NULL);
    for (int k = 0; k < 3000; k++) {
        memcpy(copy, w.file.p, n);
        for (int i = 0; i < 1 + k % 6; i++) copy[net_random(&seed) % n] = (uint8_t)net_random(&seed);
        try_bytes(copy, n, k & 1);
    }
    free(copy);
    ow_free(&w);
}

TEST(failing_allocations) {
    ow w;
    size_t n;
    const uint8_t *p = sample(&w, &n);
    long live = fct_alloc_live();
    for (int way = 0; way < 2; way++)
        for (long k = 1; k < 5000; k++) {
            fct_engine_opts o;
            const char *name;
            fct_model *m;
            fct_error e;
            net_way(way, &o, &name);
            fct_alloc_fail_at(k);
            fct_status s = fct_model_load_engine(p, n, "hostile.onnx", &o, &m, &e);
            fct_session *session = NULL;
            float data[90] = {0};
            fct_tensor x = {data, 4, {1, 3, 6, 5}}, out[2];
            if (!s) s = fct_session_create(m, &session, &e);
            if (!s) s = fct_session_run(session, &x, 1, out, 2, &e);
            fct_alloc_fail_at(0);
            CHECK_MSG(s == FCT_OK || s == FCT_ERR_NOMEM, "allocation %ld: %s", k, e.text);
            fct_session_free(session);
            fct_model_free(m);
            CHECK_MSG(fct_alloc_live() == live, "allocation %ld leaked", k);
            live = fct_alloc_live();
            if (s == FCT_OK) break;
        }
    ow_free(&w);
}

/* One tensor in a model of one node, to be refused. */
static void refuse(int type, int rank, const int64_t *dims, size_t bytes, const char *say) {
    static uint8_t zeros[64];
    ow w;
    net_out out;
    fct_error e;
    float x[4] = {0};
    ow_begin(&w, 11);
    ow_input(&w, "x", 1, (int64_t[]){4});
    ow_output(&w, "y");
    ow_raw(&w, "c", type, rank, dims, zeros, bytes);
    ow_node(&w, "Add", "x,c", "y");
    fct_status s = net_run(&w, 0, x, 1, (int64_t[]){4}, &out, 1, NULL, &e);
    CHECK_MSG(s && strstr(e.text, say), "status %d: %s", s, e.text);
    if (!s) net_out_free(&out, 1);
    ow_free(&w);
}

TEST(bad_tensors) {
    refuse(1, 1, (int64_t[]){5}, 16, "differ in length");
    refuse(1, 2, (int64_t[]){1 << 20, 1 << 20}, 16, "2^30");
    refuse(1, 1, (int64_t[]){INT64_MAX}, 16, "2^30");
    refuse(1, 1, (int64_t[]){-1}, 16, "2^30");
    refuse(8, 1, (int64_t[]){4}, 16, "element type 8");
    refuse(14, 1, (int64_t[]){4}, 32, "element type 14");
    refuse(1, 3, (int64_t[]){0, INT64_MAX / 2, 2}, 0, "2^30");
}

TEST(names) {
    static const char *const bad[][2] = {{"q", "nothing before it"}, {"y", "nothing before it"}};
    for (int i = 0; i < 2; i++) {
        ow w;
        net_out out;
        fct_error e;
        float x[4] = {0};
        ow_begin(&w, 11);
        ow_input(&w, "x", 1, (int64_t[]){4});
        ow_output(&w, "y");
        ow_node(&w, "Relu", bad[i][0], "y");
        fct_status s = net_run(&w, 0, x, 1, (int64_t[]){4}, &out, 1, NULL, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, bad[i][1]), "status %d: %s", s, e.text);
        ow_free(&w);
    }
}

/* ---- Small files that ask for a lot --------------------------------------------------- */

/* A network of one operator over x [1][1][64][64], and a constant i of four integers. */
static void begin_large(ow *w, const int64_t *i) {
    ow_begin(w, 11);
    ow_input(w, "x", 4, (int64_t[]){1, 1, 64, 64});
    ow_output(w, "y");
    ow_i64(w, "i", 1, (int64_t[]){4}, i, OW_RAW);
}

/* Ends the network and runs it: refused with those words before anything is made. */
static void refuse_large(ow *w, int way, const char *say) {
    static float x[64 * 64];
    net_out out;
    fct_error e;
    fct_status s = net_run(w, way, x, 4, (int64_t[]){1, 1, 64, 64}, &out, 1, NULL, &e);
    CHECK_MSG(s == FCT_ERR_LIMIT && strstr(e.text, say), "way %d, status %d: %s", way, s, s ? e.text : "");
    if (!s) net_out_free(&out, 1);
    ow_free(w);
}

TEST(tensors_too_large_to_make) {
    static const int64_t wide[4] = {1, 1, 32768, 16384}, all[4] = {1, 1, 1 << 29, 1};
    ow w;
    for (int way = 0; way < 3; way++) {
        begin_large(&w, wide);
        ow_node(&w, "Resize", "x,,,i", "y");
        refuse_large(&w, way, "(Resize): output of more than 268435456 elements");
        begin_large(&w, all);
        ow_node(&w, "ConstantOfShape", "i", "c");
        ow_node(&w, "Add", "x,c", "y");
        refuse_large(&w, way, "(ConstantOfShape): output of more than 268435456 elements");
    }
    begin_large(&w, (int64_t[]){1, 1, 16384, 8192}); /* each of them is small enough */
    ow_node(&w, "Resize", "x,,,i", "a");
    ow_node(&w, "Concat", "a,a,a", "y");
    ow_int(&w, "axis", 3);
    refuse_large(&w, 2, "(Concat): output of more than 268435456 elements");
}

/* A window as large as the picture, a product of large tensors, a convolution with
 * weights that were unfolded from a few bytes. */
TEST(work_too_long_to_do) {
    ow w;
    begin_large(&w, (int64_t[]){1, 1, 1024, 1024});
    ow_node(&w, "Resize", "x,,,i", "a");
    ow_node(&w, "MaxPool", "a", "y");
    ow_ints(&w, "kernel_shape", 2, (int64_t[]){1023, 1023});
    ow_ints(&w, "pads", 4, (int64_t[]){511, 511, 511, 511});
    refuse_large(&w, 2, "takes 1.1e+12 operations that have no fast form, more than 1.72e+10");
    begin_large(&w, (int64_t[]){1, 1, 8192, 8192});
    ow_node(&w, "Resize", "x,,,i", "a");
    ow_node(&w, "MatMul", "a,a", "y");
    refuse_large(&w, 2, "takes 5.5e+11 operations");
    begin_large(&w, (int64_t[]){1, 1, 8192, 8192});
    ow_i64(&w, "k", 1, (int64_t[]){4}, (int64_t[]){32, 1, 127, 127}, OW_RAW);
    ow_node(&w, "Resize", "x,,,i", "a");
    ow_node(&w, "ConstantOfShape", "k", "m");
    ow_node(&w, "Conv", "a,m", "y");
    ow_ints(&w, "strides", 2, (int64_t[]){4, 4});
    refuse_large(&w, 2, "takes 2.1e+12 ");
}

/* Folding a product of two large constants would take minutes; one tensor that
 * hundreds of layers pack, gigabytes. */
TEST(loading_is_bounded) {
    ow w;
    begin_large(&w, (int64_t[]){1, 1, 2048, 2048});
    ow_node(&w, "ConstantOfShape", "i", "a");
    ow_node(&w, "MatMul", "a,a", "b");
    ow_node(&w, "MatMul", "b,b", "c");
    ow_node(&w, "MatMul", "c,c", "y");
    refuse_large(&w, 2, "operations that have no fast form");
    begin_large(&w, (int64_t[]){1000, 1, 30, 30});
    ow_node(&w, "ConstantOfShape", "i", "a");
    char list[600] = "c0";
    for (int k = 0; k < 100; k++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", k);
        ow_node(&w, "Conv", "x,a", name);
        if (k) snprintf(list + strlen(list), sizeof list - strlen(list), ",%s", name);
    }
    ow_node(&w, "Concat", list, "y");
    refuse_large(&w, 2, "the layers have 9e+07 weights together, the file stores 0");
}

int main(int argc, char **argv) { return test_main(argc, argv); }

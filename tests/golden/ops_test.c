/* Each operator in a network of its own, run in every way the engine has, against
 * loops written here from the operator's definition. */
#include "ops_util.h"

TEST(unary) {
    static const struct {
        const char *op;
        int kind;
        float a, b;
    } list[] = {{"Relu", 0, 0, 0},  {"LeakyRelu", 1, 0.2f, 0}, {"Sigmoid", 2, 0, 0}, {"Tanh", 3, 0, 0},
                {"Exp", 4, 0, 0},   {"Abs", 5, 0, 0},          {"Neg", 6, 0, 0},     {"HardSigmoid", 7, 0.3f, 0.4f},
                {"Elu", 8, 1.5f, 0}};
    uint32_t seed = 1;
    float x[COUNT], y[COUNT];
    net_fill(&seed, x, COUNT);
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        for (int blocked = 0; blocked < 2; blocked++) {
            ow w;
            float a = list[k].a, b = list[k].b;
            const char *in = start(&w, 13, 4, image, blocked);
            ow_node(&w, list[k].op, in, "y");
            if (a != 0) ow_float(&w, "alpha", a);
            if (b != 0) ow_float(&w, "beta", b);
            for (int i = 0; i < COUNT; i++) {
                double v = x[i];
                double f[] = {v > 0 ? v : 0,
                              v < 0 ? a * v : v,
                              1 / (1 + exp(-v)),
                              tanh(v),
                              exp(v),
                              fabs(v),
                              -v,
                              fmin(1, fmax(0, a * v + b)),
                              v < 0 ? a * (exp(v) - 1) : v};
                y[i] = (float)f[list[k].kind];
            }
            expect(&w, x, 4, image, y, 4, image, LIMIT);
        }
}

TEST(clip_in_both_forms) {
    uint32_t seed = 2;
    float x[COUNT], y[COUNT], lo = -0.25f, hi = 0.5f;
    net_fill(&seed, x, COUNT);
    for (int form = 0; form < 8; form++) { /* bit 0: blocked; 1, 2: which limits; opset 9 or 11 */
        for (int opset = 9; opset <= 11; opset += 2) {
            ow w;
            char in[100];
            join(in, start(&w, opset, 4, image, form & 1), opset == 9 ? "" : form & 2 ? ",lo" : ",");
            if (opset > 9) join(in + strlen(in), form & 4 ? ",hi" : ",", "");
            ow_f32(&w, "lo", 0, NULL, &lo, OW_RAW);
            ow_f32(&w, "hi", 0, NULL, &hi, OW_PACKED);
            ow_node(&w, "Clip", in, "y");
            if (opset == 9 && form & 2) ow_float(&w, "min", lo);
            if (opset == 9 && form & 4) ow_float(&w, "max", hi);
            for (int i = 0; i < COUNT; i++) {
                y[i] = form & 2 && x[i] < lo ? lo : x[i];
                if (form & 4 && y[i] > hi) y[i] = hi;
            }
            expect(&w, x, 4, image, y, 4, image, LIMIT);
        }
    }
}

TEST(binary_broadcast) {
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Max", "Min"};
    static const struct {
        int rank;
        int64_t dims[4];
    } shapes[] = {{4, {2, 19, 7, 9}}, {0, {0}}, {1, {1}},           {3, {19, 1, 1}},
                  {4, {1, 19, 1, 1}}, {1, {9}}, {4, {2, 19, 1, 1}}, {2, {7, 1}}};
    uint32_t seed = 3;
    float x[COUNT], c[COUNT], y[COUNT];
    net_fill(&seed, x, COUNT);
    net_fill(&seed, c, COUNT);
    for (int i = 0; i < COUNT; i++) c[i] += c[i] < 0 ? -0.5f : 0.5f;
    for (int k = 0; k < 6; k++)
        for (size_t q = 0; q < sizeof shapes / sizeof *shapes; q++)
            for (int form = 0; form < 4; form++) { /* bit 0: blocked, 1: constant first */
                ow w;
                char in[100];
                const char *data = start(&w, 13, 4, image, form & 1);
                snprintf(in, sizeof in, form & 2 ? "c,%s" : "%s,c", data);
                ow_f32(&w, "c", shapes[q].rank, shapes[q].dims, c, OW_RAW);
                ow_node(&w, ops[k], in, "y");
                for (int i = 0; i < COUNT; i++) {
                    int at[4] = {i / (19 * 63), i / 63 % 19, i / 9 % 7, i % 9}, j = 0;
                    for (int d = 0; d < shapes[q].rank; d++) {
                        int64_t n = shapes[q].dims[d];
                        j = (int)(j * n + (n == 1 ? 0 : at[4 - shapes[q].rank + d]));
                    }
                    float a = form & 2 ? c[j] : x[i], b = form & 2 ? x[i] : c[j];
                    float f[] = {a + b, a - b, a * b, a / b, fmaxf(a, b), fminf(a, b)};
                    y[i] = f[k];
                }
                expect(&w, x, 4, image, y, 4, image, LIMIT);
            }
}

TEST(pooling) {
    static const int64_t cases[][10] = {/* kernel, stride, pads, ceil, include_pad */
                                        {2, 2, 2, 2, 0, 0, 0, 0, 0, 0}, {2, 2, 2, 2, 0, 0, 0, 0, 1, 0},
                                        {3, 3, 2, 2, 1, 1, 1, 1, 0, 0}, {3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
                                        {3, 2, 1, 2, 0, 1, 2, 0, 0, 1}, {3, 3, 2, 2, 0, 0, 1, 1, 1, 1}};
    uint32_t seed = 4;
    float x[COUNT], y[COUNT * 2];
    net_fill(&seed, x, COUNT);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int form = 0; form < 4; form++) { /* bit 0: blocked, 1: average */
            const int64_t *c = cases[k];
            int64_t o[2];
            for (int d = 0; d < 2; d++) {
                int64_t room = image[2 + d] + c[4 + d] + c[6 + d] - c[d];
                o[d] = (room + (c[8] ? c[2 + d] - 1 : 0)) / c[2 + d] + 1;
                if (c[8] && (o[d] - 1) * c[2 + d] >= image[2 + d] + c[4 + d]) o[d]--;
            }
            float *q = y;
            for (int p = 0; p < 2 * 19; p++)
                for (int64_t oy = 0; oy < o[0]; oy++)
                    for (int64_t ox = 0; ox < o[1]; ox++) {
                        double sum = 0, best = -1e30;
                        int in = 0, padded = 0;
                        for (int64_t i = oy * c[2] - c[4]; i < oy * c[2] - c[4] + c[0]; i++)
                            for (int64_t j = ox * c[3] - c[5]; j < ox * c[3] - c[5] + c[1]; j++) {
                                padded += i < 7 + c[6] && j < 9 + c[7];
                                if (i < 0 || i >= 7 || j < 0 || j >= 9) continue;
                                double v = x[p * 63 + i * 9 + j];
                                sum += v, in++;
                                if (v > best) best = v;
                            }
                        *q++ = (float)(form & 2 ? sum / (c[9] ? padded : in) : best);
                    }
            ow w;
            const char *in = start(&w, 11, 4, image, form & 1);
            ow_node(&w, form & 2 ? "AveragePool" : "MaxPool", in, "y");
            ow_ints(&w, "kernel_shape", 2, c);
            ow_ints(&w, "strides", 2, c + 2);
            ow_ints(&w, "pads", 4, c + 4);
            ow_int(&w, "ceil_mode", c[8]);
            if (form & 2) ow_int(&w, "count_include_pad", c[9]);
            expect(&w, x, 4, image, y, 4, (int64_t[]){2, 19, o[0], o[1]}, LIMIT);
        }
}

TEST(global_pooling_and_batch_norm) {
    uint32_t seed = 5;
    float x[COUNT], y[COUNT], p[4][19];
    net_fill(&seed, x, COUNT);
    net_fill(&seed, p[0], 4 * 19);
    for (int i = 0; i < 19; i++) p[3][i] = fabsf(p[3][i]) + 0.1f;
    for (int blocked = 0; blocked < 2; blocked++) {
        ow w;
        const char *in = start(&w, 9, 4, image, blocked);
        for (int i = 0; i < 38; i++) {
            double sum = 0;
            for (int k = 0; k < 63; k++) sum += x[i * 63 + k];
            y[i] = (float)(sum / 63);
        }
        ow_node(&w, "GlobalAveragePool", in, "y");
        expect(&w, x, 4, image, y, 4, (int64_t[]){2, 19, 1, 1}, LIMIT);

        char list[100];
        join(list, start(&w, 9, 4, image, blocked), ",p0,p1,p2,p3");
        for (int i = 0; i < 4; i++)
            ow_f32(&w, (const char *[]){"p0", "p1", "p2", "p3"}[i], 1, (int64_t[]){19}, p[i], OW_RAW);
        ow_node(&w, "BatchNormalization", list, "y");
        ow_float(&w, "epsilon", 1e-3f);
        for (int i = 0; i < COUNT; i++) {
            int c = i / 63 % 19;
            y[i] = (float)((x[i] - p[2][c]) / sqrt(p[3][c] + 1e-3) * p[0][c] + p[1][c]);
        }
        expect(&w, x, 4, image, y, 4, image, LIMIT);
    }
}

TEST(gemm_and_matmul) {
    uint32_t seed = 7;
    float x[3 * 37], m[37 * 21], c[21], y[3 * 21], mt[21 * 37];
    net_fill(&seed, x, 3 * 37);
    net_fill(&seed, m, 37 * 21);
    net_fill(&seed, c, 21);
    for (int i = 0; i < 37; i++)
        for (int j = 0; j < 21; j++) mt[j * 37 + i] = m[i * 21 + j];
    for (int form = 0; form < 3; form++) { /* MatMul, Gemm, Gemm with transB */
        ow w;
        start(&w, 11, 2, (int64_t[]){-1, 37}, false);
        ow_f32(&w, "m", 2, form == 2 ? (int64_t[]){21, 37} : (int64_t[]){37, 21}, form == 2 ? mt : m, OW_RAW);
        ow_f32(&w, "c", 1, (int64_t[]){21}, c, OW_UNPACKED);
        ow_node(&w, form ? "Gemm" : "MatMul", form ? "x,m,c" : "x,m", "y");
        if (form) ow_float(&w, "alpha", 0.5f);
        if (form) ow_float(&w, "beta", 2);
        if (form == 2) ow_int(&w, "transB", 1);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 21; j++) {
                double s = 0;
                for (int k = 0; k < 37; k++) s += (double)x[i * 37 + k] * m[k * 21 + j];
                y[i * 21 + j] = (float)(form ? 0.5 * s + 2 * c[j] : s);
            }
        expect(&w, x, 2, (int64_t[]){3, 37}, y, 2, (int64_t[]){3, 21}, LIMIT);
    }
}

TEST(softmax_before_and_after_13) {
    uint32_t seed = 8;
    float x[2 * 3 * 5], y[30];
    net_fill(&seed, x, 30);
    for (int opset = 11; opset <= 13; opset += 2) {
        ow w;
        start(&w, opset, 3, (int64_t[]){2, 3, 5}, false);
        ow_node(&w, "Softmax", "x", "y");
        ow_int(&w, "axis", 1);
        for (int n = 0; n < 2; n++)
            for (int k = 0; k < 15; k++) {
                double sum = 0;
                for (int j = 0; j < 15; j++)
                    if (opset == 11 || j % 5 == k % 5) sum += exp(x[n * 15 + j]);
                y[n * 15 + k] = (float)(exp(x[n * 15 + k]) / sum);
            }
        expect(&w, x, 3, (int64_t[]){2, 3, 5}, y, 3, (int64_t[]){2, 3, 5}, LIMIT);
    }
}

TEST(moves) {
    uint32_t seed = 9;
    float x[COUNT], y[COUNT * 2];
    net_fill(&seed, x, COUNT);
    for (int blocked = 0; blocked < 2; blocked++) {
        ow w;
        char in[100];
        const char *data = start(&w, 11, 4, image, blocked); /* N,C,H,W -> W,H,N,C */
        ow_node(&w, "Transpose", data, "y");
        ow_ints(&w, "perm", 4, (int64_t[]){3, 2, 0, 1});
        for (int i = 0; i < COUNT; i++) y[((i % 9 * 7 + i / 9 % 7) * 2 + i / 1197) * 19 + i / 63 % 19] = x[i];
        expect(&w, x, 4, image, y, 4, (int64_t[]){9, 7, 2, 19}, 0);

        data = start(&w, 11, 4, image, blocked); /* x with itself along the channels */
        snprintf(in, sizeof in, "%s,%s", data, data);
        ow_node(&w, "Concat", in, "y");
        ow_int(&w, "axis", 1);
        for (int i = 0; i < 2 * COUNT; i++) y[i] = x[i / 2394 * 1197 + i % 1197];
        expect(&w, x, 4, image, y, 4, (int64_t[]){2, 38, 7, 9}, 0);

        for (int opset = 9; opset <= 11; opset += 2) { /* channels 3..14, rows backwards where steps exist */
            join(in, start(&w, opset, 4, image, blocked), opset == 9 ? "" : ",from,to,axes,steps");
            ow_i64(&w, "from", 1, (int64_t[]){2}, (int64_t[]){3, -1}, OW_PACKED);
            ow_i64(&w, "to", 1, (int64_t[]){2}, (int64_t[]){15, INT64_MIN}, OW_UNPACKED);
            ow_i64(&w, "axes", 1, (int64_t[]){2}, (int64_t[]){1, -2}, OW_RAW);
            ow_i64(&w, "steps", 1, (int64_t[]){2}, (int64_t[]){1, -1}, OW_RAW);
            ow_node(&w, "Slice", in, "y");
            if (opset == 9) ow_ints(&w, "starts", 2, (int64_t[]){3, 0});
            if (opset == 9) ow_ints(&w, "ends", 2, (int64_t[]){-4, 7000});
            if (opset == 9) ow_ints(&w, "axes", 2, (int64_t[]){1, 2});
            for (int i = 0; i < 2 * 12 * 63; i++) {
                int row = i / 9 % 7;
                y[i] = x[i / 756 * 1197 + (i / 63 % 12 + 3) * 63 + (opset == 9 ? row : 6 - row) * 9 + i % 9];
            }
            expect(&w, x, 4, image, y, 4, (int64_t[]){2, 12, 7, 9}, 0);
        }
        join(in, start(&w, 11, 4, image, blocked), ",g");
        ow_i64(&w, "g", 1, (int64_t[]){2}, (int64_t[]){-1, 4}, OW_RAW);
        ow_node(&w, "Gather", in, "y");
        ow_int(&w, "axis", 1);
        for (int i = 0; i < 2 * 2 * 63; i++) y[i] = x[i / 126 * 1197 + (i / 63 % 2 ? 4 : 18) * 63 + i % 63];
        expect(&w, x, 4, image, y, 4, (int64_t[]){2, 2, 7, 9}, 0);
    }
}

/* Shape -> Gather, Cast, Unsqueeze, Concat -> Reshape, as exporters write it. */
TEST(shape_chains) {
    uint32_t seed = 10;
    float x[COUNT];
    net_fill(&seed, x, COUNT);
    for (int opset = 11; opset <= 13; opset += 2)
        for (int blocked = 0; blocked < 2; blocked++) {
            ow w;
            char in[100];
            const char *data = start(&w, opset, 4, (int64_t[]){-1, 19, -1, -1}, blocked);
            ow_i64(&w, "zero", 0, NULL, (int64_t[]){0}, OW_RAW);
            ow_i64(&w, "axis", 1, (int64_t[]){1}, (int64_t[]){0}, OW_RAW);
            ow_i64(&w, "rest", 1, (int64_t[]){2}, (int64_t[]){-1, 9}, OW_RAW);
            ow_node(&w, "Shape", data, "s");
            ow_node(&w, "Gather", "s,zero", "n");
            ow_node(&w, "Cast", "n", "f");
            ow_int(&w, "to", 1);
            ow_node(&w, "Cast", "f", "i");
            ow_int(&w, "to", 7);
            ow_node(&w, "Unsqueeze", opset < 13 ? "i" : "i,axis", "u");
            if (opset < 13) ow_ints(&w, "axes", 1, (int64_t[]){0});
            ow_node(&w, "Concat", "u,rest", "d");
            ow_int(&w, "axis", 0);
            snprintf(in, sizeof in, "%s,d", data);
            ow_node(&w, "Reshape", in, "r");
            ow_node(&w, "Unsqueeze", opset < 13 ? "r" : "r,axis", "r4");
            if (opset < 13) ow_ints(&w, "axes", 1, (int64_t[]){0});
            ow_node(&w, "Squeeze", opset < 13 ? "r4" : "r4,axis", "y");
            if (opset < 13) ow_ints(&w, "axes", 1, (int64_t[]){0});
            expect(&w, x, 4, image, x, 3, (int64_t[]){2, 133, 9}, 0);
        }
}

/* The same vector stored in every form that a float can come in. */
TEST(tensor_forms) {
    float x[4] = {1, 2, 3, 4}, want[4], c[4] = {0.5f, -1.25f, 3, 65504}, sub = 0x1p-24f;
    uint16_t half[4] = {0x3800, 0xbd00, 0x4200, 0x7bff};
    double wide[4] = {0.5, -1.25, 3, 65504};
    for (int form = 0; form < 6; form++) {
        ow w;
        start(&w, 13, 1, (int64_t[]){4}, false);
        if (form < 3) ow_f32(&w, "c", 1, (int64_t[]){4}, c, (ow_form)form);
        if (form == 3) ow_raw(&w, "c", 10, 1, (int64_t[]){4}, half, sizeof half);
        if (form == 4) ow_raw(&w, "c", 11, 1, (int64_t[]){4}, wide, sizeof wide);
        if (form == 5) {
            half[0] = 1; /* the smallest subnormal */
            ow_raw(&w, "c", 10, 1, (int64_t[]){4}, half, sizeof half);
        }
        ow_node(&w, "Mul", "x,c", "y");
        for (int i = 0; i < 4; i++) want[i] = x[i] * (form == 5 && i == 0 ? sub : c[i]);
        expect(&w, x, 1, (int64_t[]){4}, want, 1, (int64_t[]){4}, 0);
    }
}

TEST(constants_and_identities) {
    float x[4] = {1, -2, 3, -4}, c[4] = {1, 1, 2, 2}, want[4];
    ow w;
    start(&w, 11, 1, (int64_t[]){4}, false);
    ow_node(&w, "Constant", "", "c");
    ow_value_f32(&w, 1, (int64_t[]){4}, c);
    ow_node(&w, "Identity", "x", "a");
    ow_node(&w, "Dropout", "a", "b");
    ow_node(&w, "Add", "b,c", "d");
    ow_node(&w, "Identity", "d", "y");
    for (int i = 0; i < 4; i++) want[i] = x[i] + c[i];
    expect(&w, x, 1, (int64_t[]){4}, want, 1, (int64_t[]){4}, 0);

    start(&w, 11, 1, (int64_t[]){4}, false); /* outputs that are an input, a constant, a shape */
    ow_node(&w, "Shape", "x", "s");
    ow_node(&w, "Cast", "s", "f");
    ow_int(&w, "to", 1);
    ow_node(&w, "Mul", "x,f", "y");
    for (int i = 0; i < 4; i++) want[i] = x[i] * 4;
    expect(&w, x, 1, (int64_t[]){4}, want, 1, (int64_t[]){4}, 0);
}

/* An operator facet does not know is named with its node. */
TEST(unknown_operator) {
    ow w;
    net_out out;
    fct_error e;
    float x[4] = {0};
    start(&w, 11, 1, (int64_t[]){4}, false);
    ow_node(&w, "Mystery", "x", "y");
    CHECK(net_run(&w, 1, x, 1, (int64_t[]){4}, &out, 1, NULL, &e) == FCT_ERR_UNSUPPORTED);
    CHECK_MSG(strstr(e.text, "test.onnx") && strstr(e.text, "Mystery_0") && strstr(e.text, "offset"), "%s", e.text);
    ow_free(&w);
    start(&w, 18, 1, (int64_t[]){4}, false);
    ow_node(&w, "Relu", "x", "y");
    CHECK(net_run(&w, 1, x, 1, (int64_t[]){4}, &out, 1, NULL, &e) == FCT_ERR_UNSUPPORTED);
    ow_free(&w);
}

/* An operator's number, its place in the list and its name belong together, and no two share one. */
TEST(numbers_and_names_agree) {
    CHECK(!fct_op_get(FCT_OP_NONE) && !fct_op_get(FCT_OP_COUNT) && !fct_op_find("Mystery"));
    for (int i = FCT_OP_NONE + 1; i < FCT_OP_COUNT; i++) {
        const fct_op *op = fct_op_get((fct_op_id)i);
        REQUIRE(op);
        CHECK_MSG(op->id == (fct_op_id)i, "%s has the number %d at place %d", op->name, (int)op->id, i);
        CHECK_MSG(fct_op_find(op->name) == op, "two operators are called %s", op->name);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

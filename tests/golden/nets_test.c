/* Convolutions against the definition, and networks with everything the passes
 * look for: every way of running them against the plain operators. */
#include "graph/cpu/plan_front.h"
#include "net_util.h"
#include "test.h"
#include <math.h>

typedef struct net_case {
    int n, ic, oc, groups, k[2], s[2], d[2], pad[4], h, w;
    const char *auto_pad;
} net_case;

static size_t product(const int64_t *d) { return (size_t)(d[0] * d[1] * d[2] * d[3]); }

/* The definition, in double; padding given explicitly. */
static void naive_conv(const net_case *c, const float *x, const float *w, const float *b, float *y, int oh, int ow_) {
    int icg = c->ic / c->groups, ocg = c->oc / c->groups;
    for (int n = 0; n < c->n; n++)
        for (int o = 0; o < c->oc; o++)
            for (int oy = 0; oy < oh; oy++)
                for (int ox = 0; ox < ow_; ox++) {
                    double s = b[o];
                    for (int i = 0; i < icg; i++)
                        for (int ky = 0; ky < c->k[0]; ky++)
                            for (int kx = 0; kx < c->k[1]; kx++) {
                                int iy = oy * c->s[0] - c->pad[0] + ky * c->d[0],
                                    ix = ox * c->s[1] - c->pad[1] + kx * c->d[1];
                                if (iy < 0 || iy >= c->h || ix < 0 || ix >= c->w) continue;
                                int ch = o / ocg * icg + i;
                                s += (double)x[((n * c->ic + ch) * c->h + iy) * c->w + ix] *
                                     w[((o * icg + i) * c->k[0] + ky) * c->k[1] + kx];
                            }
                    *y++ = (float)s;
                }
}

static const net_case cases[] = {
    {1, 3, 8, 1, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 13, 15, NULL},
    {2, 19, 21, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 7, 9, NULL},
    {1, 24, 24, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 9, 11, NULL},
    {3, 12, 18, 3, {3, 2}, {2, 1}, {1, 2}, {0, 2, 1, 0}, 10, 9, NULL},
    {1, 16, 32, 1, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 12, 12, NULL},
    {1, 5, 4, 1, {7, 7}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 7, 7, NULL},
    {1, 4, 4, 4, {5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}, 6, 8, "SAME_UPPER"},
    {1, 6, 9, 1, {2, 2}, {1, 1}, {1, 1}, {1, 1, 0, 0}, 5, 6, "SAME_LOWER"},
    {1, 6, 9, 1, {3, 3}, {2, 2}, {1, 1}, {0, 1, 1, 1}, 6, 7, "SAME_UPPER"},
    {1, 6, 9, 1, {3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 8, 9, "VALID"},
    {2, 3, 20, 1, {16, 16}, {16, 16}, {1, 1}, {0, 0, 0, 0}, 32, 48, NULL},
    {1, 4, 3, 1, {18, 18}, {5, 5}, {1, 1}, {8, 8, 8, 8}, 26, 24, NULL}, /* deeper than a planar input may be */
    {1, 3, 6, 3, {5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}, 14, 13, NULL},   /* groups of planar channels */
};

static void conv_attributes(ow *w, const net_case *c) {
    ow_ints(w, "kernel_shape", 2, (int64_t[]){c->k[0], c->k[1]});
    ow_ints(w, "strides", 2, (int64_t[]){c->s[0], c->s[1]});
    ow_ints(w, "dilations", 2, (int64_t[]){c->d[0], c->d[1]});
    ow_int(w, "group", c->groups);
    if (c->auto_pad) ow_string(w, "auto_pad", c->auto_pad);
    else ow_ints(w, "pads", 4, (int64_t[]){c->pad[0], c->pad[1], c->pad[2], c->pad[3]});
}

TEST(convolutions) {
    uint32_t seed = 20;
    static float x[20000], w[20000], b[64], y[20000];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const net_case *c = &cases[k];
        int64_t xd[4] = {c->n, c->ic, c->h, c->w}, wd[4] = {c->oc, c->ic / c->groups, c->k[0], c->k[1]};
        int64_t bd = c->oc, yd[4] = {c->n, c->oc, 0, 0};
        for (int d = 0; d < 2; d++)
            yd[2 + d] = (xd[2 + d] + c->pad[d] + c->pad[2 + d] - c->d[d] * (c->k[d] - 1) - 1) / c->s[d] + 1;
        net_fill(&seed, x, product(xd));
        net_fill(&seed, w, product(wd));
        net_fill(&seed, b, (size_t)c->oc);
        naive_conv(c, x, w, b, y, (int)yd[2], (int)yd[3]);
        ow m;
        ow_begin(&m, 11);
        ow_input(&m, "x", 4, xd);
        ow_output(&m, "y");
        ow_f32(&m, "w", 4, wd, w, OW_RAW);
        ow_f32(&m, "b", 1, &bd, b, OW_RAW);
        ow_node(&m, "Conv", "x,w,b", "y");
        conv_attributes(&m, c);
        for (int way = 0; way < NET_WAYS; way++) {
            net_out out;
            fct_error e;
            fct_status s = net_run(&m, way, x, 4, xd, &out, 1, NULL, &e);
            CHECK_MSG(!s, "case %zu way %d: %s", k, way, e.text);
            if (s) continue;
            CHECK_MSG(!memcmp(out.dims, yd, sizeof yd), "case %zu way %d: shape", k, way);
            double err = net_error(out.data, y, product(yd));
            CHECK_MSG(err < (way == 2 ? 2e-3 : 2e-6), "case %zu way %d: error %.2e", k, way, err);
            net_out_free(&out, 1);
        }
        ow_free(&m);
    }
}

/* ---- Networks --------------------------------------------------------------- */

typedef struct net {
    ow w;
    uint32_t seed;
    int values;
    char last[32];
} net;

static void net_begin(net *n, uint32_t seed, int opset, const int64_t *in) {
    ow_begin(&n->w, opset);
    n->seed = seed;
    n->values = 0;
    strcpy(n->last, "x");
    ow_input(&n->w, "x", 4, in);
}

/* New constant of random numbers times scale plus shift; its name in a static buffer. */
static const char *constant(net *n, int rank, const int64_t *dims, float scale, float shift) {
    static char names[4][32];
    static int turn;
    static float data[40000];
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    net_fill(&n->seed, data, count);
    for (size_t i = 0; i < count; i++) data[i] = data[i] * scale + shift;
    char *name = names[turn++ & 3];
    snprintf(name, 32, "c%d", n->values++);
    ow_f32(&n->w, name, rank, dims, data, OW_RAW);
    return name;
}

/* Adds a node on the given inputs; its value becomes last. */
static void add(net *n, const char *op, const char *inputs) {
    char copy[300]; /* inputs may be last itself */
    snprintf(copy, sizeof copy, "%s", inputs);
    snprintf(n->last, sizeof n->last, "v%d", n->values++);
    ow_node(&n->w, op, copy, n->last);
}

static void conv(net *n, const char *in, int ic, int oc, int k, int stride, int groups) {
    char list[100], wname[32];
    float scale = 1.7f / sqrtf((float)(ic / groups * k * k));
    snprintf(wname, sizeof wname, "%s", constant(n, 4, (int64_t[]){oc, ic / groups, k, k}, scale, 0));
    snprintf(list, sizeof list, "%s,%s,%s", in, wname, constant(n, 1, (int64_t[]){oc}, 0.2f, 0));
    add(n, "Conv", list);
    ow_ints(&n->w, "strides", 2, (int64_t[]){stride, stride});
    ow_ints(&n->w, "pads", 4, (int64_t[]){k / 2, k / 2, k / 2, k / 2});
    ow_int(&n->w, "group", groups);
}

static void batch_norm(net *n, const char *in, int c) {
    char list[200], p[4][32];
    for (int i = 0; i < 4; i++)
        snprintf(p[i], 32, "%s", constant(n, 1, (int64_t[]){c}, 0.3f, i == 0 || i == 3 ? 1 : 0));
    snprintf(list, sizeof list, "%s,%s,%s,%s,%s", in, p[0], p[1], p[2], p[3]);
    add(n, "BatchNormalization", list);
}

static void activation(net *n, int kind, int c) {
    char list[100], in[32];
    strcpy(in, n->last);
    switch (kind % 5) {
    case 0:
        add(n, "Relu", in);
        break;
    case 1:
        snprintf(list, sizeof list, "%s,%s", in, constant(n, 3, (int64_t[]){c, 1, 1}, 0.5f, 0.25f));
        add(n, "PRelu", list);
        break;
    case 2:
        add(n, "LeakyRelu", in);
        break;
    case 3:
        add(n, "Clip", in);
        ow_float(&n->w, "min", -0.3f);
        ow_float(&n->w, "max", 1.1f);
        break;
    case 4:
        add(n, "Sigmoid", in);
        break;
    }
}

/* Compares all ways with the plain one on an input of that shape; layers[way]. */
static void compare_ways(net *n, const int64_t *dims, int outputs, int *layers) {
    static float x[60000];
    net_out want[12], out[12];
    fct_error e;
    net_fill(&n->seed, x, product(dims));
    fct_status s = net_run(&n->w, 0, x, 4, dims, want, outputs, NULL, &e);
    CHECK_MSG(!s, "plain: %s", e.text);
    /* then batches once more with as long a front as can be: their first steps image by image */
    for (int run = 1; run < (dims[0] > 1 ? 2 : 1) * NET_WAYS && !s; run++) {
        int way = run % NET_WAYS;
        fct_front_always = run >= NET_WAYS;
        fct_status st = net_run(&n->w, way, x, 4, dims, out, outputs, run < NET_WAYS ? &layers[way] : NULL, &e);
        CHECK_MSG(!st, "way %d: %s", run, e.text);
        for (int o = 0; o < outputs && !st; o++) {
            size_t count = 1;
            for (int i = 0; i < want[o].rank; i++) count *= (size_t)want[o].dims[i];
            bool same = out[o].rank == want[o].rank && !memcmp(out[o].dims, want[o].dims, (size_t)want[o].rank * 8);
            CHECK_MSG(same, "way %d output %d: shape", run, o);
            double err = same ? net_error(out[o].data, want[o].data, count) : 0;
            CHECK_MSG(err < (way == 2 ? 5e-3 : 2e-5), "way %d output %d: error %.2e", run, o, err);
        }
        if (!st) net_out_free(out, outputs);
    }
    fct_front_always = false;
    if (!s) net_out_free(want, outputs);
}

/* Embedder: Sub and Mul in front, blocks of bn, conv, bn, act, conv, bn, add; then
 * bn, flatten, gemm, bn. */
TEST(embedder) {
    for (int kind = 0; kind < 5; kind++) {
        net n;
        char list[100], block[32];
        int layers[NET_WAYS] = {0};
        int64_t in[4] = {-1, 3, 16, 12}, run[4] = {2, 3, 16, 12};
        net_begin(&n, 30 + (uint32_t)kind, 11, in);
        ow_output(&n.w, "y");
        snprintf(list, sizeof list, "x,%s", constant(&n, 0, NULL, 0, 0.4f));
        add(&n, "Sub", list);
        snprintf(list, sizeof list, "%s,%s", n.last, constant(&n, 0, NULL, 0, 1.5f));
        add(&n, "Mul", list);
        conv(&n, n.last, 3, 20, 3, 1, 1);
        activation(&n, kind, 20);
        for (int b = 0; b < 2; b++) {
            strcpy(block, n.last);
            batch_norm(&n, block, 20);
            conv(&n, n.last, 20, 20, 3, 1, b ? 20 : 1);
            batch_norm(&n, n.last, 20);
            activation(&n, kind + b, 20);
            conv(&n, n.last, 20, 20, 1, 1, 1);
            batch_norm(&n, n.last, 20);
            snprintf(list, sizeof list, "%s,%s", b ? block : n.last, b ? n.last : block);
            add(&n, "Add", list);
            if (b) activation(&n, kind, 20);
        }
        add(&n, "MaxPool", n.last);
        ow_ints(&n.w, "kernel_shape", 2, (int64_t[]){2, 2});
        ow_ints(&n.w, "strides", 2, (int64_t[]){2, 2});
        batch_norm(&n, n.last, 20);
        add(&n, "Flatten", n.last);
        snprintf(list, sizeof list, "%s,%s", n.last, constant(&n, 2, (int64_t[]){33, 20 * 48}, 0.05f, 0));
        add(&n, "Gemm", list);
        ow_int(&n.w, "transB", 1);
        batch_norm(&n, n.last, 33);
        ow_node(&n.w, "Identity", n.last, "y");
        compare_ways(&n, run, 1, layers);
        CHECK_MSG(layers[1] <= 8, "%d steps with all passes", layers[1]); /* 5 convs, pool, fc, identity at most */
        CHECK_MSG(layers[1] < layers[4], "%d steps with fusion, %d without", layers[1], layers[4]);
        ow_free(&n.w);
    }
}

/* A head: convolution, scaled, to N,H,W,C, reshaped, a sigmoid on the scores. */
static void head(net *n, const char *in, int c, int kind, const char *out) {
    char list[100];
    conv(n, in, 24, c, 3, 1, 1);
    if (kind == 1) {
        snprintf(list, sizeof list, "%s,%s", n->last, constant(n, 1, (int64_t[]){1}, 0, 1.3f));
        add(n, "Mul", list);
    }
    add(n, "Transpose", n->last);
    ow_ints(&n->w, "perm", 4, (int64_t[]){0, 2, 3, 1});
    snprintf(list, sizeof list, "shape%d", n->values++);
    ow_i64(&n->w, list, 1, (int64_t[]){2}, (int64_t[]){-1, c / 2}, OW_RAW);
    char args[150];
    snprintf(args, sizeof args, "%s,%s", n->last, list);
    if (kind) {
        ow_node(&n->w, "Reshape", args, out);
    } else {
        add(n, "Reshape", args);
        ow_node(&n->w, "Sigmoid", n->last, out);
    }
}

/* coarse resized to fine's size through Shape, Slice, Concat, and added. */
static void step_down(net *n, const char *coarse, const char *fine, int c) {
    char list[100], a[32], b[32], lateral[32];
    conv(n, fine, c, 24, 1, 1, 1);
    strcpy(lateral, n->last);
    add(n, "Shape", coarse);
    snprintf(list, sizeof list, "%s,zero,two", n->last);
    add(n, "Slice", list);
    strcpy(a, n->last);
    add(n, "Shape", lateral);
    snprintf(list, sizeof list, "%s,two,four", n->last);
    add(n, "Slice", list);
    strcpy(b, n->last);
    snprintf(list, sizeof list, "%s,%s", a, b);
    add(n, "Concat", list);
    ow_int(&n->w, "axis", 0);
    snprintf(list, sizeof list, "%s,,,%s", coarse, n->last);
    add(n, "Resize", list);
    ow_string(&n->w, "coordinate_transformation_mode", "asymmetric");
    ow_string(&n->w, "nearest_mode", "floor");
    snprintf(list, sizeof list, "%s,%s", lateral, n->last);
    add(n, "Add", list);
}

TEST(detector) {
    static const char *const outs[] = {"s0", "b0", "k0", "s1", "b1", "k1"};
    static const int64_t sizes[][2] = {{32, 32}, {33, 47}, {40, 24}, {5, 3}};
    for (int batch = 1; batch <= 3; batch += 2)
        for (int k = 0; k < 4; k++) {
            net n;
            char fine[32], coarse[32];
            int layers[NET_WAYS] = {0};
            int64_t in[4] = {-1, 3, -1, -1}, run[4] = {batch, 3, sizes[k][0], sizes[k][1]};
            net_begin(&n, 40 + (uint32_t)k, 11, in);
            for (int i = 0; i < 6; i++) ow_output(&n.w, outs[i]);
            ow_i64(&n.w, "zero", 1, (int64_t[]){1}, (int64_t[]){0}, OW_RAW);
            ow_i64(&n.w, "two", 1, (int64_t[]){1}, (int64_t[]){2}, OW_RAW);
            ow_i64(&n.w, "four", 1, (int64_t[]){1}, (int64_t[]){4}, OW_RAW);
            conv(&n, "x", 3, 16, 3, 2, 1);
            activation(&n, 0, 16);
            strcpy(fine, n.last);
            conv(&n, fine, 16, 24, 3, 2, 1);
            activation(&n, 0, 24);
            strcpy(coarse, n.last);
            step_down(&n, coarse, fine, 16);
            strcpy(fine, n.last);
            for (int i = 0; i < 3; i++) head(&n, fine, i == 0 ? 2 : i == 1 ? 8 : 20, i, outs[i]);
            for (int i = 0; i < 3; i++) head(&n, coarse, i == 0 ? 2 : i == 1 ? 8 : 20, i, outs[3 + i]);
            compare_ways(&n, run, 6, layers);
            CHECK_MSG(layers[1] == 11, "%d steps", layers[1]); /* 3 convs, 2 merged heads of 3 outputs each */
            CHECK_MSG(layers[5] == 15, "%d steps without siblings", layers[5]);
            ow_free(&n.w);
        }
}

/* Networks put together at random: whatever the passes make of them must compute the same. */
static void random_net(uint32_t seed) {
    net n;
    char list[100], kept[32] = "";
    int layers[NET_WAYS] = {0}, c = 3;
    int64_t in[4] = {-1, 3, -1, -1}, run[4] = {1 + seed % 3, 3, 9 + seed % 14, 8 + seed * 7 % 17};
    net_begin(&n, seed * 7919 + 1, 11, in);
    for (int i = 0; i < 14; i++) {
        uint32_t r = net_random(&n.seed) >> 8;
        char at[32];
        strcpy(at, n.last);
        switch (r % 9) {
        case 0:
        case 1: {
            int oc = (int)(4 + r / 16 % 29);
            conv(&n, at, c, oc, r / 512 % 2 ? 3 : 1, 1, 1);
            if (oc != c) kept[0] = 0;
            c = oc;
            break;
        }
        case 2:
            conv(&n, at, c, c, 3, 1, c);
            break;
        case 3:
            batch_norm(&n, at, c);
            break;
        case 4:
            activation(&n, (int)(r / 16), c);
            break;
        case 5:
            snprintf(list, sizeof list, "%s,%s", at, constant(&n, 3, (int64_t[]){r / 16 % 2 ? c : 1, 1, 1}, 1, 0.3f));
            add(&n, r / 64 % 3 == 0 ? "Mul" : r / 64 % 3 == 1 ? "Add" : "Sub", list);
            break;
        case 6:
            if (!kept[0]) strcpy(kept, at);
            else {
                snprintf(list, sizeof list, "%s,%s", r / 16 % 2 ? kept : at, r / 16 % 2 ? at : kept);
                add(&n, r / 32 % 4 ? "Add" : "Mul", list);
                kept[0] = 0;
            }
            break;
        case 7:
            add(&n, r / 16 % 2 ? "MaxPool" : "AveragePool", at);
            ow_ints(&n.w, "kernel_shape", 2, (int64_t[]){3, 3});
            ow_ints(&n.w, "pads", 4, (int64_t[]){1, 1, 1, 1});
            break;
        default:
            snprintf(list, sizeof list, "%s,%s", at, kept[0] ? kept : at);
            if (c > 40) break;
            add(&n, "Concat", list);
            ow_int(&n.w, "axis", 1);
            c *= 2;
            kept[0] = 0;
        }
    }
    ow_output(&n.w, "y");
    ow_output(&n.w, n.last);
    char at[32];
    strcpy(at, n.last);
    add(&n, "GlobalAveragePool", at);
    ow_node(&n.w, "Flatten", n.last, "y");
    compare_ways(&n, run, 2, layers);
    ow_free(&n.w);
}

TEST(random_networks) {
    for (uint32_t seed = 1; seed <= 60; seed++) {
        int before = test_failures;
        random_net(seed);
        if (test_failures > before) printf("seed %u\n", (unsigned)seed);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

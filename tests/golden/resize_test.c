/* Resize in all its forms against the specification's formulas, in every way the engine has. */
#include "ops_util.h"

/* Nearest and linear by the specification's formulas, in double. */
static double resize_at(const float *x, int64_t h, int64_t wd, double py, double px, bool linear) {
    if (!linear) {
        int64_t i = (int64_t)floor(py), j = (int64_t)floor(px);
        i = i < 0 ? 0 : i >= h ? h - 1 : i;
        j = j < 0 ? 0 : j >= wd ? wd - 1 : j;
        return x[i * wd + j];
    }
    py = fmin(fmax(py, 0), (double)(h - 1));
    px = fmin(fmax(px, 0), (double)(wd - 1));
    int64_t i = (int64_t)py, j = (int64_t)px, i1 = i + 1 < h ? i + 1 : i, j1 = j + 1 < wd ? j + 1 : j;
    double a = py - (double)i, b = px - (double)j;
    return (x[i * wd + j] * (1 - b) + x[i * wd + j1] * b) * (1 - a) +
           (x[i1 * wd + j] * (1 - b) + x[i1 * wd + j1] * b) * a;
}

TEST(resize_forms) {
    uint32_t seed = 6;
    static float x[COUNT], y[COUNT * 9];
    static const char *const coords[] = {"asymmetric", "half_pixel", "align_corners"};
    net_fill(&seed, x, COUNT);
    /* form: bit 0 blocked, 1 linear, 2 sizes instead of scales; opset 9 is Upsample, 10 the first Resize */
    for (int form = 0; form < 8; form++)
        for (int opset = 9; opset <= 13; opset++)
            for (int coord = 0; coord < 3; coord++) {
                bool old = opset < 11, linear = form & 2;
                if (opset == 12 || (old && (coord || form & 4))) continue;
                float scales[4] = {1, 1, 2, 3};
                int64_t sizes[4] = {2, 19, 14, 27};
                ow w;
                char in[100];
                join(in, start(&w, opset, 4, image, form & 1), old ? ",s" : form & 4 ? ",,,n" : ",,s");
                ow_f32(&w, "s", 1, (int64_t[]){4}, scales, OW_RAW);
                ow_i64(&w, "n", 1, (int64_t[]){4}, sizes, OW_RAW);
                ow_node(&w, opset == 9 ? "Upsample" : "Resize", in, "y");
                ow_string(&w, "mode", linear ? "linear" : "nearest");
                if (!old) ow_string(&w, "coordinate_transformation_mode", coords[coord]);
                if (!old) ow_string(&w, "nearest_mode", "floor");
                for (int p = 0; p < 38; p++)
                    for (int i = 0; i < 14; i++)
                        for (int j = 0; j < 27; j++) {
                            double py = coord == 0 ? i / 2.0 : coord == 1 ? (i + 0.5) / 2 - 0.5 : i * 6.0 / 13;
                            double px = coord == 0 ? j / 3.0 : coord == 1 ? (j + 0.5) / 3 - 0.5 : j * 8.0 / 26;
                            if (!linear) py += 1e-6, px += 1e-6; /* away from rounding at whole numbers */
                            y[(p * 14 + i) * 27 + j] = (float)resize_at(x + p * 63, 7, 9, py, px, linear);
                        }
                expect(&w, x, 4, image, y, 4, sizes, 1e-5);
            }
}

/* Input position of output i by the operator's definition. */
static double position(int coord, int i, int n, int out) {
    double scale = (double)out / n;
    switch (coord) {
    case 0:
        return i / scale;
    case 1:
        return (i + 0.5) / scale - 0.5;
    case 2:
        return out > 1 ? i * (n - 1.0) / (out - 1) : 0;
    case 3:
        return out > 1 ? (i + 0.5) / scale - 0.5 : 0;
    default:
        return (i + 0.5) / scale;
    }
}

/* The nearest input position; rounding at halves and whole numbers is left to the
 * fractions of the sizes below, which have neither. */
static int nearest(int mode, double p, int n) {
    double r = mode < 2 ? floor(p + 0.5) : mode == 2 ? floor(p) : ceil(p);
    return r < 0 ? 0 : r >= n ? n - 1 : (int)r;
}

/* Every axis grows, shrinks or stays, images and channels too, in all modes. */
TEST(nearest_resize_of_every_axis) {
    static const char *const coords[] = {"asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel",
                                         "tf_half_pixel_for_nn"};
    static const char *const modes[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    static const int64_t in[4] = {2, 5, 7, 11},
                         out[5][4] = {{2, 5, 17, 29}, {2, 3, 3, 4}, {5, 7, 7, 11}, {1, 5, 1, 37}, {7, 2, 23, 11}};
    static float x[770], y[7 * 7 * 23 * 37];
    uint32_t seed = 61;
    net_fill(&seed, x, 770);
    for (int k = 0; k < 5; k++)
        for (int coord = 0; coord < 5; coord++)
            for (int mode = 0; mode < 4; mode++) {
                int at[4][40];
                ow w;
                bool exact = false;
                for (int d = 0; d < 4; d++)
                    for (int i = 0; i < out[k][d]; i++) {
                        double p = in[d] == out[k][d] ? i : position(coord, i, (int)in[d], (int)out[k][d]), h = 2 * p;
                        exact |=
                            in[d] != out[k][d] && fabs(h - floor(h + 0.5)) < 1e-6 && p > 0 && p < (double)in[d] - 1;
                        at[d][i] = nearest(mode, p, (int)in[d]);
                    }
                if (exact) continue; /* two answers within rounding */
                const char *name = start(&w, 13, 4, in, false);
                char list[100];
                join(list, name, ",,,n");
                ow_i64(&w, "n", 1, (int64_t[]){4}, out[k], OW_RAW);
                ow_node(&w, "Resize", list, "y");
                ow_string(&w, "coordinate_transformation_mode", coords[coord]);
                ow_string(&w, "nearest_mode", modes[mode]);
                size_t n = 0;
                for (int a = 0; a < out[k][0]; a++)
                    for (int b = 0; b < out[k][1]; b++)
                        for (int c = 0; c < out[k][2]; c++)
                            for (int d = 0; d < out[k][3]; d++)
                                y[n++] = x[((at[0][a] * 5 + at[1][b]) * 7 + at[2][c]) * 11 + at[3][d]];
                expect(&w, x, 4, in, y, 4, out[k], 0);
            }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Exported networks: facet's engine must compute from the file what the trainer
 * computes itself; reading a file back gives the same numbers. */
#include "train/export.h"
#include "facet/face.h"
#include "facet/model.h"
#include "people.h"

enum { N = 3 };

/* A network with every parameter and statistic away from its special values. */
typedef struct export_rig {
    fct_net_spec spec;
    float *params, *stats, *input, *out;
    char *folder, *path;
} export_rig;

static float *numbers(size_t n) {
    float *p = fct_aligned_alloc((n + 1) * sizeof *p);
    REQUIRE(p);
    return p;
}

static export_rig open_rig(const char *text, const char *name) {
    export_rig r = {0};
    fct_error err = {0};
    fct_rng rng = {21};
    CHECK_MSG(fct_net_spec_parse(text, &r.spec, &err) == FCT_OK, "%s", err.text);
    size_t in = (size_t)N * r.spec.size * r.spec.size * r.spec.channels;
    r.params = numbers(r.spec.n_params), r.stats = numbers(r.spec.n_stats), r.input = numbers(in);
    r.out = numbers((size_t)N * r.spec.dim);
    fct_net_init(&r.spec, &rng, r.params, r.stats);
    for (int i = 0; i < r.spec.n_param; i++)
        for (size_t j = 0; j < r.spec.param[i].count && !r.spec.param[i].decay; j++)
            r.params[r.spec.param[i].offset + j] += 0.1f * (float)fct_rng_normal(&rng);
    for (size_t i = 0; i < r.spec.n_stats; i++) r.stats[i] += 0.3f * (float)fct_rng_uniform(&rng);
    for (size_t i = 0; i < in; i++) r.input[i] = (float)fct_rng_range(&rng, -1, 1);
    r.folder = fresh_folder(name);
    r.path = path_in(r.folder, "w.onnx");
    return r;
}

static void close_rig(export_rig *r) {
    fct_net_spec_clear(&r->spec);
    fct_aligned_free(r->params), fct_aligned_free(r->stats), fct_aligned_free(r->input), fct_aligned_free(r->out);
    fct_free(r->folder), fct_free(r->path);
}

/* The trainer's own embeddings, into out [N][dim]. */
static void forward(export_rig *r) {
    fct_net *net;
    REQUIRE(fct_net_create(&r->spec, N, false, NULL, &net, NULL) == FCT_OK);
    const float *z = fct_net_forward(net, r->params, r->stats, r->input, N, (fct_net_mode){0});
    for (int i = 0; i < N; i++)
        memcpy(r->out + (size_t)i * r->spec.dim, z + (size_t)i * fct_pad(r->spec.dim), (size_t)r->spec.dim * sizeof *z);
    fct_net_free(net);
}

/* Relative distance of the engine's embeddings to out, in 2-norms. */
static double engine_error(const export_rig *r, fct_precision precision) {
    fct_model_opts o;
    fct_model *m;
    fct_session *s;
    fct_error err = {0};
    fct_model_opts_init(&o);
    o.precision = precision;
    CHECK_MSG(fct_model_load(r->path, &o, &m, &err) == FCT_OK, "%s", err.text);
    REQUIRE(fct_session_create(m, &s, &err) == FCT_OK);
    int side = r->spec.size, c = r->spec.channels;
    size_t plane = (size_t)side * side;
    float *planes = numbers((size_t)N * c * plane);
    for (size_t i = 0; i < N * plane; i++)
        for (int k = 0; k < c; k++) planes[(i / plane * c + k) * plane + i % plane] = r->input[i * c + k];
    fct_tensor in = {planes, 4, {N, c, side, side}}, z;
    CHECK_MSG(fct_session_run(s, &in, 1, &z, 1, &err) == FCT_OK, "%s", err.text);
    REQUIRE(z.rank == 2 && z.dims[0] == N && z.dims[1] == r->spec.dim);
    double off = 0, all = 0;
    for (int i = 0; i < N * r->spec.dim; i++) {
        off += (z.data[i] - r->out[i]) * (double)(z.data[i] - r->out[i]);
        all += r->out[i] * (double)r->out[i];
    }
    fct_aligned_free(planes);
    fct_session_free(s);
    fct_model_free(m);
    return sqrt(off / all);
}

static void check_export(const char *text) {
    export_rig r = open_rig(text, "train_export");
    fct_error err = {0};
    fct_file_stat whole, half;
    double e;
    CHECK_MSG(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, &err) == FCT_OK, "%s",
              err.text);
    fct_file_get_stat(r.path, &whole);
    forward(&r);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_EXACT)) < 1e-5, "%s: %.2g", text, e);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_FAST)) < 5e-3, "%s: fast: %.2g", text, e);
    /* As float16: the same as the trainer with its weights rounded likewise. */
    CHECK_MSG(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){.half = true}, &err) == FCT_OK,
              "%s", err.text);
    fct_file_get_stat(r.path, &half);
    CHECK_MSG(half.size < whole.size, "%llu and %llu bytes", (unsigned long long)half.size,
              (unsigned long long)whole.size);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_EXACT)) > 1e-6 && e < 5e-3, "%s: float16: %.2g from float32", text,
              e);
    for (int i = 0; i < r.spec.n_param; i++)
        for (size_t j = 0; j < r.spec.param[i].count && strstr(r.spec.param[i].name, ".weight"); j++) {
            float *w = &r.params[r.spec.param[i].offset + j];
            *w = fct_float_from_half(fct_half_from_float(*w));
        }
    forward(&r);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_EXACT)) < 1e-5, "%s: float16: %.2g", text, e);
    close_rig(&r);
}

TEST(engine_gives_the_trainers_embeddings) {
    check_export("input 32 3; conv 12 3 2; dw 3 1; down 20 24 2; res 40 2; conv 24 1 1; gdc; linear 18");
    check_export("mobilefacenet width=0.125 blocks=1,1,1 stem=8 dim=24");
    check_export("input 32 3; conv 8 3 1; ires 8 2 2; ires 20 2 1; bn; linear 16");
    check_export("input 24 1; conv 7 5 2; conv 33 3 2 linear; conv 18 1 1; linear 9");
}

/* With the mirror image: the mean of the trainer's two embeddings. */
TEST(mirror_image_too) {
    export_rig r = open_rig("input 32 3; conv 12 3 2; dw 3 1; down 20 24 2; res 40 2; gdc; linear 18", "train_mirror");
    const int side = r.spec.size, channels = r.spec.channels;
    const size_t n = (size_t)N * r.spec.dim;
    float *plain = numbers(n), *turned = numbers((size_t)N * side * side * channels);
    double e;
    forward(&r);
    memcpy(plain, r.out, n * sizeof *plain);
    for (int i = 0; i < N * side; i++)
        for (int x = 0; x < side; x++)
            memcpy(turned + ((size_t)i * side + x) * channels, r.input + ((size_t)i * side + side - 1 - x) * channels,
                   (size_t)channels * sizeof *turned);
    float *const upright = r.input;
    r.input = turned;
    forward(&r);
    r.input = upright;
    for (size_t i = 0; i < n; i++) r.out[i] = (r.out[i] + plain[i]) / 2;
    REQUIRE(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){.mirror = true}, NULL) == FCT_OK);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_EXACT)) < 1e-5, "%.2g", e);
    CHECK_MSG((e = engine_error(&r, FCT_PRECISION_FAST)) < 5e-3, "fast: %.2g", e);
    fct_aligned_free(plain), fct_aligned_free(turned);
    close_rig(&r);
}

/* Alone it embeds; the pack is whole with a detector beside it. */
TEST(export_is_a_pack) {
    fct_pack_opts o;
    fct_pack_opts_init(&o);
    o.tasks = FCT_TASK_EMBED;
    export_rig r =
        open_rig("input 112 3; conv 8 3 2; down 16 16 2; conv 16 3 2; conv 16 3 2; gdc; linear 32", "train_pack");
    for (int half = 0; half < 4; half++) { /* and the mirror image in bit 1 */
        fct_pack *pack;
        fct_error err = {0};
        CHECK(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){half & 1, half >> 1}, &err) ==
              FCT_OK);
        CHECK(fct_pack_open(r.folder, NULL, &pack, &err) == FCT_ERR_NOT_FOUND);
        fct_status st = fct_pack_open(r.folder, &o, &pack, &err);
        CHECK_MSG(st == FCT_OK, "%s", err.text);
        REQUIRE(st == FCT_OK);
        CHECK(fct_pack_tasks(pack) == FCT_TASK_EMBED && fct_pack_embedding_dim(pack) == 32);
        fct_pack_free(pack);
    }
    close_rig(&r);
}

TEST(read_back_is_the_same) {
    export_rig r =
        open_rig("input 32 3; conv 12 3 2; dw 3 1; down 20 24 2; res 40 2; conv 24 1 1; gdc; linear 18", "train_back");
    float *params = numbers(r.spec.n_params), *stats = numbers(r.spec.n_stats);
    char *text;
    CHECK(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, NULL) == FCT_OK);
    CHECK(fct_import_network(r.path, &text, NULL) == FCT_OK && !strcmp(text, r.spec.text));
    fct_free(text);
    CHECK(fct_import_onnx(r.path, &r.spec, params, stats, NULL) == FCT_OK);
    CHECK(!memcmp(params, r.params, r.spec.n_params * sizeof *params));
    CHECK(!memcmp(stats, r.stats, r.spec.n_stats * sizeof *stats));
    CHECK(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){.half = true}, NULL) == FCT_OK);
    CHECK(fct_import_onnx(r.path, &r.spec, params, stats, NULL) == FCT_OK);
    for (size_t i = 0; i < r.spec.n_params; i++) /* half precision has 11 bits */
        CHECK(fabsf(params[i] - r.params[i]) <= fabsf(r.params[i]) / 2048 + 6e-8f);
    CHECK(!memcmp(stats, r.stats, r.spec.n_stats * sizeof *stats));
    fct_aligned_free(params), fct_aligned_free(stats);
    close_rig(&r);
}

static void embed(const fct_net_spec *s, const float *params, float *stats, const float *x, float *out) {
    fct_net *net;
    REQUIRE(fct_net_create(s, 2, false, NULL, &net, NULL) == FCT_OK);
    const float *y = fct_net_forward(net, params, stats, x, 2, (fct_net_mode){0});
    memcpy(out, y, 2 * (size_t)fct_pad(s->dim) * sizeof *out);
    fct_net_free(net);
}

/* A deeper network computes what the file's computes, bit for bit: its further blocks add nothing. */
TEST(more_blocks_begin_as_identities) {
    export_rig r = open_rig("input 32 3; conv 12 3 2; res 24 1; down 20 24 2; res 40 2; down 20 40 2; gdc; linear 18",
                            "train_grow");
    fct_net_spec deep;
    fct_rng rng = {8};
    float x[2 * 32 * 32 * 3], a[2 * 32], b[2 * 32];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = fct_rng_normal(&rng);
    REQUIRE(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, NULL) == FCT_OK);
    REQUIRE(fct_net_spec_parse(
                "input 32 3; conv 12 3 2; res 24 2; down 20 24 2; res 40 5; res 8 1; down 20 40 2; gdc; linear 18",
                &deep, NULL) == FCT_OK);
    float *params = numbers(deep.n_params), *stats = numbers(deep.n_stats);
    fct_net_init(&deep, &rng, params, stats);
    CHECK(fct_import_onnx(r.path, &deep, params, stats, NULL) == FCT_OK);
    embed(&r.spec, r.params, r.stats, x, a);
    embed(&deep, params, stats, x, b);
    CHECK(!memcmp(a, b, sizeof a));
    fct_net_spec_clear(&deep);
    /* fewer blocks, or other widths, are another network */
    static const char *const other[] = {
        "input 32 3; conv 12 3 2; down 20 24 2; res 40 2; down 20 40 2; gdc; linear 18",
        "input 32 3; conv 12 3 2; res 24 1; down 20 24 2; res 40 1; down 20 40 2; gdc; linear 18",
        "input 32 3; conv 12 3 2; res 24 1; down 20 24 2; res 44 2; down 20 40 2; gdc; linear 18",
        "input 32 3; conv 12 3 2; res 24 1; down 20 24 2; res 40 2; down 20 40 2; gdc; linear 17"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        fct_error err = {0};
        REQUIRE(fct_net_spec_parse(other[i], &deep, NULL) == FCT_OK);
        CHECK_MSG(fct_import_onnx(r.path, &deep, params, stats, &err) == FCT_ERR_MISMATCH, "%s", other[i]);
        CHECK_MSG(strstr(err.text, "res"), "%s", err.text);
        fct_net_spec_clear(&deep);
    }
    fct_aligned_free(params), fct_aligned_free(stats);
    close_rig(&r);
}

/* No file, however damaged, may do more than fail. */
TEST(damaged_files_are_refused) {
    export_rig r = open_rig("input 16 3; conv 4 3 2; gdc; linear 8", "train_cut");
    float *params = numbers(r.spec.n_params), *stats = numbers(r.spec.n_stats);
    fct_net_spec other;
    uint8_t *bytes;
    size_t size;
    REQUIRE(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, NULL) == FCT_OK);
    REQUIRE(fct_file_read(r.path, 1 << 20, &bytes, &size, NULL) == FCT_OK);
    for (size_t cut = 0; cut < size; cut += 1 + size / 300) {
        REQUIRE(fct_file_write_atomic(r.path, bytes, cut, NULL) == FCT_OK);
        CHECK_MSG(fct_import_onnx(r.path, &r.spec, params, stats, NULL) != FCT_OK, "%zu of %zu bytes", cut, size);
    }
    fct_rng rng = {6};
    for (int i = 0; i < 300; i++) {
        size_t at = fct_rng_below(&rng, (uint32_t)size);
        uint8_t keep = bytes[at];
        bytes[at] = (uint8_t)fct_rng_next(&rng);
        REQUIRE(fct_file_write_atomic(r.path, bytes, size, NULL) == FCT_OK);
        fct_import_onnx(r.path, &r.spec, params, stats, NULL); /* a changed weight is no fault */
        bytes[at] = keep;
    }
    fct_free(bytes);
    REQUIRE(fct_net_spec_parse("input 16 3; conv 5 3 2; gdc; linear 8", &other, NULL) == FCT_OK);
    REQUIRE(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, NULL) == FCT_OK);
    CHECK(fct_import_onnx(r.path, &other, params, stats, NULL) == FCT_ERR_MISMATCH);
    r.params[3] = NAN;
    REQUIRE(fct_export_onnx(r.path, &r.spec, r.params, r.stats, (fct_export_opts){0}, NULL) == FCT_OK);
    CHECK(fct_import_onnx(r.path, &r.spec, params, stats, NULL) == FCT_ERR_FORMAT);
    fct_net_spec_clear(&other);
    fct_aligned_free(params), fct_aligned_free(stats);
    close_rig(&r);
}

/* The value of half precision number h, by the definition of IEEE 754. */
static double half_value(int h) {
    double m = h & 1023;
    int e = h >> 10 & 31;
    return (h & 0x8000 ? -1 : 1) * (e ? ldexp(1 + m / 1024, e - 15) : ldexp(m / 1024, -14));
}

TEST(half_precision) {
    for (int h = 0; h < 0x10000; h++) {
        if ((h >> 10 & 31) == 31) continue;
        CHECK(fct_float_from_half((uint16_t)h) == half_value(h));
        CHECK(fct_half_from_float((float)half_value(h)) == h);
    }
    for (int h = 0; h + 1 < 0x7c00; h++) { /* between neighbors: the nearer, in the middle the even one */
        double a = half_value(h), b = half_value(h + 1);
        CHECK(fct_half_from_float((float)(a + 0.49 * (b - a))) == h);
        CHECK(fct_half_from_float((float)(a + 0.51 * (b - a))) == h + 1);
        CHECK(fct_half_from_float((float)(a + 0.5 * (b - a))) == (h & 1 ? h + 1 : h));
    }
    CHECK(fct_half_from_float(65519.9f) == 0x7bff && fct_half_from_float(65520) == 0x7c00);
    CHECK(fct_half_from_float(-INFINITY) == 0xfc00 && isnan(fct_float_from_half(fct_half_from_float(NAN))));
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Signatures, routing and manifests. The ONNX files are written here, byte by byte. */
#include "test.h"
#include "base/alloc.h"
#include "pack/manifest.h"
#include "pack/signature.h"

/* ---- A small protobuf writer ------------------------------------------------------------ */

typedef struct bytes {
    uint8_t p[8192];
    size_t n;
} bytes;

static void put_varint(bytes *b, uint64_t v) {
    for (; v >= 128; v >>= 7) b->p[b->n++] = (uint8_t)(v | 128);
    b->p[b->n++] = (uint8_t)v;
}

static void put_bytes(bytes *b, int field, const void *p, size_t n) {
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_text(bytes *b, int field, const char *s) { put_bytes(b, field, s, strlen(s)); }
static void put_message(bytes *b, int field, const bytes *m) { put_bytes(b, field, m->p, m->n); }

/* A dimension below 1 is written as a name. */
static void put_info(bytes *graph, int field, const char *name, const int *dims, int rank) {
    bytes shape = {.n = 0}, tensor = {.n = 0}, type = {.n = 0}, info = {.n = 0};
    for (int i = 0; i < rank; i++) {
        bytes dim = {.n = 0};
        if (dims[i] > 0) {
            put_varint(&dim, 1 << 3);
            put_varint(&dim, (uint64_t)dims[i]);
        } else put_text(&dim, 2, "n");
        put_message(&shape, 1, &dim);
    }
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static void put_node(bytes *graph, const char *name, const char *op, const char *in, const char *out) {
    bytes node = {.n = 0};
    put_text(&node, 1, in);
    put_text(&node, 1, "weight");
    put_text(&node, 2, out);
    put_text(&node, 3, name);
    put_text(&node, 4, op);
    put_message(graph, 1, &node);
}

static void put_weight(bytes *graph, const char *name) {
    bytes t = {.n = 0};
    put_text(&t, 8, name);
    put_message(graph, 5, &t);
}

static fct_status read_model(const bytes *graph, fct_signature *s, fct_error *err) {
    bytes model = {.n = 0};
    put_varint(&model, 1 << 3);
    put_varint(&model, 8);
    put_message(&model, 7, graph);
    return fct_signature_read(model.p, model.n, "m.onnx", s, err);
}

/* Signature with an input, n_in in all, of h x w and n_out outputs of `values`. */
static fct_signature shapes(int n_in, int batch, int h, int w, int n_out, int values) {
    bytes graph = {.n = 0};
    int in[4] = {batch, 3, h, w}, out[2] = {batch, values};
    fct_signature s;
    for (int i = 0; i < n_in; i++) put_info(&graph, 11, i ? "source" : "data", in, 4);
    for (int i = 0; i < n_out; i++) put_info(&graph, 12, "out", out, 2);
    put_node(&graph, "c", "Conv", "data", "x");
    REQUIRE(read_model(&graph, &s, NULL) == FCT_OK);
    return s;
}

static fct_route route(fct_signature s) {
    fct_route r;
    fct_signature_route(&s, false, &r);
    return r;
}

/* ---- Routing ---------------------------------------------------------------------------- */

TEST(every_kind_of_network_finds_its_task) {
    static const int outputs[4] = {6, 9, 10, 15};
    for (int i = 0; i < 4; i++) {
        fct_route r = route(shapes(1, 1, 0, 0, outputs[i], 1));
        CHECK(r.task == FCT_TASK_DETECT && r.width == 0 && r.mean == 127.5 && r.std == 128 && !r.batches);
    }
    fct_route r = route(shapes(1, 1, 480, 640, 9, 1));
    CHECK(r.task == FCT_TASK_DETECT && r.width == 640 && r.height == 480);
    r = route(shapes(1, 0, 192, 192, 1, 212));
    CHECK(r.task == FCT_TASK_LANDMARK_106 && r.batches);
    CHECK(route(shapes(1, 0, 192, 192, 1, 3309)).task == FCT_TASK_LANDMARK_68);
    CHECK(route(shapes(1, 0, 96, 96, 1, 3)).task == FCT_TASK_GENDER_AGE);
    r = route(shapes(1, 0, 112, 112, 1, 512));
    CHECK(r.task == FCT_TASK_EMBED && r.mean == 127.5 && r.std == 127.5 && r.width == 112);
    CHECK(route(shapes(1, 0, 128, 128, 1, 512)).task == FCT_TASK_EMBED);
    CHECK(route(shapes(1, 0, 224, 224, 1, 256)).task == FCT_TASK_EMBED);
}

TEST(what_is_not_used_says_why) {
    fct_route r = route(shapes(2, 1, 128, 128, 1, 512));
    CHECK(r.task == 0 && strstr(r.note, "swapper"));
    r = route(shapes(1, 1, 100, 100, 1, 5));
    CHECK(r.task == 0 && strstr(r.note, "unknown signature") && strstr(r.note, "1 x 3 x 100 x 100"));
    r = route(shapes(1, 1, 640, 640, 12, 1));
    CHECK(r.task == 0 && strstr(r.note, "12 outputs"));
    r = route(shapes(1, 1, 192, 192, 1, 136));
    CHECK(r.task == 0 && strstr(r.note, "136"));
    r = route(shapes(1, 1, 96, 96, 1, 7));
    CHECK(r.task == 0 && strstr(r.note, "7"));
    CHECK(route(shapes(1, 1, 112, 96, 1, 512)).task == 0);
    CHECK(route(shapes(1, 1, 80, 80, 1, 512)).task == 0);
    CHECK(route(shapes(1, 4, 112, 112, 1, 512)).task == 0); /* a fixed batch of four */
    CHECK(route(shapes(0, 1, 112, 112, 1, 512)).task == 0);
}

TEST(weights_among_the_inputs_do_not_count) {
    bytes graph = {.n = 0};
    int in[4] = {1, 3, 112, 112}, w[4] = {64, 3, 3, 3}, out[2] = {1, 512};
    fct_signature s;
    put_info(&graph, 11, "weight", w, 4);
    put_info(&graph, 11, "data", in, 4);
    put_info(&graph, 12, "out", out, 2);
    put_weight(&graph, "bias");
    put_weight(&graph, "weight");
    REQUIRE(read_model(&graph, &s, NULL) == FCT_OK);
    CHECK(s.inputs == 1 && s.dims[2] == 112 && s.out_dims[1] == 512);
    CHECK(route(s).task == FCT_TASK_EMBED);
}

/* Nodes of an embedder: (name, operator) pairs in a chain from the input. */
static fct_signature chain(int side, const char *const (*nodes)[2], int n) {
    bytes graph = {.n = 0};
    int in[4] = {1, 3, side, side}, out[2] = {1, side == 112 ? 512 : 3};
    char a[16] = "data", b[16];
    fct_signature s;
    for (int i = 0; i < n; i++) {
        bool constant = strcmp(nodes[i][1], "Constant") == 0;
        snprintf(b, sizeof b, "t%d", i);
        put_node(&graph, nodes[i][0], nodes[i][1], constant ? "" : a, constant ? "k" : b);
        if (!constant) memcpy(a, b, sizeof a);
    }
    put_info(&graph, 11, "data", in, 4);
    put_info(&graph, 12, "out", out, 2);
    REQUIRE(read_model(&graph, &s, NULL) == FCT_OK);
    return s;
}

static bool own_norm(int side, bool names_only, const char *const (*nodes)[2], int n) {
    fct_signature s = chain(side, nodes, n);
    fct_route r;
    fct_signature_route(&s, names_only, &r);
    REQUIRE(r.task);
    CHECK((r.mean == 0) == (r.std == 1));
    return r.mean == 0;
}

TEST(who_normalizes) {
    static const char *const mxnet[][2] = {{"_minusscalar0", "Sub"}, {"_mulscalar0", "Mul"}, {"conv0", "Conv"}};
    static const char *const named[][2] = {{"Sub_0", "Sub"}, {"Mul_1", "Mul"}};
    static const char *const torch2[][2] = {
        {"/Constant", "Constant"}, {"/Sub", "Sub"}, {"/Constant_1", "Constant"}, {"/Mul", "Mul"}, {"/Conv", "Conv"}};
    static const char *const plain[][2] = {{"Conv_0", "Conv"}, {"PRelu_1", "PRelu"}, {"Add_2", "Add"}};
    /* A subtraction and a product further in are not the input's normalization... */
    static const char *const inside[][2] = {{"/Conv", "Conv"}, {"/Sub", "Sub"}, {"/Mul", "Mul"}};
    /* ... but InsightFace goes by the names alone. */
    static const char *const inside_named[][2] = {{"Conv_0", "Conv"}, {"Sub_1", "Sub"}, {"Mul_2", "Mul"}};
    static const char *const late[][2] = {{"a", "Conv"}, {"b", "Conv"},     {"c", "Conv"},
                                          {"d", "Conv"}, {"e", "Conv"},     {"f", "Conv"},
                                          {"g", "Conv"}, {"_minus", "Sub"}, {"_mul", "Mul"}};
    static const char *const bn[][2] = {{"bn_data", "BatchNormalization"}, {"conv0", "Conv"}};
    for (int names_only = 0; names_only < 2; names_only++) {
        CHECK(own_norm(112, names_only, mxnet, 3));
        CHECK(own_norm(112, names_only, named, 2));
        CHECK(own_norm(96, names_only, mxnet, 3));
        CHECK(!own_norm(112, names_only, plain, 3));
        CHECK(!own_norm(112, names_only, inside, 3));
        CHECK(own_norm(112, names_only, inside_named, 3));
        CHECK(!own_norm(112, names_only, late, 9)); /* the ninth node is not looked at */
        CHECK(own_norm(96, names_only, bn, 2));
        CHECK(!own_norm(112, names_only, bn, 2)); /* not for embedders */
        CHECK(own_norm(112, names_only, torch2, 5) == !names_only);
    }
    fct_route r = route(chain(112, torch2, 5));
    CHECK(strstr(r.note, "InsightFace"));
}

TEST(damaged_files_are_refused) {
    bytes graph = {.n = 0}, model = {.n = 0};
    int in[4] = {1, 3, 112, 112}, out[2] = {1, 512};
    fct_signature s;
    fct_error e;
    put_node(&graph, "c", "Conv", "data", "x");
    put_weight(&graph, "weight");
    put_info(&graph, 11, "data", in, 4);
    put_info(&graph, 12, "out", out, 2);
    put_message(&model, 7, &graph);
    REQUIRE(fct_signature_read(model.p, model.n, "m.onnx", &s, &e) == FCT_OK);
    for (size_t n = 0; n < model.n; n++) { /* cut off anywhere: the graph's length no longer fits */
        uint8_t *part = malloc(n + 1);
        memcpy(part, model.p, n);
        CHECK_MSG(fct_signature_read(part, n, "m.onnx", &s, &e) == FCT_ERR_FORMAT, "cut to %zu bytes", n);
        CHECK(strstr(e.text, "m.onnx"));
        free(part);
    }
    for (size_t i = 0; i < model.n; i++) /* bits flipped anywhere: any answer, no harm */
        for (int bit = 0; bit < 8; bit++) {
            model.p[i] ^= (uint8_t)(1 << bit);
            fct_signature_read(model.p, model.n, "m.onnx", &s, &e);
            model.p[i] ^= (uint8_t)(1 << bit);
        }
}

TEST(task_names) {
    CHECK(strcmp(fct_task_name(FCT_TASK_DETECT), "detection") == 0);
    CHECK(strcmp(fct_task_name(FCT_TASK_GENDER_AGE), "genderage") == 0);
    CHECK(!fct_task_name(FCT_TASK_ALL) && !fct_task_name((fct_task)0) && !fct_task_name((fct_task)32));
}

/* ---- Manifests ------------------------------------------------------------------------------ */

static fct_status manifest(const char *text, fct_manifest *m, fct_error *e) {
    return fct_manifest_read(text, strlen(text), "pack.json", m, e);
}

TEST(a_full_manifest) {
    fct_manifest m;
    REQUIRE(manifest("{\"facet_pack\": 1, \"name\": \"ibex\", \"license\": \"MIT\", \"threshold\": 0.37, \"files\": ["
                     "{\"file\": \"det.onnx\", \"task\": \"detection\", \"agreement\": true, \"second_look\": true},"
                     "{\"file\": \"rec.onnx\", \"mean\": 0, \"std\": 1, \"sha256\": "
                     "\"ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\"}], \"later\": {}}",
                     &m, NULL) == FCT_OK);
    CHECK(strcmp(m.name, "ibex") == 0 && strcmp(m.license, "MIT") == 0 && m.threshold == 0.37f && m.n_files == 2);
    CHECK(m.files[0].task == FCT_TASK_DETECT && !m.files[0].has_norm && m.files[0].sha256[0] == 0 &&
          m.files[0].agreement && !m.files[1].agreement && m.files[0].second_look && !m.files[1].second_look);
    CHECK(m.files[1].task == 0 && m.files[1].has_norm && m.files[1].std == 1 &&
          strncmp(m.files[1].sha256, "abcdef01", 8) == 0);
    fct_manifest_clear(&m);
    CHECK(m.n_files == 0 && !m.name);
}

TEST(hostile_manifests) {
    static const char *const bad[] = {
        "",
        "[",
        "[]",
        "{}",
        "null",
        "{\"facet_pack\": \"1\"}",
        "{\"facet_pack\": 2}",
        "{\"facet_pack\": 1, \"facet_pack\": 1}",
        "{\"facet_pack\": 1, \"name\": 5}",
        "{\"facet_pack\": 1, \"name\": \"\"}",
        "{\"facet_pack\": 1, \"name\": \"a\\nb\"}",
        "{\"facet_pack\": 1, \"threshold\": 7}",
        "{\"facet_pack\": 1, \"threshold\": \"0.4\"}",
        "{\"facet_pack\": 1, \"files\": {}}",
        "{\"facet_pack\": 1, \"files\": []}",
        "{\"facet_pack\": 1, \"files\": [1]}",
        "{\"facet_pack\": 1, \"files\": [{}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"../x.onnx\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"/etc/x.onnx\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a\\\\b.onnx\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"c:x.onnx\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \".onnx\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"passwd\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"task\": \"swap\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"sha256\": \"12\"}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"agreement\": 1}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"second_look\": true}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"agreement\": true, \"second_look\": 1}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"task\": \"genderage\", \"aligned\": 1}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"aligned\": true}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"mean\": 1}]}",
        "{\"facet_pack\": 1, \"files\": [{\"file\": \"a.onnx\", \"mean\": 1, \"std\": 0}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fct_manifest m;
        fct_error e;
        long live = fct_alloc_live();
        fct_status s = manifest(bad[i], &m, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT || s == FCT_ERR_UNSUPPORTED, "%s: %d", bad[i], s);
        CHECK_MSG(strstr(e.text, "pack.json"), "%s: %s", bad[i], e.text);
        CHECK_MSG(fct_alloc_live() == live, "%s: leaks", bad[i]);
    }
    static char deep[200000];
    memset(deep, '[', sizeof deep - 1);
    fct_manifest m;
    CHECK(manifest(deep, &m, NULL) == FCT_ERR_LIMIT);
    CHECK(fct_manifest_read("{\"facet_pack\": 1}\0", 19, "pack.json", &m, NULL) == FCT_ERR_FORMAT);
}

/* InsightFace's format, as its package_manifest.py reads it. */
TEST(manifests_of_version_2) {
    static const char good[] =
        "{\"manifest_version\": 2, \"model_id\": \"raccoon_s\", \"license\": \"MODEL.LICENSE\", "
        "\"tasks\": {\"recognition\": {\"file\": \"a/rec.onnx\", \"preprocessing\": \"embedded\"}, "
        "\"verification\": {\"file\": \"v.onnx\"}, \"detection\": {\"file\": \"det.onnx\", \"sha256\": "
        "\"abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\"}}}";
    fct_manifest m;
    REQUIRE(fct_manifest_read_v2(good, strlen(good), "manifest.json", &m, NULL) == FCT_OK);
    CHECK(m.lists_files && m.n_files == 2 && strcmp(m.name, "raccoon_s") == 0);
    CHECK(m.files[0].task == FCT_TASK_DETECT && m.files[0].mean == 127.5 && m.files[0].std == 128 &&
          m.files[0].sha256[63]);
    CHECK(m.files[1].task == FCT_TASK_EMBED && m.files[1].mean == 0 && m.files[1].std == 1 &&
          strcmp(m.files[1].name, "a/rec.onnx") == 0);
    fct_manifest_clear(&m);
    static const char *const others[] = {"",
                                         "no JSON",
                                         "[]",
                                         "{\"manifest_version\": 1}",
                                         "{\"manifest_version\": \"2\"}",
                                         "{\"manifest_version\": 2.5}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CHECK_MSG(!fct_manifest_read_v2(others[i], strlen(others[i]), "m", &m, NULL) && !m.lists_files, "%s",
                  others[i]);
}

TEST(hostile_manifests_of_version_2) {
    static const char *const tasks[] = {
        "[]",
        "{\"detection\": {}}",
        "{\"detection\": {\"file\": \"../x.onnx\"}}",
        "{\"detection\": {\"file\": \"/x.onnx\"}}",
        "{\"detection\": {\"file\": \"a/../x.onnx\"}}",
        "{\"detection\": {\"file\": \"a//x.onnx\"}}",
        "{\"detection\": {\"file\": \"c:x.onnx\"}}",
        "{\"detection\": {\"file\": \"passwd\"}}",
        "{\"detection\": {\"file\": \"x.onnx\", \"sha256\": \"12\"}}",
        "{\"detection\": {\"file\": \"x.onnx\", \"preprocessing\": \"none\"}}",
        "{\"detection\": {\"file\": \"x.onnx\", \"preprocessing\": {\"mean\": 1}}}",
        "{\"recognition\": {\"file\": \"x.onnx\", \"preprocessing\": {\"mean\": 1, \"std\": 0}}}"};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        char text[300];
        fct_manifest m;
        fct_error e;
        long live = fct_alloc_live();
        snprintf(text, sizeof text, "{\"manifest_version\": 2, \"model_id\": \"x\", \"tasks\": %s}", tasks[i]);
        fct_status s = fct_manifest_read_v2(text, strlen(text), "manifest.json", &m, &e);
        CHECK_MSG(s == FCT_ERR_FORMAT && strstr(e.text, "manifest.json"), "%s: %d %s", tasks[i], s, e.text);
        CHECK_MSG(fct_alloc_live() == live && !m.n_files, "%s: leaks", tasks[i]);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

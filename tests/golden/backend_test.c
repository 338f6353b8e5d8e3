/* The back end is exchanged: a model and its sessions run on whatever table they are given, call
 * it as graph/backend.h says, and know of no other. */
#include "base/error.h"
#include "graph/cpu/cpu_backend.h"
#include "graph/devices.h"
#include "graph/reference.h"
#include "net_util.h"
#include "test.h"
#include <string.h>

enum { SIDE = 9 };

/* ---- A back end that counts -------------------------------------------------------- */

/* Runs on the reference, has one layer, and counts what it is asked for. */
static struct {
    int packs, plans, runs, nets_alive, plans_alive;
    bool refuse_pack, refuse_plan, refuse_run;
} seen;

static fct_status double_pack(const fct_pack_request *q, fct_packed_net **out, fct_error *err) {
    seen.packs++;
    *out = NULL;
    CHECK(q->g && q->source->len > 0 && q->opts->low_memory);
    if (seen.refuse_pack) return fct_fail(err, FCT_ERR_UNSUPPORTED, "the double packs nothing");
    seen.nets_alive++;
    return fct_reference_backend.pack(q, out, err);
}

static size_t double_net_memory(const fct_packed_net *n) { return 1000000; }

static void double_net_free(fct_packed_net *n) {
    if (n) seen.nets_alive--;
    fct_reference_backend.net_free(n);
}

static fct_status double_plan(const fct_packed_net *n, const fct_tensor_view *in, fct_net_plan **out, fct_error *err) {
    seen.plans++;
    *out = NULL;
    if (seen.refuse_plan) return fct_fail(err, FCT_ERR_LIMIT, "the double plans nothing");
    seen.plans_alive++;
    return fct_reference_backend.plan(n, in, out, err);
}

static void double_plan_free(fct_net_plan *p) {
    if (p) seen.plans_alive--;
    fct_reference_backend.plan_free(p);
}

static size_t double_plan_memory(const fct_net_plan *p) { return 4096; }

static fct_status double_run(fct_net_plan *p, const fct_tensor_view *in, char *arena, double *times,
                             fct_tensor_view *outputs, fct_error *err) {
    seen.runs++;
    CHECK(arena && (uintptr_t)arena % 64 == 0);
    memset(arena, 0xFF, 4096); /* all of it is ours */
    if (times) *times += 2.5;
    if (seen.refuse_run) return fct_fail(err, FCT_ERR_INTERNAL, "the double runs nothing");
    return fct_reference_backend.run(p, in, arena, NULL, outputs, err);
}

static int double_layer_count(const fct_net_plan *p) { return 1; }

static void double_layer(const fct_net_plan *p, int i, fct_layer_time *out) {
    *out = (fct_layer_time){.name = "all", .op = "Everything", .algorithm = "double", .macs = 7};
}

/* The double as a table. Not plan_fits: filled in where it is used. */
static fct_backend make_double(void) {
    memset(&seen, 0, sizeof seen);
    return (fct_backend){.device = "double",
                         .plain = true,
                         .pack = double_pack,
                         .net_memory = double_net_memory,
                         .net_free = double_net_free,
                         .plan = double_plan,
                         .plan_fits = fct_reference_backend.plan_fits,
                         .plan_memory = double_plan_memory,
                         .plan_free = double_plan_free,
                         .run = double_run,
                         .layer_count = double_layer_count,
                         .layer = double_layer};
}

/* ---- Networks to run ------------------------------------------------------------------ */

static fct_status load(const fct_backend *b, fct_model **m, fct_error *e) {
    static float w[5 * 3 * 9];
    uint32_t seed = 3;
    fct_engine_opts o;
    size_t len;
    ow n;
    net_fill(&seed, w, sizeof w / sizeof *w);
    ow_begin(&n, 11);
    ow_input(&n, "x", 4, (int64_t[]){-1, 3, SIDE, SIDE});
    ow_output(&n, "y");
    ow_f32(&n, "w", 4, (int64_t[]){5, 3, 3, 3}, w, OW_RAW);
    ow_node(&n, "Conv", "x,w", "c");
    ow_node(&n, "Relu", "c", "y");
    const uint8_t *bytes = ow_end(&n, &len);
    fct_engine_opts_init(&o);
    o.backend = b;
    o.model.low_memory = true;
    fct_status s = fct_model_load_engine(bytes, len, "double.onnx", &o, m, e);
    ow_free(&n);
    return s;
}

static const fct_tensor *input(int batch) {
    static float x[2 * 3 * SIDE * SIDE];
    static fct_tensor t;
    uint32_t seed = 8;
    net_fill(&seed, x, sizeof x / sizeof *x);
    t = (fct_tensor){x, 4, {batch, 3, SIDE, SIDE}};
    return &t;
}

/* ---- Tests ------------------------------------------------------------------------------ */

TEST(a_model_runs_on_the_back_end_it_is_given) {
    const fct_backend b = make_double();
    fct_model *m, *judge;
    fct_session *s, *j;
    fct_tensor out, want;
    fct_layer_time layer;
    fct_error e;
    REQUIRE(!load(&b, &m, &e) && !load(&fct_cpu_backend, &judge, &e));
    CHECK(seen.packs == 1 && seen.nets_alive == 1 && fct_model_memory(m) >= 1000000);
    REQUIRE(!fct_session_create(m, &s, &e) && !fct_session_create(judge, &j, &e));
    CHECK(seen.plans == 0);
    fct_session_profile(s, true);
    for (int batch = 1; batch <= 2; batch++) {
        REQUIRE(!fct_session_run(s, input(batch), 1, &out, 1, &e));
        REQUIRE(!fct_session_run(j, input(batch), 1, &want, 1, &e));
        const size_t n = (size_t)batch * 5 * (SIDE - 2) * (SIDE - 2);
        CHECK(out.rank == 4 && out.dims[0] == batch && out.dims[1] == 5 && out.dims[3] == SIDE - 2);
        CHECK(net_error(out.data, want.data, n) < 1e-3); /* the CPU's fast form may keep weights in fp16 */
    }
    CHECK(seen.plans == 1 && seen.runs == 2 && fct_session_memory(s) >= 4096);
    REQUIRE(fct_session_layer_count(s) == 1 && !fct_session_layer(s, 0, &layer, &e));
    CHECK(!strcmp(layer.name, "all") && layer.ms == 2.5 && layer.macs == 7);
    fct_session_free(s);
    CHECK(seen.plans_alive == 0);
    fct_session_free(j);
    fct_model_free(m);
    CHECK(seen.nets_alive == 0);
    fct_model_free(judge);
}

static bool only_these_dims(const fct_net_plan *p, const fct_tensor_view *in) { return false; }

TEST(plans_that_do_not_fit_are_made_anew_and_freed) {
    fct_backend b = make_double();
    fct_model *m;
    fct_session *s;
    fct_tensor out;
    fct_error e;
    b.plan_fits = only_these_dims;
    REQUIRE(!load(&b, &m, &e) && !fct_session_create(m, &s, &e));
    for (int i = 0; i < 9; i++) CHECK(!fct_session_run(s, input(1), 1, &out, 1, &e));
    CHECK(seen.plans == 9 && seen.plans_alive < 9);
    fct_session_free(s);
    CHECK(seen.plans_alive == 0);
    fct_model_free(m);
}

TEST(refusals_reach_the_caller) {
    const fct_backend b = make_double();
    fct_model *m;
    fct_session *s;
    fct_tensor out;
    fct_error e;
    seen.refuse_pack = true;
    CHECK(load(&b, &m, &e) == FCT_ERR_UNSUPPORTED && !m && !strcmp(e.text, "the double packs nothing"));
    seen.refuse_pack = false;
    REQUIRE(!load(&b, &m, &e) && !fct_session_create(m, &s, &e));
    seen.refuse_plan = true;
    CHECK(fct_session_run(s, input(1), 1, &out, 1, &e) == FCT_ERR_LIMIT && !out.data && seen.runs == 0);
    seen.refuse_plan = false;
    seen.refuse_run = true;
    CHECK(fct_session_run(s, input(1), 1, &out, 1, &e) == FCT_ERR_INTERNAL && !out.data);
    fct_session_free(s);
    fct_model_free(m);
    CHECK(seen.plans_alive == 0 && seen.nets_alive == 0);
}

TEST(devices_are_found_by_name) {
    fct_model_opts o;
    fct_error e;
    fct_model *m;
    fct_model_opts_init(&o);
    CHECK(fct_device_find(&o, "a.onnx", &e) == &fct_cpu_backend);
    o.device = "cpu";
    CHECK(fct_device_find(&o, "a.onnx", &e) == &fct_cpu_backend);
    o.precision = FCT_PRECISION_REFERENCE;
    CHECK(fct_device_find(&o, "a.onnx", &e) == &fct_reference_backend);
    o.device = "abacus";
    CHECK(!fct_device_find(&o, "a.onnx", &e) && e.code == FCT_ERR_UNSUPPORTED);
    CHECK_MSG(strstr(e.text, "a.onnx") && strstr(e.text, "'abacus'") && strstr(e.text, "'cpu'"), "%s", e.text);
    size_t len;
    ow n;
    ow_begin(&n, 11);
    ow_input(&n, "x", 1, (int64_t[]){4});
    ow_output(&n, "y");
    ow_node(&n, "Relu", "x", "y");
    const uint8_t *bytes = ow_end(&n, &len);
    CHECK(fct_model_load_memory(bytes, len, "b.onnx", &o, &m, &e) == FCT_ERR_UNSUPPORTED && !m);
    CHECK(strstr(e.text, "b.onnx"));
    ow_free(&n);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

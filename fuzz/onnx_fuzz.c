/* ONNX files: routing, loading, shape inference, planning, running on two input shapes.
 * What a network may ask for is held to little, so that whatever the library lets
 * pass ends within milliseconds: a slow input is a hole in the limits. */
#include "fuzz.h"
#include "ops/limits.h"
#include "pack/signature.h"

#define MAX_ELEMENTS (1 << 16)
#define MAX_INPUTS   4
#define MAX_OUTPUTS  64

/* A shape for an input: its own where fixed, `varying` where not; false when it
 * is too large for a fuzzer. */
static bool choose_shape(const fct_tensor_info *info, int64_t varying, fct_tensor *t) {
    int64_t n = 1;
    if (info->rank < 0 || info->rank > FCT_MAX_RANK) return false;
    t->rank = info->rank;
    for (int d = 0; d < info->rank; d++) {
        t->dims[d] = info->dims[d] > 0 ? info->dims[d] : d == 0 ? 1 : varying;
        if (t->dims[d] > MAX_ELEMENTS) return false;
        n *= t->dims[d];
        if (n > MAX_ELEMENTS) return false;
    }
    t->data = malloc((size_t)n * sizeof *t->data);
    for (int64_t i = 0; t->data && i < n; i++) t->data[i] = (float)(i % 255) / 127.0f - 1.0f;
    return t->data != NULL;
}

static void run(const fct_model *m, fct_session *session, int64_t varying) {
    fct_tensor in[MAX_INPUTS] = {{0}}, out[MAX_OUTPUTS];
    fct_tensor_info info;
    fct_error e;
    int ni = fct_model_input_count(m), no = fct_model_output_count(m);
    bool ok = ni > 0 && ni <= MAX_INPUTS && no <= MAX_OUTPUTS;
    for (int i = 0; ok && i < ni; i++)
        ok = fct_model_input(m, i, &info, &e) == FCT_OK && choose_shape(&info, varying, &in[i]);
    if (ok && fct_session_run(session, in, ni, out, no, &e) == FCT_OK)
        for (int i = 0; i < no; i++) {
            int64_t n = 1;
            FUZZ_REQUIRE(out[i].rank >= 0 && out[i].rank <= FCT_MAX_RANK);
            for (int d = 0; d < out[i].rank; d++) n *= out[i].dims[d];
            volatile float sum = 0; /* every element can be read */
            for (int64_t k = 0; k < n; k++) sum = sum + out[i].data[k];
        }
    for (int i = 0; i < MAX_INPUTS; i++) free(in[i].data);
}

/* What a pack's opener asks of a file before it decides to load it. */
static void route(const uint8_t *data, size_t size) {
    fct_signature sig;
    fct_route r;
    fct_error e;
    if (fct_signature_read(data, size, "fuzz", &sig, &e)) return;
    FUZZ_REQUIRE(sig.rank >= 0 && sig.out_rank >= 0);
    for (int names_only = 0; names_only < 2; names_only++) {
        fct_signature_route(&sig, names_only, &r);
        FUZZ_REQUIRE(!(r.task & ~(uint32_t)FCT_TASK_ALL) && !(r.task & (r.task - 1)));
        FUZZ_REQUIRE(memchr(r.note, 0, sizeof r.note) && (r.task || r.note[0]));
        FUZZ_REQUIRE(r.width >= 0 && r.height >= 0 && (!r.task || r.std > 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_model_opts o;
    fct_model *m = NULL;
    fct_session *session = NULL;
    fct_error e;
    long live = fct_alloc_live();
    fct_work_limits = (fct_limits){
        .elements = 1 << 20, .plain = 1 << 22, .fast = 1 << 24, .folded = 1 << 16, .packed = 1 << 20, .arena = 1 << 26};
    fct_set_threads(1, NULL);
    route(data, size);
    fct_model_opts_init(&o);
    if (size && data[size - 1] & 1) o.precision = FCT_PRECISION_EXACT;
    fct_status s = fct_model_load_memory(data, size, "fuzz", &o, &m, &e);
    fuzz_check_result(s, &e, m);
    if (m) {
        s = fct_session_create(m, &session, &e);
        fuzz_check_result(s, &e, session);
        if (session) {
            run(m, session, 8);
            run(m, session, 19);
        }
    }
    fct_session_free(session);
    fct_model_free(m);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

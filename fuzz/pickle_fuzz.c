/* Pickles of other programs: read, described, and turned into faces. */
#include "fuzz.h"

#include "imports/import_sink.h"
#include "imports/pickle.h"

static fct_status put(void *user, const char *name, const fct_enrollment *f, fct_error *err) {
    double *sum = user;
    FUZZ_REQUIRE(f->dim >= 0 && f->dim <= 16384 && strlen(name) < 1100);
    for (int i = 0; i < f->dim; i++) *sum += f->embedding[i]; /* every value is there */
    return FCT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_error e;
    fct_pickle_doc *doc;
    double sum = 0;
    char what[40];
    uint8_t *copy = malloc(size + 1); /* so that reading beyond its end is seen */
    FUZZ_REQUIRE(copy);
    memcpy(copy, data, size);
    fct_status s = fct_pickle_read(copy, size, "fuzz", &doc, &e);
    fuzz_check_result(s, &e, doc);
    if (!s) {
        fct_import_sink sink = {.path = "fuzz", .model_id = "fuzz", .put = put, .user = &sum};
        FUZZ_REQUIRE(fct_pickle_describe(fct_pickle_root(doc), what, sizeof what)[0]);
        s = fct_pickle_import(doc, &sink, &e);
        FUZZ_REQUIRE(!s || (e.code == s && e.text[0]));
        fct_free(sink.vector);
    }
    fct_pickle_free(doc);
    free(copy);
    volatile double keep = sum;
    (void)keep;
    return 0;
}

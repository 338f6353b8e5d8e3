/* Plain dumps of PostgreSQL: tables, rows, and embeddings in their fields. */
#include "fuzz.h"

#include "imports/import_sink.h"
#include "imports/pg_dump.h"

static fct_status read_table(fct_dump *d, fct_import_sink *sink, fct_error *e) {
    char **field;
    bool more = true;
    fct_status s = FCT_OK;
    int at = fct_dump_column(d, "embedding");
    while (!s && !(s = fct_dump_next_row(d, &field, &more, e)) && more) {
        size_t n;
        if (at < 0 || !field[at]) continue;
        s = fct_import_read_numbers(sink, field[at], field[at][0] == '{' ? '{' : '[', field[at][0] == '{' ? '}' : ']',
                                    &n, e);
        for (size_t i = 0; i < n && !s; i++) FUZZ_REQUIRE(sink->vector[i] == sink->vector[i]);
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"subject", "embedding", "person", "asset_face", "face_search", NULL};
    fct_error e;
    fct_dump *d;
    int which = 0;
    fct_import_sink sink = {.path = "fuzz"};
    FILE *f = tmpfile();
    if (!f) return 0;
    FUZZ_REQUIRE(fwrite(data, 1, size, f) == size);
    rewind(f);
    fct_status s = fct_dump_from(f, "fuzz", &d, &e);
    fuzz_check_result(s, &e, d);
    while (!s && which >= 0) {
        s = fct_dump_next_table(d, names, &which, &e);
        FUZZ_REQUIRE(which < 5);
        if (!s && which >= 0) s = read_table(d, &sink, &e);
    }
    FUZZ_REQUIRE(!s || (e.code == s && e.text[0]));
    fct_dump_close(d);
    fct_free(sink.vector);
    return 0;
}

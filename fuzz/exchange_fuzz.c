/* What comes from other programs into a gallery: NumPy files (recognized by their
 * magic), lines of JSON (a first '{'), anything else as CSV and as base 64. */
#include "fuzz.h"

#include "text/base64.h"
#include "text/csv_reader.h"
#include "gallery/jsonl.h"
#include "gallery/gallery_npy.h"

static void use_numpy(const uint8_t *data, size_t size) {
    fct_npy m;
    fct_error e;
    float row[64];
    fct_status s = fct_npy_read(data, size, "fuzz", 64, &m, &e);
    fuzz_check_result(s, &e, s ? NULL : &m);
    if (s) return;
    FUZZ_REQUIRE(m.dim >= 1 && m.dim <= 64);
    float sum = 0;
    for (size_t i = 0; i < m.n; i++) {
        fct_npy_row(&m, i, row);
        for (int j = 0; j < m.dim; j++) sum += row[j];
    }
    volatile float keep = sum; /* every value is read */
    (void)keep;
}

static void use_base64(char *text) {
    size_t n, len = strlen(text);
    char *again = malloc(len + 4);
    uint8_t *bytes = malloc(len + 1);
    FUZZ_REQUIRE(again && bytes);
    if (fct_base64_decode(text, len, bytes, &n)) { /* strict, so coding again gives the same text */
        FUZZ_REQUIRE(fct_base64_size(n) == len);
        fct_base64_encode(bytes, n, again);
        FUZZ_REQUIRE(memcmp(again, text, len) == 0);
    }
    free(again);
    free(bytes);
}

static void use_json(char *text, size_t size) {
    fct_json_doc doc = {0};
    for (char *line = text, *end = text + size; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((stop ? stop : end) - line);
        fct_json_line j;
        const char *why = "";
        line[len] = 0;
        bool ok = !fct_json_line_parse(&doc, line, len, &j, &why);
        FUZZ_REQUIRE(ok == (why == NULL));
        if (ok && j.name) FUZZ_REQUIRE(j.name >= line && j.name + strlen(j.name) <= line + len);
        if (ok && j.embedding) use_base64(j.embedding);
        line += len + 1;
    }
    fct_json_free(&doc);
}

static void use_csv(char *text, size_t size) {
    fct_csv c = {.p = text, .end = text + size, .next = 1};
    const char *why;
    while (fct_csv_next(&c, &why)) {
        FUZZ_REQUIRE(c.n >= 1 && c.n <= FCT_CSV_FIELDS && c.line >= 1);
        for (int i = 0; i < c.n; i++)
            FUZZ_REQUIRE(c.field[i] >= text && c.field[i] + strlen(c.field[i]) <= text + size);
    }
    FUZZ_REQUIRE(why || c.p == c.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= 2 && (data[0] == 0x93 || (data[0] == 'P' && data[1] == 'K'))) {
        use_numpy(data, size);
        return 0;
    }
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text);
    memcpy(text, data, size);
    text[size] = 0;
    if (size && data[0] == '{') use_json(text, size);
    else {
        use_base64(text);
        use_csv(text, size);
    }
    free(text);
    return 0;
}

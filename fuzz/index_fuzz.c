/* Cache files of the index: as they are, and with sizes and checksums made right, so
 * that what stands behind them is reached: whatever the numbers are, searching and
 * changing such an index harms nobody. */
#include "fuzz.h"

#include "base/file.h"
#include "base/hash.h"
#include "index/index_file.h"

static char path[1100]; /* a file of this process, in TMPDIR or here */

static void remove_file(void) { (void)fct_file_remove(path, NULL); }

static void begin(void) {
    const char *folder = getenv("TMPDIR");
    if (path[0]) return;
    snprintf(path, sizeof path, "%s/fuzz-index-%llx", folder ? folder : ".", (unsigned long long)fct_time_ns());
    atexit(remove_file);
}

/* Every way to look into it, and some changes. */
static void use(fct_index *x) {
    enum { PROBES = 3, K = 100 };
    float *probes = malloc(sizeof(float) * PROBES * (size_t)x->dim);
    fct_hit *hits = malloc(sizeof *hits * PROBES * K);
    int n[PROBES];
    fct_error e;
    FUZZ_REQUIRE(probes && hits);
    for (int i = 0; i < PROBES * x->dim; i++) probes[i] = (float)(i * 7919 % 101 - 50) + 0.5f;
    for (int way = 0; way < 6; way++) {
        fct_index_query q = {.probes = probes, .n = PROBES, .threshold = -1, .k = way % 3 == 0 ? 1 : way % 3 * 50};
        q.faces = way / 3;
        q.fast = way % 2;
        fct_index_view *v = fct_index_view_begin(x);
        fct_status s = fct_index_view_search(v, &q, hits, n, &e);
        FUZZ_REQUIRE(!s || e.text[0]);
        for (int p = 0; p < PROBES; p++) FUZZ_REQUIRE(n[p] >= 0 && n[p] <= q.k);
        fct_index_view_end(v);
        size_t count = fct_index_count(x);
        int64_t id = count && n[0] ? hits[0].face_id : way;
        (void)fct_index_add(x, id + way % 2, hits[0].person_id * (n[0] > 0), probes, NULL);
        (void)fct_index_remove(x, id, NULL);
        (void)fct_index_remove_person(x, n[1] > 0 ? hits[q.k].person_id : 0, NULL);
    }
    free(probes);
    free(hits);
}

static void try_file(const uint8_t *data, size_t size, const fct_index_key *key) {
    fct_index *x;
    int64_t seq;
    fct_error e;
    FUZZ_REQUIRE(!fct_file_write_private(path, data, size, NULL));
    fct_status s = fct_index_cache_open(path, key, &x, &seq, &e);
    fuzz_check_result(s, &e, x);
    if (s) return;
    use(x);
    fct_index_free(x);
}

/* A file whose sections hold the data, again and again, with a header and checksums that fit. */
static void try_body(const uint8_t *data, size_t size) {
    fct_index_header h;
    fct_index_layout at;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, FCT_INDEX_FILE_MAGIC, sizeof h.magic);
    h.order = FCT_INDEX_FILE_ORDER;
    h.version = FCT_INDEX_FILE_VERSION;
    h.dim = 1 + data[0] % 140u;
    h.n = 1 + data[1] % 90u;
    h.per_chunk = (uint32_t)fct_index_per_chunk((int)h.dim);
    FUZZ_REQUIRE(fct_index_layout_make((int)h.dim, (size_t)h.n, &at));
    h.file_size = at.end;
    uint8_t *file = malloc(at.end);
    FUZZ_REQUIRE(file);
    for (size_t i = 0; i < at.end; i++) file[i] = data[i % size];
    size_t row = h.dim * sizeof(float), bytes = (size_t)fct_sketch_bytes((int)h.dim), n = (size_t)h.n;
    for (size_t r = 0; r < n; r++) {
        fct_index_sums sums = {fct_index_sum(file + at.vectors + r * row, row),
                               fct_index_sum(file + at.bytes + r * bytes, bytes)};
        memcpy(file + at.sums + r * sizeof sums, &sums, sizeof sums);
    }
    size_t signs = (n + FCT_INDEX_SKETCH_ROWS - 1) / FCT_INDEX_SKETCH_ROWS * FCT_INDEX_SKETCH_ROWS *
                   (size_t)fct_sketch_words((int)h.dim) * sizeof(uint64_t);
    uint64_t sums[5] = {fct_checksum64(file + at.sums, n * sizeof(fct_index_sums)),
                        fct_checksum64(file + at.signs, signs), fct_checksum64(file + at.scales, n * sizeof(float)),
                        fct_checksum64(file + at.errors, n * sizeof(float)),
                        fct_checksum64(file + at.rows, n * sizeof(fct_index_row))};
    h.sections = fct_checksum64(sums, sizeof sums);
    h.header = fct_index_header_sum(&h);
    memcpy(file, &h, sizeof h);
    fct_index *x;
    int64_t seq;
    fct_error e;
    FUZZ_REQUIRE(!fct_file_write_private(path, file, at.end, NULL));
    FUZZ_REQUIRE(!fct_index_cache_open(path, &h.key, &x, &seq, &e)); /* it fits in every respect */
    fct_index_free(x);
    try_file(file, at.end, &h.key);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_index_key key;
    begin();
    memset(&key, 0, sizeof key);
    fct_set_threads(1, NULL);
    long live = fct_alloc_live();
    try_file(data, size, &key);
    if (size >= 2) try_body(data, size);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

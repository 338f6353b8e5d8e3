/* Files of packed weights: as they are, and with their directory signed, so that
 * what stands behind the signature is reached. */
#include "fuzz.h"

#include "base/hash.h"
#include "graph/cpu/cache.h"

static void read_cache(const uint8_t *data, size_t size) {
    fct_cache_key key;
    uint32_t n = 1;
    const fct_cache_entry *e = fct_cache_parse(data, size, &key, &n);
    FUZZ_REQUIRE(e || !n);
    if (!e) return;
    for (uint32_t i = 0; i < n; i++) {
        FUZZ_REQUIRE(strlen(e[i].name) < sizeof e[i].name);
        FUZZ_REQUIRE(e[i].offset % 64 == 0 && e[i].offset <= size && e[i].bytes <= size - e[i].offset);
    }
    (void)fct_cache_intact(data, e, n); /* reads every byte that the entries name */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SUM_AT = 56, COUNT_AT = 48, SIZE_AT = 40 };
    long live = fct_alloc_live();
    read_cache(data, size);
    if (size >= 64) {
        uint8_t *copy = malloc(size);
        uint32_t n;
        uint64_t both[2] = {0, 0}, whole = size;
        if (!copy) return 0;
        memcpy(copy, data, size);
        memcpy(copy, "fctpack1", 8);
        memcpy(copy + SIZE_AT, &whole, sizeof whole);
        memcpy(&n, copy + COUNT_AT, sizeof n);
        memset(copy + SUM_AT, 0, 8);
        both[0] = fct_checksum64(copy, 64);
        if (n <= (size - 64) / 64) both[1] = fct_checksum64(copy + 64, (size_t)n * 64);
        both[0] = fct_checksum64(both, sizeof both);
        memcpy(copy + SUM_AT, both, 8);
        read_cache(copy, size);
        free(copy);
    }
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

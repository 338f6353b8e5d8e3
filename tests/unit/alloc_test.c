#include "base/alloc.h"

#include "test.h"
#include <stdint.h>

TEST(zero_size_gives_unique_pointers) {
    void *a = fct_alloc(0), *b = fct_calloc(0, 8), *c = fct_aligned_alloc(0);
    CHECK(a && b && c && a != b);
    fct_free(a);
    fct_free(b);
    fct_aligned_free(c);
}

TEST(live_counts_blocks) {
    long before = fct_alloc_live();
    char *a = fct_alloc(10), *b = fct_strdup("face"), *c = fct_aligned_alloc(100), *d = fct_asprintf("%d-%s", 7, "x");
    CHECK(fct_alloc_live() == before + 4);
    a = fct_realloc(a, 100000);
    CHECK(a && fct_alloc_live() == before + 4);
    CHECK(!strcmp(b, "face") && !strcmp(d, "7-x"));
    fct_free(a);
    fct_free(b);
    fct_aligned_free(c);
    fct_free(d);
    fct_free(NULL);
    fct_aligned_free(NULL);
    CHECK(fct_alloc_live() == before);
}

TEST(sizes_that_overflow_are_refused) {
    size_t v;
    CHECK(!fct_mul_size(SIZE_MAX, 2, &v));
    CHECK(!fct_add_size(SIZE_MAX, 1, &v));
    CHECK(fct_mul_size(SIZE_MAX / 2, 2, &v) && v == SIZE_MAX - 1);
    CHECK(fct_add_size(SIZE_MAX - 1, 1, &v) && v == SIZE_MAX);
    volatile size_t huge = SIZE_MAX / 2; /* volatile: compilers warn about it otherwise */
    CHECK(!fct_calloc(huge, 4));
    CHECK(!fct_realloc_array(NULL, huge, 4));
    CHECK(!fct_aligned_alloc(SIZE_MAX - 5));
}

TEST(aligned_blocks) {
    static const size_t sizes[] = {1, 64, 65, 4095, (size_t)4 << 20, ((size_t)4 << 20) + 12345};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *p = fct_aligned_alloc(sizes[i]);
        REQUIRE(p);
        size_t align = sizes[i] >= (size_t)4 << 20 ? (size_t)2 << 20 : 64;
        CHECK_MSG((uintptr_t)p % align == 0, "size %zu", sizes[i]);
        p[0] = p[sizes[i] - 1] = 1;
        fct_aligned_free(p);
    }
}

TEST(nth_allocation_fails_once) {
    fct_alloc_fail_at(3);
    void *a = fct_alloc(1), *b = fct_calloc(1, 1);
    CHECK(!fct_alloc_has_failed());
    void *c = fct_aligned_alloc(1), *d = fct_alloc(1);
    CHECK(a && b && !c && d && fct_alloc_has_failed());
    fct_alloc_fail_at(1);
    CHECK(!fct_realloc(a, 5)); /* a stays valid */
    fct_alloc_fail_at(2);
    fct_alloc_fail_at(0);
    CHECK((b = fct_realloc(b, 9)) != NULL);
    fct_free(a);
    fct_free(b);
    fct_free(d);
}

TEST(strndup_stops_at_the_limit) {
    char *s = fct_strndup("landmark", 4), *t = fct_strndup("a", 10);
    CHECK(!strcmp(s, "land") && !strcmp(t, "a"));
    fct_free(s);
    fct_free(t);
}

static int fills(const unsigned char *p, size_t n, int value) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != value) return 0;
    return 1;
}

/* More than a block of them, freed in another order than they were made in. */
TEST(weights) {
    enum { N = 60 };
    unsigned char *p[N];
    size_t size[N];
    long before = fct_alloc_live();
    for (int i = 0; i < N; i++) {
        size[i] = i % 20 == 19 ? (size_t)5 << 20 : (size_t)i * i * 131;
        REQUIRE(p[i] = fct_weights_alloc(size[i]));
        CHECK_MSG((uintptr_t)p[i] % 64 == 0, "size %zu", size[i]);
        memset(p[i], i, size[i]);
    }
    CHECK(fct_alloc_live() == before + N);
    for (int i = 0; i < N; i++) {
        int k = i * 7 % N;
        CHECK_MSG(fills(p[k], size[k], k), "array %d", k);
        fct_weights_free(p[k], size[k]);
    }
    fct_weights_free(NULL, 5);
    CHECK(fct_alloc_live() == before);
    fct_alloc_fail_at(1);
    CHECK(!fct_weights_alloc(100));
    CHECK((p[0] = fct_weights_alloc(100)) != NULL);
    fct_weights_free(p[0], 100);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

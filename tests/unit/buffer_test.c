/* Arrays and buffers that grow. */
#include "../test.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <stdint.h>

TEST(an_array_grows_and_keeps_its_items) {
    int *items = NULL, wrong = 0;
    size_t capacity = 0, moves = 0;
    for (size_t n = 0; n < 100000; n++) {
        size_t before = capacity;
        int *p = fct_grow(items, &capacity, n + 1, sizeof *p);
        REQUIRE(p && capacity > n);
        moves += capacity != before;
        items = p;
        items[n] = (int)n;
    }
    for (int i = 0; i < 100000; i++) wrong += items[i] != i;
    CHECK(wrong == 0 && moves < 20);
    CHECK(!fct_grow(items, &capacity, SIZE_MAX, sizeof *items)); /* overflows */
    CHECK(!fct_grow(items, &capacity, SIZE_MAX / 2, sizeof *items));
    CHECK(items[99999] == 99999);
    fct_free(items);
}

TEST(a_buffer_is_a_text) {
    fct_buf b = {0};
    fct_buf_text(&b, "one");
    fct_buf_char(&b, ' ');
    fct_buf_printf(&b, "%d-%s", 2, "three");
    CHECK(strcmp(b.data, "one 2-three") == 0 && b.size == 11 && !b.failed);
    for (int i = 0; i < 1000; i++) fct_buf_printf(&b, "%03d", i);
    CHECK(b.size == 3011 && strlen(b.data) == 3011 && strcmp(b.data + 3008, "999") == 0);
    memcpy(fct_buf_extend(&b, 4), "\0tail", 4);
    CHECK(b.size == 3015 && memcmp(b.data + 3011, "\0tai", 5) == 0); /* and the NUL behind */
    size_t size;
    char *text = fct_buf_take(&b, &size);
    CHECK(text && size == 3015 && !b.data && !b.size);
    fct_free(text);
    text = fct_buf_take(&b, &size);
    CHECK(text && !*text && size == 0);
    fct_free(text);
}

TEST(a_buffer_remembers_that_memory_ran_out) {
    fct_buf b = {0};
    long before = fct_alloc_live();
    fct_buf_text(&b, "kept");
    fct_alloc_fail_at(1);
    char large[100] = "";
    fct_buf_add(&b, large, sizeof large);
    fct_alloc_fail_at(0);
    CHECK(b.failed && b.size == 4);
    fct_buf_text(&b, "!"); /* nothing after a gap */
    CHECK(b.size == 4 && strcmp(b.data, "kept") == 0);
    CHECK(!fct_buf_take(&b, NULL) && fct_alloc_live() == before);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

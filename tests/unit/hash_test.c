#include "base/hash.h"
#include "base/hash_blocks.h"

#include "test.h"

/* Examples of FIPS 180-2 appendix B and of NIST's CAVP short messages. */
TEST(published_vectors) {
    static const struct {
        const char *text, *hex;
    } cases[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    char hex[65];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fct_sha256_hex(cases[i].text, strlen(cases[i].text), hex);
        CHECK_MSG(!strcmp(hex, cases[i].hex), "%s", hex);
    }
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    fct_sha256_hex(million, 1000000, hex);
    CHECK(!strcmp(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
    free(million);
}

TEST(pieces_give_the_same_as_the_whole) {
    uint8_t data[300], whole[32], parts[32];
    for (int i = 0; i < 300; i++) data[i] = (uint8_t)(i * 7 + i / 64);
    for (size_t len = 0; len <= 300; len += 7)
        for (size_t step = 1; step < 130; step += 9) {
            fct_sha256 a, b;
            fct_sha256_init(&a);
            fct_sha256_update(&a, data, len);
            fct_sha256_final(&a, whole);
            fct_sha256_init(&b);
            for (size_t at = 0; at < len; at += step)
                fct_sha256_update(&b, data + at, len - at < step ? len - at : step);
            fct_sha256_final(&b, parts);
            CHECK_MSG(!memcmp(whole, parts, 32), "length %zu step %zu", len, step);
        }
}

TEST(native_blocks_equal_portable_ones) {
    fct_sha256_blocks_fn *native = fct_sha256_blocks_native();
    if (!native) SKIP("this CPU has no SHA instructions that facet uses");
    uint8_t data[64 * 9 + 1];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    for (size_t n = 0; n <= 9; n++) {
        uint32_t a[8], b[8];
        for (int i = 0; i < 8; i++) a[i] = b[i] = seed = seed * 1664525 + 1013904223;
        native(a, data + 1, n); /* misaligned */
        fct_sha256_blocks_c(b, data + 1, n);
        CHECK_MSG(!memcmp(a, b, sizeof a), "%zu blocks", n);
    }
}

int main(int argc, char **argv) { return test_main(argc, argv); }

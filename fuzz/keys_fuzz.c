/* What an encrypted gallery is opened with: files of its people's keys, and the text by which it says that it is
 * encrypted. The key and the id of the gallery are zeros, as fuzz/make_keys_corpus.py has them. */
#include "fuzz.h"

#include "gallery/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fct_error e = {0};
    fct_seal seal = {{0}, {0}, {0}}, other;
    fct_key_file f;
    if (fct_seal_prepare(NULL)) return 0; /* built without encryption: nothing reads this */
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text);
    memcpy(text, data, size);
    text[size] = 0;
    fct_status s = fct_seal_read(text, seal.key, "fuzz", &other, &e);
    fuzz_check_result(s, &e, s ? NULL : &other);
    s = fct_key_file_read(&seal, "fuzz", "gallery", text, size, &f, &e);
    fuzz_check_result(s, &e, s ? NULL : &f);
    FUZZ_REQUIRE(!s || (!f.keys && !f.n));
    for (size_t i = 0; i < f.n; i++) {
        uint8_t key[FCT_SEAL_KEY];
        fct_seal_place at = {.kind = 'K', .person = f.keys[i].person_id, .name = ""};
        FUZZ_REQUIRE(f.keys[i].size == FCT_KEY_FILE_BYTES && f.keys[i].person_id > 0);
        FUZZ_REQUIRE(fct_seal_get(&seal, seal.key, &at, f.keys[i].data, f.keys[i].size, key));
    }
    fct_key_file_clear(&f);
    free(text);
    return 0;
}

/* Addresses of servers, as users write them. */
#include "fuzz.h"

#include "postgres/pg_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), shown[200];
    memcpy(text, data, size);
    text[size] = 0;
    fct_pg_address_show(text, shown, sizeof shown);
    FUZZ_REQUIRE(strlen(shown) < sizeof shown);
    if (fct_pg_is_address(text)) {
        fct_pg_address a;
        fct_error e = {0};
        fct_status s = fct_pg_address_parse(text, &a, &e);
        fuzz_check_result(s, &e, s ? NULL : &a);
        if (!s) {
            FUZZ_REQUIRE(a.place && a.n <= FCT_PG_KEYS && strlen(a.schema) > 0 && strlen(a.schema) < sizeof a.schema);
            for (int i = 0; i < a.n; i++) FUZZ_REQUIRE(a.keys[i] && a.values[i]);
            FUZZ_REQUIRE(!a.keys[a.n] && !a.values[a.n]);
        }
        fct_pg_address_free(&a);
    }
    free(text);
    return 0;
}

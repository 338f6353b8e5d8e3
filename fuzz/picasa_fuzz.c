/* Picasa's lists of faces from strangers: every box inside the picture, every name UTF-8. */
#include "fuzz.h"

#include "tags/picasa.h"
#include "text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { MOST = 16 };
    long live = fct_alloc_live();
    fct_picasa *p = NULL;
    fct_error e = {0};
    fct_status s = fct_picasa_parse(data, size, &p, &e);
    fuzz_check_result(s, &e, p);
    fct_picasa_face f[MOST];
    int n = p ? fct_picasa_faces(p, "a.jpg", f, MOST) : 0;
    FUZZ_REQUIRE(n >= 0 && n <= MOST);
    for (int i = 0; i < n; i++) {
        const double *b = f[i].box;
        FUZZ_REQUIRE(b[0] >= 0 && b[1] >= 0 && b[2] > b[0] && b[3] > b[1] && b[2] <= 1 && b[3] <= 1);
        FUZZ_REQUIRE(fct_utf8_valid(f[i].name, strlen(f[i].name)));
    }
    fct_picasa_free(p);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

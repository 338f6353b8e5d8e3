/* Pack manifests of both formats, and the outside of the ONNX files of a pack: an input that
 * starts with '{' is read as the first, any other as the second. */
#include "fuzz.h"

#include "pack/manifest.h"
#include "pack/signature.h"
#include "tasks/task_table.h"

static void read_manifest(const uint8_t *data, size_t size) {
    fct_manifest m;
    fct_error e;
    fct_status s = fct_manifest_read(data, size, "fuzz", &m, &e);
    fuzz_check_result(s, &e, s ? NULL : &m);
    for (int i = 0; !s && i < m.n_files; i++) {
        const fct_manifest_file *f = &m.files[i];
        /* No name may lead out of the pack's folder. */
        FUZZ_REQUIRE(f->name && f->name[0] && f->name[0] != '.' && !strpbrk(f->name, "/\\:"));
        FUZZ_REQUIRE(!f->refine || f->task == FCT_TASK_LANDMARK_68);
        FUZZ_REQUIRE(strlen(f->sha256) == 0 || strlen(f->sha256) == 64);
    }
    fct_manifest_clear(&m);
}

/* manifest.json: its paths may have folders, but lead nowhere else. */
static void read_manifest_v2(const uint8_t *data, size_t size) {
    fct_manifest m;
    fct_error e;
    fct_status s = fct_manifest_read_v2(data, size, "fuzz", &m, &e);
    if (s) fuzz_check_result(s, &e, NULL);
    for (int i = 0; !s && i < m.n_files; i++) {
        const char *name = m.files[i].name;
        FUZZ_REQUIRE(name && name[0] != '/' && !strpbrk(name, "\\:") && !strstr(name, "//"));
        FUZZ_REQUIRE(strncmp(name, "../", 3) && !strstr(name, "/../")); /* a folder may be called "a.." */
        FUZZ_REQUIRE(m.files[i].has_norm && m.files[i].std > 0);
    }
    fct_manifest_clear(&m);
}

static void read_signature(const uint8_t *data, size_t size) {
    fct_signature sig;
    fct_route route;
    fct_error e;
    fct_status s = fct_signature_read(data, size, "fuzz", &sig, &e);
    fuzz_check_result(s, &e, s ? NULL : &sig);
    if (s) return;
    for (int names_only = 0; names_only < 2; names_only++) {
        fct_signature_route(&sig, names_only, &route);
        FUZZ_REQUIRE(memchr(route.note, 0, sizeof route.note));
        FUZZ_REQUIRE(route.width >= 0 && route.height >= 0);
        for (int i = 0; i < fct_task_count(); i++) { /* as a manifest may call it */
            fct_signature_route_as(&sig, 1u << i, names_only, &route);
            FUZZ_REQUIRE(memchr(route.note, 0, sizeof route.note) && (route.task == 1u << i || route.note[0]));
            FUZZ_REQUIRE(!route.task || i == 0 || (route.width > 0 && route.width == route.height));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    long live = fct_alloc_live();
    if (size && data[0] == '{') {
        read_manifest(data, size);
        read_manifest_v2(data, size);
    } else read_signature(data, size);
    FUZZ_REQUIRE(fct_alloc_live() == live);
    return 0;
}

/* Loading and freeing networks over and over must not grow the process: neither
 * by blocks that are lost nor by memory that the allocator cannot use again. */
#include "base/alloc.h"
#include "base/file.h"
#include "facet/facet.h"

#include "test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static fct_error e;

/* Resident KiB of this process; 0 where that is unknown or means nothing. */
static long resident_kib(void) {
#ifndef SANITIZED /* they keep freed memory back */
    unsigned long all, resident;
    FILE *f = fct_fopen("/proc/self/statm", "r");
    if (f) {
        int n = fscanf(f, "%lu %lu", &all, &resident);
        fclose(f);
        if (n == 2 && !getenv("FCT_EMULATED")) return (long)resident * 4;
    }
#endif
    return 0;
}

static void load_run_free(const char *path, int64_t size) {
    static float pixels[3 * 640 * 640];
    fct_model *m = NULL;
    fct_session *s = NULL;
    fct_tensor_info info;
    fct_tensor in = {0}, out[16];
    REQUIRE(fct_model_load(path, NULL, &m, &e) == FCT_OK && fct_session_create(m, &s, &e) == FCT_OK);
    REQUIRE(fct_model_input(m, 0, &info, &e) == FCT_OK);
    in.data = pixels;
    in.rank = info.rank;
    for (int d = 0; d < info.rank; d++) in.dims[d] = info.dims[d] > 0 ? info.dims[d] : d == 0 ? 1 : size;
    REQUIRE(fct_session_run(s, &in, 1, out, fct_model_output_count(m), &e) == FCT_OK);
    fct_session_free(s);
    fct_model_free(m);
}

/* Cycles over the files; growth is measured after a tenth of them. */
static void check_growth(const char *const *paths, int n, int cycles, int64_t size, long allowed_kib) {
    long live = 0, before = 0;
    for (int i = 0; i < cycles; i++) {
        if (i == cycles / 10) {
            live = fct_alloc_live();
            before = resident_kib();
        }
        load_run_free(paths[i % n], size);
    }
    long grown = resident_kib() - before;
    CHECK_MSG(fct_alloc_live() == live, "%ld blocks more", fct_alloc_live() - live);
    CHECK_MSG(grown <= allowed_kib, "%ld KiB more", grown);
}

TEST(a_thousand_small_networks) {
    static const char *const names[] = {"conv-dynamic", "detector", "scrfd", "arcface"};
    char text[4][700];
    const char *paths[4], *source = getenv("FCT_SOURCE");
    for (int i = 0; i < 4; i++) {
        snprintf(text[i], sizeof text[i], "%s/fuzz/corpus/onnx/seed-%s", source ? source : ".", names[i]);
        paths[i] = text[i];
    }
    check_growth(paths, 4, 1000, 64, 1024);
}

TEST(real_networks) {
    static const char *const names[] = {"mfnet_y1.onnx", "scrfd_500m_kps.onnx"};
    char text[2][700];
    const char *paths[2], *shared = test_shared();
    for (int i = 0; i < 2; i++) {
        snprintf(text[i], sizeof text[i], "%s/weights/%s", shared, names[i]);
        paths[i] = text[i];
        fct_file_stat st;
        fct_file_get_stat(text[i], &st);
        if (!st.exists) SKIP("no development weights");
    }
    check_growth(paths, 2, 40, 320, 8192);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* Networks that are loaded from files in parts: the same model and the same errors as from memory, and an error
 * instead of a signal when somebody shortens the file meanwhile. */
#include "base/alloc.h"
#include "base/part_file.h"
#include "base/thread.h"
#include "net_util.h"
#include "onnx/onnx_file.h"
#include "test.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

enum { C = 64, SIDE = 6, COUNT = C * C * 9 }; /* 147 kB of weights in single precision, 74 kB in half */

static char folder[64], path[80];
static const uint8_t *bytes;
static size_t size;
static ow w;
static fct_error e;

/* Two convolutions, of single and of half precision, and a small tensor. */
static void set_up(void) {
    static float weight[COUNT];
    static uint16_t half[COUNT];
    const int64_t in[4] = {1, C, SIDE, SIDE}, dims[4] = {C, C, 3, 3}, pads[4] = {1, 1, 1, 1};
    uint32_t seed = 7;
    net_fill(&seed, weight, COUNT);
    for (int i = 0; i < COUNT; i++) half[i] = (uint16_t)(0x2000 + net_random(&seed) % 0x800);
    ow_begin(&w, 13);
    ow_input(&w, "x", 4, in);
    ow_f32(&w, "w", 4, dims, weight, OW_RAW);
    ow_raw(&w, "h", 10, 4, dims, half, sizeof half);
    ow_f32(&w, "p", 4, dims, weight, OW_PACKED);
    ow_node(&w, "Conv", "x,w", "a");
    ow_ints(&w, "pads", 4, pads);
    ow_node(&w, "Conv", "a,h", "b");
    ow_ints(&w, "pads", 4, pads);
    ow_node(&w, "Conv", "b,p", "y");
    ow_ints(&w, "pads", 4, pads);
    ow_output(&w, "y");
    bytes = ow_end(&w, &size);
    snprintf(folder, sizeof folder, "/tmp/facet-race-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    REQUIRE(!fct_file_write_atomic(path, bytes, size, &e));
}

static void tear_down(void) {
    CHECK(!fct_dir_remove(folder, &e));
    ow_free(&w);
}

/* Sum of squares of what a model makes of one input. */
static double run(fct_model *m) {
    static float x[C * SIDE * SIDE];
    fct_tensor in = {x, 4, {1, C, SIDE, SIDE}}, out;
    fct_session *s;
    double sum = 0;
    uint32_t seed = 3;
    net_fill(&seed, x, sizeof x / sizeof *x);
    REQUIRE(!fct_session_create(m, &s, &e) && !fct_session_run(s, &in, 1, &out, 1, &e));
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) sum += (double)out.data[i] * out.data[i];
    fct_session_free(s);
    return sum;
}

TEST(same_as_from_memory) {
    set_up();
    for (int way = 0; way < NET_WAYS; way++) {
        fct_engine_opts o;
        const char *name;
        fct_model *a = NULL, *b = NULL;
        net_way(way, &o, &name);
        REQUIRE(!fct_model_load_engine(bytes, size, path, &o, &a, &e));
        REQUIRE(!fct_model_load_engine_file(path, &o, &b, &e));
        const double want = run(a), got = run(b);
        CHECK(want > 0 && want == got);
        CHECK(!strcmp(fct_model_id(a), fct_model_id(b)));
        fct_model_free(a);
        fct_model_free(b);
    }
    tear_down();
}

/* A file that ends early has the same fault in parts as in memory. */
TEST(same_errors) {
    set_up();
    for (size_t n = 0; n < size; n += n < 300 || n + 300 > size ? 1 : 9973) {
        fct_model *m = NULL;
        fct_error a = {0}, b = {0};
        REQUIRE(!fct_file_write_cache(path, &(fct_file_part){bytes, n}, 1, &e));
        const fct_status want = fct_model_load_memory(bytes, n, path, NULL, &m, &a);
        fct_model_free(m);
        const fct_status got = fct_model_load(path, NULL, &m, &b);
        fct_model_free(m);
        CHECK(want == got && (want == FCT_OK || !strcmp(a.text, b.text)));
    }
    tear_down();
}

/* Large weights are not read before somebody asks, and not from a file that has changed. */
TEST(parts) {
    fct_part_file f;
    uint8_t two[2];
    set_up();
    REQUIRE(!fct_onnx_open(path, &f, &e));
    size_t differ = 0;
    for (size_t i = 0; i < size; i++) differ += f.data[i] != bytes[i];
    CHECK(f.size == size && differ > COUNT * 4);
    CHECK(!fct_part_read(&f, size - 2, 2, two, &e) && !memcmp(two, bytes + size - 2, 2));
    REQUIRE(!truncate(path, (off_t)size - 1));
    CHECK(fct_part_read(&f, 0, 2, two, &e) == FCT_ERR_FORMAT && strstr(e.text, path) && strstr(e.text, "shorter"));
    CHECK(fct_part_load(&f, size - 2, 2, &e) == FCT_ERR_FORMAT && strstr(e.text, "shorter"));
    REQUIRE(!truncate(path, (off_t)size + 1));
    CHECK(fct_part_read(&f, 0, 2, two, &e) == FCT_ERR_FORMAT && strstr(e.text, "written"));
    fct_part_close(&f);
    CHECK(fct_onnx_open(folder, &f, &e) == FCT_ERR_IO && strstr(e.text, "directory"));
    tear_down();
}

static atomic_bool stop;

static void rewrite(void *arg) {
    int fd = open(arg, O_RDWR);
    while (fd >= 0 && !atomic_load(&stop)) {
        if (ftruncate(fd, 0) || pwrite(fd, bytes, size, 0) < 0) break;
        fct_sleep_ms(1);
    }
    if (fd >= 0) close(fd);
}

TEST(shortened_while_it_is_loaded) {
    fct_thread t;
    int loaded = 0, refused = 0;
    set_up();
    atomic_store(&stop, false);
    REQUIRE(!fct_thread_start(&t, rewrite, path, &e));
    for (int i = 0; i < 2000 && (i < 300 || !refused); i++) {
        fct_model *m = NULL;
        fct_error why = {0};
        const fct_status s = fct_model_load(path, NULL, &m, &why);
        fct_model_free(m);
        loaded += s == FCT_OK;
        refused += s != FCT_OK;
        CHECK(s == FCT_OK || (s == FCT_ERR_FORMAT && strstr(why.text, path)));
    }
    atomic_store(&stop, true);
    fct_thread_join(&t);
    CHECK(refused > 0);
    printf("%d loaded, %d refused\n", loaded, refused);
    tear_down();
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* The cache of packed weights: the same results from it, and none at all from a
 * file that is damaged, foreign or out of date. The networks are fuzzers' seeds. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "graph/cpu/cache.h"
#include "graph/cpu/cpu_net.h"
#include "graph/model.h"
#include "test.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64], cache[80], model[80];
static fct_error e;

/* A new folder with a copy of a seed, old enough for its times to be trusted. */
static void set_up(const char *seed) {
    static char from[700];
    const char *source = getenv("FCT_SOURCE");
    uint8_t *data;
    size_t size;
    snprintf(from, sizeof from, "%s/fuzz/corpus/onnx/seed-%s", source ? source : ".", seed);
    snprintf(folder, sizeof folder, "/tmp/facet-cache-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    snprintf(model, sizeof model, "%s/model.onnx", folder);
    REQUIRE(!fct_file_read(from, 1 << 26, &data, &size, &e));
    REQUIRE(!fct_file_write_atomic(model, data, size, &e));
    fct_free(data);
}

static void tear_down(void) { CHECK(!fct_dir_remove(folder, &e)); }

typedef struct result {
    float v[4096];
    size_t n;
    bool cached;
} result;

static result load_and_run(const char *dir, fct_precision precision, bool from_memory) {
    static float x[3 * 112 * 112]; /* the largest fixed input of the seeds */
    result r = {.n = 0};
    fct_engine_opts o;
    fct_model *m = NULL;
    fct_session *s = NULL;
    fct_tensor_info info;
    fct_tensor in = {x, 4, {1, 3, 64, 64}}, out[16];
    uint8_t *data = NULL;
    size_t size;
    for (int i = 0; i < 3 * 112 * 112; i++) x[i] = (float)(i * 37 % 101) / 50 - 1;
    fct_engine_opts_init(&o);
    o.model.cache_dir = dir;
    o.model.precision = precision;
    if (from_memory) {
        REQUIRE(!fct_file_read(model, 1 << 26, &data, &size, &e));
        REQUIRE(!fct_model_load_engine(data, size, model, &o, &m, &e));
    } else REQUIRE(!fct_model_load_engine_file(model, &o, &m, &e));
    fct_free(data);
    r.cached = ((const fct_cpu_net *)m->net)->cache.size > 0;
    REQUIRE(!fct_model_input(m, 0, &info, &e) && !fct_session_create(m, &s, &e));
    for (int i = 1; i < 4; i++)
        if (info.dims[i] > 0) in.dims[i] = info.dims[i];
    int n = fct_model_output_count(m);
    REQUIRE(n <= 16 && !fct_session_run(s, &in, 1, out, n, &e));
    for (int i = 0; i < n; i++) {
        size_t count = 1;
        for (int k = 0; k < out[i].rank; k++) count *= (size_t)out[i].dims[k];
        for (size_t k = 0; k < count && r.n < 4096; k++) r.v[r.n++] = out[i].data[k];
    }
    fct_session_free(s);
    fct_model_free(m);
    return r;
}

static bool same(const result *a, const result *b) {
    return a->n == b->n && a->n && !memcmp(a->v, b->v, a->n * sizeof *a->v);
}

/* Path of the one file in the cache folder with that ending. */
static const char *cache_file(const char *ending) {
    static char path[400];
    char **names;
    size_t n;
    path[0] = 0;
    REQUIRE(!fct_dir_list(cache, &names, &n, &e));
    for (size_t i = 0; i < n; i++)
        if (strstr(names[i], ending)) snprintf(path, sizeof path, "%s/%s", cache, names[i]);
    fct_dir_list_free(names, n);
    REQUIRE(path[0]);
    return path;
}

static void poke(const char *path, size_t at, int change) {
    FILE *f = fopen(path, "r+b");
    REQUIRE(f != NULL);
    fseek(f, (long)at, SEEK_SET);
    int c = fgetc(f);
    fseek(f, (long)at, SEEK_SET);
    fputc(c ^ change, f);
    fclose(f);
}

static void copy(const char *from, const char *to) {
    uint8_t *data;
    size_t size;
    REQUIRE(!fct_file_read(from, 1 << 26, &data, &size, &e));
    const fct_file_part part = {data, size};
    REQUIRE(!fct_file_write_cache(to, &part, 1, &e));
    fct_free(data);
}

TEST(same_results) {
    static const char *const seeds[] = {"conv", "conv-dynamic", "detector", "half", "scrfd", "arcface"};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        for (int precision = 0; precision < 2; precision++) {
            set_up(seeds[i]);
            result without = load_and_run(NULL, precision, false), first = load_and_run(cache, precision, true);
            result second = load_and_run(cache, precision, true);
            CHECK_MSG(!without.cached && !first.cached && second.cached, "%s", seeds[i]);
            CHECK_MSG(same(&without, &first) && same(&without, &second), "%s", seeds[i]);
            result other = load_and_run(cache, !precision, true);
            CHECK_MSG(!other.cached, "%s: another precision", seeds[i]);
            tear_down();
        }
}

TEST(file_is_recognized) {
    set_up("arcface");
    result first = load_and_run(cache, 0, false); /* too new for its times to be trusted */
    CHECK(!first.cached && !load_and_run(cache, 0, false).cached);
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    REQUIRE(!utimensat(AT_FDCWD, model, old, 0));
    fct_sleep_ms(4200);                           /* the time of the last change cannot be set back */
    CHECK(!load_and_run(cache, 0, false).cached); /* makes the record */
    result again = load_and_run(cache, 0, false);
    CHECK(again.cached && same(&first, &again));
    /* another content of the same size and time of writing */
    uint8_t *data;
    size_t size;
    REQUIRE(!fct_file_read(model, 1 << 26, &data, &size, &e));
    fct_free(data);
    poke(model, size / 2, 1);
    REQUIRE(!utimensat(AT_FDCWD, model, old, 0));
    result changed = load_and_run(cache, 0, false), plain = load_and_run(NULL, 0, false);
    CHECK(!changed.cached && same(&changed, &plain));
    tear_down();
}

TEST(damaged_files) {
    static char good[100];
    set_up("arcface");
    result want = load_and_run(cache, 0, true);
    snprintf(good, sizeof good, "%s/good", folder);
    copy(cache_file(".weights"), good);
    fct_map map;
    REQUIRE(!fct_map_open(good, &map, &e));
    const size_t size = map.size;
    uint32_t n;
    fct_cache_key key;
    const fct_cache_entry *entries = fct_cache_parse(map.data, size, &key, &n);
    REQUIRE(entries && n > 1);
    const size_t directory = 64 + 64 * (size_t)n, payload = (size_t)entries[0].offset,
                 last = (size_t)(entries[n - 1].offset + entries[n - 1].bytes) - 1;
    fct_map_close(&map);
    int taken = 0, wrong = 0;
    for (size_t at = 0; at <= directory + 2; at += at < 160 ? 1 : 7) {
        const char *path = cache_file(".weights");
        copy(good, path);
        poke(path, at < directory ? at : at == directory ? payload : last, 1 << at % 8);
        result got = load_and_run(cache, 0, true);
        taken += got.cached;
        wrong += !same(&want, &got);
    }
    for (size_t keep = 0; keep < size; keep = keep * 2 + 1) {
        const char *path = cache_file(".weights");
        copy(good, path);
        REQUIRE(!truncate(path, (off_t)keep));
        result got = load_and_run(cache, 0, true);
        taken += got.cached;
        wrong += !same(&want, &got);
    }
    CHECK_MSG(!taken && !wrong, "%d damaged files taken, %d wrong results", taken, wrong);
    result healed = load_and_run(cache, 0, true);
    CHECK(healed.cached && same(&want, &healed));
    tear_down();
}

/* What a process that was ended while it wrote has left behind goes after an hour; other people's files stay. */
TEST(leftovers) {
    static char old[120], fresh[120], other[120];
    set_up("conv");
    snprintf(old, sizeof old, "%s/.facet-0123456789abcdefghij.part", cache);
    snprintf(fresh, sizeof fresh, "%s/.facet-1123456789abcdefghij.part", cache);
    snprintf(other, sizeof other, "%s/notes.part", cache);
    REQUIRE(!fct_dir_make_private(cache, &e));
    copy(model, old), copy(model, fresh), copy(model, other);
    const struct timespec long_ago[2] = {{time(NULL) - 7200, 0}, {time(NULL) - 7200, 0}};
    REQUIRE(!utimensat(AT_FDCWD, old, long_ago, 0) && !utimensat(AT_FDCWD, other, long_ago, 0));
    (void)load_and_run(cache, 0, true);
    CHECK(access(old, F_OK) != 0 && access(fresh, F_OK) == 0 && access(other, F_OK) == 0);
    tear_down();
}

/* A child has a model whose weights its parent is about to write, and not the thread that writes them. */
TEST(forked_while_written) {
    set_up("arcface");
    fct_engine_opts o;
    fct_model *m;
    int status;
    fct_engine_opts_init(&o);
    o.model.cache_dir = cache;
    REQUIRE(!fct_model_load_engine_file(model, &o, &m, &e));
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (!child) {
        alarm(20); /* a wait for the thread would never end */
        fct_model_free(m);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fct_model_free(m);
    CHECK(load_and_run(cache, 0, true).cached);
    tear_down();
}

TEST(others_files) {
    set_up("conv");
    result want = load_and_run(cache, 0, true);
    const char *path = cache_file(".weights");
    struct stat st;
    REQUIRE(!stat(path, &st));
    CHECK((st.st_mode & 0777) == 0600);
    REQUIRE(!stat(cache, &st));
    CHECK((st.st_mode & 0777) == 0700);
    REQUIRE(!chmod(path, 0666)); /* anybody may have written it */
    CHECK(!load_and_run(cache, 0, true).cached);
    static char aside[100];
    snprintf(aside, sizeof aside, "%s/aside", folder);
    path = cache_file(".weights");
    REQUIRE(!rename(path, aside) && !symlink(aside, path));
    CHECK(!load_and_run(cache, 0, true).cached);
    REQUIRE(!chmod(cache, 0500));
    result got = load_and_run(cache, 0, true); /* a folder that cannot be written does no harm */
    CHECK(same(&want, &got));
    REQUIRE(!chmod(cache, 0700));
    got = load_and_run("/proc/no-such/folder", 0, true);
    CHECK(same(&want, &got) && !got.cached);
    tear_down();
}

/* Signs a directory, so that only the checks behind the signature are left. */
static void sign(uint8_t *file, uint32_t n) {
    uint64_t zero = 0, sum;
    memcpy(file + 56, &zero, 8);
    const uint64_t both[2] = {fct_checksum64(file, 64), fct_checksum64(file + 64, 64 * (size_t)n)};
    sum = fct_checksum64(both, sizeof both);
    memcpy(file + 56, &sum, 8);
}

TEST(hostile_directories) {
    static _Alignas(64) uint8_t file[1024];
    uint64_t size = sizeof file;
    uint32_t n = 2, got;
    fct_cache_key key;
    fct_cache_entry *entry = (fct_cache_entry *)(file + 64);
    memcpy(file, "fctpack1", 8);
    memcpy(file + 40, &size, 8);
    memcpy(file + 48, &n, 4);
    for (int i = 0; i < 2; i++) entry[i] = (fct_cache_entry){.name = "raw", .offset = 192, .bytes = 832};
    sign(file, n);
    REQUIRE(fct_cache_parse(file, sizeof file, &key, &got) && got == 2);
    static const struct {
        uint64_t offset, bytes;
    } bad[] = {{192, 833},
               {128, 64},
               {0, 64},
               {200, 8},
               {1088, 0},
               {UINT64_MAX - 63, 64},
               {UINT64_MAX - 63, UINT64_MAX},
               {192, UINT64_MAX},
               {1024, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        entry[1].offset = bad[i].offset;
        entry[1].bytes = bad[i].bytes;
        sign(file, n);
        CHECK_MSG(!fct_cache_parse(file, sizeof file, &key, &got) && !got, "case %zu", i);
    }
    entry[1].offset = 1024, entry[1].bytes = 0; /* empty, at the end: harmless */
    sign(file, n);
    CHECK(fct_cache_parse(file, sizeof file, &key, &got));
    memset(entry[1].name, 'x', sizeof entry[1].name);
    sign(file, n);
    CHECK(!fct_cache_parse(file, sizeof file, &key, &got));
    for (uint32_t many = 16; many; many <<= 1) {
        memcpy(file + 48, &many, 4);
        CHECK(!fct_cache_parse(file, sizeof file, &key, &got));
    }
    for (size_t len = 0; len < 200; len++) CHECK(!fct_cache_parse(file, len, &key, &got));
}

/* Any one changed word changes the checksum; so does the length. */
TEST(checksum) {
    static uint8_t data[300];
    for (int i = 0; i < 300; i++) data[i] = (uint8_t)(i * 7);
    const uint64_t sum = fct_checksum64(data, sizeof data);
    for (size_t i = 0; i < 8 * sizeof data; i++) {
        data[i / 8] ^= (uint8_t)(1 << i % 8);
        CHECK(fct_checksum64(data, sizeof data) != sum);
        data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    memset(data, 0, sizeof data);
    for (size_t n = 0; n < sizeof data; n++) CHECK(fct_checksum64(data, n) != fct_checksum64(data, n + 1));
}

static int count_files(void) {
    fct_cache_info u;
    fct_cache_stat(cache, &u);
    CHECK(u.max_bytes == (uint64_t)2 << 30 && (u.files < 2 || u.bytes == ((uint64_t)2000 << 20) + 1));
    return u.files;
}

TEST(bound) {
    snprintf(cache, sizeof cache, "/tmp/facet-cache-XXXXXX");
    REQUIRE(mkdtemp(cache) != NULL);
    static const char *const names[] = {"00112233445566778899aabbccddeeff.weights", "0123456789abcdef.id", "notes.txt"};
    char path[200];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", cache, names[i]);
        REQUIRE(!fct_file_write_atomic(path, "x", 1, &e));
        if (!i) REQUIRE(!truncate(path, (off_t)2000 << 20)); /* a hole: takes no disk */
    }
    CHECK(count_files() == 2);
    CHECK(fct_cache_make_room(cache, 1 << 20) && count_files() == 2);
    CHECK(fct_cache_make_room(cache, 100 << 20) && count_files() == 1);
    CHECK(!fct_cache_make_room(cache, (uint64_t)3 << 30));
    CHECK(!access(path, F_OK)); /* somebody else's file */
    CHECK(!fct_dir_remove(cache, &e));
}

int main(int argc, char **argv) { return test_main(argc, argv); }

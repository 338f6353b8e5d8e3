#include "base/alloc.h"

#include "scratch.h"
#include <stdint.h>
#ifndef _WIN32
#include <sys/stat.h>
#include <unistd.h>
#endif

TEST(write_read_map) {
    fct_error e;
    uint8_t *data, bytes[100000];
    size_t size;
    fct_map m;
    new_root("wrm");
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
    REQUIRE(!fct_file_write_atomic(at("a"), "old", 3, &e));
    REQUIRE(!fct_file_write_atomic(at("a"), bytes, sizeof bytes, &e)); /* replaces */
    REQUIRE(!fct_file_read(at("a"), sizeof bytes, &data, &size, &e));
    CHECK(size == sizeof bytes && !memcmp(data, bytes, size) && data[size] == 0);
    fct_free(data);
    CHECK(fct_file_read(at("a"), sizeof bytes - 1, &data, &size, &e) == FCT_ERR_LIMIT && !data && !size);
    REQUIRE(!fct_map_open(at("a"), &m, &e));
    CHECK(m.size == sizeof bytes && !memcmp(m.data, bytes, m.size));
    fct_map_close(&m);
    CHECK(!m.data && !m.size);
    char **names;
    size_t n;
    REQUIRE(!fct_dir_list(root, &names, &n, &e)); /* no temporary file is left */
    CHECK(n == 1 && !strcmp(names[0], "a"));
    fct_dir_list_free(names, n);
    CHECK(!fct_dir_remove(root, &e));
}

TEST(empty_file) {
    fct_map m;
    uint8_t *data;
    size_t size = 9;
    new_root("empty");
    REQUIRE(!fct_file_write_atomic(at("a"), "", 0, NULL));
    REQUIRE(!fct_map_open(at("a"), &m, NULL));
    CHECK(m.data && m.size == 0);
    fct_map_close(&m);
    REQUIRE(!fct_file_read(at("a"), 0, &data, &size, NULL));
    CHECK(data && size == 0 && data[0] == 0);
    fct_free(data);
    fct_dir_remove(root, NULL);
}

TEST(faults_name_the_path) {
    fct_error e;
    fct_map m;
    uint8_t *data;
    size_t size;
    new_root("faults");
    CHECK(fct_map_open(at("none"), &m, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "faults/none") && !m.data);
    CHECK(fct_file_read(at("none"), 10, &data, &size, &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "faults/none"));
    CHECK(fct_map_open(root, &m, &e) == FCT_ERR_IO && strstr(e.text, "is a directory"));
    CHECK(fct_file_read(root, 10, &data, &size, &e) == FCT_ERR_IO && strstr(e.text, "is a directory"));
    CHECK(fct_file_write_atomic(at("no/such"), "x", 1, &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_file_remove(at("none"), &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_file_rename(at("none"), at("b"), &e) == FCT_ERR_NOT_FOUND && strstr(e.text, "faults/none"));
    CHECK(fct_dir_remove(at("none"), &e) == FCT_ERR_NOT_FOUND);
    char **names = (char **)1;
    CHECK(fct_dir_list(at("none"), &names, &size, &e) == FCT_ERR_NOT_FOUND && !names && !size);
    REQUIRE(!fct_file_write_atomic(at("f"), "x", 1, &e));
    CHECK(fct_dir_make(at("f"), &e) == FCT_ERR_EXISTS);
    CHECK(fct_dir_make(at("f/g"), &e) == FCT_ERR_NOT_FOUND);
    CHECK(fct_file_write_atomic(root, "x", 1, &e) != FCT_OK); /* a folder is not replaced */
    fct_dir_remove(root, NULL);
}

TEST(folders) {
    fct_error e;
    fct_file_stat st;
    char **names;
    size_t n;
    new_root("folders");
    CHECK(!fct_dir_make(at("a/b/c"), &e));
    CHECK(!fct_dir_make(at("a/b/c/"), &e)); /* there already */
    REQUIRE(!fct_file_write_atomic(at("a/z"), "12345", 5, &e));
    REQUIRE(!fct_file_write_atomic(at("a/Y"), "", 0, &e));
    fct_file_get_stat(at("a/z"), &st);
    CHECK(st.exists && st.is_file && !st.is_dir && !st.is_symlink && st.size == 5);
    CHECK(st.mtime_ns / 1000000000 <= fct_time_unix() + 2 && st.mtime_ns / 1000000000 > fct_time_unix() - 1000);
    fct_file_get_stat(at("a/b"), &st);
    CHECK(st.exists && st.is_dir && !st.is_file);
    fct_file_get_stat(at("nothing"), &st);
    CHECK(!st.exists && !st.is_dir && !st.is_file);
    REQUIRE(!fct_dir_list(at("a"), &names, &n, &e));
    CHECK(n == 3 && !strcmp(names[0], "Y") && !strcmp(names[1], "b") && !strcmp(names[2], "z"));
    fct_dir_list_free(names, n);
    CHECK(!fct_dir_remove(root, &e));
    fct_file_get_stat(root, &st);
    CHECK(!st.exists);
}

#ifndef _WIN32
TEST(links_are_not_followed_when_removing) {
    fct_file_stat st;
    new_root("links");
    REQUIRE(!fct_dir_make(at("kept"), NULL) && !fct_dir_make(at("gone"), NULL));
    REQUIRE(!fct_file_write_atomic(at("kept/f"), "x", 1, NULL));
    REQUIRE(!symlink("../kept", at("gone/link")) && !symlink("nowhere", at("gone/broken")));
    fct_file_get_stat(at("gone/link"), &st);
    CHECK(st.is_symlink && st.is_dir);
    CHECK(!fct_dir_remove(at("gone"), NULL));
    fct_file_get_stat(at("kept/f"), &st);
    CHECK(st.exists);
    fct_dir_remove(root, NULL);
}

TEST(pipes_and_devices_are_not_mapped) {
    fct_error e;
    fct_map m;
    new_root("pipe");
    REQUIRE(!mkfifo(at("pipe"), 0600));
    CHECK(fct_map_open(at("pipe"), &m, &e) == FCT_ERR_IO && strstr(e.text, "not a regular file"));
    CHECK(fct_map_open("/dev/zero", &m, &e) == FCT_ERR_IO);
    fct_dir_remove(root, NULL);
}

TEST(endless_file_stops_at_the_limit) {
    uint8_t *data;
    size_t size;
    CHECK(fct_file_read("/dev/zero", 1000000, &data, &size, NULL) == FCT_ERR_LIMIT && !data);
}
#endif

TEST(failed_allocations_are_reported_and_leak_nothing) {
    new_root("oom");
    REQUIRE(!fct_file_write_atomic(at("f"), "hello", 5, NULL) && !fct_dir_make(at("d/e"), NULL));
    for (long n = 1;; n++) {
        long before = fct_alloc_live();
        uint8_t *data = NULL;
        char **names = NULL;
        size_t size = 0, count = 0;
        fct_error e = {0};
        fct_alloc_fail_at(n);
        fct_status s = fct_file_read(at("f"), 100, &data, &size, &e);
        if (!s) s = fct_dir_list(root, &names, &count, &e);
        if (!s) s = fct_file_write_atomic(at("g"), "x", 1, &e);
        if (!s) s = fct_dir_make(at("d/x/y"), &e);
        if (!s) s = fct_dir_remove(at("d/x"), &e);
        bool done = n > 100;
        fct_alloc_fail_at(0);
        fct_free(data);
        fct_dir_list_free(names, count);
        CHECK(fct_alloc_live() == before);
        CHECK(s == FCT_OK || s == FCT_ERR_NOMEM);
        if (done) break;
        (void)fct_dir_remove(at("d/x"), NULL);
    }
    fct_dir_remove(root, NULL);
}

TEST(time_goes_on) {
    uint64_t a = fct_time_ns();
    fct_sleep_ms(2);
    uint64_t b = fct_time_ns();
    CHECK(b - a >= 1900000);
    CHECK(fct_time_unix() > 1700000000);
}

TEST(terminal_width_has_a_default) {
    FILE *f = tmpfile();
    REQUIRE(f);
    CHECK(!fct_term_is_tty(f) && fct_term_width(f) == 80);
    fclose(f);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

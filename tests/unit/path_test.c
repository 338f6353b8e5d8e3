#include "base/alloc.h"
#include "base/file.h"

#include "test.h"

static void check_owned(char *got, const char *want) {
    CHECK_MSG(got && !strcmp(got, want), "got %s, want %s", got ? got : "NULL", want);
    fct_free(got);
}

TEST(join) {
    check_owned(fct_path_join("a", "b"), "a/b");
    check_owned(fct_path_join("a/", "b"), "a/b");
    check_owned(fct_path_join("", "b"), "b");
    check_owned(fct_path_join("/", "b"), "/b");
}

TEST(base) {
    CHECK(!strcmp(fct_path_base("a/b.onnx"), "b.onnx"));
    CHECK(!strcmp(fct_path_base("b.onnx"), "b.onnx"));
    CHECK(!strcmp(fct_path_base("/b"), "b"));
    CHECK(!strcmp(fct_path_base("a/"), ""));
    CHECK(!strcmp(fct_path_base("/"), ""));
}

TEST(folder_in_a_path) {
    CHECK(!fct_path_has_folder("a") && !fct_path_has_folder("") && !fct_path_has_folder("a.onnx"));
    CHECK(fct_path_has_folder("a/b") && fct_path_has_folder("a/") && fct_path_has_folder("/a") &&
          fct_path_has_folder("./a"));
}

TEST(dir) {
    check_owned(fct_path_dir("a/b/c"), "a/b");
    check_owned(fct_path_dir("a/b/"), "a");
    check_owned(fct_path_dir("a//b"), "a");
    check_owned(fct_path_dir("a"), ".");
    check_owned(fct_path_dir(""), ".");
    check_owned(fct_path_dir("/a"), "/");
    check_owned(fct_path_dir("/"), "/");
}

TEST(ext) {
    CHECK(!strcmp(fct_path_ext("a/b.tar.gz"), "gz"));
    CHECK(!strcmp(fct_path_ext("a.d/b"), ""));
    CHECK(!strcmp(fct_path_ext(".hidden"), ""));
    CHECK(!strcmp(fct_path_ext("b."), ""));
}

#ifndef _WIN32
TEST(user_folders_follow_xdg) {
    setenv("HOME", "/home/ada", 1);
    unsetenv("XDG_DATA_HOME");
    setenv("XDG_CACHE_HOME", "relative", 1); /* not absolute: ignored, as the specification says */
    check_owned(fct_home_dir(), "/home/ada");
    check_owned(fct_data_dir(), "/home/ada/.local/share/facet");
    check_owned(fct_cache_dir(), "/home/ada/.cache/facet");
    setenv("XDG_DATA_HOME", "/data", 1);
    check_owned(fct_data_dir(), "/data/facet");
}
#endif

int main(int argc, char **argv) { return test_main(argc, argv); }

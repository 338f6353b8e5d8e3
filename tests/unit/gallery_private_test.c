/* What a gallery, its logs and its copies leave to others: nothing. */
#include "gallery_util.h"

#include "base/alloc.h"
#include "base/file.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static fct_error e;

static unsigned mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

static fct_gallery *open_with_face(const char *name) {
    fct_gallery *g;
    const char *path = util_path(name);
    util_remove(path);
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e) && !util_enroll(g, "Ada", 1, NULL, &e));
    return g;
}

static int warnings;
static void count_warnings(fct_log_level level, const char *text, void *user) {
    warnings += level == FCT_LOG_WARN && strstr(text, "other users could read this gallery");
}

TEST(a_new_gallery_is_its_owners) {
    mode_t before = umask(022);
    fct_dir_remove(util_path("fresh"), NULL);
    fct_gallery *g;
    char path[400];
    snprintf(path, sizeof path, "%s", util_path("fresh/g.db"));
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
    REQUIRE(!util_enroll(g, "Ada", 1, NULL, &e));
    CHECK(mode_of(util_path("fresh")) == 0700 && mode_of(path) == 0600);
    CHECK(mode_of(util_path("fresh/g.db-wal")) == 0600 && mode_of(util_path("fresh/g.db-shm")) == 0600);
    CHECK(!fct_gallery_backup(g, util_path("fresh/copy.db"), &e) && mode_of(util_path("fresh/copy.db")) == 0600);
    CHECK(!fct_gallery_export(g, util_path("fresh/x.jsonl"), true, &e) && mode_of(util_path("fresh/x.jsonl")) == 0600);
    fct_gallery_free(g);
    umask(before);
}

TEST(an_open_one_is_closed_to_others_with_a_word) {
    fct_gallery_opts o;
    fct_gallery *g = open_with_face("open.db");
    fct_gallery_free(g);
    char path[400];
    snprintf(path, sizeof path, "%s", util_path("open.db"));
    fct_gallery_opts_init(&o);
    fct_set_log(count_warnings, NULL, FCT_LOG_WARN);
    for (int read_only = 0; read_only < 2; read_only++) {
        REQUIRE(!chmod(path, 0644));
        o.read_only = read_only;
        warnings = 0;
        REQUIRE(!fct_gallery_open(path, &o, &g, &e));
        fct_gallery_free(g);
        CHECK(mode_of(path) == 0600 && warnings == 1);
        REQUIRE(!fct_gallery_open(path, &o, &g, &e));
        fct_gallery_free(g);
        CHECK(warnings == 1);
    }
    fct_set_log(NULL, NULL, FCT_LOG_WARN);
}

TEST(outputs_follow_no_links) {
    fct_gallery *g = open_with_face("links.db");
    char victim[400], link[400];
    snprintf(victim, sizeof victim, "%s", util_path("victim"));
    REQUIRE(!fct_file_write_atomic(victim, "safe", 4, &e));
    /* Today's names first: whoever knew them could lay links there. */
    static const char *const names[] = {"out.jsonl.part", "out.jsonl", "copy.db.part"};
    for (int i = 0; i < 3; i++) {
        snprintf(link, sizeof link, "%s", util_path(names[i]));
        unlink(link);
        REQUIRE(!symlink(victim, link));
    }
    unlink(util_path("copy.db"));
    CHECK(!fct_gallery_export(g, util_path("out.jsonl"), false, &e));
    CHECK(!fct_gallery_backup(g, util_path("copy.db"), &e));
    uint8_t *data;
    size_t size;
    REQUIRE(!fct_file_read(victim, 100, &data, &size, &e));
    CHECK(size == 4 && memcmp(data, "safe", 4) == 0);
    fct_free(data);
    struct stat st;
    CHECK(!lstat(util_path("out.jsonl"), &st) && S_ISREG(st.st_mode));
    CHECK(!lstat(util_path("out.jsonl.part"), &st) && S_ISLNK(st.st_mode)); /* nobody else's file is removed */
    CHECK(fct_gallery_backup(g, link, &e) == FCT_ERR_EXISTS);
    fct_gallery_free(g);
}

TEST(a_backup_beside_what_another_gallery_left) {
    fct_gallery *g = open_with_face("left.db"), *copy;
    char path[400], log[400], index[400];
    snprintf(path, sizeof path, "%s", util_path("again.db"));
    snprintf(log, sizeof log, "%s", util_path("again.db-wal"));
    snprintf(index, sizeof index, "%s", util_path("again.db-shm"));
    unlink(path);
    REQUIRE(!fct_file_write_atomic(log, "", 0, &e) && !fct_file_write_atomic(index, "12345678", 8, &e));
    CHECK(!fct_gallery_backup(g, path, &e)); /* an empty log, as a reader leaves it */
    CHECK(access(log, F_OK) && access(index, F_OK));
    REQUIRE(!fct_gallery_open(path, NULL, &copy, &e));
    CHECK(!fct_gallery_check(copy, &e) && strcmp(util_who(copy, 1), "Ada") == 0);
    fct_gallery_free(copy);
    unlink(path);
    REQUIRE(!fct_file_write_atomic(log, "pages", 5, &e)); /* would become part of the copy */
    CHECK(fct_gallery_backup(g, path, &e) == FCT_ERR_EXISTS && strstr(e.text, "again.db-wal") && access(path, F_OK));
    unlink(log);
    fct_gallery_free(g);
}

TEST(nothing_endless_is_read) {
    fct_gallery *g = open_with_face("endless.db");
    int added;
    CHECK(fct_gallery_import(g, "/dev/zero", &added, &e) == FCT_ERR_IO);
    CHECK(fct_gallery_import_npy(g, "m", "/dev/zero", "/dev/null", &added, &e) == FCT_ERR_IO);
    CHECK(strstr(e.text, "/dev/zero"));
    fct_gallery_free(g);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

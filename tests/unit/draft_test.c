/* The one way of writing files: what is left by success, failure and a signal, and in whose hands. */
#include "base/alloc.h"
#include "base/draft.h"

#include "scratch.h"
#ifndef _WIN32
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* How many files are in the folder. */
static size_t count_files(void) {
    char **names;
    size_t n;
    REQUIRE(!fct_dir_list(root, &names, &n, NULL));
    fct_dir_list_free(names, n);
    return n;
}

static bool holds(const char *path, const char *text) {
    uint8_t *data;
    size_t size;
    if (fct_file_read(path, 1000, &data, &size, NULL)) return false;
    bool same = size == strlen(text) && memcmp(data, text, size) == 0;
    fct_free(data);
    return same;
}

TEST(the_old_file_or_the_new_one) {
    fct_error e;
    fct_draft *d;
    new_root("whole");
    REQUIRE(!fct_file_write_atomic(at("f"), "old", 3, &e));
    REQUIRE(!fct_draft_open(at("f"), FCT_DRAFT_PRIVATE, &d, &e));
    fputs("n__", fct_draft_file(d));
    fseek(fct_draft_file(d), 1, SEEK_SET); /* headers are filled in at the end */
    fputs("ew", fct_draft_file(d));
    fflush(fct_draft_file(d));
    CHECK(holds(at("f"), "old") && count_files() == 2);
    CHECK(strncmp(fct_path_base(fct_draft_name(d)), ".facet-", 7) == 0);
    CHECK(!fct_draft_commit(d, &e) && holds(at("f"), "new") && count_files() == 1);
    REQUIRE(!fct_draft_open(at("f"), FCT_DRAFT_PLAIN, &d, &e));
    fputs("never", fct_draft_file(d));
    fct_draft_discard(d);
    CHECK(holds(at("f"), "new") && count_files() == 1);
    fct_draft_discard(NULL);
}

TEST(nothing_is_replaced_that_came_meanwhile) {
    fct_error e;
    fct_draft *d;
    new_root("new");
    REQUIRE(!fct_draft_open(at("f"), FCT_DRAFT_PRIVATE, &d, &e));
    fputs("mine", fct_draft_file(d));
    REQUIRE(!fct_file_write_atomic(at("f"), "theirs", 6, &e));
    CHECK(fct_draft_commit_new(d, &e) == FCT_ERR_EXISTS && holds(at("f"), "theirs") && count_files() == 1);
    REQUIRE(!fct_draft_open(at("g"), FCT_DRAFT_PRIVATE, &d, &e));
    fputs("mine", fct_draft_file(d));
    CHECK(!fct_draft_commit_new(d, &e) && holds(at("g"), "mine") && count_files() == 2);
}

TEST(failures_leave_nothing) {
    fct_error e;
    fct_draft *d;
    new_root("fail");
    CHECK(fct_draft_open(at("no/such"), FCT_DRAFT_PLAIN, &d, &e) == FCT_ERR_NOT_FOUND && !d &&
          strstr(e.text, "no/such"));
    CHECK(fct_draft_open(root, FCT_DRAFT_PLAIN, &d, &e) == FCT_ERR_IO && !d);
    for (long n = 1;; n++) { /* every allocation fails once */
        long live = fct_alloc_live();
        fct_alloc_fail_at(n);
        fct_status s = fct_file_write_private(at("f"), "x", 1, &e);
        bool failed = fct_alloc_has_failed();
        fct_alloc_fail_at(0);
        CHECK(fct_alloc_live() == live && count_files() == (s ? 0 : 1));
        if (!failed) break;
        fct_file_remove(at("f"), NULL);
    }
}

#ifndef _WIN32

static unsigned mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

TEST(rights) {
    fct_error e;
    new_root("rights");
    mode_t before = umask(022);
    REQUIRE(!fct_file_write_private(at("mine"), "x", 1, &e) && !fct_file_write_atomic(at("all"), "x", 1, &e));
    CHECK(mode_of(at("mine")) == 0600 && mode_of(at("all")) == 0644);
    REQUIRE(!fct_file_write_private(at("all"), "x", 1, &e)); /* an open one is replaced by a private one */
    CHECK(mode_of(at("all")) == 0600);
    REQUIRE(!chmod(at("all"), 0664));
    CHECK(fct_file_make_private(at("all")) && mode_of(at("all")) == 0600 && !fct_file_make_private(at("all")));
    CHECK(!fct_file_make_private(at("none")) && !fct_file_make_private(root));
    REQUIRE(!fct_dir_make_private(at("d"), &e));
    CHECK(mode_of(at("d")) == 0700);
    umask(before);
}

TEST(links_are_replaced_and_not_followed) {
    fct_error e;
    new_root("draft-links");
    REQUIRE(!fct_file_write_atomic(at("victim"), "safe", 4, &e));
    REQUIRE(!symlink(at("victim"), at("out")));
    REQUIRE(!fct_file_write_atomic(at("out"), "new", 3, &e));
    CHECK(holds(at("victim"), "safe") && holds(at("out"), "new"));
    fct_file_stat st;
    fct_file_get_stat(at("out"), &st);
    CHECK(!st.is_symlink);
}

TEST(names_cannot_be_foreseen) {
    fct_error e;
    fct_draft *a, *b;
    new_root("names");
    REQUIRE(!fct_draft_open(at("x"), FCT_DRAFT_PLAIN, &a, &e) && !fct_draft_open(at("x"), FCT_DRAFT_PLAIN, &b, &e));
    const char *p = fct_path_base(fct_draft_name(a)), *q = fct_path_base(fct_draft_name(b));
    int differ = 0;
    CHECK(strlen(p) == strlen(q));
    for (size_t i = 0; p[i] && q[i]; i++) differ += p[i] != q[i];
    CHECK_MSG(differ >= 10, "%s %s", p, q); /* 20 random letters of 32: fewer once in 1e13 */
    fct_draft_discard(a);
    fct_draft_discard(b);
}

TEST(devices_are_written_to) {
    fct_error e;
    new_root("device");
    CHECK(!fct_file_write_atomic("/dev/null", "x", 1, &e));
    struct stat st;
    CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
    if (access("/dev/full", W_OK) == 0) CHECK(fct_file_write_atomic("/dev/full", "x", 1, &e) == FCT_ERR_IO);
    /* A pipe: what comes out at the other end. */
    REQUIRE(!mkfifo(at("pipe"), 0600));
    FILE *f = fopen(at("pipe"), "r+");
    REQUIRE(f);
    char got[8] = "";
    CHECK(!fct_file_write_atomic(at("pipe"), "hello\n", 6, &e) && fgets(got, sizeof got, f) && !strcmp(got, "hello\n"));
    fclose(f);
}

static void on_signal(int sig) {
    fct_draft_abandon_all();
    _exit(128 + sig);
}

TEST(a_signal_leaves_nothing) {
    new_root("signal");
    REQUIRE(!fct_file_write_atomic(at("f"), "old", 3, NULL));
    int ready[2], status;
    char c;
    REQUIRE(!pipe(ready));
    pid_t child = fork();
    if (child == 0) {
        fct_draft *d[3] = {0};
        for (int i = 0; i < 3; i++)
            if (fct_draft_open(at(i ? "g" : "f"), FCT_DRAFT_PRIVATE, &d[i], NULL)) _exit(1);
        fct_draft_discard(d[1]);
        signal(SIGTERM, on_signal);
        if (write(ready[1], "!", 1) != 1) _exit(2);
        for (;;) pause();
    }
    REQUIRE(read(ready[0], &c, 1) == 1 && count_files() == 3);
    kill(child, SIGTERM);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
    CHECK(count_files() == 1 && holds(at("f"), "old"));
}

TEST(nothing_is_committed_after_a_signal) {
    new_root("late");
    pid_t child = fork();
    int status;
    if (child == 0) {
        fct_draft *d;
        if (fct_draft_open(at("f"), FCT_DRAFT_PLAIN, &d, NULL)) _exit(1);
        fct_draft_abandon_all();
        _exit(fct_draft_commit(d, NULL) == FCT_ERR_CANCELLED ? 0 : 2);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0 && count_files() == 0);
}

#endif

int main(int argc, char **argv) { return test_main(argc, argv); }

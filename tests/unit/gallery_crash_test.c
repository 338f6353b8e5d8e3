/* Processes: killed at random moments, and writing at the same time. */
#include "test.h"
#include "base/file.h"
#include "base/thread.h"
#include "gallery_util.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static fct_error e;

/* Enrolls without end; writes each seed to the pipe once it is reported as stored. */
static void enroll_until_killed(const char *path, uint64_t seed, int out) {
    fct_gallery *g;
    char name[20];
    if (fct_gallery_open(path, NULL, &g, NULL)) _exit(3);
    for (;; seed++) {
        snprintf(name, sizeof name, "P%d", (int)(seed % 5));
        if (util_enroll(g, name, seed, NULL, NULL) || write(out, &seed, sizeof seed) != sizeof seed) _exit(4);
    }
}

TEST(killed_at_any_moment) {
    if (getenv("FCT_EMULATED")) SKIP("too slow here: killed before anything is stored");
    enum { LIVES = 40 };
    static uint64_t seeds[100000];
    int n = 0;
    uint64_t rnd = (uint64_t)getpid(), next = 0;
    char path[400], name[20];
    snprintf(path, sizeof path, "%s", util_path("killed.db"));
    for (int life = 0; life < LIVES; life++) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        pid_t child = fork();
        if (child == 0) enroll_until_killed(path, next, ends[1]);
        close(ends[1]);
        usleep((useconds_t)(util_random(&rnd) % 60000));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        CHECK_MSG(WIFSIGNALED(status), "the child ended by itself: %d", status);
        uint64_t seed;
        while (n < 100000 && read(ends[0], &seed, sizeof seed) == sizeof seed) seeds[n++] = seed;
        close(ends[0]);
        next = (n ? seeds[n - 1] : 0) + 1000; /* past the one that may have been under way */
        fct_gallery *g;
        REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
        if (fct_gallery_check(g, &e)) CHECK_MSG(0, "%s", e.text);
        for (int i = 0; i < n; i++) {
            const char *who = util_who(g, seeds[i]);
            snprintf(name, sizeof name, "P%d", (int)(seeds[i] % 5));
            CHECK_MSG(who && strcmp(who, name) == 0, "life %d: face %d of %d is lost", life, i, n);
        }
        fct_gallery_free(g);
        if (test_failures) return;
    }
    CHECK_MSG(n > LIVES, "only %d faces were stored", n);
}

/* Three processes write, this one follows. */
TEST(processes_write_at_once) {
    enum { WRITERS = 3, EACH = 60 };
    char path[400], name[20];
    pid_t child[WRITERS];
    snprintf(path, sizeof path, "%s", util_path("shared.db"));
    for (int w = 0; w < WRITERS; w++)
        if ((child[w] = fork()) == 0) { /* creating the file is part of the race */
            fct_gallery *g;
            if (fct_gallery_open(path, NULL, &g, &e)) _exit(3);
            for (int i = 0; i < EACH; i++) {
                snprintf(name, sizeof name, "P%d", i % 10);
                if (util_enroll(g, name, (uint64_t)(w * 1000 + i), NULL, &e)) _exit(4);
                if (!*util_who(g, (uint64_t)(w * 1000 + i))) _exit(5);
            }
            fct_gallery_free(g);
            _exit(0);
        }
    fct_gallery *g;
    fct_gallery_info info;
    REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
    for (int running = 1; running;) {
        running = 0;
        CHECK(util_who(g, 5) != NULL);
        for (int w = 0; w < WRITERS; w++) {
            int status;
            if (child[w] && waitpid(child[w], &status, WNOHANG) == child[w]) {
                CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0, "writer %d: %d", w, status);
                child[w] = 0;
            }
            running |= child[w] != 0;
        }
        usleep(500);
    }
    REQUIRE(!fct_gallery_stat(g, &info, &e));
    CHECK_MSG(info.people == 10 && info.faces == WRITERS * EACH, "%d people, %d faces", info.people, info.faces);
    for (int w = 0; w < WRITERS; w++)
        for (int i = 0; i < EACH; i++) {
            snprintf(name, sizeof name, "P%d", i % 10);
            CHECK(strcmp(util_who(g, (uint64_t)(w * 1000 + i)), name) == 0);
        }
    CHECK(!fct_gallery_check(g, &e));
    fct_gallery_free(g);
}

/* ---- Threads on one handle --------------------------------------------------------- */

static fct_gallery *common;
static int thread_failures[4];

/* Each thread enrolls, finds, renames and removes its own faces among the others'. */
static void work(void *arg) {
    int t = (int)(intptr_t)arg;
    for (int i = 0; i < 25; i++) {
        uint64_t seed = (uint64_t)(t * 1000 + i);
        float v[UTIL_DIM];
        fct_match m;
        int n = 0;
        int64_t id;
        char name[20];
        fct_error err;
        snprintf(name, sizeof name, "T%d.%d", t, i);
        util_embedding(seed, UTIL_DIM, v);
        if (util_enroll(common, name, seed, &id, &err)) thread_failures[t]++;
        if (fct_gallery_search(common, UTIL_MODEL, v, UTIL_DIM, 0.99f, 1, &m, &n, &err) || n != 1 || m.face_id != id ||
            strcmp(m.name, name) != 0)
            thread_failures[t]++;
        if (i % 3 == 0) {
            if (fct_gallery_rename(common, m.person_id, "x", &err) && err.code != FCT_ERR_EXISTS) thread_failures[t]++;
            if (fct_gallery_remove_person(common, m.person_id, &err)) thread_failures[t]++;
            if (fct_gallery_search(common, UTIL_MODEL, v, UTIL_DIM, 0.99f, 1, &m, &n, &err) || n) thread_failures[t]++;
        }
    }
}

TEST(threads_share_a_handle) {
    fct_thread threads[4];
    fct_gallery_info info;
    REQUIRE(!fct_gallery_open(util_path("threads.db"), NULL, &common, &e));
    REQUIRE(!util_enroll(common, "somebody", 999999, NULL, &e)); /* never empty: the model stays pinned */
    for (int t = 0; t < 4; t++) REQUIRE(!fct_thread_start(&threads[t], work, (void *)(intptr_t)t, &e));
    for (int t = 0; t < 4; t++) fct_thread_join(&threads[t]);
    for (int t = 0; t < 4; t++) CHECK_MSG(!thread_failures[t], "thread %d: %d failures", t, thread_failures[t]);
    CHECK(!fct_gallery_stat(common, &info, &e) && info.faces == 1 + 4 * 16 && !fct_gallery_check(common, &e));
    fct_gallery_free(common);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

/* The gallery on a disk that fails, and on one that loses power: whatever was
 * reported as stored is there afterwards, and the file is sound. */
#include "scratch.h"
#include "base/file.h"
#include "fault_vfs.h"
#include "gallery_util.h"

#define MAX_SEEDS 400

static fct_error e;
static const char *db; /* the gallery's path */

/* Seeds whose enrollment was reported as stored. */
static bool stored[MAX_SEEDS], tried[MAX_SEEDS];

static void check_reported(fct_gallery *g, const char *when, long n) {
    char name[20];
    for (int i = 0; i < MAX_SEEDS; i++) {
        if (!tried[i]) continue;
        const char *who = util_who(g, (uint64_t)i);
        snprintf(name, sizeof name, "P%d", i % 7);
        CHECK_MSG(who, "%s %ld: the search fails", when, n);
        if (who && stored[i]) CHECK_MSG(strcmp(who, name) == 0, "%s %ld: face %d is lost", when, n, i);
        if (who && !stored[i]) CHECK_MSG(!*who || strcmp(who, name) == 0, "%s %ld: face %d is wrong", when, n, i);
    }
    if (fct_gallery_check(g, &e)) CHECK_MSG(0, "%s %ld: %s", when, n, e.text);
}

static fct_status enroll_number(fct_gallery *g, int i) {
    char name[20];
    snprintf(name, sizeof name, "P%d", i % 7);
    tried[i] = true;
    fct_status s = util_enroll(g, name, (uint64_t)i, NULL, &e);
    if (!s) stored[i] = true;
    return s;
}

/* Opens, enrolls five faces, closes, with the n-th operation of a kind failing.
 * False when the fault did not come up any more. */
static bool one_fault(fault_kind kind, long n) {
    fct_gallery *g;
    fault_vfs_clear();
    memset(stored, 0, sizeof stored);
    memset(tried, 0, sizeof tried);
    fault_vfs_fail(kind, n);
    if (!fct_gallery_open(db, NULL, &g, &e)) {
        for (int i = 0; i < 5; i++) {
            fct_status s = enroll_number(g, i);
            CHECK_MSG(!s || s == FCT_ERR_IO || s == FCT_ERR_BUSY, "kind %d, %ld: %s", kind, n, e.text);
        }
        if (fault_vfs_fired()) check_reported(g, "same handle after fault", n); /* works on */
    } else CHECK_MSG(e.code == FCT_ERR_IO && strstr(e.text, db), "kind %d, %ld: %s", kind, n, e.text);
    fct_gallery_free(g);
    bool fired = fault_vfs_fired();
    fault_vfs_fail(FAULT_NONE, 0);
    REQUIRE(!fct_gallery_open(db, NULL, &g, &e));
    check_reported(g, "reopened after fault", n);
    for (int i = 5; i < 8; i++) CHECK(!enroll_number(g, i));
    check_reported(g, "written after fault", n);
    fct_gallery_free(g);
    return fired;
}

TEST(every_operation_fails_once) {
    new_root("faults");
    db = at("fault-test.db");
    for (int kind = FAULT_WRITE_FULL; kind < FAULT_POWER; kind++) {
        long n = 1;
        while (one_fault(kind, n) && !test_failures) n++;
        CHECK_MSG(n > 3, "kind %d never came up", kind); /* the fault was really injected */
    }
}

/* Power fails at a random operation, again and again, on one growing file. */
TEST(power_failures) {
    new_root("power-failures");
    db = at("fault-test.db");
    uint64_t rnd = 11;
    for (int life = 0; life < 12 && !test_failures; life++) {
        int next = 0;
        long cut = 0;
        fault_vfs_clear();
        memset(stored, 0, sizeof stored);
        memset(tried, 0, sizeof tried);
        while (next < MAX_SEEDS) {
            fct_gallery *g;
            fault_vfs_fail(FAULT_POWER, 1 + (long)(util_random(&rnd) % 600));
            if (!fct_gallery_open(db, NULL, &g, &e))
                while (next < MAX_SEEDS && !enroll_number(g, next++)) {}
            fct_gallery_free(g);
            fault_vfs_power_cycle(&rnd);
            if (fct_gallery_open(db, NULL, &g, &e)) CHECK_MSG(0, "after power failure %ld: %s", cut, e.text);
            REQUIRE(g);
            if (cut++ % 4 == 0 || next == MAX_SEEDS) check_reported(g, "after power failure", cut);
            fct_gallery_free(g);
            if (test_failures) return;
        }
        CHECK(cut > 10);
    }
}

int main(int argc, char **argv) {
    if (!fault_vfs_install()) {
        puts("SKIP gallery_fault: this SQLite takes no file system of the test's");
        return 77;
    }
    int rc = test_main(argc, argv);
    fault_vfs_clear();
    return rc;
}

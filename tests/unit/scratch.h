/* A scratch folder for each test that writes files. */
#ifndef FCT_TESTS_SCRATCH_H
#define FCT_TESTS_SCRATCH_H

#include "base/file.h"

#include "test.h"

static char root[512];

/* An empty folder of its own for the running test, in the build's folder (FCT_TEST_DIR), else the system's. */
static inline void new_root(const char *test) {
    const char *dir = getenv("FCT_TEST_DIR"), *temp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/scratch-%s", dir ? dir : temp ? temp : "/tmp", test);
    (void)fct_dir_remove(root, NULL);
    REQUIRE(fct_dir_make(root, NULL) == FCT_OK);
}

/* The path of a name in it; four at a time. */
static inline const char *at(const char *name) {
    static char path[4][800];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

#endif

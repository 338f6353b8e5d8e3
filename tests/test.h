/* A small test frame: one program per suite, one function per test.
 *
 *   TEST(name) { CHECK(x == 1); CHECK_MSG(ok, "got %d", v); }
 *   int main(int argc, char **argv) { return test_main(argc, argv); }
 *
 * Prints one line per failure and, last, "N passed, N failed, N skipped".
 * Exit status 1 when a test failed, 77 when all were skipped. Arguments choose
 * tests by substring of their names. */
#ifndef FCT_TEST_H
#define FCT_TEST_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct test_case {
    const char *name;
    void (*fn)(void);
    struct test_case *next;
} test_case;
static test_case *test_first, **test_last = &test_first;
static int test_failures; /* of the running test */
static const char *test_skipped;
static jmp_buf test_exit;

#define TEST(ident)                                                                                                    \
    static void test_##ident(void);                                                                                    \
    __attribute__((constructor)) static void test_register_##ident(void) {                                             \
        static test_case c = {#ident, test_##ident, NULL};                                                             \
        *test_last = &c;                                                                                               \
        test_last = &c.next;                                                                                           \
    }                                                                                                                  \
    static void test_##ident(void)

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            test_failures++;                                                                                           \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                          \
        }                                                                                                              \
    } while (0)
#define CHECK_MSG(cond, ...)                                                                                           \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            test_failures++;                                                                                           \
            printf("%s:%d: %s: ", __FILE__, __LINE__, #cond);                                                          \
            printf(__VA_ARGS__);                                                                                       \
            printf("\n");                                                                                              \
        }                                                                                                              \
    } while (0)
/* Ends the test at once when cond is false. */
#define REQUIRE(cond)                                                                                                  \
    do {                                                                                                               \
        if (!(cond)) {                                                                                                 \
            test_failures++;                                                                                           \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                          \
            longjmp(test_exit, 1);                                                                                     \
        }                                                                                                              \
    } while (0)
#define SKIP(reason)                                                                                                   \
    do {                                                                                                               \
        test_skipped = (reason);                                                                                       \
        longjmp(test_exit, 1);                                                                                         \
    } while (0)

/* Folder of development data beside the checkout (FCT_SHARED, else ../shared of
 * the source tree), or skips the running test where it is absent. */
__attribute__((unused)) static const char *test_shared(void) {
    const char *p = getenv("FCT_SHARED");
    if (!p || !*p) SKIP("no development data: FCT_SHARED names no folder of it");
    return p;
}

/* Apart from test_main(), so that longjmp() finds none of its variables in registers. */
__attribute__((noinline)) static void test_run(const test_case *c) {
    test_failures = 0;
    test_skipped = NULL;
    if (!setjmp(test_exit)) c->fn();
}

static int test_main(int argc, char **argv) {
    int passed = 0, failed = 0, skipped = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (test_case *c = test_first; c; c = c->next) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++) wanted |= strstr(c->name, argv[i]) != NULL;
        if (!wanted) continue;
        test_run(c);
        if (test_failures) {
            failed++;
            printf("FAIL %s\n", c->name);
        } else if (test_skipped) {
            skipped++;
            printf("SKIP %s: %s\n", c->name, test_skipped);
        } else passed++;
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed ? 1 : passed == 0 && skipped ? 77 : 0;
}

#endif

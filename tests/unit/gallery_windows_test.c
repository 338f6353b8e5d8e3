/* Galleries on Windows. Processes are ended by TerminateProcess(), fifty times, while they enroll and forget people:
 * what they said was done is there afterwards (gallery_kill_test.c has the same for POSIX).
 *
 * The processes are this program: "unit_gallery_windows work GALLERY FIRST". */
#include "test.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/wide_windows.h"
#include "facet/privacy.h"
#include "gallery_util.h"
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVES = 50, ROUND = 1000 };
static fct_error e;

/* Enrolls people and forgets each second one; tells each step after it is done. */
static int work(const char *path, int first) {
    fct_gallery *g;
    if (fct_gallery_open(path, NULL, &g, NULL)) return 3;
    for (int i = first; i < first + ROUND; i++) {
        char name[20];
        fct_person p;
        snprintf(name, sizeof name, "P%d", i);
        if (util_enroll(g, name, (uint64_t)i, NULL, NULL)) return 4;
        printf("%d\n", i);
        fflush(stdout);
        if (i % 2) continue;
        if (fct_gallery_find(g, name, &p, NULL) || fct_gallery_forget(g, &p.id, 1, NULL, NULL)) return 5;
        printf("%d\n", -i);
        fflush(stdout);
    }
    fct_gallery_free(g);
    return 0;
}

/* Starts this program with a pipe as its output. */
static HANDLE start(const char *path, int first, FILE **lines) {
    wchar_t self[1000], words[2400];
    HANDLE from, to;
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION process;
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    wchar_t *gallery = fct_wide(path);
    REQUIRE(gallery && GetModuleFileNameW(NULL, self, 1000));
    swprintf(words, 2400, L"\"%ls\" work \"%ls\" %d", self, gallery, first);
    fct_free(gallery);
    REQUIRE(CreatePipe(&from, &to, &inherited, 0) && SetHandleInformation(from, HANDLE_FLAG_INHERIT, 0));
    how.hStdOutput = to;
    how.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    REQUIRE(CreateProcessW(self, words, NULL, NULL, TRUE, 0, NULL, NULL, &how, &process));
    CloseHandle(to);
    CloseHandle(process.hThread);
    *lines = _fdopen(_open_osfhandle((intptr_t)from, _O_RDONLY), "r");
    REQUIRE(*lines);
    return process.hProcess;
}

TEST(ended_while_forgetting) {
    static bool here[ROUND * (LIVES + 1)], gone[ROUND * (LIVES + 1)];
    static uint64_t rnd = 77;
    char path[400], line[40];
    int all = 0, cut = 0;
    snprintf(path, sizeof path, "%s", util_path("ended.db"));
    util_remove(path);
    for (int life = 0; life < LIVES && !test_failures; life++) {
        FILE *lines;
        fct_gallery *g;
        DWORD code;
        const int first = 2 + life * ROUND;
        HANDLE process = start(path, first, &lines);
        for (int n = 0; fgets(line, sizeof line, lines); n++, all++) {
            int step = atoi(line);
            REQUIRE(step < ROUND * (LIVES + 1) && step > -ROUND * (LIVES + 1));
            if (step > 0) here[step] = true;
            else gone[-step] = true;
            if (n) continue; /* it works now */
            Sleep((DWORD)(util_random(&rnd) % 60));
            TerminateProcess(process, 99);
        }
        fclose(lines);
        WaitForSingleObject(process, INFINITE);
        CHECK(GetExitCodeProcess(process, &code) && (code == 99 || code == 0));
        cut += code == 99;
        CloseHandle(process);
        REQUIRE(!fct_gallery_open(path, NULL, &g, &e));
        CHECK_MSG(!fct_gallery_check(g, &e), "life %d: %s", life, e.text);
        for (int i = 2; i < first + ROUND; i++) {
            if (!here[i] || (!gone[i] && i % 2 == 0)) continue; /* one whose forgetting had begun may be either */
            const char *who = util_who(g, (uint64_t)i);
            CHECK_MSG(who && (*who != 0) == !gone[i], "life %d: person %d is %s", life, i, who ? who : "?");
        }
        fct_gallery_free(g);
    }
    CHECK_MSG(all > LIVES && cut > LIVES / 2, "%d steps, %d ended", all, cut);
}

/* ---- Long names ----------------------------------------------------------------- */

/* A folder whose path has so many letters at least; owned. With a drive: Wine cuts the names of some folders whose path
 * is one of Linux, of which Windows knows nothing. */
static char *long_folder(const char *below, size_t letters) {
    char *path = fct_path_absolute(below);
    REQUIRE(path && !fct_dir_make(path, &e));
    while (path && strlen(path) < letters) {
        char *more = fct_path_join(path, "Фотографии 张伟 with blanks, %20 and #");
        REQUIRE(more && !fct_dir_make(more, &e));
        fct_free(path);
        path = more;
    }
    return path;
}

/* A gallery is made below such a folder, copied, and both are read. */
static void live_at(const char *below, size_t letters) {
    fct_gallery *g;
    fct_gallery_opts o;
    char *folder = long_folder(util_path(below), letters), *path = fct_path_join(folder, "people.db"),
         *copy = fct_path_join(folder, "copy.db");
    REQUIRE(folder && path && copy && strlen(path) > letters);
    CHECK_MSG(!fct_gallery_open(path, NULL, &g, &e), "%s", e.text);
    REQUIRE(g);
    CHECK_MSG(!util_enroll(g, "Ada", 1, NULL, &e), "%s", e.text);
    CHECK_MSG(!fct_gallery_check(g, &e), "%s", e.text);
    CHECK_MSG(!fct_gallery_backup(g, copy, &e), "%s", e.text);
    fct_gallery_free(g);
    fct_gallery_opts_init(&o);
    for (int i = 0; i < 4; i++) {
        o.read_only = i % 2;
        CHECK_MSG(!fct_gallery_open(i < 2 ? path : copy, &o, &g, &e), "%s", e.text);
        REQUIRE(g);
        CHECK(!strcmp(util_who(g, 1), "Ada"));
        fct_gallery_free(g);
    }
    fct_free(copy);
    fct_free(path);
    fct_free(folder);
}

TEST(galleries_on_long_paths) {
    live_at("long", 300);
    live_at("longer", 1000); /* in UTF-8 beyond what SQLite's usual layer for Windows takes */
    live_at("longest", 2500);
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "work")) return work(argv[2], atoi(argv[3]));
    return test_main(argc, argv);
}

/* POSIX: time, terminal, the user's folders. */
#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

uint64_t fct_time_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t fct_time_unix(void) { return (int64_t)time(NULL); }

void fct_sleep_ms(int ms) {
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (ms > 0 && nanosleep(&t, &t) && errno == EINTR) {}
}

bool fct_term_is_tty(FILE *f) { return isatty(fileno(f)) == 1; }

bool fct_term_reader_left(FILE *f) {
    (void)f;
    return false;
}

int fct_term_width(FILE *f) {
    struct winsize w;
    return ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

void fct_term_keys(bool single) {
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t)) return;
    if (single) t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    else t.c_lflag |= ICANON | ECHO;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

int fct_term_key(void) {
    unsigned char key;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}

bool fct_term_has_colors(FILE *f) {
    const char *term = fct_env("TERM");
    return !(term && strcmp(term, "dumb") == 0) && fct_term_is_tty(f);
}

void fct_program_start(int *argc, char ***argv) {} /* all as it should be */
void fct_program_restore(void) {}

char *fct_path_absolute(const char *path) {
    if (path[0] == '/') return fct_strdup(path);
    char *here = getcwd(NULL, 0);
    char *whole = here ? fct_path_join(here, path) : NULL;
    free(here);
    return whole;
}

char *fct_path_native(const char *path) { return fct_strdup(path); }

char *fct_path_real(const char *path) {
    char *real = realpath(path, NULL), *copy = real ? fct_strdup(real) : NULL;
    free(real);
    return copy;
}

void fct_program_on_stop(void (*handler)(int number)) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = handler}, old; /* no SA_RESTART */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaddset(&action.sa_mask, numbers[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigaction(numbers[i], NULL, &old)) continue;
        if (numbers[i] == SIGHUP && old.sa_handler == SIG_IGN) continue;
        sigaction(numbers[i], &action, NULL);
    }
}

const char *fct_env(const char *name) { return getenv(name); }

char *fct_home_dir(void) {
    const char *home = fct_env("HOME");
    if (home && *home) return fct_strdup(home);
    struct passwd entry, *found = NULL;
    char buf[4096];
    if (getpwuid_r(getuid(), &entry, buf, sizeof buf, &found) || !found || !*entry.pw_dir) return NULL;
    return fct_strdup(entry.pw_dir);
}

/* facet's folder in the one that the variable names (absolute, as the XDG base
 * directory specification wants it), else in this folder of the home. */
static char *user_dir(const char *name, const char *in_home) {
    const char *base = fct_env(name);
    if (base && base[0] == '/') return fct_path_join(base, "facet");
    char *home = fct_home_dir(), *dir = home ? fct_path_join(home, in_home) : NULL;
    fct_free(home);
    return dir;
}

char *fct_data_dir(void) { return user_dir("XDG_DATA_HOME", ".local/share/facet"); }
char *fct_cache_dir(void) { return user_dir("XDG_CACHE_HOME", ".cache/facet"); }

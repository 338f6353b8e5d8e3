/* Windows: text conversion, time, terminal, the user's folders. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/wide_windows.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdlib.h>

wchar_t *fct_wide(const char *utf8) {
    int n = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    wchar_t *w = n > 0 ? fct_alloc((size_t)n * sizeof *w) : NULL;
    if (w) MultiByteToWideChar(CP_UTF8, 0, utf8, -1, w, n);
    return w;
}

char *fct_narrow(const wchar_t *wide) {
    int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *s = n > 0 ? fct_alloc((size_t)n) : NULL;
    if (s) WideCharToMultiByte(CP_UTF8, 0, wide, -1, s, n, NULL, NULL);
    return s;
}

uint64_t fct_time_ns(void) {
    LARGE_INTEGER count, rate;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&rate);
    uint64_t c = (uint64_t)count.QuadPart, r = (uint64_t)rate.QuadPart;
    return c / r * 1000000000u + c % r * 1000000000u / r;
}

int64_t fct_time_unix(void) {
    FILETIME t;
    GetSystemTimeAsFileTime(&t);
    return (int64_t)(((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) / 10000000u) - 11644473600LL;
}

void fct_sleep_ms(int ms) { Sleep(ms > 0 ? (DWORD)ms : 0); }

bool fct_term_is_tty(FILE *f) { return _isatty(_fileno(f)) != 0; }

int fct_term_width(FILE *f) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    HANDLE h = (HANDLE)_get_osfhandle(_fileno(f));
    if (!GetConsoleScreenBufferInfo(h, &info)) return 80;
    int n = info.srWindow.Right - info.srWindow.Left + 1;
    return n > 0 ? n : 80;
}

void fct_term_keys(bool single) {
    HANDLE h = GetStdHandle(STD_INPUT_HANDLE);
    DWORD mode;
    if (!GetConsoleMode(h, &mode)) return;
    const DWORD lines = ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT;
    SetConsoleMode(h, single ? mode & ~lines : mode | lines);
}

int fct_term_key(void) {
    unsigned char key;
    DWORD n = 0;
    return ReadFile(GetStdHandle(STD_INPUT_HANDLE), &key, 1, &n, NULL) && n == 1 ? key : -1;
}

static void enable_escapes(DWORD stream) {
    enum { VIRTUAL_TERMINAL = 4 }; /* ENABLE_VIRTUAL_TERMINAL_PROCESSING, missing in older headers */
    HANDLE h = GetStdHandle(stream);
    DWORD mode;
    if (GetConsoleMode(h, &mode)) SetConsoleMode(h, mode | VIRTUAL_TERMINAL);
}

void fct_program_start(int *argc, char ***argv) {
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    SetConsoleOutputCP(CP_UTF8);
    enable_escapes(STD_OUTPUT_HANDLE);
    enable_escapes(STD_ERROR_HANDLE);
    int n = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &n);
    char **narrow = wide ? fct_calloc((size_t)n + 1, sizeof *narrow) : NULL;
    bool good = narrow != NULL;
    for (int i = 0; good && i < n; i++) good = (narrow[i] = fct_narrow(wide[i])) != NULL;
    if (good) *argc = n, *argv = narrow;
    LocalFree(wide);
}

static void (*on_stop)(int number);

/* A console that closes gives its programs some seconds, until this returns: the
 * program ends by itself before that. */
static BOOL WINAPI on_console(DWORD what) {
    bool closes = what != CTRL_C_EVENT && what != CTRL_BREAK_EVENT;
    on_stop(closes ? 1 : 2);
    if (closes) Sleep(INFINITE);
    return TRUE;
}

void fct_program_on_stop(void (*handler)(int number)) {
    on_stop = handler;
    SetConsoleCtrlHandler(on_console, TRUE);
}

/* Value of an environment variable; owned, NULL if unset or empty. */
static char *variable(const wchar_t *name) {
    const wchar_t *v = _wgetenv(name);
    return v && *v ? fct_narrow(v) : NULL;
}

static char *under(char *parent, const char *name) {
    char *p = parent ? fct_path_join(parent, name) : NULL;
    fct_free(parent);
    return p;
}

char *fct_path_absolute(const char *path) {
    wchar_t *w = fct_wide(path), *whole = w ? _wfullpath(NULL, w, 0) : NULL;
    char *narrow = whole ? fct_narrow(whole) : NULL;
    free(whole);
    fct_free(w);
    for (char *p = narrow; p && *p; p++)
        if (*p == '\\') *p = '/';
    return narrow;
}

char *fct_path_real(const char *path) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    return st.exists ? fct_path_absolute(path) : NULL;
}

char *fct_home_dir(void) { return variable(L"USERPROFILE"); }
char *fct_data_dir(void) { return under(variable(L"LOCALAPPDATA"), "facet"); }
char *fct_cache_dir(void) { return under(fct_data_dir(), "cache"); }

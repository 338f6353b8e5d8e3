/* Windows: time, terminal, the start and the end of a program. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/wide_windows.h"

#include <fcntl.h>
#include <io.h>
#include <shellapi.h>
#include <stdlib.h>

enum { VIRTUAL_TERMINAL = 4 }; /* ENABLE_VIRTUAL_TERMINAL_PROCESSING, missing in older headers */

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

/* _isatty() takes NUL for one too. */
bool fct_term_is_tty(FILE *f) {
    DWORD mode;
    return GetConsoleMode((HANDLE)_get_osfhandle(_fileno(f)), &mode) != 0;
}

bool fct_term_has_colors(FILE *f) {
    DWORD mode;
    return GetConsoleMode((HANDLE)_get_osfhandle(_fileno(f)), &mode) && (mode & VIRTUAL_TERMINAL);
}

/* Nothing else makes a write to a pipe fail. */
bool fct_term_reader_left(FILE *f) { return GetFileType((HANDLE)_get_osfhandle(_fileno(f))) == FILE_TYPE_PIPE; }

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

/* The next UTF-16 unit that a console gives; -1 = the end. ReadFile() gives no letters beyond ASCII in UTF-8. */
static int console_unit(HANDLE h) {
    wchar_t unit;
    DWORD n = 0;
    return ReadConsoleW(h, &unit, 1, &n, NULL) && n == 1 ? unit : -1;
}

int fct_term_key(void) {
    static char bytes[8];
    static int next, there; /* bytes of the last key that nobody has taken yet */
    HANDLE h = GetStdHandle(STD_INPUT_HANDLE);
    DWORD mode, n = 0;
    unsigned char key;
    if (next < there) return (unsigned char)bytes[next++];
    if (!GetConsoleMode(h, &mode)) return ReadFile(h, &key, 1, &n, NULL) && n == 1 ? key : -1;
    int first = console_unit(h);
    if (first < 0) return -1;
    wchar_t units[2] = {(wchar_t)first, 0};
    bool pair = first >= 0xD800 && first < 0xDC00;
    if (pair) units[1] = (wchar_t)console_unit(h);
    there = WideCharToMultiByte(CP_UTF8, 0, units, pair ? 2 : 1, bytes, sizeof bytes, NULL, NULL);
    next = 0;
    return next < there ? (unsigned char)bytes[next++] : -1;
}

static void enable_escapes(DWORD stream) {
    HANDLE h = GetStdHandle(stream);
    DWORD mode;
    if (GetConsoleMode(h, &mode)) SetConsoleMode(h, mode | VIRTUAL_TERMINAL);
}

/* The code page that the console had; it is the console's, not the program's. */
static UINT console_page;

void fct_program_restore(void) {
    if (console_page) SetConsoleOutputCP(console_page);
}

/* The C library gives a console each byte by itself. Consoles before Windows 10 2004, and Wine's, take the bytes of
 * a letter beyond ASCII for faults then. So output has a buffer, and a thread shows what is in it. */
static HANDLE at_end; /* an event: the program ends */

static DWORD WINAPI show(void *unused) {
    enum { PAUSE_MS = 30 };
    (void)unused;
    while (WaitForSingleObject(at_end, PAUSE_MS) == WAIT_TIMEOUT) {
        fflush(stdout);
        fflush(stderr);
    }
    return 0;
}

/* The last of it, while the code page is still that of UTF-8. */
static void show_rest(void) {
    SetEvent(at_end);
    fflush(stdout);
    fflush(stderr);
}

static void buffer_output(void) {
    enum { BUFFER = 1 << 16 };
    bool out = fct_term_is_tty(stdout), err = fct_term_is_tty(stderr);
    at_end = out || err ? CreateEventW(NULL, TRUE, FALSE, NULL) : NULL;
    HANDLE thread = at_end && !atexit(show_rest) ? CreateThread(NULL, 0, show, NULL, 0, NULL) : NULL;
    if (!thread) return;
    CloseHandle(thread);
    if (out) setvbuf(stdout, NULL, _IOFBF, BUFFER);
    if (err) setvbuf(stderr, NULL, _IOFBF, BUFFER);
}

void fct_program_start(int *argc, char ***argv) {
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
    console_page = GetConsoleOutputCP();
    if (console_page && SetConsoleOutputCP(CP_UTF8)) atexit(fct_program_restore);
    enable_escapes(STD_OUTPUT_HANDLE);
    enable_escapes(STD_ERROR_HANDLE);
    buffer_output();
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

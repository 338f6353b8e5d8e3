/* What a console does to facet.exe: letters in the code page 850, keys of other scripts, Ctrl-C, Ctrl-Break, and the
 * window that is closed while a film is recorded.
 *
 *   windows_console FACET MAKE_PACK VIDEO_TOOL
 *
 * The program makes a console without a window (CreatePseudoConsole(), Windows 10 and Wine) and starts itself in it,
 * "windows_console inside ..."; there the tests run. Windows tells a program of Ctrl-Break and of the end of its
 * console by a thread that begins at CtrlRoutine(). Wine 8 sends Ctrl-C alone, so the tests begin such a thread
 * themselves where GenerateConsoleCtrlEvent() does not. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/wide_windows.h"

#include "scratch.h"

#include <wchar.h>

enum {
    PSEUDO_CONSOLE = 0x20016, /* PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, missing in older headers */
    COLUMNS = 100,
    ROWS = 30,
    PATIENCE_MS = 60000,
};

static const char *facet_exe, *make_pack, *video_tool;
static HANDLE screen, keys;

/* ---- Programs in the console ---------------------------------------------------- */

/* Starts a program in the scratch folder, with the console or, if named, a file as its output. */
static HANDLE start(const char *program, const char *words, const char *output) {
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES, .hStdInput = keys};
    PROCESS_INFORMATION process;
    char line[4000];
    snprintf(line, sizeof line, "\"%s\" %s", program, words);
    wchar_t *folder = fct_wide(root), *wide = fct_wide(line), *file = output ? fct_wide(at(output)) : NULL;
    how.hStdOutput = how.hStdError = screen;
    if (file)
        how.hStdOutput = how.hStdError =
            CreateFileW(file, GENERIC_WRITE, FILE_SHARE_READ, &inherited, CREATE_ALWAYS, 0, NULL);
    bool started = CreateProcessW(NULL, wide, NULL, NULL, TRUE, 0, NULL, folder, &how, &process);
    if (file) CloseHandle(how.hStdOutput);
    fct_free(folder);
    fct_free(wide);
    fct_free(file);
    REQUIRE(started);
    CloseHandle(process.hThread);
    return process.hProcess;
}

/* The exit status of a process, which is closed; ended by force if that is not soon enough. */
static DWORD finish(HANDLE process, DWORD patience) {
    DWORD code = 0;
    if (WaitForSingleObject(process, patience) != WAIT_OBJECT_0) TerminateProcess(process, 999);
    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    return code;
}

static void run(const char *program, const char *words, const char *output) {
    DWORD code = finish(start(program, words, output), PATIENCE_MS);
    CHECK_MSG(code == 0, "%s %s: exit status %lu", program, words, code);
}

/* A pack of small networks, photos, a film, and a gallery. */
static void prepare(const char *test) {
    static const char *const packs[] = {"pack", "other", "blind", "headless"};
    new_root(test);
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) REQUIRE(!fct_dir_make(at(packs[i]), NULL));
    run(make_pack, ".", NULL);
    run(video_tool, "make scene.mp4", NULL);
    run(facet_exe, "enroll -q -m pack -g people.db \"Zoë Людмила\" ada.png", "said");
}

/* ---- Events of the console ------------------------------------------------------ */

/* Has the program itself survive what it sends to all of the console. */
static BOOL WINAPI ignore(DWORD what) {
    (void)what;
    return TRUE;
}

/* What Windows does to each program of the console; the address is the same in all. */
static void send(HANDLE process, DWORD what) {
    if (what != CTRL_CLOSE_EVENT && GenerateConsoleCtrlEvent(what, 0)) return;
    HMODULE base = GetModuleHandleW(L"kernelbase.dll");
    LPTHREAD_START_ROUTINE routine =
        (LPTHREAD_START_ROUTINE)(void *)(base ? GetProcAddress(base, "CtrlRoutine") : NULL);
    if (!routine) SKIP("this Windows does not show CtrlRoutine()");
    HANDLE thread = CreateRemoteThread(process, NULL, 0, routine, (void *)(uintptr_t)what, 0, NULL);
    CHECK_MSG(thread, "error %lu", GetLastError());
    CloseHandle(thread);
}

/* Sends an event while a film is shown in its own time and recorded; the recording must be whole. */
static void interrupt_recording(const char *test, DWORD what, DWORD status, DWORD patience) {
    prepare(test);
    HANDLE p = start(
        facet_exe, "camera --terminal -m pack -g people.db --det-size 320x320 --record r.mp4 --sheet s.html scene.mp4",
        "said");
    fct_file_stat st = {.size = 0};
    while (st.size == 0 && WaitForSingleObject(p, 20) == WAIT_TIMEOUT) fct_file_get_stat(at("r.mp4"), &st);
    send(p, what);
    DWORD code = finish(p, patience);
    CHECK_MSG(code == status, "exit status %lu, not %lu", code, status);
    run(video_tool, "count r.mp4", "counted");
    uint8_t *text = NULL;
    size_t size;
    int frames = 0;
    REQUIRE(!fct_file_read(at("counted"), 1000, &text, &size, NULL));
    CHECK_MSG(sscanf((char *)text, "%d frames of 320x240", &frames) == 1 && frames > 0, "%s", (char *)text);
    fct_free(text);
    fct_file_get_stat(at("s.html"), &st);
    CHECK_MSG(st.exists, "no page was written");
}

TEST(ctrl_c) { interrupt_recording("ctrl-c", CTRL_C_EVENT, 130, PATIENCE_MS); }

TEST(ctrl_break) { interrupt_recording("ctrl-break", CTRL_BREAK_EVENT, 130, PATIENCE_MS); }

/* Windows ends what still runs five seconds later. */
TEST(the_console_is_closed) { interrupt_recording("closed", CTRL_CLOSE_EVENT, 129, 5000); }

/* ---- Letters -------------------------------------------------------------------- */

/* Whether a row of the screen has the text. */
static bool on_screen(const wchar_t *text) {
    for (SHORT y = 0; y < ROWS; y++) {
        wchar_t row[COLUMNS + 1] = L"";
        DWORD n = 0;
        if (!ReadConsoleOutputCharacterW(screen, row, COLUMNS, (COORD){0, y}, &n)) return false;
        row[n < COLUMNS ? n : COLUMNS] = 0;
        if (wcsstr(row, text)) return true;
    }
    return false;
}

static void clear_screen(void) {
    DWORD n;
    FillConsoleOutputCharacterW(screen, L' ', COLUMNS * ROWS, (COORD){0, 0}, &n);
    SetConsoleCursorPosition(screen, (COORD){0, 0});
}

/* A console has the code page that Western Europe's Windows begins with, or UTF-8, and has it again afterwards. */
static void show_names(UINT page) {
    clear_screen();
    REQUIRE(SetConsoleOutputCP(page) && GetConsoleOutputCP() == page);
    run(facet_exe, "people -g people.db", NULL);
    CHECK_MSG(on_screen(L"Zoë Людмила"), "code page %u: the name is not shown", page);
    CHECK_MSG(GetConsoleOutputCP() == page, "the console is left with code page %u", GetConsoleOutputCP());
}

TEST(names_on_the_screen) {
    prepare("names");
    show_names(850);
    show_names(CP_UTF8);
}

TEST(typed_letters) {
    const wchar_t typed[] = L"aëЛ张\xD83D\xDE00";
    const char *want = "aëЛ张😀";
    fct_term_keys(true);
    for (size_t i = 0; i < sizeof typed / sizeof *typed - 1; i++) {
        DWORD n;
        INPUT_RECORD key = {.EventType = KEY_EVENT};
        key.Event.KeyEvent = (KEY_EVENT_RECORD){.bKeyDown = TRUE, .wRepeatCount = 1, .uChar.UnicodeChar = typed[i]};
        REQUIRE(WriteConsoleInputW(keys, &key, 1, &n) && n == 1);
    }
    for (const char *c = want; *c; c++) {
        int key = fct_term_key();
        CHECK_MSG(key == (unsigned char)*c, "byte %d: %d", (int)(c - want), key);
    }
    fct_term_keys(false);
}

/* ---- The console ---------------------------------------------------------------- */

static HANDLE open_console(const wchar_t *which) {
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};
    return CreateFileW(which, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                       OPEN_EXISTING, 0, NULL);
}

static int inside(char **argv) {
    facet_exe = argv[2], make_pack = argv[3], video_tool = argv[4];
    screen = open_console(L"CONOUT$");
    keys = open_console(L"CONIN$");
    if (screen == INVALID_HANDLE_VALUE || keys == INVALID_HANDLE_VALUE) return 2;
    SetStdHandle(STD_INPUT_HANDLE, keys);
    SetConsoleCtrlHandler(ignore, TRUE);
    return test_main(1, argv);
}

/* Starts this program again with a console of its own, but this program's output; its exit status. */
static int begin(wchar_t *words) {
    typedef HRESULT(WINAPI * create_console)(COORD, HANDLE, HANDLE, DWORD, void **);
    typedef void(WINAPI * close_console)(void *);
    HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    create_console create = (create_console)(void *)GetProcAddress(kernel, "CreatePseudoConsole");
    close_console close = (close_console)(void *)GetProcAddress(kernel, "ClosePseudoConsole");
    HANDLE keys_from, keys_to, shown_from, shown_to;
    void *console = NULL;
    if (!create || !close) {
        puts("SKIP console: this Windows makes no console without a window (CreatePseudoConsole)");
        return 77;
    }
    if (!CreatePipe(&keys_from, &keys_to, NULL, 0) || !CreatePipe(&shown_from, &shown_to, NULL, 1 << 20)) return 3;
    if (create((COORD){COLUMNS, ROWS}, keys_from, shown_to, 0, &console)) return 3;
    uint64_t room[64];
    SIZE_T size = sizeof room;
    STARTUPINFOEXW how = {.StartupInfo = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES},
                          .lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)room};
    how.StartupInfo.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    how.StartupInfo.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    PROCESS_INFORMATION process;
    if (!InitializeProcThreadAttributeList(how.lpAttributeList, 1, 0, &size) ||
        !UpdateProcThreadAttribute(how.lpAttributeList, 0, PSEUDO_CONSOLE, console, sizeof console, NULL, NULL) ||
        !CreateProcessW(NULL, words, NULL, NULL, TRUE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &how.StartupInfo,
                        &process))
        return 3;
    /* Nobody looks at the console, but what it shows must be taken away. */
    for (char shown[4096]; WaitForSingleObject(process.hProcess, 50) == WAIT_TIMEOUT;)
        for (DWORD n; PeekNamedPipe(shown_from, NULL, 0, NULL, &n, NULL) && n;)
            if (!ReadFile(shown_from, shown, sizeof shown, &n, NULL)) break;
    int code = (int)finish(process.hProcess, 0);
    close(console);
    return code;
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "inside")) return inside(argv);
    if (argc != 4) return 2;
    wchar_t self[1000], words[8000];
    if (!GetModuleFileNameW(NULL, self, 1000)) return 2;
    swprintf(words, 8000, L"\"%ls\" inside \"%hs\" \"%hs\" \"%hs\"", self, argv[1], argv[2], argv[3]);
    int code = begin(words);
    if (code == 77) printf("SKIP a console: this Windows has none without a window\n0 passed, 0 failed, 1 skipped\n");
    return code;
}

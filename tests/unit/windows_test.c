/* What is different on Windows: long paths, names of other scripts, drives and shares, rights, files that are in
 * use, and what is marked as read-only. Judged by calls of Windows itself, made here. */
#include "base/alloc.h"
#include "base/draft.h"
#include "base/file_sys.h"
#include "base/library_sys.h"
#include "base/part_file.h"
#include "base/wide_windows.h"
#include <errno.h>

#include "scratch.h"

#include <aclapi.h>

static void check_owned(char *got, const char *want) {
    CHECK_MSG(got && !strcmp(got, want), "got %s, want %s", got ? got : "NULL", want);
    fct_free(got);
}

static bool exists(const char *path) {
    fct_file_stat st;
    fct_file_get_stat(path, &st);
    return st.exists;
}

/* ---- Paths ---------------------------------------------------------------------- */

TEST(roots) {
    static const struct {
        const char *path;
        size_t root;
    } cases[] = {{"a", 0},
                 {"/a", 1},
                 {"\\a", 1},
                 {"C:", 2},
                 {"C:a", 2},
                 {"c:\\a", 3},
                 {"//server/share/a", 15},
                 {"\\\\server\\share", 14},
                 {"\\\\?\\C:\\a", 7},
                 {"\\\\?\\UNC\\server\\share\\a", 21},
                 {"///a", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_MSG(fct_path_root(cases[i].path) == cases[i].root, "%s: %zu", cases[i].path,
                  fct_path_root(cases[i].path));
    check_owned(fct_path_dir("\\\\server\\share\\a"), "\\\\server\\share\\");
    check_owned(fct_path_dir("C:\\a"), "C:\\");
    check_owned(fct_path_dir("C:a"), "C:");
    check_owned(fct_path_join("C:", "a"), "C:a");
    check_owned(fct_path_join("C:\\b", "a"), "C:\\b/a");
    CHECK(!strcmp(fct_path_base("C:\\b\\c.jpg"), "c.jpg") && !strcmp(fct_path_base("C:c.jpg"), "c.jpg"));
    CHECK(fct_path_has_folder("C:a") && fct_path_has_folder(".\\a"));
}

/* Names in which every script and blank may be, as users have them. */
TEST(names_of_all_scripts) {
    static const char *const names[] = {"with blanks", "Людмила", "张伟 的照片", "ÅÉîø", "naïve 😀"};
    fct_error e;
    uint8_t *data;
    size_t size;
    new_root("win-names");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[900], file[1000];
        snprintf(path, sizeof path, "%s\\%s", root, names[i]);
        snprintf(file, sizeof file, "%s/%s.txt", path, names[i]);
        REQUIRE(!fct_dir_make(path, &e));
        CHECK_MSG(!fct_file_write_atomic(file, names[i], strlen(names[i]), &e), "%s", e.text);
        wchar_t *w = fct_wide(file);
        CHECK(w && GetFileAttributesW(w) != INVALID_FILE_ATTRIBUTES);
        fct_free(w);
        REQUIRE(!fct_file_read(file, 100, &data, &size, &e));
        CHECK(size == strlen(names[i]) && !memcmp(data, names[i], size));
        fct_free(data);
        char **found;
        size_t n;
        REQUIRE(!fct_dir_list(path, &found, &n, &e));
        CHECK(n == 1 && !strncmp(found[0], names[i], strlen(names[i])));
        fct_dir_list_free(found, n);
    }
    CHECK(!fct_dir_remove(root, &e));
}

/* 40 folders of 20 letters each: far beyond 260 characters, absolute and relative. */
TEST(long_paths) {
    char path[2000];
    fct_error e;
    uint8_t *data;
    size_t size;
    new_root("win-long");
    snprintf(path, sizeof path, "%s", root);
    for (int i = 0; i < 40; i++) snprintf(path + strlen(path), sizeof path - strlen(path), "/folder_number_%06d", i);
    CHECK_MSG(!fct_dir_make(path, &e), "%s", e.text);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/file");
    CHECK(strlen(path) > 800);
    CHECK_MSG(!fct_file_write_atomic(path, "old", 3, &e), "%s", e.text);
    CHECK_MSG(!fct_file_write_private(path, "new", 3, &e), "%s", e.text);
    CHECK(exists(path));
    REQUIRE(!fct_file_read(path, 10, &data, &size, &e));
    CHECK(size == 3 && !memcmp(data, "new", 3));
    fct_free(data);
    FILE *f = fct_fopen(path, "ab");
    CHECK(f && fputs("er", f) >= 0);
    if (f) fclose(f);
    fct_part_file part;
    REQUIRE(!fct_part_open(path, &part, &e));
    CHECK(part.size == 5 && !fct_part_load(&part, 0, 5, &e) && !memcmp(part.data, "newer", 5));
    fct_part_close(&part);
    CHECK(!fct_dir_remove(root, &e) && !exists(root));
}

/* One file, however its name is written. */
TEST(capitals_do_not_matter) {
    fct_file_stat a, b;
    new_root("win-capitals");
    REQUIRE(!fct_file_write_atomic(at("Photo.JPG"), "x", 1, NULL));
    fct_file_get_stat(at("Photo.JPG"), &a);
    fct_file_get_stat(at("pHOTO.jpg"), &b);
    CHECK(a.exists && b.exists && a.inode && a.inode == b.inode && a.device == b.device);
    char *one = fct_path_real(at("Photo.JPG")), *two = fct_path_real(at("PHOTO.jpg"));
    CHECK_MSG(one && two && !strcmp(one, two), "%s %s", one ? one : "NULL", two ? two : "NULL");
    CHECK(one && one[1] == ':' && !strchr(one, '\\'));
    fct_free(one);
    fct_free(two);
    CHECK(!fct_path_real(at("none")));
    fct_dir_remove(root, NULL);
}

/* ---- Files in use ----------------------------------------------------------------- */

static HANDLE hold(const char *path, DWORD access, DWORD share) {
    wchar_t *w = fct_wide_path(path);
    HANDLE h = CreateFileW(w, access, share, NULL, OPEN_EXISTING, 0, NULL);
    fct_free(w);
    REQUIRE(h != INVALID_HANDLE_VALUE);
    return h;
}

TEST(files_in_use) {
    fct_error e;
    uint8_t *data;
    size_t size;
    new_root("win-use");
    REQUIRE(!fct_file_write_atomic(at("f"), "old", 3, &e));
    HANDLE h = hold(at("f"), GENERIC_READ, 0); /* shared with nobody */
    CHECK(fct_file_read(at("f"), 10, &data, &size, &e) == FCT_ERR_IO && strstr(e.text, "in use by another program"));
    CHECK(fct_file_write_atomic(at("f"), "new", 3, &e) == FCT_ERR_IO && strstr(e.text, "in use by another program"));
    CHECK(fct_file_remove(at("f"), &e) == FCT_ERR_IO);
    CloseHandle(h);
    char **names;
    size_t n;
    REQUIRE(!fct_dir_list(root, &names, &n, &e)); /* no draft is left */
    CHECK(n == 1);
    fct_dir_list_free(names, n);
    h = hold(at("f"), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    REQUIRE(!fct_file_read(at("f"), 10, &data, &size, &e)); /* written to elsewhere: read all the same */
    CHECK(size == 3 && !memcmp(data, "old", 3));
    fct_free(data);
    CloseHandle(h);
    FILE *f = fct_fopen(at("f"), "rb"); /* our own readers stop nobody */
    REQUIRE(f);
    CHECK(!fct_file_remove(at("f"), &e));
    fclose(f);
    CHECK(!exists(at("f")));
    fct_dir_remove(root, NULL);
}

TEST(read_only_files) {
    fct_error e;
    new_root("win-readonly");
    REQUIRE(!fct_file_write_atomic(at("f"), "old", 3, &e));
    wchar_t *w = fct_wide_path(at("f"));
    REQUIRE(w && SetFileAttributesW(w, FILE_ATTRIBUTE_READONLY));
    fct_free(w);
    CHECK(fct_file_write_atomic(at("f"), "new", 3, &e) == FCT_ERR_IO && strstr(e.text, "permission denied"));
    CHECK(!fct_file_remove(at("f"), &e) && !exists(at("f"))); /* as on other systems */
    fct_dir_remove(root, NULL);
}

/* ---- Rights ------------------------------------------------------------------------ */

/* Whether the list of the file has an entry for everybody. */
static bool everybody_may(const char *path) {
    PACL list = NULL;
    PSECURITY_DESCRIPTOR whole = NULL;
    wchar_t *w = fct_wide_path(path);
    DWORD code = GetNamedSecurityInfoW(w, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL, &whole);
    fct_free(w);
    REQUIRE(code == ERROR_SUCCESS);
    bool may = !list;
    for (DWORD i = 0; list && i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry;
        if (!GetAce(list, i, (void **)&entry) || entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE) continue;
        may |= IsWellKnownSid(&entry->SidStart, WinWorldSid) && (entry->Mask & FILE_READ_DATA);
    }
    LocalFree(whole);
    return may;
}

static void open_to_everybody(const char *path) {
    char sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof sid;
    PACL list = NULL;
    REQUIRE(CreateWellKnownSid(WinWorldSid, NULL, sid, &size));
    EXPLICIT_ACCESSW access = {.grfAccessPermissions = FILE_GENERIC_READ,
                               .grfAccessMode = GRANT_ACCESS,
                               .Trustee = {.TrusteeForm = TRUSTEE_IS_SID, .ptstrName = (wchar_t *)sid}};
    REQUIRE(SetEntriesInAclW(1, &access, NULL, &list) == ERROR_SUCCESS);
    wchar_t *w = fct_wide_path(path);
    CHECK(SetNamedSecurityInfoW(w, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, list, NULL) == ERROR_SUCCESS);
    fct_free(w);
    LocalFree(list);
}

TEST(rights) {
    fct_error e;
    new_root("win-rights");
    REQUIRE(!fct_file_write_private(at("mine"), "x", 1, &e));
    CHECK(!everybody_may(at("mine")) && !fct_file_make_private(at("mine")));
    REQUIRE(!fct_dir_make_private(at("folder"), &e));
    CHECK(!everybody_may(at("folder")));
    REQUIRE(!fct_file_write_atomic(at("all"), "x", 1, &e));
    open_to_everybody(at("all"));
    REQUIRE(everybody_may(at("all")));
    CHECK(fct_file_make_private(at("all")));
    CHECK(!everybody_may(at("all")));
    CHECK(!fct_file_make_private(at("all"))); /* nothing is left to take */
    uint8_t *data;
    size_t size;
    CHECK(!fct_file_read(at("all"), 10, &data, &size, &e));
    fct_free(data);
    fct_dir_remove(root, NULL);
}

/* ---- The rest ------------------------------------------------------------------------ */

TEST(locks_end_with_their_holder) {
    intptr_t a, b;
    new_root("win-lock");
    REQUIRE(!fct_sys_lock(at("lock"), &a));
    CHECK(fct_sys_lock(at("lock"), &b) == EAGAIN);
    fct_sys_unlock(at("lock"), a);
    CHECK(!exists(at("lock")) && !fct_sys_lock(at("lock"), &b));
    fct_sys_unlock(at("lock"), b);
    fct_dir_remove(root, NULL);
}

TEST(variables_are_utf8) {
    REQUIRE(!_wputenv(L"FCT_WINDOWS_TEST=\x5f20\x4f1f"));
    CHECK(fct_env("FCT_WINDOWS_TEST") && !strcmp(fct_env("FCT_WINDOWS_TEST"), "张伟"));
    CHECK(!fct_env("FCT_NO_SUCH_VARIABLE"));
    REQUIRE(!_wputenv(L"LOCALAPPDATA=C:\\Users\\\x5f20\x4f1f\\AppData\\Local"));
    check_owned(fct_data_dir(), "C:\\Users\\张伟\\AppData\\Local/facet");
    REQUIRE(!_wputenv(L"LOCALAPPDATA=") && !_wputenv(L"USERPROFILE="));
    CHECK(!fct_data_dir() && !fct_home_dir()); /* no home folder */
    char path[100];
    fct_error e;
    CHECK(fct_data_file_path("FCT_GALLERY", "gallery.db", "gallery", path, sizeof path, &e) == FCT_ERR_NOT_FOUND);
    CHECK(strstr(e.text, "set FCT_GALLERY"));
}

/* A library in the current folder is none that may be loaded. */
TEST(libraries_of_the_current_folder) {
    CHECK(fct_sys_library_open("kernel32.dll") && !fct_sys_library_open("no-such-library.dll"));
    new_root("win-library");
    wchar_t *w = fct_wide_path(at("planted.dll")), self[MAX_PATH], before[MAX_PATH];
    REQUIRE(w && GetModuleFileNameW(GetModuleHandleW(L"kernel32.dll"), self, MAX_PATH));
    CHECK(CopyFileW(self, w, FALSE) && GetCurrentDirectoryW(MAX_PATH, before));
    fct_free(w);
    w = fct_wide_path(root);
    CHECK(SetCurrentDirectoryW(w) && !fct_sys_library_open("planted.dll") && SetCurrentDirectoryW(before));
    fct_free(w);
    fct_dir_remove(root, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }

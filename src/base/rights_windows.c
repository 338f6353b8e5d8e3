/* Windows gives a new file the rights of its folder. That is enough below the user's own folder, which is
 * closed to others, but not on D:\, where every user of the machine may read. So files for this user alone
 * get a list of rights of their own. Administrators are not in it; they can take a file over, as root can. */
#include "base/rights_windows.h"

#include "base/alloc.h"
#include "base/file.h"

#include <aclapi.h>
#include <errno.h>
#include <sddl.h>
#include <stdio.h>

/* The user of this process, with room for the longest identifier. */
typedef union own_user {
    TOKEN_USER token;
    char room[sizeof(TOKEN_USER) + 128];
} own_user;

static bool get_user(own_user *out) {
    HANDLE token;
    DWORD size;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return false;
    bool got = GetTokenInformation(token, TokenUser, out, sizeof *out, &size);
    CloseHandle(token);
    return got;
}

int fct_rights_own(bool folder, SECURITY_ATTRIBUTES *out) {
    *out = (SECURITY_ATTRIBUTES){.nLength = sizeof *out};
    own_user user;
    wchar_t *sid = NULL, text[400];
    const wchar_t *passed_on = folder ? L"OICI" : L"";
    bool good = get_user(&user) && ConvertSidToStringSidW(user.token.User.Sid, &sid);
    if (!good) return EACCES;
    /* "D:P" is a protected list; "FA" all rights, "SY" the system, "OICI" passed on to files and folders. */
    int n = _snwprintf(text, sizeof text / sizeof *text - 1, L"D:P(A;%ls;FA;;;%ls)(A;%ls;FA;;;SY)", passed_on, sid,
                       passed_on);
    LocalFree(sid);
    if (n < 0) return EACCES;
    text[n] = 0;
    good =
        ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &out->lpSecurityDescriptor, NULL);
    return good ? 0 : EACCES;
}

/* Whether it is this user, the system, the administrators (who own what they make), or who made the file. */
static bool may_see(PSID sid, PSID user) {
    static const WELL_KNOWN_SID_TYPE kinds[] = {WinLocalSystemSid, WinBuiltinAdministratorsSid, WinCreatorOwnerSid,
                                                WinCreatorOwnerRightsSid};
    if (EqualSid(sid, user)) return true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (IsWellKnownSid(sid, kinds[i])) return true;
    return false;
}

/* Whether the list lets anybody else read or change the file. No list lets everybody. */
static bool is_open_to_others(PACL list, PSID user) {
    const DWORD matters = FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_READ | GENERIC_WRITE |
                          GENERIC_ALL | WRITE_DAC | WRITE_OWNER;
    if (!list) return true;
    for (DWORD i = 0; i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry;
        if (!GetAce(list, i, (void **)&entry) || entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE) continue;
        if ((entry->Mask & matters) && !may_see(&entry->SidStart, user)) return true;
    }
    return false;
}

/* Puts the list of fct_rights_own() in the place of the file's. */
static bool close_to_others(const wchar_t *path) {
    SECURITY_ATTRIBUTES own;
    if (fct_rights_own(false, &own)) return false;
    bool done = SetFileSecurityW(path, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                 own.lpSecurityDescriptor) != 0;
    LocalFree(own.lpSecurityDescriptor);
    return done;
}

bool fct_file_make_private(const char *path) {
    fct_file_stat st;
    PSID owner = NULL;
    PACL list = NULL;
    PSECURITY_DESCRIPTOR whole = NULL;
    fct_file_get_stat(path, &st);
    if (!st.is_file) return false;
    wchar_t *w = fct_wide_path(path);
    own_user user;
    bool closed = false;
    if (w && get_user(&user) &&
        GetNamedSecurityInfoW(w, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL,
                              &list, NULL, &whole) == ERROR_SUCCESS) {
        bool ours = owner && may_see(owner, user.token.User.Sid);
        closed = ours && is_open_to_others(list, user.token.User.Sid) && close_to_others(w);
        LocalFree(whole);
    }
    fct_free(w);
    return closed;
}

void fct_file_copy_rights(const char *from, const char *to) {
    PACL list = NULL;
    PSECURITY_DESCRIPTOR whole = NULL;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    DWORD revision;
    wchar_t *f = fct_wide_path(from), *t = fct_wide_path(to);
    if (f && t &&
        GetNamedSecurityInfoW(f, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL, &whole) ==
            ERROR_SUCCESS) {
        (void)GetSecurityDescriptorControl(whole, &control, &revision);
        DWORD what = DACL_SECURITY_INFORMATION | (control & SE_DACL_PROTECTED ? PROTECTED_DACL_SECURITY_INFORMATION
                                                                              : UNPROTECTED_DACL_SECURITY_INFORMATION);
        (void)SetNamedSecurityInfoW(t, SE_FILE_OBJECT, what, NULL, NULL, list, NULL);
        LocalFree(whole);
    }
    fct_free(f);
    fct_free(t);
}

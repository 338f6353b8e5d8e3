/* Access rights of what holds faces: for this user alone. */
#ifndef FCT_BASE_RIGHTS_WINDOWS_H
#define FCT_BASE_RIGHTS_WINDOWS_H

#include "base/wide_windows.h"
#include <stdbool.h>

/* Attributes for CreateFileW() and CreateDirectoryW(): full access for this user and the system itself,
 * none for anybody else, nothing inherited from the folder above. What is later made in a folder inherits
 * the same. 0 or an errno value. The caller frees out->lpSecurityDescriptor with LocalFree(). */
int fct_rights_own(bool folder, SECURITY_ATTRIBUTES *out);

#endif

/* Names of sources. */
#include "video/source_internal.h"
#include "base/file.h"
#include <stdio.h>
#include <string.h>

/* Length of "scheme://" at the start, 0 where there is none. A single letter is
 * a drive of Windows. */
static size_t scheme_length(const char *a) {
    size_t n = 0;
    while ((a[n] >= 'a' && a[n] <= 'z') || (a[n] >= 'A' && a[n] <= 'Z') || (n && a[n] >= '0' && a[n] <= '9')) n++;
    return n > 1 && !strncmp(a + n, "://", 3) ? n + 3 : 0;
}

fct_address_kind fct_address_kind_of(const char *a) {
    char probe[64];
    fct_file_stat st;
    if (!strcmp(a, "-")) return FCT_ADDRESS_RAW;
    if (scheme_length(a)) return FCT_ADDRESS_STREAM;
    if (!strncmp(a, "/dev/video", 10) || !strncmp(a, "camera:", 7)) return FCT_ADDRESS_CAMERA;
    fct_file_get_stat(a, &st);
    if (st.is_dir) return FCT_ADDRESS_FOLDER;
    if (!st.exists && strlen(a) < 4096) {
        const char *base = fct_path_base(a);
        if (fct_address_numbered(base, 0, probe, sizeof probe)) return FCT_ADDRESS_PATTERN;
    }
    return FCT_ADDRESS_FILE;
}

void fct_address_redact(const char *a, char *out, size_t cap) {
    size_t scheme = scheme_length(a);
    if (!scheme) {
        snprintf(out, cap, "%s", a);
        return;
    }
    const char *host = a + scheme;
    size_t authority = strcspn(host, "/?#");
    /* Passwords with an unescaped @ or slash exist: all up to the last @ of the
     * address goes, even if it was only part of a path. */
    const char *at = strrchr(host, '@');
    if (at) host = at + 1, authority = strcspn(host, "/?#");
    size_t path = strcspn(host, "?#");
    snprintf(out, cap, "%.*s%.*s", (int)scheme, a, (int)(path > authority ? path : authority), host);
}

/* Fills in the number where the pattern has its one "%d" or "%0Nd"; anything else after a '%' makes it no pattern. */
bool fct_address_numbered(const char *pattern, int number, char *out, size_t cap) {
    size_t n = 0;
    int places = 0;
    for (const char *p = pattern; *p; p++) {
        if (*p != '%') {
            if (n + 1 >= cap) return false;
            out[n++] = *p;
            continue;
        }
        int width = 0;
        const char *q = p + 1;
        for (; *q >= '0' && *q <= '9' && width < 20; q++) width = width * 10 + *q - '0';
        if (*q != 'd' || width > 20 || places++) return false;
        int len = snprintf(out + n, cap - n, "%0*d", width ? width : 1, number);
        if (len < 0 || (size_t)len >= cap - n) return false;
        n += (size_t)len;
        p = q;
    }
    out[n] = 0;
    return places == 1;
}

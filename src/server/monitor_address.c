#include "server/monitor_address.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[SRV_SOURCE_KINDS] = {"camera", "file", "http", "https", "rtsp"};

const char *srv_source_kind_name(srv_source_kind k) { return kind_names[k]; }

bool srv_source_kind_find(const char *name, srv_source_kind *out) {
    for (int i = 0; i < SRV_SOURCE_KINDS; i++)
        if (strcmp(name, kind_names[i]) == 0) {
            *out = (srv_source_kind)i;
            return true;
        }
    return false;
}

/* ---- Parts -------------------------------------------------------------------------------------- */

/* The parts of "scheme://user:password@host:port/path?query"; each borrowed from the address. */
typedef struct address_parts {
    size_t scheme; /* bytes of the scheme, without "://"; 0 = there is none */
    const char *user;
    size_t user_size; /* 0 = there is none */
    const char *host;
    size_t host_size; /* with the port */
    const char *path; /* with query and fragment */
    size_t path_size; /* without them */
} address_parts;

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Bytes of the scheme in front of "://", 0 where there is none. */
static size_t scheme_size(const char *address) {
    size_t n = 0;
    while (is_letter(address[n]) || (n && is_digit(address[n]))) n++;
    return n && strncmp(address + n, "://", 3) == 0 ? n : 0;
}

/* Takes an address apart. The user's name ends with the last '@', wherever that stands: a password may hold a '/' that
 * should have been escaped, and must not be taken for a path then. */
static void take_apart(const char *address, address_parts *out) {
    *out = (address_parts){.scheme = scheme_size(address)};
    const char *rest = address + (out->scheme ? out->scheme + 3 : 0), *at = strrchr(rest, '@');
    out->user = rest;
    if (at && out->scheme) {
        out->user_size = (size_t)(at - rest);
        rest = at + 1;
    }
    out->host = rest;
    out->host_size = out->scheme ? strcspn(rest, "/?#") : 0;
    out->path = rest + out->host_size;
    out->path_size = strcspn(out->path, "?#");
}

/* A host's name, an IPv4 address or an IPv6 address in brackets, and a port. */
static bool is_host(const char *p, size_t n) {
    size_t i = 0;
    if (n && *p == '[') {
        for (i = 1; i < n && p[i] != ']'; i++)
            if (!is_digit(p[i]) && !is_letter(p[i]) && p[i] != ':' && p[i] != '.') return false;
        if (i < 3 || i++ == n) return false;
    } else
        while (i < n && (is_digit(p[i]) || is_letter(p[i]) || strchr(".-_", p[i]))) i++;
    if (i == 0 || i == n) return i > 0;
    if (p[i++] != ':') return false;
    size_t digits = n - i;
    long port = 0;
    for (; i < n; i++) {
        if (!is_digit(p[i]) || digits > 5) return false;
        port = port * 10 + p[i] - '0';
    }
    return digits > 0 && port >= 1 && port <= 65535;
}

/* A camera's device: "/dev/video" or "camera:" and a number. */
static bool is_camera(const char *address) {
    static const char *const heads[] = {"/dev/video", "camera:"};
    for (int i = 0; i < 2; i++) {
        size_t n = strlen(heads[i]), digits = strncmp(address, heads[i], n) ? 0 : strspn(address + n, "0123456789");
        if (digits >= 1 && digits <= 3 && !address[n + digits]) return true;
    }
    return false;
}

/* ---- Checking ------------------------------------------------------------------------------------- */

static fct_status check_stream(const char *address, srv_source_kind *kind, fct_error *err) {
    address_parts p;
    char scheme[16];
    take_apart(address, &p);
    if (p.scheme >= sizeof scheme) return fct_fail(err, FCT_ERR_UNSUPPORTED, "source: there is no such scheme");
    snprintf(scheme, sizeof scheme, "%.*s", (int)p.scheme, address);
    for (char *c = scheme; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c += 'a' - 'A';
    if (strcmp(scheme, "rtsps") == 0)
        return fct_fail(err, FCT_ERR_UNSUPPORTED,
                        "source: rtsps is not opened: FFmpeg does not verify its certificates");
    if (!srv_source_kind_find(scheme, kind) || *kind == SRV_SOURCE_CAMERA || *kind == SRV_SOURCE_FILE)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "source: %s:// is not opened; there are rtsp, http and https",
                        scheme);
    if (!is_host(p.host, p.host_size)) return fct_fail(err, FCT_ERR_ARG, "source: the address has no proper host");
    if (memchr(p.user, '@', p.user_size) || memchr(p.user, '/', p.user_size) || memchr(p.user, '?', p.user_size) ||
        memchr(p.user, '#', p.user_size))
        return fct_fail(
            err, FCT_ERR_ARG,
            "source: a user's name or password with one of @ / ? # must have it escaped: %%40 %%2F %%3F %%23");
    return FCT_OK;
}

fct_status srv_address_check(const char *address, srv_source_kind *kind, fct_error *err) {
    size_t n = strlen(address);
    if (n < 1 || n >= SRV_ADDRESS) return fct_fail(err, FCT_ERR_ARG, "source: an address has 1 to 2048 bytes");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)address[i] < 32 || address[i] == 127)
            return fct_fail(err, FCT_ERR_ARG, "source: the address has control characters");
    if (is_camera(address)) {
        *kind = SRV_SOURCE_CAMERA;
        return FCT_OK;
    }
    if (scheme_size(address)) {
        if (strchr(address, ' ')) return fct_fail(err, FCT_ERR_ARG, "source: a blank must be escaped: %%20");
        return check_stream(address, kind, err);
    }
    *kind = SRV_SOURCE_FILE;
    return FCT_OK;
}

bool srv_address_has_credentials(const char *address) {
    address_parts p;
    take_apart(address, &p);
    return p.user_size > 0;
}

/* Cheap cameras have the password in the path ("/user=admin&password=x"): such a path is not shown. */
static bool is_plain_path(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!is_letter(p[i]) && !is_digit(p[i]) && !strchr("/._-", p[i])) return false;
    return true;
}

void srv_address_show(const char *address, char out[SRV_ADDRESS_SHOWN]) {
    address_parts p;
    take_apart(address, &p);
    if (!p.scheme) snprintf(out, SRV_ADDRESS_SHOWN, "%s", address);
    else {
        bool plain = p.path_size < 200 && is_plain_path(p.path, p.path_size);
        snprintf(out, SRV_ADDRESS_SHOWN, "%.*s://%.*s%.*s", (int)p.scheme, address,
                 (int)(p.host_size < 80 ? p.host_size : 80), p.host, plain ? (int)p.path_size : 4,
                 plain ? p.path : "/...");
    }
}

/* ---- Opening ---------------------------------------------------------------------------------------- */

/* Whether a file names others that FFmpeg would open in its place. */
static bool is_playlist(const char *path) {
    static const char *const marks[] = {"#EXTM3U", "ffconcat", "[playlist]", "<MPD", "<?xml", "v=0", "#!"};
    char head[64] = "";
    FILE *f = fct_fopen(path, "rb");
    if (!f) return false;
    size_t n = fread(head, 1, sizeof head - 1, f);
    fclose(f);
    head[n] = 0;
    const char *p = head + (strncmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
    p += strspn(p, " \t\r\n");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strncmp(p, marks[i], strlen(marks[i])) == 0) return true;
    return false;
}

/* Whether a path without links lies in a folder without links. */
static bool is_below(const char *path, const char *folder) {
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/') n--;
    return strncmp(path, folder, n) == 0 && (n == 1 ? path[1] != 0 : path[n] == '/');
}

static fct_status resolve_file(const char *address, const char *files, char **out, fct_error *err) {
    fct_file_stat st;
    if (!files)
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "source: this server opens no files (serve --monitor-files DIR)");
    char *folder = fct_path_real(files), *joined = fct_path_join(files, address);
    char *real = folder && joined ? fct_path_real(joined) : NULL;
    bool inside = real && is_below(real, folder);
    fct_free(folder);
    fct_free(joined);
    if (inside) {
        fct_file_get_stat(real, &st);
        if (st.is_file && !is_playlist(real)) {
            *out = real;
            return FCT_OK;
        }
    }
    /* One text for all, so that nobody learns which files there are elsewhere. */
    bool list = inside && st.is_file;
    fct_free(real);
    if (list) return fct_fail(err, FCT_ERR_UNSUPPORTED, "source: a playlist is not opened");
    return fct_fail(err, FCT_ERR_NOT_FOUND, "source: there is no such file in the folder for monitors");
}

fct_status srv_address_resolve(const char *address, srv_source_kind kind, const char *files, char **out,
                               fct_error *err) {
    *out = NULL;
    if (kind == SRV_SOURCE_FILE) return resolve_file(address, files, out, err);
    *out = fct_strdup(address);
    return *out ? FCT_OK : fct_fail_nomem(err, "source", 0);
}

/* ---- Texts -------------------------------------------------------------------------------------------- */

/* Whether a text holds these bytes; short ones would be found everywhere. */
static bool holds(const char *text, const char *part, size_t n) {
    return n >= 3 && memmem(text, strlen(text), part, n) != NULL;
}

void srv_address_scrub(const char *address, fct_error *e) {
    char shown[SRV_ADDRESS_SHOWN], text[sizeof e->text];
    address_parts p;
    take_apart(address, &p);
    srv_address_show(address, shown);
    const char *colon = strstr(e->text, p.scheme ? "://" : ": ");
    const char *tail = colon ? strstr(colon + (p.scheme ? 3 : 0), ": ") : NULL;
    snprintf(text, sizeof text, "%s%s", shown, tail ? tail : ": cannot be read");
    size_t colon_in_user = strcspn(p.user, ":");
    bool leaks = false;
    if (tail && p.user_size) {
        bool has_password = colon_in_user < p.user_size;
        leaks = holds(tail, p.user, has_password ? colon_in_user : p.user_size) ||
                (has_password && holds(tail, p.user + colon_in_user + 1, p.user_size - colon_in_user - 1));
    }
    if (tail && p.scheme) leaks |= holds(tail, p.path + p.path_size, strlen(p.path + p.path_size));
    if (leaks) snprintf(text, sizeof text, "%s: cannot be read", shown);
    memcpy(e->text, text, sizeof text);
}

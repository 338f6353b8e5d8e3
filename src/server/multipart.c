#include "server/multipart.h"

#include "base/error.h"
#include "text/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PART_HEAD_MOST = 8192 };

bool srv_multipart_boundary(const char *content_type, char out[71]) {
    const char *p = content_type ? content_type : "";
    if (strncasecmp(p, "multipart/form-data", 19) != 0) return false;
    for (p = strchr(p, ';'); p; p = strchr(p, ';')) {
        p += 1 + strspn(p + 1, " \t");
        if (strncasecmp(p, "boundary=", 9) == 0) break;
    }
    if (!p) return false;
    p += 9;
    bool quoted = *p == '"';
    p += quoted;
    size_t n = quoted ? strcspn(p, "\"") : strcspn(p, "; \t");
    if (n < 1 || n > 70 || (quoted && p[n] != '"')) return false;
    snprintf(out, 71, "%.*s", (int)n, p);
    static const char may[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ";
    return strspn(out, may) == n && out[n - 1] != ' ';
}

/* Reads a parameter's value, a quoted text or a word, into out; returns what is behind it, NULL = faulty. */
static const char *read_value(const char *p, const char *end, char *out, size_t cap) {
    size_t n = 0;
    bool quoted = p < end && *p == '"';
    if (quoted) p++;
    for (; p < end; p++) {
        if (quoted ? *p == '"' : *p == ';' || *p == ' ' || *p == '\t') break;
        /* A backslash hides the quotation mark alone: paths of Windows have others. */
        if (quoted && *p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\')) p++;
        if (n + 1 < cap) out[n++] = *p;
    }
    out[n] = 0;
    if (quoted) return p < end ? p + 1 : NULL;
    return p;
}

/* Takes what "form-data; name=...; filename=..." says. False where it is something else. */
static bool read_disposition(const char *p, const char *end, srv_multipart_part *out) {
    char other[8];
    if (end - p < 9 || strncasecmp(p, "form-data", 9) != 0) return false;
    for (p += 9; p < end;) {
        while (p < end && (*p == ' ' || *p == '\t')) p++;
        if (p == end) break;
        if (*p++ != ';') return false;
        while (p < end && (*p == ' ' || *p == '\t')) p++;
        const char *name = p;
        while (p < end && *p != '=' && *p != ';') p++;
        size_t n = (size_t)(p - name);
        if (p == end || *p != '=') return false;
        p++;
        bool is_name = n == 4 && strncasecmp(name, "name", 4) == 0;
        bool is_file = n == 8 && strncasecmp(name, "filename", 8) == 0;
        char *to = is_name ? out->name : is_file ? out->filename : other;
        out->is_file |= is_file;
        p = read_value(p, end, to, is_name ? sizeof out->name : is_file ? sizeof out->filename : sizeof other);
        if (!p) return false;
    }
    return true;
}

/* Where the value of a header line of this name begins; NULL = it is another field. */
static const char *value_of(const char *line, const char *end, const char *name) {
    size_t n = strlen(name);
    if ((size_t)(end - line) <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') return NULL;
    line += n + 1;
    while (line < end && (*line == ' ' || *line == '\t')) line++;
    return line;
}

static bool is_plain_coding(const char *v, const char *end) {
    size_t n = (size_t)(end - v);
    return (n == 4 && (strncasecmp(v, "7bit", 4) == 0 || strncasecmp(v, "8bit", 4) == 0)) ||
           (n == 6 && strncasecmp(v, "binary", 6) == 0);
}

/* Takes one header line; returns what is wrong with it, NULL = nothing. */
static const char *read_line(const char *line, const char *end, srv_multipart_part *out) {
    const char *v;
    for (const char *p = line; p < end; p++)
        if (((unsigned char)*p < 32 && *p != '\t') || *p == 127) return "has a control character in its header";
    if ((v = value_of(line, end, "content-disposition"))) {
        if (!read_disposition(v, end, out)) return "has a Content-Disposition that is no form-data";
    } else if ((v = value_of(line, end, "content-type"))) {
        size_t n = 0;
        while (v + n < end && v[n] != ';' && v[n] != ' ') n++;
        snprintf(out->type, sizeof out->type, "%.*s", (int)(n < sizeof out->type ? n : 0), v);
    } else if ((v = value_of(line, end, "content-transfer-encoding"))) {
        if (!is_plain_coding(v, end)) return "has a Content-Transfer-Encoding";
    }
    return NULL;
}

/* Reads the header lines of a part, [p, end), each with its CRLF. Returns what is wrong, NULL = nothing. */
static const char *read_part_head(const char *p, const char *end, srv_multipart_part *out) {
    memset(out, 0, sizeof *out);
    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        if (!lf || lf == p || lf[-1] != '\r') return "has a header line that does not end with CRLF";
        const char *wrong = read_line(p, lf - 1, out);
        if (wrong) return wrong;
        p = lf + 1;
    }
    size_t n = strlen(out->name);
    if (n == 0) return "has no name";
    if (n == sizeof out->name - 1) return "has a name that is too long";
    if (!fct_utf8_valid(out->name, n)) return "has a name that is not UTF-8";
    if (!fct_utf8_valid(out->filename, strlen(out->filename))) out->filename[0] = 0;
    return NULL;
}

static fct_status fault(fct_error *err, int part, size_t at, const char *what) {
    return fct_fail(err, FCT_ERR_FORMAT, "multipart body: part %d (at byte %zu) %s", part, at, what);
}

fct_status srv_multipart_split(const uint8_t *body, size_t size, const char *boundary, srv_multipart_part *out, int *n,
                               fct_error *err) {
    char delimiter[80];
    *n = 0;
    int length = snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    const char *text = (const char *)body, *end = text + size, *p;
    size_t d = (size_t)length;
    /* The first delimiter may stand at the very beginning, without the CRLF before it. */
    if (size >= d - 2 && memcmp(text, delimiter + 2, d - 2) == 0) p = text + d - 2;
    else if ((p = size ? memmem(text, size, delimiter, d) : NULL)) p += d;
    else return fct_fail(err, FCT_ERR_FORMAT, "multipart body: the boundary of the Content-Type is nowhere in it");
    for (;;) {
        if (end - p >= 2 && p[0] == '-' && p[1] == '-') return FCT_OK;
        if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
            return fault(err, *n + 1, (size_t)(p - text), "does not begin with CRLF");
        if (*n == SRV_PARTS_MOST)
            return fct_fail(err, FCT_ERR_LIMIT, "multipart body: more than %d parts", SRV_PARTS_MOST);
        size_t left = (size_t)(end - p);
        const char *blank = memmem(p, left < PART_HEAD_MOST ? left : PART_HEAD_MOST, "\r\n\r\n", 4);
        if (!blank) return fault(err, *n + 1, (size_t)(p - text), "has no end of its header");
        const char *wrong = read_part_head(p + 2 <= blank ? p + 2 : blank + 2, blank + 2, &out[*n]);
        if (wrong) return fault(err, *n + 1, (size_t)(p - text), wrong);
        const char *data = blank + 4;
        /* An empty part's delimiter may share the CRLF of the empty line. */
        const char *next = memmem(data - 2, (size_t)(end - data) + 2, delimiter, d);
        if (!next) return fault(err, *n + 1, (size_t)(p - text), "is not ended by the boundary");
        out[*n].data = (const uint8_t *)data;
        out[*n].size = next > data ? (size_t)(next - data) : 0;
        (*n)++;
        p = next + d;
    }
}

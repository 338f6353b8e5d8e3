#include "server/net/guard.h"

#include <string.h>
#include <strings.h>

void srv_guard_init(srv_guard *g, uint64_t most_body) {
    memset(g, 0, sizeof *g);
    g->most_body = most_body;
}

static size_t refuse(srv_guard_fault *f, int status, const char *why) {
    f->status = status;
    f->why = why;
    return 0;
}

/* A character of a token (RFC 9110, 5.6.2): of methods and names of fields. */
static bool is_token(unsigned char c) { return c > 32 && c < 127 && !strchr("\"(),/:;<=>?@[\\]{}", c); }

/* What the fields of one head say about its end. */
typedef struct head_facts {
    bool old; /* HTTP/1.0 */
    int fields, hosts, lengths, codings;
    uint64_t length;
} head_facts;

/* Checks "METHOD SP target SP HTTP/1.x", the n bytes at p. */
static bool check_request_line(const char *p, size_t n, head_facts *h, srv_guard_fault *f) {
    const char *end = p + n, *q = p;
    while (q < end && is_token((unsigned char)*q)) q++;
    if (q == p || q - p > 16 || q == end || *q != ' ') return refuse(f, 400, "the request line has no proper method");
    const char *target = ++q;
    while (q < end && (unsigned char)*q > 32 && (unsigned char)*q < 127) q++;
    if (q - target > SRV_TARGET_MOST) return refuse(f, 414, "the target is longer than 8192 bytes");
    bool star = q - target == 1 && *target == '*';
    if (q == target || (*target != '/' && !star)) return refuse(f, 400, "the target does not begin with '/'");
    if (q == end || *q != ' ') return refuse(f, 400, "the target has a character that may not be there");
    if (end - q != 9 || strncmp(q + 1, "HTTP/", 5) != 0)
        return refuse(f, 400, "the request line does not end with a version of HTTP");
    h->old = strncmp(q + 6, "1.0", 3) == 0;
    if (!h->old && strncmp(q + 6, "1.1", 3) != 0) return refuse(f, 505, "the version of HTTP is neither 1.0 nor 1.1");
    return true;
}

static bool named(const char *name, size_t n, const char *what) {
    return strlen(what) == n && strncasecmp(name, what, n) == 0;
}

/* Reads the value of Content-Length: one to eighteen digits and nothing else. */
static bool read_length(const char *v, size_t n, head_facts *h, srv_guard_fault *f) {
    if (h->lengths++) return refuse(f, 400, "Content-Length comes more than once");
    if (n == 0 || n > 18) return refuse(f, 400, "Content-Length is no number that can be right");
    for (size_t i = 0; i < n; i++) {
        if (v[i] < '0' || v[i] > '9') return refuse(f, 400, "Content-Length is not made of digits alone");
        h->length = h->length * 10 + (uint64_t)(v[i] - '0');
    }
    return true;
}

static bool check_host(const char *v, size_t n, head_facts *h, srv_guard_fault *f) {
    if (h->hosts++) return refuse(f, 400, "Host comes more than once");
    for (size_t i = 0; i < n; i++)
        if (!is_token((unsigned char)v[i]) && !strchr("[]:", v[i])) return refuse(f, 400, "Host is no name of a host");
    return true;
}

/* Looks at a field whose value decides where the request ends or what is answered first. */
static bool weigh_field(const char *name, size_t n, const char *v, size_t vn, head_facts *h, srv_guard_fault *f) {
    if (named(name, n, "content-length")) return read_length(v, vn, h, f);
    if (named(name, n, "host")) return check_host(v, vn, h, f);
    if (named(name, n, "expect") && !named(v, vn, "100-continue"))
        return refuse(f, 417, "Expect asks for something other than 100-continue");
    if (named(name, n, "transfer-encoding")) {
        if (h->codings++) return refuse(f, 400, "Transfer-Encoding comes more than once");
        if (!named(v, vn, "chunked")) return refuse(f, 501, "Transfer-Encoding is not 'chunked'");
    }
    return true;
}

/* Checks the n bytes of one field line, without its CRLF. */
static bool check_field(const char *p, size_t n, head_facts *h, srv_guard_fault *f) {
    if (*p == ' ' || *p == '\t') return refuse(f, 400, "a header field is folded over several lines");
    size_t name = 0;
    while (name < n && is_token((unsigned char)p[name])) name++;
    if (name == 0 || name == n || p[name] != ':') return refuse(f, 400, "a line of the header is no field");
    const char *v = p + name + 1, *end = p + n;
    for (const char *q = v; q < end; q++)
        if (((unsigned char)*q < 32 && *q != '\t') || *q == 127)
            return refuse(f, 400, "a header field has a control character");
    while (v < end && (*v == ' ' || *v == '\t')) v++;
    while (end > v && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (++h->fields > SRV_FIELDS_MOST) return refuse(f, 431, "there are more than 100 header fields");
    return weigh_field(p, name, v, (size_t)(end - v), h, f);
}

/* Checks the whole head of n bytes, which ends with an empty line, line by line. */
static bool check_head(const char *data, size_t n, head_facts *h, srv_guard_fault *f) {
    const char *p = data, *end = data + n;
    for (bool first = true;; first = false) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        size_t line = (size_t)(lf - p);
        if (line == 0 || lf[-1] != '\r') return refuse(f, 400, "a line of the header ends with LF alone");
        if (memchr(p, '\r', line - 1)) return refuse(f, 400, "a line of the header has a CR inside");
        if (--line == 0) return first ? refuse(f, 400, "an empty line stands where a request should begin") : true;
        if (!(first ? check_request_line : check_field)(p, line, h, f)) return false;
        p = lf + 1;
    }
}

/* Decides from a head that was checked how its body ends. */
static bool begin_body(srv_guard *g, const head_facts *h, srv_guard_fault *f) {
    if (!h->old && !h->hosts) return refuse(f, 400, "the field Host is missing");
    if (h->codings && h->lengths) return refuse(f, 400, "the request has both Content-Length and Transfer-Encoding");
    if (h->codings && h->old) return refuse(f, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (h->length > g->most_body) return refuse(f, 413, "the body is larger than this server takes");
    g->body = g->left = h->length;
    g->digits = 0;
    g->state = h->codings ? SRV_GUARD_CHUNK_SIZE : h->length ? SRV_GUARD_BODY : SRV_GUARD_HEAD;
    return true;
}

/* Finds the first place where a head may end: an empty line, whatever its lines end with, so that a head with faulty
 * line ends is refused at once instead of being waited for. Returns the bytes up to there, 0 = not yet. */
static size_t head_end(srv_guard *g, const char *data, size_t n) {
    size_t from = g->seen > 3 ? g->seen - 3 : 0;
    for (size_t i = from; i < n; i++) {
        if (data[i] != '\n') continue;
        bool empty = i == 0 || data[i - 1] == '\n' || (data[i - 1] == '\r' && (i == 1 || data[i - 2] == '\n'));
        if (empty) return i + 1;
    }
    g->seen = n;
    return 0;
}

static size_t feed_head(srv_guard *g, const char *data, size_t n, srv_guard_fault *f) {
    /* A byte that no request begins with (a TLS handshake, a line end) needs no waiting. */
    if (!is_token((unsigned char)data[0])) return refuse(f, 400, "this is not the beginning of an HTTP request");
    head_facts h = {0};
    size_t head = head_end(g, data, n < SRV_HEAD_MOST ? n : SRV_HEAD_MOST);
    if (!head && n >= SRV_HEAD_MOST)
        return memchr(data, '\n', n) ? refuse(f, 431, "the header is longer than 32768 bytes")
                                     : refuse(f, 414, "the request line is longer than 32768 bytes");
    if (!head || !check_head(data, head, &h, f) || !begin_body(g, &h, f)) return 0;
    g->seen = 0;
    return head;
}

/* Takes one digit of a chunk's size, or the CR behind them. */
static bool chunk_size(srv_guard *g, char c, srv_guard_fault *f) {
    if (c == '\r' && g->digits) {
        if (g->left > g->most_body - g->body) return refuse(f, 413, "the body is larger than this server takes");
        g->body += g->left;
        g->state = SRV_GUARD_CHUNK_LF;
        return true;
    }
    int v = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : -1;
    if (v < 0 || ++g->digits > 15) return refuse(f, 400, "a chunk has no proper size");
    g->left = g->left * 16 + (uint64_t)v;
    return true;
}

/* Takes one byte between the chunks' data. */
static bool chunk_byte(srv_guard *g, char c, srv_guard_fault *f) {
    if (g->state == SRV_GUARD_CHUNK_SIZE) return chunk_size(g, c, f);
    bool cr = g->state == SRV_GUARD_DATA_CR || g->state == SRV_GUARD_END_CR;
    if (c != (cr ? '\r' : '\n')) return refuse(f, 400, "the line end of a chunk is not CRLF");
    switch (g->state) {
    case SRV_GUARD_CHUNK_LF:
        g->state = g->left ? SRV_GUARD_CHUNK_DATA : SRV_GUARD_END_CR;
        break;
    case SRV_GUARD_DATA_CR:
        g->state = SRV_GUARD_DATA_LF;
        break;
    case SRV_GUARD_DATA_LF:
        g->state = SRV_GUARD_CHUNK_SIZE;
        g->digits = 0;
        break;
    case SRV_GUARD_END_CR:
        g->state = SRV_GUARD_END_LF;
        break;
    default:
        g->state = SRV_GUARD_HEAD;
    }
    return true;
}

/* Takes as much of a body's or chunk's data as there is. */
static size_t feed_data(srv_guard *g, size_t n) {
    size_t take = g->left < n ? (size_t)g->left : n;
    g->left -= take;
    if (!g->left) g->state = g->state == SRV_GUARD_BODY ? SRV_GUARD_HEAD : SRV_GUARD_DATA_CR;
    return take;
}

static size_t feed_chunks(srv_guard *g, const char *data, size_t n, srv_guard_fault *f) {
    size_t i = 0;
    while (i < n && g->state != SRV_GUARD_HEAD) {
        if (g->state == SRV_GUARD_CHUNK_DATA) i += feed_data(g, n - i);
        else if (!chunk_byte(g, data[i++], f)) return 0;
    }
    return i;
}

size_t srv_guard_feed(srv_guard *g, const char *data, size_t n, srv_guard_fault *fault) {
    *fault = (srv_guard_fault){0};
    if (n == 0) return 0;
    if (g->state == SRV_GUARD_HEAD) return feed_head(g, data, n, fault);
    if (g->state == SRV_GUARD_BODY) return feed_data(g, n);
    return feed_chunks(g, data, n, fault);
}

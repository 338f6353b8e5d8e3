#include "server/sigv4.h"

#include "base/hash.h"
#include "server/net/hmac.h"

#include <string.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

/* ---- The Authorization field ------------------------------------------------------------------ */

/* Copies n bytes as a text; false where they are none, or too many. */
static bool copy(char *out, size_t size, const char *text, size_t n) {
    if (n == 0 || n >= size) return false;
    memcpy(out, text, n);
    out[n] = 0;
    return true;
}

/* Takes the part of a credential up to the next '/' and moves behind it. */
static bool take_part(const char **p, const char *end, char *out, size_t size) {
    const char *slash = memchr(*p, '/', (size_t)(end - *p));
    if (!slash || !copy(out, size, *p, (size_t)(slash - *p))) return false;
    *p = slash + 1;
    return true;
}

/* ID/DATE/REGION/SERVICE/aws4_request */
static bool read_credential(const char *p, size_t n, srv_sigv4 *out) {
    const char *end = p + n;
    if (!take_part(&p, end, out->access_id, sizeof out->access_id)) return false;
    if (!take_part(&p, end, out->date, sizeof out->date)) return false;
    if (!take_part(&p, end, out->region, sizeof out->region)) return false;
    if (!take_part(&p, end, out->service, sizeof out->service)) return false;
    return strlen(out->date) == 8 && strspn(out->date, "0123456789") == 8 && end - p == 12 &&
           memcmp(p, "aws4_request", 12) == 0;
}

/* Names in lower case, sorted, none of them twice. */
static bool are_header_names(const char *list) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    const char *before = NULL;
    size_t n_before = 0, count = 0;
    for (const char *p = list;; p += n_before + 1) {
        size_t n = strspn(p, allowed);
        if (n == 0 || (p[n] && p[n] != ';') || ++count > SRV_SIGV4_HEADERS) return false;
        if (before) {
            int order = memcmp(before, p, n_before < n ? n_before : n);
            if (order > 0 || (order == 0 && n_before >= n)) return false;
        }
        before = p;
        n_before = n;
        if (!p[n]) return true;
    }
}

/* Reads one NAME=VALUE of the field; *seen gets its bit. */
static bool read_member(const char *p, size_t n, srv_sigv4 *out, unsigned *seen) {
    static const char *const names[] = {"Credential=", "SignedHeaders=", "Signature="};
    for (unsigned i = 0; i < 3; i++) {
        size_t length = strlen(names[i]);
        if (n < length || memcmp(p, names[i], length) != 0) continue;
        if (*seen & 1u << i) return false;
        *seen |= 1u << i;
        p += length;
        n -= length;
        if (i == 0) return read_credential(p, n, out);
        if (i == 1) return copy(out->headers, sizeof out->headers, p, n) && are_header_names(out->headers);
        return n == 64 && copy(out->signature, sizeof out->signature, p, n) &&
               strspn(out->signature, "0123456789abcdef") == 64;
    }
    return false;
}

bool srv_sigv4_parse(const char *field, srv_sigv4 *out, const char **why) {
    size_t n = strlen(ALGORITHM);
    unsigned seen = 0;
    memset(out, 0, sizeof *out);
    *why = "the Authorization field is no " ALGORITHM;
    if (strncmp(field, ALGORITHM, n) != 0 || (field[n] != ' ' && field[n] != '\t')) return false;
    *why = "the Authorization field needs Credential, SignedHeaders and Signature, each once and whole";
    for (const char *p = field + n; *p;) {
        p += strspn(p, " \t");
        size_t length = strcspn(p, ",");
        const char *next = p + length + (p[length] == ',');
        while (length > 0 && (p[length - 1] == ' ' || p[length - 1] == '\t')) length--;
        if (!read_member(p, length, out, &seen)) return false;
        p = next;
    }
    return seen == 7;
}

/* ---- Times ---------------------------------------------------------------------------------------- */

/* The number of n digits; -1 where they are none. */
static int digits(const char *p, int n) {
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') return -1;
        value = value * 10 + p[i] - '0';
    }
    return value;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, by counting years from March on. */
static int64_t days_from_1970(int year, int month, int day) {
    int64_t y = year - (month <= 2), in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + in_year - 719468;
}

int64_t srv_sigv4_time(const char *text) {
    if (strlen(text) != 16 || text[8] != 'T' || text[15] != 'Z') return -1;
    int year = digits(text, 4), month = digits(text + 4, 2), day = digits(text + 6, 2);
    int hour = digits(text + 9, 2), minute = digits(text + 11, 2), second = digits(text + 13, 2);
    bool fine = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour >= 0 && hour < 24 &&
                minute >= 0 && minute < 60 && second >= 0 && second <= 60;
    return fine ? days_from_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second : -1;
}

/* ---- What must be signed ---------------------------------------------------------------------------- */

/* Whether a field's name, in whatever case, is in the list of those that are signed. */
static bool is_signed(const char *list, const char *name) {
    size_t n = strlen(name);
    for (const char *p = list; *p; p += strcspn(p, ";") + (p[strcspn(p, ";")] == ';'))
        if (strncasecmp(p, name, n) == 0 && (p[n] == ';' || p[n] == 0)) return true;
    return false;
}

bool srv_sigv4_check_head(const srv_sigv4 *sig, const srv_request *r, const char *service, int64_t now,
                          int64_t *signed_at, const char **why) {
    const char *date = srv_request_field(r, "X-Amz-Date");
    *signed_at = date ? srv_sigv4_time(date) : -1;
    *why = "X-Amz-Date is missing or no date";
    if (*signed_at < 0) return false;
    *why = "the credential is of another day than X-Amz-Date";
    if (strncmp(date, sig->date, 8) != 0) return false;
    *why = "Signature expired: its time is more than five minutes before this server's";
    if (*signed_at < now - SRV_SIGV4_SKEW) return false;
    *why = "Signature not yet current: its time is more than five minutes after this server's";
    if (*signed_at > now + SRV_SIGV4_SKEW) return false;
    *why = "the credential is for another service";
    if (strcmp(sig->service, service) != 0) return false;
    *why = "Host and all fields whose names begin with X-Amz- must be signed";
    if (!is_signed(sig->headers, "host")) return false;
    for (int i = 0; i < r->n_fields; i++)
        if (strncasecmp(r->fields[i].name, "x-amz-", 6) == 0 && !is_signed(sig->headers, r->fields[i].name))
            return false;
    *why = "a signed request has no query here";
    return r->n_query == 0;
}

/* ---- The canonical request ---------------------------------------------------------------------------- */

/* Adds a value without blanks around it, and with one in place of several. */
static void add_trimmed(fct_buf *b, const char *value) {
    value += strspn(value, " \t");
    for (const char *p = value; *p;) {
        size_t text = strcspn(p, " \t"), blanks = strspn(p + text, " \t");
        fct_buf_add(b, p, text);
        p += text + blanks;
        if (blanks && *p) fct_buf_char(b, ' ');
    }
}

/* Adds "name:value\n", the values of fields of one name divided by commas. */
static void add_field(fct_buf *b, const srv_request *r, const char *name, size_t n) {
    bool first = true;
    fct_buf_add(b, name, n);
    fct_buf_char(b, ':');
    for (int i = 0; i < r->n_fields; i++) {
        const srv_pair *f = &r->fields[i];
        if (strlen(f->name) != n || strncasecmp(f->name, name, n) != 0) continue;
        if (!first) fct_buf_char(b, ',');
        add_trimmed(b, f->value);
        first = false;
    }
    fct_buf_char(b, '\n');
}

static const char *method_name(srv_method m) {
    return m == SRV_POST ? "POST" : m == SRV_GET ? "GET" : m == SRV_PUT ? "PUT" : m == SRV_DELETE ? "DELETE" : "PATCH";
}

/* Method, path, query, fields, their names and the body's hash, a line each. The path is "/" where signatures are
 * taken, which has no second spelling. */
static void canonical_request(const srv_sigv4 *sig, const srv_request *r, fct_buf *b) {
    char hash[65];
    fct_sha256_hex(r->body.data ? r->body.data : "", r->body.size, hash);
    fct_buf_printf(b, "%s\n%s\n\n", method_name(r->method), r->path);
    for (const char *p = sig->headers; *p;) {
        size_t n = strcspn(p, ";");
        add_field(b, r, p, n);
        p += n + (p[n] == ';');
    }
    fct_buf_printf(b, "\n%s\n%s", sig->headers, hash);
}

/* ---- The signature ------------------------------------------------------------------------------------- */

static bool hmac(const uint8_t key[32], const char *text, uint8_t out[32]) {
    return srv_hmac_sha256(key, 32, text, strlen(text), out);
}

/* The key of a day, region and service. */
static bool signing_key(const srv_sigv4 *sig, const char *secret, uint8_t out[32]) {
    char first[256];
    size_t n = strlen(secret);
    if (n + 4 >= sizeof first) return false;
    memcpy(first, "AWS4", 4);
    memcpy(first + 4, secret, n + 1);
    bool made = srv_hmac_sha256(first, n + 4, sig->date, strlen(sig->date), out) && hmac(out, sig->region, out) &&
                hmac(out, sig->service, out) && hmac(out, "aws4_request", out);
    return made;
}

static void to_hex(const uint8_t in[32], char out[65]) {
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 32; i++) {
        out[2 * i] = hex[in[i] >> 4];
        out[2 * i + 1] = hex[in[i] & 15];
    }
    out[64] = 0;
}

srv_sigv4_result srv_sigv4_verify(const srv_sigv4 *sig, const srv_request *r, const char *secret) {
    fct_buf b = {0};
    char hash[65], wanted[65];
    uint8_t key[32], mac[32];
    const char *date = srv_request_field(r, "X-Amz-Date");
    canonical_request(sig, r, &b);
    if (!b.failed) fct_sha256_hex(b.data, b.size, hash);
    bool failed = b.failed;
    fct_buf_clear(&b);
    fct_buf_printf(&b, ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s", date ? date : "", sig->date, sig->region,
                   sig->service, failed ? "" : hash);
    failed |= b.failed;
    bool made = !failed && signing_key(sig, secret, key) && srv_hmac_sha256(key, 32, b.data, b.size, mac);
    fct_buf_free(&b);
    if (!made) return failed ? SRV_SIGV4_NO_MEMORY : SRV_SIGV4_WRONG;
    to_hex(mac, wanted);
    unsigned differ = 0;
    for (int i = 0; i < 64; i++) differ |= (unsigned)(wanted[i] ^ sig->signature[i]);
    return differ ? SRV_SIGV4_WRONG : SRV_SIGV4_GOOD;
}

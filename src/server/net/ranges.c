/* Ranges of addresses, for interfaces that know no keys. */
#include "base/error.h"
#include "server/app.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Reads an address; an IPv4 one inside IPv6 counts as IPv4. */
static bool read_address(const char *text, srv_range *out) {
    static const unsigned char mapped[12] = {[10] = 255, [11] = 255};
    if (inet_pton(AF_INET, text, out->address) == 1) out->bytes = 4;
    else if (inet_pton(AF_INET6, text, out->address) == 1) out->bytes = 16;
    else return false;
    if (out->bytes == 16 && memcmp(out->address, mapped, sizeof mapped) == 0) {
        memmove(out->address, out->address + 12, 4);
        out->bytes = 4;
    }
    out->bits = out->bytes * 8;
    return true;
}

/* Reads "ADDRESS" or "ADDRESS/BITS". */
static bool read_range(char *text, srv_range *out) {
    char *slash = strchr(text, '/'), *end = NULL;
    if (slash) *slash = 0;
    if (!read_address(text, out)) return false;
    if (!slash) return true;
    long bits = strtol(slash + 1, &end, 10);
    bool fine = end != slash + 1 && !*end && bits >= 0 && bits <= out->bits;
    *slash = '/';
    out->bits = (int)bits;
    return fine;
}

fct_status srv_ranges_parse(const char *text, srv_range *out, int cap, int *n, fct_error *err) {
    *n = 0;
    for (const char *p = text; *p;) {
        char one[64];
        size_t length = strcspn(p, ",");
        if (length >= sizeof one || *n == cap)
            return fct_fail(err, FCT_ERR_ARG, "%s: too long a list of addresses", text);
        memcpy(one, p, length);
        one[length] = 0;
        if (!read_range(one, &out[(*n)++])) return fct_fail(err, FCT_ERR_ARG, "%s: is no address or ADDRESS/BITS", one);
        p += length + (p[length] == ',');
    }
    return FCT_OK;
}

bool srv_ranges_hold(const srv_range *r, int n, const char *address) {
    srv_range a;
    if (!read_address(address, &a)) return false;
    for (int i = 0; i < n; i++) {
        int whole = r[i].bits / 8, rest = r[i].bits % 8;
        if (r[i].bytes != a.bytes || memcmp(r[i].address, a.address, (size_t)whole) != 0) continue;
        if (!rest || (r[i].address[whole] ^ a.address[whole]) >> (8 - rest) == 0) return true;
    }
    return false;
}

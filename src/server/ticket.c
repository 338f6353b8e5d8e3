/* A ticket is "KEY.END.MAC": the key's 16 hexadecimal digits or "-", seconds in decimal, and the HMAC-SHA256 (RFC 2104)
 * of what stands before the last '.', in hexadecimal. */
#include "server/ticket.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };

/* HMAC-SHA256 of a text, in hexadecimal. */
static void authenticate(const unsigned char secret[SRV_TICKET_SECRET], const char *text, size_t n, char out[65]) {
    unsigned char pad[BLOCK], inner[32];
    fct_sha256 h;
    for (int i = 0; i < BLOCK; i++) pad[i] = (unsigned char)((i < SRV_TICKET_SECRET ? secret[i] : 0) ^ 0x36);
    fct_sha256_init(&h);
    fct_sha256_update(&h, pad, BLOCK);
    fct_sha256_update(&h, text, n);
    fct_sha256_final(&h, inner);
    for (int i = 0; i < BLOCK; i++) pad[i] ^= 0x36 ^ 0x5c;
    fct_sha256_init(&h);
    fct_sha256_update(&h, pad, BLOCK);
    fct_sha256_update(&h, inner, sizeof inner);
    fct_sha256_final_hex(&h, out);
}

void srv_ticket_make(const unsigned char secret[SRV_TICKET_SECRET], const char *key_id, int64_t end,
                     char out[SRV_TICKET_TEXT]) {
    char mac[65];
    int n = snprintf(out, SRV_TICKET_TEXT, "%.16s.%lld", *key_id ? key_id : "-", (long long)end);
    authenticate(secret, out, (size_t)n, mac);
    snprintf(out + n, SRV_TICKET_TEXT - (size_t)n, ".%s", mac);
}

/* Whether the text is one that was made here, by its form and its MAC, which is compared in constant time. */
static bool is_genuine(const unsigned char secret[SRV_TICKET_SECRET], const char *text, const char *mac) {
    char wanted[65];
    unsigned differ = 0;
    if (strlen(mac) != 64) return false;
    authenticate(secret, text, (size_t)(mac - 1 - text), wanted);
    for (int i = 0; i < 64; i++) differ |= (unsigned)(mac[i] ^ wanted[i]);
    return !differ;
}

srv_ticket_state srv_ticket_check(const unsigned char secret[SRV_TICKET_SECRET], const char *text, int64_t now,
                                  char key_id[17]) {
    const char *first = strchr(text, '.'), *last = strrchr(text, '.');
    key_id[0] = 0;
    if (!first || first == last || first - text > 16 || strlen(text) >= SRV_TICKET_TEXT ||
        !is_genuine(secret, text, last + 1))
        return SRV_TICKET_WRONG;
    if (*text != '-') snprintf(key_id, 17, "%.*s", (int)(first - text), text);
    return strtoll(first + 1, NULL, 10) >= now ? SRV_TICKET_GOOD : SRV_TICKET_OVER;
}

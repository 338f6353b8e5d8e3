#include "server/net/hmac.h"

#include "server/net/gnutls_load.h"

#include <string.h>

bool srv_hmac_load(void) { return srv_gnutls_load(); }

bool srv_hmac_sha256(const void *key, size_t key_size, const void *data, size_t n, uint8_t out[32]) {
    uint8_t mac[32];
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_size, data, n, mac) < 0) return false;
    memcpy(out, mac, sizeof mac);
    return true;
}

/* SHA-256, FIPS 180-4 sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2.2. */
#include "base/hash.h"
#include "base/hash_blocks.h"

#include <stdatomic.h>
#include <string.h>

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const uint32_t fct_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint32_t load_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void expand(const uint8_t *block, uint32_t w[64]) {
    for (int t = 0; t < 16; t++) w[t] = load_be32(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

void fct_sha256_blocks_c(uint32_t h[8], const uint8_t *data, size_t n) {
    for (; n; n--, data += 64) {
        uint32_t w[64], s[8];
        expand(data, w);
        memcpy(s, h, sizeof s);
        for (int t = 0; t < 64; t++) {
            uint32_t e = s[4], a = s[0];
            uint32_t t1 =
                s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + fct_sha256_k[t] + w[t];
            uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof s[0]);
            s[4] += t1;
            s[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++) h[i] += s[i];
    }
}

static void blocks(uint32_t h[8], const uint8_t *data, size_t n) {
    static _Atomic(fct_sha256_blocks_fn *) chosen;
    fct_sha256_blocks_fn *fn = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!fn) {
        fn = fct_sha256_blocks_native();
        if (!fn) fn = fct_sha256_blocks_c;
        atomic_store_explicit(&chosen, fn, memory_order_relaxed);
    }
    fn(h, data, n);
}

void fct_sha256_init(fct_sha256 *s) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->h, first, sizeof first);
    s->len = 0;
}

void fct_sha256_update(fct_sha256 *s, const void *data, size_t len) {
    const uint8_t *p = data;
    if (!len) return;
    size_t have = s->len % 64;
    s->len += len;
    if (have) {
        size_t take = len < 64 - have ? len : 64 - have;
        memcpy(s->buf + have, p, take);
        p += take;
        len -= take;
        if (have + take < 64) return;
        blocks(s->h, s->buf, 1);
    }
    blocks(s->h, p, len / 64);
    memcpy(s->buf, p + len / 64 * 64, len % 64);
}

void fct_sha256_final(fct_sha256 *s, uint8_t out[32]) {
    static const uint8_t pad[64] = {0x80};
    uint64_t bits = s->len * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    fct_sha256_update(s, pad, 1 + (119 - s->len % 64) % 64);
    fct_sha256_update(s, length, 8);
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void fct_sha256_final_hex(fct_sha256 *s, char out[65]) {
    uint8_t digest[32];
    fct_sha256_final(s, digest);
    for (int i = 0; i < 32; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[64] = 0;
}

void fct_sha256_hex(const void *data, size_t len, char out[65]) {
    fct_sha256 s;
    fct_sha256_init(&s);
    fct_sha256_update(&s, data, len);
    fct_sha256_final_hex(&s, out);
}

/* Eight sums side by side, so that their multiplications overlap. Every step maps
 * a sum one to one, hence the promise about a changed word. */
uint64_t fct_checksum64(const void *data, size_t len) {
    const uint64_t odd = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    const uint8_t *p = data;
    uint64_t sum[8], word[8], all = len;
    for (uint64_t i = 0; i < 8; i++) sum[i] = (i + 1) * odd;
    while (len) {
        size_t n = len < sizeof word ? len : sizeof word;
        if (n < sizeof word) memset(word, 0, sizeof word);
        memcpy(word, p, n);
        for (int i = 0; i < 8; i++) {
            sum[i] = (sum[i] ^ word[i]) * odd;
            sum[i] = sum[i] << 29 | sum[i] >> 35;
        }
        p += n;
        len -= n;
    }
    for (int i = 0; i < 8; i++) {
        all = (all ^ sum[i]) * odd;
        all ^= all >> 32;
    }
    return all;
}

#include "train/checkpoint.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include <string.h>

enum { ARRAYS = 7, HASH = 32 };
static const char magic[8] = {'F', 'C', 'T', 'T', 'R', 'A', 'I', 'N'};

/* The arrays in the order of the file. */
static void arrays(fct_train_state *s, float ***p, size_t *n) {
    float **all[ARRAYS] = {&s->params,    &s->momentum, &s->stats,          &s->ema,
                           &s->ema_stats, &s->centers,  &s->center_momentum};
    const size_t counts[ARRAYS] = {s->n_params, s->n_params,  s->n_stats,  s->n_params,
                                   s->n_stats,  s->n_centers, s->n_centers};
    memcpy(p, all, sizeof all);
    memcpy(n, counts, sizeof counts);
}

fct_status fct_train_state_create(const fct_net_spec *spec, size_t n_centers, fct_train_state *s, fct_error *err) {
    float **p[ARRAYS];
    size_t n[ARRAYS];
    *s = (fct_train_state){.n_params = spec->n_params, .n_stats = spec->n_stats, .n_centers = n_centers};
    arrays(s, p, n);
    for (int i = 0; i < ARRAYS; i++) {
        *p[i] = fct_aligned_alloc((n[i] + 1) * sizeof(float));
        if (!*p[i]) {
            fct_train_state_clear(s);
            return fct_fail_nomem(err, "training state", n[i] * sizeof(float));
        }
        memset(*p[i], 0, (n[i] + 1) * sizeof(float));
    }
    return FCT_OK;
}

void fct_train_state_clear(fct_train_state *s) {
    float **p[ARRAYS];
    size_t n[ARRAYS];
    arrays(s, p, n);
    for (int i = 0; i < ARRAYS; i++) {
        fct_aligned_free(*p[i]);
        *p[i] = NULL;
    }
}

/* Header: 8 + 4 + 4 + text + 5 * 8 bytes. */
static size_t header_size(const char *network) { return 16 + strlen(network) + 40; }

static void put(uint8_t **at, const void *data, size_t n) {
    memcpy(*at, data, n);
    *at += n;
}

static void put_number(uint8_t **at, uint64_t v, int bytes) {
    for (int i = 0; i < bytes; i++) *(*at)++ = (uint8_t)(v >> (8 * i));
}

static uint64_t get_number(const uint8_t **at, int bytes) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t) * (*at)++ << (8 * i);
    return v;
}

static size_t body_size(fct_train_state *s) {
    float **p[ARRAYS];
    size_t n[ARRAYS], sum = 0;
    arrays(s, p, n);
    for (int i = 0; i < ARRAYS; i++) sum += n[i] * sizeof(float);
    return sum;
}

/* SHA-256 of everything before it, so that a damaged checkpoint is never trained on. */
static void hash_of(const uint8_t *data, size_t n, uint8_t out[HASH]) {
    fct_sha256 h;
    fct_sha256_init(&h);
    fct_sha256_update(&h, data, n);
    fct_sha256_final(&h, out);
}

/* Writes the whole state with a hash behind it, atomically: a run that is killed here keeps its last checkpoint. */
fct_status fct_checkpoint_write(const char *path, const char *network, const fct_train_state *state, fct_error *err) {
    fct_train_state s = *state;
    float **p[ARRAYS];
    size_t n[ARRAYS], size = header_size(network) + body_size(&s) + HASH;
    uint8_t *data = fct_alloc(size), *at = data;
    if (!data) return fct_fail_nomem(err, "checkpoint", size);
    put(&at, magic, sizeof magic);
    put_number(&at, 1, 4);
    put_number(&at, strlen(network), 4);
    put(&at, network, strlen(network));
    const uint64_t head[5] = {s.step, s.skipped, s.n_params, s.n_stats, s.n_centers};
    for (int i = 0; i < 5; i++) put_number(&at, head[i], 8);
    arrays(&s, p, n);
    for (int i = 0; i < ARRAYS; i++) put(&at, *p[i], n[i] * sizeof(float));
    hash_of(data, (size_t)(at - data), at);
    fct_status st = fct_file_write_atomic(path, data, size, err);
    fct_free(data);
    return st;
}

static fct_status parse(const char *path, const uint8_t *data, size_t size, const char *network, fct_train_state *s,
                        fct_error *err) {
    float **p[ARRAYS];
    size_t n[ARRAYS];
    uint8_t hash[HASH];
    const uint8_t *at = data + 8;
    if (size < 16 + HASH || memcmp(data, magic, 8)) return fct_fail(err, FCT_ERR_FORMAT, "%s: not a checkpoint", path);
    hash_of(data, size - HASH, hash);
    if (memcmp(hash, data + size - HASH, HASH))
        return fct_fail(err, FCT_ERR_FORMAT, "%s: damaged: its checksum is wrong", path);
    if (get_number(&at, 4) != 1) return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: of another version", path);
    size_t text = (size_t)get_number(&at, 4);
    if (text != strlen(network) || size < header_size(network) + HASH || memcmp(at, network, text))
        return fct_fail(err, FCT_ERR_MISMATCH, "%s: of another network", path);
    at += text;
    uint64_t head[5];
    for (int i = 0; i < 5; i++) head[i] = get_number(&at, 8);
    if (head[2] != s->n_params || head[3] != s->n_stats || head[4] != s->n_centers ||
        size != header_size(network) + body_size(s) + HASH)
        return fct_fail(err, FCT_ERR_MISMATCH, "%s: of other sizes: %llu center values, expected %zu", path,
                        (unsigned long long)head[4], s->n_centers);
    arrays(s, p, n);
    for (int i = 0; i < ARRAYS; at += n[i] * sizeof(float), i++) memcpy(*p[i], at, n[i] * sizeof(float));
    s->step = head[0];
    s->skipped = head[1];
    return FCT_OK;
}

fct_status fct_checkpoint_read(const char *path, const char *network, fct_train_state *s, fct_error *err) {
    fct_map m;
    fct_status st = fct_map_copy(path, SIZE_MAX, &m, err);
    if (st) return st;
    st = parse(path, m.data, m.size, network, s, err);
    fct_map_close(&m);
    return st;
}

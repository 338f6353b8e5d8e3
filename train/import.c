/* Reading what export.c wrote. */
#include "train/export.h"
#include "onnx/proto.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

uint16_t fct_half_from_float(float f) {
    uint32_t x;
    memcpy(&x, &f, 4);
    uint32_t sign = x >> 16 & 0x8000, mag = x & 0x7fffffff;
    if (mag > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (mag >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (mag < 0x38800000) { /* subnormal: the sum rounds at the last place of a half */
        float v;
        memcpy(&v, &mag, 4);
        v += 0.5f;
        uint32_t r;
        memcpy(&r, &v, 4);
        return (uint16_t)(sign | (r - 0x3f000000));
    }
    mag += 0xfff + (mag >> 13 & 1);
    return (uint16_t)(sign | ((mag - 0x38000000) >> 13));
}

float fct_float_from_half(uint16_t h) {
    int e = h >> 10 & 31, m = h & 1023;
    float v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexpf((float)(1024 + m), e - 25) : ldexpf((float)m, -24);
    return h & 0x8000 ? -v : v;
}

/* The place where one named tensor goes. */
typedef struct import_slot {
    char name[64];
    float *to;
    size_t n;
    bool filled;
} import_slot;
typedef struct slots {
    import_slot *at;
    int n;
} slots;

/* Notes where a tensor of that name goes. */
static void add_slot(slots *s, const char *unit, const char *part, float *to, size_t n) {
    import_slot *k = &s->at[s->n++];
    *k = (import_slot){.to = to, .n = n};
    snprintf(k->name, sizeof k->name, "%s.%s", unit, part);
}

/* The parameters of unit u, under the name that it has in the file. */
static void add_unit(slots *s, const char *name, const fct_unit *u, float *params, float *stats) {
    size_t co = (size_t)u->co;
    if (u->w_n) add_slot(s, name, "weight", params + u->w, u->w_n);
    add_slot(s, name, "gamma", params + u->gamma, co);
    add_slot(s, name, "beta", params + u->beta, co);
    if (u->prelu) add_slot(s, name, "slope", params + u->slope, co);
    add_slot(s, name, "mean", stats + u->stat, co);
    add_slot(s, name, "var", stats + u->stat + co, co);
}

static bool same_unit(const fct_unit *a, const fct_unit *b) {
    return a->op == b->op && a->ci == b->ci && a->co == b->co && a->k == b->k && a->s == b->s && a->p == b->p &&
           a->ih == b->ih && a->prelu == b->prelu && a->fixed_gamma == b->fixed_gamma && (a->res < 0) == (b->res < 0);
}

/* Whether a "res" block of three units begins at unit i. */
static bool block_at(const fct_net_spec *s, int i) {
    return i > 0 && i + 2 < s->n_units && s->unit[i].in == i - 1 && s->unit[i + 2].res == i - 1;
}

/* Pairs the file's units with the network's in order. Blocks that the network has
 * beyond the file's become identities: the last gamma of a block of theirs is 0
 * ("zero gamma": Goyal et al., arXiv 1706.02677, sec. 5.1), as in a function
 * preserving deepening (Chen et al., "Net2Net", ICLR 2016, sec. 3.2). */
static fct_status pair_units(const char *path, const fct_net_spec *file, const fct_net_spec *net, float *params,
                             float *stats, slots *s, fct_error *err) {
    int i = 0, j = 0;
    while (i < net->n_units) {
        int n = block_at(net, i) ? 3 : 1;
        bool same = j + n <= file->n_units && block_at(file, j) == (n == 3);
        for (int k = 0; same && k < n; k++) same = same_unit(&net->unit[i + k], &file->unit[j + k]);
        if (!same && n == 1) break;
        for (int k = 0; same && k < n; k++) add_unit(s, file->unit[j + k].name, &net->unit[i + k], params, stats);
        const fct_unit *last = &net->unit[i + n - 1];
        if (!same) memset(params + last->gamma, 0, (size_t)last->co * sizeof *params);
        if (same) j += n;
        i += n;
    }
    if (i == net->n_units && j == file->n_units) return FCT_OK;
    return fct_fail(err, FCT_ERR_MISMATCH, "%s: of another network, and not one with fewer \"res\" blocks: %.200s",
                    path, file->text);
}

/* A weight stored as fp16 has the same name with ".half" behind it. */
static import_slot *find_slot(slots *s, const char *name, size_t len) {
    if (len > 5 && !memcmp(name + len - 5, ".half", 5)) len -= 5;
    for (int i = 0; i < s->n; i++)
        if (strlen(s->at[i].name) == len && !memcmp(s->at[i].name, name, len)) return &s->at[i];
    return NULL;
}

/* A TensorProto: data_type = 2, name = 8, raw_data = 9. */
static fct_status read_tensor(fct_pb m, slots *s, fct_error *err) {
    fct_pb_field f, name = {0}, raw = {0};
    uint64_t type = 0;
    bool more;
    fct_status st;
    while (!(st = fct_pb_next(&m, &f, &more, err)) && more) {
        if (f.number == 2 && f.wire == 0) type = f.value;
        if (f.number == 8 && f.wire == 2) name = f;
        if (f.number == 9 && f.wire == 2) raw = f;
    }
    if (st) return st;
    import_slot *k = name.data ? find_slot(s, (const char *)name.data, name.len) : NULL;
    if (!k) return FCT_OK;
    size_t width = type == 10 ? 2 : 4;
    if ((type != 1 && type != 10) || raw.len != k->n * width)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: %s: %zu bytes, expected %zu numbers", m.file, k->name, raw.len, k->n);
    for (size_t i = 0; i < k->n; i++) {
        uint16_t h;
        memcpy(width == 4 ? (void *)&k->to[i] : (void *)&h, raw.data + i * width, width);
        if (width == 2) k->to[i] = fct_float_from_half(h);
        if (!isfinite(k->to[i])) return fct_fail(err, FCT_ERR_FORMAT, "%s: %s is not finite", m.file, k->name);
    }
    k->filled = true;
    return FCT_OK;
}

/* Calls fn for every field of one number of a message. */
typedef fct_status field_fn(fct_pb sub, void *user, fct_error *err);
static fct_status each(fct_pb m, uint32_t number, field_fn *fn, void *user, fct_error *err) {
    fct_pb_field f;
    bool more;
    fct_status s;
    while (!(s = fct_pb_next(&m, &f, &more, err)) && more)
        if (f.number == number && f.wire == 2 && (s = fn(fct_pb_sub(&m, &f), user, err))) return s;
    return s;
}

static fct_status on_tensor(fct_pb m, void *user, fct_error *err) { return read_tensor(m, user, err); }
static fct_status on_graph(fct_pb m, void *user, fct_error *err) { return each(m, 5, on_tensor, user, err); }

/* metadata_props: key = 1, value = 2. */
static fct_status on_metadata(fct_pb m, void *user, fct_error *err) {
    fct_pb_field f, key = {0}, value = {0};
    bool more;
    fct_status s;
    char **text = user;
    while (!(s = fct_pb_next(&m, &f, &more, err)) && more) {
        if (f.number == 1 && f.wire == 2) key = f;
        if (f.number == 2 && f.wire == 2) value = f;
    }
    if (s || *text || key.len != 13 || memcmp(key.data, "facet.network", 13) || !value.data) return s;
    *text = fct_strndup((const char *)value.data, value.len);
    return *text ? FCT_OK : fct_fail_nomem(err, "network description", value.len);
}

static fct_status network_of(const char *path, const fct_map *m, char **text, fct_error *err) {
    *text = NULL;
    fct_status s = each((fct_pb){m->data, m->data + m->size, m->data, path}, 14, on_metadata, text, err);
    if (s) {
        fct_free(*text);
        *text = NULL;
    }
    if (s || *text) return s;
    return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: not exported by facet: it does not say what network it is", path);
}

fct_status fct_import_network(const char *path, char **text, fct_error *err) {
    fct_map m;
    *text = NULL;
    fct_status s = fct_map_copy(path, SIZE_MAX, &m, err);
    if (s) return s;
    s = network_of(path, &m, text, err);
    fct_map_close(&m);
    return s;
}

static fct_status read_all(const char *path, const fct_map *m, const fct_net_spec *spec, float *params, float *stats,
                           slots *s, fct_error *err) {
    char *text;
    fct_net_spec file = {0};
    fct_status st = network_of(path, m, &text, err);
    if (st) return st;
    st = fct_net_spec_parse(text, &file, err);
    fct_free(text);
    if (!st) st = pair_units(path, &file, spec, params, stats, s, err);
    fct_net_spec_clear(&file);
    if (!st) st = each((fct_pb){m->data, m->data + m->size, m->data, path}, 7, on_graph, s, err);
    for (int i = 0; !st && i < s->n; i++)
        if (!s->at[i].filled) st = fct_fail(err, FCT_ERR_FORMAT, "%s: %s is missing", path, s->at[i].name);
    return st;
}

/* Reads parameters and statistics by name; blocks that only the new network has start as identities. */
fct_status fct_import_onnx(const char *path, const fct_net_spec *spec, float *params, float *stats, fct_error *err) {
    fct_map m;
    slots s = {0};
    fct_status st = fct_map_copy(path, SIZE_MAX, &m, err);
    if (st) return st;
    s.at = fct_calloc((size_t)spec->n_units * 6, sizeof *s.at);
    st = s.at ? read_all(path, &m, spec, params, stats, &s, err) : fct_fail_nomem(err, "parameters", 0);
    fct_free(s.at);
    fct_map_close(&m);
    return st;
}

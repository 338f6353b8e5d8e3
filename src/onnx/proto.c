#include "onnx/proto.h"
#include "base/error.h"
#include <string.h>

bool fct_pb_varint(const uint8_t **p, const uint8_t *end, uint64_t *v) {
    uint64_t x = 0;
    for (int shift = 0; shift < 70 && *p < end; shift += 7) {
        uint8_t b = *(*p)++;
        if (shift == 63 && b > 1) return false;
        x |= (uint64_t)(b & 127) << shift;
        if (b < 128) {
            *v = x;
            return true;
        }
    }
    return false;
}

static fct_status cut(const fct_pb *m, const uint8_t *at, const char *what, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s at offset %zu: not an ONNX file, or cut off", m->file, what,
                    fct_pb_offset(m, at));
}

static uint64_t little_endian(const uint8_t *p, int n) {
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* Every length is compared with what is left of the message before anything behind it is touched. */
fct_status fct_pb_next(fct_pb *m, fct_pb_field *f, bool *more, fct_error *err) {
    uint64_t key;
    *f = (fct_pb_field){.at = m->p};
    *more = m->p < m->end;
    if (!*more) return FCT_OK;
    if (!fct_pb_varint(&m->p, m->end, &key) || key > UINT32_MAX || !(key >> 3)) return cut(m, f->at, "bad field", err);
    f->number = (uint32_t)(key >> 3);
    f->wire = (int)(key & 7);
    size_t left = (size_t)(m->end - m->p);
    if (f->wire == 0) return fct_pb_varint(&m->p, m->end, &f->value) ? FCT_OK : cut(m, f->at, "bad number", err);
    if (f->wire == 1 || f->wire == 5) {
        int n = f->wire == 1 ? 8 : 4;
        if (left < (size_t)n) return cut(m, f->at, "bad fixed number", err);
        f->value = little_endian(m->p, n);
        m->p += n;
        return FCT_OK;
    }
    if (f->wire != 2) return cut(m, f->at, "unknown wire type", err);
    uint64_t len;
    if (!fct_pb_varint(&m->p, m->end, &len) || len > (uint64_t)(m->end - m->p))
        return cut(m, f->at, "length beyond the end", err);
    f->data = m->p;
    f->len = (size_t)len;
    m->p += len;
    return FCT_OK;
}

fct_status fct_pb_want(const fct_pb *m, const fct_pb_field *f, int wire, const char *what, fct_error *err) {
    if (f->wire == wire) return FCT_OK;
    return fct_fail(err, FCT_ERR_FORMAT, "%s: %s at offset %zu has wire type %d, not %d", m->file, what,
                    fct_pb_offset(m, f->at), f->wire, wire);
}

fct_pb fct_pb_sub(const fct_pb *m, const fct_pb_field *f) {
    /* A number has no data: NULL + 0 is undefined in C. */
    return (fct_pb){f->data, f->len ? f->data + f->len : f->data, m->base, m->file};
}

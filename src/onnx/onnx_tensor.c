/* TensorProto: 1 dims, 2 data_type, 4 float_data, 5 int32_data, 7 int64_data,
 * 8 name, 9 raw_data, 10 double_data, 11 uint64_data, 13 external_data,
 * 14 data_location. Raw data and packed floats stay where they are. */
#include "onnx/onnx.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

typedef struct tensor_scan {
    int64_t dims[FCT_MAX_RANK];
    int rank, type;
    uint32_t typed;     /* number of the typed field in use, 0 = none */
    size_t typed_bytes; /* bytes in all its fields: no fewer than its elements */
    int typed_fields;
    const uint8_t *raw, *packed;
    size_t raw_len, packed_len;
    bool has_raw;
    char label[64]; /* name for error texts */
} tensor_scan;

static bool type_is_real(int type) { return type == 1 || type == 10 || type == 11; }

/* An error that says where in the file the tensor is. */
static fct_status bad_tensor(const fct_pb *m, const tensor_scan *t, fct_status code, const char *what, fct_error *err) {
    return fct_fail(err, code, "%s: tensor '%s' at offset %zu: %s", m->file, t->label,
                    fct_pb_offset(m, m->base < m->p ? m->p : m->base), what);
}

static fct_status add_dim(const fct_pb *m, tensor_scan *t, uint64_t d, fct_error *err) {
    if (t->rank == FCT_MAX_RANK) return bad_tensor(m, t, FCT_ERR_UNSUPPORTED, "more than 8 dimensions", err);
    if (d > (uint64_t)FCT_MAX_ELEMENTS) return bad_tensor(m, t, FCT_ERR_LIMIT, "a dimension above 2^30", err);
    t->dims[t->rank++] = (int64_t)d;
    return FCT_OK;
}

/* Dimensions come one by one or packed into one field. */
static fct_status scan_dims(const fct_pb *m, const fct_pb_field *f, tensor_scan *t, fct_error *err) {
    fct_status s = FCT_OK;
    uint64_t d;
    if (f->wire == 0) return add_dim(m, t, f->value, err);
    if ((s = fct_pb_want(m, f, 2, "tensor dimensions", err))) return s;
    for (const uint8_t *p = f->data, *end = p + f->len; !s && p < end;) {
        if (!fct_pb_varint(&p, end, &d)) return bad_tensor(m, t, FCT_ERR_FORMAT, "bad dimensions", err);
        s = add_dim(m, t, d, err);
    }
    return s;
}

/* Notes where the elements in a typed field are. A tensor that spreads over fields of two types is refused. */
static fct_status scan_typed(const fct_pb *m, const fct_pb_field *f, tensor_scan *t, fct_error *err) {
    if (t->typed && t->typed != f->number) return bad_tensor(m, t, FCT_ERR_FORMAT, "data of two types", err);
    t->typed = f->number;
    t->typed_fields++;
    t->typed_bytes += f->wire == 2 ? f->len : 8;
    if (f->wire == 2) t->packed = f->data, t->packed_len = f->len;
    return FCT_OK;
}

/* Sorts one field of the message into the scan, and refuses what facet does not read: strings and data in other
 * files. */
static fct_status scan_field(const fct_pb *m, const fct_pb_field *f, tensor_scan *t, fct_error *err) {
    fct_status s = FCT_OK;
    switch (f->number) {
    case 1:
        return scan_dims(m, f, t, err);
    case 2:
        if ((s = fct_pb_want(m, f, 0, "tensor type", err))) return s;
        t->type = f->value < 1000 ? (int)f->value : 1000;
        return FCT_OK;
    case 4:
    case 5:
    case 7:
    case 10:
    case 11:
        return scan_typed(m, f, t, err);
    case 6:
        return bad_tensor(m, t, FCT_ERR_UNSUPPORTED, "strings", err);
    case 9:
        if ((s = fct_pb_want(m, f, 2, "raw data", err))) return s;
        t->raw = f->data, t->raw_len = f->len, t->has_raw = true;
        return FCT_OK;
    case 13:
        return bad_tensor(m, t, FCT_ERR_UNSUPPORTED, "its data is in another file (external data)", err);
    case 14:
        return f->value ? bad_tensor(m, t, FCT_ERR_UNSUPPORTED, "its data is in another file (external data)", err)
                        : FCT_OK;
    default:
        return FCT_OK;
    }
}

/* Finds the parts of the message without copying any of them. */
static fct_status scan(fct_pb m, tensor_scan *t, fct_pb_field *name, fct_error *err) {
    fct_pb_field f;
    bool more = true;
    fct_status s;
    for (fct_pb names = m; !(s = fct_pb_next(&names, &f, &more, err)) && more;)
        if (f.number == 8 && f.wire == 2) {
            size_t n = f.len < sizeof t->label - 1 ? f.len : sizeof t->label - 1;
            memcpy(t->label, f.data, n);
            t->label[n] = 0;
            if (name) *name = f;
        }
    more = !s;
    while (more && !(s = fct_pb_next(&m, &f, &more, err)) && more)
        if ((s = scan_field(&m, &f, t, err))) return s;
    return s;
}

/* Puts one element of a typed field into slot i, in the form of the result. */
static void put(const tensor_scan *t, void *out, size_t i, uint64_t v) {
    uint32_t w = (uint32_t)v;
    uint16_t h = (uint16_t)v;
    if (t->type == 1) memcpy((char *)out + 4 * i, &w, 4);
    else if (t->type == 10) memcpy((char *)out + 2 * i, &h, 2);
    else memcpy((char *)out + 8 * i, &v, 8);
}

/* Decodes the fields of typed data into out: half in 2 bytes, float in 4, all
 * else in 8. Fails unless there are exactly n. */
static fct_status decode_typed(fct_pb m, const tensor_scan *t, void *out, size_t n, fct_error *err) {
    fct_pb_field f;
    bool more = true, ok = true;
    size_t i = 0;
    fct_status s = FCT_OK;
    int fixed = t->typed == 4 ? 4 : t->typed == 10 ? 8 : 0;
    while (ok && !(s = fct_pb_next(&m, &f, &more, err)) && more) {
        if (f.number != t->typed) continue;
        if (f.wire != 2) {
            if (!(ok = i < n && f.wire == (fixed == 4 ? 5 : fixed == 8 ? 1 : 0))) break;
            put(t, out, i++, f.value);
            continue;
        }
        for (const uint8_t *p = f.data, *end = p + f.len; ok && p < end; i++) {
            uint64_t v = 0;
            ok = i < n;
            if (ok && fixed) {
                if (!(ok = end - p >= fixed)) break;
                for (int k = fixed - 1; k >= 0; k--) v = v << 8 | p[k];
                p += fixed;
            } else if (ok) ok = fct_pb_varint(&p, end, &v);
            if (ok) put(t, out, i, v);
        }
    }
    if (s) return s;
    return ok && i == n ? FCT_OK : bad_tensor(&m, t, FCT_ERR_FORMAT, "its data and dimensions differ in length", err);
}

/* Whether the elements that the file lists are as many as its dimensions say. */
static fct_status check_typed(const fct_pb *m, const tensor_scan *t, size_t n, fct_error *err) {
    static const struct {
        uint32_t field;
        int types[8];
    } allowed[] = {{4, {1}}, {5, {2, 3, 4, 5, 6, 9, 10}}, {7, {7}}, {10, {11}}, {11, {12, 13}}};
    for (size_t i = 0; i < 5; i++)
        for (int k = 0; k < 8; k++)
            if (t->typed == allowed[i].field && t->type == allowed[i].types[k])
                return n <= t->typed_bytes
                           ? FCT_OK
                           : bad_tensor(m, t, FCT_ERR_FORMAT, "its data and dimensions differ in length", err);
    return bad_tensor(m, t, FCT_ERR_FORMAT, "its data is not of its type", err);
}

/* Converts listed elements, which protobuf packs or does not. */
static fct_status fill(fct_pb m, const tensor_scan *t, fct_const *c, size_t n, fct_error *err) {
    c->raw_type = t->type;
    if (t->has_raw || !n) {
        if (t->raw_len != n * fct_raw_size(t->type))
            return bad_tensor(&m, t, FCT_ERR_FORMAT, "its data and dimensions differ in length", err);
        c->raw = t->raw;
        return FCT_OK;
    }
    fct_status s = check_typed(&m, t, n, err);
    if (s) return s;
    if (t->typed == 4 && t->typed_fields == 1 && t->packed && t->packed_len == n * 4) {
        c->raw = t->packed;
        return FCT_OK;
    }
    size_t size = t->type == 1 ? 4 : t->type == 10 ? 2 : 8;
    void *p = fct_alloc(n * size);
    if (!p) return fct_fail_nomem(err, t->label, n * size);
    if ((s = decode_typed(m, t, p, n, err))) {
        fct_free(p);
        return s;
    }
    if (t->type == 1 || (size == 8 && t->type != 11)) {
        c->view.data = c->owned = p;
        return FCT_OK;
    }
    /* half and double: let the general conversion make floats of them */
    const fct_tensor_view *v;
    c->raw = p;
    s = fct_const_data(c, &v, err);
    c->raw = NULL;
    fct_free(p);
    return s;
}

/* Raw data and packed floats are used where they lie in the file; everything else is converted into memory of its
 * own. */
fct_status fct_onnx_tensor(fct_pb m, fct_pb_field *name, fct_const **out, fct_error *err) {
    tensor_scan t = {0};
    *out = NULL;
    if (name) *name = (fct_pb_field){0};
    fct_status s = scan(m, &t, name, err);
    if (s) return s;
    if (!fct_raw_size(t.type))
        return fct_fail(err, FCT_ERR_UNSUPPORTED, "%s: tensor '%s' at offset %zu: element type %d", m.file, t.label,
                        fct_pb_offset(&m, m.p), t.type);
    int64_t n = 1;
    for (int i = 0; i < t.rank; i++) {
        if (t.dims[i] && n > FCT_MAX_ELEMENTS / t.dims[i])
            return bad_tensor(&m, &t, FCT_ERR_LIMIT, "more than 2^30 elements", err);
        n *= t.dims[i];
    }
    fct_const *c = fct_calloc(1, sizeof *c);
    if (!c) return fct_fail_nomem(err, t.label, sizeof *c);
    c->view.dtype = type_is_real(t.type) ? FCT_F32 : FCT_I64;
    c->view.rank = t.rank;
    memcpy(c->view.dims, t.dims, sizeof t.dims);
    if ((s = fill(m, &t, c, (size_t)n, err))) {
        fct_const_free(c);
        return s;
    }
    *out = c;
    return FCT_OK;
}

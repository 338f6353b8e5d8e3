/* AttributeProto: 1 name, 2 f, 3 i, 4 s, 5 t, 6 g, 7 floats, 8 ints, 20 type. */
#include "onnx/onnx.h"
#include "base/alloc.h"
#include "base/error.h"
#include <string.h>

fct_status fct_onnx_string(const fct_pb_field *f, char **out, fct_error *err) {
    *out = fct_strndup(f->data ? (const char *)f->data : "", f->len);
    return *out ? FCT_OK : fct_fail_nomem(err, "name", f->len);
}

static float bits_float(uint32_t v) {
    float f;
    memcpy(&f, &v, 4);
    return f;
}

/* Appends one number to floats (size 4) or ints (size 8), in steps of powers of two. */
static bool append(void **list, size_t *count, size_t size, const void *v) {
    size_t n = *count;
    if (!(n & (n - 1))) {
        void *p = fct_realloc_array(*list, n ? 2 * n : 1, size);
        if (!p) return false;
        *list = p;
    }
    memcpy((char *)*list + n * size, v, size);
    ++*count;
    return true;
}

/* floats and ints share one count */
static fct_status two_lists(const fct_pb *m, const fct_pb_field *f, fct_error *err) {
    return fct_fail(err, FCT_ERR_FORMAT, "%s: attribute with two values at offset %zu", m->file,
                    fct_pb_offset(m, f->at));
}

/* Floats come one by one (wire type 5) or packed into one field (wire type 2, little-endian); a file may mix both. */
static fct_status read_floats(const fct_pb *m, const fct_pb_field *f, fct_attr *a, fct_error *err) {
    fct_pb one = fct_pb_sub(m, f);
    bool ok = true;
    if (a->count && a->type != FCT_ATTR_FLOATS) return two_lists(m, f, err);
    if (f->wire == 5) {
        float v = bits_float((uint32_t)f->value);
        ok = append((void **)&a->floats, &a->count, 4, &v);
    } else if (f->wire != 2 || f->len % 4)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: floats at offset %zu", m->file, fct_pb_offset(m, f->at));
    for (size_t i = 0; f->wire == 2 && ok && i < f->len; i += 4) {
        uint32_t v =
            one.p[i] | (uint32_t)one.p[i + 1] << 8 | (uint32_t)one.p[i + 2] << 16 | (uint32_t)one.p[i + 3] << 24;
        float x = bits_float(v);
        ok = append((void **)&a->floats, &a->count, 4, &x);
    }
    a->type = FCT_ATTR_FLOATS;
    return ok ? FCT_OK : fct_fail_nomem(err, "attribute", 0);
}

/* Integers come one by one (wire type 0) or packed into one field of varints (wire type 2). */
static fct_status read_ints(const fct_pb *m, const fct_pb_field *f, fct_attr *a, fct_error *err) {
    bool ok = true;
    int64_t v = (int64_t)f->value;
    if (a->count && a->type != FCT_ATTR_INTS) return two_lists(m, f, err);
    if (f->wire == 0) ok = append((void **)&a->ints, &a->count, 8, &v);
    else if (f->wire != 2)
        return fct_fail(err, FCT_ERR_FORMAT, "%s: integers at offset %zu", m->file, fct_pb_offset(m, f->at));
    if (f->wire == 2)
        for (const uint8_t *p = f->data, *end = p + f->len; ok && p < end;) {
            uint64_t u;
            if (!fct_pb_varint(&p, end, &u))
                return fct_fail(err, FCT_ERR_FORMAT, "%s: integers at offset %zu", m->file, fct_pb_offset(m, f->at));
            v = (int64_t)u;
            ok = append((void **)&a->ints, &a->count, 8, &v);
        }
    a->type = FCT_ATTR_INTS;
    return ok ? FCT_OK : fct_fail_nomem(err, "attribute", 0);
}

/* Hands the tensor to a caller who asks for it; everyone else gets a copy of it in the attribute. */
static fct_status read_tensor(const fct_pb *m, const fct_pb_field *f, fct_attr *a, fct_const **tensor, fct_error *err) {
    fct_const *c;
    const fct_tensor_view *v;
    fct_status s = fct_pb_want(m, f, 2, "tensor", err);
    if (s || (s = fct_onnx_tensor(fct_pb_sub(m, f), NULL, &c, err))) return s;
    a->type = FCT_ATTR_TENSOR;
    if (tensor) {
        fct_const_free(*tensor);
        *tensor = c;
        return FCT_OK;
    }
    if (!(s = fct_const_data(c, &v, err))) {
        size_t n = (size_t)fct_view_count(v) * fct_dtype_size(v->dtype);
        fct_free(a->t.data);
        a->t = *v;
        a->t.data = fct_alloc(n);
        if (a->t.data) memcpy(a->t.data, v->data, n);
        else s = fct_fail_nomem(err, "attribute", n);
    }
    fct_const_free(c);
    return s;
}

static fct_status read_field(const fct_pb *m, const fct_pb_field *f, fct_attr *a, int *declared, fct_const **tensor,
                             fct_error *err) {
    fct_status s = FCT_OK;
    char **text = f->number == 1 ? &a->name : &a->s;
    switch (f->number) {
    case 1:
    case 4:
        if ((s = fct_pb_want(m, f, 2, "attribute text", err))) return s;
        fct_free(*text);
        *text = NULL;
        if (f->number == 4) a->type = FCT_ATTR_STRING;
        return fct_onnx_string(f, text, err);
    case 2:
        a->type = FCT_ATTR_FLOAT;
        a->f = bits_float((uint32_t)f->value);
        return fct_pb_want(m, f, 5, "attribute number", err);
    case 3:
        a->type = FCT_ATTR_INT;
        a->i = (int64_t)f->value;
        return fct_pb_want(m, f, 0, "attribute number", err);
    case 5:
        return read_tensor(m, f, a, tensor, err);
    case 7:
        return read_floats(m, f, a, err);
    case 8:
        return read_ints(m, f, a, err);
    case 20:
        *declared = f->value < 100 ? (int)f->value : 100;
        return FCT_OK;
    default:
        return FCT_OK;
    }
}

/* A field with the default value (0, an empty list) may be left out of the message, so the declared type says what
 * the attribute is. Types that facet has no use for (graphs, strings) keep type 0, which no lookup finds. */
fct_status fct_onnx_attr(fct_pb m, fct_attr *a, fct_const **tensor, fct_error *err) {
    fct_pb_field f;
    bool more = true;
    int declared = 0;
    fct_status s;
    while (!(s = fct_pb_next(&m, &f, &more, err)) && more)
        if ((s = read_field(&m, &f, a, &declared, tensor, err))) return s;
    if (s) return s;
    if (!a->type && declared != FCT_ATTR_TENSOR) a->type = (fct_attr_type)declared;
    if (a->type == FCT_ATTR_TENSOR && !(tensor ? (void *)*tensor : a->t.data)) a->type = (fct_attr_type)0;
    if (!a->name && !(a->name = fct_strdup(""))) return fct_fail_nomem(err, "attribute", 0);
    if (a->type == FCT_ATTR_STRING && !a->s && !(a->s = fct_strdup(""))) return fct_fail_nomem(err, "attribute", 0);
    return FCT_OK;
}

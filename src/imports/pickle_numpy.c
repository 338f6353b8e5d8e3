/* Names of functions and classes, and calls of the few that are known.
 *
 * An array is written as _reconstruct(ndarray, (0,), b'b') and a state (1, shape,
 * dtype, fortran, bytes), or in protocol 5 as _frombuffer(bytes, dtype, shape, order);
 * a dtype as dtype('f4', False, True) and a state (3, '<', ...); a scalar as
 * scalar(dtype, bytes). Bytes are in protocols 0 to 2 a text of Latin 1 that
 * _codecs.encode() turns back. */
#include "base/alloc.h"
#include "base/error.h"
#include "imports/pickle_machine.h"
#include <stdio.h>
#include <string.h>

static const struct known_global {
    const char *module, *name;
    fct_pickle_global id;
} known[] = {{"numpy.core.multiarray", "_reconstruct", FCT_GLOBAL_RECONSTRUCT},
             {"numpy._core.multiarray", "_reconstruct", FCT_GLOBAL_RECONSTRUCT},
             {"numpy", "ndarray", FCT_GLOBAL_NDARRAY},
             {"numpy", "dtype", FCT_GLOBAL_DTYPE},
             {"numpy.core.multiarray", "scalar", FCT_GLOBAL_SCALAR},
             {"numpy._core.multiarray", "scalar", FCT_GLOBAL_SCALAR},
             {"numpy.core.numeric", "_frombuffer", FCT_GLOBAL_FROMBUFFER},
             {"numpy._core.numeric", "_frombuffer", FCT_GLOBAL_FROMBUFFER},
             {"collections", "OrderedDict", FCT_GLOBAL_ORDERED_DICT},
             {"_codecs", "encode", FCT_GLOBAL_ENCODE},
             {"builtins", "bytes", FCT_GLOBAL_BYTES},
             {"__builtin__", "bytes", FCT_GLOBAL_BYTES},
             {"builtins", "bytearray", FCT_GLOBAL_BYTEARRAY},
             {"__builtin__", "bytearray", FCT_GLOBAL_BYTEARRAY}};

static bool equals(const uint8_t *p, size_t n, const char *text) {
    return strlen(text) == n && memcmp(p, text, n) == 0;
}

static fct_status push_global(fct_pickle_machine *m, const uint8_t *module, size_t n_module, const uint8_t *name,
                              size_t n_name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!equals(module, n_module, known[i].module) || !equals(name, n_name, known[i].name)) continue;
        fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_GLOBAL);
        if (v) v->id = (uint8_t)known[i].id;
        return fct_pickle_push(m, v);
    }
    char text[120];
    snprintf(text, sizeof text, "%.*s.%.*s", (int)(n_module < 60 ? n_module : 60), (const char *)module,
             (int)(n_name < 50 ? n_name : 50), (const char *)name);
    return fct_pickle_refuse(m, "", text);
}

static fct_status op_global(fct_pickle_machine *m) {
    const uint8_t *module, *name;
    size_t n_module, n_name;
    fct_status s = fct_pickle_take_line(m, &module, &n_module);
    if (!s) s = fct_pickle_take_line(m, &name, &n_name);
    return s ? s : push_global(m, module, n_module, name, n_name);
}

static bool is_text(const fct_pickle_value *v) { return v->kind == FCT_PICKLE_TEXT || v->kind == FCT_PICKLE_BYTES; }

static fct_status op_stack_global(fct_pickle_machine *m) {
    fct_pickle_value *module, *name;
    fct_status s = fct_pickle_pop(m, &name);
    if (!s) s = fct_pickle_pop(m, &module);
    if (s) return s;
    if (!is_text(module) || !is_text(name)) return fct_pickle_bad(m, "names a function by what is no text");
    return push_global(m, module->bytes.at, module->bytes.size, name->bytes.at, name->bytes.size);
}

/* ---- Arrays ----------------------------------------------------------------------------- */

/* A dtype's short name: '<f4', 'U12', 'O8'. */
static bool parse_type(const fct_pickle_value *v, fct_pickle_dtype *out) {
    uint64_t size = 0;
    if (!is_text(v) || v->bytes.size < 1 || v->bytes.size > 16) return false;
    const uint8_t *p = v->bytes.at, *end = p + v->bytes.size;
    *out = (fct_pickle_dtype){.big_endian = *p == '>'};
    if (strchr("<>|=", *p) && p + 1 < end) p++;
    out->kind = (char)*p++;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9') return false;
        size = size * 10 + (uint64_t)(*p - '0');
        if (size > 1 << 20) return false;
    }
    out->size = (uint32_t)(out->kind == 'U' ? 4 * size : size);
    return strchr("fiubUSO", out->kind) != NULL;
}

static fct_pickle_value *new_array(fct_pickle_machine *m, fct_pickle_kind kind) {
    fct_pickle_value *v = fct_pickle_new(m, kind);
    if (v && !(v->array = fct_calloc(1, sizeof *v->array))) {
        fct_fail_nomem(m->err, m->name, 0);
        return NULL;
    }
    return v;
}

static fct_status read_shape(fct_pickle_machine *m, const fct_pickle_value *shape, fct_pickle_array *a) {
    if (shape->kind != FCT_PICKLE_LIST) return fct_pickle_bad(m, "has an array without a shape");
    if (shape->items.n > FCT_PICKLE_RANK) return fct_pickle_bad(m, "has an array of too many dimensions");
    a->rank = (int)shape->items.n;
    for (int i = 0; i < a->rank; i++) {
        const fct_pickle_value *n = shape->items.at[i];
        if (n->kind != FCT_PICKLE_INT || n->integer < 0) return fct_pickle_bad(m, "has an array of a bad shape");
        a->shape[i] = (size_t)n->integer;
    }
    return FCT_OK;
}

/* Puts the data into an array whose type and shape are known, if it fits. */
static fct_status fill_array(fct_pickle_machine *m, fct_pickle_array *a, const fct_pickle_value *data) {
    size_t n = 1, bytes;
    for (int i = 0; i < a->rank; i++)
        if (!fct_mul_size(n, a->shape[i], &n)) return fct_pickle_bad(m, "has an array of a bad shape");
    if (a->type.kind == 'O') {
        if (data->kind != FCT_PICKLE_LIST || data->items.n != n)
            return fct_pickle_bad(m, "has an array of objects without as many");
        a->objects = data;
        return FCT_OK;
    }
    if (data->kind != FCT_PICKLE_BYTES || !fct_mul_size(n, a->type.size, &bytes) || bytes != data->bytes.size)
        return fct_pickle_bad(m, "has an array whose data does not fit its shape");
    a->data = data->bytes.at;
    a->bytes = bytes;
    return FCT_OK;
}

static fct_status make_from_buffer(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    fct_pickle_value *const *a = args->items.at;
    if (args->items.n != 4 || a[1]->kind != FCT_PICKLE_DTYPE || !is_text(a[3]))
        return fct_pickle_bad(m, "has a bad array");
    fct_pickle_value *v = new_array(m, FCT_PICKLE_ARRAY);
    if (!v) return m->err->code;
    v->array->type = a[1]->array->type;
    v->array->fortran = a[3]->bytes.size == 1 && *a[3]->bytes.at == 'F';
    fct_status s = read_shape(m, a[2], v->array);
    *out = v;
    return s ? s : fill_array(m, v->array, a[0]);
}

static fct_status make_dtype(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    fct_pickle_dtype type;
    if (!args->items.n || !parse_type(args->items.at[0], &type))
        return fct_pickle_bad(m, "has an array of a type that is not known");
    fct_pickle_value *v = new_array(m, FCT_PICKLE_DTYPE);
    if (!v) return m->err->code;
    v->array->type = type;
    *out = v;
    return FCT_OK;
}

/* A scalar is an array without dimensions. */
static fct_status make_scalar(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    if (args->items.n != 2 || args->items.at[0]->kind != FCT_PICKLE_DTYPE) return fct_pickle_bad(m, "has a bad scalar");
    fct_pickle_value *v = new_array(m, FCT_PICKLE_ARRAY);
    if (!v) return m->err->code;
    v->array->type = args->items.at[0]->array->type;
    *out = v;
    return fill_array(m, v->array, args->items.at[1]);
}

/* ---- Other calls ---------------------------------------------------------------------------- */

/* A text whose characters are bytes: encode(text, 'latin1'), bytearray(text, 'latin-1'). */
static fct_status make_encoded(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    fct_pickle_value *const *a = args->items.at;
    if (args->items.n != 2 || a[0]->kind != FCT_PICKLE_TEXT || !is_text(a[1]) ||
        (!equals(a[1]->bytes.at, a[1]->bytes.size, "latin1") && !equals(a[1]->bytes.at, a[1]->bytes.size, "latin-1")))
        return fct_pickle_bad(m, "encodes in a way that is not known");
    fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_BYTES);
    if (!v) return m->err->code;
    uint8_t *p = fct_alloc(a[0]->bytes.size + 1);
    if (!p) return fct_fail_nomem(m->err, m->name, a[0]->bytes.size);
    v->bytes.at = p;
    v->owned = true;
    v->bytes.size = fct_pickle_latin1(a[0]->bytes.at, a[0]->bytes.size, p);
    *out = v;
    if (v->bytes.size != SIZE_MAX) return FCT_OK;
    v->bytes.size = 0;
    return fct_pickle_bad(m, "has bytes above 255");
}

/* bytes(), bytearray(), bytearray(bytes) */
static fct_status make_bytes(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    if (args->items.n == 2) return make_encoded(m, args, out);
    if (args->items.n == 1 && args->items.at[0]->kind == FCT_PICKLE_BYTES) return *out = args->items.at[0], FCT_OK;
    if (args->items.n) return fct_pickle_bad(m, "makes bytes in a way that is not known");
    fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_BYTES);
    if (!v) return m->err->code;
    v->bytes.at = (const uint8_t *)"";
    *out = v;
    return FCT_OK;
}

/* OrderedDict(), or of a list of pairs. */
static fct_status make_dict(fct_pickle_machine *m, const fct_pickle_value *args, fct_pickle_value **out) {
    fct_status s = FCT_OK;
    fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_DICT);
    if (!v) return m->err->code;
    *out = v;
    if (args->items.n == 0) return FCT_OK;
    const fct_pickle_value *pairs = args->items.at[0];
    if (args->items.n != 1 || pairs->kind != FCT_PICKLE_LIST) return fct_pickle_bad(m, "has a bad dictionary");
    for (size_t i = 0; i < pairs->items.n && !s; i++) {
        const fct_pickle_value *p = pairs->items.at[i];
        if (p->kind != FCT_PICKLE_LIST || p->items.n != 2) return fct_pickle_bad(m, "has a bad dictionary");
        s = fct_pickle_append(m, v, p->items.at[0]);
        if (!s) s = fct_pickle_append(m, v, p->items.at[1]);
    }
    return s;
}

static fct_status call(fct_pickle_machine *m, const fct_pickle_value *f, const fct_pickle_value *args,
                       fct_pickle_value **out) {
    switch ((fct_pickle_global)f->id) {
    case FCT_GLOBAL_RECONSTRUCT:
        *out = new_array(m, FCT_PICKLE_ARRAY);
        return *out ? FCT_OK : m->err->code;
    case FCT_GLOBAL_DTYPE:
        return make_dtype(m, args, out);
    case FCT_GLOBAL_SCALAR:
        return make_scalar(m, args, out);
    case FCT_GLOBAL_FROMBUFFER:
        return make_from_buffer(m, args, out);
    case FCT_GLOBAL_ORDERED_DICT:
        return make_dict(m, args, out);
    case FCT_GLOBAL_ENCODE:
        return make_encoded(m, args, out);
    case FCT_GLOBAL_BYTES:
    case FCT_GLOBAL_BYTEARRAY:
        return make_bytes(m, args, out);
    case FCT_GLOBAL_NDARRAY:
        break;
    }
    return fct_pickle_bad(m, "calls what is no function");
}

static fct_status op_reduce(fct_pickle_machine *m) {
    fct_pickle_value *args, *f, *made = NULL;
    fct_status s = fct_pickle_pop(m, &args);
    if (!s) s = fct_pickle_pop(m, &f);
    if (s) return s;
    if (f->kind != FCT_PICKLE_GLOBAL || args->kind != FCT_PICKLE_LIST)
        return fct_pickle_bad(m, "calls what is no function");
    s = call(m, f, args, &made);
    return s ? s : fct_pickle_push(m, made);
}

/* ---- State ------------------------------------------------------------------------------------- */

/* (3, '<', None, None, None, -1, -1, 0): only the byte order matters; records are not read. */
static fct_status build_dtype(fct_pickle_machine *m, fct_pickle_value *v, const fct_pickle_value *state) {
    if (state->kind != FCT_PICKLE_LIST || state->items.n < 2 || !is_text(state->items.at[1]) ||
        state->items.at[1]->bytes.size != 1)
        return fct_pickle_bad(m, "has a bad type of an array");
    v->array->type.big_endian = *state->items.at[1]->bytes.at == '>';
    return FCT_OK;
}

/* (1, shape, dtype, fortran, data) */
static fct_status build_array(fct_pickle_machine *m, fct_pickle_value *v, const fct_pickle_value *state) {
    fct_pickle_value *const *a = state->items.at;
    fct_pickle_array *array = v->array;
    if (state->kind != FCT_PICKLE_LIST || state->items.n != 5 || a[2]->kind != FCT_PICKLE_DTYPE)
        return fct_pickle_bad(m, "has a bad array");
    array->type = a[2]->array->type;
    array->fortran = (a[3]->kind == FCT_PICKLE_BOOL || a[3]->kind == FCT_PICKLE_INT) && a[3]->integer != 0;
    fct_status s = read_shape(m, a[1], array);
    return s ? s : fill_array(m, array, a[4]);
}

static fct_status op_build(fct_pickle_machine *m) {
    fct_pickle_value *state, *v;
    fct_status s = fct_pickle_pop(m, &state);
    if (!s) s = fct_pickle_top(m, &v);
    if (s) return s;
    if (v->kind == FCT_PICKLE_DTYPE) return build_dtype(m, v, state);
    if (v->kind == FCT_PICKLE_ARRAY && !v->array->data && !v->array->objects) return build_array(m, v, state);
    return fct_pickle_bad(m, "gives a state to what has none");
}

/* ---- What is never read ---------------------------------------------------------------------------- */

static fct_status op_instance(fct_pickle_machine *m) {
    const uint8_t *module, *name;
    size_t n_module, n_name;
    char text[120];
    fct_status s = fct_pickle_take_line(m, &module, &n_module);
    if (!s) s = fct_pickle_take_line(m, &name, &n_name);
    if (s) return s;
    snprintf(text, sizeof text, "%.*s.%.*s", (int)(n_module < 60 ? n_module : 60), (const char *)module,
             (int)(n_name < 50 ? n_name : 50), (const char *)name);
    return fct_pickle_refuse(m, "an object of ", text);
}

static fct_status op_object(fct_pickle_machine *m) { return fct_pickle_refuse(m, "an object of a class", ""); }
static fct_status op_extension(fct_pickle_machine *m) { return fct_pickle_refuse(m, "an extension", ""); }
static fct_status op_persistent(fct_pickle_machine *m) { return fct_pickle_refuse(m, "a persistent object", ""); }
static fct_status op_buffer(fct_pickle_machine *m) { return fct_pickle_refuse(m, "data outside the file", ""); }

fct_pickle_op *fct_pickle_call_op(uint8_t code) {
    static fct_pickle_op *const ops[256] = {
        ['c'] = op_global,     [0x93] = op_stack_global, ['R'] = op_reduce,     ['b'] = op_build,
        ['i'] = op_instance,   ['o'] = op_object,        [0x81] = op_object,    [0x92] = op_object,
        [0x82] = op_extension, [0x83] = op_extension,    [0x84] = op_extension, ['P'] = op_persistent,
        ['Q'] = op_persistent, [0x97] = op_buffer,       [0x98] = op_buffer,
    };
    return ops[code];
}

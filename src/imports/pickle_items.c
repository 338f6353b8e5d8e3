/* Instructions that make lists, tuples, sets and dictionaries. */
#include "imports/pickle_machine.h"

static fct_status op_empty_list(fct_pickle_machine *m) {
    return fct_pickle_push(m, fct_pickle_new(m, FCT_PICKLE_LIST));
}
static fct_status op_empty_dict(fct_pickle_machine *m) {
    return fct_pickle_push(m, fct_pickle_new(m, FCT_PICKLE_DICT));
}

/* A list or dictionary of all above the last mark, which goes too. */
static fct_status gather(fct_pickle_machine *m, fct_pickle_kind kind) {
    size_t mark;
    fct_status s = fct_pickle_find_mark(m, &mark);
    if (s) return s;
    if (kind == FCT_PICKLE_DICT && (m->n_stack - mark - 1) % 2) return fct_pickle_bad(m, "has a key without a value");
    fct_pickle_value *v = fct_pickle_new(m, kind);
    if (!v) return m->err->code;
    for (size_t i = mark + 1; i < m->n_stack && !s; i++) s = fct_pickle_append(m, v, m->stack[i]);
    m->n_stack = mark;
    return s ? s : fct_pickle_push(m, v);
}

static fct_status op_list(fct_pickle_machine *m) { return gather(m, FCT_PICKLE_LIST); }
static fct_status op_dict(fct_pickle_machine *m) { return gather(m, FCT_PICKLE_DICT); }

/* A tuple of the topmost n values. */
static fct_status make_tuple(fct_pickle_machine *m, size_t n) {
    fct_pickle_value *v = fct_pickle_new(m, FCT_PICKLE_LIST);
    fct_status s = v ? FCT_OK : m->err->code;
    if (!s && m->n_stack < n) s = fct_pickle_bad(m, "finds nothing on the stack");
    for (size_t i = 0; i < n && !s; i++) {
        fct_pickle_value *item = m->stack[m->n_stack - n + i];
        s = item->kind == FCT_PICKLE_MARK ? fct_pickle_bad(m, "finds a mark") : fct_pickle_append(m, v, item);
    }
    if (s) return s;
    m->n_stack -= n;
    return fct_pickle_push(m, v);
}

static fct_status op_tuple1(fct_pickle_machine *m) { return make_tuple(m, 1); }
static fct_status op_tuple2(fct_pickle_machine *m) { return make_tuple(m, 2); }
static fct_status op_tuple3(fct_pickle_machine *m) { return make_tuple(m, 3); }

/* Adds all from the place `from` of the stack to the value below it. */
static fct_status add_items(fct_pickle_machine *m, size_t from, size_t below, fct_pickle_kind kind) {
    fct_status s = FCT_OK;
    fct_pickle_value *v = below < m->n_stack ? m->stack[below] : NULL;
    if (!v || v->kind != kind) return fct_pickle_bad(m, "adds to what is no list or dictionary");
    if (kind == FCT_PICKLE_DICT && (m->n_stack - from) % 2) return fct_pickle_bad(m, "has a key without a value");
    for (size_t i = from; i < m->n_stack && !s; i++) {
        if (m->stack[i]->kind == FCT_PICKLE_MARK) return fct_pickle_bad(m, "finds a mark");
        s = fct_pickle_append(m, v, m->stack[i]);
    }
    m->n_stack = below + 1;
    return s;
}

static fct_status add_last(fct_pickle_machine *m, size_t n, fct_pickle_kind kind) {
    if (m->n_stack < n + 1) return fct_pickle_bad(m, "finds nothing on the stack");
    return add_items(m, m->n_stack - n, m->n_stack - n - 1, kind);
}

static fct_status add_marked(fct_pickle_machine *m, fct_pickle_kind kind) {
    size_t mark;
    fct_status s = fct_pickle_find_mark(m, &mark);
    if (s) return s;
    if (mark == 0) return fct_pickle_bad(m, "finds nothing on the stack");
    return add_items(m, mark + 1, mark - 1, kind);
}

static fct_status op_append(fct_pickle_machine *m) { return add_last(m, 1, FCT_PICKLE_LIST); }
static fct_status op_appends(fct_pickle_machine *m) { return add_marked(m, FCT_PICKLE_LIST); }
static fct_status op_setitem(fct_pickle_machine *m) { return add_last(m, 2, FCT_PICKLE_DICT); }
static fct_status op_setitems(fct_pickle_machine *m) { return add_marked(m, FCT_PICKLE_DICT); }

fct_pickle_op *fct_pickle_item_op(uint8_t code) {
    static fct_pickle_op *const ops[256] = {
        [']'] = op_empty_list, [')'] = op_empty_list, [0x8f] = op_empty_list, ['}'] = op_empty_dict,
        ['l'] = op_list,       ['t'] = op_list,       [0x91] = op_list,       ['d'] = op_dict,
        [0x85] = op_tuple1,    [0x86] = op_tuple2,    [0x87] = op_tuple3,     ['a'] = op_append,
        ['e'] = op_appends,    [0x90] = op_appends,   ['s'] = op_setitem,     ['u'] = op_setitems,
    };
    return ops[code];
}

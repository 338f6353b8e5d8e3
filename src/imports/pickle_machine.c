/* The machine: stack, memo, and the loop over instructions. */
#include "imports/pickle_machine.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include <string.h>

fct_status fct_pickle_bad(fct_pickle_machine *m, const char *what) {
    return fct_fail(m->err, FCT_ERR_FORMAT, "%s: byte %zu %s", m->name, m->op_at, what);
}

fct_status fct_pickle_refuse(fct_pickle_machine *m, const char *what, const char *name) {
    return fct_fail(m->err, FCT_ERR_UNSUPPORTED,
                    "%s: byte %zu asks for %s%s; only plain values and NumPy arrays are read, and nothing is executed",
                    m->name, m->op_at, what, name);
}

static fct_status no_memory(fct_pickle_machine *m) { return fct_fail_nomem(m->err, m->name, 0); }

fct_pickle_value *fct_pickle_new(fct_pickle_machine *m, fct_pickle_kind kind) {
    fct_pickle_doc *d = m->doc;
    if (m->n_values++ >= FCT_PICKLE_MOST_VALUES) {
        fct_fail(m->err, FCT_ERR_LIMIT, "%s: more than %zu values", m->name, FCT_PICKLE_MOST_VALUES);
        return NULL;
    }
    if (!d->blocks || d->blocks->n == FCT_PICKLE_BLOCK) {
        fct_pickle_block *b = fct_alloc(sizeof *b);
        if (!b) return no_memory(m), NULL;
        b->next = d->blocks;
        b->n = 0;
        d->blocks = b;
    }
    fct_pickle_value *v = &d->blocks->values[d->blocks->n++];
    *v = (fct_pickle_value){.kind = (uint8_t)kind};
    return v;
}

fct_status fct_pickle_push(fct_pickle_machine *m, fct_pickle_value *v) {
    if (!v) return m->err ? m->err->code : FCT_ERR_NOMEM;
    fct_pickle_value **p = fct_grow(m->stack, &m->cap_stack, m->n_stack + 1, sizeof *p);
    if (!p) return no_memory(m);
    m->stack = p;
    m->stack[m->n_stack++] = v;
    return FCT_OK;
}

fct_status fct_pickle_top(fct_pickle_machine *m, fct_pickle_value **out) {
    *out = m->n_stack ? m->stack[m->n_stack - 1] : NULL;
    if (!*out || (*out)->kind == FCT_PICKLE_MARK) return fct_pickle_bad(m, "finds nothing on the stack");
    return FCT_OK;
}

fct_status fct_pickle_pop(fct_pickle_machine *m, fct_pickle_value **out) {
    fct_status s = fct_pickle_top(m, out);
    if (!s) m->n_stack--;
    return s;
}

fct_status fct_pickle_find_mark(fct_pickle_machine *m, size_t *out) {
    for (size_t i = m->n_stack; i-- > 0;)
        if (m->stack[i]->kind == FCT_PICKLE_MARK) return *out = i, FCT_OK;
    return fct_pickle_bad(m, "finds no mark on the stack");
}

fct_status fct_pickle_take(fct_pickle_machine *m, uint64_t n, const uint8_t **out) {
    if (n > m->size - m->at) return fct_pickle_bad(m, "is cut off");
    *out = m->data + m->at;
    m->at += (size_t)n;
    return FCT_OK;
}

fct_status fct_pickle_take_number(fct_pickle_machine *m, int bytes, uint64_t *out) {
    const uint8_t *p = NULL;
    *out = 0;
    fct_status s = fct_pickle_take(m, (uint64_t)bytes, &p);
    for (int i = 0; i < bytes && !s; i++) *out |= (uint64_t)p[i] << 8 * i;
    return s;
}

fct_status fct_pickle_take_line(fct_pickle_machine *m, const uint8_t **out, size_t *n) {
    const uint8_t *end = memchr(m->data + m->at, '\n', m->size - m->at);
    if (!end) return fct_pickle_bad(m, "is cut off");
    *out = m->data + m->at;
    *n = (size_t)(end - *out);
    m->at += *n + 1;
    if (*n && (*out)[*n - 1] == '\r') --*n;
    return FCT_OK;
}

fct_status fct_pickle_append(fct_pickle_machine *m, fct_pickle_value *list, fct_pickle_value *item) {
    fct_pickle_value **p = fct_grow(list->items.at, &list->items.capacity, list->items.n + 1, sizeof *p);
    if (!p) return no_memory(m);
    list->items.at = p;
    list->items.at[list->items.n++] = item;
    return FCT_OK;
}

/* ---- The loop --------------------------------------------------------------------------- */

static fct_status run_instruction(fct_pickle_machine *m) {
    const uint8_t *code = NULL;
    m->op_at = m->at;
    fct_status s = fct_pickle_take(m, 1, &code);
    if (s) return fct_fail(m->err, FCT_ERR_FORMAT, "%s: is cut off: the pickle has no end", m->name);
    fct_pickle_op *op = fct_pickle_value_op(*code);
    if (!op) op = fct_pickle_item_op(*code);
    if (!op) op = fct_pickle_call_op(*code);
    if (op) return op(m);
    if (*code != '.') return fct_pickle_bad(m, "is no instruction of a pickle");
    m->stopped = true;
    return FCT_OK;
}

/* Runs one pickle, up to its stop; its value is put into the root. */
static fct_status run_pickle(fct_pickle_machine *m, fct_pickle_value *root) {
    fct_pickle_value *v;
    fct_status s = FCT_OK;
    m->n_stack = m->n_memo = 0;
    for (m->stopped = false; !m->stopped && !s;) s = run_instruction(m);
    if (!s) s = fct_pickle_pop(m, &v);
    return s ? s : fct_pickle_append(m, root, v);
}

fct_status fct_pickle_read(const uint8_t *data, size_t size, const char *name, fct_pickle_doc **out, fct_error *err) {
    fct_error own;
    fct_pickle_machine m = {.name = name, .data = data, .size = size, .err = err ? err : &own};
    *out = NULL;
    m.doc = fct_calloc(1, sizeof *m.doc);
    if (!m.doc) return fct_fail_nomem(err, name, 0);
    fct_pickle_value *all = fct_pickle_new(&m, FCT_PICKLE_LIST);
    fct_status s = all ? FCT_OK : m.err->code;
    if (!s && !size) s = fct_fail(err, FCT_ERR_FORMAT, "%s: is empty", name);
    while (!s && m.at < m.size) s = run_pickle(&m, all);
    fct_free(m.stack);
    fct_free(m.memo);
    if (s) {
        fct_pickle_free(m.doc);
        return s;
    }
    m.doc->root = all->items.n == 1 ? all->items.at[0] : all;
    *out = m.doc;
    return FCT_OK;
}

const fct_pickle_value *fct_pickle_root(const fct_pickle_doc *doc) { return doc->root; }

static void free_value(fct_pickle_value *v) {
    if (v->kind == FCT_PICKLE_LIST || v->kind == FCT_PICKLE_DICT) fct_free(v->items.at);
    if (v->kind == FCT_PICKLE_ARRAY || v->kind == FCT_PICKLE_DTYPE) fct_free(v->array);
    if (v->owned) fct_free((void *)(uintptr_t)v->bytes.at);
}

void fct_pickle_free(fct_pickle_doc *doc) {
    if (!doc) return;
    while (doc->blocks) {
        fct_pickle_block *b = doc->blocks;
        doc->blocks = b->next;
        for (size_t i = 0; i < b->n; i++) free_value(&b->values[i]);
        fct_free(b);
    }
    fct_free(doc);
}

/* Inside of the pickle reader: the machine and what its instructions share. */
#ifndef FCT_IMPORTS_PICKLE_MACHINE_H
#define FCT_IMPORTS_PICKLE_MACHINE_H

#include "imports/pickle.h"

enum { FCT_PICKLE_BLOCK = 512 };
#define FCT_PICKLE_MOST_VALUES ((size_t)1 << 25)

typedef struct fct_pickle_block {
    struct fct_pickle_block *next;
    size_t n;
    fct_pickle_value values[FCT_PICKLE_BLOCK];
} fct_pickle_block;

struct fct_pickle_doc {
    fct_pickle_block *blocks;
    fct_pickle_value *root;
};

/* Functions and classes that are known; the order is that of the table in pickle_numpy.c. */
typedef enum fct_pickle_global {
    FCT_GLOBAL_RECONSTRUCT,
    FCT_GLOBAL_NDARRAY,
    FCT_GLOBAL_DTYPE,
    FCT_GLOBAL_SCALAR,
    FCT_GLOBAL_FROMBUFFER,
    FCT_GLOBAL_ORDERED_DICT,
    FCT_GLOBAL_ENCODE,
    FCT_GLOBAL_BYTES,
    FCT_GLOBAL_BYTEARRAY
} fct_pickle_global;

typedef struct fct_pickle_machine {
    const char *name;
    const uint8_t *data;
    size_t size, at, op_at; /* op_at: where the current instruction begins, for messages */
    fct_pickle_doc *doc;
    size_t n_values;
    fct_pickle_value **stack, **memo;
    size_t n_stack, cap_stack, n_memo, cap_memo;
    bool stopped;
    fct_error *err;
} fct_pickle_machine;

typedef fct_status fct_pickle_op(fct_pickle_machine *m);

/* ---- pickle_machine.c */
fct_status fct_pickle_bad(fct_pickle_machine *m, const char *what);
fct_status fct_pickle_refuse(fct_pickle_machine *m, const char *what, const char *name);
fct_pickle_value *fct_pickle_new(fct_pickle_machine *m,
                                 fct_pickle_kind kind); /* NULL = out of memory, m->err says so */
fct_status fct_pickle_push(fct_pickle_machine *m, fct_pickle_value *v);
fct_status fct_pickle_pop(fct_pickle_machine *m, fct_pickle_value **out); /* not a mark */
fct_status fct_pickle_top(fct_pickle_machine *m, fct_pickle_value **out);
/* The place of the last mark in the stack. */
fct_status fct_pickle_find_mark(fct_pickle_machine *m, size_t *out);
/* n bytes at the machine's place, which moves behind them. */
fct_status fct_pickle_take(fct_pickle_machine *m, uint64_t n, const uint8_t **out);
fct_status fct_pickle_take_number(fct_pickle_machine *m, int bytes, uint64_t *out); /* little-endian */
/* A line without its line feed. */
fct_status fct_pickle_take_line(fct_pickle_machine *m, const uint8_t **out, size_t *n);
fct_status fct_pickle_append(fct_pickle_machine *m, fct_pickle_value *list, fct_pickle_value *item);

/* ---- pickle_values.c, pickle_items.c, pickle_numpy.c: instructions by their code; NULL = none of theirs */
fct_pickle_op *fct_pickle_value_op(uint8_t code);
fct_pickle_op *fct_pickle_item_op(uint8_t code);
fct_pickle_op *fct_pickle_call_op(uint8_t code);

/* ---- pickle_text.c */
/* A text written by Python's repr() ("'a\\n'"), as bytes; out holds n bytes at least. SIZE_MAX = it is none. */
size_t fct_pickle_unquote(const uint8_t *text, size_t n, uint8_t *out);
/* Raw-unicode-escape (\uXXXX, Latin 1 otherwise) as UTF-8; out holds 2 n bytes at least. SIZE_MAX = it is none. */
size_t fct_pickle_unescape(const uint8_t *text, size_t n, uint8_t *out);
/* UTF-8 whose characters are all below 256, as bytes; out holds n. SIZE_MAX = it is none. */
size_t fct_pickle_latin1(const uint8_t *text, size_t n, uint8_t *out);

#endif
